// enqueue.c - trials that somebody wants to see: they wait in the study's queue, as Optuna's
// enqueue_trial leaves them, and are run in their turn (begin.c, ask.c).
#include "core/error.h"
#include "tuner/state.h"

#include <math.h>
#include <string.h>

int dogb_queue_read(dogb_trial *trial, dogbreed_tuner *tuner, const char *system) {
    static const char KEY[] = "fixed_params";
    dogb_arena scratch = {0};
    json_t *object = NULL;
    if (system == NULL || strstr(system, KEY) == NULL) {
        return DOGBREED_OK;
    }
    int rc = dogb_json_parse(&object, &scratch, system, strlen(system), "queue");
    const json_t *fixed = rc < 0 ? NULL : json_object_get(object, KEY);
    if (json_is_object(fixed) && trial->fixed == NULL) {
        trial->fixed = dogb_alloc(&tuner->arena, tuner->axis_count, sizeof *trial->fixed);
        rc = trial->fixed == NULL ? DOGBREED_ERROR_NO_MEMORY : rc;
    }
    for (size_t i = 0; rc == DOGBREED_OK && trial->fixed != NULL && i < tuner->axis_count; i++) {
        const json_t *value = json_object_get(fixed, tuner->axes[i].name);
        trial->fixed[i] = value == NULL
                              ? (double)NAN
                              : dogb_distribution_internal(&tuner->distributions[i], value);
    }
    dogb_arena_free(&scratch);
    return rc;
}

static int refuse_value(const dogb_axis *axis, const json_t *value, dogb_arena *scratch) {
    const char *text = dogb_json_text_in(scratch, value, JSON_ENCODE_ANY);
    text = text == NULL ? "" : text;
    return axis->kind == DOGB_AXIS_CHOICE
               ? dogb_fail(DOGBREED_ERROR_INVALID_ARGUMENT,
                           "enqueue: %s: %s is none of its %d choices", axis->name, text,
                           (int)axis->choice_count)
               : dogb_fail(DOGBREED_ERROR_INVALID_ARGUMENT,
                           "enqueue: %s: %s is out of range, expected %s%.15g to %.15g", axis->name,
                           text, axis->kind == DOGB_AXIS_INT ? "a whole number, " : "", axis->low,
                           axis->high);
}

static int read_values(double *values, const dogbreed_tuner *tuner, const json_t *object,
                       dogb_arena *scratch) {
    const char *name = NULL;
    json_t *value = NULL;
    DOGB_CHECK(json_object_size(object) > 0,
               "enqueue: expected an object with a value for at least one parameter, such as "
               "{\"learning_rate\": 0.01}");
    for (size_t i = 0; i < tuner->axis_count; i++) {
        values[i] = (double)NAN;
    }
    json_object_foreach((json_t *)(uintptr_t)object, name, value) {
        int axis = dogb_tuner_axis(tuner, name);
        DOGB_CHECK(axis >= 0, "enqueue: %s is no parameter of the study", name);
        values[axis] = dogb_distribution_internal(&tuner->distributions[axis], value);
        if (isnan(values[axis])) {
            return refuse_value(&tuner->axes[axis], value, scratch);
        }
    }
    return DOGBREED_OK;
}

// Whether a trial has been asked for with just these values.
static int is_there(const dogbreed_tuner *tuner, const double *values) {
    for (size_t k = 0; k < tuner->count; k++) {
        const double *fixed = tuner->trials[k].fixed;
        size_t i = 0;
        while (fixed != NULL && i < tuner->axis_count &&
               (fixed[i] == values[i] || (isnan(fixed[i]) && isnan(values[i])))) {
            i++;
        }
        if (fixed != NULL && i == tuner->axis_count) {
            return 1;
        }
    }
    return 0;
}

// Into the storage, from where the next look takes it. EXISTS: another program was faster.
static int add_stored(dogbreed_tuner *tuner, const double *values, dogb_arena *scratch) {
    int32_t count = 0;
    dogb_study_param *params = dogb_alloc(scratch, tuner->axis_count, sizeof *params);
    if (params == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    for (size_t i = 0; i < tuner->axis_count; i++) {
        if (!isnan(values[i])) {
            params[count++] =
                (dogb_study_param){tuner->axes[i].name, values[i], tuner->distribution_texts[i]};
        }
    }
    return dogb_study_add(tuner->study, NULL, NULL, (int64_t)tuner->count, DOGB_TRIAL_WAITING,
                          params, count, NULL);
}

static int add_alone(dogbreed_tuner *tuner, const double *values) {
    dogb_trial *trial = NULL;
    size_t bytes = tuner->axis_count * sizeof *values;
    double *fixed = dogb_alloc(&tuner->arena, tuner->axis_count, sizeof *values);
    int rc = fixed == NULL ? DOGBREED_ERROR_NO_MEMORY : dogb_tuner_trial_new(&trial, tuner);
    if (rc == DOGBREED_OK) {
        memcpy(fixed, values, bytes);
        memcpy(trial->values, values, bytes);
        trial->fixed = fixed;
        trial->state = DOGB_TRIAL_WAITING;
    }
    return rc;
}

static int enqueue(dogbreed_tuner *tuner, const double *values, dogb_arena *scratch) {
    int rc = DOGBREED_OK;
    do {
        rc = dogb_tuner_refresh(tuner);
        if (rc < 0 || is_there(tuner, values)) {
            return rc;
        }
        rc = tuner->study == NULL ? add_alone(tuner, values) : add_stored(tuner, values, scratch);
    } while (rc == DOGBREED_ERROR_EXISTS);
    return rc < 0 || tuner->study == NULL ? rc : dogb_tuner_refresh(tuner);
}

int dogbreed_tuner_enqueue(dogbreed_tuner *tuner, const char *json) {
    DOGB_CHECK(tuner != NULL, "tuner: is NULL");
    DOGB_CHECK(json != NULL, "json: is NULL");
    dogb_arena scratch = {0};
    json_t *object = NULL;
    double *values = NULL;
    int rc = dogb_tuner_check_idle(tuner, "enqueue");
    rc = rc < 0 ? rc : dogb_tuner_open(tuner);
    rc = rc < 0 ? rc : dogb_json_parse(&object, &scratch, json, strlen(json), "enqueue");
    if (rc == DOGBREED_OK) {
        values = dogb_alloc(&scratch, tuner->axis_count, sizeof *values);
        rc = values == NULL ? DOGBREED_ERROR_NO_MEMORY
                            : read_values(values, tuner, object, &scratch);
    }
    rc = rc < 0 ? rc : enqueue(tuner, values, &scratch);
    dogb_arena_free(&scratch);
    return rc;
}
