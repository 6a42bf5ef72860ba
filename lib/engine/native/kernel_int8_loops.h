// kernel_int8_loops.h - the loops of a dogb_kernel8 over one instruction set. The including file
// defines what vector.h's users have, and: sums, element, GROUP, the s_ and e_ functions, NAME,
// FLOATS (the companion) and the tile sizes PIXELS_1 to PIXELS_4.
#include "engine/native/kernel_int8.h"

#include "engine/native/kernel_int8_lines.h"
#include "engine/native/tiles.h"
#include "engine/native/vector.h"

#include <stddef.h>

#if defined(__clang__)
#define DOGB_TWICE
#else
#define DOGB_TWICE _Pragma("GCC unroll 2")
#endif

// The second operand when the first is NaN: what is not a number becomes `low`.
DOGB_INLINE vec clamp(vec value, vec low, vec high) {
    return v_min(v_max(value, low), high);
}

// What is added of another layer's elements.
DOGB_INLINE vec residual(const dogb_finish *f, vec elements) {
    return v_mul(v_sub(elements, v_set1((float)f->other_zero)), v_set1(f->other_scale));
}

// Any result: at the end of the channels, in any form.
static __attribute__((noinline)) void store_any(const dogb_tile8 *t, int64_t first,
                                                const int32_t *values, int vectors) {
    const dogb_finish *f = &t->finish;
    for (int64_t p = first; p < first + t->pixels; p++, values += vectors * LANES) {
        vec results[DOGB_VECTORS_MAX];
        for (int n = 0; n < vectors; n++) {
            vec value = v_mul(s_float(s_load(values + n * LANES)), v_load(f->scale + n * LANES));
            results[n] = v_add(value, v_load(f->bias + n * LANES));
        }
        for (int n = 0; n + 1 < vectors; n += 2) {
            v_natural(&results[n], &results[n + 1]);
        }
        for (int n = 0; n < vectors; n++) {
            int32_t lanes = n == vectors - 1 ? t->tail : LANES;
            int64_t at = p * t->out_stride + n * LANES;
            vec value = results[n];
            if (t->residual != NULL) {
                const element *other = t->residual;
                vec steps = e_load(other + p * t->residual_stride + n * LANES, lanes);
                value = v_add(value, residual(f, steps));
            }
            value = clamp(value, v_set1(f->low), v_set1(f->high));
            if (f->store == DOGB_STORE_ELEMENTS) {
                e_store((element *)t->out + at, lanes, value, f->zero);
            } else if (lanes == LANES) {
                v_store((float *)t->out + at, value);
            } else {
                v_store_part((float *)t->out + at, lanes, value);
            }
        }
    }
}

// Elements or shorts, whole vectors: two and two, an odd one alone.
DOGB_INLINE void store(const dogb_tile8 *t, int64_t first, sums values[][DOGB_VECTORS_MAX],
                       const int P, const int N, const int shorts) {
    const dogb_finish *f = &t->finish;
    const element *other = t->residual;
    const int32_t least = (int32_t)f->low;
    DOGB_UNROLL
    for (int n = 0; n < N; n += 2) {
        const int both = n + 1 < N;
        const vec scale[2] = {v_load(f->scale + n * LANES), v_load(f->scale + (n + both) * LANES)};
        const vec bias[2] = {v_load(f->bias + n * LANES), v_load(f->bias + (n + both) * LANES)};
        DOGB_UNROLL
        for (int p = 0; p < P; p++) {
            const int64_t at = (first + p) * t->out_stride + n * LANES;
            const int64_t beside = (first + p) * t->residual_stride + n * LANES;
            vec low = v_add(v_mul(s_float(values[p][n]), scale[0]), bias[0]);
            vec high = low;
            if (both) {
                high = v_add(v_mul(s_float(values[p][n + 1]), scale[1]), bias[1]);
            }
            if (!shorts && other != NULL) {
                vec steps[2];
                if (both) {
                    e_load_block(&steps[0], &steps[1], other + beside);
                    high = v_add(high, residual(f, steps[1]));
                } else {
                    steps[0] = e_load(other + beside, LANES);
                }
                low = v_add(low, residual(f, steps[0]));
            }
            low = v_min(v_set1(f->high), low); // what is not a number passes
            high = v_min(v_set1(f->high), high);
            if (both && shorts) {
                h_store_block((int16_t *)t->out + at, low, high, least);
            } else if (both) {
                e_store_block((element *)t->out + at, 2 * LANES, low, high, f->zero,
                              least + f->zero);
            } else if (shorts) {
                h_store((int16_t *)t->out + at, v_max(low, v_set1(f->low)));
            } else {
                e_store((element *)t->out + at, LANES, v_max(low, v_set1(f->low)), f->zero);
            }
        }
    }
}

// One word of each output.
DOGB_INLINE void word(sums (*values)[DOGB_VECTORS_MAX], const int32_t *const *in, int64_t k,
                      const int32_t *weights, const int P, const int N) {
    sums w[DOGB_VECTORS_MAX];
    DOGB_UNROLL
    for (int n = 0; n < N; n++) {
        w[n] = s_load(weights + n * LANES);
        DOGB_PIN(w[n]);
    }
    DOGB_UNROLL
    for (int p = 0; p < P; p++) {
        sums x = s_word(in[p] + k);
        DOGB_UNROLL
        for (int n = 0; n < N; n++) {
            values[p][n] = s_dot(values[p][n], x, w[n]);
        }
    }
}

// What the tap number `tap` of all tiles fetches.
DOGB_INLINE const int32_t *next_of(const dogb_tile8 *t, int64_t tap) {
    return t->next + tap * (t->words / DOGB_RUN_WORDS) * t->fetch * DOGB_FETCH_FLOATS;
}

// One tile, whose first output is number `first`; P and N are constants where this is inlined.
DOGB_INLINE void one(const dogb_tile8 *t, const void *const *rows, int64_t first, const int fetches,
                     const int P, const int N) {
    sums values[DOGB_PIXELS_MAX][DOGB_VECTORS_MAX];
    const int32_t *in[DOGB_PIXELS_MAX];
    const int32_t *weights = t->weights;
    const int64_t words = t->words;
    DOGB_UNROLL
    for (int p = 0; p < P; p++) {
        DOGB_UNROLL
        for (int n = 0; n < N; n++) {
            values[p][n] = s_load(t->start + n * LANES);
        }
    }
    for (int64_t tap = 0; tap < t->taps; tap++, rows += P) {
        DOGB_UNROLL
        for (int p = 0; p < P; p++) {
            in[p] = rows[p];
        }
        int64_t k = 0;
        if (fetches) {
            const int32_t *next = next_of(t, first / P * t->taps + tap);
            for (; k + DOGB_RUN_WORDS <= words; next += t->fetch * DOGB_FETCH_FLOATS) {
                for (int64_t line = 0; line < t->fetch; line++) {
                    __builtin_prefetch(next + line * DOGB_FETCH_FLOATS, 0, 2);
                }
                DOGB_ROLLED
                for (const int64_t end = k + DOGB_RUN_WORDS; k < end; k++, weights += N * LANES) {
                    word(values, in, k, weights, P, N);
                }
            }
        }
        DOGB_TWICE
        for (; k < words; k++, weights += N * LANES) {
            word(values, in, k, weights, P, N);
        }
    }
    if (t->tail != LANES || t->finish.store == DOGB_STORE_FLOATS) {
        int32_t left[DOGB_PIXELS_MAX * DOGB_VECTORS_MAX * LANES];
        DOGB_UNROLL
        for (int p = 0; p < P; p++) {
            DOGB_UNROLL
            for (int n = 0; n < N; n++) {
                s_store(left + (p * N + n) * LANES, values[p][n]);
            }
        }
        store_any(t, first, left, N);
    } else if (t->finish.store == DOGB_STORE_SHORTS) {
        store(t, first, values, P, N, 1);
    } else {
        store(t, first, values, P, N, 0);
    }
}

DOGB_INLINE void tiles(const dogb_tile8 *t, const int P, const int N) {
    const void *const *rows = t->rows;
    for (int64_t i = 0; t->fetch == 0 && i < t->tiles; i++, rows += t->taps * P) {
        one(t, rows, i * P, 0, P, N);
    }
    for (int64_t i = 0; t->fetch > 0 && i < t->tiles; i++, rows += t->taps * P) {
        one(t, rows, i * P, 1, P, N);
    }
}

// A vector of channels of every pixel.
DOGB_INLINE void elements_of(const dogb_rows *r, int64_t c, int32_t lanes) {
    const dogb_finish *f = &r->finish;
    const vec low = v_set1(f->low);
    const vec high = v_set1(f->high);
    const vec scale = v_load(f->scale + c);
    const vec bias = v_load(f->bias + c);
    const float *in = r->in + c;
    element *out = (element *)r->out + c;
    const int32_t zero = f->zero;
    for (int64_t p = 0; p < r->pixels; p++, in += r->in_stride, out += r->out_stride) {
        vec value = lanes == LANES ? v_load(in) : v_load_part(in, lanes);
        value = v_add(v_mul(value, scale), bias);
        e_store(out, lanes, clamp(value, low, high), zero);
    }
}

static void elements(const dogb_rows *r) {
    int64_t c = 0;
    for (; c + LANES <= r->channels; c += LANES) {
        elements_of(r, c, LANES);
    }
    if (c < r->channels) {
        elements_of(r, c, (int32_t)(r->channels - c));
    }
}

DOGB_BY_SIZE(tiles_1, dogb_tile8, pixels, tiles, 1, PIXELS_1)
DOGB_BY_SIZE(tiles_2, dogb_tile8, pixels, tiles, 2, PIXELS_2)
DOGB_BY_SIZE(tiles_3, dogb_tile8, pixels, tiles, 3, PIXELS_3)
DOGB_BY_SIZE(tiles_4, dogb_tile8, pixels, tiles, 4, PIXELS_4)

const dogb_kernel8 DOGB_JOIN(dogb_kernel8_, NAME) = {
    .floats = &DOGB_JOIN(dogb_kernel_, FLOATS),
    .bytes = sizeof(element),
    .group = GROUP,
    .most = VECTORS_MOST,
    .pixels = {0, PIXELS_1, PIXELS_2, PIXELS_3, PIXELS_4},
    .tiles = {NULL, tiles_1, tiles_2, tiles_3, tiles_4},
    .elements = elements,
    .lines = lines8,
};
