// info.c - dogbreed info: what this build consists of. Opens no engine.
#include "tool.h"

static int run(tool *t) {
    char *text = NULL;
    int rc = dogbreed_build_info(&text);
    if (rc < 0) {
        return fail(t, PHASE_OTHER, rc);
    }
    out_result(t, parse_json(text), out_tree);
    return TOOL_OK;
}

const command command_info = {
    .name = "info",
    .arguments = "[OPTIONS...]",
    .summary = "version, compiler, engines and libraries of this build",
    .examples = "  dogbreed info\n"
                "  dogbreed info --json\n",
    .flags = no_flags,
    .run = run,
};
