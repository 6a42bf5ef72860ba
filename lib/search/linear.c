// linear.c - see linear.h. Compiled with the loops' optimisations on.
#include "search/linear.h"

#include <math.h>

// row[from..to) -= sum over four rows of c[i] * rows[i][from..to)
static void subtract_four(double *restrict row, const double *restrict rows, size_t stride,
                          const double c[4], size_t from, size_t to) {
    const double *restrict r0 = rows;
    const double *restrict r1 = rows + stride;
    const double *restrict r2 = rows + 2 * stride;
    const double *restrict r3 = rows + 3 * stride;
    double c0 = c[0], c1 = c[1], c2 = c[2], c3 = c[3];
    for (size_t j = from; j < to; j++) {
        row[j] -= (c0 * r0[j] + c1 * r1[j]) + (c2 * r2[j] + c3 * r3[j]);
    }
}

static void subtract_one(double *restrict row, const double *restrict other, double c, size_t from,
                         size_t to) {
    for (size_t j = from; j < to; j++) {
        row[j] -= c * other[j];
    }
}

static void scale(double *row, double c, size_t from, size_t to) {
    for (size_t j = from; j < to; j++) {
        row[j] *= c;
    }
}

int dogb_linear_factor(double *a, int n, size_t stride) {
    size_t count = (size_t)n;
    for (size_t k = 0; k < count; k++) {
        double *row = a + k * stride;
        size_t p = 0;
        for (; p + 4 <= k; p += 4) {
            const double *rows = a + p * stride;
            double c[4] = {rows[k], rows[stride + k], rows[2 * stride + k], rows[3 * stride + k]};
            subtract_four(row, rows, stride, c, k, count);
        }
        for (; p < k; p++) {
            subtract_one(row, a + p * stride, a[p * stride + k], k, count);
        }
        if (!(row[k] > 0)) {
            return (int)k;
        }
        scale(row, 1 / sqrt(row[k]), k, count);
    }
    return n;
}

void dogb_linear_forward(const double *u, int n, size_t stride, double *b, size_t columns,
                         size_t b_stride, int triangle) {
    size_t count = (size_t)n;
    for (size_t q = 0; q < count; q++) {
        double *row = b + q * b_stride;
        size_t p = 0;
        for (; p + 4 <= q; p += 4) {
            const double *c = u + p * stride + q;
            double four[4] = {c[0], c[stride], c[2 * stride], c[3 * stride]};
            subtract_four(row, b + p * b_stride, b_stride, four, 0, triangle ? p + 4 : columns);
        }
        for (; p < q; p++) {
            subtract_one(row, b + p * b_stride, u[p * stride + q], 0, triangle ? p + 1 : columns);
        }
        scale(row, 1 / u[q * stride + q], 0, triangle ? q + 1 : columns);
    }
}

void dogb_linear_forward_one(const double *u, int n, size_t stride, double *b) {
    size_t count = (size_t)n;
    size_t p = 0;
    for (; p + 4 <= count; p += 4) {
        const double *rows = u + p * stride;
        for (size_t r = 0; r < 4; r++) {
            b[p + r] /= rows[r * stride + p + r];
            subtract_one(b, rows + r * stride, b[p + r], p + r + 1, p + 4);
        }
        double c[4] = {b[p], b[p + 1], b[p + 2], b[p + 3]};
        subtract_four(b, rows, stride, c, p + 4, count);
    }
    for (; p < count; p++) {
        b[p] /= u[p * stride + p];
        subtract_one(b, u + p * stride, b[p], p + 1, count);
    }
}

void dogb_linear_backward(const double *u, int n, size_t stride, double *b) {
    for (size_t q = (size_t)n; q-- > 0;) {
        const double *row = u + q * stride;
        double sum = dogb_linear_dot(row + q + 1, b + q + 1, (size_t)n - q - 1);
        b[q] = (b[q] - sum) / row[q];
    }
}

void dogb_linear_inverse_row(double *out, const double *x, int n, size_t stride, int row) {
    size_t end = (size_t)row + 1;
    for (size_t j = 0; j < end; j++) {
        out[j] = 0;
    }
    size_t p = (size_t)row;
    for (; p + 4 <= (size_t)n; p += 4) {
        const double *c = x + p * stride + row;
        double four[4] = {-c[0], -c[stride], -c[2 * stride], -c[3 * stride]};
        subtract_four(out, x + p * stride, stride, four, 0, end);
    }
    for (; p < (size_t)n; p++) {
        subtract_one(out, x + p * stride, -x[p * stride + (size_t)row], 0, end);
    }
}

double dogb_linear_dot(const double *a, const double *b, size_t count) {
    double lanes[DOGB_LANES] = {0};
    size_t i = 0;
    for (; i + DOGB_LANES <= count; i += DOGB_LANES) {
        for (size_t k = 0; k < DOGB_LANES; k++) {
            lanes[k] += a[i + k] * b[i + k];
        }
    }
    for (size_t k = 0; i < count; i++, k++) {
        lanes[k] += a[i] * b[i];
    }
    return dogb_lanes_sum(lanes);
}
