// pool.c - max, average and adaptive average pooling with torch's borders: padding is minus
// infinity or zero, ceil_mode lets the last window reach over the edge.
#include "engine/engine_internal.h"
#include "engine/ref/ref.h"

#include <math.h>

// What one output pixel does with its window of one plane: forward writes *value, backward spreads
// *value over grad.
typedef void (*window_fn)(const dogb_node *node, const float *plane, float *grad, int64_t width,
                          dogb_span rows, dogb_span columns, float *value);

static void walk(dogb_ref_pass *pass, int32_t index, window_fn fn, int back) {
    const dogb_node *node = &pass->graph->nodes[index];
    const dogb_node *from = &pass->graph->nodes[node->inputs[0]];
    const int64_t *in = from->shape;
    const float *x = dogb_ref_input(pass, index, 0);
    float *grad = back ? dogb_ref_input_grad(pass, index, 0) : NULL;
    float *value = back ? pass->grads[index] : pass->values[index];
    for (int64_t plane = 0; plane < pass->count * in[0]; plane++) {
        int64_t at = plane * in[1] * in[2];
        for (int64_t y = 0; y < node->shape[1]; y++) {
            dogb_span rows = dogb_pool_span(node, 0, in[1], y);
            for (int64_t column = 0; column < node->shape[2]; column++) {
                fn(node, x + at, grad == NULL ? NULL : grad + at, in[2], rows,
                   dogb_pool_span(node, 1, in[2], column), value++);
            }
        }
    }
}

// The first of equal values wins; NaN beats everything, as in torch.
static int64_t find_max(const float *plane, int64_t width, dogb_span rows, dogb_span columns) {
    int64_t best = rows.first * width + columns.first;
    for (int64_t y = rows.first; y < rows.last; y++) {
        for (int64_t x = columns.first; x < columns.last; x++) {
            float value = plane[y * width + x];
            if (value > plane[best] || isnan(value)) {
                best = y * width + x;
            }
        }
    }
    return best;
}

static void max_forward(const dogb_node *node, const float *plane, float *grad, int64_t width,
                        dogb_span rows, dogb_span columns, float *value) {
    (void)node;
    (void)grad;
    *value = plane[find_max(plane, width, rows, columns)];
}

static void max_backward(const dogb_node *node, const float *plane, float *grad, int64_t width,
                         dogb_span rows, dogb_span columns, float *value) {
    (void)node;
    grad[find_max(plane, width, rows, columns)] += *value;
}

static double divisor(const dogb_node *node, dogb_span rows, dogb_span columns) {
    int64_t inside = (rows.last - rows.first) * (columns.last - columns.first);
    return (double)(node->count_pad ? rows.reach * columns.reach : inside);
}

static void avg_forward(const dogb_node *node, const float *plane, float *grad, int64_t width,
                        dogb_span rows, dogb_span columns, float *value) {
    double sum = 0;
    (void)grad;
    for (int64_t y = rows.first; y < rows.last; y++) {
        for (int64_t x = columns.first; x < columns.last; x++) {
            sum += (double)plane[y * width + x];
        }
    }
    *value = (float)(sum / divisor(node, rows, columns));
}

static void avg_backward(const dogb_node *node, const float *plane, float *grad, int64_t width,
                         dogb_span rows, dogb_span columns, float *value) {
    float share = (float)((double)*value / divisor(node, rows, columns));
    (void)plane;
    for (int64_t y = rows.first; y < rows.last; y++) {
        for (int64_t x = columns.first; x < columns.last; x++) {
            grad[y * width + x] += share;
        }
    }
}

int dogb_ref_max_pool_forward(dogb_ref_pass *pass, int32_t index) {
    walk(pass, index, max_forward, 0);
    return 0;
}

int dogb_ref_max_pool_backward(dogb_ref_pass *pass, int32_t index) {
    walk(pass, index, max_backward, 1);
    return 0;
}

int dogb_ref_avg_pool_forward(dogb_ref_pass *pass, int32_t index) {
    walk(pass, index, avg_forward, 0);
    return 0;
}

int dogb_ref_avg_pool_backward(dogb_ref_pass *pass, int32_t index) {
    walk(pass, index, avg_backward, 1);
    return 0;
}

int dogb_ref_adaptive_forward(dogb_ref_pass *pass, int32_t index) {
    walk(pass, index, avg_forward, 0);
    return 0;
}

int dogb_ref_adaptive_backward(dogb_ref_pass *pass, int32_t index) {
    walk(pass, index, avg_backward, 1);
    return 0;
}
