// Studies that judge by folds: the value of a trial is that of all pictures, each judged by the
// fold that has not seen it; and the trials are the same in every way in which they can be trained.
#include "out_of_memory.h"
#include "tuner_test.h"

#include <math.h>

enum { TRIALS = 9, FOLDS = 3, EPOCHS_MAX = 8, LISTENED = TRIALS * FOLDS };

static dogbreed_tuner_options folded_options(const char *storage, int32_t trials) {
    dogbreed_tuner_options options = tuner_options(storage, trials);
    options.kfold = FOLDS;
    return options;
}

// --- what the value is

typedef struct heard { // of the folds of all trials
    int64_t number[LISTENED];
    dogbreed_event epochs[LISTENED][EPOCHS_MAX];
    int32_t count[LISTENED];
    int32_t trainers;
} heard;

static heard all_heard;

static int hear(const dogbreed_event *event, void *userdata) {
    int32_t *count = userdata;
    all_heard.epochs[count - all_heard.count][(*count)++] = *event;
    return 0;
}

static int watch(dogbreed_trainer *trainer, int64_t number, void *userdata) {
    (void)userdata;
    int32_t i = all_heard.trainers++;
    assert_true(i < LISTENED);
    all_heard.number[i] = number;
    return dogbreed_trainer_subscribe(trainer, NULL, DOGBREED_EVENT_MASK(DOGBREED_EVENT_EPOCH_END),
                                      hear, &all_heard.count[i]);
}

static void check_curve(dogbreed_tuner *tuner, int64_t number, int32_t objective) {
    json_t *object = trial_json(tuner, number);
    const json_t *curve = json_object_get(object, "curve");
    double best = objective == DOGBREED_OBJECTIVE_VAL_LOSS ? 1e9 : -1e9;
    assert_true(json_array_size(curve) > 0);
    for (size_t e = 0; e < json_array_size(curve); e++) {
        double sum = 0.0;
        int folds = 0;
        double value = json_real_value(json_array_get(curve, e));
        for (int i = 0; i < all_heard.trainers; i++) {
            const dogbreed_event *event = &all_heard.epochs[i][e];
            if (all_heard.number[i] == number) {
                assert_true(all_heard.count[i] > (int32_t)e);
                sum += objective == DOGBREED_OBJECTIVE_VAL_LOSS ? event->val_loss
                                                                : event->val_accuracy;
                folds++;
            }
        }
        assert_int_equal(folds, FOLDS); // all of one size here
        if (fabs(value - sum / FOLDS) > 1e-12) {
            fail_msg("trial %d, epoch %d: %.17g, folds say %.17g", (int)number, (int)e, value,
                     sum / FOLDS);
        }
        int better = objective == DOGBREED_OBJECTIVE_VAL_LOSS ? value < best : value > best;
        best = better ? value : best;
    }
    assert_true(json_real_value(json_object_get(object, "value")) == best);
    json_decref(object);
}

static void the_value_is_that_of_all_pictures(void **state) {
    (void)state;
    static const int32_t objectives[] = {DOGBREED_OBJECTIVE_VAL_LOSS,
                                         DOGBREED_OBJECTIVE_VAL_ACCURACY};
    for (size_t i = 0; i < 2; i++) {
        dogbreed_tuner_options options = folded_options("", TRIALS);
        options.objective = objectives[i];
        dogbreed_tuner *tuner = tuner_open(&f, &options, NULL, 3);
        memset(&all_heard, 0, sizeof all_heard);
        assert_ok(dogbreed_tuner_listen(tuner, NULL, watch, NULL));
        assert_ok(dogbreed_tuner_run(tuner));
        assert_int_equal(all_heard.trainers, LISTENED);
        for (int64_t k = 0; k < TRIALS; k++) {
            check_curve(tuner, k, objectives[i]);
        }
        dogbreed_tuner_destroy(tuner);
    }
}

// --- the same trials in every way

static int listen_to_steps(const dogbreed_event *event, void *userdata) {
    (void)event;
    (void)userdata;
    return 0;
}

// Who listens to single steps has the folds trained one after the other.
static int watch_steps(dogbreed_trainer *trainer, int64_t number, void *userdata) {
    (void)number;
    return dogbreed_trainer_subscribe(trainer, NULL, DOGBREED_EVENT_MASK(DOGBREED_EVENT_STEP_END),
                                      listen_to_steps, userdata);
}

// The trials; free with free.
static char *check_ways(const dogbreed_tuner_options *options, const fixture *of,
                        const char *const *space, size_t axes) {
    dogbreed_tuner_options stored = *options;
    fixture more = *of;
    char *whole = trials_of(tuner_open(of, options, space, axes));
    more.options.threads = 3;
    assert_same_trials(trials_of(tuner_open(&more, options, space, axes)), whole);
    dogbreed_tuner *steps = tuner_open(of, options, space, axes);
    assert_ok(dogbreed_tuner_listen(steps, NULL, watch_steps, NULL));
    assert_same_trials(trials_of(steps), whole);
    stored.storage = new_storage(of);
    for (stored.trials = 2; stored.trials < TRIALS; stored.trials += 3) {
        free(trials_of(tuner_open(of, &stored, space, axes)));
    }
    stored.trials = TRIALS;
    assert_same_trials(trials_of(tuner_open(of, &stored, space, axes)), whole);
    return whole;
}

static void every_way_of_training_is_the_same(void **state) {
    (void)state;
    dogbreed_tuner_options options = folded_options("", TRIALS);
    free(check_ways(&options, &f, NULL, 3));
}

// Pruners stop folds at once; early stopping of one fold ends the trial.
static void ends_are_the_same_too(void **state) {
    (void)state;
    static const char *const space[] = {"learning_rate=log:1e-5:0.5", "epochs=5..8"};
    dogbreed_tuner_options options = folded_options("", TRIALS);
    fixture early = f;
    options.pruner = DOGBREED_PRUNER_MEDIAN;
    options.objective = DOGBREED_OBJECTIVE_VAL_ACCURACY;
    char *pruned = check_ways(&options, &f, space, 2);
    assert_non_null(strstr(pruned, "PRUNED"));
    early.options.patience = 1;
    char *stopped = check_ways(&options, &early, space, 2);
    assert_string_not_equal(stopped, pruned);
    free(pruned);
    free(stopped);
}

static void whole_networks_have_folds_too(void **state) {
    (void)state;
    fixture whole = f;
    fixture_whole(&whole);
    static const char *const space[] = {"learning_rate=log:1e-3:0.1", "epochs=1..2"};
    dogbreed_tuner_options options = folded_options("", 3);
    dogbreed_tuner *tuner = tuner_open(&whole, &options, space, 2);
    memset(&all_heard, 0, sizeof all_heard);
    assert_ok(dogbreed_tuner_listen(tuner, NULL, watch, NULL));
    assert_ok(dogbreed_tuner_run(tuner));
    for (int64_t k = 0; k < 3; k++) {
        check_curve(tuner, k, DOGBREED_OBJECTIVE_VAL_LOSS);
    }
    dogbreed_tuner_destroy(tuner);
}

static void a_diverged_fold_fails_the_trial(void **state) {
    (void)state;
    static const char *const space[] = {"learning_rate=100,0.05"};
    fixture wild = f;
    wild.options.optimizer = DOGBREED_OPTIMIZER_SGD;
    wild.options.weight_decay = 10;
    wild.options.epochs = 40;
    dogbreed_tuner_options options = folded_options("", 2);
    options.sampler = DOGBREED_SAMPLER_GRID;
    options.startup = -1;
    dogbreed_tuner *tuner = tuner_open(&wild, &options, space, 1);
    assert_ok(dogbreed_tuner_run(tuner));
    assert_string_equal(trial_text(tuner, 0, "state"), "FAIL");
    assert_non_null(strstr(trial_text(tuner, 0, "reason"), "fold "));
    assert_string_equal(trial_text(tuner, 1, "state"), "COMPLETE");
    dogbreed_tuner_destroy(tuner);
}

// --- refusals

static void refusals(void **state) {
    (void)state;
    dogbreed_tuner *tuner = NULL;
    dogbreed_tuner_options options = folded_options("", 4);
    options.kfold = 1;
    assert_fails(dogbreed_tuner_create(&tuner, &options), DOGBREED_ERROR_INVALID_ARGUMENT,
                 "kfold: 1");
    options.kfold = 21;
    assert_fails(dogbreed_tuner_create(&tuner, &options), DOGBREED_ERROR_INVALID_ARGUMENT,
                 "kfold: 21");
    options.kfold = 5;
    options.objective = DOGBREED_OBJECTIVE_MAXIMIZE;
    assert_fails(dogbreed_tuner_create(&tuner, &options), DOGBREED_ERROR_INVALID_ARGUMENT, "kfold");
    fixture other;
    fixture_open(&other, 3, 2);
    options = folded_options("", 4);
    assert_ok(dogbreed_tuner_create(&tuner, &options));
    assert_fails(dogbreed_tuner_job(tuner, &f.model, f.train, other.valid, &f.options),
                 DOGBREED_ERROR_INVALID_ARGUMENT, "two splits of one dataset");
    assert_ok(dogbreed_tuner_job(tuner, &f.model, f.train, f.valid, &f.options));
    dogbreed_tuner_destroy(tuner);
    fixture_close(&other);
}

static void a_study_keeps_its_folds(void **state) {
    (void)state;
    const char *storage = new_storage(&f);
    dogbreed_tuner_options options = folded_options(storage, 2);
    free(trials_of(tuner_open(&f, &options, NULL, 3)));
    options.trials = 3;
    options.kfold = 0;
    dogbreed_tuner *tuner = tuner_open(&f, &options, NULL, 3);
    assert_fails(dogbreed_tuner_run(tuner), DOGBREED_ERROR_MISMATCH, "kfold");
    dogbreed_tuner_destroy(tuner);
}

static void memory_may_run_out_anywhere(void **state) {
    (void)state;
    dogbreed_tuner_options options = folded_options("", 2);
    int failures = 0;
    int step = getenv("DOGBREED_TEST_SHORT") == NULL ? 41 : 173;
    for (int i = 0, failed = 1; failed; i += step) {
        memory_fail_after(i);
        dogbreed_tuner *tuner = NULL;
        int rc = dogbreed_tuner_create(&tuner, &options);
        rc = rc < 0 ? rc : dogbreed_tuner_job(tuner, &f.model, f.train, f.valid, &f.options);
        rc = rc < 0 ? rc : dogbreed_tuner_run(tuner);
        dogbreed_tuner_destroy(tuner);
        failed = memory_restore();
        if (rc != DOGBREED_OK && !failed) {
            fail_msg("allocation %d: %s: %s", i, dogbreed_error_name(rc), dogbreed_error_message());
        }
        failures += rc < 0;
    }
    assert_true(failures > 5);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_value_is_that_of_all_pictures),
        cmocka_unit_test(every_way_of_training_is_the_same),
        cmocka_unit_test(ends_are_the_same_too),
        cmocka_unit_test(whole_networks_have_folds_too),
        cmocka_unit_test(a_diverged_fold_fails_the_trial),
        cmocka_unit_test(refusals),
        cmocka_unit_test(a_study_keeps_its_folds),
        cmocka_unit_test(memory_may_run_out_anywhere),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
