// curve.c - see curve.h.
#include "tensorboard/curve.h"

#include "core/error.h"

#include <math.h>

static double share(double part, double rest) {
    const double count_min = 1e-7; // TensorBoard's own: nothing at all gives 0
    return part / (part + rest > count_min ? part + rest : count_min);
}

int dogb_pr_curve_make(dogb_pr_curve *out, dogb_arena *arena, const float *scores,
                       const uint8_t *truths, size_t size, size_t count) {
    *out = (dogb_pr_curve){.rows = dogb_alloc(arena, DOGB_PR_ROWS * count, sizeof(double)),
                           .count = count};
    if (out->rows == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    double *row[DOGB_PR_ROWS];
    for (size_t i = 0; i < DOGB_PR_ROWS; i++) {
        row[i] = out->rows + i * count;
    }
    for (size_t i = 0; i < size; i++) {
        double at = floor((double)(scores[i] * (float)(count - 1)));
        at = at >= 0 ? at : 0; // NaN too
        row[truths[i] ? 0 : 1][at < (double)count ? (size_t)at : count - 1] += 1;
    }
    for (size_t i = count - 1; i > 0; i--) {
        row[0][i - 1] += row[0][i];
        row[1][i - 1] += row[1][i];
    }
    for (size_t i = 0; i < count; i++) {
        row[2][i] = row[1][0] - row[1][i];
        row[3][i] = row[0][0] - row[0][i];
        row[4][i] = share(row[0][i], row[1][i]);
        row[5][i] = share(row[0][i], row[3][i]);
    }
    return DOGBREED_OK;
}
