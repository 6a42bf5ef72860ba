// weights.c - dogbreed weights list, convert, verify.
#include "remote.h"

#include <stdlib.h>
#include <string.h>

static void print_list(const json_t *list) {
    const json_t *tensors = json_object_get(list, "tensors");
    const json_t *tensor = NULL;
    size_t i = 0;
    json_array_foreach(tensors, i, tensor) {
        char *shape = json_dumps(json_object_get(tensor, "shape"), JSON_ENCODE_ANY);
        out("%-48s %-5s %s\n", text_of(tensor, "name"), text_of(tensor, "dtype"),
            shape == NULL ? "" : shape);
        free(shape);
    }
    out("%s: %s, %zu tensors, %lld bytes, sha256 %s\n", text_of(list, "file"),
        text_of(list, "format"), json_array_size(tensors), (long long)integer_of(list, "bytes"),
        text_of(list, "sha256"));
}

static int run_list(tool *t) {
    char *text = NULL;
    int rc = dogbreed_weights_list(&text, t->words[0]);
    if (rc < 0) {
        return fail(t, PHASE_MODEL, rc);
    }
    out_result(t, parse_json(text), print_list);
    return TOOL_OK;
}

static int run_convert(tool *t) {
    int rc = dogbreed_weights_convert(t->words[0], t->words[1]);
    if (rc < 0) {
        return fail(t, PHASE_MODEL, rc);
    }
    char *from = strdup(remote_name(t, t->words[0]));
    out_written(t, "from", from == NULL ? t->words[0] : from, "to", remote_name(t, t->words[1]));
    free(from);
    return TOOL_OK;
}

static int is_ok(const json_t *report) {
    return json_is_true(json_object_get(report, "ok"));
}

static void print_report(const json_t *report) {
    static const char *const lists[] = {"problems", "missing", "unexpected", "mismatched"};
    for (size_t l = 0; l < sizeof lists / sizeof lists[0]; l++) {
        const json_t *entry = NULL;
        size_t i = 0;
        json_array_foreach(json_object_get(report, lists[l]), i, entry) {
            out("%s: %s\n", lists[l], json_is_string(entry) ? json_string_value(entry) : "?");
        }
    }
    out("%s: %s\n", text_of(report, "file"), is_ok(report) ? "ok" : "does not fit");
}

static int run_verify(tool *t) {
    char *text = NULL;
    int rc = dogbreed_weights_verify(&text, t->words[0], value_of(t, "arch"));
    if (rc < 0) {
        return fail(t, PHASE_MODEL, rc);
    }
    json_t *report = parse_json(text);
    rc = is_ok(report) ? TOOL_OK : TOOL_MODEL;
    out_result(t, report, print_report);
    return rc;
}

static const flag verify_flags[] = {
    {"arch", "NAME", "compare names and shapes with this network", 0},
    {NULL, NULL, NULL, 0},
};

const command command_weights_list = {
    .name = "weights list",
    .arguments = "FILE [OPTIONS...]",
    .summary = "tensors of a .safetensors, .pth or .pt file",
    .examples = "  dogbreed weights list resnet18.pth\n"
                "  dogbreed weights list model.safetensors --json\n",
    .flags = no_flags,
    .kinds = {DOGBREED_KIND_STORE},
    .words_min = 1,
    .words_max = 1,
    .remote_words = 1,
    .run = run_list,
};

const command command_weights_convert = {
    .name = "weights convert",
    .arguments = "FROM TO [OPTIONS...]",
    .summary = "write the tensors of a file in another format",
    .examples = "  dogbreed weights convert resnet18.pth resnet18.safetensors\n"
                "  dogbreed weights convert model.safetensors model.pth\n",
    .flags = no_flags,
    .kinds = {DOGBREED_KIND_STORE},
    .words_min = 2,
    .words_max = 2,
    .remote_words = 1,
    .remote_out = OUT_FILE,
    .remote_word = 2,
    .run = run_convert,
};

const command command_weights_verify = {
    .name = "weights verify",
    .arguments = "FILE [--arch NAME] [OPTIONS...]",
    .summary = "read every byte, check numbers, names and shapes",
    .examples = "  dogbreed weights verify model.safetensors\n"
                "  dogbreed weights verify resnet18.pth --arch resnet18\n",
    .flags = verify_flags,
    .kinds = {DOGBREED_KIND_STORE},
    .words_min = 1,
    .words_max = 1,
    .remote_words = 1,
    .run = run_verify,
};
