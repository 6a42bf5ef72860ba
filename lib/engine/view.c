// view.c - views of nets for events, of engines in C: activations by node, gradients and weights by
// parameter; their description, values and statistics.
#include "engine/engine_internal.h"

#include "core/error.h"
#include "core/stats.h"

#include <string.h>

typedef struct view {
    const char *name;
    int64_t count;
    int64_t shape[4];
    int32_t rank;
    int32_t place; // node or parameter
} view;

// The input is no activation.
static int find_activation(view *out, const dogb_views *views, int32_t index) {
    for (int32_t i = 1; i < views->graph->node_count; i++) {
        const dogb_node *node = &views->graph->nodes[i];
        if (!views->has(views->net, DOGBREED_TENSOR_ACTIVATION, i) || index-- != 0) {
            continue;
        }
        *out = (view){node->name, views->samples, {views->samples, 0, 0, 0}, node->rank + 1, i};
        for (int32_t k = 0; k < node->rank; k++) {
            out->shape[k + 1] = node->shape[k];
            out->count *= node->shape[k];
        }
        return 1;
    }
    return 0;
}

static int find_param(view *out, const dogb_views *views, int32_t what, int32_t index) {
    for (int32_t i = 0; i < views->graph->param_count; i++) {
        const dogb_param *param = &views->graph->params[i];
        if (dogb_graph_is_buffer(param) || !views->has(views->net, what, i) || index-- != 0) {
            continue;
        }
        *out = (view){param->name, param->count, {0, 0, 0, 0}, param->rank, i};
        memcpy(out->shape, param->shape, (size_t)param->rank * sizeof out->shape[0]);
        return 1;
    }
    return 0;
}

static int is_kind(int32_t what) {
    return what >= DOGBREED_TENSOR_ACTIVATION && what <= DOGBREED_TENSOR_WEIGHT;
}

static int find(view *out, const dogb_views *views, int32_t what, int32_t index) {
    if (index < 0 || (views->watch & (1u << what)) == 0) {
        return 0;
    }
    return what == DOGBREED_TENSOR_ACTIVATION ? find_activation(out, views, index)
                                              : find_param(out, views, what, index);
}

int32_t dogb_views_count(const dogb_views *views, int32_t what) {
    int32_t count = 0;
    view v;
    while (is_kind(what) && find(&v, views, what, count)) {
        count++;
    }
    return count;
}

static int need(view *out, const dogb_views *views, int32_t what, int32_t index) {
    if (!is_kind(what)) {
        return dogb_fail(DOGBREED_ERROR_INVALID_ARGUMENT, "tensor kind %d is not known", what);
    }
    if (!find(out, views, what, index)) {
        return dogb_fail(DOGBREED_ERROR_NOT_FOUND, "tensor %d of kind %d: not there or not watched",
                         index, what);
    }
    return DOGBREED_OK;
}

int dogb_views_describe(const dogb_views *views, int32_t what, int32_t index,
                        dogbreed_tensor *out) {
    view v;
    int rc = need(&v, views, what, index);
    if (rc == DOGBREED_OK) {
        out->what = what;
        out->name = v.name;
        out->dtype = DOGB_DTYPE_F32;
        out->rank = v.rank;
        memcpy(out->shape, v.shape, sizeof out->shape);
    }
    return rc;
}

int dogb_views_read(const dogb_views *views, int32_t what, int32_t index, float *out,
                    size_t count) {
    view v;
    const float *data = NULL;
    int rc = need(&v, views, what, index);
    if (rc == DOGBREED_OK && count != (size_t)v.count) {
        rc = dogb_fail(DOGBREED_ERROR_MISMATCH, "%s: room for %zu values, it has %lld", v.name,
                       count, (long long)v.count);
    }
    if (rc == DOGBREED_OK) {
        rc = views->data(&data, views->net, what, v.place);
    }
    if (rc == DOGBREED_OK) {
        memcpy(out, data, count * sizeof *out);
    }
    return rc;
}

int dogb_views_stats(const dogb_views *views, int32_t what, int32_t index,
                     dogbreed_tensor_stats *out) {
    view v;
    const float *data = NULL;
    int rc = need(&v, views, what, index);
    if (rc == DOGBREED_OK && (rc = views->data(&data, views->net, what, v.place)) == DOGBREED_OK) {
        dogb_stats(out, data, (size_t)v.count);
    }
    return rc;
}
