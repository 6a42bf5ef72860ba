// linear.h - dense linear algebra of the Gaussian process: square matrices of a few hundred rows,
// in loops over whole rows that compilers turn into vector code without reordering a sum. So the
// bits are those of plain C on every processor.
#ifndef DOGB_SEARCH_LINEAR_H
#define DOGB_SEARCH_LINEAR_H

#include <stddef.h>

// a = u^T u, u upper triangular with rows of `stride` elements, over the upper triangle of a.
// Returns n, or the first row whose pivot is not positive.
int dogb_linear_factor(double *a, int n, size_t stride);

// u^T x = b for `columns` right sides at once: b[n][columns], overwritten by x. triangle: b is the
// identity, and x is computed up to its diagonal; the rows of b are 0 up to the next multiple of 4.
void dogb_linear_forward(const double *u, int n, size_t stride, double *b, size_t columns,
                         size_t b_stride, int triangle);

// The same for one right side, and u x = b.
void dogb_linear_forward_one(const double *u, int n, size_t stride, double *b);
void dogb_linear_backward(const double *u, int n, size_t stride, double *b);

// out[j], j <= row: row `row` of x^T x for lower triangular x (which is the inverse of u^T u, of
// x = dogb_linear_forward of the identity).
void dogb_linear_inverse_row(double *out, const double *x, int n, size_t stride, int row);

// Sums over rows go into so many lanes, in turn, and these are added in one order.
enum { DOGB_LANES = 8 };
static inline double dogb_lanes_sum(const double lanes[DOGB_LANES]) {
    return ((lanes[0] + lanes[4]) + (lanes[1] + lanes[5])) +
           ((lanes[2] + lanes[6]) + (lanes[3] + lanes[7]));
}

double dogb_linear_dot(const double *a, const double *b, size_t count);

#endif
