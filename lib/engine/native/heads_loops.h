// heads_loops.h - the loops of a dogb_heads_kernel over the vectors of one instruction set. The
// including file defines vec, LANES, the v_ functions, NAME, VECTORS_MOST, ROWS_1 to ROWS_5 (rows
// of a forward tile with panels of so many vectors) and INPUTS_1 to INPUTS_5 (inputs of a tile of
// gradients, a divisor of a group): accumulators, panel vectors and one factor fill the registers.
#include "engine/native/heads.h"

#include "engine/native/tiles.h"
#include "engine/native/vector.h"

#include <stddef.h>

enum {
    ROWS_MAX = 16,
    GROUP = DOGB_HEADS_GROUP,
};

// One forward tile; P and N are constants where this is inlined.
DOGB_INLINE void forward(const dogb_heads_forward *f, const int P, const int N) {
    vec sums[ROWS_MAX][DOGB_HEADS_VECTORS];
    const float *packed = f->packed;
    const float *weights = f->weights;
    DOGB_UNROLL
    for (int p = 0; p < P; p++) {
        const float *from = f->bias == NULL ? f->out + p * f->stride : f->bias;
        DOGB_UNROLL
        for (int n = 0; n < N; n++) {
            sums[p][n] = v_load(from + n * LANES);
        }
    }
    for (int64_t g = 0; g < f->groups; g++, packed += f->pitch) {
        DOGB_UNROLL_4
        for (int k = 0; k < GROUP; k++, weights += N * LANES) {
            vec w[DOGB_HEADS_VECTORS];
            DOGB_UNROLL
            for (int n = 0; n < N; n++) {
                w[n] = v_load(weights + n * LANES);
                DOGB_PIN(w[n]);
            }
            DOGB_UNROLL
            for (int p = 0; p < P; p++) {
                vec x = v_set1(packed[p * GROUP + k]);
                DOGB_UNROLL
                for (int n = 0; n < N; n++) {
                    sums[p][n] = v_fma(x, w[n], sums[p][n]);
                }
            }
        }
    }
    DOGB_UNROLL
    for (int p = 0; p < P; p++) {
        DOGB_UNROLL
        for (int n = 0; n < N; n++) {
            v_store(f->out + p * f->stride + n * LANES, sums[p][n]);
        }
    }
}

// --- optimisers: one vector of weights and its state, with the gradient

DOGB_INLINE void step_sgd(const dogb_heads_rule *r, vec gradient, float *weight, float *slot) {
    vec w = v_load(weight);
    vec g = v_fma(v_set1(r->decay), w, gradient);
    if (slot != NULL) {
        vec momentum = v_set1(r->momentum);
        vec v = v_fma(momentum, v_load(slot), g);
        v_store(slot, v);
        g = r->nesterov ? v_fma(momentum, v, g) : v;
    }
    v_store(weight, v_fma(v_set1(-r->rate), g, w));
}

DOGB_INLINE void step_adam(const dogb_heads_rule *r, vec gradient, float *weight, float *first,
                           float *second) {
    vec w = v_mul(v_load(weight), v_set1(r->keep));
    vec g = v_fma(v_set1(r->decay), w, gradient);
    vec m = v_load(first);
    m = v_fma(v_set1(r->beta1), v_sub(g, m), m);
    vec v = v_mul(v_load(second), v_set1(r->beta2));
    v = v_fma(v_mul(g, g), v_set1(r->beta2_rest), v);
    v_store(first, m);
    v_store(second, v);
    vec below = v_fma(v_sqrt(v), v_set1(r->correction), v_set1(r->epsilon));
    v_store(weight, v_fma(v_set1(-r->size), v_div(m, below), w));
}

// `count` vectors of weights from `at` on, with their gradients.
DOGB_INLINE void step_any(const dogb_heads_update *u, const float *gradients, int64_t at,
                          int64_t count) {
    const dogb_heads_rule rule = *u->rule; // own: no store of a weight can change it
    float *weights = u->weights + at;
    float *first = u->slot[0] == NULL ? NULL : u->slot[0] + at;
    float *second = u->slot[1] == NULL ? NULL : u->slot[1] + at;
    if (rule.kind == DOGB_OPTIM_SGD) {
        for (int64_t i = 0; i < count * LANES; i += LANES) {
            step_sgd(&rule, v_load(gradients + i), weights + i, first == NULL ? NULL : first + i);
        }
    } else {
        for (int64_t i = 0; i < count * LANES; i += LANES) {
            step_adam(&rule, v_load(gradients + i), weights + i, first + i, second + i);
        }
    }
}

// One tile of gradients over some of the rows.
typedef struct part {
    const float *packed; // first row and input
    const float *delta;
    float *sums; // of the rows before; then of these too, but for the last part
    int64_t rows;
    int64_t at; // first weight
    int32_t is_first;
    int32_t is_last;
} part;

// SGD with momentum, the usual one, from the registers that the gradients were summed in. Places
// and constants are its own: no store of a weight can change them.
DOGB_INLINE void step_momentum(const dogb_heads_update *u, int64_t at,
                               vec gradients[GROUP][DOGB_HEADS_VECTORS], const int K, const int N) {
    const vec decay = v_set1(u->rule->decay);
    const vec momentum = v_set1(u->rule->momentum);
    const vec rate = v_set1(-u->rule->rate);
    float *weights = u->weights + at;
    float *slot = u->slot[0] + at;
    DOGB_UNROLL
    for (int k = 0; k < K; k++) {
        DOGB_UNROLL
        for (int n = 0; n < N; n++, weights += LANES, slot += LANES) {
            vec w = v_load(weights);
            vec v = v_fma(momentum, v_load(slot), v_fma(decay, w, gradients[k][n]));
            v_store(slot, v);
            v_store(weights, v_fma(rate, v, w));
        }
    }
}

// Gradients of K inputs, summed over the rows of a part; behind the last one the step with them.
DOGB_INLINE void update(const dogb_heads_update *u, const part *t, const int K, const int N) {
    vec sums[GROUP][DOGB_HEADS_VECTORS];
    const float *packed = t->packed;
    const float *delta = t->delta;
    DOGB_UNROLL
    for (int k = 0; k < K; k++) {
        DOGB_UNROLL
        for (int n = 0; n < N; n++) {
            sums[k][n] = t->is_first ? v_set1(0.0f) : v_load(t->sums + (k * N + n) * LANES);
        }
    }
    DOGB_UNROLL_4
    for (int64_t r = 0; r < t->rows; r++, packed += GROUP, delta += u->stride) {
        vec z[DOGB_HEADS_VECTORS];
        DOGB_UNROLL
        for (int n = 0; n < N; n++) {
            z[n] = v_load(delta + n * LANES);
            DOGB_PIN(z[n]);
        }
        DOGB_UNROLL
        for (int k = 0; k < K; k++) {
            vec x = v_set1(packed[k]);
            DOGB_UNROLL
            for (int n = 0; n < N; n++) {
                sums[k][n] = v_fma(x, z[n], sums[k][n]);
            }
        }
    }
    if (t->is_last && u->rule->kind == DOGB_OPTIM_SGD && !u->rule->nesterov && u->slot[0] != NULL) {
        step_momentum(u, t->at, sums, K, N);
        return;
    }
    DOGB_UNROLL
    for (int k = 0; k < K; k++) {
        DOGB_UNROLL
        for (int n = 0; n < N; n++) {
            v_store(t->sums + (k * N + n) * LANES, sums[k][n]);
        }
    }
    if (t->is_last) {
        step_any(u, t->sums, t->at, K * N);
    }
}

// Rows of a part at most: their deltas and inputs then stay in the L1 cache from tile to tile.
enum { PART_ROWS = 64 };

// All tiles of a group, part by part.
DOGB_INLINE void update_group(const dogb_heads_update *u, int64_t group, const int K, const int N) {
    float sums[GROUP * DOGB_HEADS_VECTORS * LANES];
    int64_t parts = (u->rows + PART_ROWS - 1) / PART_ROWS;
    part t = {.rows = 0};
    int64_t row = 0;
    for (int64_t i = 0; i < parts; i++, row += t.rows) {
        t.rows = u->rows / parts + (i < u->rows % parts);
        t.delta = u->delta + row * u->stride;
        t.is_first = i == 0;
        t.is_last = i + 1 == parts;
        DOGB_ROLLED
        for (int k = 0; k < GROUP; k += K) {
            t.packed = u->packed + group * u->pitch + row * GROUP + k;
            t.sums = sums + k * N * LANES;
            t.at = (group * GROUP + k) * N * LANES;
            update(u, &t, K, N);
        }
    }
}

#define DOGB_UPDATE(N, INPUTS)                                                                     \
    static void update_##N(const dogb_heads_update *u) {                                           \
        for (int64_t g = 0; g < u->groups; g++) {                                                  \
            update_group(u, g, INPUTS, N);                                                         \
        }                                                                                          \
    }

static void bias_step(const dogb_heads_update *u, int64_t padded) {
    for (int64_t c = 0; c < padded; c += LANES) {
        vec sum = v_set1(0.0f);
        for (int64_t r = 0; r < u->rows; r++) {
            sum = v_add(sum, v_load(u->delta + r * u->stride + c));
        }
        float gradients[LANES];
        v_store(gradients, sum);
        step_any(u, gradients, c, 1);
    }
}

// --- softmax

// exp for x <= 0, to 1e-7: 2^whole times a polynomial of the rest (Cephes' expf).
DOGB_INLINE vec v_exp(vec x) {
    const vec magic = v_set1(12582912.0f); // 1.5 * 2^23: adding it rounds to whole numbers
    x = v_max(v_set1(-87.0f), x);          // NaN stays
    vec shifted = v_fma(x, v_set1(1.44269504f), magic);
    vec whole = v_sub(shifted, magic);
    vec rest = v_fma(whole, v_set1(-0.693359375f), x);
    rest = v_fma(whole, v_set1(2.12194440e-4f), rest);
    vec y = v_set1(1.9875691500e-4f);
    y = v_fma(y, rest, v_set1(1.3981999507e-3f));
    y = v_fma(y, rest, v_set1(8.3334519073e-3f));
    y = v_fma(y, rest, v_set1(4.1665795894e-2f));
    y = v_fma(y, rest, v_set1(1.6666665459e-1f));
    y = v_fma(y, rest, v_set1(5.0000001201e-1f));
    y = v_fma(y, v_mul(rest, rest), v_add(rest, v_set1(1.0f)));
    return v_scale(y, shifted);
}

static void exponents(dogb_heads_row *row) {
    float lanes[LANES];
    float *at = row->row;
    for (int64_t c = row->count; c < row->padded; c++) {
        at[c] = -__builtin_inff();
    }
    vec most = v_load(at);
    for (int64_t c = LANES; c < row->padded; c += LANES) {
        most = v_max(most, v_load(at + c));
    }
    v_store(lanes, most);
    row->top = lanes[0];
    for (int i = 1; i < LANES; i++) {
        row->top = lanes[i] > row->top ? lanes[i] : row->top;
    }
    vec top = v_set1(row->top);
    for (int64_t c = 0; c < row->padded; c += LANES) {
        v_store(at + c, v_exp(v_sub(v_load(at + c), top)));
    }
    for (int64_t c = row->count; c < row->padded; c++) {
        at[c] = 0.0f;
    }
    vec sum = v_set1(0.0f);
    for (int64_t c = 0; c < row->padded; c += LANES) {
        sum = v_add(sum, v_load(at + c));
    }
    v_store(lanes, sum);
    row->sum = lanes[0];
    for (int i = 1; i < LANES; i++) {
        row->sum += lanes[i];
    }
}

static void gradient(float *row, const float *smooth, float scale, float smooth_scale,
                     int64_t padded) {
    for (int64_t c = 0; c < padded; c += LANES) {
        vec value = v_mul(v_load(row + c), v_set1(scale));
        if (smooth != NULL) {
            value = v_sub(value, v_mul(v_load(smooth + c), v_set1(smooth_scale)));
        }
        v_store(row + c, value);
    }
}

// --- the table

#define DOGB_FORWARD(N, MOST) DOGB_BY_SIZE(forward_##N, dogb_heads_forward, rows, forward, N, MOST)

DOGB_FORWARD(1, ROWS_1)
DOGB_UPDATE(1, INPUTS_1)
#if VECTORS_MOST >= 2
DOGB_FORWARD(2, ROWS_2)
DOGB_UPDATE(2, INPUTS_2)
#endif
#if VECTORS_MOST >= 3
DOGB_FORWARD(3, ROWS_3)
DOGB_UPDATE(3, INPUTS_3)
#endif
#if VECTORS_MOST >= 5
DOGB_FORWARD(5, ROWS_5)
DOGB_UPDATE(5, INPUTS_5)
#endif

const dogb_heads_kernel DOGB_JOIN(dogb_heads_kernel_, NAME) = {
    .name = DOGB_TEXT(NAME),
    .lanes = LANES,
    .vectors = VECTORS_MOST,
    .rows = {0, ROWS_1, ROWS_2, ROWS_3, 0, ROWS_5},
    .forward[1] = forward_1,
    .update[1] = update_1,
#if VECTORS_MOST >= 2
    .forward[2] = forward_2,
    .update[2] = update_2,
#endif
#if VECTORS_MOST >= 3
    .forward[3] = forward_3,
    .update[3] = update_3,
#endif
#if VECTORS_MOST >= 5
    .forward[5] = forward_5,
    .update[5] = update_5,
#endif
#if defined(HALF)
    .half = &HALF,
#endif
    .bias = bias_step,
    .exponents = exponents,
    .gradient = gradient,
};
