// warp.h - objectives as the Gaussian process sees them.
#ifndef DOGB_SEARCH_WARP_H
#define DOGB_SEARCH_WARP_H

#include "core/arena.h"

#include <stdint.h>

// out[count]: mean 0, deviation 1, in the order of y; what is worse than the median is compressed,
// so that a few very bad trials do not flatten the rest. NaN (a failure) counts as the worst.
typedef struct dogb_warped { // how, for the way back
    double median;
    double unit; // root mean square distance below the median
    double mean;
    double deviation;
} dogb_warped;
int dogb_warp(double *out, dogb_warped *how, const double *y, int32_t count);

double dogb_unwarp(const dogb_warped *how, double value);
double dogb_warp_scale(const dogb_warped *how); // change of y for a change of 1 near the best

#endif
