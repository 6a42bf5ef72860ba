// metrics.c - the record of every epoch, which one is the best, early stopping, and all of it as
// JSON. Sums over samples are the tally's (lib/evaluate); nothing here averages averages.
#include "core/error.h"
#include "trainer/state.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

typedef struct monitor_row {
    const char *name;
    size_t offset;  // of the value in dogb_epoch
    int higher;     // 1: higher is better
    int validation; // 1: needs a validation split
} monitor_row;

static const monitor_row monitors[] = {
    [DOGBREED_MONITOR_VAL_ACCURACY] = {"val_accuracy", offsetof(dogb_epoch, val_accuracy), 1, 1},
    [DOGBREED_MONITOR_VAL_LOSS] = {"val_loss", offsetof(dogb_epoch, val_loss), 0, 1},
    [DOGBREED_MONITOR_VAL_TOP5] = {"val_top5", offsetof(dogb_epoch, val_top5), 1, 1},
    [DOGBREED_MONITOR_TRAIN_LOSS] = {"train_loss", offsetof(dogb_epoch, train_loss), 0, 0},
    [DOGBREED_MONITOR_TRAIN_ACCURACY] = {"train_accuracy", offsetof(dogb_epoch, train_accuracy), 1,
                                         0},
};

const char *dogb_metrics_name(int32_t monitor) {
    return monitors[monitor].name;
}

double dogb_metrics_value(const dogb_epoch *epoch, int32_t monitor) {
    double value = 0.0;
    memcpy(&value, (const char *)epoch + monitors[monitor].offset, sizeof value);
    return value;
}

static int better(const monitor_row *monitor, double value, double than, double by) {
    return monitor->higher ? value > than + by : value < than - by;
}

// Compares the newest epoch with the best so far. Best is strictly better; patience counts only
// improvements above min_delta. Without a validation split each epoch is the best.
static void judge(dogbreed_trainer *trainer, dogb_epoch *epoch) {
    dogb_progress *progress = &trainer->progress;
    const dogbreed_trainer_options *options = &trainer->options;
    const monitor_row *monitor = &monitors[options->monitor];
    double value = dogb_metrics_value(epoch, options->monitor);
    int blind = monitor->validation && trainer->valid == NULL;
    int first = progress->best < 0;
    epoch->improved = blind || first || better(monitor, value, progress->best_value, 0.0);
    if (blind || first || better(monitor, value, progress->waiting_value, options->min_delta)) {
        progress->waiting_value = value;
        progress->waited = 0;
    } else {
        progress->waited++;
    }
    if (epoch->improved) {
        progress->best = progress->epoch;
        progress->best_value = value;
        dogb_slots_keep(trainer);
    }
    if (options->patience > 0 && progress->waited >= options->patience) {
        progress->finished = 1;
    }
}

int dogb_metrics_epoch(dogbreed_trainer *trainer, const dogb_epoch *epoch) {
    dogb_progress *progress = &trainer->progress;
    int rc = dogb_grow(&trainer->arena, &progress->epochs, &progress->capacity,
                       (size_t)progress->epoch, sizeof *progress->epochs);
    if (rc < 0) {
        return rc;
    }
    dogb_epoch *record = &progress->epochs[progress->epoch];
    *record = *epoch;
    judge(trainer, record);
    progress->epoch++;
    progress->position = 0;
    progress->cursor = 0;
    progress->tally.count = 0;
    progress->tally.correct = 0;
    progress->tally.correct5 = 0;
    progress->tally.loss_sum = 0.0;
    return DOGBREED_OK;
}

// Missing values are left out: JSON has no NaN.
static int set_known(json_t *object, const char *key, double value) {
    return isnan(value) ? DOGBREED_OK : dogb_json_set_real(object, key, value);
}

int dogb_metrics_epoch_json(json_t *object, const dogb_epoch *epoch, int32_t index) {
    int rc = DOGBREED_OK;
    if ((rc = dogb_json_set_int(object, "epoch", index + 1)) < 0 ||
        (rc = dogb_json_set_int(object, "step", epoch->step)) < 0 ||
        (rc = dogb_json_set_int(object, "train_count", epoch->train_count)) < 0 ||
        (rc = dogb_json_set_int(object, "val_count", epoch->val_count)) < 0 ||
        (rc = set_known(object, "train_loss", epoch->train_loss)) < 0 ||
        (rc = set_known(object, "train_accuracy", epoch->train_accuracy)) < 0 ||
        (rc = set_known(object, "val_loss", epoch->val_loss)) < 0 ||
        (rc = set_known(object, "val_accuracy", epoch->val_accuracy)) < 0 ||
        (rc = set_known(object, "val_top5_accuracy", epoch->val_top5)) < 0 ||
        (rc = set_known(object, "val_ece", epoch->val_ece)) < 0 ||
        (rc = dogb_json_set_real(object, "lr", epoch->learning_rate)) < 0 ||
        (rc = dogb_json_set_real(object, "seconds", epoch->seconds)) < 0 ||
        (rc = dogb_json_set_real(object, "images_per_s", epoch->images_per_second)) < 0) {
        return rc;
    }
    return dogb_json_set_bool(object, "improved", epoch->improved);
}

int dogb_metrics_best_json(json_t *object, const dogbreed_trainer *trainer) {
    const dogb_progress *progress = &trainer->progress;
    int rc = dogb_json_set_text(object, "metric", dogb_metrics_name(trainer->options.monitor));
    if (rc == DOGBREED_OK) {
        rc = dogb_json_set_int(object, "epoch", progress->best + 1);
    }
    return rc < 0 ? rc : set_known(object, "value", progress->best_value);
}

static int fill(json_t *root, const dogbreed_trainer *trainer) {
    json_t *list = json_array();
    int rc = dogb_json_set(root, "epochs", list);
    for (int32_t i = 0; i < trainer->progress.epoch && rc == DOGBREED_OK; i++) {
        json_t *object = json_object();
        if ((rc = dogb_json_add(list, object)) == DOGBREED_OK) {
            rc = dogb_metrics_epoch_json(object, &trainer->progress.epochs[i], i);
        }
    }
    if (rc == DOGBREED_OK && trainer->progress.best >= 0) {
        json_t *best = json_object();
        if ((rc = dogb_json_set(root, "best", best)) == DOGBREED_OK) {
            rc = dogb_metrics_best_json(best, trainer);
        }
    } else if (rc == DOGBREED_OK) {
        rc = dogb_json_set(root, "best", json_null());
    }
    if (rc == DOGBREED_OK) {
        rc = dogb_json_set_text(root, "end", dogb_trainer_end_name(trainer->end));
    }
    return rc < 0 ? rc : dogb_trainer_facts(trainer, root);
}

int dogbreed_trainer_metrics(char **json, const dogbreed_trainer *trainer) {
    DOGB_CHECK(json != NULL, "json: is NULL");
    *json = NULL;
    DOGB_CHECK(trainer != NULL, "trainer: is NULL");
    dogb_arena scratch = {0};
    json_t *root = dogb_json_object(&scratch);
    int rc = root == NULL ? DOGBREED_ERROR_NO_MEMORY : fill(root, trainer);
    if (rc == DOGBREED_OK) {
        rc = dogb_json_text_out(json, root, 0);
    }
    dogb_arena_free(&scratch);
    return rc;
}
