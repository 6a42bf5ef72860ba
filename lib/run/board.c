// board.c - the curves of metrics.csv for TensorBoard. Each time that the run begins or goes on it
// opens a new event file, which says that epochs from there on are void in the earlier ones.
#include "core/clock.h"
#include "core/file.h"
#include "run/run_internal.h"
#include "tensorboard/events.h"
#include "tensorboard/folder.h"

#include <math.h>
#include <string.h>

static const struct {
    const char *tag;
    size_t offset; // in dogb_epoch
} curves[] = {{"train/loss", offsetof(dogb_epoch, train_loss)},
              {"train/accuracy", offsetof(dogb_epoch, train_accuracy)},
              {"train/lr", offsetof(dogb_epoch, learning_rate)},
              {"val/loss", offsetof(dogb_epoch, val_loss)},
              {"val/accuracy", offsetof(dogb_epoch, val_accuracy)},
              {"val/top5_accuracy", offsetof(dogb_epoch, val_top5)}};

static int append(const dogb_run *run, const dogb_buffer *records) {
    return records->rc < 0 ? records->rc
                           : dogb_file_append(run->board, records->data, records->length);
}

int dogb_run_board_open(dogb_run *run) {
    dogb_arena scratch = {0};
    dogb_buffer out = {.arena = &scratch};
    dogb_trainer_status status;
    char name[DOGB_BOARD_NAME_SIZE];
    double now = dogb_clock_wall();
    dogb_trainer_status_get(&status, run->trainer);
    dogb_board_name(name, now);
    dogb_board_version(&out, now);
    dogb_board_restart(&out, now, status.epoch_count + 1);
    run->board = dogb_run_path(run, &run->arena, name);
    run->board_curves = 0;
    int rc = run->board == NULL ? DOGBREED_ERROR_NO_MEMORY : append(run, &out);
    dogb_arena_free(&scratch);
    return rc;
}

int dogb_run_board_epoch(dogb_run *run, const dogbreed_event *event) {
    dogb_arena scratch = {0};
    dogb_buffer out = {.arena = &scratch};
    dogb_trainer_status status;
    dogb_point_event point = {.time = dogb_clock_wall(), .step = event->epoch + 1};
    dogb_trainer_status_get(&status, run->trainer);
    for (size_t i = 0; i < sizeof curves / sizeof curves[0]; i++) {
        const char *epoch = (const char *)&status.epochs[event->epoch];
        memcpy(&point.value, epoch + curves[i].offset, sizeof point.value);
        point.tag = curves[i].tag;
        point.first = (run->board_curves >> i & 1) == 0;
        if (!isnan(point.value)) { // no validation
            dogb_board_point(&out, &point);
            run->board_curves |= 1u << i;
        }
    }
    int rc = out.length == 0 ? out.rc : append(run, &out);
    dogb_arena_free(&scratch);
    return rc;
}
