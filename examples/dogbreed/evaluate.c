// evaluate.c - dogbreed evaluate: a model on one split of a data set.
#include "training.h"
#include "remote.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

json_t *evaluation_json(char *text) {
    static const char *const first[] = {"split",    "count",     "correct", "top1",
                                        "top1_low", "top1_high", "top5",    "loss"};
    json_t *report = parse_json(text);
    json_t *sorted = json_object();
    for (size_t i = 0; i < sizeof first / sizeof first[0]; i++) {
        json_t *value = json_object_get(report, first[i]);
        if (value != NULL) {
            (void)json_object_set(sorted, first[i], value);
        }
    }
    (void)json_object_update_missing(sorted, report);
    json_decref(report);
    return sorted;
}

void print_evaluation(const json_t *report, const char *label) {
    out("%-15s %.2f %% (%lld/%lld), 95 %% interval %.2f to %.2f %%\n", label,
        100.0 * real_of(report, "top1"), (long long)integer_of(report, "correct"),
        (long long)integer_of(report, "count"), 100.0 * real_of(report, "top1_low"),
        100.0 * real_of(report, "top1_high"));
    out("%-15s %.2f %%\n%-15s %.4f\n", "top-5", 100.0 * real_of(report, "top5"), "loss",
        real_of(report, "loss"));
    const json_t *calibration = json_object_get(report, "calibration");
    const json_t *scaled = json_object_get(calibration, "scaled");
    const json_t *roc = json_object_get(report, "roc");
    out("%-15s %.2f %%", "calibration", 100.0 * real_of(calibration, "ece"));
    if (scaled != NULL) {
        out(" expected error; %.2f %% at temperature %.3f", 100.0 * real_of(scaled, "ece"),
            real_of(calibration, "temperature"));
    }
    out("\n");
    if (json_is_number(json_object_get(roc, "auc"))) {
        out("%-15s %.2f %%, average precision %.2f %%\n", "area under ROC",
            100.0 * real_of(roc, "auc"), 100.0 * real_of(roc, "average_precision"));
    }
}

// The run directory that the model and the data are those of, or NULL.
static const char *own_run(const tool *t) {
    char path[4096];
    const char *run = t->words[0];
    (void)snprintf(path, sizeof path, "%s/config.json", run);
    return t->own_data && access(path, F_OK) == 0 ? run : NULL;
}

// Into the run. One in the store that may only be read is evaluated all the same.
static void keep(tool *t, const char *run, json_t *report) {
    const char *split = text_of(report, "split");
    char names[3][80] = {"evaluation.json", "predictions.csv", "evaluation"};
    int count = 3;
    if (strcmp(split, "test") != 0) {
        (void)snprintf(names[0], sizeof names[0], "evaluation-%s.json", split);
        (void)snprintf(names[1], sizeof names[1], "predictions-%s.csv", split);
        count = 2;
    }
    keep_evaluation(run, report);
    for (int i = 0; i < count; i++) {
        char path[4200];
        (void)snprintf(path, sizeof path, "%s/%s", run, names[i]);
        if (remote_keep(t, path) < 0) {
            warn("not kept there: %s", dogbreed_error_message());
            return;
        }
    }
}

static int evaluate(tool *t, const dogbreed_model *model, const dogbreed_dataset *split) {
    dogbreed_evaluation result = {.struct_size = sizeof result};
    char *text = NULL;
    const char *run = own_run(t);
    int wanted = t->settings.evaluate.predictions;
    t->settings.evaluate.predictions = wanted || run != NULL;
    int rc = dogbreed_evaluate(&result, &text, model, split, &t->settings.evaluate);
    if (rc < 0) {
        return fail(t, rc == DOGBREED_ERROR_MISMATCH ? PHASE_DATA : PHASE_OTHER, rc);
    }
    json_t *report = evaluation_json(text);
    if (run != NULL) {
        keep(t, run, report);
    }
    if (!wanted) {
        (void)json_object_del(report, "predictions");
    }
    const char *path = value_of(t, "out");
    if (path != NULL &&
        json_dump_file(report, path, JSON_INDENT(2) | JSON_REAL_PRECISION(15)) != 0) {
        json_decref(report);
        return fail_with(t, TOOL_FAILED, "--out %s: cannot be written", path);
    }
    if (t->json) {
        out_json(report);
        return TOOL_OK;
    }
    char label[64];
    (void)snprintf(label, sizeof label, "%s accuracy", text_of(report, "split"));
    print_evaluation(report, label);
    json_decref(report);
    return TOOL_OK;
}

int on_split(tool *t, const char *name,
             int (*work)(tool *t, const dogbreed_model *model, const dogbreed_dataset *split)) {
    dogbreed_model *model = NULL;
    dogbreed_dataset *dataset = NULL;
    dogbreed_dataset *split = NULL;
    int exit_code = TOOL_OK;
    int rc = dogbreed_model_load(&model, t->words[0]);
    if (rc < 0) {
        return fail(t, PHASE_MODEL, rc);
    }
    rc = dogbreed_dataset_open(&dataset, value_of(t, "data"), &t->settings.dataset);
    if (rc == DOGBREED_OK) {
        rc = dogbreed_dataset_split(&split, dataset, name);
    }
    exit_code = rc < 0 ? fail(t, PHASE_DATA, rc) : work(t, model, split);
    dogbreed_dataset_destroy(split);
    dogbreed_dataset_destroy(dataset);
    dogbreed_model_destroy(model);
    return exit_code;
}

static int run(tool *t) {
    const char *name = value_of(t, "split");
    if (value_of(t, "data") == NULL) {
        return usage_error(t,
                           "--data DIR is missing, and %s does not name the data it was trained "
                           "on",
                           t->words[0]);
    }
    return on_split(t, name == NULL ? "test" : name, evaluate);
}

// A run directory knows its data set and how that was split: a folder without splits must be drawn
// with the same seed and shares, or pictures that were trained on would be tested.
int base_of_run(tool *t) {
    char *text = NULL;
    if (t->word_count < 1 || dogbreed_run_config(&text, t->words[0]) < 0) {
        return TOOL_OK; // a model file; its loader has the better message for anything else
    }
    int rc = apply_config(t, text, t->words[0], DOGBREED_KIND_DATASET);
    rc = rc == TOOL_OK ? apply_config(t, text, t->words[0], DOGBREED_KIND_STORE) : rc;
    json_t *config = parse_json(text);
    const char *data = text_of(config, "data");
    if (rc == TOOL_OK && value_of(t, "data") == NULL && *data != '\0') {
        set_value(t, "data", data);
        t->own_data = 1;
    }
    json_decref(config);
    return rc;
}

static const flag flags[] = {
    {"data", "DIR", "folder of images; default: what the run was trained on", 1},
    {"split", "NAME", "train, valid or test; default test", 1},
    {"out", "FILE", "also write the report as JSON", 0},
    {NULL, NULL, NULL, 0},
};

const command command_evaluate = {
    .name = "evaluate",
    .arguments = "MODEL|RUN [--data DIR] [--split NAME] [OPTIONS...]",
    .summary = "accuracy with its interval, per class, confusion",
    .examples = "  dogbreed evaluate runs/a\n"
                "  dogbreed evaluate runs/a --data PHOTOS --split test --json\n",
    .flags = flags,
    .kinds = {DOGBREED_KIND_EVALUATE, DOGBREED_KIND_DATASET, DOGBREED_KIND_STORE},
    .words_min = 1,
    .words_max = 1,
    .remote_words = 1,
    .remote_out = OUT_FILE,
    .run = run,
    .base = base_of_run,
};
