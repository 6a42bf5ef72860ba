// test_range.c - steps and zero points from what was seen, and weights as multiples of a scale.
#include "quantize/quantize_internal.h"
#include "test.h"

#include <math.h>

static int64_t bins[DOGB_RANGE_BINS];

static dogb_range range_of(const float *values, int64_t count) {
    dogb_range range = {.bins = bins};
    memset(bins, 0, sizeof bins);
    dogb_range_widen(&range, values, count);
    dogb_range_count(&range, values, count);
    return range;
}

static void choose(double *step, int32_t *zero, const dogb_range *range, int32_t how) {
    dogbreed_quantize_options options;
    assert_ok(dogbreed_quantize_options_init(&options, sizeof options));
    options.range = how;
    options.percentile = 99;
    dogb_range_choose(step, zero, range, &options);
}

static void minmax_keeps_all_and_zero(void **state) {
    (void)state;
    double step = 0;
    int32_t zero = -1;
    dogb_range positive = range_of((const float[]){0.5f, 5.1f, 2.0f}, 3);
    choose(&step, &zero, &positive, DOGBREED_RANGE_MINMAX);
    assert_int_equal(zero, 0);
    assert_true(fabs(step - 5.1 / 255) < 1e-8);
    dogb_range both = range_of((const float[]){-1.0f, 3.0f}, 2);
    choose(&step, &zero, &both, DOGBREED_RANGE_MINMAX);
    assert_int_equal(zero, 64); // 255 / 4 = 63.75
    assert_true(fabs(step - 4.0 / 255) < 1e-8);
    dogb_range negative = range_of((const float[]){-2.0f, -1.0f}, 2);
    choose(&step, &zero, &negative, DOGBREED_RANGE_MINMAX);
    assert_int_equal(zero, 255);
}

// One value far outside is given up when that serves the others.
static void an_outlier_is_cut(void **state) {
    (void)state;
    enum { COUNT = 1000000 };
    static float values[COUNT];
    double wide = 0;
    double step = 0;
    int32_t zero = 0;
    for (int i = 0; i < COUNT; i++) {
        values[i] = (float)(i % 1000) / 1000.0f;
    }
    values[17] = 1.3f;
    dogb_range range = range_of(values, COUNT);
    choose(&wide, &zero, &range, DOGBREED_RANGE_MINMAX);
    choose(&step, &zero, &range, DOGBREED_RANGE_MSE);
    assert_true(step < 0.8 * wide && step * 255 > 0.9);
    choose(&step, &zero, &range, DOGBREED_RANGE_PERCENTILE);
    assert_true(step * 255 < 1.01 && step * 255 > 0.98);
}

static void odd_tensors_have_a_step(void **state) {
    (void)state;
    double step = 0;
    int32_t zero = 0;
    dogb_range nothing = range_of((const float[]){0, 0, 0}, 3);
    for (int32_t how = 0; how < 3; how++) {
        choose(&step, &zero, &nothing, how);
        assert_true(step == 1.0 && zero == 0);
        dogb_range odd = range_of((const float[]){NAN, INFINITY, 1.0f}, 3);
        choose(&step, &zero, &odd, how);
        assert_true(step > 0 && isfinite(step) && zero >= 0 && zero <= 255);
    }
}

static void weights_are_multiples(void **state) {
    (void)state;
    float weights[] = {0.5f, -1.27f, 0.0f, 0.013f, 1.0f};
    float scale = dogb_quantize_channel(weights, 5);
    assert_true(fabs((double)scale - 0.01) < 1e-8);
    static const int expected[] = {50, -127, 0, 1, 100};
    for (int i = 0; i < 5; i++) {
        assert_true(weights[i] == (float)expected[i] * scale);
    }
    float zeros[] = {0.0f, 0.0f};
    assert_true(dogb_quantize_channel(zeros, 2) == 1.0f && zeros[0] == 0.0f);
    float odd[] = {NAN, 1.0f};
    assert_true(isfinite(dogb_quantize_channel(odd, 2)));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(minmax_keeps_all_and_zero),
        cmocka_unit_test(an_outlier_is_cut),
        cmocka_unit_test(odd_tensors_have_a_step),
        cmocka_unit_test(weights_are_multiples),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
