// tuner_test.h - small studies on the trainer's small pictures: how they are made, and their trials
// as text, bit for bit.
#ifndef DOGB_TEST_TUNER_TEST_H
#define DOGB_TEST_TUNER_TEST_H

#include "../trainer/fixture.h"

#include <dogbreed/tuner.h>

#include <jansson.h>

static const char *const small_space[] = {"learning_rate=log:1e-3:0.5", "batch_size=4,8,16",
                                          "epochs=1..4"};

// A loss tells more runs apart than the accuracy of twelve pictures.
static inline dogbreed_tuner_options tuner_options(const char *storage, int32_t trials) {
    dogbreed_tuner_options options;
    assert_ok(dogbreed_tuner_options_init(&options, sizeof options));
    options.trials = trials;
    options.storage = storage;
    options.sampler = DOGBREED_SAMPLER_TPE;
    options.startup = 4;
    options.pruner = DOGBREED_PRUNER_NONE;
    options.objective = DOGBREED_OBJECTIVE_VAL_LOSS;
    options.round = 3;
    return options;
}

// With the job of the fixture and `space` (small_space when NULL, count 3).
static inline dogbreed_tuner *tuner_open(const fixture *f, const dogbreed_tuner_options *options,
                                         const char *const *space, size_t count) {
    dogbreed_tuner *tuner = NULL;
    assert_ok(dogbreed_tuner_create(&tuner, options));
    space = space == NULL ? small_space : space;
    for (size_t i = 0; i < count; i++) {
        assert_ok(dogbreed_tuner_add(tuner, space[i]));
    }
    assert_ok(dogbreed_tuner_job(tuner, &f->model, f->train, f->valid, &f->options));
    return tuner;
}

static inline dogbreed_tuner *tuner_small(const fixture *f, const char *storage, int32_t trials) {
    dogbreed_tuner_options options = tuner_options(storage, trials);
    return tuner_open(f, &options, NULL, 3);
}

// A trial as JSON; the caller drops the reference.
static inline json_t *trial_json(dogbreed_tuner *tuner, int64_t number) {
    char *text = NULL;
    assert_ok(dogbreed_tuner_trial(&text, tuner, number));
    json_t *object = json_loads(text, 0, NULL);
    assert_non_null(object);
    dogbreed_free(text);
    return object;
}

static inline const char *trial_text(dogbreed_tuner *tuner, int64_t number, const char *key) {
    static char texts[8][512];
    static int next;
    char *text = texts[next++ & 7];
    json_t *object = trial_json(tuner, number);
    const json_t *value = json_object_get(object, key);
    if (json_is_string(value)) {
        (void)snprintf(text, sizeof texts[0], "%s", json_string_value(value));
    } else {
        char *dumped =
            value == NULL
                ? NULL
                : json_dumps(value, JSON_ENCODE_ANY | JSON_SORT_KEYS | JSON_REAL_PRECISION(15));
        (void)snprintf(text, sizeof texts[0], "%s", dumped == NULL ? "" : dumped);
        free(dumped);
    }
    json_decref(object);
    return text;
}

static inline double trial_value(dogbreed_tuner *tuner, int64_t number) {
    json_t *object = trial_json(tuner, number);
    double value = json_real_value(json_object_get(object, "value"));
    json_decref(object);
    return value;
}

// All trials without their times, one a line; numbers have 17 digits. Free with free.
// 1: texts of trials are without what rules found: for tests in which a rule may lack memory, which
// costs its findings and nothing else.
static int tuner_test_results_alone;

static inline char *trials_text(dogbreed_tuner *tuner) {
    int64_t count = dogbreed_tuner_trial_count(tuner);
    json_t *list = json_array();
    assert_true(count >= 0);
    for (int64_t i = 0; i < count; i++) {
        json_t *object = trial_json(tuner, i);
        (void)json_object_del(object, "start");
        (void)json_object_del(object, "complete");
        if (tuner_test_results_alone) {
            (void)json_object_del(object, "findings");
        }
        assert_int_equal(json_array_append_new(list, object), 0);
    }
    char *text = json_dumps(list, JSON_SORT_KEYS | JSON_REAL_PRECISION(17) | JSON_INDENT(1));
    json_decref(list);
    assert_non_null(text);
    return text;
}

// Runs a study to its end; its trials. Free with free.
static inline char *trials_of(dogbreed_tuner *tuner) {
    assert_ok(dogbreed_tuner_run(tuner));
    char *text = trials_text(tuner);
    dogbreed_tuner_destroy(tuner);
    return text;
}

static inline void assert_same_trials(char *found, const char *wanted) {
    if (strcmp(found, wanted) != 0) {
        size_t at = 0;
        while (found[at] == wanted[at]) {
            at++;
        }
        at = at > 200 ? at - 200 : 0;
        fail_msg("other trials: ...%.400s\nexpected: ...%.400s", found + at, wanted + at);
    }
    free(found);
}

// What its storage holds; the tuner is destroyed.
static inline void assert_stored(dogbreed_tuner *tuner, const char *wanted) {
    char *found = trials_text(tuner);
    dogbreed_tuner_destroy(tuner);
    assert_same_trials(found, wanted);
}

// Path of a new study's file in the fixture's folder. Static buffer.
static inline const char *new_storage(const fixture *f) {
    static char path[400];
    static int number;
    (void)snprintf(path, sizeof path, "%s/%d.db", f->root, number++);
    return path;
}

static fixture f; // of all tests of a program

static inline int set_up(void **state) {
    (void)state;
    fixture_open(&f, 12, 4);
    return 0;
}

static inline int tear_down(void **state) {
    (void)state;
    fixture_close(&f);
    return 0;
}

#endif
