// matern.h - the kernel of the Gaussian process, Matern 5/2, for one point against many.
#ifndef DOGB_SEARCH_MATERN_H
#define DOGB_SEARCH_MATERN_H

#include <stddef.h>
#include <stdint.h>

// Points as columns: x[axis * stride + point]. weights[axis] = 1 / length^2; choices[axis]: the
// squared distance is 0 or 1.
typedef struct dogb_points {
    const double *x;
    const uint8_t *choices;
    int32_t axes;
    int32_t count;
    size_t stride;
} dogb_points;

// kernel[i] = (1 + a + a^2 / 3) exp(-a), a = sqrt(5) r, between `point` and point i < count;
// slope[i] (or NULL) = -d kernel / d r^2 = 5 / 6 (1 + a) exp(-a).
void dogb_matern_row(double *kernel, double *slope, const dogb_points *points,
                     const double *weights, const double *point, size_t count);

// sum over i < count of c[i] * (squared distance of point i on this axis).
double dogb_matern_sum(const dogb_points *points, int32_t axis, double at, const double *c,
                       size_t count);

#endif
