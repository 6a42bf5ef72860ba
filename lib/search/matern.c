// matern.c - see matern.h. Compiled with the loops' optimisations on.
#include "search/matern.h"

#include "search/linear.h"

#include <math.h>
#include <string.h>

// exp(-a) for a >= 0, in arithmetic that compilers can do on vectors. Relative error below 3e-16;
// what would be smaller than 1e-300 is 1e-300.
static double decay(double a) {
    static const double magic = 6755399441055744.0; // 1.5 * 2^52: adding it rounds
    double x = a < 690 ? -a : -690;
    double shifted = x * 1.4426950408889634074 + magic;
    double n = shifted - magic;
    double r = (x - n * 6.93147180369123816490e-1) - n * 1.90821492927058770002e-10;
    double sum = 1.0 / 39916800;
    sum = sum * r + 1.0 / 3628800;
    sum = sum * r + 1.0 / 362880;
    sum = sum * r + 1.0 / 40320;
    sum = sum * r + 1.0 / 5040;
    sum = sum * r + 1.0 / 720;
    sum = sum * r + 1.0 / 120;
    sum = sum * r + 1.0 / 24;
    sum = sum * r + 1.0 / 6;
    sum = sum * r + 0.5;
    sum = sum * r + 1;
    sum = sum * r + 1;
    uint64_t bits;
    memcpy(&bits, &shifted, sizeof bits);
    bits = (bits + 1023) << 52; // 2^n: the low bits of `shifted` are n
    double power;
    memcpy(&power, &bits, sizeof power);
    return sum * power;
}

static void add_axis(double *restrict sums, const double *restrict x, double at, double weight,
                     int choice, size_t count) {
    if (choice) {
        for (size_t i = 0; i < count; i++) {
            sums[i] += x[i] == at ? 0 : weight;
        }
        return;
    }
    for (size_t i = 0; i < count; i++) {
        double d = x[i] - at;
        sums[i] += weight * (d * d);
    }
}

void dogb_matern_row(double *kernel, double *slope, const dogb_points *points,
                     const double *weights, const double *point, size_t count) {
    for (size_t i = 0; i < count; i++) {
        kernel[i] = 0;
    }
    for (int32_t axis = 0; axis < points->axes; axis++) {
        add_axis(kernel, points->x + (size_t)axis * points->stride, point[axis], weights[axis],
                 points->choices[axis], count);
    }
    if (slope == NULL) {
        for (size_t i = 0; i < count; i++) {
            double a = sqrt(5 * kernel[i]);
            kernel[i] = (1 + a + a * a / 3) * decay(a);
        }
        return;
    }
    for (size_t i = 0; i < count; i++) {
        double a = sqrt(5 * kernel[i]);
        double e = decay(a);
        kernel[i] = (1 + a + a * a / 3) * e;
        slope[i] = (5.0 / 6) * (1 + a) * e;
    }
}

double dogb_matern_sum(const dogb_points *points, int32_t axis, double at, const double *c,
                       size_t count) {
    const double *x = points->x + (size_t)axis * points->stride;
    double lanes[DOGB_LANES] = {0};
    size_t i = 0;
    int choice = points->choices[axis];
    for (; i + DOGB_LANES <= count; i += DOGB_LANES) {
        for (size_t k = 0; k < DOGB_LANES; k++) {
            double d = x[i + k] - at;
            lanes[k] += c[i + k] * (choice ? (d != 0 ? 1 : 0) : d * d);
        }
    }
    for (size_t k = 0; i < count; i++, k++) {
        double d = x[i] - at;
        lanes[k] += c[i] * (choice ? d != 0 : d * d);
    }
    return dogb_lanes_sum(lanes);
}
