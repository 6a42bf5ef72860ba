// study_board.c - a study for TensorBoard, in its run directory: at the end, and now and then while
// trials run, for those who watch it.
#include "study.h"

#include <stdio.h>

static const double INTERVAL = 10; // seconds between two that are written while trials run,
static const double SHARE = 20;    // and so many times what the last one took

void board_write(study *s) {
    char path[3100];
    double begin = now_seconds();
    if (!is_on(s->t, "tensorboard", 1)) {
        return;
    }
    (void)snprintf(path, sizeof path, "%s/tensorboard", s->folder);
    if (dogbreed_tuner_tensorboard(s->tuner, path) < 0) {
        warn("%s: %s", path, dogbreed_error_message());
    }
    double wait = SHARE * (now_seconds() - begin);
    s->board_next = now_seconds() + (wait > INTERVAL ? wait : INTERVAL);
}

void board_update(study *s) {
    if (!s->worker && now_seconds() >= s->board_next) {
        board_write(s);
    }
}
