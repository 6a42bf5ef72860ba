// report.c - a tally as JSON: totals, per class, the most confused pairs, the confusion matrix.
#include "core/error.h"
#include "dataset/dataset_internal.h"
#include "evaluate/evaluate_struct.h"

#include <math.h>
#include <string.h>

enum { PAIRS_MAX = 10 };

typedef struct pair {
    int64_t count;
    int32_t truth;
    int32_t predicted;
} pair;

static int64_t cell(const dogb_tally *tally, int32_t truth, int32_t predicted) {
    return tally->confusion[(size_t)truth * (size_t)tally->classes + (size_t)predicted];
}

static int add_totals(json_t *object, const dogb_tally *tally) {
    dogbreed_evaluation e;
    dogb_tally_finish(&e, tally);
    int rc = dogb_json_set_int(object, "count", e.count);
    rc = rc < 0 ? rc : dogb_json_set_int(object, "correct", e.correct);
    rc = rc < 0 ? rc : dogb_json_set_int(object, "correct5", e.correct5);
    rc = rc < 0 ? rc : dogb_json_set_real(object, "top1", e.top1);
    rc = rc < 0 ? rc : dogb_json_set_real(object, "top1_low", e.top1_low);
    rc = rc < 0 ? rc : dogb_json_set_real(object, "top1_high", e.top1_high);
    rc = rc < 0 ? rc : dogb_json_set_real(object, "top5", e.top5);
    return rc < 0 ? rc : dogb_json_set_real(object, "loss", e.loss);
}

// A share, or null when there is nothing to take it of.
static json_t *share(int64_t part, int64_t whole) {
    return whole == 0 ? json_null() : dogb_json_real((double)part / (double)whole);
}

static int add_class(json_t *classes, const dogb_tally *tally, int32_t index, const char *name) {
    int64_t count = 0;     // samples of the class
    int64_t predicted = 0; // samples taken for it
    int64_t correct = cell(tally, index, index);
    for (int32_t i = 0; i < tally->classes; i++) {
        count += cell(tally, index, i);
        predicted += cell(tally, i, index);
    }
    json_t *object = json_object();
    int rc = dogb_json_add(classes, object);
    rc = rc < 0 ? rc : dogb_json_set_text(object, "class", name);
    rc = rc < 0 ? rc : dogb_json_set_int(object, "count", count);
    rc = rc < 0 ? rc : dogb_json_set_int(object, "correct", correct);
    rc = rc < 0 ? rc : dogb_json_set_int(object, "predicted", predicted);
    rc = rc < 0 ? rc : dogb_json_set(object, "precision", share(correct, predicted));
    return rc < 0 ? rc : dogb_json_set(object, "recall", share(correct, count));
}

static int add_row(json_t *rows, const dogb_tally *tally, int32_t truth) {
    json_t *row = json_array();
    int rc = dogb_json_add(rows, row);
    for (int32_t i = 0; rc == DOGBREED_OK && i < tally->classes; i++) {
        int64_t count = cell(tally, truth, i);
        if (count != 0) {
            rc = dogb_json_add(row, json_pack("[I,I]", (json_int_t)i, (json_int_t)count));
        }
    }
    return rc;
}

// The PAIRS_MAX largest off-diagonal cells, largest first; equal ones in the order of the matrix.
static int32_t find_pairs(pair pairs[PAIRS_MAX], const dogb_tally *tally) {
    int32_t found = 0;
    for (int32_t truth = 0; truth < tally->classes; truth++) {
        for (int32_t predicted = 0; predicted < tally->classes; predicted++) {
            int64_t count = truth == predicted ? 0 : cell(tally, truth, predicted);
            int32_t at = found;
            while (at > 0 && pairs[at - 1].count < count) {
                at--;
            }
            if (count == 0 || at == PAIRS_MAX) {
                continue;
            }
            found += found < PAIRS_MAX;
            memmove(pairs + at + 1, pairs + at, (size_t)(found - 1 - at) * sizeof *pairs);
            pairs[at] = (pair){count, truth, predicted};
        }
    }
    return found;
}

static int add_pairs(json_t *object, const dogb_tally *tally, const char *const *names) {
    pair pairs[PAIRS_MAX];
    int32_t count = find_pairs(pairs, tally);
    json_t *array = json_array();
    int rc = dogb_json_set(object, "most_confused", array);
    for (int32_t i = 0; rc == DOGBREED_OK && i < count; i++) {
        json_t *item = json_object();
        rc = dogb_json_add(array, item);
        rc = rc < 0 ? rc : dogb_json_set_text(item, "class", names[pairs[i].truth]);
        rc = rc < 0 ? rc : dogb_json_set_text(item, "predicted", names[pairs[i].predicted]);
        rc = rc < 0 ? rc : dogb_json_set_int(item, "count", pairs[i].count);
    }
    return rc;
}

static int add_bins(json_t *object, const dogb_calibration_bin *bin) {
    json_t *bins = json_array();
    int rc = dogb_json_set(object, "bins", bins);
    for (int i = 0; rc == DOGBREED_OK && i < DOGB_CALIBRATION_BINS; i++, bin++) {
        json_t *row = json_object();
        double n = bin->count > 0 ? (double)bin->count : (double)NAN;
        rc = dogb_json_add(bins, row);
        rc = rc < 0 ? rc : dogb_json_set_real(row, "low", (double)i / DOGB_CALIBRATION_BINS);
        rc = rc < 0 ? rc : dogb_json_set_real(row, "high", (i + 1.0) / DOGB_CALIBRATION_BINS);
        rc = rc < 0 ? rc : dogb_json_set_int(row, "count", bin->count);
        rc = rc < 0 ? rc : dogb_json_set(row, "confidence", dogb_json_maybe(bin->confidence / n));
        rc = rc < 0 ? rc : dogb_json_set(row, "accuracy", share(bin->correct, bin->count));
    }
    return rc;
}

static int add_error(json_t *object, const dogb_calibration_bin *bins) {
    int rc = add_bins(object, bins);
    return rc < 0 ? rc
                  : dogb_json_set(object, "ece", dogb_json_maybe(dogb_calibration_error(bins)));
}

static int add_calibration(json_t *object, const dogb_tally *tally, const dogb_scaling *scaling) {
    json_t *calibration = json_object();
    int rc = dogb_json_set(object, "calibration", calibration);
    rc = rc < 0 ? rc : add_error(calibration, tally->bins);
    if (rc < 0 || scaling == NULL) {
        return rc;
    }
    rc = dogb_json_set(calibration, "temperature", dogb_json_maybe(scaling->temperature));
    if (rc < 0 || isnan(scaling->temperature)) {
        return rc;
    }
    json_t *scaled = json_object();
    rc = dogb_json_set(calibration, "scaled", scaled);
    rc = rc < 0 ? rc : add_error(scaled, scaling->bins);
    return rc < 0 ? rc : dogb_json_set_real(scaled, "loss", scaling->loss);
}

int dogb_tally_json_names(json_t *object, const dogb_tally *tally, const dogb_scaling *scaling,
                          const char *const *names) {
    int rc = add_totals(object, tally);
    rc = rc < 0 ? rc : add_calibration(object, tally, scaling);
    if (rc < 0 || tally->confusion == NULL) {
        return rc;
    }
    json_t *classes = json_array();
    json_t *rows = json_array();
    json_t *confusion = json_object();
    rc = dogb_json_set(object, "classes", classes);
    // Ownership passes even when an earlier step failed, so that nothing is lost.
    int rc_confusion = dogb_json_set(object, "confusion", confusion);
    int rc_rows = rc_confusion < 0 ? rc_confusion : dogb_json_set(confusion, "rows", rows);
    if (rc_confusion < 0) {
        json_decref(rows);
    }
    rc = rc < 0 ? rc : rc_rows;
    for (int32_t i = 0; rc == DOGBREED_OK && i < tally->classes; i++) {
        rc = add_class(classes, tally, i, names[i]);
        rc = rc < 0 ? rc : add_row(rows, tally, i);
    }
    return rc < 0 ? rc : add_pairs(object, tally, names);
}

int dogb_tally_json(json_t *object, const dogb_tally *tally, const dogbreed_dataset *dataset) {
    dogb_arena scratch = {0};
    const char **names = dogb_alloc(&scratch, (size_t)tally->classes + 1, sizeof *names);
    int rc = names == NULL ? DOGBREED_ERROR_NO_MEMORY
                           : dogb_json_set_text(object, "split", dogb_dataset_split_name(dataset));
    for (int32_t i = 0; rc == DOGBREED_OK && i < tally->classes; i++) {
        names[i] = dogbreed_dataset_class_name(dataset, i);
        if (names[i] == NULL) {
            rc = dogb_fail(DOGBREED_ERROR_MISMATCH, "the dataset has fewer than %d classes",
                           (int)tally->classes);
        }
    }
    if (rc == DOGBREED_OK) {
        rc = dogb_tally_json_names(object, tally, NULL, names);
    }
    dogb_arena_free(&scratch);
    return rc;
}
