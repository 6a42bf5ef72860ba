// read.c - the trials of the storage: all of them when the study is opened, and later what other
// programs have added and ended.
#include "core/error.h"
#include "tuner/state.h"

#include <math.h>
#include <string.h>

int dogb_tuner_axis(const dogbreed_tuner *tuner, const char *name) {
    for (size_t i = 0; i < tuner->axis_count; i++) {
        if (strcmp(tuner->axes[i].name, name) == 0) {
            return (int)i;
        }
    }
    return -1;
}

// What is written beside the value (keep.c); other programs may have written anything.
static int take_attributes(dogb_trial *trial, dogbreed_tuner *tuner, const char *attributes) {
    dogb_arena scratch = {0};
    json_t *object = NULL;
    int rc = attributes == NULL
                 ? DOGBREED_OK
                 : dogb_json_parse(&object, &scratch, attributes, strlen(attributes), "attributes");
    if (rc == DOGBREED_OK && object != NULL) {
        const json_t *loss = json_object_get(object, "val_loss");
        const char *reason = json_string_value(json_object_get(object, "reason"));
        trial->loss = json_is_number(loss) ? json_number_value(loss) : (double)NAN;
        const char *worker = json_string_value(json_object_get(object, DOGB_TUNER_WORKER));
        trial->ours = dogb_trial_is_ours(worker, trial - tuner->trials);
        trial->reason = reason == NULL ? NULL : dogb_strdup(&tuner->arena, reason);
        rc = reason != NULL && trial->reason == NULL ? DOGBREED_ERROR_NO_MEMORY : DOGBREED_OK;
        const json_t *metrics = json_object_get(object, "metrics");
        if (rc == DOGBREED_OK && json_is_object(metrics)) {
            trial->metrics = dogb_json_text_in(&tuner->arena, metrics, 0);
            rc = trial->metrics == NULL ? DOGBREED_ERROR_NO_MEMORY : DOGBREED_OK;
        }
        const json_t *findings = json_object_get(object, DOGB_TUNER_FINDINGS);
        if (rc == DOGBREED_OK && json_is_array(findings)) {
            trial->findings = dogb_json_text_in(&tuner->arena, findings, 0);
            rc = trial->findings == NULL ? DOGBREED_ERROR_NO_MEMORY : DOGBREED_OK;
        }
    }
    dogb_arena_free(&scratch);
    return rc;
}

int dogb_tuner_trial_new(dogb_trial **out, dogbreed_tuner *tuner) {
    int rc = dogb_grow(&tuner->arena, &tuner->trials, &tuner->capacity, tuner->count,
                       sizeof *tuner->trials);
    double *values = dogb_alloc(&tuner->arena, tuner->axis_count, sizeof *values);
    if (rc < 0 || values == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    *out = &tuner->trials[tuner->count++];
    **out = (dogb_trial){.values = values,
                         .value = (double)NAN,
                         .loss = (double)NAN,
                         .start = (double)NAN,
                         .complete = (double)NAN};
    for (size_t i = 0; i < tuner->axis_count; i++) {
        values[i] = (double)NAN;
    }
    return DOGBREED_OK;
}

static int take(dogbreed_tuner *tuner, dogb_trial *trial, const dogb_study_trial *stored) {
    trial->id = stored->id;
    trial->state = stored->state;
    trial->value = stored->value;
    trial->start = stored->start;
    trial->complete = stored->complete;
    for (size_t i = 0; i < tuner->axis_count; i++) {
        trial->values[i] = (double)NAN;
    }
    int rc = take_attributes(trial, tuner, stored->attributes);
    rc = rc < 0 ? rc : dogb_queue_read(trial, tuner, stored->system);
    if (rc == DOGBREED_OK && trial->state == DOGB_TRIAL_WAITING && trial->fixed != NULL) {
        memcpy(trial->values, trial->fixed, tuner->axis_count * sizeof *trial->values);
    }
    for (int32_t i = 0; i < stored->param_count; i++) {
        int axis = dogb_tuner_axis(tuner, stored->params[i].name);
        if (axis >= 0) {
            trial->values[axis] = stored->params[i].value;
        }
    }
    trial->curve_count = 0;
    for (int32_t i = 0; rc == DOGBREED_OK && i < stored->curve_count; i++) {
        rc = dogb_grow(&tuner->arena, &trial->curve, &trial->curve_capacity, (size_t)i,
                       sizeof *trial->curve);
        if (rc == DOGBREED_OK) {
            trial->curve[trial->curve_count++] = stored->curve[i];
        }
    }
    return rc;
}

// Trials from a number on as they are stored; `tells`: the listener hears of those that have ended.
static int read(dogbreed_tuner *tuner, int64_t from, int32_t tells) {
    dogb_arena scratch = {0};
    const dogb_study_trial *stored = NULL;
    int64_t count = 0;
    int rc = dogb_study_trials_from(&stored, &count, tuner->study, &scratch, from);
    for (int64_t i = 0; rc == DOGBREED_OK && i < count; i++) {
        int64_t number = from + i;
        int is_new = number >= (int64_t)tuner->count;
        dogb_trial *trial = is_new ? NULL : &tuner->trials[number];
        int was_over = !is_new && dogb_trial_is_over(trial);
        rc = is_new ? dogb_tuner_trial_new(&trial, tuner) : DOGBREED_OK;
        rc = rc < 0 ? rc : take(tuner, trial, &stored[i]);
        if (rc < 0) {
            tuner->count -= (size_t)is_new;
        } else if (tells && !was_over && dogb_trial_is_over(trial)) {
            rc = dogb_tuner_tell(tuner, number, DOGBREED_TRIAL_EVENT_END, trial->curve_count);
        }
    }
    dogb_arena_free(&scratch);
    return rc;
}

int dogb_tuner_read(dogbreed_tuner *tuner) {
    return read(tuner, 0, 0);
}

int dogb_tuner_refresh(dogbreed_tuner *tuner) {
    int64_t from = 0;
    while (from < (int64_t)tuner->count && dogb_trial_is_over(&tuner->trials[from])) {
        from++;
    }
    return tuner->study == NULL ? DOGBREED_OK : read(tuner, from, 1);
}
