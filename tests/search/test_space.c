// test_space.c - axes: text form, checks, scales.
#include "near.h"

#include "out_of_memory.h"
#include "search/space.h"

#include <math.h>

static dogb_axis parsed(dogb_arena *arena, const char *text) {
    dogb_axis axis;
    assert_ok(dogb_axis_parse(&axis, arena, text));
    return axis;
}

// The vectors of SageMaker's scalings, computed outside.
static void test_scales(void **state) {
    (void)state;
    dogb_arena arena = {0};
    dogb_axis rate = parsed(&arena, "lr=log:1e-4:1e-1");
    assert_near(dogb_axis_value(&rate, 0.25), 5.623413251903491e-4, 1e-15);
    assert_near(dogb_axis_value(&rate, 0.5), 3.1622776601683795e-3, 1e-15);
    assert_near(dogb_axis_value(&rate, 0.75), 1.7782794100389228e-2, 1e-15);
    assert_true(dogb_axis_value(&rate, 1) == 1e-1); // not 0.10000000000000006
    assert_near(dogb_axis_value(&rate, 0), 1e-4, 1e-18);
    dogb_axis momentum = parsed(&arena, "momentum=reverse-log:0.9:0.999");
    assert_near(dogb_axis_value(&momentum, 0.25), 0.968377, 5e-7);
    assert_near(dogb_axis_value(&momentum, 0.5), 0.99, 1e-12);
    assert_near(dogb_axis_value(&momentum, 0.75), 0.996838, 5e-7);
    dogb_axis linear = parsed(&arena, "x=linear:-2:6");
    assert_true(dogb_axis_value(&linear, 0.25) == 0);
    dogb_arena_free(&arena);
}

// Value and unit are inverse to each other, and both stay in their range.
static void test_there_and_back(void **state) {
    (void)state;
    static const char *const texts[] = {"a=log:1e-4:1e-1",   "a=reverse-log:0:0.999", "a=0.1..0.9",
                                        "a=6..10",           "a=int-log:1:1000",      "a=x,y,z",
                                        "a=linear:0:1:0.25", "a=int:1:100:7",         "a=5..5"};
    dogb_arena arena = {0};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        dogb_axis axis = parsed(&arena, texts[i]);
        for (int k = -2; k <= 102; k++) {
            double value = dogb_axis_value(&axis, k / 100.0);
            assert_true(value >= axis.low && value <= axis.high);
            double unit = dogb_axis_unit(&axis, value);
            assert_true(unit >= 0 && unit <= 1);
            assert_near(dogb_axis_value(&axis, unit), value, 1e-12 * fabs(value));
        }
    }
    dogb_arena_free(&arena);
}

static void test_text(void **state) {
    (void)state;
    dogb_arena arena = {0};
    dogb_axis axis = parsed(&arena, "learning_rate=auto:1e-4:1e-1");
    assert_string_equal(axis.name, "learning_rate");
    assert_int_equal(axis.scale, DOGB_SCALE_LOG);
    assert_true(axis.low == 1e-4 && axis.high == 1e-1 && axis.step == 0);
    axis = parsed(&arena, "batch_size=32,64");
    assert_int_equal(axis.kind, DOGB_AXIS_CHOICE);
    assert_int_equal(axis.choice_count, 2);
    assert_string_equal(axis.choices[1], "64");
    assert_true(axis.low == 0 && axis.high == 1);
    axis = parsed(&arena, "epochs=6..10");
    assert_int_equal(axis.kind, DOGB_AXIS_INT);
    assert_int_equal(axis.scale, DOGB_SCALE_LINEAR);
    assert_int_equal(dogb_axis_count(&axis), 5);
    axis = parsed(&arena, "x=-1..1.5");
    assert_int_equal(axis.kind, DOGB_AXIS_FLOAT);
    assert_int_equal(dogb_axis_count(&axis), 0);
    axis = parsed(&arena, "x=linear:0:1:0.3"); // the last step is 0.9
    assert_int_equal(dogb_axis_count(&axis), 4);
    assert_near(axis.high, 0.9, 1e-12);
    axis = parsed(&arena, "n=int:6:11:2");
    assert_true(axis.high == 10 && dogb_axis_at(&axis, 2) == 10);
    axis = parsed(&arena, "folder=../a,../b:c");
    assert_int_equal(axis.kind, DOGB_AXIS_CHOICE);
    assert_string_equal(axis.choices[1], "../b:c");
    axis = parsed(&arena, "n=1..1000");
    assert_int_equal(axis.scale, DOGB_SCALE_LOG);
    dogb_arena_free(&arena);
}

static void test_refused(void **state) {
    (void)state;
    static const char *const cases[][2] = {
        {"", "expected NAME=RANGE"},
        {"=1..2", "expected NAME=RANGE"},
        {"x", "expected NAME=RANGE"},
        {"x y=1..2", "expected NAME=RANGE"},
        {"x=", "x=: expected A,B"},
        {"x=5", "x=5: expected A,B"},
        {"x=log1e-4", "expected A,B"},
        {"x=1..", "expected A,B"},
        {"x=..1", "expected A,B"},
        {"x=a..b", "expected A,B"},
        {"x=0x1..0x2", "expected A,B"},
        {"x=nan..1", "expected A,B"},
        {"x=log:1", "expected A,B"},
        {"x=log:1:2:3:4", "expected A,B"},
        {"x=logarithm:1:2", "SCALE one of auto, linear, log"},
        {"x=lo:1:2", "expected A,B"},
        {"x=linear:0:1:0", "STEP must be more than 0"},
        {"x=linear:0:1:-1", "STEP must be more than 0"},
        {"x=2..1", "x: low is 2, expected no more than high"},
        {"x=log:0:1", "x: low is 0, expected more than 0"},
        {"x=log:1:100:3", "step is 3, expected none"},
        {"x=int-log:1:100:3", "step is 3, expected none"},
        {"x=reverse-log:0:1", "high is 1, expected 0 or more and below 1"},
        {"x=int:0.5:3", "low is 0.5, expected a whole number"},
        {"x=0..9007199254740993000", "high is 9.007199254740993e+18, expected a whole number"},
        {"x=linear:-1e308:1e308", "expected a finite number"},
        {"x=linear:1e999:1e999", "low is inf, expected a finite number"},
        {"x=linear:0:1:1e-300", "at least 2^-51 of the ends"},
        {"x=int:-1:9007199254740992", "step is 1, expected at least 2^-51"},
        {"x=linear:-1e308:1e8:1e308", "so that the range is finite"},
        {"x=a,,b", "choice 2 is empty"},
        {"x=a,b,", "choice 3 is empty"},
        {"x=a,b,a", "choice a stands twice"},
    };
    dogb_arena arena = {0};
    dogb_axis axis;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_fails(dogb_axis_parse(&axis, &arena, cases[i][0]), DOGBREED_ERROR_INVALID_ARGUMENT,
                     cases[i][1]);
        assert_null(strchr(dogbreed_error_message(), '\n'));
    }
    dogb_arena_free(&arena);
}

static void test_bad_structs(void **state) {
    (void)state;
    dogb_axis axes[2] = {{.name = "a", .high = 1}, {.name = "a", .high = 1}};
    assert_ok(dogb_axis_check(&axes[0]));
    dogb_space space = {.axes = axes, .count = 2};
    assert_fails(dogb_space_check(&space), DOGBREED_ERROR_INVALID_ARGUMENT, "was not checked");
    assert_ok(dogb_axis_check(&axes[1]));
    assert_fails(dogb_space_check(&space), DOGBREED_ERROR_INVALID_ARGUMENT, "a stands twice");
    space.count = 0;
    assert_fails(dogb_space_check(&space), DOGBREED_ERROR_INVALID_ARGUMENT, "no axis");
    axes[0].kind = 7;
    assert_fails(dogb_axis_check(&axes[0]), DOGBREED_ERROR_INVALID_ARGUMENT, "kind is 7");
    axes[0] = (dogb_axis){.name = "a", .scale = 9};
    assert_fails(dogb_axis_check(&axes[0]), DOGBREED_ERROR_INVALID_ARGUMENT, "scale is 9");
    axes[0] = (dogb_axis){.name = "a", .step = NAN};
    assert_fails(dogb_axis_check(&axes[0]), DOGBREED_ERROR_INVALID_ARGUMENT, "step is nan");
    axes[0] = (dogb_axis){.name = ""};
    assert_fails(dogb_axis_check(&axes[0]), DOGBREED_ERROR_INVALID_ARGUMENT, "no name");
    axes[0] = (dogb_axis){.name = "a", .kind = DOGB_AXIS_CHOICE};
    assert_fails(dogb_axis_check(&axes[0]), DOGBREED_ERROR_INVALID_ARGUMENT, "no choices");
    axes[0] = (dogb_axis){.name = "a", .kind = DOGB_AXIS_INT, .scale = DOGB_SCALE_REVERSE_LOG};
    assert_fails(dogb_axis_check(&axes[0]), DOGBREED_ERROR_INVALID_ARGUMENT, "takes floats");
}

static void test_no_memory(void **state) {
    (void)state;
    for (int left = 0;; left++) {
        dogb_arena arena = {0};
        dogb_axis axis;
        memory_fail_after(left);
        int rc = dogb_axis_parse(&axis, &arena, "x=a,b,c");
        int failed = memory_restore();
        dogb_arena_free(&arena);
        assert_int_equal(rc, failed ? DOGBREED_ERROR_NO_MEMORY : 0);
        if (!failed) {
            break;
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scales),      cmocka_unit_test(test_there_and_back),
        cmocka_unit_test(test_text),        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_bad_structs), cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests_name("search_space", tests, NULL, NULL);
}
