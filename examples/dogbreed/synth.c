// synth.c - dogbreed synth: draws a small data set for demonstrations and tests.
#include "remote.h"

static int run(tool *t) {
    const dogbreed_synth_options *options = &t->settings.synth;
    const char *name = remote_name(t, t->words[0]);
    int rc = dogbreed_dataset_synthesize(t->words[0], options);
    if (rc < 0) {
        return fail(t, PHASE_OTHER, rc);
    }
    if (t->json) {
        out_json(json_pack("{s:o,s:i,s:i,s:i,s:I}", "path", json_text(name), "classes",
                           (int)options->classes, "per_class", (int)options->per_class, "size",
                           (int)options->size, "seed", (json_int_t)options->seed));
    } else {
        out("%s: %d classes, %d pictures of %d x %d pixels\n", name, (int)options->classes,
            (int)(options->classes * options->per_class), (int)options->size, (int)options->size);
    }
    return TOOL_OK;
}

const command command_synth = {
    .name = "synth",
    .arguments = "DIR [OPTIONS...]",
    .summary = "draw a small data set of shapes, colours and textures",
    .examples = "  dogbreed synth shapes\n"
                "  dogbreed synth shapes --classes 8 --per-class 60 --seed 1\n",
    .flags = no_flags,
    .kinds = {DOGBREED_KIND_SYNTH, DOGBREED_KIND_STORE},
    .remote_out = OUT_RUN,
    .remote_word = 1,
    .words_min = 1,
    .words_max = 1,
    .run = run,
};
