// view.c - views for events: activations by node, gradients and weights by parameter.
#include "engine/ref/ref.h"

#include "core/error.h"

#include <math.h>
#include <string.h>

typedef struct view {
    const float *data;
    const char *name;
    int64_t count;
    int32_t rank;
    int64_t shape[4];
} view;

int dogb_ref_watch(dogb_net *net, uint32_t mask) {
    int rc = dogb_ref_check_train(net);
    if (rc == DOGBREED_OK) {
        net->watch = mask;
    }
    return rc;
}

// The input is no activation: index 0 is node 1.
static int find_activation(view *out, const dogb_net *net, int32_t index) {
    if (net->count == 0 || index >= net->graph->node_count - 1) {
        return 0;
    }
    const dogb_node *node = &net->graph->nodes[index + 1];
    *out = (view){net->values[index + 1],
                  node->name,
                  net->count * dogb_ref_size(node),
                  node->rank + 1,
                  {net->count, node->shape[0], 0, 0}};
    for (int32_t i = 1; i < node->rank; i++) {
        out->shape[i + 1] = node->shape[i];
    }
    return 1;
}

static int find_param(view *out, const dogb_net *net, int32_t what, int32_t index) {
    for (int32_t i = 0; i < net->graph->param_count; i++) {
        const dogb_param *param = &net->graph->params[i];
        const float *data = what == DOGBREED_TENSOR_GRADIENT ? net->grads_param[i] : net->params[i];
        if (dogb_graph_is_buffer(param) || data == NULL || index-- != 0) {
            continue;
        }
        *out = (view){data, param->name, param->count, param->rank, {0, 0, 0, 0}};
        memcpy(out->shape, param->shape, (size_t)param->rank * sizeof out->shape[0]);
        return 1;
    }
    return 0;
}

static int is_kind(int32_t what) {
    return what >= DOGBREED_TENSOR_ACTIVATION && what <= DOGBREED_TENSOR_WEIGHT;
}

static int find(view *out, const dogb_net *net, int32_t what, int32_t index) {
    if (index < 0 || (net->watch & (1u << what)) == 0) {
        return 0;
    }
    return what == DOGBREED_TENSOR_ACTIVATION ? find_activation(out, net, index)
                                              : find_param(out, net, what, index);
}

int32_t dogb_ref_tensor_count(dogb_net *net, int32_t what) {
    int32_t count = 0;
    view v;
    while (is_kind(what) && find(&v, net, what, count)) {
        count++;
    }
    return count;
}

static int need(view *out, const dogb_net *net, int32_t what, int32_t index) {
    if (!is_kind(what)) {
        return dogb_fail(DOGBREED_ERROR_INVALID_ARGUMENT, "tensor kind %d is not known", what);
    }
    if (!find(out, net, what, index)) {
        return dogb_fail(DOGBREED_ERROR_NOT_FOUND, "tensor %d of kind %d: not there or not watched",
                         index, what);
    }
    return DOGBREED_OK;
}

int dogb_ref_tensor_describe(dogb_net *net, int32_t what, int32_t index, dogbreed_tensor *out) {
    view v;
    int rc = need(&v, net, what, index);
    if (rc == DOGBREED_OK) {
        out->what = what;
        out->name = v.name;
        out->dtype = DOGB_DTYPE_F32;
        out->rank = v.rank;
        memcpy(out->shape, v.shape, sizeof out->shape);
    }
    return rc;
}

int dogb_ref_tensor_read(dogb_net *net, int32_t what, int32_t index, float *out, size_t count) {
    view v;
    int rc = need(&v, net, what, index);
    if (rc == DOGBREED_OK && count != (size_t)v.count) {
        rc = dogb_fail(DOGBREED_ERROR_MISMATCH, "%s: room for %zu values, it has %lld", v.name,
                       count, (long long)v.count);
    }
    if (rc == DOGBREED_OK) {
        memcpy(out, v.data, count * sizeof *out);
    }
    return rc;
}

// Minimum, maximum, mean, deviation and norm are those of the finite values.
int dogb_ref_tensor_stats(dogb_net *net, int32_t what, int32_t index, dogbreed_tensor_stats *out) {
    view v;
    double sum = 0;
    double squares = 0;
    int64_t zeros = 0;
    int rc = need(&v, net, what, index);
    if (rc < 0) {
        return rc;
    }
    out->minimum = INFINITY;
    out->maximum = -INFINITY;
    out->nan_count = 0;
    out->infinity_count = 0;
    for (int64_t i = 0; i < v.count; i++) {
        double value = (double)v.data[i];
        zeros += value == 0;
        out->nan_count += isnan(value) != 0;
        out->infinity_count += isinf(value) != 0;
        if (isfinite(value)) {
            sum += value;
            squares += value * value;
            out->minimum = value < out->minimum ? value : out->minimum;
            out->maximum = value > out->maximum ? value : out->maximum;
        }
    }
    double finite = (double)(v.count - out->nan_count - out->infinity_count);
    if (finite < 1) {
        out->minimum = NAN;
        out->maximum = NAN;
    }
    out->mean = sum / finite;
    out->deviation = sqrt(fmax(squares / finite - out->mean * out->mean, 0));
    out->norm = sqrt(squares);
    out->zero_share = (double)zeros / (double)v.count;
    return DOGBREED_OK;
}
