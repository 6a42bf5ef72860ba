// resize_c.c - the resampling sums in plain C: runs everywhere, and what the vector kernels are
// compared with.
#include "image/resize.h"

static uint8_t to_pixel(int32_t sum) {
    int32_t value = sum >> DOGB_RESIZE_BITS;
    return (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value);
}

static void horizontal(uint8_t *out, const uint8_t *in, const uint8_t *in_end,
                       const dogb_axis *axis) {
    (void)in_end;
    for (int32_t x = 0; x < axis->out; x++, out += 3) {
        const uint8_t *pixel = in + (size_t)axis->first[x] * 3;
        const int32_t *weights = axis->weights + (size_t)x * (size_t)axis->taps;
        int32_t red = 1 << (DOGB_RESIZE_BITS - 1), green = red, blue = red;
        for (int32_t t = 0; t < axis->count[x]; t++, pixel += 3) {
            red += pixel[0] * weights[t];
            green += pixel[1] * weights[t];
            blue += pixel[2] * weights[t];
        }
        out[0] = to_pixel(red);
        out[1] = to_pixel(green);
        out[2] = to_pixel(blue);
    }
}

static void vertical(uint8_t *out, const uint8_t *in, size_t stride, size_t bytes,
                     const int32_t *weights, int32_t taps) {
    enum { BLOCK = 64 };
    for (size_t from = 0; from < bytes; from += BLOCK) {
        size_t count = bytes - from < BLOCK ? bytes - from : BLOCK;
        int32_t sums[BLOCK];
        for (size_t i = 0; i < count; i++) {
            sums[i] = 1 << (DOGB_RESIZE_BITS - 1);
        }
        for (int32_t t = 0; t < taps; t++) {
            const uint8_t *row = in + (size_t)t * stride + from;
            for (size_t i = 0; i < count; i++) {
                sums[i] += row[i] * weights[t];
            }
        }
        for (size_t i = 0; i < count; i++) {
            out[from + i] = to_pixel(sums[i]);
        }
    }
}

const dogb_resize_kernel dogb_resize_c = {
    .name = "c", .horizontal = horizontal, .vertical = vertical};
