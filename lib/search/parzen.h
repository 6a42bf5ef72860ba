// parzen.h - the densities of TPE: a mixture of one kernel for each observation, and one broad
// kernel; a kernel is a product of truncated normals and tables over choices. As in Optuna 5.
#ifndef DOGB_SEARCH_PARZEN_H
#define DOGB_SEARCH_PARZEN_H

#include "core/rng.h"
#include "search/space.h"

typedef struct dogb_parzen {
    const dogb_axis *axes;
    int32_t axis_count;
    int32_t kernels;  // observations + 1; the last is the broad one
    double *weights;  // [kernels], sum 1
    double *middles;  // [axis][kernel], on the axis' scale; index of the choice
    double *widths;   // [axis][kernel]
    double *constant; // [axis][kernel]: log of what a normal is divided by
} dogb_parzen;

// rows[count]: values of the observations, the oldest first.
int dogb_parzen_build(dogb_parzen *out, dogb_arena *arena, const dogb_axis *axes,
                      int32_t axis_count, const double *const *rows, int32_t count);

void dogb_parzen_sample(const dogb_parzen *parzen, double *values, dogb_rng *rng);

// Log density (of discrete axes: log probability) at values. scratch[kernels].
double dogb_parzen_log(const dogb_parzen *parzen, const double *values, double *scratch);

#endif
