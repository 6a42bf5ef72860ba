// status.c - status.json: what the run is doing, for scripts and other terminals. Rewritten at most
// once a second, without syncing: a reader sees the old text or the new one, and a crash of the
// machine may lose the newest.
#include "core/clock.h"
#include "core/error.h"
#include "core/file.h"
#include "run/run_internal.h"

#include <string.h>
#include <unistd.h>

static const char *const states[] = {
    [DOGB_END_NONE] = "running",    [DOGB_END_COMPLETED] = "completed",
    [DOGB_END_EARLY] = "completed", [DOGB_END_TIME] = "time_limit",
    [DOGB_END_STOP] = "stopped",    [DOGB_END_CANCELLED] = "interrupted",
    [DOGB_END_FAILED] = "failed",
};

const char *dogb_run_state(const dogb_run *run) {
    dogb_trainer_status status;
    dogb_trainer_status_get(&status, run->trainer);
    return states[status.end];
}

// Codes after which a run with a checkpoint can go on.
static int recoverable(int code) {
    static const int codes[] = {DOGBREED_ERROR_DEVICE,   DOGBREED_ERROR_DEVICE_MEMORY,
                                DOGBREED_ERROR_NUMERIC,  DOGBREED_ERROR_IO,
                                DOGBREED_ERROR_NETWORK,  DOGBREED_ERROR_CALLBACK,
                                DOGBREED_ERROR_NO_MEMORY};
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        if (codes[i] == code) {
            return 1;
        }
    }
    return 0;
}

int dogb_run_exit_code(const dogb_run *run) {
    dogb_trainer_status status;
    dogb_trainer_status_get(&status, run->trainer);
    int code = status.end_code;
    switch (status.end) {
    case DOGB_END_TIME:
        return 124;
    case DOGB_END_CANCELLED:
        return 5;
    case DOGB_END_FAILED:
        if (recoverable(code)) {
            return dogb_directory_exists(run->checkpoint) ? 5 : 1;
        }
        return code == DOGBREED_ERROR_NOT_FOUND || code == DOGBREED_ERROR_FORMAT ||
                       code == DOGBREED_ERROR_MISMATCH
                   ? 3
               : code == DOGBREED_ERROR_INVALID_ARGUMENT || code == DOGBREED_ERROR_UNSUPPORTED ? 2
                                                                                               : 1;
    default:
        return 0;
    }
}

// Seconds to the last epoch, from the steps of this run so far; negative: unknown.
static double remaining(const dogb_run *run, const dogbreed_event *event) {
    double done = (double)(event->step - run->begin_step);
    double left = (double)(event->epochs * event->steps - event->step);
    double seconds = dogb_clock() - run->begin;
    return done > 0.0 && event->steps > 0 ? seconds / done * (left > 0.0 ? left : 0.0) : -1.0;
}

static int fill(dogb_run *run, json_t *root, const dogbreed_event *event) {
    dogb_trainer_status status;
    char now[28];
    double eta = remaining(run, event);
    int rc = DOGBREED_OK;
    dogb_trainer_status_get(&status, run->trainer);
    dogb_clock_text(now);
    if ((rc = dogb_json_set_text(root, "state", states[status.end])) < 0 ||
        (rc = dogb_json_set(root, "exit_code",
                            status.end == DOGB_END_NONE ? json_null()
                                                        : json_integer(dogb_run_exit_code(run)))) <
            0 ||
        (rc = dogb_json_set_text(root, "message", status.message)) < 0 ||
        (rc = dogb_json_set_int(root, "epoch", status.epoch_count)) < 0 ||
        (rc = dogb_json_set_int(root, "epochs", status.epochs_total)) < 0 ||
        (rc = dogb_json_set_int(root, "step", status.step)) < 0 ||
        (rc = dogb_json_set_int(root, "steps_per_epoch", event->steps)) < 0 ||
        (rc = dogb_json_set(root, "eta_s", eta < 0.0 ? json_null() : json_real(eta))) < 0 ||
        (rc = dogb_json_set_int(root, "pid", (int64_t)getpid())) < 0 ||
        (rc = dogb_json_set_text(root, "updated", now)) < 0) {
        return rc;
    }
    if (status.best < 0) {
        return dogb_json_set(root, "best", json_null());
    }
    json_t *best = json_object();
    if ((rc = dogb_json_set(root, "best", best)) == DOGBREED_OK &&
        (rc = dogb_json_set_text(best, "metric", status.monitor)) == DOGBREED_OK &&
        (rc = dogb_json_set_real(best, "value", status.best_value)) == DOGBREED_OK) {
        rc = dogb_json_set_int(best, "epoch", status.best + 1);
    }
    return rc;
}

int dogb_run_status(dogb_run *run, const dogbreed_event *event) {
    dogb_arena scratch = {0};
    json_t *root = dogb_json_document(&scratch, "status", 1);
    const char *path = dogb_run_path(run, &scratch, "status.json");
    int rc = root == NULL || path == NULL ? DOGBREED_ERROR_NO_MEMORY : fill(run, root, event);
    const char *text = rc < 0 ? NULL : dogb_json_text_in(&scratch, root, 1);
    if (rc == DOGBREED_OK) {
        const char *line = text == NULL ? NULL : dogb_format(&scratch, "%s\n", text);
        rc = line == NULL ? DOGBREED_ERROR_NO_MEMORY : dogb_file_replace(path, line, strlen(line));
    }
    run->status_time = dogb_clock();
    dogb_arena_free(&scratch);
    return rc;
}
