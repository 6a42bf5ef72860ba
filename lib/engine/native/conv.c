// conv.c - convolutions and linear layers as products of panels of weights with tiles of points.
// A tile sees its inputs through a table of pointers, so strides, dilation and borders are the
// table's affair alone: what lies outside the picture points to zeros.
#include "engine/native/native.h"

#include <math.h>
#include <stddef.h>

void dogb_native_limits(int32_t activation, float *low, float *high) {
    *low = activation == 0 ? -INFINITY : 0.0f;
    *high = activation == DOGB_OP_RELU6 ? 6.0f : INFINITY;
}

int32_t dogb_native_tile(int64_t pixels, int64_t most, int64_t index) {
    int64_t tiles = (pixels + most - 1) / most;
    return (int32_t)(pixels / tiles + (index < pixels % tiles));
}

int32_t dogb_native_most(const dogb_kernel *kernel, const dogb_packed *packed) {
    int32_t first = 0;
    int32_t tail = 0;
    return kernel->pixels[dogb_native_panel(kernel, packed->channels, 0, &first, &tail)];
}

void dogb_native_points(const dogb_kernel *kernel, const dogb_packed *packed, int32_t group,
                        const dogb_points *points, int32_t activation) {
    const int64_t most = dogb_native_most(kernel, packed);
    const int64_t tiles = (points->pixels + most - 1) / most;
    dogb_tile tile = {.taps = points->taps,
                      .channels = points->channels,
                      .out_stride = points->out_stride,
                      .residual_stride = points->residual_stride};
    dogb_native_limits(activation, &tile.low, &tile.high);
    int32_t first = 0;
    int32_t vectors = 0;
    for (int32_t p = points->panel_from; p < points->panel_to; p++) {
        vectors = dogb_native_panel(kernel, packed->channels, p, &first, &tile.tail);
        int64_t channel = (int64_t)group * packed->channels + first;
        tile.weights = packed->weights + group * packed->group_weights + first * packed->inputs;
        tile.bias = packed->bias + group * packed->group_bias + first;
        tile.rows = points->rows;
        int64_t at = 0;
        for (int64_t t = 0; t < tiles; t++) {
            tile.pixels = dogb_native_tile(points->pixels, most, t);
            tile.out = points->out + at * points->out_stride + channel;
            tile.residual = points->residual == NULL
                                ? NULL
                                : points->residual + at * points->residual_stride + channel;
            kernel->tile[vectors](&tile);
            tile.rows += points->taps * tile.pixels;
            at += tile.pixels;
        }
    }
}

// Input of output (y, x) under kernel place (row, column); zeros outside.
static const float *input_at(const dogb_pass *pass, const dogb_step *step, int64_t y, int64_t x,
                             int32_t row, int32_t column) {
    const dogb_node *node = step->part[0];
    const dogb_value *in = &pass->net->values[step->input];
    int64_t iy = y * node->stride[0] - node->padding[0] + (int64_t)row * node->dilation[0];
    int64_t ix = x * node->stride[1] - node->padding[1] + (int64_t)column * node->dilation[1];
    if (iy < -in->border || iy >= in->height + in->border || ix < -in->border ||
        ix >= in->width + in->border) {
        return pass->net->zeros;
    }
    return pass->values + in->offset + iy * in->pitch + ix * in->stride;
}

// Table of the points [from, from + count) of the output, counted row by row.
static void point_at(const float **rows, const dogb_pass *pass, const dogb_step *step, int64_t from,
                     int64_t count, int64_t most) {
    const dogb_node *node = step->part[0];
    const int64_t width = node->op == DOGB_OP_LINEAR ? 1 : node->shape[2];
    const int32_t columns = step->joined ? 1 : node->kernel[1];
    const int64_t tiles = (count + most - 1) / most;
    for (int64_t t = 0; t < tiles; t++) {
        int32_t pixels = dogb_native_tile(count, most, t);
        for (int32_t row = 0; row < node->kernel[0]; row++) {
            for (int32_t column = 0; column < columns; column++) {
                for (int64_t i = from; i < from + pixels; i++) {
                    *rows++ = input_at(pass, step, i / width, i % width, row, column);
                }
            }
        }
        from += pixels;
    }
}

void dogb_step_conv(const dogb_pass *pass, const dogb_step *step, int64_t from, int64_t to,
                    float *scratch) {
    const dogb_net *net = pass->net;
    const dogb_node *node = step->part[0];
    const dogb_packed *packed = &step->packed[0];
    const dogb_value *out = &net->values[step->output];
    const float **rows = (const float **)(void *)scratch;
    const int64_t most = dogb_native_most(net->kernel, packed);
    const int64_t taps =
        step->joined ? node->kernel[0] : (int64_t)node->kernel[0] * node->kernel[1];
    const int64_t end = to * out->width;
    for (int64_t at = from * out->width; at < end; at += step->group) {
        dogb_points points = {.rows = rows,
                              .taps = taps,
                              .channels = packed->inputs / taps,
                              .pixels = end - at < step->group ? end - at : step->group,
                              .out = pass->values + out->offset + at * out->stride,
                              .out_stride = out->stride,
                              .panel_to = packed->panels};
        if (step->residual >= 0) {
            const dogb_value *other = &net->values[step->residual];
            points.residual = pass->values + other->offset + at * other->stride;
            points.residual_stride = other->stride;
        }
        point_at(rows, pass, step, at, points.pixels, most);
        for (int32_t g = 0; g < node->groups; g++) {
            dogb_native_points(net->kernel, packed, g, &points, node->activation);
            for (int64_t i = 0; g + 1 < node->groups && i < taps * points.pixels; i++) {
                rows[i] += rows[i] == net->zeros ? 0 : node->channels_in / node->groups;
            }
        }
    }
}

void dogb_step_depthwise(const dogb_pass *pass, const dogb_step *step, int64_t from, int64_t to,
                         float *scratch) {
    const dogb_node *node = step->part[0];
    const dogb_value *out = &pass->net->values[step->output];
    const float **rows = (const float **)(void *)scratch;
    dogb_depth depth = {.rows = rows,
                        .weights = step->packed[0].weights,
                        .bias = step->packed[0].bias,
                        .taps = step->packed[0].inputs,
                        .channels = out->channels,
                        .out_stride = out->stride,
                        .pixels = out->width};
    dogb_native_limits(node->activation, &depth.low, &depth.high);
    for (int64_t y = from; y < to; y++) {
        point_at(rows, pass, step, y * out->width, out->width, out->width);
        depth.out = pass->values + out->offset + y * out->pitch;
        pass->net->kernel->depthwise(&depth);
    }
}
