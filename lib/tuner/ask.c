// ask.c - a program's own loop: ask for parameters, report, tell; and looking at trials.
#include "core/clock.h"
#include "core/error.h"
#include "tuner/state.h"

#include <math.h>

static int find(dogb_trial **out, dogbreed_tuner *tuner, int64_t number) {
    int rc = dogb_tuner_open(tuner);
    if (rc == DOGBREED_OK && (number < 0 || (uint64_t)number >= tuner->count)) {
        rc = dogb_fail(DOGBREED_ERROR_NOT_FOUND, "trial %lld: the study has %zu trials",
                       (long long)number, tuner->count);
    }
    if (rc == DOGBREED_OK) {
        *out = &tuner->trials[number];
    }
    return rc;
}

static int find_running(dogb_trial **out, dogbreed_tuner *tuner, int64_t number) {
    int rc = find(out, tuner, number);
    if (rc == DOGBREED_OK && (*out)->state != DOGB_TRIAL_RUNNING) {
        rc = dogb_fail(DOGBREED_ERROR_STATE, "trial %lld: is over already", (long long)number);
    }
    return rc;
}

int dogb_tuner_check_idle(const dogbreed_tuner *tuner, const char *what) {
    return tuner->running
               ? dogb_fail(DOGBREED_ERROR_STATE, "%s: not while dogbreed_tuner_run is on", what)
               : DOGBREED_OK;
}

static int take_first(dogbreed_tuner *tuner, void *userdata) {
    int rc = dogb_keep_take(tuner, userdata);
    return rc == 0 ? dogb_fail(DOGBREED_ERROR_EXISTS, "another program has taken it") : rc;
}

// The first one of the queue, else a new one. EXISTS: another program was faster.
static int next_trial(dogb_trial **out, dogbreed_tuner *tuner) {
    for (size_t i = 0; i < tuner->count; i++) {
        dogb_trial *trial = &tuner->trials[i];
        if (trial->state == DOGB_TRIAL_WAITING) {
            int rc = dogb_trial_complete(tuner, (int64_t)i);
            rc = rc < 0 ? rc : dogb_keep_batch(tuner, take_first, trial);
            trial->state = rc < 0 ? trial->state : DOGB_TRIAL_RUNNING;
            *out = trial;
            return rc < 0 ? rc : DOGBREED_OK;
        }
    }
    int rc = dogb_tuner_next(out, tuner);
    if (rc == DOGBREED_OK && (rc = dogb_keep_add(tuner, *out, DOGB_TRIAL_RUNNING)) < 0) {
        tuner->count--;
    }
    return rc;
}

int dogbreed_tuner_ask(dogbreed_tuner *tuner, int64_t *number, char **json) {
    DOGB_CHECK(tuner != NULL, "tuner: is NULL");
    DOGB_CHECK(number != NULL, "number: is NULL");
    DOGB_CHECK(json != NULL, "json: is NULL");
    *json = NULL;
    *number = -1;
    dogb_arena scratch = {0};
    dogb_trial *trial = NULL;
    char *text = NULL;
    int rc = dogb_tuner_check_idle(tuner, "ask");
    rc = rc < 0 ? rc : dogb_tuner_open(tuner);
    json_t *object = rc < 0 ? NULL : dogb_json_object(&scratch);
    rc = rc == DOGBREED_OK && object == NULL ? DOGBREED_ERROR_NO_MEMORY : rc;
    do { // again when another program was faster
        rc = rc == DOGBREED_ERROR_EXISTS ? DOGBREED_OK : rc;
        rc = rc < 0 ? rc : dogb_tuner_refresh(tuner);
        rc = rc < 0 ? rc : next_trial(&trial, tuner);
    } while (rc == DOGBREED_ERROR_EXISTS);
    rc = rc < 0 ? rc : dogb_trial_params(object, tuner, trial);
    rc = rc < 0 ? rc : dogb_json_text_out(&text, object, 0);
    dogb_arena_free(&scratch);
    if (rc < 0) {
        return rc;
    }
    *json = text;
    *number = trial - tuner->trials;
    return DOGBREED_OK;
}

int dogbreed_tuner_report(dogbreed_tuner *tuner, int64_t number, int64_t step, double value,
                          int32_t *prune) {
    dogb_trial *trial = NULL;
    DOGB_CHECK(tuner != NULL, "tuner: is NULL");
    int rc = dogb_tuner_check_idle(tuner, "report");
    rc = rc < 0 ? rc : find_running(&trial, tuner, number);
    if (rc < 0) {
        return rc;
    }
    DOGB_CHECK(step == trial->curve_count + 1, "step: %lld, expected %d, one behind the last",
               (long long)step, (int)trial->curve_count + 1);
    rc = dogb_trial_report(tuner, number, value);
    if (rc == DOGBREED_OK && (rc = dogb_keep_step(tuner, trial, trial->curve_count)) < 0) {
        trial->curve_count--;
    }
    int stops = rc < 0 ? rc : dogb_trial_prune(tuner, number);
    if (stops >= 0 && prune != NULL) {
        *prune = stops;
    }
    return stops < 0 ? stops : DOGBREED_OK;
}

int dogbreed_tuner_tell(dogbreed_tuner *tuner, int64_t number, int32_t state, double value) {
    dogb_trial *trial = NULL;
    DOGB_CHECK(tuner != NULL, "tuner: is NULL");
    DOGB_CHECK(state >= DOGBREED_TRIAL_COMPLETE && state <= DOGBREED_TRIAL_FAIL,
               "state: %d, expected COMPLETE, PRUNED or FAIL", (int)state);
    int rc = dogb_tuner_check_idle(tuner, "tell");
    rc = rc < 0 ? rc : find_running(&trial, tuner, number);
    if (rc < 0) {
        return rc;
    }
    dogb_trial told = *trial;
    told.complete = dogb_clock_wall();
    told.state = state;
    told.value = state == DOGBREED_TRIAL_FAIL ? (double)NAN : value;
    if (state == DOGBREED_TRIAL_PRUNED && isnan(value) && trial->curve_count > 0) {
        told.value = trial->curve[trial->curve_count - 1];
    }
    if (state == DOGBREED_TRIAL_COMPLETE && isnan(value)) {
        told.state = DOGB_TRIAL_FAIL;
        told.reason = dogb_strdup(&tuner->arena, "the value is not a number");
        if (told.reason == NULL) {
            return DOGBREED_ERROR_NO_MEMORY;
        }
    }
    rc = dogb_keep_end(tuner, &told);
    if (rc == DOGBREED_OK) {
        *trial = told;
    }
    return rc;
}

int64_t dogbreed_tuner_trial_count(dogbreed_tuner *tuner) {
    DOGB_CHECK(tuner != NULL, "tuner: is NULL");
    int rc = dogb_tuner_open(tuner);
    rc = rc < 0 || tuner->running ? rc : dogb_tuner_refresh(tuner);
    return rc < 0 ? rc : (int64_t)tuner->count;
}

int dogb_tuner_find(dogb_trial **out, dogbreed_tuner *tuner, int64_t number) {
    int rc = dogb_tuner_open(tuner);
    int64_t best = rc < 0 || number != -1 ? number : dogb_tuner_best(tuner);
    if (rc == DOGBREED_OK && best == -1) {
        return dogb_fail(DOGBREED_ERROR_NOT_FOUND, "study %s: no trial has a result yet",
                         tuner->options.study);
    }
    return rc < 0 ? rc : find(out, tuner, best);
}

int dogbreed_tuner_trainer(dogbreed_trainer **trainer, dogbreed_model **model,
                           dogbreed_tuner *tuner, int64_t number) {
    DOGB_CHECK(trainer != NULL && model != NULL, "trainer, model: one of them is NULL");
    *trainer = NULL;
    *model = NULL;
    DOGB_CHECK(tuner != NULL, "tuner: is NULL");
    dogb_trial *trial = NULL;
    if (tuner->job == NULL) {
        return dogb_fail(DOGBREED_ERROR_STATE,
                         "trainer: dogbreed_tuner_job has not said what a trial trains");
    }
    int rc = dogb_tuner_find(&trial, tuner, number);
    return rc < 0 ? rc : dogb_job_trainer(trainer, model, tuner, trial, NULL, 1);
}
