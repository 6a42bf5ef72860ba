// shape.c - what each operation makes of the shapes it reads; every size is bounded before it is
// used. Formulas are those of torch.nn (Conv2d, MaxPool2d, AvgPool2d, AdaptiveAvgPool2d).
#include "graph/graph_internal.h"

#include "core/error.h"

#include <string.h>

#define BAD(node, ...) fail_node(node, __VA_ARGS__)

static int fail_node(const dogb_node *node, const char *what, int64_t value) {
    return dogb_fail(DOGBREED_ERROR_FORMAT, "graph: node %s (%s): %s, got %lld", node->name,
                     dogb_op_name(node->op), what, (long long)value);
}

static int set_shape(dogb_node *node, int64_t channels, int64_t height, int64_t width) {
    if (channels < 1 || channels > DOGB_GRAPH_WIDTH_MAX) {
        return BAD(node, "expected 1 to 16777216 output channels", channels);
    }
    if (height < 1 || height > DOGB_GRAPH_SIDE_MAX) {
        return BAD(node, "expected an output height of 1 to 65536", height);
    }
    if (width < 1 || width > DOGB_GRAPH_SIDE_MAX) {
        return BAD(node, "expected an output width of 1 to 65536", width);
    }
    if (channels * height > DOGB_GRAPH_ELEMENT_MAX / width) {
        return BAD(node, "its output has too many elements; channels", channels);
    }
    node->shape[0] = channels;
    node->shape[1] = height;
    node->shape[2] = width;
    node->rank = 3;
    return DOGBREED_OK;
}

static int set_features(dogb_node *node, int64_t features) {
    if (features < 1 || features > DOGB_GRAPH_WIDTH_MAX) {
        return BAD(node, "expected 1 to 16777216 features", features);
    }
    node->shape[0] = features;
    node->shape[1] = 1;
    node->shape[2] = 1;
    node->rank = 1;
    return DOGBREED_OK;
}

static int need_rank(const dogb_node *node, const dogb_node *value, int32_t rank) {
    return value->rank == rank
               ? DOGBREED_OK
               : fail_node(node, rank == 3 ? "expected an input of rank 3" : "expected rank 1",
                           value->rank);
}

static int check_window(const dogb_node *node) {
    for (int i = 0; i < 2; i++) {
        if (node->kernel[i] < 1 || node->kernel[i] > DOGB_GRAPH_WINDOW_MAX) {
            return BAD(node, "expected a kernel of 1 to 4096", node->kernel[i]);
        }
        if (node->stride[i] < 1 || node->stride[i] > DOGB_GRAPH_WINDOW_MAX) {
            return BAD(node, "expected a stride of 1 to 4096", node->stride[i]);
        }
        if (node->padding[i] < 0 || node->padding[i] > DOGB_GRAPH_WINDOW_MAX) {
            return BAD(node, "expected a padding of 0 to 4096", node->padding[i]);
        }
        if (node->dilation[i] < 1 || node->dilation[i] > DOGB_GRAPH_WINDOW_MAX) {
            return BAD(node, "expected a dilation of 1 to 4096", node->dilation[i]);
        }
    }
    return DOGBREED_OK;
}

// Output length of a sliding window along one axis; 0: the window does not fit.
static int64_t window_out(const dogb_node *node, int axis, int64_t in) {
    int64_t span = (int64_t)node->dilation[axis] * (node->kernel[axis] - 1) + 1;
    int64_t room = in + 2 * (int64_t)node->padding[axis] - span;
    int64_t stride = node->stride[axis];
    room +=
        node->ceil_mode ? stride - 1 : 0; // torch: even the first window may reach over the edge
    if (room < 0) {
        return 0;
    }
    int64_t out = room / stride + 1;
    // torch: the last window must start inside the input or its left padding.
    return node->ceil_mode && (out - 1) * stride >= in + node->padding[axis] ? out - 1 : out;
}

static int check_fused(const dogb_node *node) {
    int32_t act = node->activation;
    if (act != 0 && act != DOGB_OP_RELU && act != DOGB_OP_RELU6) {
        return BAD(node, "expected the activation relu or relu6", act);
    }
    return DOGBREED_OK;
}

static int infer_conv(dogb_node *node, const dogb_node *const *values) {
    const dogb_node *in = values[0];
    int rc;
    if ((rc = need_rank(node, in, 3)) < 0 || (rc = check_window(node)) < 0 ||
        (rc = check_fused(node)) < 0) {
        return rc;
    }
    int64_t channels = in->shape[0];
    if (node->groups < 1 || channels % node->groups != 0 ||
        node->channels_out % node->groups != 0) {
        return BAD(node, "expected groups that divide both channel counts", node->groups);
    }
    node->channels_in = (int32_t)channels;
    node->ceil_mode = 0;
    rc = set_shape(node, node->channels_out, window_out(node, 0, in->shape[1]),
                   window_out(node, 1, in->shape[2]));
    if (rc < 0) {
        return rc;
    }
    if ((node->input_count == 2) != (node->residual != 0)) {
        return BAD(node, "expected two inputs with a residual and one without", node->input_count);
    }
    if (node->residual &&
        (values[1]->rank != 3 || memcmp(values[1]->shape, node->shape, sizeof node->shape) != 0)) {
        return BAD(node, "the residual's shape differs from the output's; channels",
                   values[1]->shape[0]);
    }
    return DOGBREED_OK;
}

static int infer_linear(dogb_node *node, const dogb_node *const *values) {
    int rc;
    if ((rc = need_rank(node, values[0], 1)) < 0 || (rc = check_fused(node)) < 0) {
        return rc;
    }
    node->channels_in = (int32_t)values[0]->shape[0];
    return set_features(node, node->channels_out);
}

static int infer_same(dogb_node *node, const dogb_node *const *values) {
    node->rank = values[0]->rank;
    memcpy(node->shape, values[0]->shape, sizeof node->shape);
    return DOGBREED_OK;
}

static int infer_batch_norm(dogb_node *node, const dogb_node *const *values) {
    if (!(node->eps >= 0 && node->eps <= 1) || !(node->momentum >= 0 && node->momentum <= 1)) {
        return BAD(node, "expected eps and momentum of 0 to 1; input", node->inputs[0]);
    }
    node->channels_in = (int32_t)values[0]->shape[0];
    node->channels_out = node->channels_in;
    return infer_same(node, values);
}

static int infer_dropout(dogb_node *node, const dogb_node *const *values) {
    if (!(node->p >= 0 && node->p < 1)) {
        return BAD(node, "expected a probability of 0 to below 1; input", node->inputs[0]);
    }
    return infer_same(node, values);
}

static int infer_pool(dogb_node *node, const dogb_node *const *values) {
    const dogb_node *in = values[0];
    int rc;
    if ((rc = need_rank(node, in, 3)) < 0 || (rc = check_window(node)) < 0) {
        return rc;
    }
    for (int i = 0; i < 2; i++) {
        if (node->padding[i] > node->kernel[i] / 2) {
            return BAD(node, "expected a padding of at most half the kernel", node->padding[i]);
        }
        if (node->dilation[i] != 1) {
            return BAD(node, "expected a dilation of 1", node->dilation[i]);
        }
    }
    return set_shape(node, in->shape[0], window_out(node, 0, in->shape[1]),
                     window_out(node, 1, in->shape[2]));
}

static int infer_adaptive(dogb_node *node, const dogb_node *const *values) {
    int rc = need_rank(node, values[0], 3);
    return rc < 0 ? rc : set_shape(node, values[0]->shape[0], node->kernel[0], node->kernel[1]);
}

static int infer_flatten(dogb_node *node, const dogb_node *const *values) {
    const int64_t *in = values[0]->shape;
    return set_features(node, in[0] * in[1] * in[2]);
}

static int infer_add(dogb_node *node, const dogb_node *const *values) {
    if (values[0]->rank != values[1]->rank ||
        memcmp(values[0]->shape, values[1]->shape, sizeof values[0]->shape) != 0) {
        return BAD(node, "expected two inputs of one shape; channels of the second",
                   values[1]->shape[0]);
    }
    return infer_same(node, values);
}

static int infer_cat(dogb_node *node, const dogb_node *const *values) {
    int64_t channels = 0;
    for (int32_t i = 0; i < node->input_count; i++) {
        if (values[i]->rank != values[0]->rank || values[i]->shape[1] != values[0]->shape[1] ||
            values[i]->shape[2] != values[0]->shape[2]) {
            return BAD(node, "expected inputs that differ in channels only; input", i);
        }
        channels += values[i]->shape[0]; // at most 16384 inputs of 2^24
    }
    return values[0]->rank == 1
               ? set_features(node, channels)
               : set_shape(node, channels, values[0]->shape[1], values[0]->shape[2]);
}

static int infer_input(dogb_node *node, const dogb_node *const *values) {
    (void)values;
    return node->rank == 1 ? set_features(node, node->shape[0])
                           : set_shape(node, node->shape[0], node->shape[1], node->shape[2]);
}

const dogb_op_row dogb_op_rows[DOGB_OP_COUNT] = {
    [DOGB_OP_INPUT] = {"input", 0, 0, infer_input},
    [DOGB_OP_CONV2D] = {"conv2d", 1, 2, infer_conv},
    [DOGB_OP_LINEAR] = {"linear", 1, 1, infer_linear},
    [DOGB_OP_BATCH_NORM] = {"batch_norm", 1, 1, infer_batch_norm},
    [DOGB_OP_RELU] = {"relu", 1, 1, infer_same},
    [DOGB_OP_RELU6] = {"relu6", 1, 1, infer_same},
    [DOGB_OP_MAX_POOL] = {"max_pool", 1, 1, infer_pool},
    [DOGB_OP_AVG_POOL] = {"avg_pool", 1, 1, infer_pool},
    [DOGB_OP_ADAPTIVE_AVG_POOL] = {"adaptive_avg_pool", 1, 1, infer_adaptive},
    [DOGB_OP_FLATTEN] = {"flatten", 1, 1, infer_flatten},
    [DOGB_OP_ADD] = {"add", 2, 2, infer_add},
    [DOGB_OP_CAT] = {"cat", 1, DOGB_GRAPH_NODE_MAX, infer_cat},
    [DOGB_OP_DROPOUT] = {"dropout", 1, 1, infer_dropout},
};

const char *dogb_op_name(int32_t op) {
    return op >= 0 && op < DOGB_OP_COUNT ? dogb_op_rows[op].name : "unknown";
}

int64_t dogb_graph_work(const dogb_node *node) {
    int64_t out = node->shape[0] * node->shape[1] * node->shape[2];
    int64_t window = (int64_t)node->kernel[0] * node->kernel[1];
    switch (node->op) {
    case DOGB_OP_CONV2D: // at most 2^31 * 2^24 * 2^24: the quotient is bounded first
        window *= node->channels_in / node->groups;
        return out > DOGB_GRAPH_WORK_MAX / window ? DOGB_GRAPH_WORK_MAX : out * window;
    case DOGB_OP_LINEAR:
        return out * node->channels_in;
    case DOGB_OP_MAX_POOL:
    case DOGB_OP_AVG_POOL:
        return out > DOGB_GRAPH_WORK_MAX / window ? DOGB_GRAPH_WORK_MAX : out * window;
    case DOGB_OP_ADAPTIVE_AVG_POOL: // windows overlap by at most one row and column
        return out * 4;
    default:
        return out;
    }
}
