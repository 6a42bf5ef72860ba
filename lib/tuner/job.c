// job.c - what a trial trains: the options of the job with the trial's values in place of theirs.
#include "core/error.h"
#include "core/thread.h"
#include "tuner/state.h"

#include <math.h>
#include <string.h>

static const char *const NOT_SEARCHED[] = {"engine",  "device",         "cache_dir",  "threads",
                                           "weights", "loader_threads", "time_limit", "monitor"};

// Of these the results of a trial do not depend on their values either, or on where they are.
static const char *const NOT_COMPARED[] = {"feature_cache", "feature_cache_bytes",
                                           "decoded_cache_bytes"};

static int monitor_of(int32_t objective) {
    return objective == DOGBREED_OBJECTIVE_VAL_LOSS   ? DOGBREED_MONITOR_VAL_LOSS
           : objective == DOGBREED_OBJECTIVE_VAL_TOP5 ? DOGBREED_MONITOR_VAL_TOP5
                                                      : DOGBREED_MONITOR_VAL_ACCURACY;
}

static int join(dogb_tuner_job *job, int32_t folds) {
    int rc = dogb_dataset_join(&job->joined, job->train, job->valid);
    if (rc == DOGBREED_OK && dogbreed_dataset_size(job->joined) < folds) {
        rc = dogb_fail(DOGBREED_ERROR_INVALID_ARGUMENT, "kfold: %d folds of %lld pictures",
                       (int)folds, (long long)dogbreed_dataset_size(job->joined));
    }
    return rc;
}

int dogb_job_folds(dogbreed_tuner *tuner) {
    dogb_tuner_job *job = tuner->job;
    if (tuner->options.kfold == 0 || job->folds != NULL) {
        return DOGBREED_OK;
    }
    int32_t *folds =
        dogb_alloc(&tuner->arena, (size_t)dogbreed_dataset_size(job->joined), sizeof *folds);
    int rc = folds == NULL
                 ? DOGBREED_ERROR_NO_MEMORY
                 : dogb_dataset_folds(folds, job->joined, tuner->options.kfold, tuner->options.seed,
                                      dogb_thread_count(job->trainer.threads));
    job->folds = rc < 0 ? NULL : folds;
    return rc;
}

int dogbreed_tuner_job(dogbreed_tuner *tuner, const dogbreed_model_options *model,
                       const dogbreed_dataset *train, const dogbreed_dataset *valid,
                       const dogbreed_trainer_options *trainer) {
    DOGB_CHECK(tuner != NULL, "tuner: is NULL");
    DOGB_CHECK(train != NULL, "train: is NULL");
    DOGB_CHECK(valid != NULL, "valid: is NULL; trials are compared on the validation split");
    DOGB_CHECK(tuner->options.objective <= DOGBREED_OBJECTIVE_VAL_TOP5,
               "objective: minimize and maximize are for ask and tell; expected val_accuracy, "
               "val_loss or val_top5");
    if (tuner->job != NULL || tuner->command != NULL || tuner->opened) {
        return dogb_fail(DOGBREED_ERROR_STATE, "job: the tuner has a job or a command already");
    }
    dogb_tuner_job *job = dogb_alloc(&tuner->arena, 1, sizeof *job);
    if (job == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    int rc = dogb_table_import(&job->model, &dogb_model_table, model, &tuner->arena);
    rc =
        rc < 0 ? rc : dogb_table_import(&job->trainer, &dogb_trainer_table, trainer, &tuner->arena);
    if (rc < 0) {
        return rc;
    }
    job->trainer.monitor = monitor_of(tuner->options.objective);
    job->trainer.time_limit = 0; // a clock may end a study, but no trial
    job->train = dogb_dataset_retain(train);
    job->valid = dogb_dataset_retain(valid);
    tuner->job = job;
    // A trainer says what is wrong with the splits and the options.
    dogbreed_trainer *probe = NULL;
    rc = dogbreed_model_create(&job->plain, train, &job->model);
    rc = rc < 0 ? rc : dogbreed_trainer_create(&probe, job->plain, train, valid, &job->trainer);
    dogbreed_trainer_destroy(probe);
    rc = rc < 0 || tuner->options.kfold == 0 ? rc : join(job, tuner->options.kfold);
    if (rc < 0) {
        dogb_error_state error;
        dogb_error_save(&error, rc);
        dogbreed_model_destroy(job->plain);
        dogbreed_dataset_destroy(job->joined);
        dogbreed_dataset_destroy(job->train);
        dogbreed_dataset_destroy(job->valid);
        tuner->job = NULL;
        return dogb_error_restore(&error);
    }
    return DOGBREED_OK;
}

static int is_model_axis(const dogb_axis *axis) {
    return dogb_table_find(&dogb_trainer_table, axis->name) == NULL;
}

// Sets the trial's values; strings go into the arena.
static int apply(dogbreed_model_options *model, dogbreed_trainer_options *trainer,
                 const dogbreed_tuner *tuner, const double *values, dogb_arena *arena) {
    int rc = DOGBREED_OK;
    for (size_t i = 0; rc == DOGBREED_OK && i < tuner->axis_count; i++) {
        const dogb_axis *axis = &tuner->axes[i];
        if (isnan(values[i])) {
            continue; // a trial of another program without it: the job's own value
        }
        const char *text = dogb_trial_text(arena, axis, values[i]);
        if (text == NULL) {
            return DOGBREED_ERROR_NO_MEMORY;
        }
        rc = is_model_axis(axis)
                 ? dogb_table_set(&dogb_model_table, model, axis->name, text, arena)
                 : dogb_table_set(&dogb_trainer_table, trainer, axis->name, text, arena);
    }
    return rc;
}

static int check_axis(const dogbreed_tuner *tuner, const dogb_axis *axis) {
    for (size_t i = 0; i < sizeof NOT_SEARCHED / sizeof *NOT_SEARCHED; i++) {
        DOGB_CHECK(strcmp(axis->name, NOT_SEARCHED[i]) != 0,
                   "search: %s says where and how fast a trial is computed and cannot be searched",
                   axis->name);
    }
    if (dogb_table_find(&dogb_trainer_table, axis->name) == NULL &&
        dogb_table_find(&dogb_model_table, axis->name) == NULL) {
        return dogb_fail(DOGBREED_ERROR_INVALID_ARGUMENT,
                         "search: %s is no option of the trainer or the model", axis->name);
    }
    (void)tuner;
    return DOGBREED_OK;
}

// Both ends of every parameter have to be values that its option takes.
int dogb_job_check(dogbreed_tuner *tuner) {
    dogb_arena scratch = {0};
    double *values = dogb_alloc(&scratch, tuner->axis_count, sizeof *values);
    int rc = values == NULL ? DOGBREED_ERROR_NO_MEMORY : DOGBREED_OK;
    for (size_t i = 0; rc == DOGBREED_OK && i < tuner->axis_count; i++) {
        rc = check_axis(tuner, &tuner->axes[i]);
        for (size_t k = 0; k < tuner->axis_count; k++) {
            values[k] = (double)NAN;
        }
        int32_t count = tuner->axes[i].kind == DOGB_AXIS_CHOICE ? tuner->axes[i].choice_count : 2;
        for (int32_t k = 0; rc == DOGBREED_OK && k < count; k++) {
            dogbreed_model_options model = tuner->job->model;
            dogbreed_trainer_options trainer = tuner->job->trainer;
            values[i] = tuner->axes[i].kind == DOGB_AXIS_CHOICE ? (double)k
                        : k == 0                                ? tuner->axes[i].low
                                                                : tuner->axes[i].high;
            rc = apply(&model, &trainer, tuner, values, &scratch);
        }
    }
    dogb_arena_free(&scratch);
    return rc;
}

static void forget(json_t *object, const char *const *names, size_t count) {
    for (size_t i = 0; i < count; i++) {
        (void)json_object_del(object, names[i]);
    }
}

static int describe_options(json_t *object, const char *key, const dogb_table *table,
                            const void *options, const dogbreed_tuner *tuner) {
    json_t *rows = json_object();
    int rc = dogb_json_set(object, key, rows);
    rc = rc < 0 ? rc : dogb_table_to_json(rows, table, options);
    if (rc == DOGBREED_OK) {
        forget(rows, NOT_SEARCHED, sizeof NOT_SEARCHED / sizeof *NOT_SEARCHED);
        forget(rows, NOT_COMPARED, sizeof NOT_COMPARED / sizeof *NOT_COMPARED);
        for (size_t i = 0; i < tuner->axis_count; i++) {
            (void)json_object_del(rows, tuner->axes[i].name);
        }
    }
    return rc;
}

static int describe_hash(json_t *object, const char *key, const dogb_sha256 *hash) {
    char text[65];
    dogb_sha256_text(hash, text);
    return dogb_json_set_text(object, key, text);
}

int dogb_job_describe(json_t *object, const dogbreed_tuner *tuner) {
    const dogb_tuner_job *job = tuner->job;
    const dogbreed_dataset *const splits[] = {job->train, job->valid};
    static const char *const names[] = {"train", "valid"};
    dogb_sha256 hash;
    int rc = describe_options(object, "model", &dogb_model_table, &job->model, tuner);
    rc = rc < 0 ? rc
                : describe_options(object, "trainer", &dogb_trainer_table, &job->trainer, tuner);
    rc = rc < 0 ? rc : dogb_model_prefix_hash(&hash, job->plain);
    rc = rc < 0 ? rc : describe_hash(object, "weights", &hash);
    for (int i = 0; rc == DOGBREED_OK && i < 2; i++) {
        rc = dogb_dataset_fingerprint(&hash, splits[i], dogb_thread_count(job->trainer.threads));
        rc = rc < 0 ? rc : describe_hash(object, names[i], &hash);
    }
    return rc;
}

static int has_own_model(const dogbreed_tuner *tuner, const dogb_trial *trial) {
    for (size_t i = 0; i < tuner->axis_count; i++) {
        if (is_model_axis(&tuner->axes[i]) && !isnan(trial->values[i])) {
            return 1;
        }
    }
    return 0;
}

int dogb_job_trainer(dogbreed_trainer **trainer, dogbreed_model **model,
                     const dogbreed_tuner *tuner, const dogb_trial *trial, const dogb_fold *fold,
                     int own) {
    dogb_arena scratch = {0};
    const dogb_tuner_job *job = tuner->job;
    dogbreed_model_options model_options = job->model;
    dogbreed_trainer_options options = job->trainer;
    *trainer = NULL;
    *model = NULL;
    int rc = apply(&model_options, &options, tuner, trial->values, &scratch);
    if (rc == DOGBREED_OK && !own && !has_own_model(tuner, trial)) {
        *model = dogb_model_retain(job->plain);
    } else if (rc == DOGBREED_OK) {
        rc = dogbreed_model_create(model, job->train, &model_options);
    }
    if (rc == DOGBREED_OK) {
        rc = fold != NULL
                 ? dogb_trainer_create_fold(trainer, *model, job->joined, fold, &options)
                 : dogbreed_trainer_create(trainer, *model, job->train, job->valid, &options);
    }
    if (rc == DOGBREED_OK && !own) {
        dogb_trainer_detach(*trainer);
    }
    if (rc < 0) {
        dogbreed_model_destroy(*model);
        *model = NULL;
    }
    dogb_arena_free(&scratch);
    return rc;
}
