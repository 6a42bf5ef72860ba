// block.c - the inverted residual of MobileNetV2 in one step: a few output rows at a time, the rows
// of the expansion that they need are computed (those of the group before are kept), convolved in
// depth and projected. The expanded tensor, six times as large as what goes in and out, never
// leaves the second cache.
#include "engine/native/native.h"

#include <stddef.h>
#include <string.h>

typedef struct block {
    const dogb_pass *pass;
    const dogb_step *step;
    const dogb_node *depth;
    const dogb_value *in;
    int64_t width;    // of the expansion
    int64_t channels; // of the expansion
    float *expanded;  // rows [first, end) of it, when there is an expansion
    int64_t first;
    int64_t end;
    float *convolved;   // [group rows][output width][channels]
    const float **rows; // pointers
    const float *line;  // row `line_first` of what the depthwise part reads
    int64_t line_first;
    int64_t line_pitch;
    int64_t line_stride;
} block;

// Rows of the expansion (or of the input, without one) that output rows [from, to) read.
static void reach(const block *b, int64_t from, int64_t to, int64_t *first, int64_t *end) {
    const dogb_node *depth = b->depth;
    int64_t height = b->in->height;
    *first = from * depth->stride[0] - depth->padding[0];
    *end = (to - 1) * depth->stride[0] - depth->padding[0] +
           (int64_t)(depth->kernel[0] - 1) * depth->dilation[0] + 1;
    *first = *first < 0 ? 0 : *first;
    *end = *end > height ? height : *end;
}

static void expand(block *b, int64_t first, int64_t end) {
    const dogb_net *net = b->pass->net;
    const dogb_step *step = b->step;
    const int64_t row = b->width * b->channels;
    int64_t kept = b->end > first ? b->end - first : 0;
    if (kept > 0) {
        memmove(b->expanded, b->expanded + (first - b->first) * row,
                (size_t)(kept * row) * sizeof *b->expanded);
    }
    const float *in = b->pass->values + b->in->offset + (first + kept) * b->in->pitch;
    dogb_points points = {.rows = b->rows,
                          .taps = 1,
                          .channels = step->packed[0].inputs,
                          .pixels = (end - first - kept) * b->width,
                          .out = b->expanded + kept * row,
                          .out_stride = b->channels,
                          .panel_to = step->packed[0].panels};
    for (int64_t i = 0; i < points.pixels; i++) {
        b->rows[i] = in + i * b->in->stride;
    }
    if (points.pixels > 0) {
        dogb_native_points(net->kernel, &step->packed[0], 0, &points, step->part[0]->activation);
    }
    b->first = first;
    b->end = end;
}

// Pointers to the inputs of one output row: for each place of the kernel, each output.
static void table_of_row(const block *b, int64_t y) {
    const dogb_node *node = b->depth;
    const float **rows = b->rows;
    const int64_t stride = node->stride[1];
    for (int32_t row = 0; row < node->kernel[0]; row++) {
        int64_t iy = y * node->stride[0] - node->padding[0] + (int64_t)row * node->dilation[0];
        int outside = iy < 0 || iy >= b->in->height;
        const float *line = outside ? NULL : b->line + (iy - b->line_first) * b->line_pitch;
        for (int32_t column = 0; column < node->kernel[1]; column++) {
            int64_t ix = (int64_t)column * node->dilation[1] - node->padding[1];
            for (int64_t x = 0; x < node->shape[2]; x++, ix += stride) {
                *rows++ = outside || ix < 0 || ix >= b->width ? b->pass->net->zeros
                                                              : line + ix * b->line_stride;
            }
        }
    }
}

static void convolve(const block *b, int64_t y, float *out) {
    const dogb_node *node = b->depth;
    const dogb_packed *packed = &b->step->packed[1];
    dogb_depth depth = {.rows = b->rows,
                        .weights = packed->weights,
                        .bias = packed->bias,
                        .out = out,
                        .taps = packed->inputs,
                        .channels = b->channels,
                        .out_stride = b->channels,
                        .pixels = (int32_t)node->shape[2]};
    table_of_row(b, y);
    dogb_native_limits(node->activation, &depth.low, &depth.high);
    b->pass->net->kernel->depthwise(&depth);
}

static void project(const block *b, int64_t from, int64_t to) {
    const dogb_net *net = b->pass->net;
    const dogb_step *step = b->step;
    const dogb_value *out = &net->values[step->output];
    dogb_points points = {.rows = b->rows,
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
        b->rows[i] = b->convolved + i * b->channels;
    }
    dogb_native_points(net->kernel, &step->packed[2], 0, &points, step->part[2]->activation);
}

void dogb_step_block(const dogb_pass *pass, const dogb_step *step, int64_t from, int64_t to,
                     float *scratch) {
    const dogb_node *depth = step->part[1];
    block b = {.pass = pass,
               .step = step,
               .depth = depth,
               .in = &pass->net->values[step->input],
               .width = pass->net->values[step->input].width,
               .channels = depth->channels_out,
               .end = -1};
    int64_t first = 0;
    int64_t end = 0;
    dogb_block_memory memory = dogb_native_block_memory(step, b.width);
    b.rows = (const float **)(void *)scratch;
    b.expanded = scratch + memory.rows;
    b.convolved = b.expanded + memory.expanded;
    b.line = step->part[0] != NULL ? b.expanded : pass->values + b.in->offset;
    b.line_pitch = step->part[0] != NULL ? b.width * b.channels : b.in->pitch;
    b.line_stride = step->part[0] != NULL ? b.channels : b.in->stride;
    for (int64_t y = from; y < to; y += step->group) {
        int64_t last = to - y < step->group ? to : y + step->group;
        reach(&b, y, last, &first, &end);
        if (step->part[0] != NULL) {
            expand(&b, first, end);
            b.line_first = first;
        }
        for (int64_t row = y; row < last; row++) {
            convolve(&b, row, b.convolved + (row - y) * depth->shape[2] * b.channels);
        }
        project(&b, y, last);
    }
}

dogb_block_memory dogb_native_block_memory(const dogb_step *step, int64_t width) {
    const dogb_node *depth = step->part[1];
    int64_t rows = (step->group - 1) * depth->stride[0] +
                   (int64_t)(depth->kernel[0] - 1) * depth->dilation[0] + 1;
    int64_t pointers = (int64_t)depth->kernel[0] * depth->kernel[1] * depth->shape[2];
    int64_t points =
        rows * width > step->group * depth->shape[2] ? rows * width : step->group * depth->shape[2];
    pointers = pointers > points ? pointers : points;
    return (dogb_block_memory){
        // whole cache lines
        .rows = (pointers * DOGB_POINTER + 15) / 16 * 16,
        .expanded = step->part[0] == NULL ? 0 : (rows * width * depth->channels_out + 15) / 16 * 16,
        .convolved = step->group * depth->shape[2] * depth->channels_out};
}
