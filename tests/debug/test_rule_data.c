// Rules about labels, predictions and pictures: vectors of the published tests, names of classes,
// many classes, pictures that were not normalised.
#include "rule_test.h"

#include "core/rng.h"

enum {
    TRAIN = DOGB_RULE_TRAIN,
    EVAL = DOGB_RULE_EVAL,
    LABEL = DOGBREED_TENSOR_LABEL,
    PREDICTION = DOGBREED_TENSOR_PREDICTION,
    INPUT = DOGBREED_TENSOR_INPUT
};

static void show_pairs(feed *f, const dogb_rule_moment *m, const float *labels,
                       const float *predictions, int64_t count) {
    if (labels != NULL) {
        (void)see(f, m, vector_of(LABEL, "labels", count), labels);
    }
    if (predictions != NULL) {
        (void)see(f, m, vector_of(PREDICTION, "predictions", count), predictions);
    }
    (void)dogb_rules_step(f->set, m);
}

static void rare_classes_are_an_imbalance(void **state) {
    (void)state;
    float labels[1000];
    const char *const names[] = {"beagle", "borzoi", "boxer"};
    for (int i = 0; i < 1000; i++) {
        labels[i] = i % 100 == 99 ? 1 : 0; // 990 and 10
    }
    feed f;
    assert_ok(feed_create(
        &f, (dogb_rules_conf){.text = "ClassImbalance", .classes = names, .class_count = 3}));
    const dogb_rule_moment m = at(TRAIN, 0);
    show_pairs(&f, &m, labels, labels, 1000);
    assert_int_equal(f.found, 1);
    assert_non_null(
        strstr(f.first_text,
               "990 labels are beagle and 10 are borzoi: ratio 99, threshold_imbalance is 10"));
    json_t *json = dogb_rules_json(f.set, &f.arena);
    const json_t *evidence = json_object_get(json_array_get(json, 0), "evidence");
    assert_string_equal(json_string_value(json_array_get(json_object_get(evidence, "absent"), 0)),
                        "boxer");
    feed_close(&f);
    feed_open(&f, "ClassImbalance:threshold_imbalance=100");
    show_pairs(&f, &m, labels, labels, 1000);
    assert_status(&f, DOGBREED_RULE_NO_ISSUES, "");
    feed_close(&f);
    feed_open(&f, "ClassImbalance");
    show_pairs(&f, &m, labels, labels, 499); // too few
    assert_int_equal(result_of(&f, 0).points, 0);
    const dogb_rule_moment next = at(TRAIN, 1);
    show_pairs(&f, &next, labels + 499, NULL, 1);
    assert_int_equal(result_of(&f, 0).points, 1);
    feed_close(&f);
}

static void even_classes_are_none(void **state) {
    (void)state;
    enum { CLASSES = 133 };
    dogb_rng rng;
    feed f;
    dogb_rng_init(&rng, 7, DOGB_RNG_SYNTH, 0, 0);
    assert_ok(feed_create(&f, (dogb_rules_conf){.text = "ClassImbalance", .class_count = CLASSES}));
    for (int step = 0; step < 200; step++) { // drawn evenly: 500 labels would vary too much
        float labels[32];
        for (int i = 0; i < 32; i++) {
            labels[i] = (float)dogb_rng_below(&rng, CLASSES);
        }
        const dogb_rule_moment m = at(TRAIN, step);
        show_pairs(&f, &m, labels, NULL, 32);
    }
    assert_int_equal(result_of(&f, 0).points, 2);
    assert_status(&f, DOGBREED_RULE_NO_ISSUES, "");
    feed_close(&f);
}

static void wrong_predictions_are_of_the_last_validation(void **state) {
    (void)state;
    float labels[600];
    float bad[600];
    feed f;
    for (int i = 0; i < 600; i++) {
        labels[i] = (float)(i % 3);
        bad[i] = i % 3 == 2 ? 0 : labels[i]; // class 2 is never recognised
    }
    for (int last_is_bad = 0; last_is_bad < 2; last_is_bad++) {
        feed_open(&f, "ClassImbalance");
        for (int epoch = 0; epoch < 2; epoch++) {
            dogb_rule_moment m = at(EVAL, epoch);
            m.epoch = epoch;
            show_pairs(&f, &m, labels, epoch == last_is_bad ? bad : labels, 600);
        }
        assert_int_equal(f.found, 0);
        (void)dogb_rules_end(f.set);
        assert_int_equal(f.found, last_is_bad);
        feed_close(&f);
    }
    feed_open(&f, "ClassImbalance:parity=on");
    const dogb_rule_moment m = at(TRAIN, 0);
    show_pairs(&f, &m, labels, bad, 600);
    assert_non_null(strstr(f.first_text, "200 of 200 pictures of 2 are predicted wrong"));
    feed_close(&f);
}

// --- Confusion: ten classes, one sample each

static void ten(float labels[10], float predictions[10]) {
    for (int i = 0; i < 10; i++) {
        labels[i] = (float)i;
        predictions[i] = (float)i;
    }
}

static void confusion_of_ten_classes(void **state) {
    (void)state;
    static const struct {
        const char *text;
        int wrong; // label 4 is predicted as 7
        int hits;
        const char *first;
    } rows[] = {
        {"Confusion", 0, 0, ""},
        {"Confusion:parity=on,stop_at_first_hit=off", 0, 0, ""},
        {"Confusion", 1, 2, "row 4: of 1 pictures of 4 0 are recognised, min_diag is 0.9"},
        {"Confusion:parity=on", 1, 1, "row 4"},
        {"Confusion:min_diag=0,max_off_diag=0.01", 1, 1,
         "column 7: of 2 predictions of 7 1 are 4, max_off_diag is 0.01"},
        {"Confusion:min_diag=0,max_off_diag=0.5", 1, 0, ""},
        {"Confusion:category_no=12", 0, 0, ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        float labels[10];
        float predictions[10];
        feed f;
        feed_open(&f, rows[i].text);
        ten(labels, predictions);
        predictions[4] = rows[i].wrong ? 7 : 4;
        const dogb_rule_moment m = at(EVAL, 0);
        show_pairs(&f, &m, labels, predictions, 10);
        (void)dogb_rules_end(f.set);
        if (f.found != rows[i].hits || strstr(f.first_text, rows[i].first) == NULL) {
            fail_msg("%s: %d hits, %s", rows[i].text, f.found, f.first_text);
        }
        assert_int_equal(result_of(&f, 0).points, 2); // rows, columns
        feed_close(&f);
    }
}

static void scores_become_classes(void **state) {
    (void)state;
    float labels[10];
    float scores[10 * 10] = {0};
    float ignored[10];
    feed f;
    ten(labels, ignored);
    for (int i = 0; i < 10; i++) {
        scores[i * 10 + (i == 4 ? 7 : i)] = 2.5f;
    }
    feed_open(&f, "Confusion");
    const dogb_rule_moment m = at(EVAL, 0);
    (void)see(&f, &m, vector_of(LABEL, "labels", 10), labels);
    (void)see(&f, &m, matrix_of(PREDICTION, "predictions", 10, 10), scores);
    (void)dogb_rules_step(f.set, &m);
    (void)dogb_rules_end(f.set);
    assert_non_null(strstr(f.first_text, "row 4"));
    feed_close(&f);
}

static void the_last_validation_decides(void **state) {
    (void)state;
    float labels[10];
    float good[10];
    float bad[10];
    feed f;
    ten(labels, good);
    ten(labels, bad);
    bad[4] = 7;
    feed_open(&f, "Confusion");
    for (int epoch = 0; epoch < 3; epoch++) {
        dogb_rule_moment m = at(TRAIN, epoch);
        show_pairs(&f, &m, labels, bad, 10); // training is not looked at
        m = at(EVAL, 2 * epoch);
        m.epoch = epoch;
        show_pairs(&f, &m, labels, epoch == 2 ? good : bad, 5);
        m.mode_step++;
        show_pairs(&f, &m, labels + 5, (epoch == 2 ? good : bad) + 5, 5);
    }
    assert_status(&f, DOGBREED_RULE_NO_ISSUES, "");
    feed_close(&f);
}

static void many_classes_are_named_by_pairs(void **state) {
    (void)state;
    enum { CLASSES = 133 };
    float labels[2 * CLASSES];
    float predictions[2 * CLASSES];
    char texts[CLASSES][16];
    const char *names[CLASSES];
    for (int i = 0; i < CLASSES; i++) {
        (void)snprintf(texts[i], sizeof texts[i], "breed %d", i);
        names[i] = texts[i];
    }
    for (int i = 0; i < 2 * CLASSES; i++) {
        labels[i] = (float)(i % CLASSES);
        predictions[i] = (float)((i % CLASSES + (i % 11 == 0)) % CLASSES);
    }
    predictions[50] = 51;
    predictions[50 + CLASSES] = 51; // twice: the worst
    for (int limits = 0; limits < 2; limits++) {
        feed f;
        assert_ok(feed_create(
            &f, (dogb_rules_conf){.text = limits ? "Confusion:min_diag=0.9" : "Confusion",
                                  .classes = names,
                                  .class_count = CLASSES}));
        const dogb_rule_moment m = at(EVAL, 0);
        show_pairs(&f, &m, labels, predictions, 2 * CLASSES);
        assert_status(&f, limits ? DOGBREED_RULE_ISSUES : DOGBREED_RULE_NO_ISSUES, "");
        json_t *json = dogb_rules_json(f.set, &f.arena);
        const json_t *worst =
            json_object_get(json_object_get(json_array_get(json, 0), "evidence"), "worst_pairs");
        assert_int_equal(json_array_size(worst), 10);
        const json_t *first = json_array_get(worst, 0);
        assert_string_equal(json_string_value(json_object_get(first, "true")), "breed 50");
        assert_string_equal(json_string_value(json_object_get(first, "predicted")), "breed 51");
        assert_int_equal(json_integer_value(json_object_get(first, "count")), 2);
        feed_close(&f);
    }
}

static void predictions_without_labels(void **state) {
    (void)state;
    static const char *const rules[] = {"Confusion", "ClassImbalance"};
    const float predictions[] = {1, 2, 3};
    for (int i = 0; i < 2; i++) {
        feed f;
        feed_open(&f, rules[i]);
        const dogb_rule_moment m = at(EVAL, 0);
        show_pairs(&f, &m, NULL, predictions, 3);
        assert_status(&f, DOGBREED_RULE_NOT_EVALUATED, "no_labels");
        feed_close(&f);
    }
}

static void labels_that_are_no_classes_are_passed_over(void **state) {
    (void)state;
    const float labels[] = {NAN, -1, 1e9f, 2, INFINITY, 1};
    const float predictions[] = {1, 1, 1, NAN, 1, 1};
    static const char *const rules[] = {"Confusion", "ClassImbalance:samples=1",
                                        "Confusion:parity=on"};
    for (int i = 0; i < 3; i++) {
        feed f;
        feed_open(&f, rules[i]);
        const dogb_rule_moment m = at(EVAL, 0);
        show_pairs(&f, &m, labels, predictions, 6);
        assert_status(&f, DOGBREED_RULE_NO_ISSUES, "");
        feed_close(&f);
    }
}

// --- pictures

static void show_pictures(feed *f, int64_t step, double mean, double deviation, dogb_rng *rng) {
    enum { BATCH = 32, SIDE = 8 };
    static float values[BATCH * 3 * SIDE * SIDE];
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        double value = mean + deviation * (dogb_rng_uniform(rng) * 2 - 1);
        values[i] = (float)value;
    }
    dogb_rule_tensor t = matrix_of(INPUT, "input", BATCH, 3);
    t.rank = 4;
    t.shape[2] = SIDE;
    t.shape[3] = SIDE;
    step_with(f, TRAIN, step, t, values);
}

static void pictures_have_to_be_normalised(void **state) {
    (void)state;
    static const struct {
        double mean;
        double deviation;
        int hits;
        const char *cause;
    } rows[] = {
        {0.286, 0.28, 1, "Normalize missing"}, // the mean of the published test's pictures
        {0.45, 0.45, 1, ": Normalize missing"},
        {0, 1.7, 0, ""},
        {0.19, 1, 0, ""},
        {-0.25, 1, 1, "mean and deviation of Normalize are not those of the data"},
        {120, 100, 1, "scaling to 0..1 and Normalize missing"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        dogb_rng rng;
        feed f;
        dogb_rng_init(&rng, 3, DOGB_RNG_SYNTH, i, 0);
        feed_open(&f, "CheckInputImages");
        for (int step = 0; step < 16; step++) { // 512 pictures
            assert_int_equal(f.found, 0);
            show_pictures(&f, step, rows[i].mean, rows[i].deviation, &rng);
        }
        assert_int_equal(result_of(&f, 0).points, 1);
        assert_int_equal(f.found, rows[i].hits);
        assert_non_null(strstr(f.first_text, rows[i].cause));
        feed_close(&f);
    }
}

static void features_are_no_pictures(void **state) {
    (void)state;
    const float values[6] = {1, 2, 3, 4, 5, 6};
    feed f;
    feed_open(&f, "CheckInputImages:threshold_samples=1");
    step_with(&f, TRAIN, 0, matrix_of(INPUT, "input", 2, 3), values);
    assert_status(&f, DOGBREED_RULE_NOT_EVALUATED, "not_applicable");
    feed_close(&f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rare_classes_are_an_imbalance),
        cmocka_unit_test(even_classes_are_none),
        cmocka_unit_test(wrong_predictions_are_of_the_last_validation),
        cmocka_unit_test(confusion_of_ten_classes),
        cmocka_unit_test(scores_become_classes),
        cmocka_unit_test(the_last_validation_decides),
        cmocka_unit_test(many_classes_are_named_by_pairs),
        cmocka_unit_test(predictions_without_labels),
        cmocka_unit_test(labels_that_are_no_classes_are_passed_over),
        cmocka_unit_test(pictures_have_to_be_normalised),
        cmocka_unit_test(features_are_no_pictures),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
