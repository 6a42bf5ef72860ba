// roc.c - how well probabilities of true classes stand above those of others. Only the true ones
// are sorted; the others are counted between them.
#include "core/error.h"
#include "evaluate/evaluate_struct.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

// Probabilities of true classes that are one number, and the others' at it and above it (up to the
// next level).
typedef struct level {
    double value;
    int64_t right;
    int64_t equal;
    int64_t above;
} level;

static int by_value_falling(const void *a, const void *b) {
    double x = ((const level *)a)->value, y = ((const level *)b)->value;
    return (x < y) - (x > y);
}

static const float *row_of(const dogb_outputs *outputs, int64_t i, dogb_softmax *s) {
    const float *row = outputs->logits + (size_t)i * (size_t)outputs->classes;
    *s = dogb_softmax_of(row, outputs->classes, 1.0);
    return row;
}

static double probability(const float *row, int32_t class, const dogb_softmax *s) {
    return exp((double)row[class] - s->best) / s->sum;
}

static size_t make_levels(level *levels, const dogb_outputs *outputs) {
    size_t count = 0;
    for (int64_t i = 0; i < outputs->count; i++) {
        dogb_softmax s;
        const float *row = row_of(outputs, i, &s);
        levels[i] = (level){.value = probability(row, outputs->labels[i], &s), .right = 1};
    }
    qsort(levels, (size_t)outputs->count, sizeof *levels, by_value_falling);
    for (int64_t i = 0; i < outputs->count; i++) {
        if (count > 0 && levels[count - 1].value == levels[i].value) {
            levels[count - 1].right++;
        } else {
            levels[count++] = levels[i];
        }
    }
    return count;
}

static void count_other(level *levels, size_t count, double value) {
    size_t low = 0, high = count; // the first level that is not above the value
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        low = levels[middle].value > value ? middle + 1 : low;
        high = levels[middle].value > value ? high : middle;
    }
    if (low < count) {
        levels[low].equal += levels[low].value == value;
        levels[low].above += levels[low].value < value;
    }
}

static void count_others(level *levels, size_t count, const dogb_outputs *outputs) {
    for (int64_t i = 0; i < outputs->count; i++) {
        dogb_softmax s;
        const float *row = row_of(outputs, i, &s);
        for (int32_t c = 0; c < outputs->classes; c++) {
            if (c != outputs->labels[i]) {
                count_other(levels, count, probability(row, c, &s));
            }
        }
    }
}

// From the highest level down. A pair of a true one and another counts 1 when they stand in this
// order, a half when they are equal (Mann and Whitney).
static void sweep(dogb_roc *out, const level *levels, size_t count) {
    int64_t right = 0, wrong = 0, halves = 0, last = -1;
    double precision = 0.0;
    for (size_t i = 0; i < count; i++) {
        const level *l = &levels[i];
        wrong += l->above;
        halves += l->right * (2 * (out->negatives - wrong) - l->equal);
        wrong += l->equal;
        right += l->right;
        precision += (double)l->right * (double)right / (double)(right + wrong);
        int64_t step = right * (DOGB_ROC_POINTS - 1) / out->positives;
        if (step > last) {
            out->threshold[out->count] = l->value;
            out->true_positives[out->count] = right;
            out->false_positives[out->count++] = wrong;
            last = step;
        }
    }
    out->auc = (double)halves / 2.0 / (double)out->positives / (double)out->negatives;
    out->average_precision = precision / (double)out->positives;
}

int dogb_roc_make(dogb_roc *out, const dogb_outputs *outputs) {
    *out = (dogb_roc){.auc = (double)NAN, .average_precision = (double)NAN};
    if (outputs->count == 0 || outputs->classes < 2) {
        return DOGBREED_OK;
    }
    dogb_arena scratch = {0};
    level *levels = dogb_alloc(&scratch, (size_t)outputs->count, sizeof *levels);
    if (levels == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    out->positives = outputs->count;
    out->negatives = outputs->count * (outputs->classes - 1);
    size_t count = make_levels(levels, outputs);
    count_others(levels, count, outputs);
    sweep(out, levels, count);
    dogb_arena_free(&scratch);
    return DOGBREED_OK;
}

static int add_counts(json_t *object, const char *key, const int64_t *counts, size_t size) {
    json_t *list = json_array();
    int rc = dogb_json_set(object, key, list);
    for (size_t i = 0; rc == DOGBREED_OK && i < size; i++) {
        rc = dogb_json_add(list, json_integer(counts[i]));
    }
    return rc;
}

int dogb_roc_json(json_t *object, const dogb_roc *roc) {
    json_t *curve = json_object();
    int rc = dogb_json_set(object, "roc", curve);
    rc = rc < 0 ? rc : dogb_json_set(curve, "auc", dogb_json_maybe(roc->auc));
    rc = rc < 0
             ? rc
             : dogb_json_set(curve, "average_precision", dogb_json_maybe(roc->average_precision));
    rc = rc < 0 ? rc : dogb_json_set_int(curve, "positives", roc->positives);
    rc = rc < 0 ? rc : dogb_json_set_int(curve, "negatives", roc->negatives);
    rc = rc < 0 ? rc : add_counts(curve, "true_positives", roc->true_positives, roc->count);
    rc = rc < 0 ? rc : add_counts(curve, "false_positives", roc->false_positives, roc->count);
    json_t *thresholds = rc < 0 ? NULL : json_array();
    rc = rc < 0 ? rc : dogb_json_set(curve, "threshold", thresholds);
    for (size_t i = 0; rc == DOGBREED_OK && i < roc->count; i++) {
        rc = dogb_json_add(thresholds, dogb_json_real(roc->threshold[i]));
    }
    return rc;
}
