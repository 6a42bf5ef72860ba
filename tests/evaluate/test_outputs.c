// test_outputs.c - what needs the outputs of all samples: the temperature, ROC and average
// precision, against numbers worked out by hand and by scipy and scikit-learn (golden/make.py).
#include "golden.h"

static dogb_outputs outputs_of(dogb_arena *arena, const float *logits, const int32_t *labels,
                               int32_t classes, int32_t count) {
    dogb_outputs outputs;
    assert_ok(dogb_outputs_open(&outputs, arena, classes, count));
    dogb_outputs_add(&outputs, logits, labels, count);
    return outputs;
}

static dogb_outputs golden_outputs(dogb_arena *arena, json_t **golden) {
    dogb_outputs outputs;
    assert_ok(dogb_json_read(golden, arena, test_file("evaluate/golden/tally.json"), NULL, 0));
    assert_ok(dogb_outputs_open(&outputs, arena, 7, 60));
    for (size_t i = 0; i < 60; i++) {
        float logits[7];
        int32_t label = golden_row(logits, *golden, i);
        dogb_outputs_add(&outputs, logits, &label, 1);
    }
    return outputs;
}

// Outputs that claim the same of each picture are best when they claim what is right: of two
// classes 1 / (1 + exp(-far / temperature)) is the share of right ones.
static void temperature_by_hand(void **state) {
    (void)state;
    static const float far[] = {2, 0.05F, 60};
    static const int32_t labels[] = {0, 0, 1, 0};
    for (size_t k = 0; k < 3; k++) {
        dogb_arena arena = {0};
        dogb_scaling scaling;
        const float logits[8] = {far[k], 0, far[k], 0, far[k], 0, far[k], 0};
        dogb_outputs outputs = outputs_of(&arena, logits, labels, 2, 4);
        dogb_scaling_fit(&scaling, &outputs);
        assert_near(scaling.temperature, (double)far[k] / log(3), 1e-9 * (double)far[k]);
        assert_near(scaling.loss, -(0.75 * log(0.75) + 0.25 * log(0.25)), 1e-12);
        assert_near(dogb_calibration_error(scaling.bins), 0, 1e-9);
        dogb_arena_free(&arena);
    }
}

static void some_have_no_temperature(void **state) {
    (void)state;
    static const float logits[] = {2, 0, 0, 1, NAN, 0, 3, INFINITY, 1, 1};
    static const int32_t right[] = {0, 1, 0, 0, 0};
    static const int32_t wrong[] = {1, 0, 0, 0, 0};
    static const struct {
        const int32_t *labels;
        int32_t from;
        int32_t count;
        int64_t kept;
    } cases[] = {{right, 0, 2, 2}, {wrong, 0, 2, 2}, {right, 0, 0, 0}, // always right; always wrong
                 {right, 2, 2, 0}, {right, 4, 1, 1}, {right, 0, 5, 3}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        dogb_arena arena = {0};
        dogb_scaling scaling;
        dogb_outputs outputs = outputs_of(&arena, logits + 2 * cases[i].from,
                                          cases[i].labels + cases[i].from, 2, cases[i].count);
        assert_int_equal(outputs.count, cases[i].kept);
        dogb_scaling_fit(&scaling, &outputs);
        assert_true(isnan(scaling.temperature) && isnan(scaling.loss));
        assert_true(isnan(dogb_calibration_error(scaling.bins)));
        dogb_arena_free(&arena);
    }
}

static void golden_temperature(void **state) {
    (void)state;
    dogb_arena arena = {0};
    json_t *golden = NULL;
    dogb_scaling scaling;
    dogb_outputs outputs = golden_outputs(&arena, &golden);
    dogb_scaling_fit(&scaling, &outputs);
    // The minimum is flat: scipy, which compares losses, finds it to half of the digits.
    assert_near(scaling.temperature, json_number_value(json_object_get(golden, "temperature")),
                1e-6);
    assert_near(scaling.loss, json_number_value(json_object_get(golden, "scaled_loss")), 1e-12);
    assert_near(dogb_calibration_error(scaling.bins),
                json_number_value(json_object_get(golden, "scaled_ece")), 1e-6);
    dogb_arena_free(&arena);
}

static void ranks_by_hand(void **state) {
    (void)state;
    dogb_arena arena = {0};
    dogb_roc roc;
    // Probabilities of the true class and the other: 0.8 and 0.2, 0.5 and 0.5, 0.2 and 0.8.
    const float far = logf(4);
    const float logits[] = {far, 0, 1, 1, 0, far};
    static const int32_t labels[] = {0, 1, 0};
    dogb_outputs outputs = outputs_of(&arena, logits, labels, 2, 3);
    assert_ok(dogb_roc_make(&roc, &outputs));
    assert_int_equal(roc.positives, 3);
    assert_int_equal(roc.negatives, 3);
    assert_int_equal(roc.count, 3);
    static const int64_t right[] = {1, 2, 3}, wrong[] = {1, 2, 3};
    assert_memory_equal(roc.true_positives, right, sizeof right);
    assert_memory_equal(roc.false_positives, wrong, sizeof wrong);
    assert_near(roc.auc, 0.5, 0);
    assert_near(roc.average_precision, 0.5, 0);
    outputs.count = 1; // the sure one alone
    assert_ok(dogb_roc_make(&roc, &outputs));
    assert_near(roc.auc, 1, 0);
    assert_near(roc.average_precision, 1, 0);
    assert_near(roc.threshold[0], 0.8, 1e-7);
    outputs.count = 2; // 0.8, and 0.5 beside 0.5, which is half of a pair, above 0.2
    assert_ok(dogb_roc_make(&roc, &outputs));
    assert_near(roc.auc, (2 + 1.5) / 4, 0);
    assert_near(roc.average_precision, (1 + 2.0 / 3) / 2, 1e-15);
    outputs.count = 0;
    assert_ok(dogb_roc_make(&roc, &outputs));
    assert_true(isnan(roc.auc) && isnan(roc.average_precision) && roc.count == 0);
    dogb_arena_free(&arena);
}

static void golden_ranks(void **state) {
    (void)state;
    dogb_arena arena = {0};
    json_t *golden = NULL;
    dogb_roc roc;
    dogb_outputs outputs = golden_outputs(&arena, &golden);
    assert_ok(dogb_roc_make(&roc, &outputs));
    assert_near(roc.auc, json_number_value(json_object_get(golden, "auc")), 1e-14);
    assert_near(roc.average_precision,
                json_number_value(json_object_get(golden, "average_precision")), 1e-14);
    const json_t *points = json_object_get(golden, "roc"); // at every probability
    size_t at = 0;
    assert_int_equal(roc.count, 60);
    for (size_t i = 0; i < roc.count; i++) {
        const json_t *point = json_array_get(points, at);
        while (at < json_array_size(points) && number(point, 0) > roc.threshold[i] + 1e-13) {
            point = json_array_get(points, ++at);
        }
        assert_near(roc.threshold[i], number(point, 0), 1e-13);
        assert_near((double)roc.true_positives[i] / 60, number(point, 1), 1e-14);
        assert_near((double)roc.false_positives[i] / 360, number(point, 2), 1e-14);
    }
    dogb_arena_free(&arena);
}

static void a_curve_stays_short(void **state) {
    (void)state;
    enum { COUNT = 1234, CLASSES = 3 };
    static float logits[COUNT * CLASSES];
    static int32_t labels[COUNT];
    static const int32_t few = 199;
    uint32_t seed = 1;
    for (uint32_t i = 0; i < COUNT * CLASSES; i++) {
        seed = seed * 1664525U + 1013904223U; // Numerical Recipes' generator
        logits[i] = (float)(seed >> 8) / 16777216.0F;
        labels[i / CLASSES] = (int32_t)(i / CLASSES % CLASSES);
    }
    dogb_arena arena = {0};
    dogb_roc roc;
    dogb_outputs outputs = outputs_of(&arena, logits, labels, CLASSES, COUNT);
    assert_ok(dogb_roc_make(&roc, &outputs));
    assert_int_equal(roc.count, DOGB_ROC_POINTS);
    assert_int_equal(roc.true_positives[0], 1);
    assert_int_equal(roc.true_positives[roc.count - 1], COUNT);
    assert_true(roc.false_positives[roc.count - 1] <= 2 * COUNT);
    for (size_t i = 1; i < roc.count; i++) {
        int64_t step = roc.true_positives[i] - roc.true_positives[i - 1];
        assert_true(step >= 5 && step <= 7 && roc.threshold[i] < roc.threshold[i - 1]);
        assert_true(roc.false_positives[i] >= roc.false_positives[i - 1]);
    }
    outputs.count = few;
    assert_ok(dogb_roc_make(&roc, &outputs));
    assert_int_equal(roc.count, few); // each of them
    dogb_arena_free(&arena);
}

static void too_many_are_not_kept(void **state) {
    (void)state;
    dogb_outputs outputs;
    dogb_roc roc;
    dogb_scaling scaling;
    float logits[2] = {0, 1};
    int32_t label = 0;
    assert_ok(dogb_outputs_open(&outputs, NULL, 2, DOGB_OUTPUTS_MAX));
    dogb_outputs_add(&outputs, logits, &label, 1);
    assert_null(outputs.logits);
    assert_ok(dogb_roc_make(&roc, &outputs));
    dogb_scaling_fit(&scaling, &outputs);
    assert_true(isnan(roc.auc) && isnan(scaling.temperature));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(temperature_by_hand),   cmocka_unit_test(some_have_no_temperature),
        cmocka_unit_test(golden_temperature),    cmocka_unit_test(ranks_by_hand),
        cmocka_unit_test(golden_ranks),          cmocka_unit_test(a_curve_stays_short),
        cmocka_unit_test(too_many_are_not_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
