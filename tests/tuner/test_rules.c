// Rules inside trials: what they find is part of the trial, the same whichever way it trains; as a
// pruner they end trials; a study knows which rules prune.
#include "tuner_test.h"

#include <math.h>

enum { TRIALS = 5 };

// No ratio is below -1: a hit in each epoch behind the first.
static const char OVERFIT[] = "Overfit:ratio_threshold=-1,patience=1";

static dogbreed_tuner_options ruled(const char *storage, const char *rules, int32_t prune) {
    dogbreed_tuner_options options = tuner_options(storage, TRIALS);
    options.trial_rules = rules;
    options.rule_prune = prune;
    return options;
}

static const char *const space[] = {"learning_rate=log:1e-3:0.1", "epochs=4..5"};

static int hear(const dogbreed_event *event, void *userdata) {
    (void)event;
    (void)userdata;
    return 0;
}

// Who listens to steps trains alone.
static int alone(dogbreed_trainer *trainer, int64_t number, void *userdata) {
    (void)number;
    return dogbreed_trainer_subscribe(trainer, NULL, DOGBREED_EVENT_MASK(DOGBREED_EVENT_STEP_END),
                                      hear, userdata);
}

static char *train(const dogbreed_tuner_options *options, int by_itself) {
    dogbreed_tuner *tuner = tuner_open(&f, options, space, 2);
    if (by_itself) {
        assert_ok(dogbreed_tuner_listen(tuner, NULL, alone, NULL));
    }
    return trials_of(tuner);
}

static size_t count(const char *text, const char *part) {
    size_t found = 0;
    for (const char *p = text; (p = strstr(p, part)) != NULL; p++) {
        found++;
    }
    return found;
}

static void findings_are_part_of_the_trial(void **state) {
    (void)state;
    const char *storage = new_storage(&f);
    dogbreed_tuner_options options = ruled(storage, OVERFIT, 0);
    char *together = train(&options, 0);
    assert_int_equal(count(together, "\"findings\""), TRIALS);
    assert_int_equal(count(together, "\"Overfit\""), TRIALS);
    assert_int_equal(count(together, "COMPLETE"), TRIALS);
    // In the storage they are the same, and whoever opens the study later has them.
    assert_stored(tuner_open(&f, &options, space, 2), together);
    options.storage = "";
    assert_same_trials(train(&options, 1), together);
    free(together);
}

static void no_rules_no_findings(void **state) {
    (void)state;
    dogbreed_tuner_options options = ruled("", "none", 0);
    char *plain = train(&options, 0);
    assert_int_equal(count(plain, "\"findings\""), 0);
    // Rules do not change what a trial comes to.
    tuner_test_results_alone = 1;
    options.trial_rules = OVERFIT;
    assert_same_trials(train(&options, 0), plain);
    tuner_test_results_alone = 0;
    free(plain);
}

static void a_hit_prunes(void **state) {
    (void)state;
    dogbreed_tuner_options options = ruled("", OVERFIT, 1);
    char *together = train(&options, 0);
    assert_int_equal(count(together, "PRUNED"), TRIALS);
    assert_same_trials(train(&options, 1), together);
    free(together);
    // Three epochs are enough for the rule to have its patience at an end.
    dogbreed_tuner *tuner = tuner_open(&f, &options, space, 2);
    assert_ok(dogbreed_tuner_run(tuner));
    for (int64_t i = 0; i < TRIALS; i++) {
        json_t *trial = trial_json(tuner, i);
        size_t epochs = json_array_size(json_object_get(trial, "curve"));
        assert_true(epochs >= 2 && epochs < 4);
        // As in Optuna the value is the last one of the curve.
        assert_true(json_real_value(json_object_get(trial, "value")) ==
                    json_real_value(json_array_get(json_object_get(trial, "curve"), epochs - 1)));
        json_decref(trial);
    }
    dogbreed_tuner_destroy(tuner);
}

static void a_study_is_pruned_by_the_rules_it_began_with(void **state) {
    (void)state;
    const char *storage = new_storage(&f);
    dogbreed_tuner_options options = ruled(storage, OVERFIT, 1);
    free(train(&options, 0));
    options.trials = TRIALS + 2;
    options.rule_prune = 0;
    dogbreed_tuner *tuner = tuner_open(&f, &options, space, 2);
    assert_fails(dogbreed_tuner_run(tuner), DOGBREED_ERROR_MISMATCH, "rule_prune");
    dogbreed_tuner_destroy(tuner);
}

static void bad_rules_end_the_run(void **state) {
    (void)state;
    dogbreed_tuner_options options = ruled("", "Overfitt", 0);
    dogbreed_tuner *tuner = tuner_open(&f, &options, space, 2);
    assert_fails(dogbreed_tuner_run(tuner), DOGBREED_ERROR_INVALID_ARGUMENT, "Overfit");
    dogbreed_tuner_destroy(tuner);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(findings_are_part_of_the_trial),
        cmocka_unit_test(no_rules_no_findings),
        cmocka_unit_test(a_hit_prunes),
        cmocka_unit_test(a_study_is_pruned_by_the_rules_it_began_with),
        cmocka_unit_test(bad_rules_end_the_run),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
