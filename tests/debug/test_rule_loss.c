// Rules about losses: the published examples of LossNotDecreasing, units, order of modes, NaN.
#include "rule_test.h"

enum { TRAIN = DOGB_RULE_TRAIN, EVAL = DOGB_RULE_EVAL, GLOBAL = DOGB_RULE_GLOBAL };

// Losses that the published unit test saves every fourth step.
static const double published[] = {0.3, 0.33, 0.31, 0.30, 0.28, 0.2, 0.42};

static void save_every_fourth(feed *f, int count) {
    for (int i = 0; i < count; i++) {
        step_with_loss(f, GLOBAL, 4 * i, published[i]);
    }
}

// Saved every 3 steps: 9 has nothing before it, 21 is compared with 9, 33 with 21.
static void documented_steps_are_compared(void **state) {
    (void)state;
    feed f;
    feed_open(&f, "LossNotDecreasing:unit=steps");
    int checked[40];
    int points = 0;
    for (int step = 0; step < 40; step += 3) {
        // Rises at the checked steps alone.
        step_with_loss(&f, TRAIN, step, step == 21 ? 2 : step == 33 ? 3 : 1);
        if (result_of(&f, 0).points > points) {
            checked[points++] = step;
        }
    }
    assert_int_equal(points, 2);
    assert_int_equal(checked[0], 21);
    assert_int_equal(checked[1], 33);
    assert_int_equal(f.found, 2);
    assert_non_null(strstr(f.first_text, "was 1 at 9 and is 2 at 21: +100 %"));
    assert_non_null(strstr(f.last_text, "was 2 at 21 and is 3 at 33: +50 %"));
    feed_close(&f);
}

static void published_test_fires_at_12(void **state) {
    (void)state;
    feed f;
    feed_open(&f, "LossNotDecreasing:unit=steps");
    save_every_fourth(&f, 5);
    assert_int_equal(f.found, 1);
    assert_int_equal(f.first_step, 12);
    feed_close(&f);
    // An evaluation of steps 13 to 17 alone compares 16 with 4.
    assert_ok(feed_create(&f, (dogb_rules_conf){.text = "LossNotDecreasing:unit=steps",
                                                .first_step = 13,
                                                .last_step = 17}));
    save_every_fourth(&f, 5);
    assert_int_equal(result_of(&f, 0).points, 1);
    assert_int_equal(f.found, 0);
    feed_close(&f);
}

static void old_behaviour_tolerates_a_rise(void **state) {
    (void)state;
    feed f;
    feed_open(&f, "LossNotDecreasing:unit=steps,diff_percent=20");
    save_every_fourth(&f, 7);
    assert_int_equal(f.first_step, 12);
    feed_close(&f);
    feed_open(&f, "LossNotDecreasing:unit=steps,diff_percent=20,compat=2019");
    save_every_fourth(&f, 7);
    assert_int_equal(f.first_step, 24);
    assert_non_null(strstr(f.first_text, "was 0.3 at 12 and is 0.42 at 24: +40 %"));
    feed_close(&f);
}

static void rises_below_the_threshold_are_none(void **state) {
    (void)state;
    static const struct {
        double from;
        double to;
        int hits;
    } rows[] = {
        {1, 0.998, 0},    {1, 0.9995, 1}, {1, 1, 1},    {1, 1.0001, 0}, {1, 1.049, 0},
        {1, 1.051, 1},    {0, 0, 0},      {0, 0.04, 0}, {0, 0.06, 1},   {1, (double)NAN, 1},
        {1, INFINITY, 1}, {-2, -3, 0},    {-2, -1, 1},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        feed f;
        feed_open(&f, "LossNotDecreasing:unit=steps,num_steps=1");
        step_with_loss(&f, TRAIN, 0, rows[i].from);
        step_with_loss(&f, TRAIN, 1, rows[i].to);
        if (f.found != rows[i].hits) {
            fail_msg("%g to %g: %d hits", rows[i].from, rows[i].to, f.found);
        }
        feed_close(&f);
    }
}

static void validation_counts_once_there_is_one(void **state) {
    (void)state;
    static const struct {
        const char *text;
        int hits;
        int points;
    } rows[] = {
        {"LossNotDecreasing:unit=steps,num_steps=1", 1, 3}, // training twice, then validation
        {"LossNotDecreasing:unit=steps,num_steps=1,mode=TRAIN", 3, 4},
        {"LossNotDecreasing:unit=steps,num_steps=1,mode=EVAL", 0, 1},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        feed f;
        feed_open(&f, rows[i].text);
        step_with_loss(&f, TRAIN, 0, 1);
        step_with_loss(&f, TRAIN, 1, 2); // a hit of training
        step_with_loss(&f, TRAIN, 2, 1);
        step_with_loss(&f, EVAL, 0, 1);
        step_with_loss(&f, EVAL, 1, 0.5);
        step_with_loss(&f, TRAIN, 3, 2);
        step_with_loss(&f, TRAIN, 4, 3);
        assert_int_equal(f.found, rows[i].hits);
        assert_int_equal(result_of(&f, 0).points, rows[i].points);
        feed_close(&f);
    }
}

// The losses, and what is chosen beside them.
static void losses_are_looked_at_unless_told_otherwise(void **state) {
    (void)state;
    static const struct {
        const char *text;
        int loss;
        int metric;
    } rows[] = {
        {"LossNotDecreasing:unit=steps,num_steps=1", 1, 0},
        {"LossNotDecreasing:unit=steps,num_steps=1,tensor_regex=error", 1, 1},
        {"LossNotDecreasing:unit=steps,num_steps=1,tensor_regex=error,use_losses_collection=False",
         0, 1},
        {"LossNotDecreasing:unit=steps,num_steps=1,collection_names=metrics", 1, 1},
        {"LossNotDecreasing:unit=steps,num_steps=1,use_losses_collection=off", 0, 0},
    };
    const float one = 1;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        feed f;
        feed_open(&f, rows[i].text);
        for (int step = 0; step < 2; step++) {
            step_with_loss(&f, TRAIN, step, 1);
        }
        assert_int_equal(f.found, rows[i].loss);
        for (int step = 0; step < 2; step++) {
            step_with(&f, TRAIN, step,
                      (dogb_rule_tensor){.name = "top1_error", .what = DOGBREED_TENSOR_SCALAR},
                      &one);
        }
        assert_int_equal(f.found, rows[i].loss + rows[i].metric);
        feed_close(&f);
    }
}

static void epochs_are_compared_by_default(void **state) {
    (void)state;
    feed f;
    feed_open(&f, "LossNotDecreasing");
    assert_int_equal(dogb_rules_sees(f.set), 0);
    static const double falling[] = {3, 2, 1.5, 1.2, 1, 0.9, 0.8};
    for (int i = 0; i < 7; i++) {
        epoch_with(&f, i, falling[i] / 2, falling[i]);
    }
    assert_status(&f, DOGBREED_RULE_NO_ISSUES, "");
    feed_close(&f);
    feed_open(&f, "LossNotDecreasing:num_steps=2");
    for (int i = 0; i < 5; i++) {
        epoch_with(&f, i, 1.0 / (i + 1), 1); // validation stands still
    }
    assert_int_equal(f.found, 1);
    assert_int_equal(f.first_step, 40);
    assert_non_null(strstr(f.first_text, "validation loss was 1 at 1 and is 1 at 3"));
    feed_close(&f);
    feed_open(&f, "LossNotDecreasing:num_steps=2"); // without validation
    for (int i = 0; i < 5; i++) {
        epoch_with(&f, i, 1, (double)NAN);
    }
    assert_non_null(strstr(f.first_text, "training loss was 1"));
    feed_close(&f);
    feed_open(&f, "LossNotDecreasing:mode=EVAL");
    epoch_with(&f, 0, 1, (double)NAN);
    assert_status(&f, DOGBREED_RULE_NOT_EVALUATED, "mode_never_ran");
    feed_close(&f);
}

static void overfit_needs_patience(void **state) {
    (void)state;
    static const double ratios[] = {0.5, 0.05, 0.2, 0.2, 0.3, 0, 0.2};
    feed f;
    feed_open(&f, "Overfit");
    assert_int_equal(dogb_rules_sees(f.set), 0);
    for (int i = 0; i < 7; i++) {
        epoch_with(&f, i, 1, 1 + ratios[i]);
    }
    assert_int_equal(f.found, 2); // the second and the third in a row
    assert_int_equal(f.first_step, 40);
    assert_int_equal(result_of(&f, 0).points, 7);
    feed_close(&f);
    feed_open(&f, "Overfit:patience=0,start_step=3,ratio_threshold=0.25");
    for (int i = 0; i < 7; i++) {
        epoch_with(&f, i, 1, 1 + ratios[i]);
    }
    assert_int_equal(f.found, 1);
    assert_int_equal(f.first_step, 50);
    assert_status(&f, DOGBREED_RULE_ISSUES, "");
    feed_close(&f);
}

static void losses_that_are_no_numbers_are_hits(void **state) {
    (void)state;
    static const char *const rules[] = {"Overfit", "Overtraining", "LossNotDecreasing"};
    for (int i = 0; i < 3; i++) {
        feed f;
        feed_open(&f, rules[i]);
        const dogb_rule_epoch e = {.epoch = 0,
                                   .train_loss = (double)NAN,
                                   .val_loss = (double)NAN,
                                   .train_count = 10,
                                   .val_count = 10};
        (void)dogb_rules_epoch(f.set, &e);
        assert_true(f.found >= 1);
        assert_non_null(strstr(f.first_text, "loss is NaN"));
        assert_status(&f, DOGBREED_RULE_ISSUES, "");
        feed_close(&f);
    }
}

static void overfit_by_steps_as_the_original(void **state) {
    (void)state;
    feed f;
    feed_open(&f, "Overfit:unit=steps");
    for (int epoch = 0; epoch < 3; epoch++) {
        for (int i = 0; i < 4; i++) {
            step_with_loss(&f, TRAIN, 4 * epoch + i, 1);
        }
        for (int i = 0; i < 2; i++) { // each is one more checked step
            step_with_loss(&f, EVAL, 2 * epoch + i, epoch == 0 ? 1 : 2);
        }
    }
    assert_int_equal(result_of(&f, 0).points, 6);
    assert_int_equal(f.found, 3);
    feed_close(&f);
    feed_open(&f, "Overfit:unit=steps");
    step_with_loss(&f, TRAIN, 0, 1);
    assert_status(&f, DOGBREED_RULE_NOT_EVALUATED, "mode_never_ran");
    feed_close(&f);
    // A short last batch weighs what it has.
    feed_open(&f, "Overfit:unit=steps,patience=0,ratio_threshold=0.1");
    step_with_loss(&f, TRAIN, 0, 1);
    const float large = 3;
    dogb_rule_tensor loss = {
        .name = "CrossEntropyLoss_output_0", .what = DOGBREED_TENSOR_SCALAR, .samples = 1};
    step_with_loss(&f, EVAL, 0, 1);
    step_with(&f, EVAL, 1, loss, &large); // (32 * 1 + 1 * 3) / 33 = 1.06
    assert_int_equal(f.found, 0);
    loss.samples = 32;
    step_with(&f, EVAL, 2, loss, &large);
    assert_int_equal(f.found, 1);
    feed_close(&f);
}

static void overtraining_counts_from_the_best(void **state) {
    (void)state;
    feed f;
    feed_open(&f, "Overtraining:patience_train=3,patience_validation=2,delta=0.1");
    static const double train[] = {1, 0.95, 0.85, 0.8, 0.8, 0.8, 0.7};
    static const double val[] = {2, 1, 0.95, 0.8, 0.75, 0.6, 0.4};
    for (int i = 0; i < 7; i++) {
        epoch_with(&f, i, train[i], val[i]);
    }
    // Training: best 1, 0.85 (epoch 2), stale at 3, 4, 5: the third is a hit. 0.7 improves.
    assert_int_equal(f.found, 1);
    assert_int_equal(f.first_step, 60);
    assert_non_null(strstr(f.first_text, "training loss has not improved by 0.1 in the last 3"));
    feed_close(&f);
    feed_open(&f, "Overtraining:unit=steps,patience_train=2,patience_validation=1");
    step_with_loss(&f, TRAIN, 0, 1);
    step_with_loss(&f, TRAIN, 1, 0.995);
    step_with_loss(&f, EVAL, 0, 1);
    step_with_loss(&f, TRAIN, 2, 0.5);
    step_with_loss(&f, EVAL, 1, 1);
    assert_int_equal(f.found, 1);
    assert_non_null(strstr(f.first_text, "validation loss"));
    assert_int_equal(result_of(&f, 0).points, 3);
    feed_close(&f);
}

static void parity_means_steps_and_one_hit(void **state) {
    (void)state;
    feed f;
    assert_ok(feed_create(&f, (dogb_rules_conf){.text = "Overfit;Overtraining", .parity = 1}));
    assert_int_equal(dogb_rules_sees(f.set), 1u << DOGBREED_TENSOR_SCALAR);
    for (int i = 0; i < 6; i++) {
        epoch_with(&f, i, 1, 2);
    }
    assert_int_equal(f.found, 0);
    step_with_loss(&f, TRAIN, 0, 1);
    for (int i = 0; i < 6; i++) {
        step_with_loss(&f, EVAL, i, 2);
    }
    assert_int_equal(result_of(&f, 0).hits, 1);
    assert_int_equal(result_of(&f, 0).points, 2);
    feed_close(&f);
    assert_ok(feed_create(
        &f, (dogb_rules_conf){.text = "Overfit:parity=on,stop_at_first_hit=off,stop_training=on"}));
    step_with_loss(&f, TRAIN, 0, 1);
    for (int i = 0; i < 6; i++) {
        step_with_loss(&f, EVAL, i, 2);
    }
    assert_int_equal(result_of(&f, 0).hits, 5);
    assert_int_equal(f.stops, 5);
    const dogb_rule_moment m = at(TRAIN, 9);
    assert_int_equal(dogb_rules_step(f.set, &m), DOGBREED_STOP);
    feed_close(&f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(documented_steps_are_compared),
        cmocka_unit_test(published_test_fires_at_12),
        cmocka_unit_test(old_behaviour_tolerates_a_rise),
        cmocka_unit_test(rises_below_the_threshold_are_none),
        cmocka_unit_test(validation_counts_once_there_is_one),
        cmocka_unit_test(losses_are_looked_at_unless_told_otherwise),
        cmocka_unit_test(epochs_are_compared_by_default),
        cmocka_unit_test(overfit_needs_patience),
        cmocka_unit_test(losses_that_are_no_numbers_are_hits),
        cmocka_unit_test(overfit_by_steps_as_the_original),
        cmocka_unit_test(overtraining_counts_from_the_best),
        cmocka_unit_test(parity_means_steps_and_one_hit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
