// stats.h - statistics of float values: one pass for all moments and extremes, selection for
// percentiles. The same bits for any compiler, instruction set and number of threads.
#ifndef DOGB_CORE_STATS_H
#define DOGB_CORE_STATS_H

#include "core/arena.h"

#include <dogbreed/event.h>

// All members of `out` but struct_size. Extremes, means and norm are those of the finite
// values, NaN where there are none (norm 0); sums are in double, in a fixed order.
void dogb_stats(dogbreed_tensor_stats *out, const float *values, size_t count);

// What follows from them, for `count` values.
double dogb_stats_sum(const dogbreed_tensor_stats *stats, size_t count);
double dogb_stats_variance(const dogbreed_tensor_stats *stats); // population
double dogb_stats_l1(const dogbreed_tensor_stats *stats, size_t count);
double dogb_stats_absolute_maximum(const dogbreed_tensor_stats *stats);
double dogb_stats_absolute_variance(const dogbreed_tensor_stats *stats); // of |value|

// Quantiles 0..1 of the values that are no NaN, linear between neighbours (numpy's default): v at
// (n - 1) q. NaN: there are none. One pass and up to three for each, no memory.
void dogb_stats_quantiles(double *out, const float *values, size_t count, const double *q,
                          size_t q_count);

#endif
