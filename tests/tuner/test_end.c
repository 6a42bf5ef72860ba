// What ends trials and studies: pruners, failures, targets, patience, time, listeners, a grid that
// is used up.
#include "tuner_test.h"

#include "search/pruner.h"

// --- pruners

typedef struct curves { // of a study, smaller is better
    dogb_curve list[64];
    double values[64][8];
    int pruned;
} curves;

static void read_curves(curves *c, dogbreed_tuner *tuner, int64_t count) {
    memset(c, 0, sizeof *c);
    for (int64_t i = 0; i < count; i++) {
        json_t *object = trial_json(tuner, i);
        const json_t *curve = json_object_get(object, "curve");
        c->list[i] = (dogb_curve){
            .values = c->values[i], .number = i, .count = (int32_t)json_array_size(curve)};
        for (size_t k = 0; k < json_array_size(curve); k++) {
            c->values[i][k] = json_real_value(json_array_get(curve, k));
        }
        json_decref(object);
    }
}

// Each trial has stopped where its pruner says so after the curves of earlier rounds, and nowhere
// else.
static void check_pruned(curves *c, dogbreed_tuner *tuner, const dogb_pruner_conf *conf,
                         int32_t round, int64_t count) {
    read_curves(c, tuner, count);
    for (int64_t i = 0; i < count; i++) {
        int is_pruned = strcmp(trial_text(tuner, i, "state"), "PRUNED") == 0;
        int64_t epochs = atoi(strstr(trial_text(tuner, i, "params"), "\"epochs\": ") + 10);
        dogb_curve curve = c->list[i];
        int32_t whole = curve.count;
        assert_true(is_pruned ? whole < epochs : whole == epochs);
        for (curve.count = 1; curve.count <= whole && curve.count < epochs; curve.count++) {
            int stops = dogb_pruner_stops(conf, &curve, c->list, i / round * round);
            assert_int_equal(stops, is_pruned && curve.count == whole);
        }
        if (is_pruned) {
            assert_true(trial_value(tuner, i) == c->values[i][whole - 1]);
        }
        c->pruned += is_pruned;
    }
}

static void pruners_stop_trials(void **state) {
    (void)state;
    enum { COUNT = 30 };
    static const char *const space[] = {"learning_rate=log:1e-5:0.5", "epochs=3..7"};
    for (int32_t kind = DOGBREED_PRUNER_NONE; kind <= DOGBREED_PRUNER_HYPERBAND; kind++) {
        curves c;
        dogbreed_tuner_options options = tuner_options("", COUNT);
        dogb_pruner_conf conf = {.kind = kind, .max_resource = 7, .study = options.study};
        options.pruner = kind;
        options.sampler = DOGBREED_SAMPLER_QMC;
        options.round = 4;
        dogbreed_tuner *tuner = tuner_open(&f, &options, space, 2);
        assert_ok(dogbreed_tuner_run(tuner));
        check_pruned(&c, tuner, &conf, options.round, COUNT);
        char *first = trials_text(tuner);
        dogbreed_tuner_destroy(tuner);
        assert_int_equal(c.pruned > 0, kind != DOGBREED_PRUNER_NONE);
        assert_true(c.pruned < COUNT);
        // Interrupted inside rounds, the same trials are pruned.
        options.storage = new_storage(&f);
        for (options.trials = 2; options.trials < COUNT; options.trials += 5) {
            free(trials_of(tuner_open(&f, &options, space, 2)));
        }
        options.trials = COUNT;
        assert_same_trials(trials_of(tuner_open(&f, &options, space, 2)), first);
        free(first);
    }
}

// --- failures

static void a_diverged_trial_fails_alone(void **state) {
    (void)state;
    static const char *const space[] = {"learning_rate=100,0.05", "batch_size=4,8"};
    fixture wild = f;
    wild.options.optimizer = DOGBREED_OPTIMIZER_SGD;
    wild.options.weight_decay = 10;
    wild.options.epochs = 40;
    dogbreed_tuner_options options = tuner_options(new_storage(&f), 4);
    options.sampler = DOGBREED_SAMPLER_GRID;
    free(trials_of(tuner_open(&wild, &options, space, 2)));
    dogbreed_tuner *tuner = tuner_open(&wild, &options, space, 2); // as it is stored
    for (int i = 0; i < 4; i++) {
        int failed = i < 2;
        assert_string_equal(trial_text(tuner, i, "state"), failed ? "FAIL" : "COMPLETE");
        assert_int_equal(strstr(trial_text(tuner, i, "reason"), "may be too high") != NULL, failed);
        assert_int_equal(*trial_text(tuner, i, "value") == '\0', failed);
    }
    json_t *best = trial_json(tuner, -1);
    assert_true(json_integer_value(json_object_get(best, "number")) >= 2);
    json_decref(best);
    dogbreed_tuner_destroy(tuner);
}

static void a_study_of_failures_has_no_best(void **state) {
    (void)state;
    static const char *const space[] = {"learning_rate=100,90"};
    fixture wild = f;
    char *json = NULL;
    wild.options.optimizer = DOGBREED_OPTIMIZER_SGD;
    wild.options.weight_decay = 10;
    wild.options.epochs = 40;
    dogbreed_tuner_options options = tuner_options("", 3);
    dogbreed_tuner *tuner = tuner_open(&wild, &options, space, 1);
    assert_ok(dogbreed_tuner_run(tuner));
    assert_int_equal(dogbreed_tuner_trial_count(tuner), 3);
    assert_fails(dogbreed_tuner_trial(&json, tuner, -1), DOGBREED_ERROR_NOT_FOUND, "no trial");
    assert_null(json);
    dogbreed_tuner_destroy(tuner);
}

// --- ends of a study

static int64_t count_of(const dogbreed_tuner_options *options) {
    dogbreed_tuner *tuner = tuner_open(&f, options, NULL, 3);
    assert_ok(dogbreed_tuner_run(tuner));
    int64_t count = dogbreed_tuner_trial_count(tuner);
    dogbreed_tuner_destroy(tuner);
    return count;
}

static void a_target_ends_the_study(void **state) {
    (void)state;
    dogbreed_tuner_options options = tuner_options("", 12);
    dogbreed_tuner *tuner = tuner_open(&f, &options, NULL, 3);
    assert_ok(dogbreed_tuner_run(tuner));
    double target = trial_value(tuner, -1);
    int64_t first = 0;
    while (trial_value(tuner, first) > target) {
        first++;
    }
    dogbreed_tuner_destroy(tuner);
    assert_true(first < 12);
    options.target = target;
    assert_int_equal(count_of(&options), (first / 3 + 1) * 3); // its round is finished
    options.objective = DOGBREED_OBJECTIVE_VAL_ACCURACY;
    options.target = 0.01; // any accuracy reaches it
    assert_int_equal(count_of(&options), 3);
    options.target = 1.5; // none does
    assert_int_equal(count_of(&options), 12);
}

static void patience_ends_the_study(void **state) {
    (void)state;
    static const char *const space[] = {"learning_rate=log:1e-9:2e-9"}; // nothing is learnt
    dogbreed_tuner_options options = tuner_options("", 60);
    options.patience_trials = 4;
    options.round = 2;
    dogbreed_tuner *tuner = tuner_open(&f, &options, space, 1);
    assert_ok(dogbreed_tuner_run(tuner));
    assert_int_equal(dogbreed_tuner_trial_count(tuner), 6); // 1 and 4 more, to the end of a round
    dogbreed_tuner_destroy(tuner);
}

static void the_time_limit_ends_the_study(void **state) {
    (void)state;
    dogbreed_tuner_options options = tuner_options("", 100000);
    options.time_limit = 1e-9;
    assert_int_equal(count_of(&options), 0);
    options.time_limit = 0.2;
    int64_t count = count_of(&options);
    assert_true(count >= 3 && count < 100000);
}

static void converge_needs_an_expected_improvement(void **state) {
    (void)state;
    dogbreed_tuner *tuner = NULL;
    dogbreed_tuner_options options = tuner_options("", 10);
    options.converge = 1;
    assert_fails(dogbreed_tuner_create(&tuner, &options), DOGBREED_ERROR_INVALID_ARGUMENT,
                 "sampler gp");
    assert_null(tuner);
}

// Nothing is learnt: the process soon expects nothing of further trials.
static void a_converged_study_ends(void **state) {
    (void)state;
    static const char *const space[] = {"learning_rate=log:1e-9:2e-9"};
    dogbreed_tuner_options options = tuner_options("", 200);
    options.sampler = DOGBREED_SAMPLER_GP;
    options.converge = 1;
    dogbreed_tuner *tuner = tuner_open(&f, &options, space, 1);
    assert_ok(dogbreed_tuner_run(tuner));
    assert_true(dogbreed_tuner_trial_count(tuner) < 100);
    dogbreed_tuner_destroy(tuner);
}

// --- listeners

typedef struct heard {
    int32_t count[3];
    int32_t answer;
    int32_t at;   // kind of event that gets the answer
    int64_t last; // number of the last event
    int32_t epochs[64];
    int32_t bad;
} heard;

static int listen(const dogbreed_trial_event *event, void *userdata) {
    heard *h = userdata;
    int64_t done = event->done;
    h->count[event->kind]++;
    h->last = event->number;
    h->bad += event->struct_size != sizeof *event || event->params[0] != '{';
    h->bad += strstr(event->params, "\"learning_rate\"") == NULL;
    if (event->kind == DOGBREED_TRIAL_EVENT_EPOCH) {
        h->bad += event->epoch != ++h->epochs[event->number] || event->epoch > event->epochs;
        h->bad += !(event->value > 0);
    } else if (event->kind == DOGBREED_TRIAL_EVENT_END) {
        h->bad += event->state != DOGBREED_TRIAL_COMPLETE || event->best_number < 0;
        h->bad += event->best_value > event->value || done < h->count[event->kind];
    } else {
        h->bad += event->state != DOGBREED_TRIAL_RUNNING || event->epoch != 0;
    }
    return event->kind == h->at ? h->answer : 0;
}

static void listeners_hear_everything(void **state) {
    (void)state;
    heard h = {.at = -1};
    dogbreed_tuner *tuner = tuner_small(&f, "", 10);
    assert_ok(dogbreed_tuner_listen(tuner, listen, NULL, &h));
    assert_ok(dogbreed_tuner_run(tuner));
    assert_int_equal(h.bad, 0);
    assert_int_equal(h.count[DOGBREED_TRIAL_EVENT_BEGIN], 10);
    assert_int_equal(h.count[DOGBREED_TRIAL_EVENT_END], 10);
    int32_t epochs = 0;
    for (int i = 0; i < 10; i++) {
        epochs += atoi(strstr(trial_text(tuner, i, "params"), "\"epochs\": ") + 10);
    }
    assert_int_equal(h.count[DOGBREED_TRIAL_EVENT_EPOCH], epochs);
    dogbreed_tuner_destroy(tuner);
}

static void stop_ends_behind_the_round(void **state) {
    (void)state;
    for (int32_t kind = DOGBREED_TRIAL_EVENT_BEGIN; kind <= DOGBREED_TRIAL_EVENT_END; kind++) {
        heard h = {.at = kind, .answer = DOGBREED_STOP};
        dogbreed_tuner *tuner = tuner_small(&f, "", 10);
        assert_ok(dogbreed_tuner_listen(tuner, listen, NULL, &h));
        assert_ok(dogbreed_tuner_run(tuner));
        assert_int_equal(dogbreed_tuner_trial_count(tuner), 3);
        assert_int_equal(h.count[DOGBREED_TRIAL_EVENT_END], 3);
        dogbreed_tuner_destroy(tuner);
    }
}

static int refuse(dogbreed_trainer *trainer, int64_t number, void *userdata) {
    (void)trainer;
    (void)userdata;
    return number == 4 ? -5 : 0;
}

static void a_negative_answer_fails_the_run(void **state) {
    (void)state;
    char *whole = trials_of(tuner_small(&f, "", 10));
    for (int32_t kind = DOGBREED_TRIAL_EVENT_BEGIN; kind <= DOGBREED_TRIAL_EVENT_END; kind++) {
        heard h = {.at = kind, .answer = -7};
        dogbreed_tuner *tuner = tuner_small(&f, "", 10);
        assert_ok(dogbreed_tuner_listen(tuner, listen, NULL, &h));
        assert_fails(dogbreed_tuner_run(tuner), DOGBREED_ERROR_CALLBACK, "-7");
        assert_ok(dogbreed_tuner_listen(tuner, NULL, NULL, NULL));
        assert_same_trials(trials_of(tuner), whole); // it can go on
    }
    dogbreed_tuner *tuner = tuner_small(&f, "", 10);
    assert_ok(dogbreed_tuner_listen(tuner, NULL, refuse, NULL));
    assert_fails(dogbreed_tuner_run(tuner), DOGBREED_ERROR_CALLBACK, "trial 4");
    dogbreed_tuner_destroy(tuner);
    free(whole);
}

static int call_back(const dogbreed_trial_event *event, void *userdata) {
    dogbreed_tuner *tuner = userdata;
    int64_t number = 0;
    char *json = NULL;
    (void)event;
    assert_fails(dogbreed_tuner_run(tuner), DOGBREED_ERROR_STATE, "listener");
    assert_fails(dogbreed_tuner_ask(tuner, &number, &json), DOGBREED_ERROR_STATE, "ask");
    assert_fails(dogbreed_tuner_report(tuner, 0, 1, 0, NULL), DOGBREED_ERROR_STATE, "report");
    assert_fails(dogbreed_tuner_tell(tuner, 0, DOGBREED_TRIAL_COMPLETE, 0), DOGBREED_ERROR_STATE,
                 "tell");
    assert_ok(dogbreed_tuner_trial(&json, tuner, event->number)); // looking is fine
    dogbreed_free(json);
    return 0;
}

static void listeners_cannot_change_the_study(void **state) {
    (void)state;
    dogbreed_tuner *tuner = tuner_small(&f, "", 2);
    assert_ok(dogbreed_tuner_listen(tuner, call_back, NULL, tuner));
    assert_ok(dogbreed_tuner_run(tuner));
    assert_int_equal(dogbreed_tuner_trial_count(tuner), 2);
    dogbreed_tuner_destroy(tuner);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pruners_stop_trials),
        cmocka_unit_test(a_diverged_trial_fails_alone),
        cmocka_unit_test(a_study_of_failures_has_no_best),
        cmocka_unit_test(a_target_ends_the_study),
        cmocka_unit_test(patience_ends_the_study),
        cmocka_unit_test(the_time_limit_ends_the_study),
        cmocka_unit_test(converge_needs_an_expected_improvement),
        cmocka_unit_test(a_converged_study_ends),
        cmocka_unit_test(listeners_hear_everything),
        cmocka_unit_test(stop_ends_behind_the_round),
        cmocka_unit_test(a_negative_answer_fails_the_run),
        cmocka_unit_test(listeners_cannot_change_the_study),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
