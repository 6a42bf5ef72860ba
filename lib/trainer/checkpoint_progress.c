// checkpoint_progress.c - the numbers of checkpoint.json: read, bounded, and taken over as a whole
// or not at all.
#include "core/error.h"
#include "trainer/checkpoint.h"

#include <math.h>
#include <string.h>

static const int64_t EPOCH_MAX = 100000;        // as the option's
static const int64_t COUNT_MAX = 1000000000000; // steps and samples

double dogb_checkpoint_real(const json_t *object, const char *key) {
    const json_t *value = json_object_get(object, key);
    const char *text = json_string_value(value);
    if (text != NULL) {
        return strcmp(text, "Infinity") == 0    ? (double)INFINITY
               : strcmp(text, "-Infinity") == 0 ? -(double)INFINITY
                                                : (double)NAN;
    }
    return json_is_number(value) ? json_number_value(value) : (double)NAN;
}

static void take_record(dogb_epoch *epoch, const json_t *object) {
    *epoch = (dogb_epoch){
        .step = json_integer_value(json_object_get(object, "step")),
        .train_count = json_integer_value(json_object_get(object, "train_count")),
        .val_count = json_integer_value(json_object_get(object, "val_count")),
        .train_loss = dogb_checkpoint_real(object, "train_loss"),
        .train_accuracy = dogb_checkpoint_real(object, "train_accuracy"),
        .val_loss = dogb_checkpoint_real(object, "val_loss"),
        .val_accuracy = dogb_checkpoint_real(object, "val_accuracy"),
        .val_top5 = dogb_checkpoint_real(object, "val_top5_accuracy"),
        .val_ece = dogb_checkpoint_real(object, "val_ece"),
        .learning_rate = dogb_checkpoint_real(object, "lr"),
        .seconds = dogb_checkpoint_real(object, "seconds"),
        .images_per_second = dogb_checkpoint_real(object, "images_per_s"),
        .improved = json_is_true(json_object_get(object, "improved")),
    };
}

// A whole number of 0 or more and at most `most`.
static int take_count(int64_t *out, const json_t *object, const char *key, int64_t most,
                      const char *what) {
    const json_t *value = json_object_get(object, key);
    json_int_t number = json_is_integer(value) ? json_integer_value(value) : -1;
    *out = (int64_t)number;
    return number >= 0 && number <= most
               ? DOGBREED_OK
               : dogb_fail(DOGBREED_ERROR_FORMAT, "%s: %s: expected a whole number of 0 to %lld",
                           what, key, (long long)most);
}

static int take_tally(dogb_tally *tally, const json_t *root, const char *what) {
    const json_t *object = json_object_get(root, "tally");
    int rc = take_count(&tally->count, object, "count", COUNT_MAX, what);
    if (rc < 0 || (rc = take_count(&tally->correct, object, "correct", tally->count, what)) < 0) {
        return rc;
    }
    tally->loss_sum = dogb_checkpoint_real(object, "loss_sum");
    return take_count(&tally->correct5, object, "correct5", tally->count, what);
}

static int take_epochs(dogb_progress *progress, dogb_arena *arena, const json_t *root,
                       const char *what) {
    const json_t *list = json_object_get(root, "epochs");
    size_t count = json_array_size(list);
    if (count != (size_t)progress->epoch) {
        return dogb_fail(DOGBREED_ERROR_FORMAT, "%s: %zu epochs are listed, expected %d", what,
                         count, (int)progress->epoch);
    }
    int rc =
        dogb_grow(arena, &progress->epochs, &progress->capacity, count, sizeof *progress->epochs);
    for (size_t i = 0; i < count && rc == DOGBREED_OK; i++) {
        take_record(&progress->epochs[i], json_array_get(list, i));
    }
    return rc;
}

int dogb_checkpoint_progress(dogb_progress *out, int64_t *optim_steps, dogb_arena *arena,
                             const json_t *root, const char *what) {
    dogb_progress progress = *out;
    int64_t epoch = 0;
    int64_t best = 0;
    int64_t waited = 0;
    int64_t steps = 0;
    int rc = DOGBREED_OK;
    if ((rc = take_count(&epoch, root, "epoch", EPOCH_MAX, what)) < 0 ||
        (rc = take_count(&best, root, "best_epoch", epoch, what)) < 0 ||
        (rc = take_count(&waited, root, "waited", EPOCH_MAX, what)) < 0 ||
        (rc = take_count(&progress.position, root, "position", COUNT_MAX, what)) < 0 ||
        (rc = take_count(&progress.cursor, root, "cursor", COUNT_MAX, what)) < 0 ||
        (rc = take_count(&steps, root, "optimizer_steps", COUNT_MAX, what)) < 0 ||
        (rc = take_tally(&progress.tally, root, what)) < 0) {
        return rc;
    }
    progress.epoch = (int32_t)epoch;
    progress.best = (int32_t)best - 1;
    progress.waited = (int32_t)waited;
    progress.finished = json_is_true(json_object_get(root, "finished"));
    progress.best_value = dogb_checkpoint_real(root, "best_value");
    progress.waiting_value = dogb_checkpoint_real(root, "waiting_value");
    progress.rate = dogb_checkpoint_real(root, "learning_rate");
    // The old list is released when it has to grow: from here on the new one counts.
    rc = take_epochs(&progress, arena, root, what);
    if (rc < 0) {
        out->epochs = progress.epochs;
        out->capacity = progress.capacity;
        return rc;
    }
    *out = progress;
    *optim_steps = steps;
    return DOGBREED_OK;
}
