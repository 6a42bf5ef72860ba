// test_importance.c - importances of axes against Optuna's PED-ANOVA.
#include "near.h"

#include "out_of_memory.h"
#include "search/importance.h"

enum { POINTS_MAX = 400, AXES_MAX = 6 };

static void read_numbers(FILE *file, double *out, int count) {
    for (int i = 0; i < count; i++) {
        assert_int_equal(fscanf(file, "%lf", &out[i]), 1);
    }
}

// One case of the file; 0: there is none left.
static int check_case(FILE *file, double tolerance) {
    static double values[POINTS_MAX][AXES_MAX + 1];
    static dogb_point points[POINTS_MAX];
    dogb_axis axes[AXES_MAX];
    dogb_arena arena = {0};
    int axis_count, count;
    if (fscanf(file, "%d", &axis_count) != 1) {
        return 0;
    }
    for (int i = 0; i < axis_count; i++) {
        char text[128];
        assert_int_equal(fscanf(file, "%127s", text), 1);
        assert_ok(dogb_axis_parse(&axes[i], &arena, text));
    }
    assert_int_equal(fscanf(file, "%d", &count), 1);
    for (int i = 0; i < count; i++) {
        read_numbers(file, values[i], axis_count + 1);
        points[i] = (dogb_point){values[i], values[i][axis_count], i};
    }
    dogb_space space = {.axes = axes, .count = axis_count};
    dogb_history history = {.space = &space, .points = points, .count = count};
    double found[AXES_MAX], wanted[AXES_MAX];
    read_numbers(file, wanted, axis_count);
    assert_ok(dogb_importance(found, &history));
    for (int i = 0; i < axis_count; i++) {
        assert_near(found[i], wanted[i], tolerance);
    }
    dogb_arena_free(&arena);
    return 1;
}

static void test_optuna(void **state) {
    (void)state;
    const char *name = getenv("DOGBREED_TEST_IMPORTANCE"); // another version of Optuna's
    FILE *file = fopen(name == NULL ? test_file("search/golden/importance.txt") : name, "r");
    int cases = 0;
    assert_non_null(file);
    while (check_case(file, name == NULL ? 1e-9 : 1e-5)) {
        cases++;
    }
    (void)fclose(file);
    assert_true(name != NULL || cases == 30);
    assert_true(cases > 0);
}

// Ranges of a study may change, and other programs write what they like.
static void test_values_outside(void **state) {
    (void)state;
    dogb_arena arena = {0};
    dogb_axis axes[3];
    assert_ok(dogb_axis_parse(&axes[0], &arena, "x=log:1e-3:1"));
    assert_ok(dogb_axis_parse(&axes[1], &arena, "b=p,q"));
    assert_ok(dogb_axis_parse(&axes[2], &arena, "e=1..3"));
    static const double values[5][3] = {
        {-5, 9, 1e300}, {0, -1, -1e300}, {1e300, 0, 2}, {1e-3, 1, 3}, {.1, 1, 1}};
    dogb_point points[5];
    for (int i = 0; i < 5; i++) {
        points[i] = (dogb_point){values[i], i == 4 ? -(double)INFINITY : i, i};
    }
    dogb_space space = {.axes = axes, .count = 3};
    dogb_history history = {.space = &space, .points = points, .count = 5};
    double found[3];
    assert_ok(dogb_importance(found, &history));
    assert_near(found[0] + found[1] + found[2], 1, 1e-12);
    int failures = 0;
    for (int at = 0;; at++, failures++) {
        memory_fail_after(at);
        int rc = dogb_importance(found, &history);
        if (!memory_restore()) {
            assert_int_equal(rc, 0);
            break;
        }
        assert_int_equal(rc, DOGBREED_ERROR_NO_MEMORY);
    }
    assert_true(failures >= 5);
    dogb_arena_free(&arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_optuna),
        cmocka_unit_test(test_values_outside),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
