// conv.c - convolutions and linear layers as products of panels of weights with tiles of points.
// A tile sees its inputs through a table of pointers, so strides, dilation and borders are the
// table's affair alone: what lies outside the picture points to zeros.
#include "engine/native/native.h"

#include <math.h>
#include <stddef.h>

enum {
    PART_FLOATS = 64 * 1024, // weights of a panel that are passed over at a time
    FLOAT_BYTES = (int)sizeof(float)
};

void dogb_native_limits(int32_t activation, float *low, float *high) {
    *low = activation == 0 ? -INFINITY : 0.0f;
    *high = activation == DOGB_OP_RELU6 ? 6.0f : INFINITY;
}

// One panel on its way over the points.
typedef struct panel {
    const dogb_points *points;
    void (*tiles)(const dogb_tile *tile);
    char *out; // floats or elements, as the residual
    const char *residual;
    int64_t out_stride; // bytes
    int64_t residual_stride;
    int64_t width; // channels
    int64_t words; // of weights of a tap and a channel
    int64_t most;  // outputs of a tile
} panel;

// Taps whose weights of one panel stay in the second cache while all tiles pass.
static int64_t taps_of_part(const panel *p) {
    int64_t taps = PART_FLOATS / (p->words * p->width);
    taps = taps < 1 ? 1 : taps;
    return taps > p->points->taps ? p->points->taps : taps;
}

// `tiles` tiles of tile->pixels outputs, from output `at` on.
static void run_tiles(dogb_tile *tile, const panel *p, int64_t tap, int64_t at, int64_t tiles) {
    const dogb_points *points = p->points;
    float *sums = points->sums == NULL ? NULL : points->sums + at * p->width;
    tile->tiles = tiles;
    tile->row_stride = points->taps * tile->pixels;
    tile->rows = points->rows + points->taps * at + tap * tile->pixels;
    if (tap > 0) {
        tile->start = sums;
        tile->start_stride = p->width;
    }
    tile->out = tile->part ? (void *)sums : p->out + at * p->out_stride;
    tile->out_stride = tile->part ? p->width : points->out_stride;
    tile->residual = p->residual == NULL ? NULL : p->residual + at * p->residual_stride;
    p->tiles(tile);
}

static void run_panel(dogb_tile *tile, const panel *p) {
    const dogb_points *points = p->points;
    const int64_t tiles = (points->pixels + p->most - 1) / p->most;
    const int64_t each = points->pixels / tiles;
    const int64_t longer = points->pixels % tiles;
    const int64_t step = taps_of_part(p);
    const int64_t floats = p->words * p->width; // of a tap
    tile->start_stride = 0;
    tile->next = tile->weights + points->taps * floats;
    tile->fetch_end = tile->next + points->taps * floats;
    for (int64_t tap = 0; tap < points->taps; tap += step) {
        tile->taps = points->taps - tap < step ? points->taps - tap : step;
        tile->part = tap + step < points->taps;
        tile->pixels = (int32_t)each + 1;
        run_tiles(tile, p, tap, 0, longer);
        tile->pixels = (int32_t)each;
        run_tiles(tile, p, tap, longer * (each + 1), tiles - longer);
        tile->weights += tile->taps * floats;
    }
}

void dogb_native_points(const dogb_net *net, const dogb_packed *packed, int32_t group,
                        const dogb_points *points, int32_t activation) {
    if (packed->int8 != NULL) {
        dogb_int8_points(net, packed, group, points);
        return;
    }
    const dogb_kernel *kernel = net->kernel;
    const int64_t in_bytes = packed->bf16 ? net->element_bytes : FLOAT_BYTES;
    const int64_t out_bytes = packed->floats_out ? FLOAT_BYTES : in_bytes;
    dogb_tile tile = {.channels = points->channels,
                      .residual_stride = points->residual_stride,
                      .floats = packed->floats_out};
    dogb_native_limits(activation, &tile.low, &tile.high);
    int32_t first = 0;
    for (int32_t i = points->panel_from; i < points->panel_to; i++) {
        int32_t vectors =
            dogb_native_panel(kernel, packed->channels, packed->most, i, &first, &tile.tail);
        int64_t channel = (int64_t)group * packed->channels + first;
        tile.weights =
            packed->weights + group * packed->group_weights + first * points->taps * packed->words;
        tile.start = packed->bias + group * packed->group_bias + first;
        if (points->whole) {
            tile.tail = kernel->lanes;
            channel = 0;
        }
        panel p = {.points = points,
                   .tiles = packed->bf16 ? net->bf16->tiles[vectors] : kernel->tiles[vectors],
                   .out = (char *)points->out + channel * out_bytes,
                   .out_stride = points->out_stride * out_bytes,
                   .residual_stride = points->residual_stride * in_bytes,
                   .width = (int64_t)vectors * kernel->lanes,
                   .words = packed->words,
                   .most = packed->points};
        if (points->residual != NULL) {
            p.residual = (const char *)points->residual + channel * in_bytes;
        }
        run_panel(&tile, &p);
    }
}

// Outputs of `count` whose input, `first` and then every `stride` columns, lies in front of column
// `end`.
static int64_t before(int64_t first, int64_t stride, int64_t count, int64_t end) {
    int64_t found = first >= end ? 0 : (end - first + stride - 1) / stride;
    return found < count ? found : count;
}

// Inputs of the outputs [from, from + count) of row y under one place of the kernel; zeros outside.
static const void **row_of_points(const void **rows, const dogb_pass *pass,
                                  const dogb_window *window, int64_t y, int64_t from, int64_t count,
                                  const int32_t place[2]) {
    const dogb_node *node = window->node;
    const dogb_value *in = window->in;
    const int64_t stride = node->stride[1];
    int64_t iy = y * node->stride[0] - node->padding[0] + (int64_t)place[0] * node->dilation[0];
    int64_t ix = from * stride - node->padding[1] + (int64_t)place[1] * node->dilation[1];
    int outside = iy < -in->border || iy >= in->height + in->border;
    int64_t left = outside ? count : before(ix, stride, count, -in->border);
    int64_t inside = before(ix, stride, count, in->width + in->border);
    const char *line = dogb_native_at(pass, in, outside ? 0 : iy * in->pitch);
    const int64_t step = in->stride * in->bytes;
    int64_t i = 0;
    for (; i < left; i++) {
        rows[i] = window->zeros;
    }
    for (; i < inside; i++) {
        rows[i] = line + (ix + i * stride) * step;
    }
    for (; i < count; i++) {
        rows[i] = window->zeros;
    }
    return rows + count;
}

const void **dogb_native_table(const void **rows, const dogb_pass *pass, const dogb_window *window,
                               int64_t from, int64_t count, int64_t most) {
    const dogb_node *node = window->node;
    const int64_t width = window->width;
    const int32_t columns = window->joined ? 1 : node->kernel[1];
    const int64_t tiles = (count + most - 1) / most;
    for (int64_t t = 0; t < tiles; t++) {
        int64_t end = from + count / tiles + (t < count % tiles);
        for (int32_t place = 0; place < node->kernel[0] * columns; place++) {
            const int32_t at[2] = {place / columns, place % columns};
            for (int64_t i = from, left = 0; i < end; i += left) {
                left = width - i % width < end - i ? width - i % width : end - i;
                rows = row_of_points(rows, pass, window, i / width, i % width, left, at);
            }
        }
        from = end;
    }
    return rows;
}

void dogb_step_conv(const dogb_pass *pass, const dogb_step *step, int64_t from, int64_t to,
                    float *scratch) {
    const dogb_net *net = pass->net;
    const dogb_node *node = step->part[0];
    const dogb_packed *packed = &step->packed[0];
    const dogb_value *out = &net->values[step->output];
    const void **rows = (const void **)(void *)scratch;
    const int64_t most = packed->points;
    const int64_t taps =
        step->joined ? node->kernel[0] : (int64_t)node->kernel[0] * node->kernel[1];
    const dogb_value *in = &net->values[step->input];
    const dogb_window window = {node, in, step->zeros, out->width, step->joined, 0};
    const int64_t first = step->by_panels ? 0 : from;
    const int64_t count = (step->by_panels ? out->height : to - from) * out->width;
    const int64_t groups = (count + step->group - 1) / step->group;
    for (int64_t i = 0; i < groups; i++) {
        int64_t at = first * out->width + count * i / groups;
        dogb_points points = {.rows = rows,
                              .sums = scratch + step->sums,
                              .taps = taps,
                              .channels = packed->inputs / taps,
                              .pixels = count * (i + 1) / groups - count * i / groups,
                              .out = dogb_native_at(pass, out, at * out->stride),
                              .out_stride = out->stride,
                              .panel_from = step->by_panels ? (int32_t)from : 0,
                              .panel_to = step->by_panels ? (int32_t)to : packed->panels};
        if (step->residual >= 0) {
            const dogb_value *other = &net->values[step->residual];
            points.residual = dogb_native_at(pass, other, at * other->stride);
            points.residual_stride = other->stride;
        }
        (void)dogb_native_table(rows, pass, &window, at, points.pixels, most);
        for (int32_t g = 0; g < node->groups; g++) {
            dogb_native_points(net, packed, g, &points, node->activation);
            for (int64_t r = 0; g + 1 < node->groups && r < taps * points.pixels; r++) {
                const char *row = rows[r];
                const int32_t next = node->channels_in / node->groups * in->bytes;
                rows[r] = row == step->zeros ? row : row + next;
            }
        }
    }
}

void dogb_step_depthwise(const dogb_pass *pass, const dogb_step *step, int64_t from, int64_t to,
                         float *scratch) {
    const dogb_node *node = step->part[0];
    const dogb_value *out = &pass->net->values[step->output];
    const void **rows = (const void **)(void *)scratch;
    dogb_depth depth = {.rows = (const float *const *)rows,
                        .weights = step->packed[0].weights,
                        .bias = step->packed[0].bias,
                        .taps = step->packed[0].inputs,
                        .channels = out->channels,
                        .out_stride = out->stride,
                        .pixels = out->width};
    const dogb_window window = {node, &pass->net->values[step->input], step->zeros, out->width, 0,
                                0};
    dogb_native_limits(node->activation, &depth.low, &depth.high);
    for (int64_t y = from; y < to; y++) {
        (void)dogb_native_table(rows, pass, &window, y * out->width, out->width, out->width);
        depth.out = pass->values + out->offset + y * out->pitch;
        pass->net->kernel->depthwise(&depth);
    }
}
