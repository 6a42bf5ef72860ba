// test_normal.c - tails of the normal distribution, and the log of the expected improvement
// against values with 80 digits.
#include "near.h"

#include "search/normal.h"

static void test_improvement(void **state) {
    (void)state;
    FILE *file = fopen(test_file("search/golden/improvement.txt"), "r");
    assert_non_null(file);
    double z, wanted_log, wanted_slope, slope;
    int lines = 0;
    for (; fscanf(file, "%lf %lf %lf", &z, &wanted_log, &wanted_slope) == 3; lines++) {
        double found = dogb_log_improvement(z, &slope);
        assert_near(found, wanted_log, 1e-15 + 4e-13 * fabs(wanted_log));
        assert_near(slope, wanted_slope, 2e-10 * fabs(wanted_slope));
    }
    (void)fclose(file);
    assert_int_equal(lines, 22);
}

// Monotonous over the places where one form takes over from another.
static void test_improvement_is_smooth(void **state) {
    (void)state;
    double slope;
    double before = dogb_log_improvement(-30, &slope);
    for (int i = 1; i <= 40000; i++) {
        double z = -30 + i * 1e-3;
        double here = dogb_log_improvement(z, &slope);
        assert_true(here > before);
        assert_near((here - before) / 1e-3, slope, 2e-3 + 1e-9 * fabs(here));
        before = here;
    }
}

static void test_quantile(void **state) {
    (void)state;
    for (int i = 1; i < 2000; i++) {
        double p = i / 2000.0;
        double x = dogb_normal_quantile(p);
        assert_near(dogb_normal_mass(-INFINITY, x), p, 4e-16);
        assert_near(dogb_normal_quantile(1 - p), -x, 1e-12 * fabs(x) + 1e-15);
    }
    for (double x = -37; x < -1; x += 0.37) { // into the tail
        double p = dogb_normal_mass(-INFINITY, x);
        assert_near(dogb_normal_quantile(p), x, 1e-12 * fabs(x));
        assert_near(dogb_normal_mass(-x, INFINITY), p, 0);
    }
    assert_near(dogb_normal_mass(-1, 2), 0.81859461412036383, 1e-15);
    assert_near(dogb_normal_mass(10, 10.5) / 7.6198530241605261e-24, 1, 0.01); // no cancellation
    assert_true(dogb_normal_quantile(0) == -INFINITY && dogb_normal_quantile(1) == INFINITY);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_improvement),
        cmocka_unit_test(test_improvement_is_smooth),
        cmocka_unit_test(test_quantile),
    };
    return cmocka_run_group_tests_name("search_normal", tests, NULL, NULL);
}
