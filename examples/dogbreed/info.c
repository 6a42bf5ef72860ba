// info.c - dogbreed info: what this build consists of. Opens no engine.
#include "tool.h"

static int run(tool *t) {
    char *text = NULL;
    int rc = dogbreed_build_info(&text);
    if (rc < 0) {
        return fail(t, PHASE_OTHER, rc);
    }
    json_t *info = parse_json(text);
    if (t->json) {
        out_json(info);
    } else {
        out_tree(info);
        json_decref(info);
    }
    return TOOL_OK;
}

static const flag flags[] = {{NULL, NULL, NULL, 0}};

const command command_info = {
    .name = "info",
    .arguments = "[OPTIONS...]",
    .summary = "version, compiler, engines and libraries of this build",
    .examples = "  dogbreed info\n"
                "  dogbreed info --json\n",
    .flags = flags,
    .run = run,
};
