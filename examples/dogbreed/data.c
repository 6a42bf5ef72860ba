// data.c - dogbreed data check: what a folder of images holds and what is wrong with it.
#include "tool.h"

#include <string.h>

static int run(tool *t) {
    dogbreed_dataset *dataset = NULL;
    char *text = NULL;
    int rc = dogbreed_dataset_open(&dataset, t->words[0], &t->settings.dataset);
    if (rc == DOGBREED_OK) {
        rc = dogbreed_dataset_check(&text, dataset, &t->settings.check);
    }
    dogbreed_dataset_destroy(dataset);
    if (rc < 0) {
        return fail(t, PHASE_DATA, rc);
    }
    json_t *report = parse_json(text);
    int invalid = strcmp(text_of(report, "verdict"), "invalid") == 0;
    out_result(t, report, out_tree);
    return invalid ? TOOL_DATA : TOOL_OK;
}

const command command_data_check = {
    .name = "data check",
    .arguments = "DIR [OPTIONS...]",
    .summary = "counts, balance, broken files, duplicates, leakage",
    .examples = "  dogbreed data check PHOTOS\n"
                "  dogbreed data check PHOTOS --no-decode --json\n",
    .flags = no_flags,
    .kinds = {DOGBREED_KIND_DATASET, DOGBREED_KIND_CHECK, DOGBREED_KIND_STORE},
    .words_min = 1,
    .words_max = 1,
    .remote_words = 1,
    .run = run,
};
