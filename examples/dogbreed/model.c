// model.c - dogbreed model info, export, list.
#include "tool.h"

#include <stdio.h>
#include <string.h>

// "32x112x112"
static void shape_text(char out[48], const json_t *shape) {
    size_t used = 0;
    size_t index = 0;
    json_t *side = NULL;
    out[0] = '\0';
    json_array_foreach(shape, index, side) {
        int added = snprintf(out + used, 48 - used, "%s%lld", index == 0 ? "" : "x",
                             (long long)json_integer_value(side));
        used += added < 0 ? 0 : (size_t)added;
        used = used < 48 ? used : 47;
    }
}

static void out_step(const json_t *step) {
    char input[48];
    char output[48];
    size_t index = 0;
    json_t *node = NULL;
    shape_text(input, json_object_get(step, "input"));
    shape_text(output, json_object_get(step, "output"));
    out("%-17s %12s %12s %9.2f %9.1f %9.1f  ", text_of(step, "kernel"), input, output,
        (double)integer_of(step, "multiply_adds") / 1e6,
        (double)integer_of(step, "weight_bytes") / 1024,
        (double)integer_of(step, "scratch_bytes") / 1024);
    json_array_foreach(json_object_get(step, "nodes"), index, node) {
        const char *activation = text_of(node, "activation");
        out("%s%s%s%s", index == 0 ? "" : ", ", text_of(node, "name"),
            *activation == '\0' ? "" : " + ", activation);
    }
    out("%s\n", json_is_true(json_object_get(step, "adds")) ? " + add" : "");
}

static void out_plan(const json_t *plan) {
    size_t index = 0;
    json_t *step = NULL;
    out("%s on engine %s, %s, %s\n", text_of(plan, "architecture"), text_of(plan, "engine"),
        text_of(plan, "instruction_set"), text_of(plan, "dtype"));
    out("%-17s %12s %12s %9s %9s %9s  %s\n", "kernel", "input", "output", "M mul-add", "weights K",
        "scratch K", "layers");
    json_array_foreach(json_object_get(plan, "steps"), index, step) {
        out_step(step);
    }
    out("%zu steps, %.1f M multiply-adds, %.1f MiB of weights; per thread %.1f MiB of values and "
        "%.1f KiB of scratch\n",
        json_array_size(json_object_get(plan, "steps")),
        (double)integer_of(plan, "multiply_adds") / 1e6,
        (double)integer_of(plan, "weight_bytes") / (1 << 20),
        (double)integer_of(plan, "value_bytes") / (1 << 20),
        (double)integer_of(plan, "scratch_bytes") / 1024);
}

static int run_info(tool *t) {
    const int plan = is_on(t, "plan", 0);
    const char *dtype = value_of(t, "dtype");
    dogbreed_predictor_options *as = &t->settings.predictor; // what predict would run
    dogbreed_model *model = NULL;
    char *text = NULL;
    if (dtype != NULL && dogbreed_options_set(as, "dtype", dtype) < 0) {
        return usage_error(t, "--dtype %s is unknown; use auto, f32, bf16 or int8", dtype);
    }
    if (!plan && dtype != NULL) {
        return usage_error(t, "--dtype belongs to --plan");
    }
    int rc = dogbreed_model_load(&model, t->words[0]);
    if (rc == DOGBREED_OK) {
        rc = plan ? dogbreed_model_plan(&text, model, as->dtype)
                  : dogbreed_model_summary(&text, model);
    }
    dogbreed_model_destroy(model);
    if (rc < 0) {
        return fail(t, PHASE_MODEL, rc);
    }
    out_result(t, parse_json(text), plan ? out_plan : out_tree);
    return TOOL_OK;
}

static int is_archive(const char *path, const char *format) {
    static const char ending[] = ".tar.gz";
    size_t length = strlen(path);
    size_t size = sizeof ending - 1;
    return format != NULL ? strcmp(format, ending + 1) == 0
                          : length > size && strcmp(path + length - size, ending) == 0;
}

static int run_export(tool *t) {
    const char *path = value_of(t, "out");
    const char *format = value_of(t, "format");
    dogbreed_model *model = NULL;
    if (path == NULL) {
        return usage_error(t, "--out FILE is missing: where to write");
    }
    int rc = dogbreed_model_load(&model, t->words[0]);
    if (rc < 0) {
        return fail(t, PHASE_MODEL, rc);
    }
    // An archive has the model card in it too.
    rc = is_archive(path, format) ? dogbreed_job_pack(path, t->words[0])
                                  : dogbreed_model_export(model, path, format);
    dogbreed_model_destroy(model);
    if (rc < 0) {
        return fail(t, PHASE_OTHER, rc);
    }
    out_written(t, "model", t->words[0], "out", path);
    return TOOL_OK;
}

static int run_list(tool *t) {
    json_t *all = json_array();
    dogbreed_architecture a = {.struct_size = sizeof a};
    if (!t->json) {
        out("%-16s %12s %14s %9s %6s  %s\n", "architecture", "parameters", "multiply-adds",
            "features", "input", "stages (for --freeze)");
    }
    for (int32_t i = 0; i < dogbreed_architecture_count(); i++) {
        if (dogbreed_architecture_info(&a, i) < 0) {
            continue;
        }
        if (!t->json) {
            out("%-16s %12lld %14lld %9d %6d  %s\n", a.name, (long long)a.parameter_count,
                (long long)a.multiply_add_count, (int)a.feature_size, (int)a.input_size, a.stages);
        }
        (void)json_array_append_new(
            all, json_pack("{s:s,s:s,s:I,s:I,s:i,s:i,s:i,s:s}", "name", a.name, "family", a.family,
                           "parameters", (json_int_t)a.parameter_count, "multiply_adds",
                           (json_int_t)a.multiply_add_count, "features", (int)a.feature_size,
                           "input_size", (int)a.input_size, "resize", (int)a.resize, "stages",
                           a.stages));
    }
    if (t->json) {
        out_json(all);
    } else {
        json_decref(all);
    }
    return TOOL_OK;
}

static const flag info_flags[] = {
    {"plan", NULL, "what engine native makes of the network, step by step", 0},
    {"dtype", "NAME", "of --plan: auto, f32, bf16 or int8; default auto, as in predict", 0},
    {NULL, NULL, NULL, 0},
};

static const flag export_flags[] = {
    {"out", "FILE", "the file to write", 0},
    {"format", "NAME", "safetensors, pth or tar.gz; default: by the ending of the file", 0},
    {NULL, NULL, NULL, 0},
};

const command command_model_info = {
    .name = "model info",
    .arguments = "MODEL [OPTIONS...]",
    .summary = "network, classes, preprocessing and results of a model",
    .examples = "  dogbreed model info runs/a\n"
                "  dogbreed model info runs/a/model.safetensors --json\n"
                "  dogbreed model info runs/a --plan\n",
    .flags = info_flags,
    .kinds = {DOGBREED_KIND_STORE},
    .words_min = 1,
    .words_max = 1,
    .remote_words = 1,
    .run = run_info,
};

const command command_model_export = {
    .name = "model export",
    .arguments = "MODEL --out FILE [--format NAME] [OPTIONS...]",
    .summary = "write the weights for other programs",
    .examples = "  dogbreed model export runs/a --format pth --out m.pth\n"
                "  dogbreed model export runs/a --out m.safetensors\n"
                "  dogbreed model export runs/a --out model.tar.gz\n",
    .flags = export_flags,
    .kinds = {DOGBREED_KIND_STORE},
    .words_min = 1,
    .words_max = 1,
    .remote_words = 1,
    .remote_out = OUT_FILE,
    .run = run_export,
};

const command command_model_list = {
    .name = "model list",
    .arguments = "[OPTIONS...]",
    .summary = "architectures that --arch accepts",
    .examples = "  dogbreed model list\n",
    .flags = no_flags,
    .run = run_list,
};
