// model.c - creating and destroying models, and the plain accessors.
#include "core/error.h"
#include "core/log.h"
#include "engine/engine.h"
#include "model/model_struct.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

// ImageNet's channel statistics, the normalisation of every torchvision classifier.
static const float imagenet_mean[3] = {0.485F, 0.456F, 0.406F};
static const float imagenet_deviation[3] = {0.229F, 0.224F, 0.225F};

static void destroy_graph(void *graph) {
    dogb_graph_destroy(graph);
}

int dogb_model_new(dogbreed_model **out) {
    *out = NULL;
    dogbreed_model *model = dogb_malloc(1, sizeof *model);
    if (model == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    model->refs = 1;
    model->head = "linear";
    model->freeze = "head";
    model->document = dogb_json_object(&model->arena);
    if (model->document == NULL) {
        dogbreed_model_destroy(model);
        return DOGBREED_ERROR_NO_MEMORY;
    }
    *out = model;
    return DOGBREED_OK;
}

int dogb_model_take_graph(dogbreed_model *model, dogb_graph *graph) {
    int rc = dogb_defer(&model->arena, destroy_graph, graph);
    if (rc < 0) {
        return rc;
    }
    model->graph = graph;
    model->weights = dogb_alloc(&model->arena, (size_t)graph->param_count + 1, sizeof(void *));
    model->trainable = dogb_alloc(&model->arena, (size_t)graph->param_count + 1, 1);
    model->fresh = dogb_alloc(&model->arena, (size_t)graph->param_count + 1, 1);
    return model->weights == NULL || model->trainable == NULL || model->fresh == NULL
               ? DOGBREED_ERROR_NO_MEMORY
               : DOGBREED_OK;
}

int dogb_model_take_classes(dogbreed_model *model, const char *const *names, int32_t count,
                            const char *what) {
    dogb_arena scratch = {0};
    const char **sorted = dogb_alloc(&scratch, (size_t)count + 1, sizeof *sorted);
    int rc = sorted == NULL ? DOGBREED_ERROR_NO_MEMORY : DOGBREED_OK;
    model->classes = dogb_alloc(&model->arena, (size_t)count + 1, sizeof *model->classes);
    if (rc == DOGBREED_OK && model->classes == NULL) {
        rc = DOGBREED_ERROR_NO_MEMORY;
    }
    for (int32_t i = 0; rc == DOGBREED_OK && i < count; i++) {
        json_t *text = dogb_json_text(names[i]);
        char *copy = text == NULL ? NULL : dogb_strdup(&model->arena, json_string_value(text));
        json_decref(text);
        if (copy == NULL) {
            rc = dogb_fail(DOGBREED_ERROR_NO_MEMORY, "%s: no memory for class names", what);
        } else if (*copy == '\0') {
            rc = dogb_fail(DOGBREED_ERROR_FORMAT, "%s: class %d has an empty name", what, (int)i);
        } else {
            sorted[i] = model->classes[i] = copy;
        }
    }
    if (rc == DOGBREED_OK) {
        model->class_count = count;
        qsort(sorted, (size_t)count, sizeof *sorted, dogb_text_order);
    }
    for (int32_t i = 1; rc == DOGBREED_OK && i < count; i++) {
        if (strcmp(sorted[i - 1], sorted[i]) == 0) {
            rc = dogb_fail(DOGBREED_ERROR_FORMAT, "%s: two classes are named \"%s\"", what,
                           sorted[i]);
        }
    }
    dogb_arena_free(&scratch);
    return rc;
}

int dogb_model_make_weight(dogbreed_model *model, int32_t param) {
    const dogb_param *info = &model->graph->params[param];
    size_t size = info->role == DOGB_ROLE_COUNTER ? sizeof(int64_t) : sizeof(float);
    if (model->weights[param] == NULL) {
        model->weights[param] = dogb_alloc_raw(&model->arena, (size_t)info->count, size);
    }
    return model->weights[param] == NULL ? DOGBREED_ERROR_NO_MEMORY : DOGBREED_OK;
}

int32_t dogb_model_head_start(const dogb_graph *graph) {
    int32_t node = graph->node_count - 1;
    if (graph->feature >= 0) {
        return graph->feature + 1;
    }
    while (node > 0 && graph->nodes[node].param_count == 0) {
        node--;
    }
    return node;
}

static int class_names(dogbreed_model *model, const dogbreed_dataset *dataset, int32_t wanted) {
    dogb_arena scratch = {0};
    int32_t count = dataset != NULL ? dogbreed_dataset_class_count(dataset)
                    : wanted == 0   ? 1000
                                    : wanted;
    const char **names = dogb_alloc(&scratch, (size_t)count + 1, sizeof *names);
    int rc = names == NULL ? DOGBREED_ERROR_NO_MEMORY : DOGBREED_OK;
    for (int32_t i = 0; rc == DOGBREED_OK && i < count; i++) {
        names[i] = dataset != NULL ? dogbreed_dataset_class_name(dataset, i)
                                   : dogb_format(&scratch, "%d", (int)i);
        if (names[i] == NULL) {
            rc = dogb_fail(DOGBREED_ERROR_NO_MEMORY, "no memory for class names");
        }
    }
    if (rc == DOGBREED_OK) {
        rc = dogb_model_take_classes(model, names, count, dataset != NULL ? "dataset" : "classes");
    }
    dogb_arena_free(&scratch);
    return rc;
}

static int set_preprocess(dogbreed_model *model, const dogb_arch *arch,
                          const dogbreed_model_options *options) {
    dogb_preprocess *p = &model->preprocess;
    p->crop = options->input_size != 0 ? options->input_size : arch->input_size;
    // Another input size keeps the architecture's ratio of resize to crop.
    p->resize = options->resize != 0
                    ? options->resize
                    : (int32_t)lround((double)p->crop * arch->resize / arch->input_size);
    p->filter = options->filter;
    p->exif_orientation = options->exif_orientation;
    DOGB_CHECK(p->resize >= p->crop, "resize: %d is smaller than the input size %d", (int)p->resize,
               (int)p->crop);
    memcpy(p->mean, imagenet_mean, sizeof p->mean);
    memcpy(p->deviation, imagenet_deviation, sizeof p->deviation);
    return DOGBREED_OK;
}

static int fill_weights(dogbreed_model *model, const dogb_arch *arch,
                        const dogbreed_model_options *options) {
    int rc = DOGBREED_OK;
    if (*options->weights != '\0') {
        return dogb_model_pretrained(model, arch, options->weights, options->seed);
    }
    for (int32_t i = 0; rc == DOGBREED_OK && i < model->graph->param_count; i++) {
        rc = dogb_model_draw(model, i, options->seed);
    }
    return rc;
}

static int build(dogbreed_model *model, const dogbreed_dataset *dataset,
                 const dogbreed_model_options *options) {
    const dogb_arch *arch = NULL;
    dogb_graph *graph = NULL;
    int rc = dogb_arch_find(&arch, options->architecture);
    if (rc < 0 || (rc = class_names(model, dataset, options->classes)) < 0 ||
        (rc = set_preprocess(model, arch, options)) < 0) {
        return rc;
    }
    model->head = dogb_strdup(&model->arena, options->head);
    if (model->head == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    dogb_arch_options shape = {
        .head = model->head, .classes = model->class_count, .input_size = model->preprocess.crop};
    if ((rc = dogb_arch_build(&graph, arch, &shape)) < 0) {
        return rc;
    }
    memcpy(graph->mean, model->preprocess.mean, sizeof graph->mean);
    memcpy(graph->deviation, model->preprocess.deviation, sizeof graph->deviation);
    if ((rc = dogb_model_take_graph(model, graph)) < 0 ||
        (rc = dogb_model_freeze(model, options->freeze)) < 0 ||
        (rc = fill_weights(model, arch, options)) < 0) {
        return rc;
    }
    int pretrained = *options->weights != '\0';
    int keep = options->batch_norm == DOGBREED_BATCH_NORM_FROZEN ||
               (options->batch_norm == DOGBREED_BATCH_NORM_AUTO && pretrained);
    model->batch_norm = keep ? DOGB_BN_FROZEN : DOGB_BN_TRAIN;
    if (!pretrained && strcmp(model->freeze, "none") != 0) {
        dogb_log(DOGBREED_LOG_INFO,
                 "%s: frozen layers keep their random values; give weights, or freeze = none",
                 arch->name);
    }
    return DOGBREED_OK;
}

int dogbreed_model_create(dogbreed_model **out, const dogbreed_dataset *dataset,
                          const dogbreed_model_options *options) {
    dogb_arena scratch = {0};
    dogbreed_model_options full;
    dogbreed_model *model = NULL;
    DOGB_CHECK(out != NULL, "model create: out is NULL");
    *out = NULL;
    int rc = dogb_table_import(&full, &dogb_model_table, options, &scratch);
    if (rc < 0 || (rc = dogb_model_new(&model)) < 0 || (rc = build(model, dataset, &full)) < 0) {
        goto out;
    }
    *out = model;
    model = NULL;
out:
    dogbreed_model_destroy(model);
    dogb_arena_free(&scratch);
    return rc;
}

const dogb_graph *dogb_model_graph(const dogbreed_model *model) {
    return model->graph;
}

const void *const *dogb_model_weights(const dogbreed_model *model) {
    return (const void *const *)model->weights;
}

void *dogb_model_weight(dogbreed_model *model, int32_t param) {
    return model->weights[param];
}

int dogb_model_fresh(const dogbreed_model *model, int32_t param) {
    return model->fresh[param];
}

int dogb_model_trainable(const dogbreed_model *model, int32_t param) {
    return model->trainable[param];
}

const dogb_preprocess *dogb_model_preprocess(const dogbreed_model *model) {
    return &model->preprocess;
}

int32_t dogb_model_batch_norm(const dogbreed_model *model) {
    return model->batch_norm;
}

dogbreed_model *dogb_model_retain(const dogbreed_model *model) {
    dogbreed_model *shared = (dogbreed_model *)model; // the count is not part of its value
    dogb_ref_take(&shared->refs);
    return shared;
}

int32_t dogbreed_model_parameter_count(const dogbreed_model *model) {
    return model == NULL ? 0 : model->graph->param_count;
}

int dogbreed_model_parameter(const dogbreed_model *model, int32_t index, dogbreed_parameter *out) {
    dogbreed_parameter full = {0};
    DOGB_CHECK(model != NULL && out != NULL, "model parameter: model or out is NULL");
    DOGB_CHECK(out->struct_size >= 8 && out->struct_size <= (1U << 20),
               "model parameter: struct_size is not set");
    DOGB_CHECK(index >= 0 && index < model->graph->param_count,
               "model parameter: index %d is out of range, the model has %d", (int)index,
               (int)model->graph->param_count);
    const dogb_param *param = &model->graph->params[index];
    full.struct_size = out->struct_size;
    full.trainable = model->trainable[index];
    full.name = param->name;
    full.rank = param->rank;
    full.buffer = dogb_graph_is_buffer(param);
    memcpy(full.shape, param->shape, sizeof full.shape);
    full.data = param->role == DOGB_ROLE_COUNTER ? NULL : model->weights[index];
    size_t size = out->struct_size < sizeof full ? out->struct_size : sizeof full;
    memset(out, 0, out->struct_size);
    memcpy(out, &full, size);
    return DOGBREED_OK;
}

int32_t dogbreed_model_class_count(const dogbreed_model *model) {
    return model == NULL ? 0 : model->class_count;
}

const char *dogbreed_model_class_name(const dogbreed_model *model, int32_t index) {
    return model == NULL || index < 0 || index >= model->class_count ? NULL : model->classes[index];
}

int dogb_model_match_classes(int32_t **out, dogb_arena *arena, const dogbreed_model *model,
                             const dogbreed_dataset *dataset) {
    dogb_arena scratch = {0};
    int32_t count = dogbreed_dataset_class_count(dataset);
    int rc = DOGBREED_OK;
    *out = NULL;
    int32_t *map = dogb_alloc(arena, (size_t)count + 1, sizeof *map);
    if (map == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    for (int32_t i = 0; rc == DOGBREED_OK && i < count; i++) {
        json_t *text = dogb_json_text(dogbreed_dataset_class_name(dataset, i));
        const char *name = text == NULL ? "" : json_string_value(text);
        // Sorted folders and sorted classes mostly agree: the same index is tried first.
        int32_t found = i < model->class_count && strcmp(model->classes[i], name) == 0 ? i : -1;
        for (int32_t j = 0; found < 0 && j < model->class_count; j++) {
            found = strcmp(model->classes[j], name) == 0 ? j : -1;
        }
        if (text == NULL) {
            rc = dogb_fail(DOGBREED_ERROR_NO_MEMORY, "no memory for class names");
        } else if (found < 0) {
            rc = dogb_fail(DOGBREED_ERROR_MISMATCH,
                           "class \"%s\" of the dataset is not one of the model's %d classes", name,
                           (int)model->class_count);
        }
        map[i] = found;
        json_decref(text);
    }
    dogb_arena_free(&scratch);
    *out = rc < 0 ? NULL : map;
    return rc;
}

int dogb_model_set_info(dogbreed_model *model, const char *key, const json_t *value) {
    json_t *copy = json_deep_copy(value);
    return dogb_json_set(model->document, key, copy);
}

void dogbreed_model_destroy(dogbreed_model *model) {
    if (model == NULL || !dogb_ref_drop(&model->refs)) {
        return;
    }
    dogb_arena_free(&model->arena);
    dogb_free(model);
}
