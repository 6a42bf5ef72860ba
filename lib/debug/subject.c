// subject.c - see subject.h. Names: parameter "<Root>_<path>", gradient "gradient/<Root>_<path>",
// "<module>_input_<i>" and "<module>_output_<i>" as the original's hook for PyTorch has them.
#include "debug/subject.h"
#include "core/error.h"
#include "model/model_internal.h"

#include <string.h>

static const struct {
    const char *prefix;
    const char *root;
} roots[] = {{"resnet", "ResNet"},
             {"mobilenet_v2", "MobileNetV2"},
             {"squeezenet", "SqueezeNet"},
             {"tiny", "Tiny"}};

const char *dogb_subject_root(const char *architecture) {
    for (size_t i = 0; i < sizeof roots / sizeof roots[0]; i++) {
        if (strncmp(architecture, roots[i].prefix, strlen(roots[i].prefix)) == 0) {
            return roots[i].root;
        }
    }
    return "Module";
}

int32_t dogb_subject_op(int32_t op) {
    return op == DOGB_OP_RELU || op == DOGB_OP_RELU6 ? DOGB_RULE_OP_RELU : DOGB_RULE_OP_OTHER;
}

int32_t dogb_subject_kind(const char *name) {
    const char *dot = strrchr(name, '.');
    if (strncmp(name, "gradient", 8) == 0) {
        return DOGBREED_TENSOR_GRADIENT;
    }
    if (strncmp(name, "optimizer/", 10) == 0) {
        return DOGBREED_TENSOR_OPTIMIZER;
    }
    if (strcmp(name, "input") == 0) {
        return DOGBREED_TENSOR_INPUT;
    }
    if (strstr(name, "labels") != NULL) {
        return DOGBREED_TENSOR_LABEL;
    }
    if (strstr(name, "predictions") != NULL) {
        return DOGBREED_TENSOR_PREDICTION;
    }
    if (strstr(name, "oss") != NULL || strncmp(name, "scalar/", 7) == 0 ||
        strncmp(name, "metrics/", 8) == 0) {
        return DOGBREED_TENSOR_SCALAR;
    }
    if (dot != NULL && (strcmp(dot, ".weight") == 0 || strcmp(dot, ".bias") == 0)) {
        return DOGBREED_TENSOR_WEIGHT;
    }
    return DOGBREED_TENSOR_ACTIVATION;
}

static int add(dogb_subjects *all, dogb_arena *arena, int32_t what, char *name,
               const char *offered) {
    int rc = name == NULL ? DOGBREED_ERROR_NO_MEMORY
                          : dogb_grow(arena, &all->items, &all->capacity, (size_t)all->count,
                                      sizeof *all->items);
    if (rc == DOGBREED_OK) {
        all->items[all->count++] = (dogb_subject){
            .tensor = {.name = name, .node = "", .what = what, .trainable = 1, .fresh = 1},
            .offered = offered,
            .index = -1,
        };
    }
    return rc;
}

static int add_params(dogb_subjects *all, dogb_arena *arena, const dogbreed_trainer *trainer,
                      int32_t what) {
    const dogb_graph *graph = dogb_trainer_graph(trainer);
    const dogbreed_model *model = dogb_trainer_model(trainer);
    const char *root = dogb_subject_root(dogb_model_graph(model)->architecture);
    int gradient = what == DOGBREED_TENSOR_GRADIENT;
    for (int32_t i = 0; i < graph->param_count; i++) {
        const dogb_param *param = &graph->params[i];
        int32_t place = dogb_trainer_param(trainer, i);
        int trainable = dogb_model_trainable(model, place);
        if (dogb_graph_is_buffer(param) || (gradient && !trainable)) {
            continue;
        }
        char *name = dogb_format(arena, "%s%s_%s", gradient ? "gradient/" : "", root, param->name);
        int rc = add(all, arena, what, name, param->name);
        if (rc < 0) {
            return rc;
        }
        all->items[all->count - 1].tensor.trainable = trainable;
        all->items[all->count - 1].tensor.fresh = dogb_model_fresh(model, place);
    }
    return DOGBREED_OK;
}

static int add_state(dogb_subjects *all, dogb_arena *arena, dogbreed_trainer *trainer) {
    const dogb_bus_array *views = NULL;
    int32_t count = 0;
    const dogbreed_model *model = dogb_trainer_model(trainer);
    const char *root = dogb_subject_root(dogb_model_graph(model)->architecture);
    int rc = dogb_trainer_views(&views, &count, trainer);
    for (int32_t i = 0; rc == DOGBREED_OK && i < count; i++) {
        rc = add(all, arena, DOGBREED_TENSOR_OPTIMIZER,
                 dogb_format(arena, "optimizer/%s_%s", root, views[i].name), views[i].name);
    }
    return rc;
}

// The nearest node with parameters at or before this one; -1: there is none.
static int32_t layer_before(const dogb_graph *graph, int32_t node) {
    while (node > 0 && graph->nodes[node].param_count == 0) {
        node = graph->nodes[node].input_count == 0 ? 0 : graph->nodes[node].inputs[0];
    }
    return node > 0 ? node : -1;
}

static int add_activation(dogb_subjects *all, dogb_arena *arena, const dogbreed_trainer *trainer,
                          int32_t index, int32_t input) {
    const dogb_graph *graph = dogb_trainer_graph(trainer);
    const dogbreed_model *model = dogb_trainer_model(trainer);
    const dogb_node *node = &graph->nodes[index];
    int32_t shown = input < 0 ? index : node->inputs[input];
    char *name = input < 0 ? dogb_format(arena, "%s_output_0", node->name)
                           : dogb_format(arena, "%s_input_%d", node->name, (int)input);
    int rc = add(all, arena, DOGBREED_TENSOR_ACTIVATION, name, graph->nodes[shown].name);
    if (rc < 0) {
        return rc;
    }
    dogb_rule_tensor *tensor = &all->items[all->count - 1].tensor;
    int32_t layer = layer_before(graph, shown);
    tensor->node = node->name;
    tensor->op = dogb_subject_op(node->op);
    tensor->is_input = input >= 0;
    tensor->trainable = 0;
    tensor->fresh = 0;
    if (layer >= 0) {
        int32_t place = dogb_trainer_param(trainer, graph->nodes[layer].first_param);
        tensor->trainable = dogb_model_trainable(model, place);
        tensor->fresh = dogb_model_fresh(model, place);
    }
    return DOGBREED_OK;
}

// The network's own input is a tensor of another kind.
static int add_activations(dogb_subjects *all, dogb_arena *arena, const dogbreed_trainer *trainer) {
    const dogb_graph *graph = dogb_trainer_graph(trainer);
    int rc = DOGBREED_OK;
    for (int32_t i = 1; rc == DOGBREED_OK && i < graph->node_count; i++) {
        rc = add_activation(all, arena, trainer, i, -1);
        for (int32_t k = 0; rc == DOGBREED_OK && k < graph->nodes[i].input_count; k++) {
            if (graph->nodes[i].inputs[k] > 0) {
                rc = add_activation(all, arena, trainer, i, k);
            }
        }
    }
    return rc;
}

static int add_others(dogb_subjects *all, dogb_arena *arena) {
    static const struct {
        int32_t what;
        const char *name;
    } others[] = {{DOGBREED_TENSOR_INPUT, "input"},
                  {DOGBREED_TENSOR_LABEL, "labels"},
                  {DOGBREED_TENSOR_PREDICTION, "predictions"},
                  {DOGBREED_TENSOR_SCALAR, DOGB_LOSS_NAME},
                  {DOGBREED_TENSOR_SCALAR, DOGB_ACCURACY_NAME}};
    int rc = DOGBREED_OK;
    for (size_t i = 0; rc == DOGBREED_OK && i < sizeof others / sizeof others[0]; i++) {
        rc = add(all, arena, others[i].what, dogb_strdup(arena, others[i].name), others[i].name);
    }
    return rc;
}

static int enrol(dogb_subjects *all, dogb_arena *arena, dogb_collections *collections) {
    for (int32_t i = 0; i < all->count; i++) {
        dogb_subject *one = &all->items[i];
        one->in = dogb_alloc(arena, collections->count, 1);
        if (one->in == NULL) {
            return DOGBREED_ERROR_NO_MEMORY;
        }
        for (size_t k = 0; k < collections->count; k++) {
            dogb_collection *collection = collections->items[k];
            one->in[k] = (uint8_t)dogb_collection_has(collection, one->tensor.name);
            collection->groups |= one->in[k] ? 1u << one->tensor.what : 0;
        }
    }
    return DOGBREED_OK;
}

int dogb_subjects_create(dogb_subjects *out, dogb_arena *arena, dogbreed_trainer *trainer,
                         dogb_collections *collections) {
    *out = (dogb_subjects){0};
    int rc = add_params(out, arena, trainer, DOGBREED_TENSOR_WEIGHT);
    rc = rc < 0 ? rc : add_params(out, arena, trainer, DOGBREED_TENSOR_GRADIENT);
    rc = rc < 0 ? rc : add_state(out, arena, trainer);
    rc = rc < 0 ? rc : add_activations(out, arena, trainer);
    rc = rc < 0 ? rc : add_others(out, arena);
    return rc < 0 ? rc : enrol(out, arena, collections);
}
