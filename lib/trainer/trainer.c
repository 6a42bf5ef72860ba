// trainer.c - the public calls: create and check, subscribe, run, stop, checkpoint, resume.
#include "core/clock.h"
#include "core/error.h"
#include "core/log.h"
#include "core/span.h"
#include "core/thread.h"
#include "trainer/state.h"

#include <stdio.h>
#include <string.h>

static void release_parts(void *pointer) {
    dogbreed_trainer *trainer = pointer;
    dogbreed_model_destroy(trainer->model);
    dogbreed_dataset_destroy(trainer->train);
    dogbreed_dataset_destroy(trainer->valid);
}

// Test samples must not be seen before the final evaluation, neither for training nor for choosing.
static int check_split(const dogbreed_dataset *dataset, const char *name, const char *wanted) {
    int32_t kind = dogb_dataset_kind(dataset);
    DOGB_CHECK(kind != DOGB_SPLIT_TEST,
               "%s: this is the test split of %s; it is for the final evaluation, expected the %s "
               "split",
               name, dogb_dataset_root(dataset), wanted);
    DOGB_CHECK(kind != DOGB_SPLIT_ALL,
               "%s: this handle of %s covers all splits, the test split too; expected the %s split "
               "(dogbreed_dataset_split)",
               name, dogb_dataset_root(dataset), wanted);
    DOGB_CHECK(dogbreed_dataset_size(dataset) > 0, "%s: the split has no pictures", name);
    return DOGBREED_OK;
}

static int check_classes(const dogbreed_model *model, const dogbreed_dataset *dataset,
                         const char *name) {
    int32_t count = dogbreed_model_class_count(model);
    int32_t found = dogbreed_dataset_class_count(dataset);
    if (found != count) {
        return dogb_fail(DOGBREED_ERROR_MISMATCH,
                         "%s: %d classes, but the model was made for %d classes", name, (int)found,
                         (int)count);
    }
    for (int32_t i = 0; i < count; i++) {
        const char *wanted = dogbreed_model_class_name(model, i);
        const char *other = dogbreed_dataset_class_name(dataset, i);
        if (strcmp(wanted, other) != 0) {
            return dogb_fail(DOGBREED_ERROR_MISMATCH, "%s: class %d is %s, but %s in the model",
                             name, (int)i, other, wanted);
        }
    }
    return DOGBREED_OK;
}

static int check_options(const dogbreed_trainer_options *options) {
    DOGB_CHECK(!options->nesterov ||
                   (options->optimizer == DOGBREED_OPTIMIZER_SGD && options->momentum > 0.0),
               "nesterov: needs optimizer sgd with a momentum above 0");
    DOGB_CHECK(options->beta1 < 1.0, "beta1: 1 is out of range, expected less than 1");
    DOGB_CHECK(options->beta2 < 1.0, "beta2: 1 is out of range, expected less than 1");
    DOGB_CHECK(options->augment_views == 0 || options->feature_cache == DOGBREED_CACHE_ON,
               "augment_views: needs feature_cache on");
    return DOGBREED_OK;
}

// Weight of a class: samples / (classes * samples of the class). A class without samples keeps 1.
static int weigh_classes(dogbreed_trainer *trainer) {
    size_t classes = (size_t)dogbreed_dataset_class_count(trainer->train);
    int64_t size = dogbreed_dataset_size(trainer->train);
    if (trainer->options.class_weights == DOGBREED_CLASS_WEIGHTS_NONE) {
        return DOGBREED_OK;
    }
    dogb_arena scratch = {0};
    int64_t *counts = dogb_alloc(&scratch, classes, sizeof *counts);
    trainer->class_weights = dogb_alloc(&trainer->arena, classes, sizeof(float));
    int rc = DOGBREED_ERROR_NO_MEMORY;
    if (counts != NULL && trainer->class_weights != NULL) {
        for (int64_t i = 0; i < size; i++) {
            counts[dogb_dataset_label(trainer->train, i)]++;
        }
        for (size_t i = 0; i < classes; i++) {
            double share = (double)classes * (double)counts[i];
            trainer->class_weights[i] = counts[i] > 0 ? (float)((double)size / share) : 1.0f;
        }
        rc = DOGBREED_OK;
    }
    dogb_arena_free(&scratch);
    return rc;
}

static int fill(dogbreed_trainer *trainer, dogbreed_model *model, const dogbreed_dataset *train,
                const dogbreed_dataset *valid, const dogb_fold *fold,
                const dogbreed_trainer_options *options) {
    int rc = dogb_table_import(&trainer->options, &dogb_trainer_table, options, &trainer->arena);
    if (rc < 0 || (rc = check_options(&trainer->options)) < 0 ||
        (rc = check_split(train, "train", "train")) < 0 ||
        (valid != NULL && (rc = check_split(valid, "valid", "valid")) < 0) ||
        (rc = check_classes(model, train, "train")) < 0 ||
        (valid != NULL && (rc = check_classes(model, valid, "valid")) < 0)) {
        return rc;
    }
    trainer->model = dogb_model_retain(model);
    trainer->train = dogb_dataset_retain(train);
    trainer->valid = valid == NULL ? NULL : dogb_dataset_retain(valid);
    if ((rc = dogb_defer(&trainer->arena, release_parts, trainer)) < 0 ||
        (rc = dogb_bus_create(&trainer->bus, &trainer->arena)) < 0) {
        return rc;
    }
    trainer->fold = fold == NULL ? (dogb_fold){0} : *fold;
    trainer->threads = dogb_thread_count(trainer->options.threads);
    trainer->loader_threads = dogb_thread_count(trainer->options.loader_threads);
    trainer->cached =
        trainer->options.feature_cache == DOGBREED_CACHE_ON && dogb_model_frozen(model);
    trainer->progress.best = -1;
    trainer->progress.rate = trainer->options.learning_rate;
    if (trainer->options.augment_views > 0 && !trainer->cached) {
        dogb_log(DOGBREED_LOG_WARNING, "augment_views: has no effect, the backbone is not frozen");
    }
    if ((rc = dogb_tally_init(&trainer->progress.tally, &trainer->arena,
                              dogbreed_model_class_count(model), 0)) < 0 ||
        (rc = weigh_classes(trainer)) < 0) {
        return rc;
    }
    return dogb_slots_create(trainer);
}

static int create(dogbreed_trainer **out, dogbreed_model *model, const dogbreed_dataset *train,
                  const dogbreed_dataset *valid, const dogb_fold *fold,
                  const dogbreed_trainer_options *options) {
    DOGB_CHECK(out != NULL, "out: is NULL");
    *out = NULL;
    DOGB_CHECK(model != NULL, "model: is NULL");
    DOGB_CHECK(train != NULL, "train: is NULL");
    DOGB_CHECK(!dogb_graph_quantised(dogb_model_graph(model)),
               "model: is quantised and cannot be trained; train the one that it was made from");
    dogbreed_trainer *trainer = dogb_malloc(1, sizeof *trainer);
    if (trainer == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    int rc = fill(trainer, model, train, valid, fold, options);
    if (rc < 0) {
        dogb_error_state error;
        dogb_error_save(&error, rc);
        dogbreed_trainer_destroy(trainer);
        return dogb_error_restore(&error);
    }
    *out = trainer;
    return DOGBREED_OK;
}

int dogbreed_trainer_create(dogbreed_trainer **out, dogbreed_model *model,
                            const dogbreed_dataset *train, const dogbreed_dataset *valid,
                            const dogbreed_trainer_options *options) {
    return create(out, model, train, valid, NULL, options);
}

int dogb_trainer_create_fold(dogbreed_trainer **out, dogbreed_model *model,
                             const dogbreed_dataset *joined, const dogb_fold *fold,
                             const dogbreed_trainer_options *options) {
    return create(out, model, joined, joined, fold, options);
}

int dogbreed_trainer_subscribe(dogbreed_trainer *trainer, int32_t *id, uint64_t mask,
                               dogbreed_event_fn fn, void *userdata) {
    DOGB_CHECK(trainer != NULL, "trainer: is NULL");
    DOGB_CHECK(fn != NULL, "fn: is NULL");
    DOGB_CHECK(mask != 0, "mask: is 0, nothing would ever be delivered");
    return dogb_bus_subscribe(trainer->bus, id, mask, fn, userdata);
}

int dogbreed_trainer_release(dogbreed_trainer *trainer, int32_t id) {
    DOGB_CHECK(trainer != NULL, "trainer: is NULL");
    return dogb_bus_release(trainer->bus, id);
}

void dogbreed_trainer_stop(dogbreed_trainer *trainer) {
    if (trainer != NULL) {
        trainer->stop = 1;
    }
}

// The weights that the model has after the run.
static int kept(const dogbreed_trainer *trainer) {
    return trainer->options.keep == DOGBREED_KEEP_BEST && trainer->progress.best >= 0
               ? DOGB_SLOTS_BEST
               : DOGB_SLOTS_LAST;
}

static int tell_end(dogbreed_trainer *trainer, int rc) {
    dogbreed_event event;
    trainer->end_code = rc;
    (void)snprintf(trainer->end_text, sizeof trainer->end_text, "%s",
                   rc < 0 ? dogbreed_error_message() : "");
    dogb_loop_event(&event, trainer, DOGBREED_EVENT_RUN_END);
    return dogb_bus_send(trainer->bus, &event, NULL);
}

// A failed training stays the reason, whatever follows.
int dogb_trainer_end(dogbreed_trainer *trainer, int rc, int32_t end) {
    dogb_error_state error;
    if (rc == DOGBREED_ERROR_CANCELLED && trainer->stop) {
        end = DOGB_END_CANCELLED;
        rc = DOGBREED_OK;
    } else if (rc < 0) {
        end = DOGB_END_FAILED;
    }
    if (rc == DOGBREED_OK && end == DOGB_END_CANCELLED) {
        rc = dogb_fail(DOGBREED_ERROR_CANCELLED, "training was stopped in epoch %d of %d",
                       (int)trainer->progress.epoch + 1, (int)trainer->options.epochs);
    }
    trainer->end = end;
    dogb_error_save(&error, rc);
    if (trainer->session != NULL && !trainer->broken) {
        int sync = dogb_slots_sync(trainer);
        if (sync < 0) {
            trainer->broken = 1;
            if (rc == DOGBREED_OK) {
                trainer->end = DOGB_END_FAILED;
                rc = sync;
                dogb_error_save(&error, rc);
            }
        }
    }
    (void)dogb_error_restore(&error);
    int told = tell_end(trainer, rc);
    if (told < 0 && rc == DOGBREED_OK) {
        trainer->end = DOGB_END_FAILED;
        trainer->end_code = told;
        dogb_error_save(&error, told);
    }
    dogb_session_close(trainer);
    if (!trainer->detached) {
        dogb_slots_to_model(trainer, trainer->broken && trainer->progress.best >= 0
                                         ? DOGB_SLOTS_BEST
                                         : kept(trainer));
    }
    return dogb_error_restore(&error);
}

int dogb_trainer_begin(dogbreed_trainer *trainer) {
    dogbreed_event event;
    trainer->begin = dogb_clock();
    trainer->end = DOGB_END_NONE;
    int opened = dogb_session_engine(trainer); // before RUN_BEGIN, so that logs can name it
    dogb_error_state error;
    dogb_error_save(&error, opened);
    dogb_loop_event(&event, trainer, DOGBREED_EVENT_RUN_BEGIN);
    int rc = dogb_bus_send(trainer->bus, &event, NULL);
    if (opened < 0) {
        return dogb_error_restore(&error);
    }
    if (rc == DOGBREED_OK && trainer->stop) {
        rc = DOGBREED_ERROR_CANCELLED;
    }
    if (rc == DOGBREED_OK && !trainer->progress.finished &&
        trainer->progress.epoch < trainer->options.epochs) {
        rc = dogb_session_open(trainer);
    }
    return rc;
}

static int run(dogbreed_trainer *trainer) {
    int32_t end = DOGB_END_NONE;
    int rc = dogb_trainer_begin(trainer);
    if (rc == DOGBREED_OK) {
        rc = dogb_loop_run(trainer, &end);
    }
    if (rc == DOGBREED_STOP) { // from RUN_BEGIN or PROGRESS
        end = DOGB_END_STOP;
        rc = DOGBREED_OK;
    }
    return dogb_trainer_end(trainer, rc, end);
}

// Calls that are not callback-safe while an event is being delivered.
static int check_idle(const dogbreed_trainer *trainer, const char *what) {
    if (trainer->running) {
        return dogb_fail(DOGBREED_ERROR_STATE,
                         "%s: not from inside a callback of a running trainer", what);
    }
    return DOGBREED_OK;
}

static int check_whole(const dogbreed_trainer *trainer, const char *what) {
    if (trainer->broken) {
        return dogb_fail(DOGBREED_ERROR_STATE,
                         "%s: the last run failed inside a step; resume from a checkpoint first",
                         what);
    }
    return DOGBREED_OK;
}

int dogbreed_trainer_run(dogbreed_trainer *trainer) {
    DOGB_CHECK(trainer != NULL, "trainer: is NULL");
    int rc = check_idle(trainer, "run");
    if (rc < 0 || (rc = check_whole(trainer, "run")) < 0) {
        return rc;
    }
    trainer->running = 1;
    rc = run(trainer);
    trainer->running = 0;
    trainer->stop = 0; // consumed by this run, also when it came too late to matter
    if (trainer->doomed) {
        dogb_error_state error;
        dogb_error_save(&error, rc);
        dogbreed_trainer_destroy(trainer);
        rc = dogb_error_restore(&error);
    }
    return rc;
}

int dogbreed_trainer_checkpoint(dogbreed_trainer *trainer, const char *directory) {
    DOGB_CHECK(trainer != NULL, "trainer: is NULL");
    DOGB_CHECK(directory != NULL && *directory != '\0', "directory: is empty");
    int rc = check_whole(trainer, "checkpoint");
    if (rc == DOGBREED_OK && trainer->in_step) {
        rc = dogb_fail(DOGBREED_ERROR_STATE,
                       "checkpoint: not inside a step; EPOCH_END is the place");
    }
    uint64_t span = dogb_span_begin(DOGB_SPAN_CHECKPOINT);
    if (rc == DOGBREED_OK && trainer->session != NULL && trainer->session->net != NULL) {
        rc = dogb_slots_sync(trainer);
    }
    if (rc == DOGBREED_OK) {
        rc = dogb_checkpoint_write(trainer, directory);
    }
    dogb_span_end(DOGB_SPAN_CHECKPOINT, span, 0);
    if (rc < 0) {
        return rc;
    }
    dogbreed_event event;
    dogb_loop_event(&event, trainer, DOGBREED_EVENT_CHECKPOINT);
    event.text = directory;
    rc = dogb_bus_send(trainer->bus, &event, NULL);
    return rc < 0 ? rc : DOGBREED_OK;
}

int dogbreed_trainer_resume(dogbreed_trainer *trainer, const char *directory) {
    DOGB_CHECK(trainer != NULL, "trainer: is NULL");
    DOGB_CHECK(directory != NULL && *directory != '\0', "directory: is empty");
    int rc = check_idle(trainer, "resume");
    return rc < 0 ? rc : dogb_checkpoint_read(trainer, directory);
}

int dogbreed_trainer_find_checkpoint(char **path, const char *directory) {
    DOGB_CHECK(path != NULL, "path: is NULL");
    *path = NULL;
    DOGB_CHECK(directory != NULL && *directory != '\0', "directory: is empty");
    return dogb_checkpoint_find(path, directory);
}

void dogbreed_trainer_destroy(dogbreed_trainer *trainer) {
    if (trainer == NULL) {
        return;
    }
    if (trainer->running) { // from inside a callback: the run ends first
        trainer->doomed = 1;
        trainer->stop = 1;
        return;
    }
    dogb_arena_free(&trainer->arena);
    dogb_free(trainer);
}
