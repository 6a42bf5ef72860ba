// kernel_loops.h - the loops of a dogb_kernel over the vectors of one instruction set. The
// including file defines vec, LANES, the v_ functions, NAME and the tile sizes PIXELS_1 to PIXELS_4
// (outputs of a tile with panels of so many vectors: accumulators, weights and one input fill the
// registers).
#include "engine/native/kernel.h"

#include "engine/native/vector.h"

#include <stddef.h>

// Floats of weights to fetch in advance: they come in one stream, but the hardware's prefetching
// stops at the end of each page.
enum { AHEAD = 1024 };

DOGB_INLINE vec v_part(const float *from, int32_t lanes) {
    return lanes == LANES ? v_load(from) : v_load_part(from, lanes);
}

DOGB_INLINE void v_write(float *to, int32_t lanes, vec value) {
    if (lanes == LANES) {
        v_store(to, value);
    } else {
        v_store_part(to, lanes, value);
    }
}

// A number of the second operand when the first is NaN, as x86 has it: NaN passes through.
DOGB_INLINE vec v_clamp(vec value, vec low, vec high) {
    return v_min(high, v_max(low, value));
}

// One tile; P and N are constants where this is inlined.
DOGB_INLINE void tile(const dogb_tile *t, const int P, const int N) {
    vec sums[DOGB_PIXELS_MAX][DOGB_VECTORS_MAX];
    const float *in[DOGB_PIXELS_MAX];
    const float *const *rows = t->rows;
    const float *weights = t->weights;
    DOGB_UNROLL
    for (int p = 0; p < P; p++) {
        DOGB_UNROLL
        for (int n = 0; n < N; n++) {
            sums[p][n] = v_load(t->start + p * t->start_stride + n * LANES);
        }
    }
    for (int64_t tap = 0; tap < t->taps; tap++, rows += P) {
        DOGB_UNROLL
        for (int p = 0; p < P; p++) {
            in[p] = rows[p];
        }
        for (int64_t c = 0; c < t->channels; c++, weights += N * LANES) {
            vec w[DOGB_VECTORS_MAX];
            DOGB_UNROLL
            for (int n = 0; n < N; n++) {
                w[n] = v_load(weights + n * LANES);
                DOGB_PIN(w[n]);
                __builtin_prefetch(weights + n * LANES + AHEAD);
            }
            DOGB_UNROLL
            for (int p = 0; p < P; p++) {
                vec x = v_set1(in[p][c]);
                DOGB_UNROLL
                for (int n = 0; n < N; n++) {
                    sums[p][n] = v_fma(x, w[n], sums[p][n]);
                }
            }
        }
    }
    if (t->part) {
        DOGB_UNROLL
        for (int p = 0; p < P; p++) {
            DOGB_UNROLL
            for (int n = 0; n < N; n++) {
                v_store(t->out + p * t->out_stride + n * LANES, sums[p][n]);
            }
        }
        return;
    }
    if (t->residual == NULL && t->tail == LANES) {
        const vec low = v_set1(t->low);
        const vec high = v_set1(t->high);
        DOGB_UNROLL
        for (int p = 0; p < P; p++) {
            DOGB_UNROLL
            for (int n = 0; n < N; n++) {
                v_store(t->out + p * t->out_stride + n * LANES, v_clamp(sums[p][n], low, high));
            }
        }
        return;
    }
    DOGB_UNROLL
    for (int p = 0; p < P; p++) {
        DOGB_UNROLL
        for (int n = 0; n < N; n++) {
            int32_t lanes = n == N - 1 ? t->tail : LANES;
            vec y = sums[p][n];
            if (t->residual != NULL) {
                y = v_add(y, v_part(t->residual + p * t->residual_stride + n * LANES, lanes));
            }
            y = v_clamp(y, v_set1(t->low), v_set1(t->high));
            v_write(t->out + p * t->out_stride + n * LANES, lanes, y);
        }
    }
}

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

// Outputs [first, first + count) of one vector of channels. With `span` constant (columns from one
// window to the next: 1 or 2) and windows of three columns, neighbours share what they load.
DOGB_INLINE void lines_part(const dogb_lines *l, int32_t first, const int count, int64_t c,
                            int32_t lanes, const int span) {
    vec sums[DEPTH_PIXELS];
    DOGB_UNROLL
    for (int p = 0; p < count; p++) {
        sums[p] = v_part(l->bias + c, lanes);
    }
    const float *weights = l->weights + c;
    for (int32_t row = 0; row < l->height; row++) {
        const float *in = l->rows[row] + first * l->step + c;
        if (span > 0) {
            vec x[2 * DEPTH_PIXELS + 1];
            DOGB_UNROLL
            for (int i = 0; i < (count - 1) * span + 3; i++) {
                x[i] = v_part(in + i * l->column, lanes);
            }
            DOGB_UNROLL
            for (int column = 0; column < 3; column++, weights += l->weight_stride) {
                vec w = v_part(weights, lanes);
                DOGB_UNROLL
                for (int p = 0; p < count; p++) {
                    sums[p] = v_fma(x[p * span + column], w, sums[p]);
                }
            }
            continue;
        }
        for (int32_t column = 0; column < l->width; column++, weights += l->weight_stride) {
            vec w = v_part(weights, lanes);
            DOGB_UNROLL
            for (int p = 0; p < count; p++) {
                vec x = v_part(in + p * l->step + column * l->column, lanes);
                sums[p] = v_fma(x, w, sums[p]);
            }
        }
    }
    DOGB_UNROLL
    for (int p = 0; p < count; p++) {
        vec y = v_clamp(sums[p], v_set1(l->low), v_set1(l->high));
        v_write(l->out + (first + p) * l->out_stride + c, lanes, y);
    }
}

DOGB_INLINE void lines_of(const dogb_lines *l, const int span) {
    int32_t first = 0;
    for (; first + DEPTH_PIXELS <= l->pixels; first += DEPTH_PIXELS) {
        int64_t c = 0;
        for (; c + LANES <= l->channels; c += LANES) {
            lines_part(l, first, DEPTH_PIXELS, c, LANES, span);
        }
        if (c < l->channels) {
            lines_part(l, first, DEPTH_PIXELS, c, (int32_t)(l->channels - c), span);
        }
    }
    for (; first < l->pixels; first++) {
        for (int64_t c = 0; c < l->channels; c += LANES) {
            int64_t left = l->channels - c;
            lines_part(l, first, 1, c, left < LANES ? (int32_t)left : LANES, span);
        }
    }
}

static void lines(const dogb_lines *l) {
    if (l->width == 3 && l->step == l->column) {
        lines_of(l, 1);
    } else if (l->width == 3 && l->step == 2 * l->column) {
        lines_of(l, 2);
    } else {
        lines_of(l, 0);
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

#define DOGB_CASE(P, N, MOST)                                                                      \
    case P:                                                                                        \
        if (P <= (MOST)) {                                                                         \
            tile(t, P <= (MOST) ? P : 1, N);                                                       \
        }                                                                                          \
        break;

#define DOGB_TILES(N, MOST)                                                                        \
    static void tiles_##N(const dogb_tile *t) {                                                    \
        switch (t->pixels) {                                                                       \
            DOGB_CASE(1, N, MOST)                                                                  \
            DOGB_CASE(2, N, MOST)                                                                  \
            DOGB_CASE(3, N, MOST)                                                                  \
            DOGB_CASE(4, N, MOST)                                                                  \
            DOGB_CASE(5, N, MOST)                                                                  \
            DOGB_CASE(6, N, MOST)                                                                  \
            DOGB_CASE(7, N, MOST)                                                                  \
            DOGB_CASE(8, N, MOST)                                                                  \
            DOGB_CASE(9, N, MOST)                                                                  \
            DOGB_CASE(10, N, MOST)                                                                 \
            DOGB_CASE(11, N, MOST)                                                                 \
            DOGB_CASE(12, N, MOST)                                                                 \
            DOGB_CASE(13, N, MOST)                                                                 \
            DOGB_CASE(14, N, MOST)                                                                 \
        default:                                                                                   \
            break;                                                                                 \
        }                                                                                          \
    }

DOGB_TILES(1, PIXELS_1)
DOGB_TILES(2, PIXELS_2)
DOGB_TILES(3, PIXELS_3)
DOGB_TILES(4, PIXELS_4)

const dogb_kernel DOGB_JOIN(dogb_kernel_, NAME) = {
    .name = DOGB_TEXT(NAME),
    .lanes = LANES,
    .most = VECTORS_MOST,
    .even = VECTORS_EVEN,
    .pixels = {0, PIXELS_1, PIXELS_2, PIXELS_3, PIXELS_4},
    .tile = {NULL, tiles_1, tiles_2, tiles_3, tiles_4},
    .depthwise = depthwise,
    .lines = lines,
    .maximum = maximum,
    .sum = sum,
    .add = add,
    .affine = affine,
};
