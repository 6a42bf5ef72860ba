// parent.c - an earlier study is read: those of its trials that have ended, in the parameters of
// the new study.
#include "core/error.h"
#include "core/log.h"
#include "tuner/state.h"

#include <math.h>
#include <string.h>

typedef struct reading {
    const dogbreed_tuner *tuner;
    const dogb_parent *parent;
    dogb_arena scratch;
    dogb_study *study;
    const dogb_study_trial *trials;
    int64_t count;
    int64_t taken;
    int64_t outside; // of the new ranges, or without one of the parameters
    int64_t open;
} reading;

static int refuse(const reading *r, const char *problem, const char *what) {
    return dogb_fail(DOGBREED_ERROR_MISMATCH, "warm start: study %s of %s: %s %s", r->parent->study,
                     r->parent->place, problem, what);
}

// Those of this library say what they look at; others have a direction alone.
static int check_objective(reading *r) {
    char *text = NULL;
    char *own = NULL;
    json_t *search = NULL;
    if ((dogb_study_direction(r->study) == DOGB_MAXIMIZE) != r->tuner->maximize) {
        return refuse(r,
                      r->tuner->maximize ? "it minimizes, the new study"
                                         : "it maximizes, the "
                                           "new study",
                      r->tuner->maximize ? "maximizes" : "minimizes");
    }
    int rc = dogb_study_attribute_get(&text, r->study, &r->scratch, -1, 0, DOGB_TUNER_SEARCH);
    if (rc < 0) {
        return rc == DOGBREED_ERROR_NOT_FOUND ? DOGBREED_OK : rc;
    }
    rc = dogb_json_parse(&search, &r->scratch, text, strlen(text), r->parent->place);
    const char *word = json_string_value(json_object_get(search, "objective"));
    rc = rc < 0 || word == NULL
             ? rc
             : dogb_table_get(&own, &dogb_tuner_table, &r->tuner->options, "objective");
    if (own != NULL && strcmp(own, word) != 0) {
        rc = refuse(r, "its objective is", word);
    }
    dogbreed_free(own);
    return rc;
}

static const dogb_study_param *find(const dogb_study_trial *trial, const char *name) {
    for (int32_t i = 0; i < trial->param_count; i++) {
        if (strcmp(trial->params[i].name, name) == 0) {
            return &trial->params[i];
        }
    }
    return NULL;
}

// The same names, in whatever trials. One whose trials have none yet says nothing.
static int check_names(const reading *r) {
    const dogbreed_tuner *tuner = r->tuner;
    int64_t known = 0;
    for (int64_t i = 0; i < r->count; i++) {
        known += r->trials[i].param_count;
        for (int32_t k = 0; k < r->trials[i].param_count; k++) {
            const char *name = r->trials[i].params[k].name;
            if (dogb_tuner_axis(tuner, name) < 0) {
                return refuse(r, "the new study has no parameter", name);
            }
        }
    }
    for (size_t axis = 0; known > 0 && axis < tuner->axis_count; axis++) {
        int64_t i = 0;
        while (i < r->count && find(&r->trials[i], tuner->axes[axis].name) == NULL) {
            i++;
        }
        if (i == r->count) {
            return refuse(r, "it has no parameter", tuner->axes[axis].name);
        }
    }
    return DOGBREED_OK;
}

// What programs see of it, in the new parameter. NaN: it is not there.
static int translate(double *out, reading *r, const dogb_study_trial *trial, size_t axis) {
    const dogb_study_param *param = find(trial, r->tuner->axes[axis].name);
    dogb_distribution d;
    *out = (double)NAN;
    if (param == NULL) {
        return DOGBREED_OK;
    }
    int rc = dogb_distribution_read(&d, &r->scratch, param->distribution, param->name);
    if (rc < 0 || !dogb_distribution_contains(&d, param->value)) {
        return rc;
    }
    json_t *value = dogb_distribution_external(&d, param->value);
    if (value == NULL) {
        return dogb_fail(DOGBREED_ERROR_NO_MEMORY, "out of memory for JSON");
    }
    *out = dogb_distribution_internal(&r->tuner->distributions[axis], value);
    json_decref(value);
    return DOGBREED_OK;
}

static int add_trial(json_t *points, reading *r, const dogb_study_trial *trial) {
    json_t *row = dogb_json_array(&r->scratch);
    double value = 0;
    int rc = row == NULL ? DOGBREED_ERROR_NO_MEMORY : DOGBREED_OK;
    for (size_t axis = 0; rc == DOGBREED_OK && axis < r->tuner->axis_count; axis++) {
        rc = translate(&value, r, trial, axis);
        if (rc < 0 || isnan(value)) {
            r->outside++;
            return rc;
        }
        rc = dogb_json_add(row, dogb_json_real(value));
    }
    // As in a study of its own: one that failed, and one that has no finite result, is a failure.
    value = trial->state == DOGB_TRIAL_FAIL ? (double)NAN : trial->value;
    rc = rc < 0 ? rc : dogb_json_add(row, isfinite(value) ? json_real(value) : json_null());
    rc = rc < 0 ? rc : dogb_json_add(points, json_incref(row));
    r->taken += rc == DOGBREED_OK;
    return rc;
}

static int add_trials(json_t *points, reading *r) {
    int rc = DOGBREED_OK;
    for (int64_t i = 0; rc == DOGBREED_OK && i < r->count; i++) {
        if (r->trials[i].state == DOGB_TRIAL_RUNNING || r->trials[i].state == DOGB_TRIAL_WAITING) {
            r->open++;
        } else {
            rc = add_trial(points, r, &r->trials[i]);
        }
    }
    return rc;
}

static int add_parent(json_t *parents, const reading *r) {
    json_t *row = json_object();
    int rc = dogb_json_add(parents, row);
    rc = rc < 0 ? rc : dogb_json_set_text(row, "storage", r->parent->place);
    rc = rc < 0 ? rc : dogb_json_set_text(row, "study", r->parent->study);
    rc = rc < 0 ? rc : dogb_json_set_int(row, "trials", r->taken);
    rc = rc < 0 ? rc : dogb_json_set_int(row, "outside", r->outside);
    return rc < 0 ? rc : dogb_json_set_int(row, "open", r->open);
}

int dogb_parent_read(json_t *parents, json_t *points, const dogbreed_tuner *tuner,
                     const dogb_parent *parent) {
    reading r = {.tuner = tuner, .parent = parent};
    dogb_study_conf conf = {.url = parent->url, .name = parent->study};
    int rc = dogb_study_open(&r.study, &conf);
    rc = rc < 0 ? rc : check_objective(&r);
    rc = rc < 0 ? rc : dogb_study_trials(&r.trials, &r.count, r.study, &r.scratch);
    rc = rc < 0 ? rc : check_names(&r);
    rc = rc < 0 ? rc : add_trials(points, &r);
    rc = rc < 0 ? rc : add_parent(parents, &r);
    if (rc == DOGBREED_OK) {
        dogb_log(r.outside > 0 ? DOGBREED_LOG_WARNING : DOGBREED_LOG_INFO,
                 "warm start: study %s of %s: %lld trials taken, %lld left out (outside of the new "
                 "ranges or choices), %lld have not ended",
                 parent->study, parent->place, (long long)r.taken, (long long)r.outside,
                 (long long)r.open);
    }
    dogb_error_state error;
    dogb_error_save(&error, rc);
    dogb_study_close(r.study);
    dogb_arena_free(&r.scratch);
    return dogb_error_restore(&error);
}
