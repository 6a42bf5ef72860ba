// Memory of a study: banks within a budget, and what becomes of trials when there is none left.
#include "../memory_limit.h"
#include "../out_of_memory.h"
#include "tuner_test.h"

#include "trainer/bank.h"

enum { TRIALS = 9, ROUND = 6 };

// Trials of one shape and length: side by side unless memory says otherwise.
static const char *const rates[] = {"learning_rate=log:1e-3:0.5"};

static dogbreed_tuner_options study_options(const char *storage) {
    dogbreed_tuner_options options = tuner_options(storage, TRIALS);
    options.round = ROUND;
    options.sampler = DOGBREED_SAMPLER_QMC;
    return options;
}

// --- what a listener hears

typedef struct heard {
    int32_t begun[TRIALS];
    int32_t epochs[TRIALS];
    int32_t ended[TRIALS];
    int32_t failed;
    int32_t now;  // trials between their first epoch and their end
    int32_t most; // of those at any time
    int32_t bad;
} heard;

static int listen(const dogbreed_trial_event *event, void *userdata) {
    heard *h = userdata;
    int64_t n = event->number;
    if (event->kind == DOGBREED_TRIAL_EVENT_BEGIN) {
        h->bad += h->begun[n]++ != 0;
    } else if (event->kind == DOGBREED_TRIAL_EVENT_EPOCH) {
        h->bad += !h->begun[n] || h->ended[n] || event->epoch != ++h->epochs[n];
        h->now += event->epoch == 1;
        h->most = h->now > h->most ? h->now : h->most;
    } else {
        h->bad += !h->begun[n] || h->ended[n]++ != 0;
        h->now -= h->epochs[n] > 0;
        h->failed += event->state == DOGBREED_TRIAL_FAIL;
        h->bad +=
            event->state == DOGBREED_TRIAL_FAIL && strstr(event->reason, "out of memory") == NULL;
    }
    return 0;
}

// Trials of a study that has so much memory left, and what its run returned.
static int run_heard(char **trials, heard *h, const fixture *own,
                     const dogbreed_tuner_options *options, size_t memory) {
    memory_watch watch;
    dogbreed_tuner *tuner = tuner_open(own, options, rates, 1);
    *h = (heard){.bad = 0};
    assert_ok(dogbreed_tuner_listen(tuner, listen, NULL, h));
    memory_limit(&watch, memory);
    int rc = dogbreed_tuner_run(tuner);
    memory_unlimited();
    *trials = trials_text(tuner);
    dogbreed_tuner_destroy(tuner);
    assert_int_equal(h->bad, 0);
    return rc;
}

// --- a budget

// Bytes of a bank of so many trials of that job.
static int64_t bytes_of(const fixture *own, int32_t count) {
    dogbreed_model *model = fixture_model(own);
    dogbreed_trainer *trainers[ROUND];
    for (int32_t i = 0; i < count; i++) {
        trainers[i] = fixture_trainer(own, model);
    }
    int64_t bytes = dogb_trainer_bank_bytes(trainers, count);
    for (int32_t i = 0; i < count; i++) {
        dogbreed_trainer_destroy(trainers[i]);
    }
    dogbreed_model_destroy(model);
    assert_true(bytes > 0);
    return bytes;
}

static void a_budget_changes_no_trial(void **state) {
    (void)state;
    dogbreed_tuner_options options = study_options("");
    char *whole = NULL;
    char *found = NULL;
    heard h;
    assert_ok(run_heard(&whole, &h, &f, &options, SIZE_MAX));
    assert_int_equal(h.most, ROUND);
    for (int32_t members = 1; members < ROUND; members++) {
        options.bank_bytes_max = bytes_of(&f, members);
        options.storage = new_storage(&f);
        assert_ok(run_heard(&found, &h, &f, &options, SIZE_MAX));
        assert_int_equal(h.most, members);
        assert_same_trials(found, whole);
        assert_stored(tuner_open(&f, &options, rates, 1), whole);
    }
    options.storage = "";
    options.bank_bytes_max = 1; // no trial keeps to it: each one trains
    assert_ok(run_heard(&found, &h, &f, &options, SIZE_MAX));
    assert_int_equal(h.most, 1);
    assert_same_trials(found, whole);
    free(whole);
}

// Pruners see the curves of earlier rounds, whatever trains beside a trial.
static void a_budget_changes_no_pruning(void **state) {
    (void)state;
    static const char *const space[] = {"learning_rate=log:1e-5:0.5", "epochs=3..7",
                                        "batch_size=4,8"};
    dogbreed_tuner_options options = study_options("");
    options.trials = 30;
    options.round = 4;
    options.sampler = DOGBREED_SAMPLER_TPE;
    options.pruner = DOGBREED_PRUNER_ASHA;
    char *whole = trials_of(tuner_open(&f, &options, space, 3));
    assert_non_null(strstr(whole, "PRUNED"));
    for (int32_t members = 1; members < 4; members++) {
        options.bank_bytes_max = bytes_of(&f, members);
        assert_same_trials(trials_of(tuner_open(&f, &options, space, 3)), whole);
    }
    free(whole);
}

// --- no memory

// Large beside what the study itself needs.
static fixture large(void) {
    fixture wide = f;
    wide.model.head = "mlp:3000";
    return wide;
}

// Trials that ended as without a limit; the others have failed for want of memory.
static int32_t same_ones(const char *found, const char *wanted) {
    json_t *a = json_loads(found, 0, NULL);
    json_t *b = json_loads(wanted, 0, NULL);
    int32_t same = 0;
    assert_int_equal(json_array_size(a), json_array_size(b));
    for (size_t i = 0; i < json_array_size(a); i++) {
        const json_t *one = json_array_get(a, i);
        const char *reason = json_string_value(json_object_get(one, "reason"));
        if (reason == NULL) {
            assert_true(json_equal(one, json_array_get(b, i)));
            same++;
        } else {
            assert_non_null(strstr(reason, "out of memory"));
            assert_string_equal(json_string_value(json_object_get(one, "state")), "FAIL");
        }
    }
    json_decref(a);
    json_decref(b);
    return same;
}

// The less memory there is, the fewer train at a time; the trials are the same.
static void short_of_memory_fewer_train_at_a_time(void **state) {
    (void)state;
    fixture wide = large();
    dogbreed_tuner_options options = study_options("");
    options.bank_bytes_max = 1LL << 40;
    char *whole = NULL;
    heard h;
    int32_t seen[ROUND + 1] = {0};
    int32_t refused = 0;
    int32_t failed = 0;
    assert_ok(run_heard(&whole, &h, &wide, &options, SIZE_MAX));
    size_t need = (size_t)bytes_of(&wide, ROUND);
    for (size_t part = 24; part > 0; part -= part > 8 ? 4 : 1) {
        char *found = NULL;
        options.storage = new_storage(&f);
        int rc = run_heard(&found, &h, &wide, &options, need * part / 16);
        if (rc < 0) { // not even one
            assert_int_equal(rc, DOGBREED_ERROR_NO_MEMORY);
            assert_int_equal(h.failed, 0);
            refused++;
            free(found);
            assert_same_trials(trials_of(tuner_open(&wide, &options, rates, 1)), whole);
        } else {
            int32_t same = same_ones(found, whole);
            seen[h.most]++;
            failed += TRIALS - same;
            assert_int_equal(h.failed, TRIALS - same);
            assert_stored(tuner_open(&wide, &options, rates, 1), found);
            free(found);
        }
    }
    print_message("# most at a time: 6: %d, 3: %d, 2: %d, 1: %d, none: %d; failed %d\n", seen[6],
                  seen[3], seen[2], seen[1], refused, failed);
    assert_true(seen[ROUND] > 0 && seen[3] > 0 && refused > 0);
    free(whole);
}

// Folds of a trial are together in a bank, and where even that is too much one after the other.
static void folds_are_the_same_with_less_memory(void **state) {
    (void)state;
    fixture wide = large();
    dogbreed_tuner_options options = study_options("");
    options.kfold = 3;
    options.bank_bytes_max = 1LL << 40;
    char *whole = NULL;
    heard h;
    int32_t fewer = 0;
    assert_ok(run_heard(&whole, &h, &wide, &options, SIZE_MAX));
    assert_int_equal(h.most, ROUND);
    size_t need = 3 * (size_t)bytes_of(&wide, ROUND);
    for (size_t part = 16; part > 0; part -= part > 6 ? 5 : 1) {
        char *found = NULL;
        int rc = run_heard(&found, &h, &wide, &options, need * part / 16);
        fewer += rc == DOGBREED_OK && h.most < ROUND;
        if (rc == DOGBREED_OK) {
            (void)same_ones(found, whole);
        }
        free(found);
    }
    assert_true(fewer > 1);
    options.bank_bytes_max = 1;
    char *small = NULL;
    assert_ok(run_heard(&small, &h, &wide, &options, SIZE_MAX));
    assert_int_equal(h.most, 1);
    assert_same_trials(small, whole);
    free(whole);
}

// A trial that is too large even alone is a failure; those beside it are as without it.
static void a_trial_too_large_fails_alone(void **state) {
    (void)state;
    static const char *const space[] = {"head=mlp:8,mlp:60000", "learning_rate=0.01,0.05,0.1"};
    dogbreed_tuner_options options = study_options(new_storage(&f));
    options.trials = 6;
    options.sampler = DOGBREED_SAMPLER_GRID;
    memory_watch watch;
    heard h = {.bad = 0};
    dogbreed_tuner *tuner = tuner_open(&f, &options, space, 2);
    assert_ok(dogbreed_tuner_listen(tuner, listen, NULL, &h));
    memory_limit(&watch, 8 << 20);
    int rc = dogbreed_tuner_run(tuner);
    memory_unlimited();
    assert_ok(rc);
    char *found = trials_text(tuner);
    dogbreed_tuner_destroy(tuner);
    assert_stored(tuner_open(&f, &options, space, 2), found);
    options.storage = "";
    char *whole = trials_of(tuner_open(&f, &options, space, 2));
    assert_int_equal(same_ones(found, whole), 3);
    assert_int_equal(h.bad, 0);
    assert_int_equal(h.failed, 3);
    free(whole);
    free(found);
}

static void run_short(const dogbreed_tuner_options *options, int code) {
    memory_watch watch;
    fixture wide = large();
    dogbreed_tuner *tuner = tuner_open(&wide, options, rates, 1);
    memory_limit(&watch, 1 << 20);
    int rc = dogbreed_tuner_run(tuner);
    memory_unlimited();
    assert_int_equal(rc, code);
    assert_true(rc == DOGBREED_OK || strstr(dogbreed_error_message(), "trial 6: ") != NULL);
    dogbreed_tuner_destroy(tuner);
}

// Who has brought no trial to an end leaves the study and its trials to others, who may have more.
static void a_worker_without_memory_leaves(void **state) {
    (void)state;
    fixture wide = large();
    dogbreed_tuner_options options = study_options(new_storage(&f));
    char *whole = trials_of(tuner_small(&f, "", 1)); // the pictures' features are there
    free(whole);
    options.trials = ROUND;
    free(trials_of(tuner_open(&wide, &options, rates, 1)));
    options.trials = TRIALS;
    options.workers = 2;
    run_short(&options, DOGBREED_ERROR_NO_MEMORY);
    options.workers = 1;
    char *found = trials_of(tuner_open(&wide, &options, rates, 1));
    dogbreed_tuner_options plain = study_options("");
    assert_same_trials(found, whole = trials_of(tuner_open(&wide, &plain, rates, 1)));
    free(whole);
}

// The same study alone: it has trained trials, so those that it cannot train have failed.
static void a_study_that_has_trained_goes_on(void **state) {
    (void)state;
    fixture wide = large();
    dogbreed_tuner_options options = study_options(new_storage(&f));
    options.trials = ROUND;
    char *first = trials_of(tuner_open(&wide, &options, rates, 1));
    options.trials = TRIALS;
    run_short(&options, DOGBREED_OK);
    dogbreed_tuner *tuner = tuner_open(&wide, &options, rates, 1);
    for (int i = 0; i < TRIALS; i++) {
        assert_string_equal(trial_text(tuner, i, "state"), i < ROUND ? "COMPLETE" : "FAIL");
    }
    dogbreed_tuner_destroy(tuner);
    free(first);
}

// Whichever allocation fails: the run ends with that, or the trials are as ever. Nothing is lost.
static void one_failing_allocation_changes_no_trial(void **state) {
    (void)state;
    dogbreed_tuner_options options = study_options("");
    options.trials = ROUND;
    heard h;
    char *whole = NULL;
    tuner_test_results_alone = 1;
    int32_t ended = 0;
    int32_t lived = 0;
    assert_ok(run_heard(&whole, &h, &f, &options, SIZE_MAX));
    int failed = 1;
    for (int count = 0; failed; count += 1 + count / 25) {
        dogbreed_tuner *tuner = tuner_open(&f, &options, rates, 1);
        h = (heard){.bad = 0};
        assert_ok(dogbreed_tuner_listen(tuner, listen, NULL, &h));
        memory_fail_after(count);
        int rc = dogbreed_tuner_run(tuner);
        failed = memory_restore();
        assert_int_equal(h.bad + h.failed, 0);
        if (rc < 0) {
            assert_int_equal(rc, DOGBREED_ERROR_NO_MEMORY);
            ended++;
            assert_ok(dogbreed_tuner_listen(tuner, NULL, NULL, NULL));
            assert_same_trials(trials_of(tuner), whole);
            continue;
        }
        lived += failed;
        char *found = trials_text(tuner);
        dogbreed_tuner_destroy(tuner);
        assert_same_trials(found, whole);
    }
    print_message("# %d runs ended, %d went on\n", ended, lived);
    assert_true(ended > 0 && lived > ended);
    tuner_test_results_alone = 0;
    free(whole);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_budget_changes_no_trial),
        cmocka_unit_test(a_budget_changes_no_pruning),
        cmocka_unit_test(short_of_memory_fewer_train_at_a_time),
        cmocka_unit_test(folds_are_the_same_with_less_memory),
        cmocka_unit_test(a_trial_too_large_fails_alone),
        cmocka_unit_test(a_worker_without_memory_leaves),
        cmocka_unit_test(a_study_that_has_trained_goes_on),
        cmocka_unit_test(one_failing_allocation_changes_no_trial),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
