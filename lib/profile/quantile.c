// quantile.c - see quantile.h.
#include "profile/quantile.h"

#include "core/error.h"
#include "core/number.h"

#include <math.h>
#include <stdlib.h>

double *dogb_quantile_sort(int *rc, dogb_arena *arena, const float *values, size_t *count) {
    double *sorted = dogb_alloc_raw(arena, *count + 1, sizeof *sorted);
    size_t kept = 0;
    for (size_t i = 0; sorted != NULL && i < *count; i++) {
        if (!isnan(values[i])) {
            sorted[kept++] = (double)values[i];
        }
    }
    if (sorted == NULL) {
        *rc = DOGBREED_ERROR_NO_MEMORY;
    } else {
        qsort(sorted, kept, sizeof *sorted, dogb_number_compare);
    }
    *count = kept;
    return sorted;
}

double dogb_quantile(const double *sorted, size_t count, double q) {
    if (count == 0) {
        return (double)NAN;
    }
    double h = (double)(count - 1) * q;
    size_t low = (size_t)h;
    size_t high = low + 1 < count ? low + 1 : low;
    double share = h - (double)low;
    // Both forms, as numpy has them: the nearer neighbour is exact.
    return share < 0.5 ? sorted[low] + (sorted[high] - sorted[low]) * share
                       : sorted[high] - (sorted[high] - sorted[low]) * (1.0 - share);
}
