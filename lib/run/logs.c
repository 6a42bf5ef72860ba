// logs.c - metrics.csv (one row per epoch, the same bytes for the same training) and metrics.jsonl
// (everything, with times). Both survive a torn last line.
#include "core/clock.h"
#include "core/error.h"
#include "core/number.h"
#include "core/file.h"
#include "run/run_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char header[] =
    "epoch,step,train_loss,train_accuracy,val_loss,val_accuracy,val_top5_accuracy,lr\n";

enum { LOG_MAX = 1 << 30 };

void dogb_run_number(char out[40], double value) {
    if (isnan(value)) {
        out[0] = '\0';
        return;
    }
    dogb_number_text(out, value);
}

static int csv_row(char *out, size_t size, const dogb_epoch *epoch, int32_t index) {
    char text[6][40];
    const double values[6] = {epoch->train_loss,   epoch->train_accuracy, epoch->val_loss,
                              epoch->val_accuracy, epoch->val_top5,       epoch->learning_rate};
    for (int i = 0; i < 6; i++) {
        dogb_run_number(text[i], values[i]);
    }
    return snprintf(out, size, "%d,%lld,%s,%s,%s,%s,%s,%s\n", (int)index + 1,
                    (long long)epoch->step, text[0], text[1], text[2], text[3], text[4], text[5]);
}

static int write_all(const dogb_run *run, int descriptor, const char *name, const char *data,
                     size_t size) {
    while (size > 0) {
        ssize_t count = write(descriptor, data, size);
        if (count < 0 && errno == EINTR) {
            continue;
        }
        if (count < 0) {
            return dogb_fail_errno(DOGBREED_ERROR_IO, "%s/%s: cannot be written", run->directory,
                                   name);
        }
        data += count;
        size -= (size_t)count;
    }
    return DOGBREED_OK;
}

static int open_append(int *out, const char *path) {
    *out = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    return *out >= 0 ? DOGBREED_OK
                     : dogb_fail_errno(DOGBREED_ERROR_IO, "%s: cannot be opened", path);
}

// The trainer knows all epochs up to its checkpoint: rows behind it will come again.
static int rewrite_csv(dogb_run *run, dogb_arena *scratch, const char *path) {
    dogb_trainer_status status;
    char row[512];
    dogb_writer *writer = NULL;
    dogb_trainer_status_get(&status, run->trainer);
    int rc = dogb_writer_open(&writer, scratch, path);
    if (rc == DOGBREED_OK) {
        rc = dogb_writer_add(writer, header, sizeof header - 1);
    }
    for (int32_t i = 0; i < status.epoch_count && rc == DOGBREED_OK; i++) {
        int length = csv_row(row, sizeof row, &status.epochs[i], i);
        rc = dogb_writer_add(writer, row, (size_t)length);
    }
    return rc < 0 ? rc : dogb_writer_commit(writer);
}

// 1 when a line is whole and not behind `step`.
static int keeps(const char *line, size_t length, int64_t step) {
    json_error_t error;
    json_t *object = json_loadb(line, length, JSON_REJECT_DUPLICATES, &error);
    int kept = json_is_object(object) &&
               json_integer_value(json_object_get(object, "step")) <= (json_int_t)step;
    json_decref(object);
    return kept;
}

static int cut_jsonl(dogb_run *run, dogb_arena *scratch, const char *path) {
    void *data = NULL;
    size_t size = 0;
    dogb_trainer_status status;
    dogb_writer *writer = NULL;
    dogb_trainer_status_get(&status, run->trainer);
    if (!dogb_file_exists(path)) {
        return DOGBREED_OK;
    }
    int rc = dogb_file_read(&data, &size, scratch, path, LOG_MAX);
    if (rc == DOGBREED_OK) {
        rc = dogb_writer_open(&writer, scratch, path);
    }
    const char *line = data;
    const char *end = line + size;
    while (rc == DOGBREED_OK && line < end) {
        const char *next = memchr(line, '\n', (size_t)(end - line));
        if (next == NULL) {
            break; // torn
        }
        size_t length = (size_t)(next - line);
        if (keeps(line, length, status.step)) {
            rc = dogb_writer_add(writer, line, length + 1);
        }
        line = next + 1;
    }
    return rc < 0 ? rc : dogb_writer_commit(writer);
}

int dogb_run_logs_open(dogb_run *run) {
    dogb_arena scratch = {0};
    const char *csv = dogb_run_path(run, &scratch, "metrics.csv");
    const char *jsonl = dogb_run_path(run, &scratch, "metrics.jsonl");
    int rc = csv == NULL || jsonl == NULL ? DOGBREED_ERROR_NO_MEMORY : DOGBREED_OK;
    if (rc == DOGBREED_OK && (rc = rewrite_csv(run, &scratch, csv)) == DOGBREED_OK &&
        (rc = cut_jsonl(run, &scratch, jsonl)) == DOGBREED_OK &&
        (rc = open_append(&run->csv, csv)) == DOGBREED_OK) {
        rc = open_append(&run->jsonl, jsonl);
    }
    dogb_arena_free(&scratch);
    return rc;
}

int dogb_run_logs_reopen(dogb_run *run) {
    dogb_arena scratch = {0};
    const char *jsonl = dogb_run_path(run, &scratch, "metrics.jsonl");
    int rc = jsonl == NULL ? DOGBREED_ERROR_NO_MEMORY : open_append(&run->jsonl, jsonl);
    dogb_arena_free(&scratch);
    return rc;
}

int dogb_run_logs_flush(dogb_run *run, int sync) {
    int rc = DOGBREED_OK;
    if (run->used > 0) {
        size_t used = run->used;
        run->used = 0;
        rc = write_all(run, run->jsonl, "metrics.jsonl", run->buffer, used);
    }
    if (rc == DOGBREED_OK && sync && run->csv >= 0 &&
        (fsync(run->csv) != 0 || fsync(run->jsonl) != 0)) {
        rc = dogb_fail_errno(DOGBREED_ERROR_IO, "%s: the logs cannot be synced", run->directory);
    }
    return rc;
}

void dogb_run_logs_close(dogb_run *run) {
    if (run->csv >= 0) {
        (void)close(run->csv);
    }
    if (run->jsonl >= 0) {
        (void)close(run->jsonl);
    }
    run->csv = -1;
    run->jsonl = -1;
}

// {"epoch","kind","metrics":{...},"split","step","t","time"}; *metrics is for the caller to fill.
static json_t *new_line(const dogb_run *run, dogb_arena *arena, const char *kind, const char *split,
                        json_t **metrics) {
    char now[28];
    json_t *line = dogb_json_object(arena);
    dogb_clock_text(now);
    *metrics = json_object();
    if (line == NULL) {
        json_decref(*metrics);
        return NULL;
    }
    if (dogb_json_set(line, "metrics", *metrics) < 0 || dogb_json_set_text(line, "time", now) < 0 ||
        dogb_json_set_real(line, "t", dogb_clock() - run->begin) < 0 ||
        dogb_json_set_text(line, "kind", kind) < 0 ||
        (split != NULL && dogb_json_set_text(line, "split", split) < 0)) {
        return NULL;
    }
    return line;
}

static int add_line(dogb_run *run, dogb_arena *arena, const json_t *line) {
    const char *text = dogb_json_text_in(arena, line, 0);
    int rc = DOGBREED_OK;
    if (text == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    size_t length = strlen(text);
    if (run->used + length + 1 > sizeof run->buffer && (rc = dogb_run_logs_flush(run, 0)) < 0) {
        return rc;
    }
    if (length + 1 > sizeof run->buffer) {
        return DOGBREED_OK; // no line of ours is that long
    }
    memcpy(run->buffer + run->used, text, length);
    run->buffer[run->used + length] = '\n';
    run->used += length + 1;
    return DOGBREED_OK;
}

static int set_known(json_t *object, const char *key, double value) {
    return isnan(value) ? DOGBREED_OK : dogb_json_set_real(object, key, value);
}

static int add_train(dogb_run *run, dogb_arena *arena, const dogbreed_event *event,
                     const dogb_epoch *epoch) {
    json_t *metrics = NULL;
    dogb_trainer_status status;
    json_t *line = new_line(run, arena, "epoch", "train", &metrics);
    int rc = line == NULL ? DOGBREED_ERROR_NO_MEMORY : DOGBREED_OK;
    dogb_trainer_status_get(&status, run->trainer);
    if (rc < 0 || (rc = dogb_json_set_int(line, "epoch", event->epoch + 1)) < 0 ||
        (rc = dogb_json_set_int(line, "step", event->step)) < 0 ||
        (rc = set_known(metrics, "loss", event->train_loss)) < 0 ||
        (rc = set_known(metrics, "accuracy", event->train_accuracy)) < 0 ||
        (rc = set_known(metrics, "lr", epoch->learning_rate)) < 0 ||
        (rc = set_known(metrics, "images_per_s", event->images_per_second)) < 0 ||
        (rc = set_known(metrics, "time_s", epoch->seconds)) < 0 ||
        (rc = dogb_json_set_int(metrics, "rss_bytes", dogb_run_rss())) < 0 ||
        (rc = dogb_json_set_int(metrics, "gpu_memory_bytes", status.gpu_memory)) < 0) {
        return rc;
    }
    return add_line(run, arena, line);
}

static int add_valid(dogb_run *run, dogb_arena *arena, const dogbreed_event *event,
                     const dogb_epoch *epoch) {
    json_t *metrics = NULL;
    json_t *line = new_line(run, arena, "eval", "val", &metrics);
    int rc = line == NULL ? DOGBREED_ERROR_NO_MEMORY : DOGBREED_OK;
    if (rc < 0 || (rc = dogb_json_set_int(line, "epoch", event->epoch + 1)) < 0 ||
        (rc = dogb_json_set_int(line, "step", event->step)) < 0 ||
        (rc = dogb_json_set_int(metrics, "count", epoch->val_count)) < 0 ||
        (rc = set_known(metrics, "loss", event->val_loss)) < 0 ||
        (rc = set_known(metrics, "accuracy", event->val_accuracy)) < 0 ||
        (rc = set_known(metrics, "top5_accuracy", event->val_top5)) < 0 ||
        (rc = set_known(metrics, "ece", epoch->val_ece)) < 0) {
        return rc;
    }
    return add_line(run, arena, line);
}

int dogb_run_logs_epoch(dogb_run *run, const dogbreed_event *event) {
    dogb_arena scratch = {0};
    dogb_trainer_status status;
    char row[512];
    dogb_trainer_status_get(&status, run->trainer);
    const dogb_epoch *epoch = &status.epochs[event->epoch];
    int length = csv_row(row, sizeof row, epoch, event->epoch);
    int rc = write_all(run, run->csv, "metrics.csv", row, (size_t)length);
    if (rc == DOGBREED_OK && (rc = add_train(run, &scratch, event, epoch)) == DOGBREED_OK &&
        epoch->val_count > 0) {
        rc = add_valid(run, &scratch, event, epoch);
    }
    dogb_arena_free(&scratch);
    return rc < 0 ? rc : dogb_run_logs_flush(run, 0);
}

// A line about a moment of the training; `fill` adds what is special about it.
typedef int (*fill_fn)(json_t *line, json_t *metrics, const dogbreed_event *event);

static int add_moment(dogb_run *run, const dogbreed_event *event, const char *kind,
                      const char *split, int64_t step, fill_fn fill) {
    dogb_arena scratch = {0};
    json_t *metrics = NULL;
    json_t *line = new_line(run, &scratch, kind, split, &metrics);
    int rc = line == NULL ? DOGBREED_ERROR_NO_MEMORY : DOGBREED_OK;
    if (rc == DOGBREED_OK && (rc = dogb_json_set_int(line, "epoch", event->epoch + 1)) == 0 &&
        (rc = dogb_json_set_int(line, "step", step)) == 0 &&
        (rc = fill(line, metrics, event)) == 0) {
        rc = add_line(run, &scratch, line);
    }
    dogb_arena_free(&scratch);
    return rc;
}

static int fill_step(json_t *line, json_t *metrics, const dogbreed_event *event) {
    (void)line;
    int rc = set_known(metrics, "loss", event->loss);
    return rc < 0 ? rc : set_known(metrics, "lr", event->learning_rate);
}

int dogb_run_logs_step(dogb_run *run, const dogbreed_event *event) {
    return add_moment(run, event, "step", "train", event->step + 1, fill_step);
}

static int fill_finding(json_t *line, json_t *metrics, const dogbreed_event *event) {
    (void)metrics;
    int rc = dogb_json_set_text(line, "rule", event->rule);
    return rc < 0 ? rc : dogb_json_set_text(line, "text", event->text);
}

int dogb_run_logs_finding(dogb_run *run, const dogbreed_event *event) {
    return add_moment(run, event, "finding", NULL, event->step, fill_finding);
}

int dogb_run_logs_system(dogb_run *run, const char *text) {
    dogb_arena scratch = {0};
    json_t *metrics = NULL;
    json_t *line = new_line(run, &scratch, "system", NULL, &metrics);
    int rc = line == NULL ? DOGBREED_ERROR_NO_MEMORY : dogb_json_set_text(line, "text", text);
    if (rc == DOGBREED_OK) {
        rc = add_line(run, &scratch, line);
    }
    dogb_arena_free(&scratch);
    return rc < 0 ? rc : dogb_run_logs_flush(run, 0);
}
