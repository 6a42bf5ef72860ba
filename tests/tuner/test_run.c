// Studies that train: the same trials, bit for bit, however often and wherever a study is
// interrupted; each one's weights are those of its own training.
#include "../trainer/worker.h"
#include "tuner_test.h"

#include "study/study.h"
#include "trainer/trainer_internal.h"

enum { TRIALS = 14 };

static char *whole; // trials of the study that was left alone

static int set_up_whole(void **state) {
    (void)set_up(state);
    whole = trials_of(tuner_small(&f, "", TRIALS));
    return 0;
}

static int tear_down_whole(void **state) {
    free(whole);
    return tear_down(state);
}

static void a_stored_study_has_the_same_trials(void **state) {
    (void)state;
    const char *storage = new_storage(&f);
    assert_same_trials(trials_of(tuner_small(&f, storage, TRIALS)), whole);
    dogbreed_tuner *again = tuner_small(&f, storage, TRIALS);
    assert_same_trials(trials_text(again), whole); // read back
    assert_same_trials(trials_of(again), whole);   // nothing is left to do
}

static void parts_make_the_same_study(void **state) {
    (void)state;
    const char *storage = new_storage(&f);
    static const int32_t ends[] = {1, 5, 6, 13, TRIALS};
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        dogbreed_tuner *tuner = tuner_small(&f, storage, ends[i]);
        assert_ok(dogbreed_tuner_run(tuner));
        assert_int_equal(dogbreed_tuner_trial_count(tuner), ends[i]);
        dogbreed_tuner_destroy(tuner);
    }
    assert_stored(tuner_small(&f, storage, TRIALS), whole);
}

static void threads_change_nothing(void **state) {
    (void)state;
    fixture more = f;
    more.options.threads = 3;
    assert_same_trials(trials_of(tuner_small(&more, "", TRIALS)), whole);
}

static void the_seed_changes_the_study(void **state) {
    (void)state;
    dogbreed_tuner_options options = tuner_options("", TRIALS);
    options.seed = 2;
    char *other = trials_of(tuner_open(&f, &options, NULL, 3));
    assert_string_not_equal(other, whole);
    free(other);
}

// --- interruptions

typedef struct stopper {
    dogbreed_tuner *tuner;
    int32_t left; // events until it stops the study
    int32_t kind; // that are counted
} stopper;

static int stop_soon(const dogbreed_trial_event *event, void *userdata) {
    stopper *s = userdata;
    if (event->kind == s->kind && --s->left == 0) {
        dogbreed_tuner_stop(s->tuner);
    }
    return 0;
}

static void a_stopped_study_goes_on(void **state) {
    (void)state;
    for (int32_t kind = DOGBREED_TRIAL_EVENT_BEGIN; kind <= DOGBREED_TRIAL_EVENT_END; kind++) {
        const char *storage = new_storage(&f);
        int rc = DOGBREED_ERROR_CANCELLED;
        int32_t runs = 0;
        for (; rc == DOGBREED_ERROR_CANCELLED; runs++) {
            stopper s = {.left = 4 + runs, .kind = kind};
            assert_true(runs < 50);
            s.tuner = tuner_small(&f, storage, TRIALS);
            assert_ok(dogbreed_tuner_listen(s.tuner, stop_soon, NULL, &s));
            rc = dogbreed_tuner_run(s.tuner);
            dogbreed_tuner_destroy(s.tuner);
        }
        assert_ok(rc);
        assert_true(runs > 1);
        assert_stored(tuner_small(&f, storage, TRIALS), whole);
    }
}

// The same handle goes on, in memory too.
static void a_stopped_handle_goes_on(void **state) {
    (void)state;
    stopper s = {.left = 6, .kind = DOGBREED_TRIAL_EVENT_EPOCH};
    s.tuner = tuner_small(&f, "", TRIALS);
    assert_ok(dogbreed_tuner_listen(s.tuner, stop_soon, NULL, &s));
    assert_fails(dogbreed_tuner_run(s.tuner), DOGBREED_ERROR_CANCELLED, "stopped");
    assert_same_trials(trials_of(s.tuner), whole);
    s.tuner = tuner_small(&f, "", TRIALS);
    dogbreed_tuner_stop(s.tuner); // before it runs
    assert_fails(dogbreed_tuner_run(s.tuner), DOGBREED_ERROR_CANCELLED, "stopped");
    assert_int_equal(dogbreed_tuner_trial_count(s.tuner), 0);
    assert_same_trials(trials_of(s.tuner), whole);
}

static int stop_at_features(const dogbreed_event *event, void *userdata) {
    (void)event;
    dogbreed_tuner_stop(userdata);
    return 0;
}

static int watch_features(dogbreed_trainer *trainer, int64_t number, void *userdata) {
    (void)number;
    return dogbreed_trainer_subscribe(trainer, NULL, DOGBREED_EVENT_MASK(DOGBREED_EVENT_PROGRESS),
                                      stop_at_features, userdata);
}

static void a_stop_does_not_wait_for_features(void **state) {
    (void)state;
    char cache[400];
    fixture empty = f;
    (void)snprintf(cache, sizeof cache, "%s/cache2", f.root);
    empty.options.cache_dir = cache;
    dogbreed_tuner *tuner = tuner_small(&empty, "", TRIALS);
    assert_ok(dogbreed_tuner_listen(tuner, NULL, watch_features, tuner));
    assert_fails(dogbreed_tuner_run(tuner), DOGBREED_ERROR_CANCELLED, "stopped");
    assert_string_equal(trial_text(tuner, 0, "state"), "RUNNING");
    assert_ok(dogbreed_tuner_listen(tuner, NULL, NULL, NULL));
    assert_same_trials(trials_of(tuner), whole);
}

static int work(const char *root) {
    fixture own;
    char storage[300];
    memset(&own, 0, sizeof own);
    (void)snprintf(own.root, sizeof own.root, "%s", root);
    (void)snprintf(storage, sizeof storage, "%s/killed", root);
    assert_ok(dogb_directory_make(storage));
    (void)snprintf(storage, sizeof storage, "%s/killed/study.db", root);
    fixture_open_data(&own);
    dogbreed_tuner *tuner = tuner_small(&own, storage, TRIALS);
    int rc = dogbreed_tuner_run(tuner);
    dogbreed_tuner_destroy(tuner);
    fixture_close_data(&own);
    return rc == DOGBREED_OK ? 0 : 1;
}

static void a_killed_study_goes_on(void **state) {
    (void)state;
    char folder[300];
    char storage[320];
    dogb_rng rng;
    int kills = 0;
    (void)snprintf(folder, sizeof folder, "%s/killed", f.root);
    (void)snprintf(storage, sizeof storage, "%s/study.db", folder);
    double begin = dogb_clock();
    assert_int_equal(worker_wait(worker_start(f.root, "", "")), 0);
    double span = 1000.0 * (dogb_clock() - begin); // of a whole study, milliseconds
    dogb_rng_init(&rng, 20, DOGB_RNG_SYNTH, 0, 0);
    for (int tries = 0; kills < test_rounds(20) && tries < 400; tries++) {
        int wait = 1 + (int)(span * 0.7 * dogb_rng_uniform(&rng));
        if (worker_kill(worker_start(f.root, "", ""), wait)) {
            assert_stored(tuner_small(&f, storage, TRIALS), whole);
            assert_ok(dogb_directory_remove(folder));
        } else {
            kills++;
        }
    }
    assert_int_equal(kills, test_rounds(20));
    assert_int_equal(worker_wait(worker_start(f.root, "", "")), 0);
    assert_stored(tuner_small(&f, storage, TRIALS), whole);
}

// --- weights

typedef struct kept {
    dogbreed_trainer *trainer;
    int64_t number;
} kept;

static int hear_nothing(const dogbreed_event *event, void *userdata) {
    (void)event;
    (void)userdata;
    return 0;
}

static int save_at_end(const dogbreed_event *event, void *userdata) {
    const kept *k = userdata;
    char path[400];
    (void)event;
    (void)snprintf(path, sizeof path, "%s/kept%d.safetensors", f.root, (int)k->number);
    assert_ok(dogb_trainer_save_kept(k->trainer, path));
    return 0;
}

// Every third trial trains alone: somebody listens to its steps.
static int watch_trainer(dogbreed_trainer *trainer, int64_t number, void *userdata) {
    kept *k = (kept *)userdata + number;
    uint64_t mask = DOGBREED_EVENT_MASK(DOGBREED_EVENT_RUN_END);
    *k = (kept){trainer, number};
    int rc = dogbreed_trainer_subscribe(trainer, NULL, mask, save_at_end, k);
    mask = DOGBREED_EVENT_MASK(DOGBREED_EVENT_STEP_BEGIN);
    return rc < 0 || number % 3 != 1
               ? rc
               : dogbreed_trainer_subscribe(trainer, NULL, mask, hear_nothing, NULL);
}

static void weights_are_those_of_the_training_alone(void **state) {
    (void)state;
    kept k[TRIALS];
    dogbreed_tuner *tuner = tuner_small(&f, "", TRIALS);
    assert_ok(dogbreed_tuner_listen(tuner, NULL, watch_trainer, k));
    assert_ok(dogbreed_tuner_run(tuner));
    assert_same_trials(trials_text(tuner), whole);
    uint64_t sums[TRIALS];
    for (int i = 0; i < TRIALS; i++) {
        char path[400];
        dogbreed_trainer *trainer = NULL;
        dogbreed_model *alone = NULL;
        dogbreed_model *saved = NULL;
        (void)snprintf(path, sizeof path, "%s/kept%d.safetensors", f.root, i);
        assert_ok(dogbreed_model_load(&saved, path));
        assert_ok(dogbreed_tuner_trainer(&trainer, &alone, tuner, i));
        assert_ok(dogbreed_trainer_run(trainer));
        sums[i] = fixture_weights(alone);
        assert_true(sums[i] == fixture_weights(saved));
        assert_true(i == 0 || sums[i] != sums[i - 1]);
        dogbreed_trainer_destroy(trainer);
        dogbreed_model_destroy(alone);
        dogbreed_model_destroy(saved);
    }
    dogbreed_trainer *trainer = NULL;
    dogbreed_model *best = NULL;
    json_t *winner = trial_json(tuner, -1);
    int64_t number = json_integer_value(json_object_get(winner, "number"));
    json_decref(winner);
    assert_ok(dogbreed_tuner_trainer(&trainer, &best, tuner, -1));
    dogbreed_tuner_destroy(tuner); // the caller's own
    assert_ok(dogbreed_trainer_run(trainer));
    assert_true(fixture_weights(best) == sums[number]);
    dogbreed_trainer_destroy(trainer);
    dogbreed_model_destroy(best);
}

// Options of the model are searched too: those trials have networks of their own.
static void options_of_the_model_are_searched(void **state) {
    (void)state;
    static const char *const space[] = {"head=linear,mlp:5:0.2", "learning_rate=0.01,0.05",
                                        "optimizer=adam,sgd"};
    dogbreed_tuner_options options = tuner_options("", 100);
    options.sampler = DOGBREED_SAMPLER_GRID;
    dogbreed_tuner *tuner = tuner_open(&f, &options, space, 3);
    assert_ok(dogbreed_tuner_run(tuner));
    assert_int_equal(dogbreed_tuner_trial_count(tuner), 8); // the grid is used up
    for (int i = 0; i < 8; i++) {
        char wanted[100];
        (void)snprintf(wanted, sizeof wanted,
                       "{\"head\": \"%s\", \"learning_rate\": %s, \"optimizer\": \"%s\"}",
                       i < 4 ? "linear" : "mlp:5:0.2", i / 2 % 2 == 0 ? "0.01" : "0.05",
                       i % 2 == 0 ? "adam" : "sgd");
        assert_string_equal(trial_text(tuner, i, "params"), wanted);
        assert_string_equal(trial_text(tuner, i, "state"), "COMPLETE");
        dogbreed_trainer *trainer = NULL;
        dogbreed_model *model = NULL;
        char *metrics = NULL;
        assert_ok(dogbreed_tuner_trainer(&trainer, &model, tuner, i));
        assert_ok(dogbreed_trainer_run(trainer));
        assert_ok(dogbreed_trainer_metrics(&metrics, trainer));
        json_t *object = json_loads(metrics, 0, NULL);
        double best = json_real_value(json_object_get(json_object_get(object, "best"), "value"));
        assert_true(best == trial_value(tuner, i));
        json_decref(object);
        dogbreed_free(metrics);
        dogbreed_trainer_destroy(trainer);
        dogbreed_model_destroy(model);
    }
    assert_ok(dogbreed_tuner_run(tuner));
    assert_int_equal(dogbreed_tuner_trial_count(tuner), 8);
    dogbreed_tuner_destroy(tuner);
}

// A network that trains whole has no bank: the same study, one trial after the other.
static void whole_networks_are_searched(void **state) {
    (void)state;
    static const char *const space[] = {"learning_rate=log:1e-3:0.1", "epochs=1..3"};
    fixture net = f;
    fixture_whole(&net);
    dogbreed_tuner_options options = tuner_options("", 5);
    options.pruner = DOGBREED_PRUNER_MEDIAN;
    char *first = trials_of(tuner_open(&net, &options, space, 2));
    options.storage = new_storage(&f);
    int rc = DOGBREED_ERROR_CANCELLED;
    for (int32_t runs = 0; rc == DOGBREED_ERROR_CANCELLED && runs < 30; runs++) {
        stopper s = {.left = 2 + runs, .kind = DOGBREED_TRIAL_EVENT_EPOCH};
        s.tuner = tuner_open(&net, &options, space, 2);
        assert_ok(dogbreed_tuner_listen(s.tuner, stop_soon, NULL, &s));
        rc = dogbreed_tuner_run(s.tuner);
        dogbreed_tuner_destroy(s.tuner);
    }
    assert_ok(rc);
    assert_stored(tuner_open(&net, &options, space, 2), first);
    free(first);
}

// What Optuna's enqueue_trial leaves: some parameters fixed, the others open.
static void queued_trials_are_run(void **state) {
    (void)state;
    const char *storage = new_storage(&f);
    free(trials_of(tuner_small(&f, storage, 2)));
    dogb_study *study = NULL;
    dogb_study_conf conf = {.url = storage, .name = "study"};
    const dogb_study_param fixed[] = {
        {"learning_rate", 0.25,
         "{\"name\": \"FloatDistribution\", \"attributes\": {\"step\": null, \"low\": 0.001, "
         "\"high\": 0.5, \"log\": true}}"},
        {"batch_size", 2,
         "{\"name\": \"CategoricalDistribution\", \"attributes\": {\"choices\": [4, 8, 16]}}"}};
    assert_ok(dogb_study_open(&study, &conf));
    assert_ok(dogb_study_add(study, NULL, NULL, 2, DOGB_TRIAL_WAITING, fixed, 2, NULL));
    assert_ok(dogb_study_add(study, NULL, NULL, 3, DOGB_TRIAL_WAITING, fixed, 1, NULL));
    dogb_study_close(study);
    char *list = trials_of(tuner_small(&f, storage, 5));
    assert_stored(tuner_small(&f, storage, 5), list);
    dogbreed_tuner *tuner = tuner_small(&f, storage, 5);
    assert_int_equal(dogbreed_tuner_trial_count(tuner), 5);
    for (int i = 2; i < 4; i++) {
        const char *params = trial_text(tuner, i, "params");
        assert_string_equal(trial_text(tuner, i, "state"), "COMPLETE");
        assert_non_null(strstr(params, "\"learning_rate\": 0.25"));
        assert_non_null(strstr(params, i == 2 ? "\"batch_size\": 16" : "\"batch_size\": "));
        assert_non_null(strstr(params, "\"epochs\": "));
    }
    assert_null(strstr(trial_text(tuner, 4, "params"), "\"learning_rate\": 0.25"));
    dogbreed_tuner_destroy(tuner);
    free(list);
}

static void every_sampler_repeats_itself(void **state) {
    (void)state;
    for (int32_t sampler = DOGBREED_SAMPLER_RANDOM; sampler <= DOGBREED_SAMPLER_GP; sampler++) {
        static const char *const space[] = {"learning_rate=log:1e-3:0.5", "epochs=1..3"};
        static const char *const points[] = {"learning_rate=0.01,0.1", "epochs=1..3"};
        dogbreed_tuner_options options = tuner_options("", 6);
        options.sampler = sampler;
        const char *const *used = sampler == DOGBREED_SAMPLER_GRID ? points : space;
        char *once = trials_of(tuner_open(&f, &options, used, 2));
        options.storage = new_storage(&f);
        options.trials = 4;
        free(trials_of(tuner_open(&f, &options, used, 2)));
        options.trials = 6;
        assert_same_trials(trials_of(tuner_open(&f, &options, used, 2)), once);
        free(once);
    }
}

int main(int argc, char **argv) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_stored_study_has_the_same_trials),
        cmocka_unit_test(parts_make_the_same_study),
        cmocka_unit_test(threads_change_nothing),
        cmocka_unit_test(the_seed_changes_the_study),
        cmocka_unit_test(a_stopped_study_goes_on),
        cmocka_unit_test(a_stopped_handle_goes_on),
        cmocka_unit_test(a_stop_does_not_wait_for_features),
        cmocka_unit_test(a_killed_study_goes_on),
        cmocka_unit_test(weights_are_those_of_the_training_alone),
        cmocka_unit_test(options_of_the_model_are_searched),
        cmocka_unit_test(whole_networks_are_searched),
        cmocka_unit_test(queued_trials_are_run),
        cmocka_unit_test(every_sampler_repeats_itself),
    };
    if (argc > 2 && strcmp(argv[1], "worker") == 0) {
        return work(argv[2]);
    }
    return cmocka_run_group_tests(tests, set_up_whole, tear_down_whole);
}
