// Several programs run one study: the same trials as one of them alone, each trained once, whoever
// is killed; and what other programs do to a study.
#include "../trainer/worker.h"
#include "tuner_test.h"

#include "study/study.h"

#include <pthread.h>

enum { TRIALS = 14, WORKERS = 3 };

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

static dogbreed_tuner *shared(const fixture *data, const char *storage, int32_t workers) {
    dogbreed_tuner_options options = tuner_options(storage, TRIALS);
    options.workers = workers;
    return tuner_open(data, &options, NULL, 3);
}

typedef struct heard {
    int begun;           // trials that this worker trained
    int ended[TRIALS];   // events, by trial
    int pause;           // milliseconds of each epoch: so that workers meet
    int32_t stop_behind; // begun trials; 0: never
    int name;
    const char *root;
    dogbreed_tuner *tuner;
} heard;

static int hear(const dogbreed_trial_event *event, void *userdata) {
    heard *h = userdata;
    if (event->kind == DOGBREED_TRIAL_EVENT_BEGIN) {
        h->begun++;
    } else if (event->kind == DOGBREED_TRIAL_EVENT_EPOCH) {
        worker_sleep(h->pause);
    } else {
        h->ended[event->number]++;
    }
    if (h->stop_behind > 0 && h->begun >= h->stop_behind) {
        dogbreed_tuner_stop(h->tuner);
    }
    return 0;
}

// --- processes

static int begun_file(char *path, size_t size, const char *root, int number) {
    return snprintf(path, size, "%s/%d.begun", root, number);
}

// Waits, in its first trial, for the others to begin one too: each has its share of the first
// round then.
static int meet(dogbreed_trainer *trainer, int64_t number, void *userdata) {
    const heard *h = userdata;
    char path[400];
    (void)trainer;
    if (h->name == 0 || h->begun > 0) {
        return 0;
    }
    (void)number;
    (void)begun_file(path, sizeof path, h->root, h->name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fclose(file), 0);
    for (int i = 1; i <= WORKERS; i++) {
        (void)begun_file(path, sizeof path, h->root, i);
        for (int waits = 0; access(path, F_OK) != 0; waits++) {
            assert_true(waits < 6000);
            worker_sleep(10);
        }
    }
    return 0;
}

// Writes how many trials it has trained into a file of its own. name 1, 2 ...: those meet.
static int work(const char *root, const char *storage, const char *name) {
    fixture own;
    heard h = {.pause = 4, .root = root, .name = atoi(name)};
    char path[400];
    memset(&own, 0, sizeof own);
    (void)snprintf(own.root, sizeof own.root, "%s", root);
    fixture_open_data(&own);
    dogbreed_tuner *tuner = shared(&own, storage, WORKERS);
    assert_ok(dogbreed_tuner_listen(tuner, hear, meet, &h));
    int rc = dogbreed_tuner_run(tuner);
    if (rc < 0) {
        (void)fprintf(stderr, "%s\n", dogbreed_error_message());
    }
    dogbreed_tuner_destroy(tuner);
    fixture_close_data(&own);
    (void)snprintf(path, sizeof path, "%s/%s.count", root, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    (void)fprintf(file, "%d", h.begun);
    assert_int_equal(fclose(file), 0);
    return rc == DOGBREED_OK ? 0 : 1;
}

static int count_of(int number) {
    char path[400];
    int count = -1;
    (void)snprintf(path, sizeof path, "%s/%d.count", f.root, number);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    assert_int_equal(fscanf(file, "%d", &count), 1);
    assert_int_equal(fclose(file), 0);
    return count;
}

static void processes_make_the_same_study(void **state) {
    (void)state;
    const char *storage = new_storage(&f);
    pid_t pids[WORKERS];
    int sum = 0;
    for (int i = 0; i < WORKERS; i++) {
        char name[16];
        (void)snprintf(name, sizeof name, "%d", i + 1);
        pids[i] = worker_start(f.root, storage, name);
    }
    for (int i = 0; i < WORKERS; i++) {
        assert_int_equal(worker_wait(pids[i]), 0);
        assert_true(count_of(i + 1) > 0); // all of them have worked
        sum += count_of(i + 1);
    }
    assert_int_equal(sum, TRIALS); // none was trained twice
    assert_stored(tuner_small(&f, storage, TRIALS), whole);
}

// Whoever is killed at whatever moment: the others go on with what it was training.
static void killed_workers_change_nothing(void **state) {
    (void)state;
    char folder[300];
    char storage[320];
    dogb_rng rng;
    int kills = 0;
    (void)snprintf(folder, sizeof folder, "%s/killed", f.root);
    (void)snprintf(storage, sizeof storage, "%s/study.db", folder);
    dogb_rng_init(&rng, 30, DOGB_RNG_SYNTH, 0, 0);
    for (int tries = 0; kills < test_rounds(20) && tries < 400; tries++) {
        assert_ok(dogb_directory_make(folder));
        pid_t first = worker_start(f.root, storage, "first");
        pid_t second = worker_start(f.root, storage, "second");
        kills += !worker_kill(second, 1 + (int)(200.0 * dogb_rng_uniform(&rng)));
        second = worker_start(f.root, storage, "second");
        kills += !worker_kill(first, 1 + (int)(200.0 * dogb_rng_uniform(&rng)));
        assert_int_equal(worker_wait(second), 0);
        assert_stored(tuner_small(&f, storage, TRIALS), whole);
        assert_ok(dogb_directory_remove(folder));
    }
    assert_true(kills >= test_rounds(20));
}

// --- threads, each with a handle

static void *run_thread(void *userdata) {
    heard *h = userdata;
    assert_ok(dogbreed_tuner_listen(h->tuner, hear, NULL, h));
    assert_ok(dogbreed_tuner_run(h->tuner));
    return NULL;
}

static void every_worker_hears_of_every_end(void **state) {
    (void)state;
    const char *storage = new_storage(&f);
    heard h[WORKERS] = {{.pause = 4}, {.pause = 4}, {.pause = 4}};
    pthread_t threads[WORKERS];
    int begun = 0;
    for (int i = 0; i < WORKERS; i++) {
        h[i].tuner = shared(&f, storage, WORKERS);
        assert_int_equal(pthread_create(&threads[i], NULL, run_thread, &h[i]), 0);
    }
    for (int i = 0; i < WORKERS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        begun += h[i].begun;
    }
    assert_int_equal(begun, TRIALS);
    for (int i = 0; i < WORKERS; i++) {
        assert_stored(h[i].tuner, whole);
        for (int k = 0; k < TRIALS; k++) {
            assert_in_range(h[i].ended[k], 0, 1); // 0: it was over when the worker came
        }
    }
}

// A stopped worker gives its trials back, though its handle lives.
static void a_stopped_worker_leaves_its_trials(void **state) {
    (void)state;
    const char *storage = new_storage(&f);
    heard h = {.stop_behind = 5};
    h.tuner = shared(&f, storage, 1);
    assert_ok(dogbreed_tuner_listen(h.tuner, hear, NULL, &h));
    assert_fails(dogbreed_tuner_run(h.tuner), DOGBREED_ERROR_CANCELLED, "stopped");
    assert_same_trials(trials_of(shared(&f, storage, 1)), whole);
    assert_stored(h.tuner, whole);
}

// --- other programs

static const dogb_study_param foreign[] = {
    {"learning_rate", 0.25,
     "{\"name\": \"FloatDistribution\", \"attributes\": {\"step\": null, \"low\": 0.001, "
     "\"high\": 0.5, \"log\": true}}"},
    {"epochs", 2,
     "{\"name\": \"IntDistribution\", \"attributes\": {\"step\": 1, \"low\": 1, \"high\": 4, "
     "\"log\": false}}"}};

// A trial that Optuna runs is neither waited for nor trained.
static void trials_of_others_are_left_alone(void **state) {
    (void)state;
    const char *storage = new_storage(&f);
    free(trials_of(tuner_small(&f, storage, 4)));
    dogb_study *study = NULL;
    int64_t id = 0;
    dogb_study_conf conf = {.url = storage, .name = "study"};
    assert_ok(dogb_study_open(&study, &conf));
    assert_ok(dogb_study_add(study, &id, NULL, 4, DOGB_TRIAL_RUNNING, foreign, 2, NULL));
    dogbreed_tuner *tuner = tuner_small(&f, storage, 9);
    assert_ok(dogbreed_tuner_run(tuner));
    assert_int_equal(dogbreed_tuner_trial_count(tuner), 9);
    assert_string_equal(trial_text(tuner, 4, "state"), "RUNNING");
    for (int i = 0; i < 9; i++) {
        assert_true(i == 4 || strcmp(trial_text(tuner, i, "state"), "COMPLETE") == 0);
    }
    assert_ok(dogb_study_tell(study, id, DOGB_TRIAL_COMPLETE, 0.5));
    assert_int_equal(dogbreed_tuner_trial_count(tuner), 9); // looks again
    assert_string_equal(trial_text(tuner, 4, "state"), "COMPLETE");
    assert_true(trial_value(tuner, 4) == 0.5);
    dogb_study_close(study);
    dogbreed_tuner_destroy(tuner);
}

// Two programs that ask: numbers without gaps, each asked once, the queue first.
static void programs_ask_side_by_side(void **state) {
    (void)state;
    const char *storage = new_storage(&f);
    dogbreed_tuner_options options = tuner_options(storage, 100);
    options.objective = DOGBREED_OBJECTIVE_MINIMIZE;
    dogbreed_tuner *tuners[2] = {NULL, NULL};
    for (int i = 0; i < 2; i++) {
        assert_ok(dogbreed_tuner_create(&tuners[i], &options));
        assert_ok(dogbreed_tuner_add(tuners[i], "learning_rate=log:1e-3:0.5"));
        assert_ok(dogbreed_tuner_add(tuners[i], "epochs=1..4"));
    }
    for (int64_t k = 0; k < 20; k++) {
        dogbreed_tuner *tuner = tuners[(k / 2 + k) % 2];
        int64_t number = -1;
        char *params = NULL;
        if (k == 7) {
            dogb_study *study = NULL;
            dogb_study_conf conf = {.url = storage, .name = "study"};
            assert_ok(dogb_study_open(&study, &conf));
            assert_ok(dogb_study_add(study, NULL, NULL, 7, DOGB_TRIAL_WAITING, foreign, 1, NULL));
            dogb_study_close(study);
        }
        assert_ok(dogbreed_tuner_ask(tuner, &number, &params));
        assert_int_equal(number, k);
        assert_true((strstr(params, "0.25") != NULL) == (k == 7));
        dogbreed_free(params);
        assert_ok(dogbreed_tuner_tell(tuner, number, DOGBREED_TRIAL_COMPLETE, (double)k));
    }
    for (int i = 0; i < 2; i++) {
        assert_int_equal(dogbreed_tuner_trial_count(tuners[i]), 20);
        assert_true(trial_value(tuners[i], 19) == 19.0);
        dogbreed_tuner_destroy(tuners[i]);
    }
}

// Another job under the same name would make a list that follows from nothing.
static void another_job_is_refused(void **state) {
    (void)state;
    const char *storage = new_storage(&f);
    free(trials_of(tuner_small(&f, storage, 2)));
    fixture other = f;
    other.options.momentum = 0.8;
    dogbreed_tuner *tuner = tuner_small(&other, storage, 4);
    assert_fails(dogbreed_tuner_run(tuner), DOGBREED_ERROR_MISMATCH, "momentum");
    dogbreed_tuner_destroy(tuner);
    other = f;
    other.model.seed = 99;
    tuner = tuner_small(&other, storage, 4);
    assert_fails(dogbreed_tuner_run(tuner), DOGBREED_ERROR_MISMATCH, "seed");
    dogbreed_tuner_destroy(tuner);
    other = f;
    other.train = f.valid; // other pictures
    other.options.threads = 2;
    tuner = tuner_small(&other, storage, 4);
    assert_fails(dogbreed_tuner_run(tuner), DOGBREED_ERROR_MISMATCH, "train");
    dogbreed_tuner_destroy(tuner);
    other.train = f.train; // threads change nothing
    free(trials_of(tuner_small(&other, storage, 4)));
}

int main(int argc, char **argv) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(processes_make_the_same_study),
        cmocka_unit_test(killed_workers_change_nothing),
        cmocka_unit_test(every_worker_hears_of_every_end),
        cmocka_unit_test(a_stopped_worker_leaves_its_trials),
        cmocka_unit_test(trials_of_others_are_left_alone),
        cmocka_unit_test(programs_ask_side_by_side),
        cmocka_unit_test(another_job_is_refused),
    };
    if (argc > 4 && strcmp(argv[1], "worker") == 0) {
        return work(argv[2], argv[3], argv[4]);
    }
    return cmocka_run_group_tests(tests, set_up_whole, tear_down_whole);
}
