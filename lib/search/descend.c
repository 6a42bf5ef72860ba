// descend.c - see descend.h.
#include "search/descend.h"

#include <math.h>
#include <string.h>

size_t dogb_descend_scratch(int32_t count) {
    size_t n = (size_t)count;
    return n * n + 6 * n;
}

typedef struct state {
    const dogb_descend *problem;
    size_t n;
    double *x, *gradient, *next, *next_gradient, *direction, *change;
    double *inverse; // [n][n] estimate of the inverse Hessian
    double value;
    int32_t left;
    int fresh; // no estimate yet
} state;

static double dot(const double *a, const double *b, size_t n) {
    double sum = 0;
    for (size_t i = 0; i < n; i++) {
        sum += a[i] * b[i];
    }
    return sum;
}

static void identity(state *s) {
    memset(s->inverse, 0, s->n * s->n * sizeof *s->inverse);
    for (size_t i = 0; i < s->n; i++) {
        s->inverse[i * s->n + i] = 1;
    }
    s->fresh = 1;
}

// A coordinate at its bound that the descent would push further out stays.
static int held(const state *s, size_t i) {
    const dogb_descend *p = s->problem;
    return p->low[i] >= p->high[i] || (s->x[i] <= p->low[i] && s->gradient[i] > 0) ||
           (s->x[i] >= p->high[i] && s->gradient[i] < 0);
}

static void choose_direction(state *s) {
    double largest = 0;
    for (size_t i = 0; i < s->n; i++) {
        s->direction[i] = 0;
        for (size_t j = 0; j < s->n && !held(s, i); j++) {
            s->direction[i] -= held(s, j) ? 0 : s->inverse[i * s->n + j] * s->gradient[j];
        }
        largest = fmax(largest, fabs(s->direction[i]));
    }
    double limit = s->problem->first_step * (s->fresh ? 1 : 8);
    if (largest > limit || s->fresh) {
        for (size_t i = 0; i < s->n && largest > 0; i++) {
            s->direction[i] *= limit / largest;
        }
    }
}

// One step along the direction, shortened until it gains. 0: none does.
static int step(state *s) {
    const dogb_descend *p = s->problem;
    double length = 1;
    while (s->left-- > 0) {
        for (size_t i = 0; i < s->n; i++) {
            double to = s->x[i] + length * s->direction[i];
            s->next[i] = fmin(fmax(to, p->low[i]), p->high[i]);
            s->change[i] = s->next[i] - s->x[i];
        }
        double slope = dot(s->gradient, s->change, s->n);
        double value = p->fn(p->userdata, s->next, s->next_gradient);
        if (value <= s->value + 1e-4 * slope && slope < 0) {
            s->value = value;
            return 1;
        }
        if (!(slope < 0)) {
            return 0;
        }
        // The minimum of the parabola through what is known, within limits.
        double shrink = -slope / (2 * (value - s->value - slope));
        length *= isfinite(shrink) ? fmin(fmax(shrink, 0.1), 0.5) : 0.1;
    }
    return 0;
}

// BFGS: the estimate learns the change of the gradient over the last step.
static void learn(state *s) {
    size_t n = s->n;
    double *y = s->direction; // not needed any more
    for (size_t i = 0; i < n; i++) {
        y[i] = s->next_gradient[i] - s->gradient[i];
    }
    double curvature = dot(s->change, y, n);
    if (!(curvature > 1e-12 * sqrt(dot(s->change, s->change, n) * dot(y, y, n)))) {
        return;
    }
    if (s->fresh) {
        double size = curvature / dot(y, y, n);
        for (size_t i = 0; i < n; i++) {
            s->inverse[i * n + i] = size;
        }
        s->fresh = 0;
    }
    double *hy = s->gradient; // overwritten by the caller
    for (size_t i = 0; i < n; i++) {
        hy[i] = dot(s->inverse + i * n, y, n);
    }
    double factor = (1 + dot(y, hy, n) / curvature) / curvature;
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < n; j++) {
            s->inverse[i * n + j] += factor * s->change[i] * s->change[j] -
                                     (s->change[i] * hy[j] + hy[i] * s->change[j]) / curvature;
        }
    }
}

double dogb_descend_run(const dogb_descend *problem, double *x, double *scratch) {
    size_t n = (size_t)problem->count;
    state s = {
        .problem = problem, .n = n, .x = x, .gradient = scratch, .left = problem->evaluations};
    s.next = s.gradient + n;
    s.next_gradient = s.next + n;
    s.direction = s.next_gradient + n;
    s.change = s.direction + n;
    s.inverse = s.change + n;
    s.left--;
    s.value = problem->fn(problem->userdata, x, s.gradient);
    identity(&s);
    while (isfinite(s.value) && s.left > 0) {
        double before = s.value;
        choose_direction(&s);
        if (!step(&s)) {
            if (s.fresh) {
                break;
            }
            identity(&s);
            continue;
        }
        learn(&s);
        memcpy(x, s.next, n * sizeof *x);
        memcpy(s.gradient, s.next_gradient, n * sizeof *x);
        if (before - s.value < problem->enough) {
            break;
        }
    }
    return s.value;
}
