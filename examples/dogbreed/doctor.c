// doctor.c - dogbreed doctor: looks at this machine, one line per finding.
#include "tool.h"

#include <string.h>

static const char *colour_of(const char *status) {
    return strcmp(status, "ok") == 0 ? "green" : strcmp(status, "warning") == 0 ? "yellow" : "red";
}

static void print_finding(const json_t *finding) {
    const char *status = text_of(finding, "status");
    const char *advice = text_of(finding, "advice");
    out("%s%-8s%s %-8s %-16s %s\n", style_out(colour_of(status)), status, style_out("off"),
        text_of(finding, "group"), text_of(finding, "name"), text_of(finding, "value"));
    if (*advice != '\0') {
        out("%-34s %s\n", "", advice);
    }
}

static void print_report(const json_t *report) {
    size_t i = 0;
    const json_t *finding = NULL;
    json_array_foreach(json_object_get(report, "findings"), i, finding) {
        print_finding(finding);
    }
    out("%s\n", text_of(report, "status"));
}

static const flag doctor_flags[] = {
    {"measure", NULL, "how fast this machine computes, which takes a second; on, --no-measure: off",
     0},
    {NULL, NULL, NULL, 0},
};

static int run(tool *t) {
    char *text = NULL;
    int rc = is_on(t, "measure", 1) ? dogbreed_doctor_measure(&text) : dogbreed_doctor(&text);
    if (rc < 0) {
        return fail(t, PHASE_OTHER, rc);
    }
    json_t *report = parse_json(text);
    int bad = strcmp(text_of(report, "status"), "error") == 0;
    out_result(t, report, print_report);
    return bad ? TOOL_FAILED : TOOL_OK;
}

const command command_doctor = {
    .name = "doctor",
    .arguments = "[OPTIONS...]",
    .summary = "check this machine: cores, memory, engines, devices, codecs, speed",
    .examples = "  dogbreed doctor\n"
                "  dogbreed doctor --no-measure --json\n",
    .flags = doctor_flags,
    .run = run,
};
