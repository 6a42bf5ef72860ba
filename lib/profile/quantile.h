// quantile.h - order statistics by numpy's linear rule.
#ifndef DOGB_PROFILE_QUANTILE_H
#define DOGB_PROFILE_QUANTILE_H

#include "core/arena.h"

// Copy of the values that are numbers, in order; *count becomes how many. NULL: no memory, *rc too.
double *dogb_quantile_sort(int *rc, dogb_arena *arena, const float *values, size_t *count);

// Of sorted values: h = (count - 1) q, between the two neighbours of h. NaN: there are none.
double dogb_quantile(const double *sorted, size_t count, double q);

#endif
