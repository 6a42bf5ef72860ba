// report.c - dogbreed report: what came out of a run as a page, a PDF and a document; and compare:
// runs side by side.
#include "training.h"
#include "paths.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

// Looks at every file of the run's data and keeps the document, which the report reads.
static int check(tool *t, const char *run) {
    dogbreed_dataset *data = NULL;
    char *text = NULL;
    if (!is_on(t, "check", 0)) {
        return TOOL_OK;
    }
    if (value_of(t, "data") == NULL) {
        return usage_error(t, "--check: %s does not name the data it was trained on", run);
    }
    say("checking %s\n", value_of(t, "data"));
    int rc = dogbreed_dataset_open(&data, value_of(t, "data"), &t->settings.dataset);
    rc = rc < 0 ? rc : dogbreed_dataset_check(&text, data, &t->settings.check);
    dogbreed_dataset_destroy(data);
    if (rc < 0) {
        return fail(t, PHASE_DATA, rc);
    }
    json_t *document = parse_json(text);
    write_document(run, "check.json", document);
    json_decref(document);
    return TOOL_OK;
}

static void add_file(json_t *files, const char *run, const char *name, int written) {
    char path[4096];
    (void)snprintf(path, sizeof path, "%s%s%s", *name == '/' ? "" : run, *name == '/' ? "" : "/",
                   name);
    if (written) {
        (void)json_array_append_new(files, json_text(path));
    }
}

static void print_files(const json_t *result) {
    size_t i = 0;
    json_t *file = NULL;
    json_array_foreach(json_object_get(result, "files"), i, file) {
        out("%-15s %s\n", i == 0 ? "report" : "", json_string_value(file));
    }
}

static int is_running(const char *run) {
    char path[4096];
    (void)snprintf(path, sizeof path, "%s/status.json", run);
    json_t *status = json_load_file(path, 0, NULL);
    int running = strcmp(text_of(status, "state"), "running") == 0;
    json_decref(status);
    return running;
}

// Writes again and again while the run goes on; the page loads itself anew.
static int follow(tool *t, const char *run) {
    const struct timespec second = {.tv_sec = 1};
    int32_t wait = t->settings.report.refresh;
    say("watching %s; %s/%s loads itself anew every %d seconds\n", run, run,
        t->settings.report.html_name, (int)wait);
    int rc = DOGBREED_OK;
    for (int running = 1; rc == DOGBREED_OK && running && signals_code() == 0;) {
        running = is_running(run); // before writing: the last page has the end
        rc = dogbreed_report_write(run, &t->settings.report);
        for (int32_t i = 0; running && i < wait && signals_code() == 0; i++) {
            (void)nanosleep(&second, NULL);
        }
    }
    return rc;
}

static int run(tool *t) {
    const char *run = t->words[0];
    dogbreed_report_options *options = &t->settings.report;
    int live = is_on(t, "live", 0);
    options->json = t->json;
    if (live && options->refresh == 0) {
        options->refresh = 5;
    }
    int exit_code = check(t, run);
    if (exit_code != TOOL_OK) {
        return exit_code;
    }
    const stoppable s = {.text = "\nstopping\n"};
    signals_watch(live ? &s : NULL, t->quiet);
    int rc = live ? follow(t, run) : dogbreed_report_write(run, options);
    signals_watch(NULL, t->quiet);
    if (rc < 0) {
        return fail(t, rc == DOGBREED_ERROR_UNSUPPORTED ? PHASE_USAGE : PHASE_DATA, rc);
    }
    json_t *files = json_array();
    add_file(files, run, options->html_name, options->html);
    add_file(files, run, options->pdf_name, options->pdf);
    add_file(files, run, options->json_name, options->json);
    add_file(files, run, "evaluation", options->tensorboard);
    out_result(t,
               json_pack("{s:s,s:o,s:o,s:i}", "command", "report", "run", json_text(run), "files",
                         files, "exit_code", TOOL_OK),
               print_files);
    return signals_code();
}

// Only the check needs the run's own options: a report of a run with options that are not known
// here is a report all the same.
static int base(tool *t) {
    return is_on(t, "check", 0) ? base_of_run(t) : TOOL_OK;
}

static const flag flags[] = {
    {"data", "DIR", "folder of images for --check; default: what the run was trained on", 1},
    {"check", NULL, "look at every file of the data first, and show what was found", 0},
    {"live", NULL, "write it again until the run ends; the page loads itself anew", 0},
    {NULL, NULL, NULL, 0},
};

const command command_report = {
    .name = "report",
    .arguments = "RUN [OPTIONS...]",
    .summary = "what came out of a run: a page, a PDF, a JSON document",
    .examples = "  dogbreed report runs/a\n"
                "  dogbreed report runs/a --pdf --json --check\n"
                "  dogbreed report runs/a --live &\n",
    .flags = flags,
    .kinds = {DOGBREED_KIND_REPORT, DOGBREED_KIND_DATASET},
    .words_min = 1,
    .words_max = 1,
    .run = run,
    .base = base,
};
