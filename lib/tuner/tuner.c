// tuner.c - the public calls around a study: create, parameters, run, listeners, destroy.
#include "core/clock.h"
#include "core/error.h"
#include "tuner/state.h"

#include <math.h>
#include <string.h>
#include <time.h>

static void release(void *pointer) {
    dogbreed_tuner *tuner = pointer;
    dogb_study_close(tuner->study);
    dogb_sampler_destroy(tuner->sampler);
    if (tuner->job != NULL) {
        dogbreed_model_destroy(tuner->job->plain);
        dogbreed_dataset_destroy(tuner->job->train);
        dogbreed_dataset_destroy(tuner->job->valid);
        dogbreed_dataset_destroy(tuner->job->joined);
    }
}

int dogbreed_tuner_create(dogbreed_tuner **out, const dogbreed_tuner_options *options) {
    DOGB_CHECK(out != NULL, "out: is NULL");
    *out = NULL;
    dogbreed_tuner *tuner = dogb_malloc(1, sizeof *tuner);
    if (tuner == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    int rc = dogb_table_import(&tuner->options, &dogb_tuner_table, options, &tuner->arena);
    rc = rc < 0 ? rc : dogb_defer(&tuner->arena, release, tuner);
    const dogbreed_tuner_options *own = &tuner->options;
    if (rc == DOGBREED_OK && own->converge && own->sampler != DOGBREED_SAMPLER_GP) {
        rc = dogb_fail(DOGBREED_ERROR_INVALID_ARGUMENT,
                       "converge: needs sampler gp, which alone knows an expected improvement");
    }
    if (rc == DOGBREED_OK && own->kfold == 1) {
        rc = dogb_fail(DOGBREED_ERROR_INVALID_ARGUMENT,
                       "kfold: 1 is out of range, expected 2 to 20, or 0 for none");
    }
    if (rc == DOGBREED_OK && own->kfold > 0 && own->objective > DOGBREED_OBJECTIVE_VAL_TOP5) {
        rc = dogb_fail(DOGBREED_ERROR_INVALID_ARGUMENT,
                       "kfold: is for trials that train a model; objective minimize and maximize "
                       "are of programs");
    }
    if (rc == DOGBREED_OK && *own->study == '\0') {
        rc = dogb_fail(DOGBREED_ERROR_INVALID_ARGUMENT, "study: the name is empty");
    }
    if (rc < 0) {
        dogb_error_state error;
        dogb_error_save(&error, rc);
        dogbreed_tuner_destroy(tuner);
        return dogb_error_restore(&error);
    }
    tuner->maximize = own->objective == DOGBREED_OBJECTIVE_VAL_ACCURACY ||
                      own->objective == DOGBREED_OBJECTIVE_VAL_TOP5 ||
                      own->objective == DOGBREED_OBJECTIVE_MAXIMIZE;
    *out = tuner;
    return DOGBREED_OK;
}

// --- parameters

static int add(dogbreed_tuner *tuner, dogb_axis *axis) {
    if (tuner->opened) {
        return dogb_fail(DOGBREED_ERROR_STATE, "%s: the study has begun, its parameters are fixed",
                         axis->name);
    }
    for (size_t i = 0; i < tuner->axis_count; i++) {
        DOGB_CHECK(strcmp(tuner->axes[i].name, axis->name) != 0, "%s: is there already",
                   axis->name);
    }
    int rc = dogb_axis_check(axis);
    rc = rc < 0 ? rc
                : dogb_grow(&tuner->arena, &tuner->axes, &tuner->axis_capacity, tuner->axis_count,
                            sizeof *tuner->axes);
    if (rc == DOGBREED_OK) {
        tuner->axes[tuner->axis_count++] = *axis;
    }
    return rc;
}

static int add_named(dogbreed_tuner *tuner, dogb_axis *axis, const char *name) {
    DOGB_CHECK(tuner != NULL, "tuner: is NULL");
    DOGB_CHECK(name != NULL && *name != '\0', "name: is empty");
    axis->name = dogb_strdup(&tuner->arena, name);
    return axis->name == NULL ? DOGBREED_ERROR_NO_MEMORY : add(tuner, axis);
}

int dogbreed_tuner_add_range(dogbreed_tuner *tuner, const char *name, double low, double high,
                             double step, int32_t scale) {
    dogb_axis axis = {
        .kind = DOGB_AXIS_FLOAT, .scale = scale, .low = low, .high = high, .step = step};
    return add_named(tuner, &axis, name);
}

int dogbreed_tuner_add_integer(dogbreed_tuner *tuner, const char *name, int64_t low, int64_t high,
                               int64_t step, int32_t scale) {
    DOGB_CHECK(step >= 1, "%s: the step is %lld, expected 1 or more", name == NULL ? "" : name,
               (long long)step);
    dogb_axis axis = {.kind = DOGB_AXIS_INT,
                      .scale = scale,
                      .low = (double)low,
                      .high = (double)high,
                      .step = (double)step};
    return add_named(tuner, &axis, name);
}

int dogbreed_tuner_add_choice(dogbreed_tuner *tuner, const char *name, const char *const *choices,
                              int32_t count) {
    DOGB_CHECK(tuner != NULL, "tuner: is NULL");
    DOGB_CHECK(choices != NULL && count > 0, "%s: has no choices", name == NULL ? "" : name);
    const char **copies = dogb_alloc(&tuner->arena, (size_t)count, sizeof *copies);
    if (copies == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    for (int32_t i = 0; i < count; i++) {
        DOGB_CHECK(choices[i] != NULL, "%s: choice %d is NULL", name == NULL ? "" : name, (int)i);
        copies[i] = dogb_strdup(&tuner->arena, choices[i]);
        if (copies[i] == NULL) {
            return DOGBREED_ERROR_NO_MEMORY;
        }
    }
    dogb_axis axis = {
        .kind = DOGB_AXIS_CHOICE, .high = count - 1, .choices = copies, .choice_count = count};
    return add_named(tuner, &axis, name);
}

int dogbreed_tuner_add(dogbreed_tuner *tuner, const char *text) {
    dogb_axis axis;
    DOGB_CHECK(tuner != NULL, "tuner: is NULL");
    DOGB_CHECK(text != NULL, "search: is NULL");
    int rc = dogb_axis_parse(&axis, &tuner->arena, text);
    return rc < 0 ? rc : add(tuner, &axis);
}

// --- running

int dogbreed_tuner_listen(dogbreed_tuner *tuner, dogbreed_trial_fn fn,
                          dogbreed_trial_trainer_fn trainer_fn, void *userdata) {
    DOGB_CHECK(tuner != NULL, "tuner: is NULL");
    tuner->fn = fn;
    tuner->trainer_fn = trainer_fn;
    tuner->userdata = userdata;
    return DOGBREED_OK;
}

int dogbreed_tuner_copy(const dogbreed_tuner *tuner, const char *path) {
    DOGB_CHECK(tuner != NULL, "tuner: is NULL");
    DOGB_CHECK(path != NULL && *path != '\0', "copy: the path is empty");
    const char *storage = tuner->options.storage;
    return *storage == '\0' ? dogb_fail(DOGBREED_ERROR_STATE, "copy: the study has no storage")
                            : dogb_study_copy(storage, path);
}

void dogbreed_tuner_stop(dogbreed_tuner *tuner) {
    if (tuner != NULL) {
        tuner->stop = 1;
    }
}

static int reaches_target(const dogbreed_tuner *tuner) {
    int64_t best = dogb_tuner_best(tuner);
    double sign = dogb_tuner_sign(tuner);
    return tuner->options.target != 0.0 && best >= 0 &&
           sign * tuner->trials[best].value <= sign * tuner->options.target;
}

// Trials since one was better than the best before it by 1 % of that.
static int is_patient(const dogbreed_tuner *tuner) {
    const double LEAST = 0.01;
    double sign = dogb_tuner_sign(tuner);
    double best = (double)NAN;
    int32_t waited = 0;
    for (size_t i = 0; i < tuner->count; i++) {
        const dogb_trial *trial = &tuner->trials[i];
        if (trial->state != DOGB_TRIAL_COMPLETE) {
            continue;
        }
        double gain = sign * (best - trial->value);
        if (isnan(best) || (gain > 0 && gain >= LEAST * fabs(best))) {
            best = trial->value;
            waited = 0;
        } else {
            waited++;
        }
    }
    return tuner->options.patience_trials == 0 || waited < tuner->options.patience_trials;
}

// Improvement that the sampler expected of the last trial, whoever has begun that one.
static double expects(dogbreed_tuner *tuner) {
    dogb_arena scratch = {0};
    double *values = dogb_alloc(&scratch, tuner->axis_count, sizeof *values);
    int known = values != NULL && tuner->count > 0 &&
                dogb_tuner_suggest(values, tuner, (int64_t)tuner->count - 1) == DOGBREED_OK;
    dogb_arena_free(&scratch);
    return known ? dogb_sampler_improvement(tuner->sampler) : (double)NAN;
}

static int goes_on(dogbreed_tuner *tuner) {
    const dogbreed_tuner_options *options = &tuner->options;
    const double LEAST = 0.01;
    double limit = options->time_limit;
    if ((limit > 0.0 && dogb_clock() - tuner->begin >= limit) ||
        (options->converge && expects(tuner) < LEAST)) { // false for NaN: nothing is known yet
        return 0;
    }
    return !reaches_target(tuner) && is_patient(tuner);
}

// The first trial that a run has to end. What another program runs is not waited for.
static int64_t first_open(const dogbreed_tuner *tuner) {
    size_t i = 0;
    while (i < tuner->count &&
           (dogb_trial_is_over(&tuner->trials[i]) ||
            (tuner->trials[i].state == DOGB_TRIAL_RUNNING && !tuner->trials[i].ours))) {
        i++;
    }
    return (int64_t)i;
}

int64_t dogb_tuner_total(const dogbreed_tuner *tuner) {
    int64_t total = tuner->options.trials;
    if (tuner->options.sampler == DOGBREED_SAMPLER_GRID) {
        dogb_space space = dogb_tuner_space(tuner);
        int64_t points = dogb_grid_count(&space);
        total = points < total ? points : total;
    }
    return total;
}

// While other workers train the rest of a round.
static void wait_for_others(int32_t *waits) {
    const int64_t MILLISECOND = 1000000;
    int64_t pause = ++*waits < 20 ? 10 * MILLISECOND : 100 * MILLISECOND;
    struct timespec time = {.tv_nsec = pause};
    (void)nanosleep(&time, NULL);
}

static int train_part(dogbreed_tuner *tuner, int64_t from, int64_t to, int32_t *waits) {
    int64_t mine = 0;
    int rc = dogb_tuner_begin(&mine, tuner, from, to);
    int was_late = rc == DOGBREED_ERROR_EXISTS; // another worker has begun the round meanwhile
    if (was_late || (rc == DOGBREED_OK && mine == 0)) {
        wait_for_others(waits);
        return DOGBREED_OK;
    }
    *waits = 0;
    if (rc == DOGBREED_OK) {
        rc = tuner->command != NULL ? dogb_command_round(tuner, from, to)
                                    : dogb_tuner_round(tuner, from, to);
    }
    dogb_keep_leave(tuner);
    return rc;
}

// A round that has begun is finished, by whoever goes on with the study: what ends it is looked at
// between rounds alone.
static int run(dogbreed_tuner *tuner) {
    int32_t waits = 0;
    int rc = dogb_tuner_open(tuner);
    int64_t total = rc < 0 ? 0 : dogb_tuner_total(tuner);
    while (rc == DOGBREED_OK && !tuner->stopping) {
        rc = tuner->stop ? dogb_fail(DOGBREED_ERROR_CANCELLED, "the study was stopped")
                         : dogb_tuner_refresh(tuner);
        int64_t next = first_open(tuner);
        int64_t from = next / tuner->round * tuner->round;
        int64_t to = from + tuner->round < total ? from + tuner->round : total;
        if (rc < 0 || next >= total || (next == (int64_t)tuner->count && !goes_on(tuner))) {
            break;
        }
        rc = train_part(tuner, from, to, &waits);
    }
    return rc;
}

int dogbreed_tuner_run(dogbreed_tuner *tuner) {
    DOGB_CHECK(tuner != NULL, "tuner: is NULL");
    if (tuner->running) {
        return dogb_fail(DOGBREED_ERROR_STATE, "run: not from inside a listener");
    }
    if (tuner->job == NULL && tuner->command == NULL) {
        return dogb_fail(DOGBREED_ERROR_STATE, "run: neither dogbreed_tuner_job nor "
                                               "dogbreed_tuner_command has said what a trial is");
    }
    tuner->running = 1;
    tuner->stopping = 0;
    tuner->trained = 0;
    tuner->begin = dogb_clock();
    int rc = run(tuner);
    tuner->running = 0;
    tuner->stop = 0;
    return rc;
}

void dogbreed_tuner_destroy(dogbreed_tuner *tuner) {
    if (tuner != NULL) {
        dogb_arena_free(&tuner->arena);
        dogb_free(tuner);
    }
}
