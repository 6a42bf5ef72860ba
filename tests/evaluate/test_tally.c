// test_tally.c - counting over samples against numbers worked out by hand and by PyTorch and
// scikit-learn (golden/make.py).
#include "golden.h"

static void sums_by_hand(void **state) {
    (void)state;
    static const float logits[] = {
        1,  2,  3,     // label 2: right
        0,  0,  0,     // label 1: a tie goes to class 0, so wrong; loss log 3
        5,  1,  1,     // label 1: wrong
        -1, -1, -1000, // label 0: right (tie, lowest index), loss log 2
    };
    static const int32_t labels[] = {2, 1, 1, 0};
    dogb_arena arena = {0};
    dogb_tally tally;
    dogbreed_evaluation e;
    assert_ok(dogb_tally_init(&tally, &arena, 3, 1));
    dogb_tally_add(&tally, logits, labels, 3);
    dogb_tally_add(&tally, logits + 9, labels + 3, 1); // a short last batch weighs what it holds
    dogb_tally_finish(&e, &tally);
    assert_int_equal(e.count, 4);
    assert_int_equal(e.correct, 2);
    assert_int_equal(e.correct5, 4);
    assert_near(e.top1, 0.5, 0);
    double loss = log(1 + exp(-1) + exp(-2)) + log(3) + (4 + log(1 + 2 * exp(-4))) + log(2);
    assert_near(e.loss, loss / 4, 1e-12);
    static const int64_t confusion[] = {1, 0, 0, 2, 0, 0, 0, 0, 1};
    assert_memory_equal(tally.confusion, confusion, sizeof confusion);
    dogb_arena_free(&arena);
}

static void ties_count_the_lowest_index_first(void **state) {
    (void)state;
    float logits[8] = {0, 0, 0, 0, 0, 0, 0, 0};
    dogb_tally tally;
    assert_ok(dogb_tally_init(&tally, NULL, 8, 0));
    for (int32_t label = 0; label < 8; label++) {
        dogb_tally_add(&tally, logits, &label, 1);
    }
    assert_int_equal(tally.correct, 1);
    assert_int_equal(tally.correct5, 5);
    assert_null(tally.confusion);
}

static void outputs_that_are_no_numbers_are_wrong(void **state) {
    (void)state;
    float logits[3] = {NAN, NAN, NAN};
    int32_t label = 0;
    dogb_tally tally;
    dogbreed_evaluation e;
    assert_ok(dogb_tally_init(&tally, NULL, 3, 0));
    dogb_tally_add(&tally, logits, &label, 1);
    dogb_tally_finish(&e, &tally);
    assert_int_equal(e.correct, 0);
    assert_int_equal(e.correct5, 0);
    assert_true(isnan(e.loss));
    assert_fails(dogb_tally_init(&tally, NULL, 0, 0), DOGBREED_ERROR_INVALID_ARGUMENT, "0 classes");
}

static void large_logits_do_not_overflow(void **state) {
    (void)state;
    float logits[3] = {3e38F, -3e38F, 0};
    int32_t labels[1] = {0};
    dogb_tally tally;
    assert_ok(dogb_tally_init(&tally, NULL, 3, 0));
    dogb_tally_add(&tally, logits, labels, 1);
    assert_near(tally.loss_sum, 0, 0);
    labels[0] = 1;
    dogb_tally_add(&tally, logits, labels, 1);
    assert_true(isfinite(tally.loss_sum) && tally.loss_sum > 5e38);
}

static void no_samples_give_no_nan(void **state) {
    (void)state;
    dogb_tally tally;
    dogbreed_evaluation e;
    assert_ok(dogb_tally_init(&tally, NULL, 3, 0));
    dogb_tally_finish(&e, &tally);
    assert_near(e.top1, 0, 0);
    assert_near(e.loss, 0, 0);
    assert_near(e.top1_low, 0, 0);
    assert_near(e.top1_high, 1, 0);
}

static void golden_numbers(void **state) {
    (void)state;
    dogb_arena arena = {0};
    dogb_tally tally;
    dogbreed_evaluation e;
    json_t *golden = NULL;
    static const char *const names[] = {"a", "b", "c", "d", "e", "f", "g"};
    assert_ok(dogb_json_read(&golden, &arena, test_file("evaluate/golden/tally.json"), NULL, 0));
    int32_t classes = (int32_t)json_integer_value(json_object_get(golden, "classes"));
    assert_int_equal(classes, 7);
    assert_ok(dogb_tally_init(&tally, &arena, classes, 1));
    const json_t *rows = json_object_get(golden, "logits");
    for (size_t i = 0; i < json_array_size(rows); i++) {
        float logits[7];
        int32_t label = (int32_t)number(json_object_get(golden, "labels"), i);
        for (size_t c = 0; c < 7; c++) {
            logits[c] = (float)number(json_array_get(rows, i), c);
        }
        dogb_tally_add(&tally, logits, &label, 1);
    }
    dogb_tally_finish(&e, &tally);
    assert_int_equal(e.count, 60);
    assert_int_equal(e.correct, json_integer_value(json_object_get(golden, "correct")));
    assert_int_equal(e.correct5, json_integer_value(json_object_get(golden, "correct5")));
    assert_near(e.loss, json_number_value(json_object_get(golden, "loss")), 1e-12);

    json_t *object = dogb_json_object(&arena);
    assert_ok(dogb_tally_json_names(object, &tally, NULL, names));
    const json_t *matrix = json_object_get(golden, "confusion");
    int64_t worst = 0;
    for (size_t t = 0; t < 7; t++) {
        const json_t *row =
            json_array_get(json_object_get(json_object_get(object, "confusion"), "rows"), t);
        const json_t *expected = json_array_get(matrix, t);
        size_t next = 0;
        for (size_t p = 0; p < 7; p++) {
            int64_t count = (int64_t)number(expected, p);
            if (count > 0) {
                const json_t *pair = json_array_get(row, next++);
                assert_int_equal(number(pair, 0), p);
                assert_int_equal(number(pair, 1), count);
            }
            worst = t != p && count > worst ? count : worst;
        }
        assert_int_equal(json_array_size(row), next);
        const json_t *one = json_array_get(json_object_get(object, "classes"), t);
        assert_string_equal(json_string_value(json_object_get(one, "class")), names[t]);
        assert_int_equal(json_integer_value(json_object_get(one, "count")),
                         number(json_object_get(golden, "support"), t));
        assert_near(json_number_value(json_object_get(one, "precision")),
                    number(json_object_get(golden, "precision"), t), 1e-15);
        if (t < 6) {
            assert_near(json_number_value(json_object_get(one, "recall")),
                        number(json_object_get(golden, "recall"), t), 1e-15);
        } else {
            assert_true(json_is_null(json_object_get(one, "recall"))); // it has no samples
        }
    }
    const json_t *pairs = json_object_get(object, "most_confused");
    assert_int_equal(json_array_size(pairs), 10);
    int64_t last = worst;
    for (size_t i = 0; i < 10; i++) {
        int64_t count = json_integer_value(json_object_get(json_array_get(pairs, i), "count"));
        assert_true(i > 0 || count == worst);
        assert_true(count <= last && count > 0);
        last = count;
    }
    dogb_arena_free(&arena);
}

// Precision and recall over all classes, from the counts at each threshold.
static void golden_scores(void **state) {
    (void)state;
    dogb_arena arena = {0};
    static dogb_scores scores;
    static dogb_scores each[7];
    json_t *golden = NULL;
    json_t *object = dogb_json_object(&arena);
    assert_ok(dogb_json_read(&golden, &arena, test_file("evaluate/golden/tally.json"), NULL, 0));
    scores = (dogb_scores){.positives = {0}};
    for (size_t i = 0; i < 60; i++) {
        float logits[7];
        int32_t label = golden_row(logits, golden, i);
        dogb_scores_add(&scores, each, logits, 7, &label, 1);
    }
    assert_ok(dogb_scores_json(object, &scores, each, 7));
    const json_t *curve = json_object_get(object, "pr_curve");
    const json_t *positives = json_object_get(curve, "true_positives");
    const json_t *negatives = json_object_get(curve, "false_positives");
    assert_int_equal(json_array_size(positives), 127);
    assert_int_equal(json_array_size(negatives), 127);
    assert_int_equal(number(positives, 0), 60);
    assert_int_equal(number(negatives, 0), 360);
    for (size_t i = 0; i < 127; i++) {
        double right = number(positives, i);
        double wrong = number(negatives, i);
        assert_near(right / 60, number(json_object_get(golden, "pr_recall"), i), 1e-6); // float32
        assert_near(right + wrong > 0 ? right / (right + wrong) : 0,
                    number(json_object_get(golden, "pr_precision"), i), 1e-6);
    }
    // Classes by themselves add up to all of them; each begins with its samples.
    const json_t *classes = json_object_get(curve, "classes");
    assert_int_equal(json_array_size(classes), 7);
    for (size_t i = 0; i < 127; i++) {
        double right = 0, wrong = 0;
        for (size_t c = 0; c < 7; c++) {
            const json_t *one = json_array_get(classes, c);
            right += number(json_object_get(one, "true_positives"), i);
            wrong += number(json_object_get(one, "false_positives"), i);
            assert_true(i > 0 || number(json_object_get(one, "true_positives"), 0) ==
                                     number(json_object_get(golden, "support"), c));
        }
        assert_near(right, number(positives, i), 0);
        assert_near(wrong, number(negatives, i), 0);
    }
    dogb_arena_free(&arena);
}

static void scores_at_the_ends(void **state) {
    (void)state;
    static dogb_scores scores;
    static const float logits[] = {
        0,     1000,   0, // label 1: 1 and two times 0
        NAN,   0,      0, // label 0: no numbers, so three times 0
        3e38F, -3e38F, 0, // label 1: a sure mistake
    };
    static const int32_t labels[] = {1, 0, 1};
    scores = (dogb_scores){.positives = {0}};
    dogb_scores_add(&scores, NULL, logits, 3, labels, 3);
    assert_int_equal(scores.positives[126], 1);
    assert_int_equal(scores.positives[0], 2);
    assert_int_equal(scores.negatives[126], 1);
    assert_int_equal(scores.negatives[0], 5);
}

static void golden_calibration(void **state) {
    (void)state;
    dogb_arena arena = {0};
    dogb_tally tally;
    json_t *golden = NULL;
    json_t *object = dogb_json_object(&arena);
    static const char *const names[] = {"a", "b", "c", "d", "e", "f", "g"};
    assert_ok(dogb_json_read(&golden, &arena, test_file("evaluate/golden/tally.json"), NULL, 0));
    assert_ok(dogb_tally_init(&tally, &arena, 7, 1));
    for (size_t i = 0; i < 60; i++) {
        float logits[7];
        int32_t label = golden_row(logits, golden, i);
        dogb_tally_add(&tally, logits, &label, 1);
    }
    assert_ok(dogb_tally_json_names(object, &tally, NULL, names));
    const json_t *calibration = json_object_get(object, "calibration");
    const json_t *bins = json_object_get(calibration, "bins");
    assert_near(json_number_value(json_object_get(calibration, "ece")),
                json_number_value(json_object_get(golden, "ece")), 1e-7); // float32 in torchmetrics
    assert_int_equal(json_array_size(bins), 15);
    size_t found = 0;
    int64_t count = 0;
    for (size_t i = 0; i < 15; i++) {
        const json_t *bin = json_array_get(bins, i);
        int64_t own = json_integer_value(json_object_get(bin, "count"));
        count += own;
        if (own == 0) {
            assert_true(json_is_null(json_object_get(bin, "accuracy")));
            continue;
        }
        assert_near(json_number_value(json_object_get(bin, "accuracy")),
                    number(json_object_get(golden, "bin_accuracy"), found), 1e-12);
        assert_near(json_number_value(json_object_get(bin, "confidence")),
                    number(json_object_get(golden, "bin_confidence"), found), 1e-12);
        found++;
    }
    assert_int_equal(count, 60);
    assert_int_equal(json_array_size(json_object_get(golden, "bin_accuracy")), found);
    dogb_arena_free(&arena);
}

static void golden_predictions(void **state) {
    (void)state;
    dogb_arena arena = {0};
    json_t *golden = NULL;
    dogb_predictions predictions = {.arena = &arena};
    assert_ok(dogb_json_read(&golden, &arena, test_file("evaluate/golden/tally.json"), NULL, 0));
    for (int64_t i = 0; i < 60; i++) {
        float logits[7];
        int32_t label = golden_row(logits, golden, (size_t)i);
        assert_ok(dogb_predictions_add(&predictions, logits, 7, &label, &i, 1));
    }
    assert_int_equal(predictions.count, 60);
    for (size_t i = 0; i < 60; i++) {
        const dogb_prediction *p = &predictions.items[i];
        assert_int_equal(p->sample, i);
        assert_int_equal(p->count, 5);
        assert_near(p->loss, number(json_object_get(golden, "losses"), i), 1e-12);
        for (size_t k = 0; k < 5; k++) {
            assert_int_equal(p->top[k],
                             number(json_array_get(json_object_get(golden, "top5"), i), k));
            assert_near(p->probability[k],
                        number(json_array_get(json_object_get(golden, "top5_probability"), i), k),
                        1e-12);
        }
    }
    dogb_arena_free(&arena);
}

static void certainty_lies_in_the_last_bin(void **state) {
    (void)state;
    static const float logits[] = {200, 0, 0, -3e38f, 3e38f, 0};
    static const int32_t labels[] = {0, 0};
    dogb_tally tally;
    assert_ok(dogb_tally_init(&tally, NULL, 3, 0));
    dogb_tally_add(&tally, logits, labels, 2);
    assert_int_equal(tally.bins[DOGB_CALIBRATION_BINS - 1].count, 2);
    assert_int_equal(tally.bins[DOGB_CALIBRATION_BINS - 1].correct, 1);
}

static void golden_intervals(void **state) {
    (void)state;
    dogb_arena arena = {0};
    json_t *golden = NULL;
    assert_ok(dogb_json_read(&golden, &arena, test_file("evaluate/golden/tally.json"), NULL, 0));
    const json_t *rows = json_object_get(golden, "wilson");
    assert_int_equal(json_array_size(rows), 6);
    for (size_t i = 0; i < json_array_size(rows); i++) {
        const json_t *row = json_array_get(rows, i);
        double low = -1;
        double high = -1;
        dogb_wilson(&low, &high, (int64_t)number(row, 0), (int64_t)number(row, 1));
        assert_near(low, number(row, 2), 1e-7);
        assert_near(high, number(row, 3), 1e-7);
    }
    dogb_arena_free(&arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sums_by_hand),
        cmocka_unit_test(ties_count_the_lowest_index_first),
        cmocka_unit_test(outputs_that_are_no_numbers_are_wrong),
        cmocka_unit_test(large_logits_do_not_overflow),
        cmocka_unit_test(no_samples_give_no_nan),
        cmocka_unit_test(golden_numbers),
        cmocka_unit_test(golden_calibration),
        cmocka_unit_test(golden_scores),
        cmocka_unit_test(scores_at_the_ends),
        cmocka_unit_test(golden_predictions),
        cmocka_unit_test(certainty_lies_in_the_last_bin),
        cmocka_unit_test(golden_intervals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
