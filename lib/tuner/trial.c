// trial.c - one trial: its values as text and JSON, its curve, which of two is better, whether it
// goes on.
#include "core/error.h"
#include "core/number.h"
#include "tuner/state.h"

#include <math.h>
#include <stdio.h>

double dogb_tuner_sign(const dogbreed_tuner *tuner) {
    return tuner->maximize ? -1.0 : 1.0;
}

int dogb_trial_is_over(const dogb_trial *trial) {
    return trial->state != DOGB_TRIAL_RUNNING && trial->state != DOGB_TRIAL_WAITING;
}

int dogb_trial_better(const dogbreed_tuner *tuner, const dogb_trial *a, const dogb_trial *b) {
    double gain = dogb_tuner_sign(tuner) * (b->value - a->value);
    if (gain != 0) {
        return gain > 0;
    }
    return a->loss < b->loss; // false for NaN: the earlier one stays
}

int64_t dogb_tuner_best(const dogbreed_tuner *tuner) {
    int64_t best = -1;
    for (size_t i = 0; i < tuner->count; i++) {
        const dogb_trial *trial = &tuner->trials[i];
        if (trial->state == DOGB_TRIAL_COMPLETE && !isnan(trial->value) &&
            (best < 0 || dogb_trial_better(tuner, trial, &tuner->trials[best]))) {
            best = (int64_t)i;
        }
    }
    return best;
}

int64_t dogb_tuner_done(const dogbreed_tuner *tuner) {
    int64_t done = 0;
    for (size_t i = 0; i < tuner->count; i++) {
        done += dogb_trial_is_over(&tuner->trials[i]);
    }
    return done;
}

int dogb_trial_has_value(const dogb_trial *trial, int pruned) {
    return isfinite(trial->value) &&
           (trial->state == DOGB_TRIAL_COMPLETE || (pruned && trial->state == DOGB_TRIAL_PRUNED));
}

const char *dogb_trial_state_name(int32_t state) {
    static const char *const names[] = {"RUNNING", "COMPLETE", "PRUNED", "FAIL", "WAITING"};
    return names[state];
}

char *dogb_trial_text(dogb_arena *arena, const dogb_axis *axis, double value) {
    if (axis->kind == DOGB_AXIS_CHOICE) {
        int32_t index = (int32_t)value;
        return index < 0 || index >= axis->choice_count ? dogb_strdup(arena, "")
                                                        : dogb_strdup(arena, axis->choices[index]);
    }
    if (axis->kind == DOGB_AXIS_INT) {
        return dogb_format(arena, "%lld", (long long)value);
    }
    char text[40];
    dogb_number_text(text, value);
    return dogb_strdup(arena, text);
}

int dogb_trial_fail(dogbreed_tuner *tuner, int64_t number, const char *reason) {
    dogb_trial *trial = &tuner->trials[number];
    trial->state = DOGB_TRIAL_FAIL;
    trial->reason = dogb_strdup(&tuner->arena, reason);
    return trial->reason == NULL ? DOGBREED_ERROR_NO_MEMORY : DOGBREED_OK;
}

int dogb_trial_spared(int code) {
    return code == DOGBREED_ERROR_NO_MEMORY || code == DOGBREED_ERROR_IO ||
           code == DOGBREED_ERROR_DEVICE || code == DOGBREED_ERROR_NETWORK;
}

int dogb_trial_lacks(int code) {
    return code == DOGBREED_ERROR_NO_MEMORY || code == DOGBREED_ERROR_DEVICE_MEMORY;
}

int dogb_trial_cells(dogb_buffer *csv, dogb_arena *arena, const dogbreed_tuner *tuner,
                     const dogb_trial *trial) {
    for (size_t i = 0; i < tuner->axis_count; i++) {
        const char *text = isnan(trial->values[i])
                               ? ""
                               : dogb_trial_text(arena, &tuner->axes[i], trial->values[i]);
        if (text == NULL) {
            return DOGBREED_ERROR_NO_MEMORY;
        }
        dogb_buffer_cell(csv, text);
    }
    return csv->rc;
}

// Values as Optuna shows them: words that are numbers are numbers.
int dogb_trial_params(json_t *object, const dogbreed_tuner *tuner, const dogb_trial *trial) {
    int rc = DOGBREED_OK;
    for (size_t i = 0; rc == DOGBREED_OK && i < tuner->axis_count; i++) {
        if (!isnan(trial->values[i])) {
            rc = dogb_json_set(
                object, tuner->axes[i].name,
                dogb_distribution_external(&tuner->distributions[i], trial->values[i]));
        }
    }
    return rc;
}

int dogb_trial_report(dogbreed_tuner *tuner, int64_t number, double value) {
    dogb_trial *trial = &tuner->trials[number];
    int rc = dogb_grow(&tuner->arena, &trial->curve, &trial->curve_capacity,
                       (size_t)trial->curve_count, sizeof *trial->curve);
    if (rc == DOGBREED_OK) {
        trial->curve[trial->curve_count++] = value;
    }
    return rc;
}

// Curves of earlier rounds: which trials of its own round train before it or beside it depends on
// their banks, and on where an interrupted round goes on.
int dogb_trial_prune(const dogbreed_tuner *tuner, int64_t number) {
    dogb_arena scratch = {0};
    const dogb_trial *trial = &tuner->trials[number];
    int64_t seen = number / tuner->round * tuner->round;
    size_t floats = (size_t)trial->curve_count;
    for (int64_t i = 0; i < seen; i++) {
        floats += (size_t)tuner->trials[i].curve_count;
    }
    dogb_curve *curves = dogb_alloc(&scratch, (size_t)seen + 1, sizeof *curves);
    double *values = dogb_alloc(&scratch, floats + 1, sizeof *values);
    if (curves == NULL || values == NULL) {
        dogb_arena_free(&scratch);
        return DOGBREED_ERROR_NO_MEMORY;
    }
    for (int64_t i = 0; i <= seen; i++) { // its own behind the others
        const dogb_trial *one = i < seen ? &tuner->trials[i] : trial;
        curves[i] = (dogb_curve){
            .values = values, .number = i < seen ? i : number, .count = one->curve_count};
        for (int32_t k = 0; k < one->curve_count; k++) {
            *values++ = dogb_tuner_sign(tuner) * one->curve[k];
        }
    }
    int rc = dogb_pruner_stops(&tuner->pruner, &curves[seen], curves, seen);
    dogb_arena_free(&scratch);
    return rc;
}
