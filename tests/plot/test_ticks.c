// test_ticks.c - round numbers along axes: their values and texts, and ranges that are none.
#include "../search/near.h"

#include "plot/chart.h"

static const char *texts(const dogb_ticks *ticks) {
    static char line[1024];
    line[0] = '\0';
    for (int32_t i = 0; i < ticks->count; i++) {
        (void)strncat(line, i == 0 ? "" : " ", sizeof line - strlen(line) - 1);
        (void)strncat(line, ticks->tick[i].text, sizeof line - strlen(line) - 1);
    }
    return line;
}

static void test_linear(void **state) {
    (void)state;
    static const struct {
        double low, high;
        int32_t wanted;
        int integers;
        const char *texts;
    } rows[] = {
        {0, 1, 5, 0, "0 0.2 0.4 0.6 0.8 1.0"},
        {0, 10, 4, 0, "0 2 4 6 8 10"},
        {0.1, 0.9, 3, 0, "0.2 0.4 0.6 0.8"},
        {-1, 1, 4, 0, "-1.0 -0.5 0 0.5 1.0"},
        {6, 10, 12, 1, "6 7 8 9 10"}, // no step below 1
        {6.2, 6.8, 5, 1, ""},
        {83.1, 84.4, 4, 0, "83.5 84.0"},
        {0, 160, 12, 0, "0 10 20 30 40 50 60 70 80 90 100 110 120 130 140 150 160"},
        {0, 5e6, 3, 0, "0 2000000 4000000"},
        {0, 5e7, 3, 0, "0 2e7 4e7"},
        {-2.5e-6, 2.5e-6, 4, 0, "-2e-6 -1e-6 0 1e-6 2e-6"},
        {1e9, 1e9 + 3, 3, 0, "1e9 1.000000001e9 1.000000002e9 1.000000003e9"},
        {-1e300, 1e300, 3, 0, "-1e300 -5e299 0 5e299 1e300"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        dogb_ticks ticks;
        dogb_ticks_linear(&ticks, rows[i].low, rows[i].high, rows[i].wanted, rows[i].integers);
        assert_string_equal(texts(&ticks), rows[i].texts);
        for (int32_t k = 0; k < ticks.count; k++) { // the text is the value
            double value = strtod(ticks.tick[k].text, NULL);
            assert_near(value, ticks.tick[k].value, 1e-15 * fabs(value));
        }
    }
}

static void test_log(void **state) {
    (void)state;
    static const struct {
        double low, high;
        int32_t wanted;
        const char *texts;
    } rows[] = {
        {1e-4, 1e-1, 8, "0.0001 0.001 0.01 0.1"},
        {7e-5, 0.13, 3, "0.0001 0.01"}, // every second one
        {1e-9, 1e-7, 8, "1e-9 1e-8 1e-7"},
        {1, 1000, 8, "1 10 100 1000"},
        {0.9, 30, 8, "1 2 5 10 20"},
        {20, 30, 4, "20 22 24 26 28 30"}, // less than a decade: as on a linear axis
        {1e-150, 1e150, 3, "1e-150 1e-49 1e52"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        dogb_ticks ticks;
        dogb_ticks_log(&ticks, rows[i].low, rows[i].high, rows[i].wanted);
        assert_string_equal(texts(&ticks), rows[i].texts);
        assert_true(ticks.count >= 2 && ticks.count <= 12);
    }
}

// Whatever a study holds, an axis is finite and has a width.
static void test_ranges(void **state) {
    (void)state;
    static const double ends[] = {-INFINITY, -1e308,    -1,   -1e-300, 0,        5e-324, 1e-10,
                                  1,         1 + 1e-15, 1e17, 1e308,   INFINITY, NAN};
    enum { COUNT = sizeof ends / sizeof ends[0] };
    for (int log = 0; log < 2; log++) {
        for (int i = 0; i < COUNT * COUNT; i++) {
            double low = ends[i / COUNT], high = ends[i % COUNT];
            dogb_ticks_range(&low, &high, log);
            assert_true(isfinite(low) && isfinite(high) && low < high);
            assert_true(!log || low > 0);
            dogb_scale scale = dogb_scale_numbers("", ends[i / COUNT], ends[i % COUNT], log, 0);
            for (int32_t wanted = 2; wanted <= 12; wanted += 5) {
                dogb_ticks ticks;
                dogb_scale_ticks(&ticks, &scale, wanted);
                assert_true(ticks.count >= 1 && ticks.count <= DOGB_TICKS_MAX);
                for (int32_t k = 0; k < ticks.count; k++) {
                    double place = dogb_scale_place(&scale, ticks.tick[k].value);
                    assert_true(place > -1e-6 && place < 1 + 1e-6);
                }
            }
        }
    }
}

static void test_names(void **state) {
    (void)state;
    static const char *const names[100] = {"a", "b", "c"};
    dogb_ticks ticks;
    dogb_scale scale = dogb_scale_names("", names, 3);
    dogb_scale_ticks(&ticks, &scale, 2);
    assert_int_equal(ticks.count, 3);
    assert_string_equal(dogb_scale_text(&scale, &ticks.tick[2]), "c");
    assert_near(dogb_scale_place(&scale, 1), 0.5, 1e-15);
    scale = dogb_scale_names("", names, 100);
    dogb_scale_ticks(&ticks, &scale, 2);
    assert_true(ticks.count <= DOGB_TICKS_MAX);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_linear),
        cmocka_unit_test(test_log),
        cmocka_unit_test(test_ranges),
        cmocka_unit_test(test_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
