// warp.h - objectives as the Gaussian process sees them.
#ifndef DOGB_SEARCH_WARP_H
#define DOGB_SEARCH_WARP_H

#include "core/arena.h"

#include <stdint.h>

// out[count]: mean 0, deviation 1, in the order of y; what is worse than the median is compressed,
// so that a few very bad trials do not flatten the rest. NaN (a failure) counts as the worst.
// *scale: change of y for a change of 1 near the best.
int dogb_warp(double *out, double *scale, const double *y, int32_t count);

#endif
