// kernel.c - the loops that take the time, with fixed inner lengths so that compilers vectorise
// them. Every sum has one order, whatever the number of threads.
#include "engine/ref/ref.h"

#include <string.h>

// Four neighbouring pixels times eight output channels.
static void tile(float sums[REF_PIXELS][REF_LANES], const float *restrict at,
                 const int64_t *restrict offsets, const float *restrict weights, int64_t steps,
                 const int64_t step[REF_PIXELS]) {
    float s0[REF_LANES], s1[REF_LANES], s2[REF_LANES], s3[REF_LANES];
    memcpy(s0, sums[0], sizeof s0);
    memcpy(s1, sums[1], sizeof s1);
    memcpy(s2, sums[2], sizeof s2);
    memcpy(s3, sums[3], sizeof s3);
    for (int64_t k = 0; k < steps; k++) {
        const float *x = at + offsets[k];
        const float *w = weights + k * REF_LANES;
        float x0 = x[step[0]], x1 = x[step[1]], x2 = x[step[2]], x3 = x[step[3]];
        for (int j = 0; j < REF_LANES; j++) {
            s0[j] += x0 * w[j];
        }
        for (int j = 0; j < REF_LANES; j++) {
            s1[j] += x1 * w[j];
        }
        for (int j = 0; j < REF_LANES; j++) {
            s2[j] += x2 * w[j];
        }
        for (int j = 0; j < REF_LANES; j++) {
            s3[j] += x3 * w[j];
        }
    }
    memcpy(sums[0], s0, sizeof s0);
    memcpy(sums[1], s1, sizeof s1);
    memcpy(sums[2], s2, sizeof s2);
    memcpy(sums[3], s3, sizeof s3);
}

void dogb_ref_window_forward(const dogb_ref_window *window, const float *weights, const float *bias,
                             float *out, int64_t plane, int32_t lanes, int32_t add) {
    int64_t pixels = window->height * window->width;
    for (int64_t first = 0; first < pixels; first += REF_PIXELS) {
        int64_t count = pixels - first < REF_PIXELS ? pixels - first : REF_PIXELS;
        int64_t step[REF_PIXELS];
        float sums[REF_PIXELS][REF_LANES] = {{0}};
        for (int64_t p = 0; p < REF_PIXELS; p++) { // a short last tile repeats its last pixel
            int64_t pixel = first + (p < count ? p : count - 1);
            int64_t y = pixel / window->width;
            int64_t x = pixel % window->width;
            step[p] = y * window->stride[0] * window->row + x * window->stride[1];
            for (int32_t j = 0; bias != NULL && j < lanes; j++) {
                sums[p][j] = bias[j];
            }
        }
        tile(sums, window->input, window->offsets, weights, window->steps, step);
        for (int32_t j = 0; j < lanes; j++) {
            for (int64_t p = 0; p < count; p++) {
                float *to = &out[j * plane + first + p];
                *to = add ? *to + sums[p][j] : sums[p][j];
            }
        }
    }
}

// Four steps of the sum times eight output channels over the pixels [first, last) of one row.
static void tile_weights(float sums[4][REF_LANES], const float *restrict at,
                         const int64_t offsets[4], const float *restrict gradient, int64_t first,
                         int64_t last, int64_t stride) {
    const float *x0 = at + offsets[0];
    const float *x1 = at + offsets[1];
    const float *x2 = at + offsets[2];
    const float *x3 = at + offsets[3];
    float s0[REF_LANES], s1[REF_LANES], s2[REF_LANES], s3[REF_LANES];
    memcpy(s0, sums[0], sizeof s0);
    memcpy(s1, sums[1], sizeof s1);
    memcpy(s2, sums[2], sizeof s2);
    memcpy(s3, sums[3], sizeof s3);
    for (int64_t x = first; x < last; x++) {
        const float *g = gradient + x * REF_LANES;
        float a0 = x0[x * stride], a1 = x1[x * stride], a2 = x2[x * stride], a3 = x3[x * stride];
        for (int j = 0; j < REF_LANES; j++) {
            s0[j] += a0 * g[j];
        }
        for (int j = 0; j < REF_LANES; j++) {
            s1[j] += a1 * g[j];
        }
        for (int j = 0; j < REF_LANES; j++) {
            s2[j] += a2 * g[j];
        }
        for (int j = 0; j < REF_LANES; j++) {
            s3[j] += a3 * g[j];
        }
    }
    memcpy(sums[0], s0, sizeof s0);
    memcpy(sums[1], s1, sizeof s1);
    memcpy(sums[2], s2, sizeof s2);
    memcpy(sums[3], s3, sizeof s3);
}

void dogb_ref_window_weights(const dogb_ref_window *window, const float *gradient, double *sums) {
    enum { FLUSH = 128 }; // pixels summed in float before they go into the double sum
    for (int64_t k = 0; k < window->steps; k += 4) {
        int64_t count = window->steps - k < 4 ? window->steps - k : 4;
        int64_t offsets[4];
        float part[4][REF_LANES] = {{0}};
        int64_t pending = 0;
        for (int64_t i = 0; i < 4; i++) {
            offsets[i] = window->offsets[k + (i < count ? i : count - 1)];
        }
        for (int64_t y = 0; y < window->height; y++) {
            tile_weights(part, window->input + y * window->stride[0] * window->row, offsets,
                         gradient + y * window->width * REF_LANES, 0, window->width,
                         window->stride[1]);
            pending += window->width;
            if (pending < FLUSH && y + 1 < window->height) {
                continue;
            }
            for (int64_t i = 0; i < count; i++) {
                for (int j = 0; j < REF_LANES; j++) {
                    sums[(k + i) * REF_LANES + j] += (double)part[i][j];
                }
            }
            memset(part, 0, sizeof part);
            pending = 0;
        }
    }
}

float dogb_ref_dot(const float *a, const float *b, int64_t count) {
    enum { WIDTH = 16 };
    float sums[WIDTH] = {0};
    int64_t i = 0;
    for (; i + WIDTH <= count; i += WIDTH) {
        for (int j = 0; j < WIDTH; j++) {
            sums[j] += a[i + j] * b[i + j];
        }
    }
    double total = 0;
    for (int j = 0; j < WIDTH; j++) {
        total += (double)sums[j];
    }
    for (; i < count; i++) {
        total += (double)a[i] * (double)b[i];
    }
    return (float)total;
}

void dogb_ref_axpy(float *restrict to, float factor, const float *restrict from, int64_t count) {
    for (int64_t i = 0; i < count; i++) {
        to[i] += factor * from[i];
    }
}
