// gp_model.c - see gp_model.h.
#include "search/gp_model.h"

#include "core/error.h"
#include "search/descend.h"
#include "search/linear.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

// Of the known points' noise. With all of it, the top of the mean would hardly be less uncertain
// for the trials that run there, and get all of a round.
static const double PENDING_NOISE = 1e-3;

// Priors: each parameter's log is normal; and its bounds.
typedef struct prior {
    double middle;
    double width;
    double low;
    double high;
} prior;

static prior prior_of(int32_t index, int32_t axes) {
    if (index < axes) { // distances grow with the number of axes
        double length = 0.35 * sqrt(axes);
        return (prior){-2 * log(length), 1.5, -2 * log(30), -2 * log(0.02)};
    }
    return index == axes ? (prior){0, 1, log(0.01), log(1000)}
                         : (prior){log(1e-5), 2, log(1e-8), log(2)};
}

void dogb_gp_theta_default(double *theta, int32_t axes) {
    for (int32_t i = 0; i < axes + DOGB_GP_MORE; i++) {
        theta[i] = prior_of(i, axes).middle;
    }
}

typedef struct fit {
    const dogb_points *points;
    const double *y;
    double *upper;   // [count][stride]
    double *slopes;  // [count][stride]: lower triangle of the kernel's slopes
    double *inverse; // [count][stride]: lower triangle
    double *alpha;   // [stride]
    double *row;     // [stride]
    double *weights; // [axes]
    double *point;   // [axes]
} fit;

static void get_point(double *out, const dogb_points *points, size_t index) {
    for (int32_t axis = 0; axis < points->axes; axis++) {
        out[axis] = points->x[(size_t)axis * points->stride + index];
    }
}

static void set_weights(double *weights, const double *theta, int32_t axes) {
    for (int32_t axis = 0; axis < axes; axis++) {
        weights[axis] = exp(theta[axis]);
    }
}

// Upper triangle of the covariance, points from `known` on almost without noise; the slopes go to
// the lower triangle of another matrix.
static void covariance(double *upper, double *slopes, const dogb_points *points, int32_t known,
                       const double *weights, double variance, double noise, double *row,
                       double *point) {
    size_t stride = points->stride;
    for (size_t i = 0; i < (size_t)points->count; i++) {
        get_point(point, points, i);
        dogb_matern_row(row, slopes == NULL ? NULL : slopes + i * stride, points, weights, point,
                        i + 1);
        for (size_t j = 0; j < i; j++) {
            upper[j * stride + i] = variance * row[j];
        }
        upper[i * stride + i] = variance + (i < (size_t)known ? noise : PENDING_NOISE * noise);
    }
}

// alpha = covariance^-1 y
static void solve(double *alpha, const double *upper, const double *y, int n, size_t stride) {
    memcpy(alpha, y, (size_t)n * sizeof *alpha);
    dogb_linear_forward_one(upper, n, stride, alpha);
    dogb_linear_backward(upper, n, stride, alpha);
}

// Gradient of the log likelihood: half the trace of (alpha alpha^T - K^-1) times K's derivative.
static void likelihood_gradient(const fit *f, const double *theta, double *gradient) {
    const dogb_points *points = f->points;
    int n = points->count;
    size_t stride = points->stride;
    int32_t axes = points->axes;
    double variance = exp(theta[axes]);
    double noise = exp(theta[axes + 1]);
    for (size_t i = 0; i < (size_t)n; i++) {
        // The loops work on four rows at a time, up to the same column.
        memset(f->inverse + i * stride, 0, (i / 4 + 1) * 4 * sizeof(double));
        f->inverse[i * stride + i] = 1;
    }
    dogb_linear_forward(f->upper, n, stride, f->inverse, (size_t)n, stride, 1);
    memset(gradient, 0, (size_t)(axes + DOGB_GP_MORE) * sizeof(double));
    double trace = 0;
    for (int i = 0; i < n; i++) {
        dogb_linear_inverse_row(f->row, f->inverse, n, stride, i);
        trace += f->alpha[i] * f->alpha[i] - f->row[i];
        const double *slopes = f->slopes + (size_t)i * stride;
        for (int j = 0; j < i; j++) {
            f->row[j] = (f->alpha[i] * f->alpha[j] - f->row[j]) * slopes[j];
        }
        get_point(f->point, points, (size_t)i);
        for (int32_t axis = 0; axis < axes; axis++) {
            gradient[axis] -= dogb_matern_sum(points, axis, f->point[axis], f->row, (size_t)i);
        }
    }
    for (int32_t axis = 0; axis < axes; axis++) {
        gradient[axis] *= variance * f->weights[axis];
    }
    double fitted = dogb_linear_dot(f->y, f->alpha, (size_t)n) - n;
    gradient[axes] = (fitted - noise * trace) / 2;
    gradient[axes + 1] = noise * trace / 2;
}

static double negative_posterior(void *userdata, const double *theta, double *gradient) {
    const fit *f = userdata;
    const dogb_points *points = f->points;
    int32_t axes = points->axes;
    int n = points->count;
    set_weights(f->weights, theta, axes);
    covariance(f->upper, f->slopes, points, n, f->weights, exp(theta[axes]), exp(theta[axes + 1]),
               f->row, f->point);
    if (dogb_linear_factor(f->upper, n, points->stride) < n) {
        return INFINITY;
    }
    solve(f->alpha, f->upper, f->y, n, points->stride);
    double value = dogb_linear_dot(f->y, f->alpha, (size_t)n) / 2;
    for (int i = 0; i < n; i++) {
        value += log(f->upper[(size_t)i * points->stride + (size_t)i]);
    }
    likelihood_gradient(f, theta, gradient);
    for (int32_t i = 0; i < axes + DOGB_GP_MORE; i++) {
        prior p = prior_of(i, axes);
        double z = (theta[i] - p.middle) / p.width;
        value += z * z / 2;
        gradient[i] = z / p.width - gradient[i];
    }
    return value;
}

int dogb_gp_fit(double *theta, double *value, const dogb_points *points, const double *y,
                int32_t evaluations) {
    dogb_arena arena = {0};
    size_t stride = points->stride;
    size_t matrix = (size_t)points->count * stride;
    int32_t count = points->axes + DOGB_GP_MORE;
    double *all = dogb_alloc_raw(&arena, 3 * matrix + 2 * stride + 2 * (size_t)count, sizeof *all);
    double *scratch =
        dogb_alloc(&arena, dogb_descend_scratch(count) + 2 * (size_t)count, sizeof *scratch);
    if (all == NULL || scratch == NULL) {
        dogb_arena_free(&arena);
        return DOGBREED_ERROR_NO_MEMORY;
    }
    fit f = {.points = points, .y = y, .upper = all, .slopes = all + matrix};
    f.inverse = f.slopes + matrix;
    f.alpha = f.inverse + matrix;
    f.row = f.alpha + stride;
    f.weights = f.row + stride;
    f.point = f.weights + count;
    double *low = scratch + dogb_descend_scratch(count);
    double *high = low + count;
    for (int32_t i = 0; i < count; i++) {
        prior p = prior_of(i, points->axes);
        low[i] = p.low;
        high[i] = p.high;
        theta[i] = fmin(fmax(theta[i], p.low), p.high);
    }
    dogb_descend problem = {negative_posterior, &f, low, high, count, evaluations, 0.7, 1e-3};
    *value = dogb_descend_run(&problem, theta, scratch);
    dogb_arena_free(&arena);
    return 0;
}

int dogb_gp_condition(dogb_gp *out, dogb_arena *arena, const dogb_points *points, int32_t known,
                      const double *y, const double *theta) {
    size_t stride = points->stride;
    *out = (dogb_gp){.points = *points, .known = known, .y = y, .theta = theta};
    out->variance = exp(theta[points->axes]);
    out->noise = exp(theta[points->axes + 1]);
    out->weights = dogb_alloc(arena, 2 * (size_t)points->axes + stride, sizeof(double));
    out->upper = dogb_alloc_raw(arena, (size_t)points->count * stride, sizeof(double));
    out->alpha = dogb_alloc(arena, stride, sizeof(double));
    if (out->weights == NULL || out->upper == NULL || out->alpha == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    double *point = out->weights + points->axes;
    double *row = point + points->axes;
    set_weights(out->weights, theta, points->axes);
    // The noise has a floor, so that one try is enough but for numbers at the edge of precision.
    for (;;) {
        covariance(out->upper, NULL, points, known, out->weights, out->variance, out->noise, row,
                   point);
        if (dogb_linear_factor(out->upper, points->count, stride) == points->count) {
            break;
        }
        if (!(out->noise < 1e6 * out->variance)) {
            return dogb_fail(DOGBREED_ERROR_NUMERIC, "search: the covariance has no factor");
        }
        out->noise *= 10;
    }
    solve(out->alpha, out->upper, y, known, stride);
    return 0;
}

void dogb_gp_predict(const dogb_gp *gp, const double *point, double *mean, double *deviation,
                     double *mean_gradient, double *deviation_gradient, double *scratch) {
    const dogb_points *points = &gp->points;
    size_t stride = points->stride;
    size_t n = (size_t)points->count;
    double *kernel = scratch;
    double *slope = scratch + stride;
    double *solved = scratch + 2 * stride;
    dogb_matern_row(kernel, slope, points, gp->weights, point, n);
    for (size_t i = 0; i < n; i++) {
        solved[i] = gp->variance * kernel[i];
    }
    *mean = dogb_linear_dot(solved, gp->alpha, (size_t)gp->known);
    dogb_linear_forward_one(gp->upper, (int)n, stride, solved);
    double left = gp->variance - dogb_linear_dot(solved, solved, n);
    *deviation = sqrt(fmax(left, 1e-14 * gp->variance));
    dogb_linear_backward(gp->upper, (int)n, stride, solved);
    // d kernel / d point = -2 slope weight (point - x); kernel is free now
    for (size_t i = 0; i < n; i++) {
        kernel[i] = slope[i] * solved[i];
        slope[i] *= i < (size_t)gp->known ? gp->alpha[i] : 0;
    }
    for (int32_t axis = 0; axis < points->axes; axis++) {
        const double *x = points->x + (size_t)axis * stride;
        double at = point[axis];
        double mean_sum = 0, solved_sum = 0;
        for (size_t i = 0; i < n; i++) {
            double d = at - x[i];
            mean_sum += slope[i] * d;
            solved_sum += kernel[i] * d;
        }
        double factor = -2 * gp->variance * gp->weights[axis];
        mean_gradient[axis] = factor * mean_sum;
        deviation_gradient[axis] = -factor * solved_sum / *deviation;
    }
}

static void predict_block(const dogb_gp *gp, const dogb_points *at, double *mean, double *deviation,
                          double *block) {
    const dogb_points *points = &gp->points;
    size_t count = (size_t)at->count;
    int n = points->count;
    for (size_t c = 0; c < count; c++) {
        mean[c] = 0;
        deviation[c] = gp->variance;
    }
    for (size_t i = 0; i < (size_t)n; i++) {
        double *row = block + i * DOGB_GP_BLOCK;
        double *place = gp->weights + points->axes; // scratch behind the weights
        get_point(place, points, i);
        dogb_matern_row(row, NULL, at, gp->weights, place, count);
        double alpha = i < (size_t)gp->known ? gp->alpha[i] : 0;
        for (size_t c = 0; c < count; c++) {
            row[c] *= gp->variance;
            mean[c] += alpha * row[c];
        }
    }
    dogb_linear_forward(gp->upper, n, points->stride, block, count, DOGB_GP_BLOCK, 0);
    for (size_t i = 0; i < (size_t)n; i++) {
        const double *row = block + i * DOGB_GP_BLOCK;
        for (size_t c = 0; c < count; c++) {
            deviation[c] -= row[c] * row[c];
        }
    }
    for (size_t c = 0; c < count; c++) {
        deviation[c] = sqrt(fmax(deviation[c], 1e-14 * gp->variance));
    }
}

void dogb_gp_predict_many(const dogb_gp *gp, const dogb_points *at, double *mean, double *deviation,
                          double *scratch) {
    for (int32_t from = 0; from < at->count; from += DOGB_GP_BLOCK) {
        dogb_points part = *at;
        part.x += from;
        part.count = at->count - from < DOGB_GP_BLOCK ? at->count - from : DOGB_GP_BLOCK;
        predict_block(gp, &part, mean + from, deviation + from, scratch);
    }
}
