// winograd_loops.h - both ends of Winograd's convolution F(m x m, 3 x 3) over the vectors of one
// instruction set: pictures to sums of pixels, and products to outputs. A tile of m x m outputs
// sees size x size pixels, size = m + 2. Transforms and their constants: Lavin and Gray, "Fast
// algorithms for convolutional neural networks", 2015.
#include "engine/native/kernel.h"

#include "engine/native/vector.h"

#include <stddef.h>

enum { WINOGRAD_MAX = 6 };

// One line of pixels, `step` vectors apart, in place.
DOGB_INLINE void winograd_pixels(vec *x, const int step, const int size) {
    if (size == 4) {
        vec a = x[0], b = x[step], c = x[2 * step], d = x[3 * step];
        x[0] = v_sub(a, c);
        x[step] = v_add(b, c);
        x[2 * step] = v_sub(c, b);
        x[3 * step] = v_sub(b, d);
        return;
    }
    const vec two = v_set1(2.0f);
    const vec four = v_set1(4.0f);
    const vec five = v_set1(5.0f);
    vec a = x[0], b = x[step], c = x[2 * step], d = x[3 * step], e = x[4 * step], f = x[5 * step];
    vec even = v_sub(e, v_mul(four, c));
    vec odd = v_sub(d, v_mul(four, b));
    vec far = v_sub(e, c);
    vec wide = v_mul(two, v_sub(d, b));
    x[0] = v_add(v_sub(v_mul(four, a), v_mul(five, c)), e);
    x[step] = v_add(even, odd);
    x[2 * step] = v_sub(even, odd);
    x[3 * step] = v_add(far, wide);
    x[4 * step] = v_sub(far, wide);
    x[5 * step] = v_add(v_sub(v_mul(four, b), v_mul(five, d)), f);
}

// One line of products; the first size - 2 places hold the result.
DOGB_INLINE void winograd_products(vec *x, const int step, const int size) {
    vec a = x[0], b = x[step], c = x[2 * step], d = x[3 * step];
    if (size == 4) {
        x[0] = v_add(v_add(a, b), c);
        x[step] = v_sub(v_sub(b, c), d);
        return;
    }
    vec e = x[4 * step], f = x[5 * step];
    vec near_sum = v_add(b, c), near_difference = v_sub(b, c);
    vec far_sum = v_add(d, e), far_difference = v_sub(d, e);
    x[0] = v_add(v_add(a, near_sum), far_sum);
    x[step] = v_add(near_difference, v_mul(v_set1(2.0f), far_difference));
    x[2 * step] = v_add(near_sum, v_mul(v_set1(4.0f), far_sum));
    x[3 * step] = v_add(v_add(near_difference, v_mul(v_set1(8.0f), far_difference)), f);
}

DOGB_INLINE void winograd_spread_of(const dogb_winograd *w, const int size) {
    for (int64_t tile = 0; tile < w->tiles; tile++) {
        const float *const *in = w->in + tile * size * size;
        float *sums = w->sums + tile * w->channels;
        for (int64_t c = 0; c < w->channels; c += LANES) {
            vec x[WINOGRAD_MAX * WINOGRAD_MAX];
            DOGB_UNROLL
            for (int column = 0; column < size; column++) {
                DOGB_UNROLL
                for (int row = 0; row < size; row++) {
                    x[row * size + column] = v_load(in[row * size + column] + c);
                }
                winograd_pixels(x + column, size, size);
            }
            DOGB_UNROLL
            for (int row = 0; row < size; row++) {
                winograd_pixels(x + row * size, 1, size);
                DOGB_UNROLL
                for (int column = 0; column < size; column++) {
                    v_store(sums + (row * size + column) * w->plane + c, x[row * size + column]);
                }
            }
        }
    }
}

DOGB_INLINE void winograd_gather_of(const dogb_winograd *w, const int size) {
    const int out = size - 2;
    const vec low = v_set1(w->low);
    const vec high = v_set1(w->high);
    for (int64_t tile = 0; tile < w->tiles; tile++) {
        const float *sums = w->sums + tile * w->channels;
        float *const *to = w->out + tile * out * out;
        const float *const *other = w->residual + tile * out * out;
        for (int64_t c = 0; c < w->channels; c += LANES) {
            const vec bias = v_load(w->bias + c);
            vec x[WINOGRAD_MAX * WINOGRAD_MAX];
            DOGB_UNROLL
            for (int column = 0; column < size; column++) {
                DOGB_UNROLL
                for (int row = 0; row < size; row++) {
                    x[row * size + column] = v_load(sums + (row * size + column) * w->plane + c);
                }
                winograd_products(x + column, size, size);
            }
            DOGB_UNROLL
            for (int row = 0; row < out; row++) {
                winograd_products(x + row * size, 1, size);
                DOGB_UNROLL
                for (int column = 0; column < out; column++) {
                    int at = row * out + column;
                    if (to[at] == NULL) {
                        continue;
                    }
                    vec y = v_add(x[row * size + column], bias);
                    if (other[at] != NULL) {
                        y = v_add(y, v_load(other[at] + c));
                    }
                    v_store(to[at] + c, v_min(high, v_max(low, y)));
                }
            }
        }
    }
}

static void winograd_spread(const dogb_winograd *w) {
    if (w->size == 4) {
        winograd_spread_of(w, 4);
    } else {
        winograd_spread_of(w, 6);
    }
}

static void winograd_gather(const dogb_winograd *w) {
    if (w->size == 4) {
        winograd_gather_of(w, 4);
    } else {
        winograd_gather_of(w, 6);
    }
}
