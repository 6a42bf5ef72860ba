// ops.c - the table of operations, the small ones among them, and what all share.
#include "engine/ref/ref.h"

#include "core/error.h"
#include "core/thread.h"

#include <string.h>

int64_t dogb_ref_size(const dogb_node *node) {
    return node->shape[0] * node->shape[1] * node->shape[2];
}

float *dogb_ref_input(const dogb_ref_pass *pass, int32_t node, int32_t input) {
    return pass->values[pass->graph->nodes[node].inputs[input]];
}

float *dogb_ref_input_grad(const dogb_ref_pass *pass, int32_t node, int32_t input) {
    return pass->grads[pass->graph->nodes[node].inputs[input]];
}

static int32_t find_role(const dogb_ref_pass *pass, int32_t node, int32_t role) {
    const dogb_node *at = &pass->graph->nodes[node];
    for (int32_t i = at->first_param; i < at->first_param + at->param_count; i++) {
        if (pass->graph->params[i].role == role) {
            return i;
        }
    }
    return -1;
}

float *dogb_ref_param(const dogb_ref_pass *pass, int32_t node, int32_t role) {
    int32_t at = find_role(pass, node, role);
    return at < 0 ? NULL : pass->params[at];
}

float *dogb_ref_param_grad(const dogb_ref_pass *pass, int32_t node, int32_t role) {
    int32_t at = find_role(pass, node, role);
    return at < 0 ? NULL : pass->grads_param[at];
}

int dogb_ref_loop(const dogb_ref_pass *pass, int64_t count, double work,
                  int (*fn)(int64_t index, void *userdata), void *userdata) {
    // A thread costs some 30 microseconds to start: a million steps take ten times that.
    int32_t threads = work < 1e6 ? 1 : pass->threads;
    if (threads > 1) {
        return dogb_parallel(threads, count, fn, userdata);
    }
    int rc = DOGBREED_OK;
    for (int64_t i = 0; rc == DOGBREED_OK && i < count; i++) {
        rc = fn(i, userdata);
    }
    return rc;
}

// Comparisons are written so that NaN passes.
static float clip(float value, int32_t op) {
    if (value < 0.0f) {
        return 0.0f;
    }
    return op == DOGB_OP_RELU6 && value > 6.0f ? 6.0f : value;
}

static int open_gate(float output, int32_t op) {
    return op == DOGB_OP_RELU6 ? output > 0.0f && output < 6.0f : output > 0.0f;
}

void dogb_ref_activate(const dogb_ref_pass *pass, int32_t index) {
    const dogb_node *node = &pass->graph->nodes[index];
    float *value = pass->values[index];
    int64_t count = node->activation == 0 ? 0 : pass->count * dogb_ref_size(node);
    for (int64_t i = 0; i < count; i++) {
        value[i] = clip(value[i], node->activation);
    }
}

void dogb_ref_activate_backward(const dogb_ref_pass *pass, int32_t index) {
    const dogb_node *node = &pass->graph->nodes[index];
    float *gradient = pass->grads[index];
    int64_t count = node->activation == 0 ? 0 : pass->count * dogb_ref_size(node);
    for (int64_t i = 0; i < count; i++) {
        gradient[i] = open_gate(pass->values[index][i], node->activation) ? gradient[i] : 0.0f;
    }
}

static int relu_forward(dogb_ref_pass *pass, int32_t index) {
    const dogb_node *node = &pass->graph->nodes[index];
    const float *x = dogb_ref_input(pass, index, 0);
    for (int64_t i = 0; i < pass->count * dogb_ref_size(node); i++) {
        pass->values[index][i] = clip(x[i], node->op);
    }
    return DOGBREED_OK;
}

static int relu_backward(dogb_ref_pass *pass, int32_t index) {
    const dogb_node *node = &pass->graph->nodes[index];
    float *to = dogb_ref_input_grad(pass, index, 0);
    for (int64_t i = 0; i < pass->count * dogb_ref_size(node); i++) {
        to[i] += open_gate(pass->values[index][i], node->op) ? pass->grads[index][i] : 0.0f;
    }
    return DOGBREED_OK;
}

static int copy_forward(dogb_ref_pass *pass, int32_t index) {
    memcpy(pass->values[index], dogb_ref_input(pass, index, 0),
           (size_t)(pass->count * dogb_ref_size(&pass->graph->nodes[index])) * sizeof(float));
    return DOGBREED_OK;
}

static int copy_backward(dogb_ref_pass *pass, int32_t index) {
    dogb_ref_axpy(dogb_ref_input_grad(pass, index, 0), 1.0f, pass->grads[index],
                  pass->count * dogb_ref_size(&pass->graph->nodes[index]));
    return DOGBREED_OK;
}

static int add_forward(dogb_ref_pass *pass, int32_t index) {
    const float *a = dogb_ref_input(pass, index, 0);
    const float *b = dogb_ref_input(pass, index, 1);
    for (int64_t i = 0; i < pass->count * dogb_ref_size(&pass->graph->nodes[index]); i++) {
        pass->values[index][i] = a[i] + b[i];
    }
    return DOGBREED_OK;
}

static int add_backward(dogb_ref_pass *pass, int32_t index) {
    for (int32_t k = 0; k < 2; k++) {
        float *to = dogb_ref_input_grad(pass, index, k);
        if (to != NULL) {
            dogb_ref_axpy(to, 1.0f, pass->grads[index],
                          pass->count * dogb_ref_size(&pass->graph->nodes[index]));
        }
    }
    return DOGBREED_OK;
}

static int cat_forward(dogb_ref_pass *pass, int32_t index) {
    const dogb_node *node = &pass->graph->nodes[index];
    float *to = pass->values[index];
    for (int64_t n = 0; n < pass->count; n++) {
        for (int32_t k = 0; k < node->input_count; k++) {
            int64_t size = dogb_ref_size(&pass->graph->nodes[node->inputs[k]]);
            memcpy(to, dogb_ref_input(pass, index, k) + n * size, (size_t)size * sizeof *to);
            to += size;
        }
    }
    return DOGBREED_OK;
}

static int cat_backward(dogb_ref_pass *pass, int32_t index) {
    const dogb_node *node = &pass->graph->nodes[index];
    const float *from = pass->grads[index];
    for (int64_t n = 0; n < pass->count; n++) {
        for (int32_t k = 0; k < node->input_count; k++) {
            int64_t size = dogb_ref_size(&pass->graph->nodes[node->inputs[k]]);
            float *to = dogb_ref_input_grad(pass, index, k);
            if (to != NULL) {
                dogb_ref_axpy(to + n * size, 1.0f, from, size);
            }
            from += size;
        }
    }
    return DOGBREED_OK;
}

// from -> to with the mask of this forward; add: for gradients.
static int apply_mask(dogb_ref_pass *pass, int32_t index, float *to, const float *from, int add) {
    const dogb_node *node = &pass->graph->nodes[index];
    dogb_arena arena = {0};
    int64_t count = pass->count * dogb_ref_size(node);
    float *mask = dogb_alloc_raw(&arena, (size_t)count, sizeof *mask);
    if (mask == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    dogb_dropout_mask(mask, count, node->p, pass->seed, index, pass->step);
    for (int64_t i = 0; i < count; i++) {
        to[i] = (add ? to[i] : 0.0f) + from[i] * mask[i];
    }
    dogb_arena_free(&arena);
    return DOGBREED_OK;
}

static int dropout_forward(dogb_ref_pass *pass, int32_t index) {
    if (!pass->training || pass->graph->nodes[index].p == 0) {
        return copy_forward(pass, index);
    }
    return apply_mask(pass, index, pass->values[index], dogb_ref_input(pass, index, 0), 0);
}

static int dropout_backward(dogb_ref_pass *pass, int32_t index) {
    if (!pass->training || pass->graph->nodes[index].p == 0) {
        return copy_backward(pass, index);
    }
    return apply_mask(pass, index, dogb_ref_input_grad(pass, index, 0), pass->grads[index], 1);
}

static int input_forward(dogb_ref_pass *pass, int32_t index) { // filled by the caller
    (void)pass;
    (void)index;
    return DOGBREED_OK;
}

const dogb_ref_op dogb_ref_ops[DOGB_OP_COUNT] = {
    [DOGB_OP_INPUT] = {input_forward, NULL},
    [DOGB_OP_CONV2D] = {dogb_ref_conv_forward, dogb_ref_conv_backward},
    [DOGB_OP_LINEAR] = {dogb_ref_linear_forward, dogb_ref_linear_backward},
    [DOGB_OP_BATCH_NORM] = {dogb_ref_norm_forward, dogb_ref_norm_backward},
    [DOGB_OP_RELU] = {relu_forward, relu_backward},
    [DOGB_OP_RELU6] = {relu_forward, relu_backward},
    [DOGB_OP_MAX_POOL] = {dogb_ref_max_pool_forward, dogb_ref_max_pool_backward},
    [DOGB_OP_AVG_POOL] = {dogb_ref_avg_pool_forward, dogb_ref_avg_pool_backward},
    [DOGB_OP_ADAPTIVE_AVG_POOL] = {dogb_ref_adaptive_forward, dogb_ref_adaptive_backward},
    [DOGB_OP_FLATTEN] = {copy_forward, copy_backward},
    [DOGB_OP_ADD] = {add_forward, add_backward},
    [DOGB_OP_CAT] = {cat_forward, cat_backward},
    [DOGB_OP_DROPOUT] = {dropout_forward, dropout_backward},
};
