// keep.c - what happens to trials, written into the study's storage. A tuner without one keeps
// nothing.
#include "core/error.h"
#include "core/number.h"
#include "tuner/state.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { WORKER_SIZE = 128 };

// "host:process:trial". The number tells the trial from copies of it that Optuna queues when it
// fails; the rest is for people who look at a study.
static void worker_text(char out[WORKER_SIZE], int64_t number) {
    char host[65] = "";
    (void)gethostname(host, sizeof host - 1);
    for (char *c = host; *c != '\0'; c++) { // what stands in a JSON string as it is
        *c = *c >= '-' && *c <= 'z' && *c != '\\' ? *c : '_';
    }
    (void)snprintf(out, WORKER_SIZE, "\"%s:%ld:%lld\"", host, (long)getpid(), (long long)number);
}

int dogb_trial_is_ours(const char *worker, int64_t number) {
    char end[32];
    int length = snprintf(end, sizeof end, ":%lld", (long long)number);
    size_t size = worker == NULL ? 0 : strlen(worker);
    return size >= (size_t)length && strcmp(worker + size - (size_t)length, end) == 0;
}

int dogb_keep_add(dogbreed_tuner *tuner, dogb_trial *trial, int32_t state) {
    char worker[WORKER_SIZE];
    char attributes[WORKER_SIZE + 32];
    int64_t number = trial - tuner->trials;
    dogb_arena scratch = {0};
    size_t count = tuner->axis_count;
    if (tuner->study == NULL) {
        return DOGBREED_OK;
    }
    worker_text(worker, number);
    (void)snprintf(attributes, sizeof attributes, "{\"%s\": %s}", DOGB_TUNER_WORKER, worker);
    dogb_study_param *params = dogb_alloc(&scratch, count, sizeof *params);
    int rc = params == NULL ? DOGBREED_ERROR_NO_MEMORY : DOGBREED_OK;
    for (size_t i = 0; rc == DOGBREED_OK && i < count; i++) {
        params[i] =
            (dogb_study_param){tuner->axes[i].name, trial->values[i], tuner->distribution_texts[i]};
    }
    if (rc == DOGBREED_OK) { // what waits may be taken by another program
        int is_ours = trial->ours && state == DOGB_TRIAL_RUNNING;
        rc = dogb_study_add(tuner->study, &trial->id, NULL, number, state, params, (int32_t)count,
                            is_ours ? attributes : NULL);
    }
    dogb_arena_free(&scratch);
    return rc;
}

int dogb_keep_take(dogbreed_tuner *tuner, const dogb_trial *trial) {
    char worker[WORKER_SIZE];
    int rc = tuner->study == NULL ? 1 : dogb_study_take(tuner->study, trial->id, trial->state);
    if (rc <= 0 || tuner->study == NULL) {
        return rc;
    }
    worker_text(worker, trial - tuner->trials);
    rc = trial->ours ? dogb_study_attribute(tuner->study, trial->id, 0, DOGB_TUNER_WORKER, worker)
                     : DOGBREED_OK;
    for (size_t i = 0; rc == DOGBREED_OK && i < tuner->axis_count; i++) {
        dogb_study_param param = {tuner->axes[i].name, trial->values[i],
                                  tuner->distribution_texts[i]};
        rc = dogb_study_param_set(tuner->study, trial->id, &param);
    }
    return rc < 0 ? rc : 1;
}

void dogb_keep_leave(dogbreed_tuner *tuner) {
    for (size_t i = 0; i < tuner->count; i++) {
        dogb_trial *trial = &tuner->trials[i];
        if (trial->mine && !dogb_trial_is_over(trial) && tuner->study != NULL) {
            dogb_study_leave(tuner->study, trial->id);
        }
        trial->mine = 0;
    }
}

int dogb_keep_step(dogbreed_tuner *tuner, const dogb_trial *trial, int32_t step) {
    return tuner->study == NULL
               ? DOGBREED_OK
               : dogb_study_report(tuner->study, trial->id, step, trial->curve[step - 1]);
}

static int keep_number(dogbreed_tuner *tuner, const dogb_trial *trial, const char *key,
                       double value) {
    char text[40];
    if (isnan(value)) {
        return DOGBREED_OK;
    }
    dogb_number_text(text, value);
    return dogb_study_attribute(tuner->study, trial->id, 0, key, text);
}

static int keep_text(dogbreed_tuner *tuner, const dogb_trial *trial, const char *key,
                     const char *value) {
    dogb_arena scratch = {0};
    json_t *object = dogb_json_object(&scratch);
    char *text = NULL;
    int rc = object == NULL ? DOGBREED_ERROR_NO_MEMORY : dogb_json_set_text(object, key, value);
    if (rc == DOGBREED_OK) {
        text = dogb_json_text_in(&scratch, json_object_get(object, key), 0);
        rc = text == NULL ? DOGBREED_ERROR_NO_MEMORY
                          : dogb_study_attribute(tuner->study, trial->id, 0, key, text);
    }
    dogb_arena_free(&scratch);
    return rc;
}

int dogb_keep_end(dogbreed_tuner *tuner, const dogb_trial *trial) {
    if (tuner->study == NULL) {
        return DOGBREED_OK;
    }
    int rc = keep_number(tuner, trial, "val_loss", trial->loss);
    if (rc == DOGBREED_OK && trial->reason != NULL) {
        rc = keep_text(tuner, trial, "reason", trial->reason);
    }
    if (rc == DOGBREED_OK && trial->metrics != NULL) {
        rc = dogb_study_attribute(tuner->study, trial->id, 0, "metrics", trial->metrics);
    }
    if (rc == DOGBREED_OK && trial->findings != NULL) {
        rc = dogb_study_attribute(tuner->study, trial->id, 0, DOGB_TUNER_FINDINGS, trial->findings);
    }
    return rc < 0 ? rc : dogb_study_tell(tuner->study, trial->id, trial->state, trial->value);
}

int dogb_keep_trial(dogbreed_tuner *tuner, int64_t number, int32_t told, int ended) {
    const dogb_trial *trial = &tuner->trials[number];
    int rc = DOGBREED_OK;
    for (int32_t step = told + 1; rc == DOGBREED_OK && step <= trial->curve_count; step++) {
        rc = dogb_keep_step(tuner, trial, step);
    }
    return rc == DOGBREED_OK && ended ? dogb_keep_end(tuner, trial) : rc;
}

typedef struct batch {
    dogbreed_tuner *tuner;
    int (*fn)(dogbreed_tuner *, void *);
    void *userdata;
} batch;

static int run_batch(dogb_study *study, void *userdata) {
    batch *b = userdata;
    (void)study;
    return b->fn(b->tuner, b->userdata);
}

int dogb_keep_batch(dogbreed_tuner *tuner, int (*fn)(dogbreed_tuner *, void *), void *userdata) {
    batch b = {tuner, fn, userdata};
    return tuner->study == NULL ? fn(tuner, userdata)
                                : dogb_study_batch(tuner->study, run_batch, &b);
}
