// block.c - the inverted residual of MobileNetV2 in one step, a few output rows at a time. For each
// panel of channels: the rows of the expansion that the group needs and the group before has not
// left are computed, and convolved in depth while they are in a near cache; then all channels are
// projected. The expanded tensor, six times as large as what goes in and out, never leaves the
// second cache. The expansion may be any convolution: the network's first one is fused with the
// first block. A block of few rows ends with its depthwise part, whole, and its projection is a
// step of its own: both divide into panels, where rows would have to be expanded twice.
#include "engine/native/native.h"

#include <stddef.h>

enum {
    KERNEL_MAX = 16, // rows of a depthwise kernel
    FLOAT_BYTES = (int)sizeof(float)
};

typedef struct block {
    const dogb_pass *pass;
    const dogb_step *step;
    const dogb_node *depth;
    const void **pointers;
    char *expanded;  // by panel: [ring][width][channels of the panel]; row y is in y % ring
    char *convolved; // rows behind the depthwise part: floats or elements
    float *sums;     // of a row, before they are elements
    int64_t wide;    // bytes of an item that is expanded: a float or a short
    int64_t bytes;   // of one that is convolved
    int64_t convolved_stride;
    int64_t taps;     // of the expansion
    int64_t channels; // of the expansion
    int64_t height;   // of the expansion
    int64_t width;
    int64_t ring; // rows that `expanded` holds
    int64_t end;  // rows in front of it are there
    int64_t next; // rows [next, next_end) are missing
    int64_t next_end;
} block;

static int64_t rows_of_group(const dogb_step *step) {
    const dogb_node *depth = step->part[1];
    int64_t rows = (step->group - 1) * depth->stride[0] +
                   (int64_t)(depth->kernel[0] - 1) * depth->dilation[0] + 1;
    return rows < step->part[0]->shape[1] ? rows : step->part[0]->shape[1];
}

static int64_t padded(const dogb_kernel *kernel, int64_t channels) {
    return (channels + kernel->lanes - 1) / kernel->lanes * kernel->lanes;
}

static int64_t lines_of(int64_t floats) { // whole cache lines
    return (floats + 15) / 16 * 16;
}

static int64_t wide_of(const dogb_net *net, const dogb_step *step) {
    return step->elements && net->int8 != NULL ? (int64_t)sizeof(int16_t) : FLOAT_BYTES;
}

// bf16: the depthwise part sums in floats, which become elements row by row.
static int has_sums(const dogb_net *net, const dogb_step *step) {
    return step->elements && net->int8 == NULL;
}

static int64_t taps_of(const dogb_step *step) {
    const dogb_node *expand = step->part[0];
    return (int64_t)expand->kernel[0] * (step->joined ? 1 : expand->kernel[1]);
}

dogb_block_memory dogb_native_block_memory(const dogb_net *net, const dogb_step *step) {
    const dogb_node *expand = step->part[0];
    const dogb_node *depth = step->part[1];
    int64_t rows = rows_of_group(step);
    int64_t points = rows * expand->shape[2] * taps_of(step);
    int64_t bytes = step->elements ? net->element_bytes : FLOAT_BYTES;
    int64_t outputs = step->part[2] == NULL ? 0 : step->group * depth->shape[2];
    return (dogb_block_memory){
        .pointers = lines_of((points > outputs ? points : outputs) * DOGB_POINTER),
        // Shorts are read in blocks of two vectors, perhaps behind the last pixel.
        .expanded = lines_of(rows * expand->shape[2] * padded(net->kernel, depth->channels_out) *
                                 wide_of(net, step) / FLOAT_BYTES +
                             DOGB_LANES_MAX),
        .convolved = lines_of(outputs * depth->channels_out * bytes / FLOAT_BYTES + 1),
        .line = has_sums(net, step) ? depth->shape[2] * DOGB_VECTORS_MAX * DOGB_LANES_MAX : 0};
}

// Rows of the expansion that output rows [from, to) read and that are not there.
static void reach(block *b, int64_t from, int64_t to) {
    const dogb_node *depth = b->depth;
    int64_t first = from * depth->stride[0] - depth->padding[0];
    int64_t end = (to - 1) * depth->stride[0] - depth->padding[0] +
                  (int64_t)(depth->kernel[0] - 1) * depth->dilation[0] + 1;
    first = first < 0 ? 0 : first;
    b->next = b->end > first ? b->end : first;
    b->next_end = end > b->height ? b->height : end;
}

// The missing rows [y, ...) that lie one behind another in the ring.
static int64_t rows_at(const block *b, int64_t y) {
    int64_t room = b->ring - y % b->ring;
    return b->next_end - y < room ? b->next_end - y : room;
}

// Pointers to the inputs of the missing rows.
static void point(const block *b) {
    const dogb_step *step = b->step;
    const dogb_window window = {
        step->part[0], &b->pass->net->values[step->input], step->zeros, b->width, step->joined, 0};
    const void **rows = b->pointers;
    for (int64_t y = b->next, count = 0; y < b->next_end; y += count) {
        count = rows_at(b, y);
        rows = dogb_native_table(rows, b->pass, &window, y * b->width, count * b->width,
                                 step->packed[0].points);
    }
}

static void expand(const block *b, char *region, int32_t panel, int64_t channels) {
    const dogb_step *step = b->step;
    const dogb_packed *packed = &step->packed[0];
    dogb_points points = {.rows = b->pointers,
                          .taps = b->taps,
                          .channels = packed->inputs / b->taps,
                          .out_stride = channels,
                          .whole = 1,
                          .panel_from = panel,
                          .panel_to = panel + 1};
    for (int64_t y = b->next, count = 0; y < b->next_end; y += count) {
        count = rows_at(b, y);
        points.pixels = count * b->width;
        points.out = region + y % b->ring * b->width * channels * b->wide;
        dogb_native_points(b->pass->net, packed, 0, &points, step->part[0]->activation);
        points.rows += b->taps * points.pixels;
    }
}

// Elements of the sums of a row.
static void elements(const block *b, void *out, const dogb_lines *lines, int32_t first) {
    dogb_rows rows = {.in = b->sums,
                      .out = out,
                      .pixels = lines->pixels,
                      .channels = lines->channels,
                      .in_stride = lines->out_stride,
                      .out_stride = b->convolved_stride};
    dogb_native_elements(b->pass->net, &b->step->packed[1], &rows, first);
}

static void convolve(const block *b, const char *region, int32_t first, int64_t channels,
                     int64_t valid, int64_t from, int64_t to) {
    const dogb_node *node = b->depth;
    const dogb_packed *packed = &b->step->packed[1];
    const int sums = has_sums(b->pass->net, b->step);
    const void *rows[KERNEL_MAX];
    dogb_lines lines = {.rows = rows,
                        .weights = packed->weights + first,
                        .bias = packed->bias + first,
                        .weight_stride = padded(b->pass->net->kernel, b->channels),
                        .channels = valid,
                        .column = channels,
                        .out_stride = sums ? channels : b->convolved_stride,
                        .pixels = (int32_t)node->shape[2],
                        .columns = (int32_t)b->width,
                        .height = node->kernel[0],
                        .width = node->kernel[1],
                        .stride = node->stride[1],
                        .dilation = node->dilation[1],
                        .padding = node->padding[1]};
    dogb_native_limits(node->activation, &lines.low, &lines.high);
    for (int64_t y = from; y < to; y++) {
        for (int32_t row = 0; row < node->kernel[0]; row++) {
            int64_t at = y * node->stride[0] - node->padding[0] + (int64_t)row * node->dilation[0];
            rows[row] = b->pass->net->zeros;
            if (at >= 0 && at < b->height) {
                rows[row] = region + at % b->ring * b->width * channels * b->wide;
            }
        }
        lines.out =
            b->convolved + ((y - from) * node->shape[2] * b->convolved_stride + first) * b->bytes;
        void *out = lines.out;
        lines.out = sums ? b->sums : out;
        if (packed->int8 == NULL) {
            b->pass->net->kernel->lines(&lines);
        } else {
            dogb_int8_lines(b->pass->net, packed, &lines, first);
        }
        if (sums) {
            elements(b, out, &lines, first);
        }
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
                          .out = dogb_native_at(b->pass, out, from * out->pitch),
                          .out_stride = out->stride,
                          .panel_to = step->packed[2].panels};
    if (step->residual >= 0) {
        const dogb_value *other = &net->values[step->residual];
        points.residual = dogb_native_at(b->pass, other, from * other->pitch);
        points.residual_stride = other->stride;
    }
    for (int64_t i = 0; i < points.pixels; i++) {
        b->pointers[i] = b->convolved + i * b->channels * b->bytes;
    }
    dogb_native_points(net, &step->packed[2], 0, &points, step->part[2]->activation);
}

// Output rows [from, to) behind the depthwise part, for some panels of the expansion.
static void run_panels(block *b, int64_t from, int64_t to, int32_t panel, int32_t panel_end) {
    const dogb_kernel *kernel = b->pass->net->kernel;
    const dogb_packed *packed = &b->step->packed[0];
    reach(b, from, to);
    point(b);
    for (; panel < panel_end; panel++) {
        int32_t first = 0;
        int32_t tail = 0;
        int32_t vectors =
            dogb_native_panel(kernel, packed->channels, packed->most, panel, &first, &tail);
        int64_t channels = (int64_t)vectors * kernel->lanes;
        char *region = b->expanded + b->ring * b->width * first * b->wide;
        expand(b, region, panel, channels);
        convolve(b, region, first, channels, channels - kernel->lanes + tail, from, to);
    }
    b->end = b->next_end;
}

static block make(const dogb_pass *pass, const dogb_step *step, float *scratch) {
    const dogb_block_memory memory = dogb_native_block_memory(pass->net, step);
    return (block){.pass = pass,
                   .step = step,
                   .depth = step->part[1],
                   .pointers = (const void **)(void *)scratch,
                   .expanded = (char *)(scratch + memory.pointers),
                   .convolved = (char *)(scratch + memory.pointers + memory.expanded),
                   .sums = scratch + memory.pointers + memory.expanded + memory.convolved,
                   .wide = wide_of(pass->net, step),
                   .bytes = step->elements ? pass->net->element_bytes : FLOAT_BYTES,
                   .convolved_stride = step->part[1]->channels_out,
                   .taps = taps_of(step),
                   .channels = step->part[1]->channels_out,
                   .height = step->part[0]->shape[1],
                   .width = step->part[0]->shape[2],
                   .ring = rows_of_group(step)};
}

void dogb_step_block(const dogb_pass *pass, const dogb_step *step, int64_t from, int64_t to,
                     float *scratch) {
    block b = make(pass, step, scratch);
    for (int64_t y = from; y < to; y += step->group) {
        int64_t end = to - y < step->group ? to : y + step->group;
        run_panels(&b, y, end, 0, step->packed[0].panels);
        project(&b, y, end);
    }
}

void dogb_step_front(const dogb_pass *pass, const dogb_step *step, int64_t from, int64_t to,
                     float *scratch) {
    const dogb_value *out = &pass->net->values[step->output];
    block b = make(pass, step, scratch);
    b.convolved = dogb_native_at(pass, out, 0);
    b.convolved_stride = out->stride;
    run_panels(&b, 0, out->height, (int32_t)from, (int32_t)to);
}
