// kernel_int8_lines.h - one output row of a depthwise convolution in 16-bit integers, for
// kernel_int8_loops.h: pairs of taps lie beside each other in words of 32 bits, which one
// instruction multiplies and adds. Two vectors of channels at a time; sums become elements without
// a look at memory.
#ifndef DOGB_ENGINE_NATIVE_KERNEL_INT8_LINES_H
#define DOGB_ENGINE_NATIVE_KERNEL_INT8_LINES_H

#include "engine/native/kernel_int8.h"

#include "engine/native/vector.h"

enum { LINES8_PIXELS = 4, BLOCK8 = 2 * LANES }; // outputs side by side; channels of a block

// Registers are for sums: what stands in memory is read again, not kept.
#define DOGB_RELOAD() __asm__ volatile("" ::: "memory")

// A block of channels on its way along a row.
typedef struct lane8 {
    const int16_t *rows[3]; // where the first window begins, maybe in front of the row
    const int32_t *weights; // [pairs][BLOCK8]
    const float *scale;     // [BLOCK8], as the bias
    const float *bias;
    element *out;
    float high;
    int32_t zero;
    int32_t least; // of the elements
} lane8;

DOGB_INLINE vec line_result(const lane8 *at, sums sum, int half) {
    vec value = v_mul(s_float(sum), v_load(at->scale + half * LANES));
    value = v_add(value, v_load(at->bias + half * LANES));
    return v_min(v_set1(at->high), value); // what is not a number passes
}

DOGB_INLINE void line_store(const lane8 *at, element *out, const int32_t lanes, const sums sum[2]) {
    e_store_block(out, lanes, line_result(at, sum[0], 0), line_result(at, sum[1], 1), at->zero,
                  at->least);
}

DOGB_INLINE void line_add(sums sum[2], const lane8 *at, int pair, sums low, sums high) {
    const int32_t *weights = at->weights + pair * BLOCK8;
    sum[0] = s_pairs(sum[0], low, s_load(weights));
    sum[1] = s_pairs(sum[1], high, s_load(weights + LANES));
    DOGB_PIN(sum[0]); // no other order, which would need more registers
    DOGB_PIN(sum[1]);
}

// Column i of a window and the next one of its last row, for all outputs that read it.
DOGB_INLINE void window_column(sums (*sum)[2], const lane8 *at, int64_t here, int64_t beside,
                               const int i, const int count, const int span, const int left,
                               const int last) {
    halves top = h_load(at->rows[0] + here);
    halves middle = h_load(at->rows[1] + here);
    sums low = h_low(top, middle);
    sums high = h_high(top, middle);
    DOGB_UNROLL
    for (int p = 0; p < count; p++) {
        const int column = i - p * span;
        if (column >= 0 && column < 3) {
            line_add(sum[p], at, column, low, high);
        }
    }
    halves bottom = h_load(at->rows[2] + here);
    halves next = i < last ? h_load(at->rows[2] + beside) : h_zero();
    low = h_low(bottom, next);
    high = h_high(bottom, next);
    DOGB_UNROLL
    for (int p = 0; p < count; p++) {
        const int column = i - p * span;
        if (column == 0 || column == 2) {
            line_add(sum[p], at, 3 + column / 2, low, high);
        } else if (left && column == 1) { // column 0 is zeros
            line_add(sum[p], at, 3, h_low(h_zero(), bottom), h_high(h_zero(), bottom));
        }
    }
}

// Outputs [first, first + count) of a window of 3 x 3, as in kernel_loops.h; left: count is 1.
DOGB_INLINE void window8(const dogb_lines *l, const lane8 *at, int64_t first, const int count,
                         const int span, const int left, const int right) {
    const int last = (count - 1) * span + 2 - right;
    const int64_t offset = first * span * l->column;
    sums sum[LINES8_PIXELS][2];
    DOGB_RELOAD();
    DOGB_UNROLL
    for (int p = 0; p < count; p++) {
        sum[p][0] = sum[p][1] = s_zero();
    }
    DOGB_UNROLL
    for (int i = left; i <= last; i++) {
        window_column(sum, at, offset + i * l->column, offset + (i + 1) * l->column, i, count, span,
                      left, last);
    }
    DOGB_UNROLL
    for (int p = 0; p < count; p++) {
        line_store(at, at->out + (first + p) * l->out_stride, BLOCK8, sum[p]);
    }
}

DOGB_INLINE void lines8_3x3(const dogb_lines *l, lane8 *at, const int span) {
    const int64_t beside = (l->pixels - 1) * span - l->padding + 3 > l->columns;
    const int64_t inside = l->pixels - beside;
    int64_t p = 0;
    if (l->padding > 0) {
        if (inside > 0) {
            window8(l, at, 0, 1, span, 1, 0);
        } else {
            window8(l, at, 0, 1, span, 1, 1);
        }
        p = 1;
    }
    for (; p + LINES8_PIXELS <= inside; p += LINES8_PIXELS) {
        window8(l, at, p, LINES8_PIXELS, span, 0, 0);
    }
    for (; p < inside; p++) {
        window8(l, at, p, 1, span, 0, 0);
    }
    if (p < l->pixels) {
        window8(l, at, p, 1, span, 0, 1);
    }
}

// The input of one tap for output p, zeros beside the row.
DOGB_INLINE halves line_input(const dogb_lines *l, int64_t c, int64_t p, int32_t tap) {
    const int64_t x = p * l->stride - l->padding + (int64_t)(tap % l->width) * l->dilation;
    const int16_t *row = tap < 0 ? NULL : l->rows[tap / l->width];
    return row == NULL || x < 0 || x >= l->columns ? h_zero() : h_load(row + x * l->column + c);
}

// Any window, any number of channels.
static __attribute__((noinline)) void lines8_any(const dogb_lines *l, const lane8 *at, int64_t c) {
    const int32_t lanes = l->channels - c < BLOCK8 ? (int32_t)(l->channels - c) : BLOCK8;
    const int32_t pairs = dogb_pairs(l->height, l->width);
    for (int64_t p = 0; p < l->pixels; p++) {
        sums sum[2] = {s_zero(), s_zero()};
        for (int32_t i = 0; i < pairs; i++) {
            int32_t taps[2];
            dogb_pair(taps, l->height, l->width, i);
            halves first = line_input(l, c, p, taps[0]);
            halves second = line_input(l, c, p, taps[1]);
            line_add(sum, at, i, h_low(first, second), h_high(first, second));
        }
        line_store(at, at->out + p * l->out_stride, lanes, sum);
    }
}

static void lines8(const dogb_lines *lines, const int32_t *weights, const dogb_finish *finish) {
    const dogb_lines l = *lines; // stores cannot change it
    const int64_t each = (int64_t)dogb_pairs(l.height, l.width) * BLOCK8;
    const int plain = l.height == 3 && l.width == 3 && l.dilation == 1 && l.padding <= 1;
    for (int64_t c = 0; c < l.channels; c += BLOCK8, weights += each) {
        lane8 at = {.weights = weights,
                    .scale = finish->scale + c,
                    .bias = finish->bias + c,
                    .out = (element *)l.out + c,
                    .high = finish->high,
                    .zero = finish->zero,
                    .least = (int32_t)finish->low + finish->zero};
        if (!plain || l.stride > 2 || l.channels - c < BLOCK8) {
            lines8_any(&l, &at, c);
            continue;
        }
        for (int i = 0; i < 3; i++) {
            at.rows[i] = (const int16_t *)l.rows[i] + c - l.padding * l.column;
        }
        if (l.stride == 1) {
            lines8_3x3(&l, &at, 1);
        } else {
            lines8_3x3(&l, &at, 2);
        }
    }
}

#endif
