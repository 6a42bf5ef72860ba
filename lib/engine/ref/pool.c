// pool.c - max, average and adaptive average pooling with torch's borders: padding is minus
// infinity or zero, ceil_mode lets the last window reach over the edge.
#include "engine/ref/ref.h"

#include <math.h>

// Part of a window inside the input: [first, last) along one axis; `reach` is where the padded
// window ends, for counting padding.
typedef struct span {
    int64_t first;
    int64_t last;
    int64_t reach;
} span;

static span window_span(const dogb_node *node, int axis, int64_t size, int64_t out) {
    int64_t first = out * node->stride[axis] - node->padding[axis];
    int64_t last = first + node->kernel[axis];
    int64_t limit = size + node->padding[axis];
    span s = {first < 0 ? 0 : first, last > size ? size : last,
              (last > limit ? limit : last) - first};
    return s;
}

static span adaptive_span(const dogb_node *node, int axis, int64_t size, int64_t out) {
    int64_t first = out * size / node->kernel[axis];
    int64_t last = ((out + 1) * size + node->kernel[axis] - 1) / node->kernel[axis];
    span s = {first, last, last - first};
    return s;
}

typedef span (*span_fn)(const dogb_node *node, int axis, int64_t size, int64_t out);

// What one output pixel does with its window of one plane: forward writes *value, backward spreads
// *value over grad.
typedef void (*window_fn)(const dogb_node *node, const float *plane, float *grad, int64_t width,
                          span rows, span columns, float *value);

static void walk(dogb_ref_pass *pass, int32_t index, span_fn spans, window_fn fn, int back) {
    const dogb_node *node = &pass->graph->nodes[index];
    const dogb_node *from = &pass->graph->nodes[node->inputs[0]];
    const int64_t *in = from->shape;
    const float *x = dogb_ref_input(pass, index, 0);
    float *grad = back ? dogb_ref_input_grad(pass, index, 0) : NULL;
    float *value = back ? pass->grads[index] : pass->values[index];
    for (int64_t plane = 0; plane < pass->count * in[0]; plane++) {
        int64_t at = plane * in[1] * in[2];
        for (int64_t y = 0; y < node->shape[1]; y++) {
            span rows = spans(node, 0, in[1], y);
            for (int64_t column = 0; column < node->shape[2]; column++) {
                fn(node, x + at, grad == NULL ? NULL : grad + at, in[2], rows,
                   spans(node, 1, in[2], column), value++);
            }
        }
    }
}

// The first of equal values wins; NaN beats everything, as in torch.
static int64_t find_max(const float *plane, int64_t width, span rows, span columns) {
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
                        span rows, span columns, float *value) {
    (void)node;
    (void)grad;
    *value = plane[find_max(plane, width, rows, columns)];
}

static void max_backward(const dogb_node *node, const float *plane, float *grad, int64_t width,
                         span rows, span columns, float *value) {
    (void)node;
    grad[find_max(plane, width, rows, columns)] += *value;
}

static double divisor(const dogb_node *node, span rows, span columns) {
    int64_t inside = (rows.last - rows.first) * (columns.last - columns.first);
    return (double)(node->count_pad ? rows.reach * columns.reach : inside);
}

static void avg_forward(const dogb_node *node, const float *plane, float *grad, int64_t width,
                        span rows, span columns, float *value) {
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
                         span rows, span columns, float *value) {
    float share = (float)((double)*value / divisor(node, rows, columns));
    (void)plane;
    for (int64_t y = rows.first; y < rows.last; y++) {
        for (int64_t x = columns.first; x < columns.last; x++) {
            grad[y * width + x] += share;
        }
    }
}

int dogb_ref_max_pool_forward(dogb_ref_pass *pass, int32_t index) {
    walk(pass, index, window_span, max_forward, 0);
    return 0;
}

int dogb_ref_max_pool_backward(dogb_ref_pass *pass, int32_t index) {
    walk(pass, index, window_span, max_backward, 1);
    return 0;
}

int dogb_ref_avg_pool_forward(dogb_ref_pass *pass, int32_t index) {
    walk(pass, index, window_span, avg_forward, 0);
    return 0;
}

int dogb_ref_avg_pool_backward(dogb_ref_pass *pass, int32_t index) {
    walk(pass, index, window_span, avg_backward, 1);
    return 0;
}

int dogb_ref_adaptive_forward(dogb_ref_pass *pass, int32_t index) {
    walk(pass, index, adaptive_span, avg_forward, 0);
    return 0;
}

int dogb_ref_adaptive_backward(dogb_ref_pass *pass, int32_t index) {
    walk(pass, index, adaptive_span, avg_backward, 1);
    return 0;
}
