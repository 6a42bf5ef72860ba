// test_pruner.c - SageMaker's early stopping, the median, and successive halving with the numbers
// of Optuna's Python.
#include "test.h"

#include "search/pruner.h"

#include <math.h>

static dogb_curve curve(const double *values, int32_t count, int64_t number) {
    return (dogb_curve){.values = values, .number = number, .count = count};
}

// Objectives that are maximised, in the form that the tuner passes on: negated.
static const double earlier[4][3] = {
    {-.50, -.60, -.70}, {-.40, -.55, -.65}, {-.60, -.65, -.66}, {-.30, -.50, -.60}};

static int stops(const dogb_pruner_conf *conf, double first, double second, double third) {
    dogb_curve others[4];
    for (int i = 0; i < 4; i++) {
        others[i] = curve(earlier[i], 3, i);
    }
    double values[3] = {-first, -second, -third};
    dogb_curve trial = curve(values, 3, 9);
    return dogb_pruner_stops(conf, &trial, others, 4);
}

static void test_auto(void **state) {
    (void)state;
    dogb_pruner_conf conf = {.kind = DOGB_PRUNER_AUTO};
    assert_int_equal(stops(&conf, .5, .5, .56), 1); // the median of the averages is .56667
    assert_int_equal(stops(&conf, .5, .5, .57), 0);
    assert_int_equal(stops(&conf, .58, .57, .56), 1); // the best value does not count
    conf.min_trials = 5;
    assert_int_equal(stops(&conf, .5, .5, .1), 0);
    conf.min_trials = 4;
    conf.warmup = 3;
    assert_int_equal(stops(&conf, .5, .5, .1), 0);
    conf.warmup = 2;
    assert_int_equal(stops(&conf, .5, .5, .1), 1);
}

// Short curves, curves with holes and the trial itself stay out of the median.
static void test_who_counts(void **state) {
    (void)state;
    dogb_pruner_conf conf = {.kind = DOGB_PRUNER_AUTO, .min_trials = 2};
    double good[2] = {1, 1}, bad[2] = {9, 9}, hole[2] = {NAN, 1}, own[2] = {5, 5};
    dogb_curve trial = curve(own, 2, 4);
    dogb_curve others[5] = {curve(good, 1, 0), curve(bad, 2, 1), curve(hole, 2, 2),
                            curve(good, 2, 3), curve(good, 2, 4)};
    assert_int_equal(dogb_pruner_stops(&conf, &trial, others, 5), 0); // the median of 9 and 1 is 5
    others[0].count = 2;
    assert_int_equal(dogb_pruner_stops(&conf, &trial, others, 5), 1);
    own[1] = NAN;
    assert_int_equal(dogb_pruner_stops(&conf, &trial, others, 5), 0);
    trial.count = 0;
    assert_int_equal(dogb_pruner_stops(&conf, &trial, others, 5), 0);
}

static void test_median(void **state) {
    (void)state;
    dogb_pruner_conf conf = {.kind = DOGB_PRUNER_MEDIAN, .min_trials = 4};
    assert_int_equal(stops(&conf, .5, .5, .65), 1); // the median of the third values is .655
    assert_int_equal(stops(&conf, .5, .5, .66), 0);
    assert_int_equal(stops(&conf, .5, .66, .1), 0); // its best value counts
    conf.min_trials = 0;                            // 5
    assert_int_equal(stops(&conf, .5, .5, .1), 0);
    conf.kind = DOGB_PRUNER_NONE;
    assert_int_equal(stops(&conf, 0, 0, 0), 0);
}

// Which of n competitors, the trial included, goes on at a rung: index n / eta - 1, or 0.
static void test_promotion(void **state) {
    (void)state;
    dogb_pruner_conf conf = {.kind = DOGB_PRUNER_ASHA, .eta = 3};
    static const int cases[][2] = {{1, 0}, {2, 0}, {3, 0}, {5, 0}, {6, 1}, {9, 2}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int count = cases[i][0];
        double values[9];
        dogb_curve others[9];
        for (int k = 0; k < count; k++) { // the trial of rank k
            for (int j = 0, at = 0; j < count; j++) {
                values[j] = j;
                if (j != k) {
                    others[at++] = curve(&values[j], 1, j);
                }
            }
            dogb_curve trial = curve(&values[k], 1, k);
            assert_int_equal(dogb_pruner_stops(&conf, &trial, others, count - 1), k > cases[i][1]);
        }
    }
}

static void test_rungs(void **state) {
    (void)state;
    dogb_pruner_conf conf = {.kind = DOGB_PRUNER_ASHA, .min_resource = 2}; // eta 4: 2, 8, 32
    double best[40] = {0}, worst[40];
    for (int i = 0; i < 40; i++) {
        worst[i] = 1;
    }
    dogb_curve other = curve(best, 40, 0);
    for (int32_t epoch = 1; epoch <= 40; epoch++) {
        dogb_curve trial = curve(worst, epoch, 1);
        assert_int_equal(dogb_pruner_stops(&conf, &trial, &other, 1),
                         epoch == 2 || epoch == 8 || epoch == 32);
        trial.values = best;
        assert_int_equal(dogb_pruner_stops(&conf, &trial, &other, 1), 0); // a tie goes on
    }
    worst[1] = NAN;
    dogb_curve trial = curve(worst, 2, 1);
    assert_int_equal(dogb_pruner_stops(&conf, &trial, NULL, 0), 1);
}

static void test_hyperband(void **state) {
    (void)state;
    static const struct {
        int32_t max;
        int32_t brackets;
        int64_t budgets[5];
    } cases[] = {{10, 3, {9, 5, 3}},
                 {27, 4, {27, 12, 6, 4}},
                 {81, 5, {81, 34, 15, 8, 5}},
                 {243, 5, {81, 34, 15, 8, 5}}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        dogb_pruner_conf conf = {
            .kind = DOGB_PRUNER_HYPERBAND, .max_resource = cases[i].max, .study = "dogs"};
        assert_int_equal(dogb_hyperband_brackets(&conf), cases[i].brackets);
        for (int32_t b = 0; b < cases[i].brackets; b++) {
            assert_int_equal(dogb_hyperband_budget(&conf, b), cases[i].budgets[b]);
        }
    }
    static const int32_t of27[6] = {1, 3, 0, 0, 3, 0}, of10[6] = {2, 1, 1, 1, 0, 0};
    dogb_pruner_conf conf = {.kind = DOGB_PRUNER_HYPERBAND, .max_resource = 27, .study = "dogs"};
    for (int number = 0; number < 6; number++) {
        conf.max_resource = 27;
        assert_int_equal(dogb_hyperband_bracket(&conf, number), of27[number]);
        conf.max_resource = 10;
        assert_int_equal(dogb_hyperband_bracket(&conf, number), of10[number]);
    }
    // Trial 2 is in bracket 0 (rungs 1, 3, 9), beside 3 and 5; trial 1 in bracket 3 (rung 27).
    conf.max_resource = 27;
    double bad[27], good[27] = {0};
    for (int i = 0; i < 27; i++) {
        bad[i] = 1;
    }
    dogb_curve others[2] = {curve(good, 27, 3), curve(good, 27, 4)};
    for (int32_t epoch = 1; epoch < 27; epoch++) {
        dogb_curve two = curve(bad, epoch, 2), one = curve(bad, epoch, 1);
        assert_int_equal(dogb_pruner_stops(&conf, &two, others, 2),
                         epoch == 1 || epoch == 3 || epoch == 9);
        assert_int_equal(dogb_pruner_stops(&conf, &two, others + 1, 1), 0); // another bracket
        assert_int_equal(dogb_pruner_stops(&conf, &one, others, 2), 0);
    }
}

// Studies in which Optuna decided: golden/make.py.
static void test_golden(void **state) {
    (void)state;
    FILE *file = fopen(test_file("search/golden/pruner.txt"), "r");
    assert_non_null(file);
    dogb_pruner_conf conf = {.study = "dogs"};
    static double values[40][27];
    dogb_curve curves[40], ended[40];
    int trials, studies = 0;
    for (; fscanf(file, "%d %d %d %d %d %d %d", &conf.kind, &conf.min_trials, &conf.warmup,
                  &conf.min_resource, &conf.max_resource, &conf.eta, &trials) == 7;
         studies++) {
        int64_t ends = 0;
        for (int i = 0; i < trials; i++) {
            int count, stopped;
            assert_int_equal(fscanf(file, "%d %d", &count, &stopped), 2);
            for (int e = 0; e < 27; e++) {
                assert_int_equal(fscanf(file, "%lf", &values[i][e]), 1);
            }
            // Optuna's median asks those that were not stopped, the others all.
            int median = conf.kind == DOGB_PRUNER_MEDIAN;
            for (int32_t epoch = 1; epoch <= count; epoch++) {
                dogb_curve trial = curve(values[i], epoch, i);
                int found =
                    dogb_pruner_stops(&conf, &trial, median ? ended : curves, median ? ends : i);
                assert_int_equal(found, stopped && epoch == count);
            }
            curves[i] = curve(values[i], count, i);
            if (!stopped) {
                ended[ends++] = curves[i];
            }
        }
    }
    (void)fclose(file);
    assert_int_equal(studies, 5);
}

static void test_refused(void **state) {
    (void)state;
    dogb_pruner_conf conf = {.kind = 9};
    assert_fails(dogb_pruner_check(&conf), DOGBREED_ERROR_INVALID_ARGUMENT, "pruner 9");
    conf = (dogb_pruner_conf){.kind = DOGB_PRUNER_ASHA, .eta = 1};
    assert_fails(dogb_pruner_check(&conf), DOGBREED_ERROR_INVALID_ARGUMENT, "eta is 1");
    conf.eta = -1;
    assert_fails(dogb_pruner_check(&conf), DOGBREED_ERROR_INVALID_ARGUMENT, "eta is -1");
    conf = (dogb_pruner_conf){.kind = DOGB_PRUNER_HYPERBAND, .study = "s"};
    assert_fails(dogb_pruner_check(&conf), DOGBREED_ERROR_INVALID_ARGUMENT, "max_resource is 0");
    conf = (dogb_pruner_conf){.kind = DOGB_PRUNER_HYPERBAND, .max_resource = 9};
    assert_fails(dogb_pruner_check(&conf), DOGBREED_ERROR_INVALID_ARGUMENT, "name of the study");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_auto),   cmocka_unit_test(test_who_counts),
        cmocka_unit_test(test_median), cmocka_unit_test(test_promotion),
        cmocka_unit_test(test_rungs),  cmocka_unit_test(test_hyperband),
        cmocka_unit_test(test_golden), cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests_name("search_pruner", tests, NULL, NULL);
}
