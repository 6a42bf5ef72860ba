// test_surface.c - the objective as the Gaussian process sees it.
#include "near.h"

#include "out_of_memory.h"
#include "search/surface.h"

enum { COUNT = 40 };

static dogb_axis axes[3];
static dogb_arena arena;
static double values[COUNT + 3][3];
static dogb_point points[COUNT + 3];

static double objective(const double *v) {
    double x = log10(v[0]) + 2;
    return 3 + x * x + (v[1] > 0 ? 0.5 : 0);
}

static dogb_history make(void) {
    static dogb_space space = {.axes = axes, .count = 3};
    assert_ok(dogb_axis_parse(&axes[0], &arena, "x=log:1e-4:1"));
    assert_ok(dogb_axis_parse(&axes[1], &arena, "kind=a,b"));
    assert_ok(dogb_axis_parse(&axes[2], &arena, "n=1..9"));
    for (int i = 0; i < COUNT + 3; i++) {
        values[i][0] = dogb_axis_value(&axes[0], fmod(i * 0.618, 1));
        values[i][1] = i % 2;
        values[i][2] = 1 + i % 9;
        points[i] = (dogb_point){values[i], objective(values[i]), i};
    }
    points[COUNT].objective = (double)NAN; // failed, diverged, lacks a parameter: left out
    points[COUNT + 1].objective = (double)INFINITY;
    values[COUNT + 2][2] = (double)NAN;
    return (dogb_history){.space = &space, .points = points, .count = COUNT + 3};
}

static void test_known_function(void **state) {
    (void)state;
    dogb_history history = make();
    dogb_surface surface;
    assert_int_equal(dogb_surface_fit(&surface, &arena, &history), COUNT);
    for (double at = -3.5; at < 0; at += 0.25) { // between the points
        for (int kind = 0; kind < 2; kind++) {
            const double v[3] = {pow(10, at), kind, 5};
            double mean, low, high;
            dogb_surface_at(&surface, v, &mean, &low, &high);
            assert_near(mean, objective(v), 0.1);
            assert_true(low <= mean && mean <= high && high - low < 1);
        }
    }
    dogb_arena_free(&arena);
}

static void test_too_few(void **state) {
    (void)state;
    dogb_history history = make();
    dogb_surface surface;
    history.count = DOGB_SURFACE_LEAST - 1;
    assert_int_equal(dogb_surface_fit(&surface, &arena, &history), DOGB_SURFACE_LEAST - 1);
    history.count = 0;
    assert_int_equal(dogb_surface_fit(&surface, &arena, &history), 0);
    history.count = DOGB_SURFACE_LEAST;
    assert_int_equal(dogb_surface_fit(&surface, &arena, &history), DOGB_SURFACE_LEAST);
    for (int at = 0;; at++) {
        dogb_arena own = {0};
        memory_fail_after(at);
        int64_t rc = dogb_surface_fit(&surface, &own, &history);
        int failed = memory_restore();
        dogb_arena_free(&own);
        if (!failed) {
            assert_int_equal(rc, DOGB_SURFACE_LEAST);
            assert_true(at > 5);
            break;
        }
        assert_int_equal(rc, DOGBREED_ERROR_NO_MEMORY);
    }
    dogb_arena_free(&arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known_function),
        cmocka_unit_test(test_too_few),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
