// block.c - the inverted residual of MobileNetV2 in one step, a few output rows at a time. For each
// panel of channels: the rows of the expansion that the group needs and the group before has not
// left are computed, with zeros beside them, and convolved in depth while they are in the first
// cache; then all channels are projected. The expanded tensor, six times as large as what goes in
// and out, never leaves the second cache. The expansion may be any convolution: the network's first
// one is fused with the first block.
#include "engine/native/native.h"

#include <stddef.h>
#include <string.h>

enum { KERNEL_MAX = 16 }; // rows of a depthwise kernel

typedef struct block {
    const dogb_pass *pass;
    const dogb_step *step;
    const dogb_node *depth;
    const float **pointers;
    float *expanded;  // by panel: [rows][width + borders][channels of the panel]
    float *convolved; // [group rows][output width][channels]
    int64_t channels; // of the expansion
    int64_t height;   // of the expansion
    int64_t width;
    int64_t line;  // pixels of a row of it with its borders
    int64_t rows;  // that `expanded` holds
    int64_t first; // rows [first, end) are there
    int64_t end;
    int64_t next_first; // and will be
    int64_t next_end;
} block;

static int64_t rows_of_group(const dogb_step *step) {
    const dogb_node *depth = step->part[1];
    return (step->group - 1) * depth->stride[0] +
           (int64_t)(depth->kernel[0] - 1) * depth->dilation[0] + 1;
}

static int64_t padded(const dogb_kernel *kernel, int64_t channels) {
    return (channels + kernel->lanes - 1) / kernel->lanes * kernel->lanes;
}

static int64_t lines_of(int64_t floats) { // whole cache lines
    return (floats + 15) / 16 * 16;
}

dogb_block_memory dogb_native_block_memory(const dogb_kernel *kernel, const dogb_step *step) {
    const dogb_node *expand = step->part[0];
    const dogb_node *depth = step->part[1];
    int64_t rows = rows_of_group(step);
    int64_t line = expand->shape[2] + 2 * (int64_t)depth->padding[1];
    int64_t taps = (int64_t)expand->kernel[0] * (step->joined ? 1 : expand->kernel[1]);
    int64_t points = rows * expand->shape[2] * taps;
    int64_t outputs = step->group * depth->shape[2];
    return (dogb_block_memory){.pointers =
                                   lines_of((points > outputs ? points : outputs) * DOGB_POINTER),
                               .expanded = rows * line * padded(kernel, depth->channels_out),
                               .convolved = outputs * depth->channels_out};
}

// Rows of the expansion that output rows [from, to) read.
static void reach(block *b, int64_t from, int64_t to) {
    const dogb_node *depth = b->depth;
    int64_t first = from * depth->stride[0] - depth->padding[0];
    int64_t end = (to - 1) * depth->stride[0] - depth->padding[0] +
                  (int64_t)(depth->kernel[0] - 1) * depth->dilation[0] + 1;
    b->next_first = first < 0 ? 0 : first;
    b->next_end = end > b->height ? b->height : end;
}

// Pointers to the inputs of the rows that are missing.
static void point(const block *b) {
    const dogb_step *step = b->step;
    const dogb_net *net = b->pass->net;
    const dogb_window window = {step->part[0], &net->values[step->input], b->width, step->joined,
                                0};
    const int64_t most = step->packed[0].points;
    const float **rows = b->pointers;
    int64_t y = b->end > b->next_first ? b->end : b->next_first;
    for (; y < b->next_end; y++) {
        rows = dogb_native_table(rows, b->pass, &window, y * b->width, b->width, most);
    }
}

static void expand(const block *b, float *region, int32_t panel, int64_t channels) {
    const dogb_step *step = b->step;
    const dogb_packed *packed = &step->packed[0];
    const int64_t pitch = b->line * channels;
    const int64_t taps =
        (int64_t)step->part[0]->kernel[0] * (step->joined ? 1 : step->part[0]->kernel[1]);
    int64_t kept = b->end > b->next_first ? b->end - b->next_first : 0;
    if (kept > 0 && b->next_first > b->first) {
        memmove(region, region + (b->next_first - b->first) * pitch,
                (size_t)(kept * pitch) * sizeof *region);
    }
    dogb_points points = {.rows = b->pointers,
                          .taps = taps,
                          .channels = packed->inputs / taps,
                          .pixels = b->width,
                          .out_stride = channels,
                          .whole = 1,
                          .panel_from = panel,
                          .panel_to = panel + 1};
    for (int64_t y = b->next_first + kept; y < b->next_end; y++) {
        points.out = region + (y - b->next_first) * pitch + b->depth->padding[1] * channels;
        dogb_native_points(b->pass->net->kernel, packed, 0, &points, step->part[0]->activation);
        points.rows += taps * b->width;
    }
}

static void convolve(const block *b, const float *region, int32_t first, int64_t channels,
                     int64_t valid, int64_t from, int64_t to) {
    const dogb_node *node = b->depth;
    const dogb_packed *packed = &b->step->packed[1];
    const float *rows[KERNEL_MAX];
    dogb_lines lines = {.rows = rows,
                        .weights = packed->weights + first,
                        .bias = packed->bias + first,
                        .weight_stride = padded(b->pass->net->kernel, b->channels),
                        .channels = valid,
                        .column = node->dilation[1] * channels,
                        .step = node->stride[1] * channels,
                        .out_stride = b->channels,
                        .pixels = (int32_t)node->shape[2],
                        .height = node->kernel[0],
                        .width = node->kernel[1]};
    dogb_native_limits(node->activation, &lines.low, &lines.high);
    for (int64_t y = from; y < to; y++) {
        for (int32_t row = 0; row < node->kernel[0]; row++) {
            int64_t at = y * node->stride[0] - node->padding[0] + (int64_t)row * node->dilation[0];
            rows[row] = at < 0 || at >= b->height
                            ? b->pass->net->zeros
                            : region + (at - b->next_first) * b->line * channels;
        }
        lines.out = b->convolved + (y - from) * node->shape[2] * b->channels + first;
        b->pass->net->kernel->lines(&lines);
    }
}

static void project(const block *b, int64_t from, int64_t to) {
    const dogb_net *net = b->pass->net;
    const dogb_step *step = b->step;
    const dogb_value *out = &net->values[step->output];
    dogb_points points = {.rows = b->pointers,
                          .taps = 1,
                          .channels = b->channels,
                          .pixels = (to - from) * out->width,
                          .out = b->pass->values + out->offset + from * out->pitch,
                          .out_stride = out->stride,
                          .panel_to = step->packed[2].panels};
    if (step->residual >= 0) {
        const dogb_value *other = &net->values[step->residual];
        points.residual = b->pass->values + other->offset + from * other->pitch;
        points.residual_stride = other->stride;
    }
    for (int64_t i = 0; i < points.pixels; i++) {
        b->pointers[i] = b->convolved + i * b->channels;
    }
    dogb_native_points(net->kernel, &step->packed[2], 0, &points, step->part[2]->activation);
}

// Output rows [from, to): every panel of the expansion, then the projection.
static void run_group(block *b, int64_t from, int64_t to) {
    const dogb_kernel *kernel = b->pass->net->kernel;
    const dogb_packed *packed = &b->step->packed[0];
    reach(b, from, to);
    point(b);
    for (int32_t panel = 0; panel < packed->panels; panel++) {
        int32_t first = 0;
        int32_t tail = 0;
        int32_t vectors =
            dogb_native_panel(kernel, packed->channels, packed->most, panel, &first, &tail);
        int64_t channels = (int64_t)vectors * kernel->lanes;
        float *region = b->expanded + b->rows * b->line * first;
        expand(b, region, panel, channels);
        convolve(b, region, first, channels, channels - kernel->lanes + tail, from, to);
    }
    b->first = b->next_first;
    b->end = b->next_end;
    project(b, from, to);
}

static void clear_borders(const block *b) {
    const dogb_packed *packed = &b->step->packed[0];
    const dogb_kernel *kernel = b->pass->net->kernel;
    int32_t first = 0;
    int32_t tail = 0;
    for (int32_t panel = 0; panel < packed->panels; panel++) {
        int64_t channels =
            (int64_t)kernel->lanes *
            dogb_native_panel(kernel, packed->channels, packed->most, panel, &first, &tail);
        int64_t side = b->depth->padding[1] * channels;
        float *row = b->expanded + b->rows * b->line * first;
        for (int64_t y = 0; y < b->rows; y++, row += b->line * channels) {
            memset(row, 0, (size_t)side * sizeof *row);
            memset(row + b->line * channels - side, 0, (size_t)side * sizeof *row);
        }
    }
}

void dogb_step_block(const dogb_pass *pass, const dogb_step *step, int64_t from, int64_t to,
                     float *scratch) {
    const dogb_node *depth = step->part[1];
    const dogb_block_memory memory = dogb_native_block_memory(pass->net->kernel, step);
    block b = {.pass = pass,
               .step = step,
               .depth = depth,
               .pointers = (const float **)(void *)scratch,
               .expanded = scratch + memory.pointers,
               .convolved = scratch + memory.pointers + memory.expanded,
               .channels = depth->channels_out,
               .height = step->part[0]->shape[1],
               .width = step->part[0]->shape[2],
               .line = step->part[0]->shape[2] + 2 * (int64_t)depth->padding[1],
               .rows = rows_of_group(step),
               .end = -1};
    clear_borders(&b);
    for (int64_t y = from; y < to; y += step->group) {
        run_group(&b, y, to - y < step->group ? to : y + step->group);
    }
}
