// run.c - attaches a run directory to a trainer: everything it writes, it writes because an event
// came by. How often the expensive files are written follows from what they cost.
#include "core/clock.h"
#include "core/error.h"
#include "core/number.h"
#include "core/file.h"
#include "core/log.h"
#include "run/run_internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

// A checkpoint or model file is written again when this many seconds have passed, and four times
// what the last one took; always at the end of the run. DOGBREED_CHECKPOINT_SECONDS in the
// environment replaces the seconds; 0: at each epoch, whatever it costs.
static const double INTERVAL = 2.0;

enum { NUMBER_MAX = 1000000 }; // of runs/train-N

char *dogb_run_path(const dogb_run *run, dogb_arena *arena, const char *name) {
    return dogb_path_join(arena, run->directory, name);
}

static void destroy(void *pointer) {
    dogb_run *run = pointer;
    dogb_run_logs_close(run);
    dogb_run_unlock(run);
    dogb_arena_free(&run->arena);
    dogb_free(run);
}

static int due(const dogb_run *run, double last, double cost) {
    double wait = 4.0 * cost > run->interval ? 4.0 * cost : run->interval;
    return run->interval <= 0.0 || dogb_clock() - last >= wait;
}

static double interval(void) {
    const char *text = getenv("DOGBREED_CHECKPOINT_SECONDS");
    char *end = NULL;
    double value = text == NULL ? INTERVAL : dogb_number_parse(text, &end);
    return text == NULL || (end != text && *end == '\0' && value >= 0.0) ? value : INTERVAL;
}

static int write_checkpoint(dogb_run *run) {
    double begin = dogb_clock();
    int rc = dogbreed_trainer_checkpoint(run->trainer, run->checkpoint);
    run->checkpoint_time = dogb_clock();
    run->checkpoint_cost = run->checkpoint_time - begin;
    run->checkpoint_pending = rc < 0;
    return rc;
}

static int write_model(dogb_run *run) {
    dogb_arena scratch = {0};
    double begin = dogb_clock();
    const char *path = dogb_run_path(run, &scratch, "model.safetensors");
    int rc = path == NULL ? DOGBREED_ERROR_NO_MEMORY : dogb_trainer_save_kept(run->trainer, path);
    run->model_time = dogb_clock();
    run->model_cost = run->model_time - begin;
    run->model_pending = rc < 0;
    dogb_arena_free(&scratch);
    return rc;
}

static int begin_run(dogb_run *run, const dogbreed_event *event) {
    dogb_trainer_status status;
    int rc = dogb_run_lock(run); // a second run of the same trainer
    if (rc < 0) {
        return rc;
    }
    dogb_trainer_status_get(&status, run->trainer);
    run->begin = dogb_clock();
    run->begin_step = status.step;
    if (run->csv < 0 && (rc = dogb_run_logs_open(run)) < 0) {
        return rc;
    }
    if ((rc = dogb_run_board_open(run)) < 0 || (rc = dogb_run_first_batch(run)) < 0) {
        return rc;
    }
    return (rc = dogb_run_manifest(run, 0)) < 0 ? rc : dogb_run_status(run, event);
}

static int end_epoch(dogb_run *run, const dogbreed_event *event) {
    const dogbreed_trainer_options *options = dogb_trainer_options(run->trainer);
    int rc = dogb_run_logs_epoch(run, event);
    rc = rc < 0 ? rc : dogb_run_board_epoch(run, event);
    run->checkpoint_pending = 1;
    run->model_pending |= event->improved || options->keep == DOGBREED_KEEP_LAST;
    if (rc < 0 || (run->model_pending && due(run, run->model_time, run->model_cost) &&
                   (rc = write_model(run)) < 0)) {
        return rc;
    }
    if (due(run, run->checkpoint_time, run->checkpoint_cost)) {
        rc = write_checkpoint(run);
    }
    if (rc == DOGBREED_OK && dogb_clock() - run->status_time >= 1.0) {
        rc = dogb_run_status(run, event);
    }
    return rc;
}

static int end_step(dogb_run *run, const dogbreed_event *event) {
    int64_t interval = event->steps / 20 > 1 ? event->steps / 20 : 1;
    int rc = DOGBREED_OK;
    if ((event->step + 1) % interval == 0) {
        rc = dogb_run_logs_step(run, event);
        dogb_run_board_step(run, event);
    }
    if (rc == DOGBREED_OK && dogb_clock() - run->status_time >= 1.0 &&
        (rc = dogb_run_status(run, event)) == DOGBREED_OK &&
        (rc = dogb_run_logs_flush(run, 0)) == DOGBREED_OK) {
        rc = dogb_run_board_flush(run);
    }
    return rc;
}

// Everything that was put off is written now. A failed training leaves its last good checkpoint.
static int end_run(dogb_run *run, const dogbreed_event *event) {
    dogb_trainer_status status;
    int rc = DOGBREED_OK;
    dogb_trainer_status_get(&status, run->trainer);
    int unfinished =
        run->checkpoint_pending || status.end == DOGB_END_CANCELLED || status.end == DOGB_END_TIME;
    if (status.resumable && unfinished && status.step > 0) {
        rc = write_checkpoint(run);
    }
    if (rc == DOGBREED_OK && run->model_pending && status.epoch_count > 0) {
        rc = write_model(run);
    }
    if (rc == DOGBREED_OK && (rc = dogb_run_logs_flush(run, 1)) == DOGBREED_OK &&
        (rc = dogb_run_board_flush(run)) == DOGBREED_OK &&
        (rc = dogb_run_manifest(run, 1)) == DOGBREED_OK) {
        rc = dogb_run_status(run, event);
    }
    dogb_run_logs_close(run);
    dogb_run_unlock(run);
    return rc;
}

// Of the end of the run it may come when the logs are closed.
static int note_finding(dogb_run *run, const dogbreed_event *event) {
    int closed = run->lock < 0;
    int rc = closed ? dogb_run_logs_reopen(run) : DOGBREED_OK;
    rc = rc < 0 ? rc : dogb_run_logs_finding(run, event);
    if (closed) {
        rc = rc < 0 ? rc : dogb_run_logs_flush(run, 0);
        dogb_run_logs_close(run);
    }
    return rc;
}

typedef int (*handler_fn)(dogb_run *run, const dogbreed_event *event);

static const struct handler {
    int32_t kind;
    handler_fn fn;
} handlers[] = {
    {DOGBREED_EVENT_RUN_BEGIN, begin_run}, {DOGBREED_EVENT_EPOCH_END, end_epoch},
    {DOGBREED_EVENT_STEP_END, end_step},   {DOGBREED_EVENT_FINDING, note_finding},
    {DOGBREED_EVENT_RUN_END, end_run},
};

static int hear(const dogbreed_event *event, void *userdata) {
    for (size_t i = 0; i < sizeof handlers / sizeof *handlers; i++) {
        if (handlers[i].kind == event->kind) {
            return handlers[i].fn(userdata, event);
        }
    }
    return DOGBREED_OK;
}

static int subscribe(dogb_run *run) {
    uint64_t mask = 0;
    for (size_t i = 0; i < sizeof handlers / sizeof *handlers; i++) {
        mask |= DOGBREED_EVENT_MASK(handlers[i].kind);
    }
    return dogbreed_trainer_subscribe(run->trainer, NULL, mask, hear, run);
}

static int create(dogb_run **out, dogbreed_trainer *trainer) {
    dogb_run *run = dogb_malloc(1, sizeof *run);
    *out = NULL;
    if (run == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    run->trainer = trainer;
    run->interval = interval();
    run->lock = -1;
    run->csv = -1;
    run->jsonl = -1;
    run->resumed_epoch = -1;
    run->begin = dogb_clock();
    run->model_time = run->begin - 1e9; // the first of each is due at once
    run->checkpoint_time = run->begin - 1e9;
    dogb_clock_text(run->start);
    *out = run;
    return DOGBREED_OK;
}

static int set_directory(dogb_run *run, const char *directory) {
    run->directory = dogb_strdup(&run->arena, directory);
    if (run->directory == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    run->checkpoint = dogb_path_join(&run->arena, run->directory, "checkpoint");
    return run->checkpoint == NULL ? DOGBREED_ERROR_NO_MEMORY : DOGBREED_OK;
}

// The next free runs/train-N: mkdir decides, so that parallel starts do not collide.
static int next_directory(dogb_run *run) {
    char name[64];
    int rc = dogb_directory_make("runs");
    for (int number = 1; rc == DOGBREED_OK && number < NUMBER_MAX; number++) {
        (void)snprintf(name, sizeof name, "runs/train-%d", number);
        if (mkdir(name, 0777) == 0) {
            return set_directory(run, name);
        }
        if (errno != EEXIST) {
            rc = dogb_fail_errno(DOGBREED_ERROR_IO, "%s: cannot be made", name);
        }
    }
    return rc < 0 ? rc : dogb_fail(DOGBREED_ERROR_EXISTS, "runs: there are too many runs");
}

// A directory of the caller's choice must not hold another run. A lock file alone is not one: a
// process that was killed right behind the start leaves it, and a live one is found by locking.
static int own_directory(dogb_run *run, const char *directory) {
    static const char *const names[] = {"config.json",      "manifest.json", "status.json",
                                        "metrics.csv",      "metrics.jsonl", "checkpoint",
                                        "model.safetensors"};
    dogb_arena scratch = {0};
    int rc = set_directory(run, directory);
    for (size_t i = 0; i < sizeof names / sizeof *names && rc == DOGBREED_OK; i++) {
        const char *path = dogb_run_path(run, &scratch, names[i]);
        if (path == NULL) {
            rc = DOGBREED_ERROR_NO_MEMORY;
        } else if (dogb_file_exists(path) || dogb_directory_exists(path)) {
            rc = dogb_fail(DOGBREED_ERROR_EXISTS,
                           "%s: it holds another run (%s); resume it or choose another directory",
                           directory, names[i]);
        }
    }
    dogb_arena_free(&scratch);
    return rc < 0 ? rc : dogb_directory_make(directory);
}

// config.json: what the caller resolved, and every trainer option that it does not mention.
static int write_config(dogb_run *run, const char *config) {
    dogb_arena scratch = {0};
    json_t *given = NULL;
    json_t *root = dogb_json_document(&scratch, "config", 1);
    const char *path = dogb_run_path(run, &scratch, "config.json");
    const char *text = config == NULL ? "{}" : config;
    int rc = root == NULL || path == NULL ? DOGBREED_ERROR_NO_MEMORY : DOGBREED_OK;
    if (rc < 0 || (rc = dogb_json_parse(&given, &scratch, text, strlen(text), "config")) < 0 ||
        (rc = dogb_table_to_json(root, &dogb_trainer_table, dogb_trainer_options(run->trainer))) <
            0) {
        goto out;
    }
    if (!json_is_object(given)) {
        rc = dogb_fail(DOGBREED_ERROR_INVALID_ARGUMENT, "config: expected a JSON object");
    } else if (json_object_update(root, given) != 0) {
        rc = dogb_fail(DOGBREED_ERROR_NO_MEMORY, "out of memory for JSON");
    } else if ((rc = dogb_json_set_text(root, "format", "dogbreed.config")) == DOGBREED_OK &&
               (rc = dogb_json_set_int(root, "version", 1)) == DOGBREED_OK) {
        rc = dogb_json_write(path, root);
    }
out:
    dogb_arena_free(&scratch);
    return rc;
}

// Hands the object over to the trainer, or destroys it.
static int settle(dogb_run *run, int rc) {
    dogb_error_state error;
    if (rc == DOGBREED_OK) {
        rc = dogb_trainer_defer(run->trainer, destroy, run); // destroys it when it fails
        return rc < 0 ? rc : subscribe(run);
    }
    dogb_error_save(&error, rc);
    destroy(run);
    return dogb_error_restore(&error);
}

int dogbreed_run_attach(char **path, dogbreed_trainer *trainer, const char *directory,
                        const char *config) {
    dogb_run *run = NULL;
    char *name = NULL;
    if (path != NULL) {
        *path = NULL;
    }
    DOGB_CHECK(trainer != NULL, "trainer: is NULL");
    int rc = create(&run, trainer);
    if (rc < 0) {
        return rc;
    }
    rc = directory == NULL || *directory == '\0' ? next_directory(run)
                                                 : own_directory(run, directory);
    if (rc == DOGBREED_OK && (rc = dogb_run_lock(run)) == DOGBREED_OK &&
        (rc = write_config(run, config)) == DOGBREED_OK) {
        rc = dogb_text_out(&name, run->directory);
    }
    rc = settle(run, rc);
    if (rc < 0 || path == NULL) {
        dogb_free(name);
    } else {
        *path = name;
    }
    return rc;
}

// Takes the trainer to the newest checkpoint. A run that was killed before its first one starts
// again; its directory and options stay.
static int restore(dogb_run *run) {
    dogb_trainer_status status;
    int rc = dogbreed_trainer_resume(run->trainer, run->checkpoint);
    if (rc == DOGBREED_ERROR_NOT_FOUND) {
        dogb_log(DOGBREED_LOG_WARNING, "%s: there is no checkpoint yet, the run starts again",
                 run->directory);
        rc = DOGBREED_OK;
    }
    dogb_trainer_status_get(&status, run->trainer);
    run->resumed_epoch = status.epoch_count;
    run->model_pending = status.epoch_count > 0; // it may be older than the checkpoint
    return rc;
}

int dogbreed_run_resume(dogbreed_trainer *trainer, const char *directory) {
    dogb_run *run = NULL;
    char *config = NULL;
    DOGB_CHECK(trainer != NULL, "trainer: is NULL");
    int rc = dogbreed_run_config(&config, directory);
    dogbreed_free(config);
    if (rc < 0 || (rc = create(&run, trainer)) < 0) {
        return rc;
    }
    if ((rc = set_directory(run, directory)) == DOGBREED_OK &&
        (rc = dogb_run_lock(run)) == DOGBREED_OK && (rc = restore(run)) == DOGBREED_OK &&
        (rc = dogb_run_logs_open(run)) == DOGBREED_OK) {
        rc = dogb_run_logs_system(run, "resumed");
    }
    return settle(run, rc);
}

int dogbreed_run_config(char **json, const char *directory) {
    dogb_arena scratch = {0};
    json_t *config = NULL;
    DOGB_CHECK(json != NULL, "json: is NULL");
    *json = NULL;
    DOGB_CHECK(directory != NULL && *directory != '\0', "directory: is empty");
    const char *path = dogb_path_join(&scratch, directory, "config.json");
    int rc = path == NULL ? DOGBREED_ERROR_NO_MEMORY
                          : dogb_json_read(&config, &scratch, path, "config", 1);
    if (rc == DOGBREED_ERROR_NOT_FOUND) {
        rc = dogb_fail(rc, "%s: not a run directory, it has no config.json", directory);
    }
    if (rc == DOGBREED_OK) {
        rc = dogb_json_text_out(json, config, 1);
    }
    dogb_arena_free(&scratch);
    return rc;
}
