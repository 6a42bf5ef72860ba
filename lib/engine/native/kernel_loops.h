// kernel_loops.h - the loops of a dogb_kernel over the vectors of one instruction set. The
// including file defines vec, LANES, the v_ functions, NAME and the tile sizes PIXELS_1 to PIXELS_4
// (outputs of a tile with panels of so many vectors: accumulators, weights and one input fill the
// registers).
#include "engine/native/kernel.h"

#include "engine/native/vector.h"
#include "engine/native/winograd_loops.h"

#include <stddef.h>

typedef float element;
typedef vec words;
#define WORD 1
#define PASSES 1
#define ROUNDED 0

DOGB_INLINE words w_load(const float *from, const int pass) {
    (void)pass;
    return v_load(from);
}

DOGB_INLINE words w_inputs(const element *from, const int pass, const int rest) {
    (void)pass;
    (void)rest;
    return v_set1(*from);
}

DOGB_INLINE vec w_dot(vec sum, words x, words w) {
    return v_fma(x, w, sum);
}

DOGB_INLINE vec e_load(const element *from, int32_t lanes) {
    return v_part(from, lanes);
}

DOGB_INLINE void e_store(element *to, int32_t lanes, vec value) {
    v_write(to, lanes, value);
}

#include "engine/native/tile_loops.h"

// --- depthwise and pooling: vectors of channels, DEPTH_PIXELS outputs side by side

enum { DEPTH_PIXELS = 4 };

DOGB_INLINE void depthwise_part(const dogb_depth *d, int32_t first, const int count, int64_t c,
                                int32_t lanes) {
    const int64_t padded = (d->channels + LANES - 1) / LANES * LANES;
    vec sums[DEPTH_PIXELS];
    DOGB_UNROLL
    for (int p = 0; p < count; p++) {
        sums[p] = v_load(d->bias + c);
    }
    const float *const *rows = d->rows + first;
    const float *weights = d->weights + c;
    for (int64_t tap = 0; tap < d->taps; tap++, rows += d->pixels, weights += padded) {
        vec w = v_load(weights);
        DOGB_UNROLL
        for (int p = 0; p < count; p++) {
            sums[p] = v_fma(v_part(rows[p] + c, lanes), w, sums[p]);
        }
    }
    DOGB_UNROLL
    for (int p = 0; p < count; p++) {
        vec y = v_clamp(sums[p], v_set1(d->low), v_set1(d->high));
        v_write(d->out + (first + p) * d->out_stride + c, lanes, y);
    }
}

static void depthwise(const dogb_depth *d) {
    int32_t first = 0;
    for (; first + DEPTH_PIXELS <= d->pixels; first += DEPTH_PIXELS) {
        int64_t c = 0;
        for (; c + LANES <= d->channels; c += LANES) {
            depthwise_part(d, first, DEPTH_PIXELS, c, LANES);
        }
        if (c < d->channels) {
            depthwise_part(d, first, DEPTH_PIXELS, c, (int32_t)(d->channels - c));
        }
    }
    for (; first < d->pixels; first++) {
        for (int64_t c = 0; c < d->channels; c += LANES) {
            int64_t left = d->channels - c;
            depthwise_part(d, first, 1, c, left < LANES ? (int32_t)left : LANES);
        }
    }
}

// One vector of channels on its way along three rows.
typedef struct lane {
    const float *rows[3]; // where the first window begins, maybe in front of the row
    vec weights[9];
    vec bias;
    float *out;
    int32_t lanes;
} lane;

// Outputs [first, first + count) of a window of 3 x 3. span: columns from one window to the next;
// left, right: the first or last column lies outside the picture.
DOGB_INLINE void window(const dogb_lines *l, const lane *at, int64_t first, const int count,
                        const int span, const int left, const int right) {
    const int columns = (count - 1) * span + 3;
    const int64_t offset = first * span * l->column;
    vec sums[LINES_PIXELS];
    DOGB_UNROLL
    for (int p = 0; p < count; p++) {
        sums[p] = at->bias;
    }
    DOGB_UNROLL
    for (int row = 0; row < 3; row++) {
        const float *in = at->rows[row] + offset;
        DOGB_UNROLL
        for (int i = 0; i < columns; i++) {
            int outside = (left && i == 0) || (right && i == columns - 1);
            vec x = outside ? v_set1(0.0f) : v_load(in + i * l->column);
            DOGB_PIN(x);
            DOGB_UNROLL
            for (int p = 0; p < count; p++) {
                int column = i - p * span;
                if (column >= 0 && column < 3) {
                    sums[p] = v_fma(x, at->weights[row * 3 + column], sums[p]);
                }
            }
        }
    }
    float *out = at->out + first * l->out_stride;
    DOGB_UNROLL
    for (int p = 0; p < count; p++) {
        vec y = v_clamp(sums[p], v_set1(l->low), v_set1(l->high));
        v_write(out + p * l->out_stride, at->lanes, y);
    }
}

DOGB_INLINE void lines_3x3(const dogb_lines *lines, const int span) {
    const dogb_lines l = *lines; // stores cannot change it
    const int64_t beside = (l.pixels - 1) * span - l.padding + 3 > l.columns;
    const int64_t inside = l.pixels - beside;
    for (int64_t c = 0; c < l.channels; c += LANES) {
        lane at = {.bias = v_load(l.bias + c),
                   .out = (float *)l.out + c,
                   .lanes = l.channels - c < LANES ? (int32_t)(l.channels - c) : LANES};
        int64_t p = 0;
        DOGB_UNROLL
        for (int i = 0; i < 9; i++) {
            at.rows[i / 3] = (const float *)l.rows[i / 3] + c - l.padding * l.column;
            at.weights[i] = v_load(l.weights + i * l.weight_stride + c);
        }
        if (l.padding > 0) {
            if (inside > 0) {
                window(&l, &at, 0, 1, span, 1, 0);
            } else {
                window(&l, &at, 0, 1, span, 1, 1);
            }
            p = 1;
        }
        for (; p + LINES_PIXELS <= inside; p += LINES_PIXELS) {
            window(&l, &at, p, LINES_PIXELS, span, 0, 0);
        }
        for (; p < inside; p++) {
            window(&l, &at, p, 1, span, 0, 0);
        }
        if (p < l.pixels) {
            window(&l, &at, p, 1, span, 0, 1);
        }
    }
}

// Any window: the columns that lie in the picture, one output at a time.
static void lines_any(const dogb_lines *l) {
    for (int64_t c = 0; c < l->channels; c += LANES) {
        const int32_t lanes = l->channels - c < LANES ? (int32_t)(l->channels - c) : LANES;
        for (int32_t p = 0; p < l->pixels; p++) {
            vec sum = v_load(l->bias + c);
            const float *weights = l->weights + c;
            for (int32_t row = 0; row < l->height; row++) {
                int32_t x = p * l->stride - l->padding;
                for (int32_t i = 0; i < l->width; i++, x += l->dilation) {
                    if (x >= 0 && x < l->columns) {
                        const float *in = (const float *)l->rows[row] + x * l->column + c;
                        sum = v_fma(v_load(in), v_load(weights), sum);
                    }
                    weights += l->weight_stride;
                }
            }
            v_write((float *)l->out + p * l->out_stride + c, lanes,
                    v_clamp(sum, v_set1(l->low), v_set1(l->high)));
        }
    }
}

static void lines(const dogb_lines *l) {
    int plain = l->height == 3 && l->width == 3 && l->dilation == 1 && l->padding <= 1;
    if (plain && l->stride == 1) {
        lines_3x3(l, 1);
    } else if (plain && l->stride == 2) {
        lines_3x3(l, 2);
    } else {
        lines_any(l);
    }
}

static void maximum(const dogb_depth *d) {
    for (int32_t p = 0; p < d->pixels; p++) {
        for (int64_t c = 0; c < d->channels; c += LANES) {
            int64_t left = d->channels - c;
            int32_t lanes = left < LANES ? (int32_t)left : LANES;
            vec most = v_set1(-__builtin_inff());
            for (int64_t tap = 0; tap < d->taps; tap++) {
                const float *in = d->rows[tap * d->pixels + p];
                if (in != NULL) {
                    most = v_max_nan(most, v_part(in + c, lanes));
                }
            }
            v_write(d->out + p * d->out_stride + c, lanes, most);
        }
    }
}

static void sum(const dogb_depth *d) {
    for (int32_t p = 0; p < d->pixels; p++) {
        for (int64_t c = 0; c < d->channels; c += LANES) {
            int64_t left = d->channels - c;
            int32_t lanes = left < LANES ? (int32_t)left : LANES;
            vec total = v_set1(0.0f);
            for (int64_t tap = 0; tap < d->taps; tap++) {
                const float *in = d->rows[tap * d->pixels + p];
                if (in != NULL) {
                    total = v_add(total, v_part(in + c, lanes));
                }
            }
            v_write(d->out + p * d->out_stride + c, lanes, v_mul(total, v_set1(d->scale[p])));
        }
    }
}

static void add(float *out, const float *a, const float *b, int64_t count, float low, float high) {
    for (int64_t i = 0; i < count; i += LANES) {
        int32_t lanes = count - i < LANES ? (int32_t)(count - i) : LANES;
        vec y = v_add(v_part(a + i, lanes), v_part(b + i, lanes));
        v_write(out + i, lanes, v_clamp(y, v_set1(low), v_set1(high)));
    }
}

static void affine(float *out, const float *in, const float *scale, const float *shift,
                   int64_t channels, float low, float high) {
    for (int64_t c = 0; c < channels; c += LANES) {
        int32_t lanes = channels - c < LANES ? (int32_t)(channels - c) : LANES;
        vec y = v_part(in + c, lanes);
        if (scale != NULL) {
            y = v_fma(y, v_part(scale + c, lanes), v_part(shift + c, lanes));
        }
        v_write(out + c, lanes, v_clamp(y, v_set1(low), v_set1(high)));
    }
}

// --- the table

const dogb_kernel DOGB_JOIN(dogb_kernel_, NAME) = {
    .name = DOGB_TEXT(NAME),
    .lanes = LANES,
    .most = VECTORS_MOST,
    .least = VECTORS_LEAST,
    .even = VECTORS_EVEN,
    .pixels = {0, PIXELS_1, PIXELS_2, PIXELS_3, PIXELS_4},
    .tiles = {NULL, tiles_1, tiles_2, tiles_3, tiles_4},
    .depthwise = depthwise,
    .lines = lines,
    .winograd_spread = winograd_spread,
    .winograd_gather = winograd_gather,
    .maximum = maximum,
    .sum = sum,
    .add = add,
    .affine = affine,
    .peak = DOGB_JOIN(dogb_peak_, NAME),
};
