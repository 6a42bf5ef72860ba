// warp.c - see warp.h.
#include "search/warp.h"

#include "core/error.h"
#include "core/number.h"

#include <math.h>
#include <stdlib.h>

// Root mean square distance below the median, the unit of what follows.
static double spread(const double *sorted, int32_t count, double median) {
    double squares = 0;
    int32_t good = 0;
    for (; good < count && sorted[good] <= median; good++) {
        squares += (sorted[good] - median) * (sorted[good] - median);
    }
    return squares > 0 ? sqrt(squares / good) : 1;
}

int dogb_warp(double *out, dogb_warped *how, const double *y, int32_t count) {
    double *sorted = dogb_malloc((size_t)count + 1, sizeof *sorted);
    if (sorted == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    int32_t found = 0;
    for (int32_t i = 0; i < count; i++) {
        if (isfinite(y[i])) {
            sorted[found++] = y[i];
        }
    }
    qsort(sorted, (size_t)found, sizeof *sorted, dogb_number_compare);
    found += found == 0; // failures alone: all are 0
    double median = sorted[(found - 1) / 2];
    double worst = sorted[found - 1];
    double unit = spread(sorted, found, median);
    double sum = 0, squares = 0;
    for (int32_t i = 0; i < count; i++) {
        double value = y[i] <= worst ? fmax(y[i], sorted[0]) : worst; // NaN and infinities, too
        double z = (value - median) / unit;
        out[i] = z > 0 ? log1p(z) : z;
        sum += out[i];
        squares += out[i] * out[i];
    }
    double mean = sum / count;
    double deviation = sqrt(fmax(squares / count - mean * mean, 0));
    deviation = deviation > 1e-12 ? deviation : 1;
    for (int32_t i = 0; i < count; i++) {
        out[i] = (out[i] - mean) / deviation;
    }
    *how = (dogb_warped){median, unit, mean, deviation};
    dogb_free(sorted);
    return 0;
}

double dogb_unwarp(const dogb_warped *how, double value) {
    double z = value * how->deviation + how->mean;
    return how->median + how->unit * (z > 0 ? expm1(z) : z);
}

double dogb_warp_scale(const dogb_warped *how) {
    return how->unit * how->deviation;
}
