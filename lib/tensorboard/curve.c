// curve.c - see curve.h.
#include "tensorboard/curve.h"

#include "core/error.h"

#include <math.h>

static double share(double part, double rest) {
    const double count_min = 1e-7; // TensorBoard's own: nothing at all gives 0
    return part / (part + rest > count_min ? part + rest : count_min);
}

int dogb_pr_curve_open(dogb_pr_curve *out, dogb_arena *arena, size_t count) {
    *out = (dogb_pr_curve){.rows = dogb_alloc(arena, DOGB_PR_ROWS * count, sizeof(double)),
                           .count = count};
    return out->rows == NULL ? DOGBREED_ERROR_NO_MEMORY : DOGBREED_OK;
}

static double *row_of(const dogb_pr_curve *curve, size_t row) {
    return curve->rows + row * curve->count;
}

void dogb_pr_curve_fill(dogb_pr_curve *curve) {
    const double *positives = row_of(curve, 0);
    const double *negatives = row_of(curve, 1);
    for (size_t i = 0; i < curve->count; i++) {
        double missed = positives[0] - positives[i];
        row_of(curve, 2)[i] = negatives[0] - negatives[i];
        row_of(curve, 3)[i] = missed;
        row_of(curve, 4)[i] = share(positives[i], negatives[i]);
        row_of(curve, 5)[i] = share(positives[i], missed);
    }
}

int dogb_pr_curve_make(dogb_pr_curve *out, dogb_arena *arena, const float *scores,
                       const uint8_t *truths, size_t size, size_t count) {
    int rc = dogb_pr_curve_open(out, arena, count);
    if (rc < 0) {
        return rc;
    }
    double *row[2] = {row_of(out, 0), row_of(out, 1)};
    for (size_t i = 0; i < size; i++) {
        double at = floor((double)(scores[i] * (float)(count - 1)));
        at = at >= 0 ? at : 0; // NaN too
        row[truths[i] ? 0 : 1][at < (double)count ? (size_t)at : count - 1] += 1;
    }
    for (size_t i = count - 1; i > 0; i--) {
        row[0][i - 1] += row[0][i];
        row[1][i - 1] += row[1][i];
    }
    dogb_pr_curve_fill(out);
    return DOGBREED_OK;
}
