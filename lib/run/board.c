// board.c - a run for TensorBoard: the columns of metrics.csv as curves by epoch beside the other
// files, curves by step in the folder steps (page SCALARS has one axis for a run), the
// configuration as a text. Each time that the run begins or goes on it opens new event files, which
// say that what comes from there on is void in the earlier ones.
#include "core/clock.h"
#include "core/file.h"
#include "run/run_internal.h"
#include "tensorboard/events.h"
#include "tensorboard/folder.h"

#include <math.h>
#include <string.h>

enum { CONFIG_MAX = 1 << 24 };

static const char *const epoch_tags[] = {"train/loss",        "train/accuracy",    "train/lr",
                                         "val/loss",          "val/accuracy",      "val/ece",
                                         "val/top5_accuracy", "train/images_per_s"};
static const char *const step_tags[] = {"train/loss", "train/lr"};
enum {
    EPOCH_TAGS = sizeof epoch_tags / sizeof epoch_tags[0],
    STEP_TAGS = sizeof step_tags / sizeof step_tags[0]
};

static int flush(dogb_run_board *board) {
    dogb_buffer *events = &board->events;
    int rc = events->rc < 0 || events->length == 0
                 ? events->rc
                 : dogb_file_append(board->path, events->data, events->length);
    events->length = 0;
    return rc;
}

int dogb_run_board_flush(dogb_run *run) {
    if (run->board.path == NULL) {
        return DOGBREED_OK;
    }
    int rc = flush(&run->board);
    return rc < 0 ? rc : flush(&run->board_steps);
}

// A file of this time in the directory; `step` is the first that will come.
static int open_file(dogb_run_board *board, dogb_run *run, const char *directory, int64_t step) {
    char name[DOGB_BOARD_NAME_SIZE];
    double now = dogb_clock_wall();
    dogb_board_name(name, now);
    *board = (dogb_run_board){.path = dogb_path_join(&run->arena, directory, name),
                              .events = {.arena = &run->arena}};
    if (board->path == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    int rc = dogb_directory_make(directory);
    dogb_board_version(&board->events, now);
    dogb_board_restart(&board->events, now, step);
    return rc;
}

// config.json, which never has a line that begins with quotes of Markdown.
static void add_config(dogb_run_board *board, const char *config, size_t size, dogb_arena *arena) {
    dogb_buffer text = {.arena = arena};
    dogb_board_place place = {.tag = "config", .time = dogb_clock_wall(), .first = 1};
    dogb_buffer_add(&text, "```json\n");
    dogb_buffer_put(&text, config, size);
    dogb_buffer_add(&text, "\n```\n");
    if (text.rc < 0) {
        board->events.rc = text.rc;
        return;
    }
    dogb_board_text(&board->events, &place, (const char *const[]){text.data}, 1);
}

static int open_files(dogb_run *run, const char *config, size_t size, dogb_arena *scratch) {
    dogb_trainer_status status;
    dogb_trainer_status_get(&status, run->trainer);
    const char *steps = dogb_run_path(run, scratch, "steps");
    int rc = steps == NULL
                 ? DOGBREED_ERROR_NO_MEMORY
                 : open_file(&run->board, run, run->directory, (int64_t)status.epoch_count + 1);
    rc = rc < 0 ? rc : open_file(&run->board_steps, run, steps, status.step + 1);
    if (rc == DOGBREED_OK && status.epoch_count == 0) { // else an earlier file has it
        add_config(&run->board, config, size, scratch);
    }
    return rc < 0 ? rc : dogb_run_board_flush(run);
}

int dogb_run_board_open(dogb_run *run) {
    dogb_arena scratch = {0};
    void *text = NULL;
    json_t *config = NULL;
    size_t size = 0;
    const char *path = dogb_run_path(run, &scratch, "config.json");
    run->board = (dogb_run_board){.path = NULL};
    int rc = path == NULL ? DOGBREED_ERROR_NO_MEMORY
                          : dogb_file_read(&text, &size, &scratch, path, CONFIG_MAX);
    rc = rc < 0 ? rc : dogb_json_parse(&config, &scratch, text, size, path);
    if (rc == DOGBREED_OK && !json_is_false(json_object_get(config, "tensorboard"))) {
        rc = open_files(run, text, size, &scratch);
    }
    dogb_arena_free(&scratch);
    return rc;
}

// What is not known (NaN) has no point.
static void add_points(dogb_run_board *board, const char *const *tags, const double *values,
                       size_t count, int64_t step) {
    dogb_point_event point = {.time = dogb_clock_wall(), .step = step};
    for (size_t i = 0; board->path != NULL && i < count; i++) {
        point.tag = tags[i];
        point.value = values[i];
        point.first = (board->seen >> i & 1) == 0;
        if (!isnan(point.value)) {
            dogb_board_point(&board->events, &point);
            board->seen |= 1u << i;
        }
    }
}

int dogb_run_board_epoch(dogb_run *run, const dogbreed_event *event) {
    dogb_trainer_status status;
    dogb_trainer_status_get(&status, run->trainer);
    const dogb_epoch *e = &status.epochs[event->epoch];
    const double values[EPOCH_TAGS] = {e->train_loss, e->train_accuracy,   e->learning_rate,
                                       e->val_loss,   e->val_accuracy,     e->val_ece,
                                       e->val_top5,   e->images_per_second};
    add_points(&run->board, epoch_tags, values, EPOCH_TAGS, (int64_t)event->epoch + 1);
    return dogb_run_board_flush(run);
}

void dogb_run_board_step(dogb_run *run, const dogbreed_event *event) {
    const double values[STEP_TAGS] = {event->loss, event->learning_rate};
    add_points(&run->board_steps, step_tags, values, STEP_TAGS, event->step + 1);
}
