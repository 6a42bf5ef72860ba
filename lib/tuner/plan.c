// plan.c - the study behind a tuner is opened, and the next trial follows from those of earlier
// rounds.
#include "core/clock.h"
#include "core/error.h"
#include "tuner/state.h"

#include <math.h>
#include <string.h>

static const double HEARTBEAT = 60; // seconds; on a server: programs of other hosts go by them

dogb_space dogb_tuner_space(const dogbreed_tuner *tuner) {
    return (dogb_space){.axes = tuner->axes, .count = (int32_t)tuner->axis_count};
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
    tuner->distributions[i] = d;
    tuner->distribution_texts[i] = dogb_distribution_text(&tuner->arena, &d);
    return tuner->distribution_texts[i] == NULL ? DOGBREED_ERROR_NO_MEMORY : DOGBREED_OK;
}

// --- opening

static const char *const default_space[] = {"learning_rate=log:1e-4:1e-1",
                                            "batch_size=32,64,128,256", "epochs=6..10"};

static int add_default_space(dogbreed_tuner *tuner) {
    int rc = DOGBREED_OK;
    for (size_t i = 0; rc == DOGBREED_OK && i < sizeof default_space / sizeof default_space[0];
         i++) {
        rc = dogbreed_tuner_add(tuner, default_space[i]);
    }
    if (rc < 0) {
        tuner->axis_count = 0;
    }
    return rc;
}

static int complete_space(dogbreed_tuner *tuner) {
    DOGB_CHECK(tuner->axis_count > 0 || tuner->command == NULL,
               "search: a program has no parameters of its own accord; expected at least one");
    int rc = tuner->axis_count == 0 ? add_default_space(tuner) : DOGBREED_OK;
    dogb_space space = dogb_tuner_space(tuner);
    rc = rc < 0 ? rc : dogb_space_check(&space);
    if (rc < 0) {
        return rc;
    }
    tuner->distributions =
        dogb_alloc(&tuner->arena, tuner->axis_count, sizeof *tuner->distributions);
    tuner->distribution_texts =
        dogb_alloc(&tuner->arena, tuner->axis_count, sizeof *tuner->distribution_texts);
    rc = tuner->distributions == NULL || tuner->distribution_texts == NULL
             ? DOGBREED_ERROR_NO_MEMORY
             : DOGBREED_OK;
    for (size_t i = 0; rc == DOGBREED_OK && i < tuner->axis_count; i++) {
        rc = make_distribution(tuner, i);
    }
    return rc;
}

// Epochs of a trial, or 1: unknown.
static int32_t max_resource(const dogbreed_tuner *tuner) {
    int32_t epochs = tuner->job != NULL       ? tuner->job->trainer.epochs
                     : tuner->command != NULL ? dogb_command_steps(tuner)
                                              : 1;
    return epochs > 0 ? epochs : 1;
}

static int make_pruner(dogbreed_tuner *tuner) {
    tuner->pruner = (dogb_pruner_conf){.kind = tuner->options.pruner,
                                       .max_resource = max_resource(tuner),
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
        return rc < 0 ? rc : dogb_tuner_agree(tuner, scratch);
    }
    dogb_study_conf conf = {.url = options->storage,
                            .name = options->study,
                            .direction = tuner->maximize ? DOGB_MAXIMIZE : DOGB_MINIMIZE,
                            .create = 1,
                            .heartbeat = dogb_study_file(options->storage) == NULL ? HEARTBEAT : 0};
    rc = dogb_study_open(&tuner->study, &conf);
    rc = rc < 0 ? rc : dogb_tuner_agree(tuner, scratch);
    return rc < 0 ? rc : dogb_tuner_read(tuner);
}

int dogb_tuner_open(dogbreed_tuner *tuner) {
    dogb_arena scratch = {0};
    if (tuner->opened) {
        return DOGBREED_OK;
    }
    int rc = complete_space(tuner);
    rc = rc < 0 ? rc : make_pruner(tuner);
    rc = rc < 0 || tuner->job == NULL ? rc : dogb_job_check(tuner);
    rc = rc < 0 || tuner->command == NULL ? rc : dogb_command_check(tuner);
    rc = rc < 0 ? rc : open_study(tuner, &scratch);
    tuner->opened = rc == DOGBREED_OK;
    if (rc < 0) {
        dogb_error_state error;
        dogb_error_save(&error, rc);
        dogb_study_close(tuner->study);
        dogb_sampler_destroy(tuner->sampler);
        tuner->study = NULL;
        tuner->sampler = NULL;
        tuner->count = 0;
        tuner->warm_count = 0;
        (void)dogb_error_restore(&error);
    }
    dogb_arena_free(&scratch);
    return rc;
}

// --- the next trial

// Trials of earlier rounds are seen with their results; those of its own round are pending,
// whatever has become of them, and so is an earlier one that a program has not told of yet. Before
// them stand those of earlier studies.
int dogb_tuner_suggest(double *values, dogbreed_tuner *tuner, int64_t number) {
    dogb_arena scratch = {0};
    dogb_space space = dogb_tuner_space(tuner);
    int64_t seen = number / tuner->round * tuner->round;
    dogb_point *points =
        dogb_alloc(&scratch, tuner->warm_count + (size_t)number + 1, sizeof *points);
    dogb_point *pending = dogb_alloc(&scratch, (size_t)number + 1, sizeof *pending);
    dogb_history history = {.space = &space, .points = points, .pending = pending};
    if (points == NULL || pending == NULL) {
        dogb_arena_free(&scratch);
        return DOGBREED_ERROR_NO_MEMORY;
    }
    for (size_t i = 0; i < tuner->warm_count; i++) {
        points[history.count++] = tuner->warm[i];
    }
    for (int64_t i = 0; i < number; i++) {
        const dogb_trial *trial = &tuner->trials[i];
        dogb_point point = {.values = trial->values, .objective = (double)NAN, .number = i};
        if (i < seen && dogb_trial_is_over(trial)) {
            if (trial->state != DOGB_TRIAL_FAIL) {
                point.objective = dogb_tuner_sign(tuner) * trial->value;
            }
            points[history.count++] = point;
        } else {
            pending[history.pending_count++] = point;
        }
    }
    int rc = dogb_sampler_suggest(tuner->sampler, values, number, &history);
    dogb_arena_free(&scratch);
    return rc;
}

int dogb_tuner_next(dogb_trial **out, dogbreed_tuner *tuner) {
    dogb_trial *trial = NULL;
    int rc = dogb_tuner_trial_new(&trial, tuner);
    if (rc == DOGBREED_OK) {
        trial->start = dogb_clock_wall();
        rc = dogb_tuner_suggest(trial->values, tuner, (int64_t)tuner->count - 1);
        tuner->count -= rc < 0;
    }
    *out = rc < 0 ? NULL : trial;
    return rc;
}
