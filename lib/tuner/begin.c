// begin.c - a round begins: its trials are suggested and put into the storage. Those that another
// program has put into the study's queue (enqueue_trial in Optuna) are run in their turn: what it
// has fixed stays, the rest is suggested.
#include "core/clock.h"
#include "core/error.h"
#include "tuner/state.h"

#include <math.h>
#include <string.h>

static double internal(const dogb_distribution *d, const json_t *value) {
    for (size_t i = 0; i < json_array_size(d->choices); i++) {
        if (json_equal(json_array_get(d->choices, i), value)) {
            return (double)i;
        }
    }
    double number = json_is_number(value) ? json_number_value(value) : (double)NAN;
    return d->choices == NULL && dogb_distribution_contains(d, number) ? number : (double)NAN;
}

int dogb_queue_read(dogb_trial *trial, const dogbreed_tuner *tuner, const char *system) {
    dogb_arena scratch = {0};
    json_t *object = NULL;
    int rc = system == NULL ? DOGBREED_OK
                            : dogb_json_parse(&object, &scratch, system, strlen(system), "queue");
    const json_t *fixed = json_object_get(object, "fixed_params");
    for (size_t i = 0; rc == DOGBREED_OK && i < tuner->axis_count; i++) {
        const json_t *value = json_object_get(fixed, tuner->axes[i].name);
        trial->values[i] =
            value == NULL ? trial->values[i] : internal(&tuner->distributions[i], value);
    }
    dogb_arena_free(&scratch);
    return rc;
}

static int fill_queued(dogbreed_tuner *tuner, int64_t number) {
    dogb_arena scratch = {0};
    dogb_trial *trial = &tuner->trials[number];
    double *values = dogb_alloc(&scratch, tuner->axis_count, sizeof *values);
    int rc = values == NULL ? DOGBREED_ERROR_NO_MEMORY : dogb_tuner_suggest(values, tuner, number);
    for (size_t i = 0; rc == DOGBREED_OK && i < tuner->axis_count; i++) {
        trial->values[i] = isnan(trial->values[i]) ? values[i] : trial->values[i];
    }
    trial->start = dogb_clock_wall();
    dogb_arena_free(&scratch);
    return rc;
}

static int take_queued(dogbreed_tuner *tuner, int64_t number) {
    const dogb_trial *trial = &tuner->trials[number];
    int64_t taken = -1;
    int rc = dogb_study_take_waiting(tuner->study, NULL, &taken);
    if (rc == DOGBREED_OK && taken != number) {
        rc = dogb_fail(DOGBREED_ERROR_STATE,
                       "study %s: trial %lld came out of its queue, expected %lld; another process "
                       "is working on it",
                       tuner->options.study, (long long)taken, (long long)number);
    }
    for (size_t i = 0; rc == DOGBREED_OK && i < tuner->axis_count; i++) {
        dogb_study_param param = {tuner->axes[i].name, trial->values[i],
                                  tuner->distribution_texts[i]};
        rc = dogb_study_param_set(tuner->study, trial->id, &param);
    }
    return rc;
}

typedef struct beginning {
    int64_t from; // of the round
    int64_t to;
    int64_t before; // trials that the storage has
} beginning;

static int store_trials(dogbreed_tuner *tuner, void *userdata) {
    const beginning *b = userdata;
    int rc = DOGBREED_OK;
    for (int64_t k = b->from; rc == DOGBREED_OK && k < b->to; k++) {
        dogb_trial *trial = &tuner->trials[k];
        if (k >= b->before) {
            rc = dogb_keep_add(tuner, trial);
        } else if (trial->state == DOGB_TRIAL_WAITING) {
            rc = take_queued(tuner, k);
        }
    }
    return rc;
}

// The round's trials that are queued or not there yet, suggested one after the other, stored at
// once.
int dogb_tuner_begin(dogbreed_tuner *tuner, int64_t from, int64_t to) {
    beginning b = {from, to, (int64_t)tuner->count};
    dogb_trial *trial = NULL;
    int rc = DOGBREED_OK;
    for (int64_t k = from; rc == DOGBREED_OK && k < to; k++) {
        if (k >= b.before) {
            rc = dogb_tuner_next(&trial, tuner);
        } else if (tuner->trials[k].state == DOGB_TRIAL_WAITING) {
            rc = fill_queued(tuner, k);
        }
    }
    rc = rc < 0 ? rc : dogb_keep_batch(tuner, store_trials, &b);
    for (int64_t k = from; rc == DOGBREED_OK && k < to; k++) {
        trial = &tuner->trials[k];
        trial->state = trial->state == DOGB_TRIAL_WAITING ? DOGB_TRIAL_RUNNING : trial->state;
    }
    if (rc < 0) {
        tuner->count = (size_t)b.before;
    }
    return rc;
}
