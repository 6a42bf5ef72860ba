// Statistics of values: by plain sums over them, whatever the length, the alignment and what is not
// finite; percentiles.
#include "out_of_memory.h"

#include "core/rng.h"
#include "core/stats.h"
#include "core/stats_lanes.h"

#include <float.h>
#include <math.h>

enum { MOST = 1700 };

static int near(double a, double b) {
    return (isnan(a) && isnan(b)) || a == b || fabs(a - b) <= 1e-12 * (fabs(a) + fabs(b));
}

static void check(const float *values, size_t count) {
    dogbreed_tensor_stats stats;
    double sum = 0;
    double squares = 0;
    double absolute = 0;
    double low = INFINITY;
    double high = -INFINITY;
    double small = INFINITY;
    size_t finite = 0;
    size_t zeros = 0;
    for (size_t i = 0; i < count; i++) {
        double value = (double)values[i];
        zeros += value == 0;
        if (isfinite(value)) {
            finite++;
            sum += value;
            squares += value * value;
            absolute += fabs(value);
            low = fmin(low, value);
            high = fmax(high, value);
            small = fmin(small, fabs(value));
        }
    }
    memset(&stats, 0, sizeof stats);
    dogb_stats_with(&dogb_stats_c, &stats, values, count);
    for (size_t i = 0; dogb_stats_kernel_at(i) != NULL; i++) { // the same bits
        dogbreed_tensor_stats other = {0};
        dogb_stats_with(dogb_stats_kernel_at(i), &other, values, count);
        assert_memory_equal(&other, &stats, sizeof stats);
    }
    double n = (double)finite;
    assert_true(near(stats.minimum, finite == 0 ? (double)NAN : low));
    assert_true(near(stats.maximum, finite == 0 ? (double)NAN : high));
    assert_true(near(stats.absolute_minimum, finite == 0 ? (double)NAN : small));
    assert_true(fabs(stats.mean * n - sum) <= 1e-12 * absolute || finite == 0);
    assert_true(near(stats.absolute_mean, absolute / n));
    assert_true(near(stats.norm, sqrt(squares)));
    assert_true(near(stats.deviation, sqrt(squares / n - sum / n * (sum / n))) || n < 2);
    assert_true(near(stats.zero_share, count == 0 ? 0 : (double)zeros / (double)count));
    assert_int_equal(stats.nan_count + stats.infinity_count, count - finite);
    assert_true(fabs(dogb_stats_sum(&stats, count) - sum) <= 1e-12 * absolute);
    assert_true(near(dogb_stats_l1(&stats, count), absolute));
    assert_true(
        near(dogb_stats_absolute_maximum(&stats), finite == 0 ? (double)NAN : fmax(-low, high)));
}

static void fill(float *values, size_t count, dogb_rng *rng) {
    for (size_t i = 0; i < count; i++) {
        values[i] = (float)(dogb_rng_uniform(rng) - 0.3) * 8;
    }
}

static void any_length_and_alignment(void **state) {
    (void)state;
    float values[MOST + 3];
    dogb_rng rng;
    dogb_rng_init(&rng, 1, DOGB_RNG_SYNTH, 0, 0);
    for (size_t count = 0; count <= 40; count++) {
        fill(values, count, &rng);
        check(values, count);
    }
    for (int round = 0; round < test_rounds(50); round++) {
        size_t count = (size_t)(dogb_rng_uniform(&rng) * MOST);
        fill(values + 3, count, &rng);
        check(values + 3, count);
    }
}

static void what_is_not_finite_is_counted(void **state) {
    (void)state;
    float values[MOST];
    dogb_rng rng;
    dogb_rng_init(&rng, 2, DOGB_RNG_SYNTH, 0, 0);
    for (int round = 0; round < test_rounds(50); round++) {
        fill(values, MOST, &rng);
        for (int i = 0; i < 1 + round % 7 * 40; i++) {
            static const float odd[] = {NAN, INFINITY, -INFINITY, 0, -0.0f};
            size_t at = (size_t)(dogb_rng_uniform(&rng) * MOST);
            values[at] = odd[(int)(dogb_rng_uniform(&rng) * 5)];
        }
        check(values, MOST);
    }
    float bad[] = {NAN, INFINITY, -NAN, -INFINITY, INFINITY};
    dogbreed_tensor_stats stats;
    dogb_stats(&stats, bad, 5);
    assert_int_equal(stats.nan_count, 2);
    assert_int_equal(stats.infinity_count, 3);
    assert_true(isnan(stats.minimum) && isnan(stats.maximum) && isnan(stats.mean));
    assert_true(isnan(stats.absolute_minimum) && isnan(stats.absolute_mean));
    assert_true(isnan(stats.deviation) && isnan(dogb_stats_variance(&stats)));
    assert_true(isnan(dogb_stats_absolute_maximum(&stats)) &&
                isnan(dogb_stats_absolute_variance(&stats)));
    assert_true(stats.norm == 0 && dogb_stats_sum(&stats, 5) == 0);
    check(bad, 5);
}

static void numbers_at_the_ends_of_float(void **state) {
    (void)state;
    float values[256];
    dogbreed_tensor_stats stats;
    for (size_t i = 0; i < 256; i++) {
        values[i] = i % 2 == 0 ? 0x1p127f : 0x1p-149f;
    }
    dogb_stats(&stats, values, 256);
    assert_true(stats.maximum == 0x1p127 && stats.minimum == 0x1p-149);
    for (size_t i = 0; i < 256; i++) {
        values[i] = -FLT_MAX;
    }
    dogb_stats(&stats, values, 255);
    assert_true(near(stats.norm, (double)FLT_MAX * sqrt(255)));
    assert_true(stats.mean == -(double)FLT_MAX && stats.absolute_mean == (double)FLT_MAX);
}

static int compare(const void *a, const void *b) {
    float x = *(const float *)a;
    float y = *(const float *)b;
    return (x > y) - (x < y);
}

static double quantile(const float *values, size_t count, double q) {
    double found = 0;
    dogb_stats_quantiles(&found, values, count, &q, 1);
    return found;
}

static void quantiles_interpolate(void **state) {
    static const double places[] = {0, 0.05, 0.25, 0.5, 0.95, 1};
    (void)state;
    float values[MOST];
    float sorted[MOST];
    dogb_rng rng;
    dogb_rng_init(&rng, 3, DOGB_RNG_SYNTH, 0, 0);
    for (int round = 0; round < test_rounds(30); round++) {
        size_t count = 1 + (size_t)(dogb_rng_uniform(&rng) * (MOST - 1));
        fill(values, count, &rng);
        for (size_t i = 0; i < count; i++) { // many equal ones, both zeros
            values[i] = round % 2 == 0 ? floorf(values[i]) : values[i];
        }
        memcpy(sorted, values, count * sizeof *values);
        qsort(sorted, count, sizeof *sorted, compare);
        double found[6];
        dogb_stats_quantiles(found, values, count, places, 6);
        for (int k = 0; k < 6; k++) {
            double at = (double)(count - 1) * places[k];
            size_t low = (size_t)floor(at);
            size_t high = low + 1 < count ? low + 1 : low;
            double expected = (double)sorted[low] +
                              (at - floor(at)) * ((double)sorted[high] - (double)sorted[low]);
            assert_true(near(found[k], expected));
        }
    }
    const float odd[] = {NAN, 3, -INFINITY, NAN, INFINITY, 1};
    assert_true(quantile(odd, 6, 0.5) == 2);
    assert_true(quantile(odd, 6, 0) == -(double)INFINITY);
    assert_true(quantile(odd, 6, 1) == (double)INFINITY);
    assert_true(isnan(quantile(odd, 1, 0.5)));
    assert_true(isnan(quantile(NULL, 0, 0.5)));
    assert_true(isnan(quantile(odd, 6, 1.5)));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_length_and_alignment),
        cmocka_unit_test(what_is_not_finite_is_counted),
        cmocka_unit_test(numbers_at_the_ends_of_float),
        cmocka_unit_test(quantiles_interpolate),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
