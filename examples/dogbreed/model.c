// model.c - dogbreed model info, export, list.
#include "tool.h"

#include <stdio.h>
#include <string.h>

static int run_info(tool *t) {
    dogbreed_model *model = NULL;
    char *text = NULL;
    int rc = dogbreed_model_load(&model, t->words[0]);
    if (rc == DOGBREED_OK) {
        rc = dogbreed_model_summary(&text, model);
    }
    dogbreed_model_destroy(model);
    if (rc < 0) {
        return fail(t, PHASE_MODEL, rc);
    }
    out_result(t, parse_json(text), out_tree);
    return TOOL_OK;
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
    rc = dogbreed_model_export(model, path, format);
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

static const flag export_flags[] = {
    {"out", "FILE", "the file to write", 0},
    {"format", "NAME", "safetensors or pth; default: by the ending of the file", 0},
    {NULL, NULL, NULL, 0},
};

const command command_model_info = {
    .name = "model info",
    .arguments = "MODEL [OPTIONS...]",
    .summary = "network, classes, preprocessing and results of a model",
    .examples = "  dogbreed model info runs/a\n"
                "  dogbreed model info runs/a/model.safetensors --json\n",
    .flags = no_flags,
    .words_min = 1,
    .words_max = 1,
    .run = run_info,
};

const command command_model_export = {
    .name = "model export",
    .arguments = "MODEL --out FILE [--format NAME] [OPTIONS...]",
    .summary = "write the weights for other programs",
    .examples = "  dogbreed model export runs/a --format pth --out m.pth\n"
                "  dogbreed model export runs/a --out m.safetensors\n",
    .flags = export_flags,
    .words_min = 1,
    .words_max = 1,
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
