// quantize.c - dogbreed model quantize: a model with integers of 8 bits, measured beside the
// original.
#include "tool.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static double megabytes(const char *path) {
    struct stat about;
    return stat(path, &about) == 0 ? (double)about.st_size / 1e6 : 0;
}

static void print_side(const json_t *report, const char *key) {
    const json_t *side = json_object_get(report, key);
    out("%-17s %.2f %% (%lld/%lld), loss %.4f\n", key, 100.0 * real_of(side, "top1"),
        (long long)integer_of(side, "correct"), (long long)integer_of(report, "measured"),
        real_of(side, "loss"));
}

static void print_report(const tool *t, const json_t *report, const char *path) {
    if (json_object_get(report, "after") != NULL) {
        out("accuracy on %s\n", text_of(report, "split"));
        print_side(report, "before");
        print_side(report, "after");
        out("%-17s %.4f on average\n", "logit difference", real_of(report, "logit_difference"));
    }
    out("%s -> %s (%.1f MB)\n", t->words[0], path, megabytes(path));
}

// Draws progress; a signal stops the work before the next batch.
static int on_progress(const dogbreed_event *event, void *userdata) {
    (void)progress_event(event, userdata);
    return signals_code() == 0 ? DOGBREED_OK : DOGBREED_STOP;
}

// The model, while progress is shown and a signal stops it.
static int make(dogbreed_model **out, char **text, tool *t, const dogbreed_model *model,
                const dogbreed_dataset *split) {
    progress *shown = progress_create(t);
    if (shown == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    const stoppable s = {.text = "\nstopping; once more ends at once\n"};
    signals_watch(&s, t->quiet);
    int rc = dogbreed_quantize(out, text, model, split, &t->settings.quantize, on_progress, shown);
    signals_watch(NULL, t->quiet);
    progress_destroy(shown);
    return rc;
}

static int quantize(tool *t, const dogbreed_model *model, const dogbreed_dataset *split) {
    const char *path = value_of(t, "out");
    dogbreed_model *made = NULL;
    char *text = NULL;
    say("%lld pictures of %s; ranges of activations, then the accuracy of both\n",
        (long long)dogbreed_dataset_size(split), value_of(t, "data"));
    int rc = make(&made, &text, t, model, split);
    if (rc == DOGBREED_ERROR_CANCELLED && signals_code() != 0) {
        return signals_code();
    }
    if (rc < 0) {
        return fail(t, rc == DOGBREED_ERROR_MISMATCH ? PHASE_DATA : PHASE_OTHER, rc);
    }
    json_t *report = parse_json(text);
    rc = dogbreed_model_save(made, path);
    dogbreed_model_destroy(made);
    if (rc < 0) {
        json_decref(report);
        return fail(t, PHASE_OTHER, rc);
    }
    if (t->json) {
        (void)json_object_set_new(report, "out", json_text(path));
        out_json(report);
        return TOOL_OK;
    }
    print_report(t, report, path);
    json_decref(report);
    return TOOL_OK;
}

static int run(tool *t) {
    const char *name = value_of(t, "split");
    if (value_of(t, "data") == NULL) {
        return usage_error(t,
                           "--data DIR is missing, and %s does not name the data it was trained on",
                           t->words[0]);
    }
    if (value_of(t, "out") == NULL) {
        return usage_error(t, "--out FILE is missing: where to write the quantised model");
    }
    return on_split(t, name == NULL ? "valid" : name, quantize);
}

static const flag flags[] = {
    {"data", "DIR", "folder of images; default: what the run was trained on", 1},
    {"split", "NAME", "train, valid or test; default valid", 1},
    {"out", "FILE", "the model file to write", 0},
    {NULL, NULL, NULL, 0},
};

const command command_model_quantize = {
    .name = "model quantize",
    .arguments = "MODEL --out FILE [--data DIR] [--split NAME] [OPTIONS...]",
    .summary = "int8 weights and activations, calibrated on pictures; accuracy before and after",
    .examples = "  dogbreed model quantize runs/a --out small.safetensors\n"
                "  dogbreed model quantize m.safetensors --data PHOTOS --out small.safetensors\n",
    .flags = flags,
    .kinds = {DOGBREED_KIND_QUANTIZE, DOGBREED_KIND_DATASET, DOGBREED_KIND_STORE},
    .words_min = 1,
    .words_max = 1,
    .remote_words = 1,
    .remote_out = OUT_FILE,
    .run = run,
    .base = base_of_run,
};
