// simple.c - pooling, and the steps that touch each value once: additions, activations, batch norms
// that could not be folded, concatenations, and flattening.
#include "engine/native/native.h"

#include "engine/engine_internal.h"

#include <stddef.h>
#include <string.h>

// The inputs of a window, pixel by pixel.
static void point_window(const float **rows, const float *base, const dogb_value *in,
                         const dogb_span *down, const dogb_span *across) {
    int64_t tap = 0;
    for (int64_t y = down->first; y < down->last; y++) {
        for (int64_t x = across->first; x < across->last; x++) {
            rows[tap++] = base + y * in->pitch + x * in->stride;
        }
    }
}

// One long sum would lose digits: rows of a large window are summed first. Returns their number.
static int64_t sum_rows(const float **rows, float *sums, const dogb_depth *whole,
                        const dogb_kernel *kernel, int64_t height) {
    static const float one = 1.0f;
    const int64_t width = whole->taps / height;
    for (int64_t y = 0; y < height; y++) {
        dogb_depth row = *whole;
        row.rows = rows + y * width;
        row.taps = width;
        row.scale = &one;
        row.out = sums + y * whole->channels;
        kernel->sum(&row);
    }
    for (int64_t y = 0; y < height; y++) {
        rows[y] = sums + y * whole->channels;
    }
    return height;
}

void dogb_step_pool(const dogb_pass *pass, const dogb_step *step, int64_t from, int64_t to,
                    float *scratch) {
    const dogb_node *node = step->part[0];
    const dogb_value *in = &pass->net->values[step->input];
    const dogb_value *out = &pass->net->values[step->output];
    const dogb_kernel *kernel = pass->net->kernel;
    const float **rows = (const float **)(void *)scratch;
    const float *base = pass->values + in->offset;
    for (int64_t y = from; y < to; y++) {
        dogb_span down = dogb_pool_span(node, 0, in->height, y);
        for (int64_t x = 0; x < out->width; x++) {
            dogb_span across = dogb_pool_span(node, 1, in->width, x);
            int64_t inside = (down.last - down.first) * (across.last - across.first);
            float scale = 1.0f / (float)(node->count_pad ? down.reach * across.reach : inside);
            dogb_depth depth = {.rows = rows,
                                .scale = &scale,
                                .out =
                                    pass->values + out->offset + y * out->pitch + x * out->stride,
                                .taps = inside,
                                .channels = out->channels,
                                .pixels = 1};
            point_window(rows, base, in, &down, &across);
            if (node->op != DOGB_OP_MAX_POOL && inside > DOGB_POOL_TAPS) {
                depth.taps =
                    sum_rows(rows, scratch + step->sums, &depth, kernel, down.last - down.first);
            }
            (node->op == DOGB_OP_MAX_POOL ? kernel->maximum : kernel->sum)(&depth);
        }
    }
}

// A pixel of each operand and of the result.
static void one(const dogb_pass *pass, const dogb_step *step, const float *in, const float *other,
                float *out) {
    const dogb_kernel *kernel = pass->net->kernel;
    int64_t channels = pass->net->values[step->output].channels;
    float low = 0.0f;
    float high = 0.0f;
    int32_t op = step->part[0]->op;
    dogb_native_limits(op == DOGB_OP_RELU || op == DOGB_OP_RELU6 ? op : step->part[0]->activation,
                       &low, &high);
    if (other != NULL) {
        kernel->add(out, in, other, channels, low, high);
    } else {
        kernel->affine(out, in, step->scale, step->shift, channels, low, high);
    }
}

// Operands of a concatenation that could not be written in place.
static void cat(const dogb_pass *pass, const dogb_step *step, int64_t y) {
    const dogb_node *node = step->part[0];
    const dogb_value *out = &pass->net->values[step->output];
    for (int32_t k = 0, channel = 0; k < node->input_count; k++) {
        const dogb_value *in = &pass->net->values[node->inputs[k]];
        const float *from = pass->values + in->offset + y * in->pitch;
        float *to = pass->values + out->offset + y * out->pitch + channel;
        for (int64_t x = 0; from != to && x < out->width; x++) {
            memcpy(to + x * out->stride, from + x * in->stride, (size_t)in->channels * sizeof *to);
        }
        channel += in->channels;
    }
}

// torch's order: channel, row, column.
static void flatten(const dogb_pass *pass, const dogb_step *step) {
    const dogb_value *in = &pass->net->values[step->input];
    float *to = pass->values + pass->net->values[step->output].offset;
    const float *from = pass->values + in->offset;
    for (int64_t c = 0; c < in->channels; c++) {
        for (int64_t y = 0; y < in->height; y++) {
            for (int64_t x = 0; x < in->width; x++) {
                *to++ = from[y * in->pitch + x * in->stride + c];
            }
        }
    }
}

void dogb_step_simple(const dogb_pass *pass, const dogb_step *step, int64_t from, int64_t to,
                      float *scratch) {
    const dogb_value *in = &pass->net->values[step->input];
    const dogb_value *out = &pass->net->values[step->output];
    (void)scratch;
    for (int64_t y = from; y < to; y++) {
        if (step->part[0]->op == DOGB_OP_FLATTEN) {
            flatten(pass, step);
            continue;
        }
        if (step->part[0]->op == DOGB_OP_CAT) {
            cat(pass, step, y);
            continue;
        }
        for (int64_t x = 0; x < out->width; x++) {
            const float *other = NULL;
            if (step->residual >= 0) {
                const dogb_value *second = &pass->net->values[step->residual];
                other = pass->values + second->offset + y * second->pitch + x * second->stride;
            }
            one(pass, step, pass->values + in->offset + y * in->pitch + x * in->stride, other,
                pass->values + out->offset + y * out->pitch + x * out->stride);
        }
    }
}
