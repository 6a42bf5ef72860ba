// heat.c - see heat.h. The maps come from an engine that shows its nodes; the head is small enough
// for plain loops in double.
#include "predictor/heat.h"

#include "core/error.h"
#include "core/file.h"
#include "engine/engine.h"
#include "model/model_internal.h"

#include <math.h>
#include <string.h>

enum { FILE_MAX = 64 << 20, LAYERS_MAX = 16 };

typedef struct layer { // of the head
    const dogb_node *node;
    const float *weights; // [outputs][inputs]; NULL: no linear layer
    const float *bias;    // NULL: none
    double *values;       // that come out of it
    int64_t inputs;
    int64_t outputs;
} layer;

struct dogb_heat {
    dogb_arena arena;
    const dogbreed_model *model;
    const dogb_engine *engine;
    dogb_graph *graph; // folded
    dogb_net *net;
    const char *maps; // the node whose values are averaged
    int64_t channels;
    int32_t height;
    int32_t width;
    float *seen; // [height * width][channels] of the last picture
    double *means;
    double *gradient; // [largest layer]
    double *below;    // the same
    layer layers[LAYERS_MAX];
    int32_t layer_count;
    int32_t found; // the maps of the picture were shown
};

static void destroy_graph(void *graph) {
    dogb_graph_destroy(graph);
}

// --- opening

static int unsupported(const dogb_graph *graph) {
    return dogb_fail(DOGBREED_ERROR_UNSUPPORTED,
                     "heat maps: %s does not end in averaged feature maps and linear layers",
                     graph->architecture);
}

// The pooling whose output is one place, with nothing but a chain behind it. 0: there is none.
static int32_t find_pool(const dogb_graph *graph) {
    int32_t at = graph->output;
    while (at > 0) {
        const dogb_node *node = &graph->nodes[at];
        int chain = (node->op == DOGB_OP_LINEAR &&
                     (node->activation == 0 || node->activation == DOGB_OP_RELU)) ||
                    node->op == DOGB_OP_RELU || node->op == DOGB_OP_FLATTEN ||
                    node->op == DOGB_OP_DROPOUT;
        if (node->op == DOGB_OP_ADAPTIVE_AVG_POOL && node->kernel[0] == 1 && node->kernel[1] == 1) {
            return at;
        }
        at = chain && graph->output - at < LAYERS_MAX - 1 ? node->inputs[0] : 0;
    }
    return 0;
}

static const float *parameter(const dogb_heat *heat, const void *const *weights,
                              const dogb_node *node, int32_t role) {
    for (int32_t i = node->first_param; i < node->first_param + node->param_count; i++) {
        if (heat->graph->params[i].role == role) {
            return weights[i];
        }
    }
    return NULL;
}

static int make_head(dogb_heat *heat, const void *const *weights, int32_t pool) {
    int64_t most = heat->channels;
    int64_t inputs = heat->channels;
    for (int32_t at = heat->graph->output; at != pool; at = heat->graph->nodes[at].inputs[0]) {
        heat->layer_count++;
    }
    int32_t at = heat->graph->output;
    for (int32_t i = heat->layer_count - 1; i >= 0; i--) {
        heat->layers[i].node = &heat->graph->nodes[at];
        at = heat->graph->nodes[at].inputs[0];
    }
    for (int32_t i = 0; i < heat->layer_count; i++) {
        layer *l = &heat->layers[i];
        int linear = l->node->op == DOGB_OP_LINEAR;
        l->weights = linear ? parameter(heat, weights, l->node, DOGB_ROLE_WEIGHT) : NULL;
        l->bias = linear ? parameter(heat, weights, l->node, DOGB_ROLE_BIAS) : NULL;
        l->inputs = inputs;
        l->outputs = linear ? l->node->channels_out : inputs;
        l->values = dogb_alloc(&heat->arena, (size_t)l->outputs, sizeof *l->values);
        if (l->values == NULL) {
            return DOGBREED_ERROR_NO_MEMORY;
        }
        inputs = l->outputs;
        most = inputs > most ? inputs : most;
    }
    size_t places = (size_t)heat->height * (size_t)heat->width;
    heat->seen = dogb_alloc(&heat->arena, places * (size_t)heat->channels, sizeof *heat->seen);
    heat->means = dogb_alloc(&heat->arena, (size_t)heat->channels, sizeof *heat->means);
    heat->gradient = dogb_alloc(&heat->arena, (size_t)most, sizeof *heat->gradient);
    heat->below = dogb_alloc(&heat->arena, (size_t)most, sizeof *heat->below);
    return heat->seen == NULL || heat->means == NULL || heat->gradient == NULL ||
                   heat->below == NULL
               ? DOGBREED_ERROR_NO_MEMORY
               : DOGBREED_OK;
}

static int fill(dogb_heat *heat, int32_t threads) {
    const dogb_graph *graph = dogb_model_graph(heat->model);
    const void *const *weights = NULL;
    const dogb_net_conf conf = {.device = "cpu",
                                .mode = DOGB_NET_OBSERVE,
                                .threads = threads < 1 ? 1 : threads,
                                .deterministic = 1,
                                .batch_norm = DOGB_BN_FROZEN,
                                .batch_max = 1};
    if (dogb_graph_quantised(graph)) {
        return dogb_fail(DOGBREED_ERROR_UNSUPPORTED, "heat maps: the model is quantised");
    }
    int rc = dogb_engine_open(&heat->engine, "native", DOGB_CAN_INFER, "cpu");
    rc = rc < 0 ? rc
                : dogb_graph_fold(&heat->graph, &weights, graph, dogb_model_weights(heat->model));
    if (rc < 0 || (rc = dogb_defer(&heat->arena, destroy_graph, heat->graph)) < 0) {
        return rc; // the graph is gone
    }
    int32_t pool = find_pool(heat->graph);
    const dogb_node *maps = &heat->graph->nodes[pool == 0 ? 0 : heat->graph->nodes[pool].inputs[0]];
    if (pool == 0 || maps->rank != 3 || maps->op == DOGB_OP_INPUT) {
        return unsupported(graph);
    }
    heat->maps = maps->name;
    heat->channels = maps->shape[0];
    heat->height = (int32_t)maps->shape[1];
    heat->width = (int32_t)maps->shape[2];
    rc = make_head(heat, weights, pool);
    return rc < 0 ? rc : dogb_engine_net(&heat->net, heat->engine, heat->graph, weights, &conf);
}

int dogb_heat_open(dogb_heat **out, const dogbreed_model *model, int32_t threads) {
    *out = NULL;
    dogb_heat *heat = dogb_malloc(1, sizeof *heat);
    if (heat == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    heat->model = model;
    int rc = fill(heat, threads);
    if (rc < 0) {
        dogb_heat_close(heat);
        return rc;
    }
    *out = heat;
    return DOGBREED_OK;
}

void dogb_heat_close(dogb_heat *heat) {
    if (heat != NULL) {
        if (heat->net != NULL) {
            heat->engine->net_destroy(heat->net);
        }
        dogb_arena_free(&heat->arena);
        dogb_free(heat);
    }
}

int32_t dogb_heat_side(const dogb_heat *heat) {
    return dogb_model_preprocess(heat->model)->crop;
}

// --- one picture

static int see(const dogb_observed *value, void *userdata) {
    dogb_heat *heat = userdata;
    if (strcmp(value->node, heat->maps) != 0 || value->channels != heat->channels ||
        value->count != (int64_t)heat->height * heat->width) {
        return DOGBREED_OK;
    }
    for (int64_t i = 0; i < value->count; i++) {
        memcpy(heat->seen + i * heat->channels, value->data + i * value->stride,
               (size_t)heat->channels * sizeof *heat->seen);
    }
    heat->found = 1;
    return DOGBREED_OK;
}

static void average(dogb_heat *heat) {
    int64_t places = (int64_t)heat->height * heat->width;
    for (int64_t k = 0; k < heat->channels; k++) {
        double sum = 0;
        for (int64_t i = 0; i < places; i++) {
            sum += (double)heat->seen[i * heat->channels + k];
        }
        heat->means[k] = sum / (double)places;
    }
}

static int rectifies(const layer *l) {
    return l->node->op == DOGB_OP_RELU || l->node->activation == DOGB_OP_RELU;
}

static void forward(dogb_heat *heat) {
    const double *x = heat->means;
    for (int32_t i = 0; i < heat->layer_count; i++) {
        const layer *l = &heat->layers[i];
        for (int64_t row = 0; row < l->outputs; row++) {
            double sum = l->weights == NULL ? x[row] : l->bias == NULL ? 0 : (double)l->bias[row];
            for (int64_t k = 0; l->weights != NULL && k < l->inputs; k++) {
                sum += (double)l->weights[row * l->inputs + k] * x[k];
            }
            l->values[row] = rectifies(l) && sum < 0 ? 0 : sum;
        }
        x = l->values;
    }
}

// The gradient of the class's score by the means, into heat->gradient; returns what the biases add
// to the score.
static double backward(dogb_heat *heat, int32_t class) {
    double rest = 0;
    int64_t outputs =
        heat->layer_count == 0 ? heat->channels : heat->layers[heat->layer_count - 1].outputs;
    memset(heat->gradient, 0, (size_t)outputs * sizeof *heat->gradient);
    heat->gradient[class] = 1;
    for (int32_t i = heat->layer_count - 1; i >= 0; i--) {
        const layer *l = &heat->layers[i];
        for (int64_t row = 0; rectifies(l) && row < l->outputs; row++) {
            heat->gradient[row] = l->values[row] > 0 ? heat->gradient[row] : 0;
        }
        if (l->weights == NULL) {
            continue;
        }
        memset(heat->below, 0, (size_t)l->inputs * sizeof *heat->below);
        for (int64_t row = 0; row < l->outputs; row++) {
            double own = heat->gradient[row];
            rest += l->bias == NULL ? 0 : own * (double)l->bias[row];
            for (int64_t k = 0; own != 0 && k < l->inputs; k++) {
                heat->below[k] += own * (double)l->weights[row * l->inputs + k];
            }
        }
        double *other = heat->gradient;
        heat->gradient = heat->below;
        heat->below = other;
    }
    return rest;
}

static int make_map(dogb_heat_map *out, dogb_heat *heat, dogb_arena *arena, int32_t class) {
    int64_t places = (int64_t)heat->height * heat->width;
    *out = (dogb_heat_map){.height = heat->height, .width = heat->width};
    out->values = dogb_alloc(arena, (size_t)places, sizeof *out->values);
    if (out->values == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    average(heat);
    forward(heat);
    out->rest = backward(heat, class);
    for (int64_t i = 0; i < places; i++) {
        double sum = 0;
        for (int64_t k = 0; k < heat->channels; k++) {
            sum += heat->gradient[k] * (double)heat->seen[i * heat->channels + k];
        }
        out->values[i] = (float)(sum / (double)places); // the mean shares it out
        out->sum += sum / (double)places;
    }
    return DOGBREED_OK;
}

int dogb_heat_file(uint8_t *pixels, dogb_heat_map *out, dogb_heat *heat, dogb_arena *arena,
                   const char *path, int32_t class) {
    dogb_arena scratch = {0};
    void *bytes = NULL;
    size_t size = 0;
    dogb_image_limits limits;
    const dogb_batch batch = {.data = pixels, .count = 1, .dtype = DOGB_DATA_U8};
    DOGB_CHECK(class >= 0 && class < dogbreed_model_class_count(heat->model),
               "heat maps: class %d of %d", (int)class,
               (int)dogbreed_model_class_count(heat->model));
    dogb_image_limits_default(&limits);
    limits.jpeg_warnings = DOGB_WARNINGS_PILLOW;
    heat->found = 0;
    int rc = dogb_file_read(&bytes, &size, &scratch, path, FILE_MAX);
    rc = rc < 0 ? rc
                : dogb_image_load(pixels, NULL, &scratch, bytes, size, &limits,
                                  dogb_model_preprocess(heat->model), NULL, NULL, path);
    rc = rc < 0 ? rc
                : dogb_engine_result(heat->engine,
                                     heat->engine->observe(heat->net, &batch, see, heat), "heat");
    if (rc == DOGBREED_OK && !heat->found) {
        rc = unsupported(heat->graph);
    }
    dogb_arena_free(&scratch);
    return rc < 0 ? rc : make_map(out, heat, arena, class);
}

// --- the picture

// The map between its places, whose middles lie apart as those of the picture's pixels.
static double value_at(const dogb_heat_map *map, double x, double y) {
    double left = fmin(fmax(x, 0), map->width - 1);
    double top = fmin(fmax(y, 0), map->height - 1);
    int32_t x0 = (int32_t)left;
    int32_t y0 = (int32_t)top;
    int32_t x1 = x0 + 1 < map->width ? x0 + 1 : x0;
    int32_t y1 = y0 + 1 < map->height ? y0 + 1 : y0;
    const float *upper = map->values + (size_t)y0 * (size_t)map->width;
    const float *lower = map->values + (size_t)y1 * (size_t)map->width;
    double a =
        (double)fmaxf(upper[x0], 0) * (1 - (left - x0)) + (double)fmaxf(upper[x1], 0) * (left - x0);
    double b =
        (double)fmaxf(lower[x0], 0) * (1 - (left - x0)) + (double)fmaxf(lower[x1], 0) * (left - x0);
    return a * (1 - (top - y0)) + b * (top - y0);
}

void dogb_heat_paint(uint8_t *pixels, int32_t side, const dogb_heat_map *map) {
    double most = 0;
    for (int32_t i = 0; i < map->width * map->height; i++) {
        most = fmax(most, (double)map->values[i]);
    }
    for (int32_t y = 0; y < side; y++) {
        for (int32_t x = 0; x < side; x++) {
            double heat = value_at(map, (x + 0.5) / side * map->width - 0.5,
                                   (y + 0.5) / side * map->height - 0.5);
            double share = most > 0 ? heat / most : 0;
            uint8_t *pixel = pixels + 3 * ((size_t)y * (size_t)side + (size_t)x);
            double grey = 0.35 * (0.299 * pixel[0] + 0.587 * pixel[1] + 0.114 * pixel[2]);
            for (int c = 0; c < 3; c++) {
                pixel[c] = (uint8_t)lround(grey + share * (pixel[c] - grey));
            }
        }
    }
}
