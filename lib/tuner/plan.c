// plan.c - the study behind a tuner: what it searches is written into it once, its trials are read
// back, and the next one follows from those of earlier rounds.
#include "core/clock.h"
#include "core/error.h"
#include "study/distribution.h"
#include "tuner/state.h"

#include <math.h>
#include <string.h>

static const char SEARCH[] = "dogbreed:search"; // attribute of the study

dogb_space dogb_tuner_space(const dogbreed_tuner *tuner) {
    return (dogb_space){.axes = tuner->axes, .count = (int32_t)tuner->axis_count};
}

// --- what is searched

static int describe_axis(json_t *list, const dogb_axis *axis) {
    static const char *const kinds[] = {"float", "int", "choice"};
    static const char *const scales[] = {"auto", "linear", "log", "reverse_log"};
    json_t *row = json_object();
    int rc = dogb_json_add(list, row);
    rc = rc < 0 ? rc : dogb_json_set_text(row, "name", axis->name);
    rc = rc < 0 ? rc : dogb_json_set_text(row, "kind", kinds[axis->kind]);
    if (axis->kind == DOGB_AXIS_CHOICE) {
        json_t *choices = json_array();
        rc = rc < 0 ? rc : dogb_json_set(row, "choices", choices);
        for (int32_t i = 0; rc == DOGBREED_OK && i < axis->choice_count; i++) {
            rc = dogb_json_add(choices, dogb_json_text(axis->choices[i]));
        }
        return rc;
    }
    rc = rc < 0 ? rc : dogb_json_set_text(row, "scale", scales[axis->scale]);
    rc = rc < 0 ? rc : dogb_json_set_real(row, "low", axis->low);
    rc = rc < 0 ? rc : dogb_json_set_real(row, "high", axis->high);
    return rc < 0 ? rc : dogb_json_set_real(row, "step", axis->step);
}

// Everything that the list of trials follows from.
static int describe(json_t *object, const dogbreed_tuner *tuner) {
    char *sampler = NULL;
    json_t *list = json_array();
    int rc = dogb_table_get(&sampler, &dogb_tuner_table, &tuner->options, "sampler");
    rc = rc < 0 ? rc : dogb_json_set_int(object, "version", 1);
    rc = rc < 0 ? rc : dogb_json_set_text(object, "sampler", sampler);
    rc = rc < 0 ? rc : dogb_json_set_int(object, "seed", (int64_t)tuner->options.seed);
    rc = rc < 0 ? rc : dogb_json_set_int(object, "startup", tuner->options.startup);
    rc = rc < 0 ? rc : dogb_json_set_int(object, "round", tuner->round);
    if (rc < 0) {
        json_decref(list);
    } else {
        rc = dogb_json_set(object, "axes", list);
    }
    for (size_t i = 0; rc == DOGBREED_OK && i < tuner->axis_count; i++) {
        rc = describe_axis(list, &tuner->axes[i]);
    }
    dogbreed_free(sampler);
    return rc;
}

static int compare(const dogbreed_tuner *tuner, const json_t *stored, const json_t *wanted) {
    const char *key = NULL;
    const json_t *value = NULL;
    json_object_foreach((json_t *)wanted, key, value) {
        const json_t *other = json_object_get(stored, key);
        if (other == NULL || !json_equal(other, value)) {
            dogb_arena scratch = {0};
            char *have = other == NULL ? NULL : dogb_json_text_in(&scratch, other, 0);
            char *want = dogb_json_text_in(&scratch, value, 0);
            int rc = dogb_fail(DOGBREED_ERROR_MISMATCH, "study %s: its %s is %s, expected %s",
                               tuner->options.study, key, have == NULL ? "not there" : have,
                               want == NULL ? "" : want);
            dogb_arena_free(&scratch);
            return rc;
        }
    }
    return DOGBREED_OK;
}

// The round's size is fixed when the study begins: trials may be added later.
static int32_t default_round(const dogbreed_tuner_options *options) {
    int32_t tenth = options->trials / 10;
    return options->round > 0 ? options->round : tenth < 2 ? 2 : tenth > 16 ? 16 : tenth;
}

static int agree(dogbreed_tuner *tuner, dogb_arena *scratch) {
    char *text = NULL;
    json_t *stored = NULL;
    json_t *wanted = dogb_json_object(scratch);
    tuner->round = default_round(&tuner->options);
    if (wanted == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    int rc = dogb_study_attribute_get(&text, tuner->study, scratch, -1, 0, SEARCH);
    if (rc == DOGBREED_OK) {
        rc = dogb_json_parse(&stored, scratch, text, strlen(text), tuner->options.study);
        const json_t *round = rc < 0 ? NULL : json_object_get(stored, "round");
        if (tuner->options.round == 0 && json_is_integer(round) && json_integer_value(round) > 0 &&
            json_integer_value(round) < INT32_MAX) {
            tuner->round = (int32_t)json_integer_value(round);
        }
        rc = rc < 0 ? rc : describe(wanted, tuner);
        return rc < 0 ? rc : compare(tuner, stored, wanted);
    }
    if (rc != DOGBREED_ERROR_NOT_FOUND) {
        return rc;
    }
    rc = describe(wanted, tuner);
    text = rc < 0 ? NULL : dogb_json_text_in(scratch, wanted, 0);
    return text == NULL ? DOGBREED_ERROR_NO_MEMORY
                        : dogb_study_attribute(tuner->study, -1, 0, SEARCH, text);
}

// --- parameters as Optuna has them

static int make_distribution(dogbreed_tuner *tuner, size_t i) {
    const dogb_axis *axis = &tuner->axes[i];
    dogb_distribution d = {.kind = axis->kind == DOGB_AXIS_FLOAT ? DOGB_DISTRIBUTION_FLOAT
                                                                 : DOGB_DISTRIBUTION_INT,
                           .log = axis->scale == DOGB_SCALE_LOG && axis->step <= 1,
                           .low = axis->low,
                           .high = axis->high,
                           .step = axis->step};
    if (axis->kind == DOGB_AXIS_CHOICE) {
        int rc = dogb_distribution_choices(&d, &tuner->arena, axis->choices, axis->choice_count);
        if (rc < 0) {
            return rc;
        }
    }
    tuner->distributions[i] = dogb_distribution_text(&tuner->arena, &d);
    return tuner->distributions[i] == NULL ? DOGBREED_ERROR_NO_MEMORY : DOGBREED_OK;
}

// --- trials of the storage

static int axis_of(const dogbreed_tuner *tuner, const char *name) {
    for (size_t i = 0; i < tuner->axis_count; i++) {
        if (strcmp(tuner->axes[i].name, name) == 0) {
            return (int)i;
        }
    }
    return -1;
}

static double loss_of(const char *attributes) {
    dogb_arena scratch = {0};
    json_t *object = NULL;
    double loss = (double)NAN;
    if (attributes != NULL && dogb_json_parse(&object, &scratch, attributes, strlen(attributes),
                                              "attributes") == DOGBREED_OK) {
        const json_t *value = json_object_get(object, "val_loss");
        loss = json_is_number(value) ? json_number_value(value) : loss;
    }
    dogb_arena_free(&scratch);
    return loss;
}

static int new_trial(dogb_trial **out, dogbreed_tuner *tuner) {
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

static int take(dogbreed_tuner *tuner, const dogb_study_trial *stored) {
    dogb_trial *trial = NULL;
    int rc = new_trial(&trial, tuner);
    if (rc < 0) {
        return rc;
    }
    trial->id = stored->id;
    trial->state = stored->state;
    trial->value = stored->value;
    trial->start = stored->start;
    trial->complete = stored->complete;
    trial->loss = loss_of(stored->attributes);
    for (int32_t i = 0; i < stored->param_count; i++) {
        int axis = axis_of(tuner, stored->params[i].name);
        if (axis >= 0) {
            trial->values[axis] = stored->params[i].value;
        }
    }
    for (int32_t i = 0; rc == DOGBREED_OK && i < stored->curve_count; i++) {
        rc = dogb_grow(&tuner->arena, &trial->curve, &trial->curve_capacity, (size_t)i,
                       sizeof *trial->curve);
        if (rc == DOGBREED_OK) {
            trial->curve[trial->curve_count++] = stored->curve[i];
        }
    }
    return rc;
}

static int read_trials(dogbreed_tuner *tuner, dogb_arena *scratch) {
    const dogb_study_trial *stored = NULL;
    int64_t count = 0;
    int rc = dogb_study_trials(&stored, &count, tuner->study, scratch);
    for (int64_t i = 0; rc == DOGBREED_OK && i < count; i++) {
        rc = take(tuner, &stored[i]);
    }
    return rc;
}

// --- opening

static const char *const default_space[] = {"learning_rate=log:1e-4:1e-1",
                                            "batch_size=32,64,128,256", "epochs=6..10"};

static int complete_space(dogbreed_tuner *tuner) {
    int rc = DOGBREED_OK;
    for (size_t i = 0; rc == DOGBREED_OK && tuner->axis_count == i && i < 3; i++) {
        rc = dogbreed_tuner_add(tuner, default_space[i]);
    }
    dogb_space space = dogb_tuner_space(tuner);
    rc = rc < 0 ? rc : dogb_space_check(&space);
    if (rc < 0) {
        return rc;
    }
    tuner->distributions =
        dogb_alloc(&tuner->arena, tuner->axis_count, sizeof *tuner->distributions);
    rc = tuner->distributions == NULL ? DOGBREED_ERROR_NO_MEMORY : DOGBREED_OK;
    for (size_t i = 0; rc == DOGBREED_OK && i < tuner->axis_count; i++) {
        rc = make_distribution(tuner, i);
    }
    return rc;
}

static int make_pruner(dogbreed_tuner *tuner) {
    tuner->pruner =
        (dogb_pruner_conf){.kind = tuner->options.pruner,
                           .max_resource = tuner->job == NULL ? 1 : tuner->job->trainer.epochs,
                           .study = tuner->options.study};
    for (size_t i = 0; i < tuner->axis_count; i++) {
        const dogb_axis *axis = &tuner->axes[i];
        if (strcmp(axis->name, "epochs") == 0 && axis->kind == DOGB_AXIS_INT) {
            tuner->pruner.max_resource = (int32_t)axis->high;
        }
    }
    return dogb_pruner_check(&tuner->pruner);
}

static int open_study(dogbreed_tuner *tuner, dogb_arena *scratch) {
    const dogbreed_tuner_options *options = &tuner->options;
    dogb_sampler_conf sampler = {
        .seed = options->seed, .kind = options->sampler, .startup = options->startup};
    dogb_space space = dogb_tuner_space(tuner);
    int rc = dogb_sampler_create(&tuner->sampler, &sampler, &space);
    if (rc < 0 || *options->storage == '\0') {
        tuner->round = default_round(options);
        return rc;
    }
    dogb_study_conf conf = {.url = options->storage,
                            .name = options->study,
                            .direction = tuner->maximize ? DOGB_MAXIMIZE : DOGB_MINIMIZE,
                            .create = 1};
    rc = dogb_study_open(&tuner->study, &conf);
    rc = rc < 0 ? rc : agree(tuner, scratch);
    return rc < 0 ? rc : read_trials(tuner, scratch);
}

int dogb_tuner_open(dogbreed_tuner *tuner) {
    dogb_arena scratch = {0};
    if (tuner->opened) {
        return DOGBREED_OK;
    }
    int rc = complete_space(tuner);
    rc = rc < 0 ? rc : make_pruner(tuner);
    rc = rc < 0 || tuner->job == NULL ? rc : dogb_job_check(tuner);
    rc = rc < 0 ? rc : open_study(tuner, &scratch);
    tuner->opened = rc == DOGBREED_OK;
    if (rc < 0) {
        dogb_error_state error;
        dogb_error_save(&error, rc);
        dogb_study_close(tuner->study);
        dogb_sampler_destroy(tuner->sampler);
        tuner->study = NULL;
        tuner->sampler = NULL;
        (void)dogb_error_restore(&error);
    }
    dogb_arena_free(&scratch);
    return rc;
}

// --- the next trial

// Finished trials of earlier rounds with their values; those of its own round are pending, whatever
// has become of them.
int dogb_tuner_suggest(double *values, dogbreed_tuner *tuner, int64_t number) {
    dogb_arena scratch = {0};
    dogb_space space = dogb_tuner_space(tuner);
    int64_t seen = number / tuner->round * tuner->round;
    dogb_point *points = dogb_alloc(&scratch, (size_t)number + 1, sizeof *points);
    if (points == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    for (int64_t i = 0; i < number; i++) {
        const dogb_trial *trial = &tuner->trials[i];
        int over =
            i < seen && (trial->state == DOGB_TRIAL_COMPLETE || trial->state == DOGB_TRIAL_PRUNED);
        points[i] =
            (dogb_point){.values = trial->values,
                         .objective = over ? dogb_tuner_sign(tuner) * trial->value : (double)NAN,
                         .number = i};
    }
    dogb_history history = {.space = &space,
                            .points = points,
                            .count = seen,
                            .pending = points + seen,
                            .pending_count = number - seen};
    int rc = dogb_sampler_suggest(tuner->sampler, values, number, &history);
    dogb_arena_free(&scratch);
    return rc;
}

int dogb_tuner_begin_trial(dogbreed_tuner *tuner, const double *values) {
    dogb_trial *trial = NULL;
    int rc = new_trial(&trial, tuner);
    if (rc < 0) {
        return rc;
    }
    memcpy(trial->values, values, tuner->axis_count * sizeof *values);
    trial->start = dogb_clock_wall();
    rc = dogb_keep_add(tuner, trial);
    tuner->count -= rc < 0;
    return rc;
}
