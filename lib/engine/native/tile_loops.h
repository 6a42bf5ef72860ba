// tile_loops.h - the tiles of kernel_loops.h and kernel_bf16_loops.h: outputs times a panel of
// weights. Inputs are elements, WORD of them in a word; a word of weights and one of inputs are
// multiplied and added in PASSES instructions. The including file defines these, ROUNDED (elements
// are not plain floats), element, words, the w_ and e_ functions and the tile sizes PIXELS_1 to
// PIXELS_4:
//   w_load(from, pass)         the words of a vector of output channels
//   w_inputs(from, pass, rest) one word of inputs in all lanes; rest: it has a single element
//   w_dot(sum, inputs, w)      sum + products
#ifndef DOGB_ENGINE_NATIVE_TILE_LOOPS_H
#define DOGB_ENGINE_NATIVE_TILE_LOOPS_H

#include "engine/native/kernel.h"
#include "engine/native/tiles.h"
#include "engine/native/vector.h"

#include <stddef.h>

// Floats of weights to fetch in advance: they come in one stream, but the hardware's prefetching
// stops at the end of each page.
enum { AHEAD = 1024 };

// One word of inputs of each output. rest: half of one, whose last pass is enough.
DOGB_INLINE void tile_word(vec (*sums)[DOGB_VECTORS_MAX], const element *const *in, int64_t c,
                           const float *weights, const int P, const int N, const int rest) {
    DOGB_UNROLL
    for (int pass = rest ? PASSES - 1 : 0; pass < PASSES; pass++) {
        words w[DOGB_VECTORS_MAX];
        DOGB_UNROLL
        for (int n = 0; n < N; n++) {
            w[n] = w_load(weights + n * LANES, pass);
            DOGB_PIN(w[n]);
            if (PREFETCH && pass == 0) {
                __builtin_prefetch(weights + n * LANES + AHEAD);
            }
        }
        DOGB_UNROLL
        for (int p = 0; p < P; p++) {
            words x = w_inputs(in[p] + c, pass, rest);
            DOGB_UNROLL
            for (int n = 0; n < N; n++) {
                sums[p][n] = w_dot(sums[p][n], x, w[n]);
            }
        }
    }
}

// Results as floats or elements, whole vectors of a panel without a residual.
DOGB_INLINE void tile_store_plain(const dogb_tile *t, vec (*sums)[DOGB_VECTORS_MAX], void *out,
                                  const int P, const int N, const int floats) {
    const vec low = v_set1(t->low);
    const vec high = v_set1(t->high);
    DOGB_UNROLL
    for (int p = 0; p < P; p++) {
        DOGB_UNROLL
        for (int n = 0; n < N; n++) {
            const int64_t at = p * t->out_stride + n * LANES;
            if (floats) {
                v_store((float *)out + at, v_clamp(sums[p][n], low, high));
            } else {
                e_store((element *)out + at, LANES, v_clamp(sums[p][n], low, high));
            }
        }
    }
}

// Any result: with a residual, or at the end of the channels.
DOGB_INLINE void tile_store_any(const dogb_tile *t, vec (*sums)[DOGB_VECTORS_MAX], void *out,
                                const element *residual, const int P, const int N) {
    const vec low = v_set1(t->low);
    const vec high = v_set1(t->high);
    DOGB_UNROLL
    for (int p = 0; p < P; p++) {
        DOGB_UNROLL
        for (int n = 0; n < N; n++) {
            const int64_t at = p * t->out_stride + n * LANES;
            int32_t lanes = n == N - 1 ? t->tail : LANES;
            vec y = sums[p][n];
            if (residual != NULL) {
                y = v_add(y, e_load(residual + p * t->residual_stride + n * LANES, lanes));
            }
            y = v_clamp(y, low, high);
            if (ROUNDED && t->floats) {
                v_write((float *)out + at, lanes, y);
            } else {
                e_store((element *)out + at, lanes, y);
            }
        }
    }
}

// Where the finished sums of a tile go; P and N are constants where this is inlined.
DOGB_INLINE void tile_store(const dogb_tile *t, vec (*sums)[DOGB_VECTORS_MAX], void *out,
                            const element *residual, const int P, const int N) {
    if (t->part) {
        DOGB_UNROLL
        for (int p = 0; p < P; p++) {
            DOGB_UNROLL
            for (int n = 0; n < N; n++) {
                v_store((float *)out + p * t->out_stride + n * LANES, sums[p][n]);
            }
        }
    } else if (residual != NULL || t->tail != LANES) {
        tile_store_any(t, sums, out, residual, P, N);
    } else if (ROUNDED && t->floats) {
        tile_store_plain(t, sums, out, P, N, 1);
    } else {
        tile_store_plain(t, sums, out, P, N, 0);
    }
}

// A run of tiles; P and N are constants where this is inlined.
DOGB_INLINE void tiles(const dogb_tile *tile, const int P, const int N) {
    const dogb_tile t = *tile; // stores cannot change it
    const void *const *rows = t.rows;
    const float *start = t.start;
    const float *next = t.next;
    const element *residual = t.residual;
    char *out = t.out;
    const int64_t step =
        P * t.out_stride * (int64_t)(t.part || t.floats ? sizeof(float) : sizeof(element));
    const int64_t whole = t.channels / WORD * WORD;
    for (int64_t i = 0; i < t.tiles; i++) {
        vec sums[DOGB_PIXELS_MAX][DOGB_VECTORS_MAX];
        const element *in[DOGB_PIXELS_MAX];
        const float *weights = t.weights;
        const void *const *row = rows;
        DOGB_UNROLL
        for (int p = 0; p < P; p++) {
            DOGB_UNROLL
            for (int n = 0; n < N; n++) {
                sums[p][n] = v_load(start + p * t.start_stride + n * LANES);
            }
        }
        for (int64_t tap = 0; tap < t.taps; tap++, row += P) {
            DOGB_UNROLL
            for (int p = 0; p < P; p++) {
                in[p] = row[p];
            }
            for (int64_t c = 0; c < whole; next += DOGB_FETCH_FLOATS) {
                const int64_t each = DOGB_FETCH_EACH * WORD;
                int64_t end = c + each < whole ? c + each : whole;
                __builtin_prefetch(next, 0, 2);
                DOGB_ROLLED
                for (; c < end; c += WORD, weights += N * LANES) {
                    tile_word(sums, in, c, weights, P, N, 0);
                }
            }
            if (WORD > 1 && whole < t.channels) {
                tile_word(sums, in, whole, weights, P, N, 1);
                weights += N * LANES;
            }
        }
        next = next < t.fetch_end ? next : t.next;
        tile_store(&t, sums, out, residual, P, N);
        rows += t.row_stride;
        start += P * t.start_stride;
        out += step;
        residual = residual == NULL ? NULL : residual + P * t.residual_stride;
    }
}

DOGB_BY_SIZE(tiles_1, dogb_tile, pixels, tiles, 1, PIXELS_1)
DOGB_BY_SIZE(tiles_2, dogb_tile, pixels, tiles, 2, PIXELS_2)
DOGB_BY_SIZE(tiles_3, dogb_tile, pixels, tiles, 3, PIXELS_3)
DOGB_BY_SIZE(tiles_4, dogb_tile, pixels, tiles, 4, PIXELS_4)

#endif
