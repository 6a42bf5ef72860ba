// pretrained.c - weights of a file into a network, by name. Everything but the head must fit; a
// head for other classes is drawn anew.
#include "core/error.h"
#include "core/file.h"
#include "core/hash.h"
#include "model/model_struct.h"

#include <stdio.h>
#include <string.h>

typedef struct source {
    const dogb_weights *file;
    const char *path;
    const char *prefix;     // in front of every name in the file: "module." or ""
    const char *classifier; // names of the original network's head start with this
} source;

enum { SHAPE_TEXT = 192 };

static void shape_text(char out[SHAPE_TEXT], const int64_t *shape, int32_t rank) {
    size_t used = 0;
    out[0] = '\0';
    for (int32_t i = 0; i < rank && used + 24 < SHAPE_TEXT; i++) {
        used += (size_t)snprintf(out + used, SHAPE_TEXT - used, i == 0 ? "%lld" : ", %lld",
                                 (long long)shape[i]);
    }
}

int dogb_model_tensor_fits(const dogb_param *param, const dogb_weight *tensor) {
    if (param->role == DOGB_ROLE_COUNTER) { // some writers store it as [1]
        return tensor->rank == 0 || (tensor->rank == 1 && tensor->shape[0] == 1);
    }
    if (param->rank != tensor->rank) {
        return 0;
    }
    for (int32_t i = 0; i < param->rank; i++) {
        if (param->shape[i] != tensor->shape[i]) {
            return 0;
        }
    }
    return 1;
}

static int check_tensor(const dogbreed_model *model, int32_t index, const dogb_weight *tensor,
                        const char *path) {
    const dogb_param *param = &model->graph->params[index];
    int32_t type = tensor->dtype;
    int is_float = type == DOGB_F32 || type == DOGB_F64 || type == DOGB_F16 || type == DOGB_BF16;
    int int8 = dogb_model_is_int8(model->graph, index);
    int wanted = param->role == DOGB_ROLE_COUNTER ? type == DOGB_I64 || type == DOGB_I32
                 : int8                           ? type == DOGB_I8
                                                  : is_float;
    if (!dogb_model_tensor_fits(param, tensor)) {
        char have[SHAPE_TEXT];
        char need[SHAPE_TEXT];
        shape_text(have, tensor->shape, tensor->rank);
        shape_text(need, param->shape, param->rank);
        return dogb_fail(DOGBREED_ERROR_MISMATCH, "%s: tensor %s has shape [%s], %s needs [%s]",
                         path, tensor->name, have, model->graph->architecture, need);
    }
    if (!wanted) {
        return dogb_fail(DOGBREED_ERROR_MISMATCH, "%s: tensor %s has type %s, expected %s", path,
                         tensor->name, dogb_dtype_name(type),
                         param->role == DOGB_ROLE_COUNTER ? "I64"
                         : int8                           ? "I8"
                                                          : "F32, F16, BF16 or F64");
    }
    return DOGBREED_OK;
}

int dogb_model_borrow_tensor(dogbreed_model *model, int32_t index, const dogb_weight *tensor,
                             const char *path) {
    if (model->graph->params[index].role == DOGB_ROLE_COUNTER || tensor->dtype != DOGB_F32) {
        return dogb_model_copy_tensor(model, index, tensor, path);
    }
    int rc = check_tensor(model, index, tensor, path);
    model->weights[index] = rc < 0 ? NULL : (void *)tensor->data; // nobody writes to this model
    return rc;
}

int dogb_model_copy_tensor(dogbreed_model *model, int32_t index, const dogb_weight *tensor,
                           const char *path) {
    const dogb_param *param = &model->graph->params[index];
    int32_t type = tensor->dtype;
    int rc = check_tensor(model, index, tensor, path);
    if (rc < 0 || (rc = dogb_model_make_weight(model, index)) < 0) {
        return rc;
    }
    if (param->role != DOGB_ROLE_COUNTER) {
        return dogb_weight_to_f32(model->weights[index], (size_t)param->count, tensor);
    }
    int64_t counter = 0;
    int32_t small = 0;
    if (type == DOGB_I64) {
        memcpy(&counter, tensor->data, sizeof counter);
    } else {
        memcpy(&small, tensor->data, sizeof small);
        counter = small;
    }
    memcpy(model->weights[index], &counter, sizeof counter);
    return DOGBREED_OK;
}

// Finds a parameter's tensor. NULL: none, or a name too long to be one.
static const dogb_weight *find(const source *from, const char *name) {
    char full[512];
    int length = snprintf(full, sizeof full, "%s%s", from->prefix, name);
    return length < 0 || (size_t)length >= sizeof full ? NULL : dogb_weights_find(from->file, full);
}

// Name of the module that holds the head in the network as torchvision has it: "fc",
// "classifier.1". Files may carry any head under it.
static int find_classifier(const char **out, dogb_arena *arena, const dogb_arch *arch) {
    dogb_arch_options options = {.head = "original", .classes = 1000, .input_size = 0};
    dogb_graph *graph = NULL;
    int rc = dogb_arch_build(&graph, arch, &options);
    if (rc < 0) {
        return rc;
    }
    int32_t node = graph->node_count - 1;
    while (node > 0 && graph->nodes[node].param_count == 0) {
        node--;
    }
    *out = dogb_format(arena, "%s.", graph->nodes[node].name);
    dogb_graph_destroy(graph);
    return *out == NULL ? DOGBREED_ERROR_NO_MEMORY : DOGBREED_OK;
}

// The class names in a model file of ours, when the weights come from one.
static int same_classes(const dogbreed_model *model, const dogb_weights *file) {
    dogb_arena scratch = {0};
    json_t *document = NULL;
    const char *text = json_string_value(json_object_get(file->metadata, "dogbreed"));
    int same = 1;
    if (text != NULL &&
        dogb_json_parse(&document, &scratch, text, strlen(text), file->path) == DOGBREED_OK) {
        const json_t *classes = json_object_get(document, "classes");
        same = json_array_size(classes) == (size_t)model->class_count;
        for (int32_t i = 0; same && i < model->class_count; i++) {
            const char *name = json_string_value(json_array_get(classes, (size_t)i));
            same = name != NULL && strcmp(name, model->classes[i]) == 0;
        }
    }
    dogb_arena_free(&scratch);
    return same;
}

static int head_fits(const dogbreed_model *model, const source *from) {
    const dogb_graph *graph = model->graph;
    int32_t head = dogb_model_head_start(graph);
    for (int32_t i = 0; i < graph->param_count; i++) {
        const dogb_param *param = &graph->params[i];
        const dogb_weight *tensor = param->node >= head ? find(from, param->name) : NULL;
        if (param->node >= head && (tensor == NULL || !dogb_model_tensor_fits(param, tensor))) {
            return 0;
        }
    }
    return same_classes(model, from->file);
}

static int copy_all(dogbreed_model *model, const source *from, uint64_t seed) {
    const dogb_graph *graph = model->graph;
    int32_t head = dogb_model_head_start(graph);
    int keep_head = head_fits(model, from);
    int rc = DOGBREED_OK;
    for (int32_t i = 0; rc == DOGBREED_OK && i < graph->param_count; i++) {
        const dogb_param *param = &graph->params[i];
        const dogb_weight *tensor = find(from, param->name);
        if (param->node >= head && !keep_head) {
            rc = dogb_model_draw(model, i, seed);
        } else if (tensor != NULL) {
            rc = dogb_model_copy_tensor(model, i, tensor, from->path);
        } else if (param->role == DOGB_ROLE_COUNTER) { // files of before PyTorch 0.4.1 lack it
            rc = dogb_model_draw(model, i, seed);
        } else {
            rc = dogb_fail(DOGBREED_ERROR_MISMATCH, "%s: there is no tensor %s, which %s needs",
                           from->path, param->name, graph->architecture);
        }
    }
    return rc;
}

static int refuse_extra(const dogbreed_model *model, const source *from) {
    size_t prefix = strlen(from->prefix);
    for (size_t i = 0; i < from->file->count; i++) {
        const char *name = from->file->tensors[i].name;
        const char *bare = strncmp(name, from->prefix, prefix) == 0 ? name + prefix : name;
        if (strncmp(bare, from->classifier, strlen(from->classifier)) != 0 &&
            dogb_graph_find_param(model->graph, bare) < 0) {
            return dogb_fail(DOGBREED_ERROR_MISMATCH, "%s: tensor %s is not part of %s", from->path,
                             name, model->graph->architecture);
        }
    }
    return DOGBREED_OK;
}

// Where the weights came from, for the model document.
static int remember(dogbreed_model *model, const char *path) {
    dogb_arena scratch = {0};
    dogb_sha256 hash;
    char text[65];
    json_t *object = dogb_json_object(&scratch);
    int rc = object == NULL ? DOGBREED_ERROR_NO_MEMORY : dogb_sha256_file(&hash, path);
    if (rc == DOGBREED_OK) {
        dogb_sha256_text(&hash, text);
        rc = dogb_json_set_text(object, "source", dogb_path_name(path));
    }
    if (rc == DOGBREED_OK && (rc = dogb_json_set_text(object, "sha256", text)) == DOGBREED_OK) {
        rc = dogb_model_set_info(model, "pretrained", object);
    }
    dogb_arena_free(&scratch);
    return rc;
}

int dogb_model_pretrained(dogbreed_model *model, const dogb_arch *arch, const char *path,
                          uint64_t seed) {
    dogb_arena scratch = {0};
    dogb_weights *file = NULL;
    source from = {.path = path, .prefix = ""};
    int rc = dogb_weights_open(&file, path);
    if (rc < 0 || (rc = find_classifier(&from.classifier, &scratch, arch)) < 0) {
        goto out;
    }
    from.file = file;
    // torch.nn.DataParallel puts "module." in front of every name.
    if (file->count > 0 && strncmp(file->tensors[0].name, "module.", 7) == 0) {
        from.prefix = "module.";
    }
    if ((rc = copy_all(model, &from, seed)) < 0 || (rc = refuse_extra(model, &from)) < 0) {
        goto out;
    }
    rc = remember(model, path);
out:
    dogb_weights_destroy(file);
    dogb_arena_free(&scratch);
    return rc;
}
