// test_gp.c - the Gaussian process against scikit-learn's, its gradients against differences, and
// what surrounds it: descents, fits, warped objectives.
#include "near.h"

#include "core/rng.h"
#include "search/descend.h"
#include "search/gp_model.h"
#include "search/warp.h"

enum { AXES_MAX = 6, POINTS_MAX = 160, STRIDE = 160 };

typedef struct data {
    int axes;
    int count;
    double theta[AXES_MAX + DOGB_GP_MORE];
    double likelihood;
    double x[AXES_MAX * STRIDE];
    double y[STRIDE];
    uint8_t choices[AXES_MAX];
    dogb_points points;
} data;

static double next_number(FILE *file) {
    double value;
    assert_int_equal(fscanf(file, "%lf", &value), 1);
    return value;
}

static int read_case(FILE *file, data *d) {
    *d = (data){0};
    if (fscanf(file, "%d %d", &d->axes, &d->count) != 2) {
        return 0;
    }
    for (int i = 0; i < d->axes + DOGB_GP_MORE; i++) {
        d->theta[i] = next_number(file);
    }
    d->likelihood = next_number(file);
    for (int i = 0; i < d->count; i++) {
        for (int axis = 0; axis < d->axes; axis++) {
            d->x[axis * STRIDE + i] = next_number(file);
        }
        d->y[i] = next_number(file);
    }
    d->points = (dogb_points){d->x, d->choices, d->axes, d->count, STRIDE};
    return 1;
}

// The negative log posterior, which a fit that may not move returns.
static double posterior(const data *d, const double *theta) {
    double copy[AXES_MAX + DOGB_GP_MORE], value;
    memcpy(copy, theta, sizeof copy);
    assert_ok(dogb_gp_fit(copy, &value, &d->points, d->y, 1));
    assert_memory_equal(copy, theta, sizeof(double) * (size_t)(d->axes + DOGB_GP_MORE));
    return value;
}

static void test_golden(void **state) {
    (void)state;
    FILE *file = fopen(test_file("search/golden/gp.txt"), "r");
    assert_non_null(file);
    static data d, less;
    int cases = 0;
    for (; read_case(file, &d); cases++) {
        dogb_arena arena = {0};
        dogb_gp gp;
        assert_ok(dogb_gp_condition(&gp, &arena, &d.points, d.count, d.y, d.theta));
        double *scratch = dogb_alloc(&arena, STRIDE * DOGB_GP_BLOCK, sizeof *scratch);
        int places = (int)next_number(file);
        for (int i = 0; i < places; i++) {
            double at[AXES_MAX], g[2][AXES_MAX], mean, deviation, many[2];
            for (int axis = 0; axis < d.axes; axis++) {
                at[axis] = next_number(file);
            }
            double wanted_mean = next_number(file), wanted_deviation = next_number(file);
            dogb_gp_predict(&gp, at, &mean, &deviation, g[0], g[1], scratch);
            assert_near(mean, wanted_mean, 1e-8);
            assert_near(deviation, wanted_deviation, 1e-8);
            dogb_points one = {at, d.choices, d.axes, 1, 1};
            dogb_gp_predict_many(&gp, &one, &many[0], &many[1], scratch);
            assert_near(many[0], mean, 1e-10);
            assert_near(many[1], deviation, 1e-10);
            for (int axis = 0; axis < d.axes; axis++) { // gradients against differences
                double step = 1e-5, keep = at[axis], m[2], s[2], unused[AXES_MAX];
                for (int side = 0; side < 2; side++) {
                    at[axis] = keep + (side == 0 ? -step : step);
                    dogb_gp_predict(&gp, at, &m[side], &s[side], unused, unused, scratch);
                }
                at[axis] = keep;
                assert_near(g[0][axis], (m[1] - m[0]) / (2 * step), 1e-5);
                assert_near(g[1][axis], (s[1] - s[0]) / (2 * step), 1e-5);
            }
        }
        // The likelihood, less that of a single point, which leaves the priors out.
        less = d;
        less.points.count = 1;
        double scale = exp(d.theta[d.axes]) + exp(d.theta[d.axes + 1]);
        double one = d.y[0] * d.y[0] / scale / 2 + log(scale) / 2;
        double wanted = -d.likelihood - d.count * log(2 * acos(-1)) / 2 - one;
        assert_near(posterior(&d, d.theta) - posterior(&less, d.theta), wanted, 1e-7);
        dogb_arena_free(&arena);
    }
    (void)fclose(file);
    assert_int_equal(cases, 5);
}

// Draws y from a process and fits: the posterior does not get worse, and where it ends its
// differences vanish, so the gradients that led there are right.
static void test_fit(void **state) {
    (void)state;
    static data d;
    d = (data){.axes = 3, .count = 60};
    dogb_rng rng;
    dogb_rng_init(&rng, 1, DOGB_RNG_SEARCH, 0, 0);
    d.choices[2] = 1;
    for (int i = 0; i < d.count; i++) {
        for (int axis = 0; axis < 2; axis++) {
            d.x[axis * STRIDE + i] = dogb_rng_uniform(&rng);
        }
        d.x[2 * STRIDE + i] = (double)dogb_rng_below(&rng, 3) / 2;
        d.y[i] = sin(6 * d.x[i]) + 0.3 * d.x[2 * STRIDE + i] + 0.1 * dogb_rng_normal(&rng);
    }
    d.points = (dogb_points){d.x, d.choices, d.axes, d.count, STRIDE};
    double theta[AXES_MAX + DOGB_GP_MORE], value;
    dogb_gp_theta_default(theta, d.axes);
    theta[d.axes + 1] = log(0.1);
    double before = posterior(&d, theta);
    assert_ok(dogb_gp_fit(theta, &value, &d.points, d.y, 200));
    assert_true(value < before - 5);
    assert_near(posterior(&d, theta), value, 1e-9);
    for (int i = 0; i < d.axes + DOGB_GP_MORE; i++) {
        double moved[AXES_MAX + DOGB_GP_MORE], sides[2];
        for (int side = 0; side < 2; side++) {
            memcpy(moved, theta, sizeof moved);
            moved[i] += side == 0 ? -0.02 : 0.02;
            sides[side] = posterior(&d, moved);
            assert_true(sides[side] > value - 0.005); // it stops where a step gains 0.001
        }
        assert_near((sides[1] - sides[0]) / 0.04, 0, 0.3);
    }
    // It found out about the noise, and about the axis that does nothing.
    assert_near(exp(theta[4] / 2), 0.1, 0.05);
    assert_true(theta[1] < theta[0]);
}

static double rosenbrock(void *calls, const double *x, double *gradient) {
    double a = 1 - x[0], b = x[1] - x[0] * x[0];
    ++*(int *)calls;
    gradient[0] = -2 * a - 400 * x[0] * b;
    gradient[1] = 200 * b;
    return a * a + 100 * b * b;
}

static void test_descent(void **state) {
    (void)state;
    double low[2] = {-2, -2}, high[2] = {2, 2}, scratch[32];
    int calls = 0;
    assert_true(dogb_descend_scratch(2) <= 32);
    dogb_descend problem = {rosenbrock, &calls, low, high, 2, 200, 0.5, 0};
    double x[2] = {-1.2, 1};
    assert_true(dogb_descend_run(&problem, x, scratch) < 1e-10);
    assert_near(x[0], 1, 1e-4);
    assert_true(calls <= 200);
    high[0] = 0.5; // the minimum is on this bound: (0.5, 0.25)
    double y[2] = {-1.2, 1};
    assert_near(dogb_descend_run(&problem, y, scratch), 0.25, 1e-8);
    assert_true(y[0] == 0.5);
    low[1] = high[1] = 1; // an axis that is fixed
    double z[2] = {0, 1};
    assert_near(dogb_descend_run(&problem, z, scratch), 0.25 + 100 * 0.5625, 1e-8);
    assert_true(z[1] == 1);
}

static void test_warp(void **state) {
    (void)state;
    double y[9] = {3, 1, NAN, 1e9, 2, 4, INFINITY, 5, 1}, out[9];
    dogb_warped how;
    assert_ok(dogb_warp(out, &how, y, 9));
    double sum = 0, squares = 0;
    for (int i = 0; i < 9; i++) {
        sum += out[i];
        squares += out[i] * out[i];
        for (int j = 0; j < 9; j++) { // the order stays
            assert_true(!(y[i] < y[j]) || out[i] < out[j] || y[j] > 1e9);
        }
    }
    assert_near(sum, 0, 1e-12);
    assert_near(squares, 9, 1e-10);
    assert_true(out[2] == out[3] && out[6] == out[3]); // failures are as bad as the worst
    assert_true(out[3] < 4 && dogb_warp_scale(&how) > 0);
    for (int i = 0; i < 9; i++) { // and back
        if (isfinite(y[i])) {
            assert_near(dogb_unwarp(&how, out[i]), y[i], 1e-9 * fmax(1, y[i]));
        }
    }
    double same[3] = {7, 7, 7}, none[2] = {NAN, NAN};
    assert_ok(dogb_warp(out, &how, same, 3));
    assert_true(out[0] == 0 && out[2] == 0);
    assert_ok(dogb_warp(out, &how, none, 2));
    assert_true(out[0] == 0 && out[1] == 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_golden),
        cmocka_unit_test(test_fit),
        cmocka_unit_test(test_descent),
        cmocka_unit_test(test_warp),
    };
    return cmocka_run_group_tests_name("search_gp", tests, NULL, NULL);
}
