// scores.c - counts of probabilities for a curve of precision and recall: the scores themselves
// need not be kept.
#include "core/error.h"
#include "evaluate/evaluate_struct.h"

#include <math.h>

static void add_one(dogb_scores *scores, const float *logits, int32_t classes, int32_t label) {
    const int last = DOGB_SCORE_THRESHOLDS - 1;
    dogb_softmax s = dogb_softmax_of(logits, classes, 1.0);
    for (int32_t i = 0; i < classes; i++) {
        double at = exp((double)logits[i] - s.best) / s.sum * last;
        int step = at > 0 ? (int)at : 0; // NaN too
        int64_t *counts = i == label ? scores->positives : scores->negatives;
        counts[step < last ? step : last]++;
    }
}

void dogb_scores_add(dogb_scores *scores, const float *logits, int32_t classes,
                     const int32_t *labels, int32_t count) {
    for (int32_t i = 0; i < count; i++) {
        add_one(scores, logits + (size_t)i * (size_t)classes, classes, labels[i]);
    }
}

// At each threshold what is not below it.
static int add_counts(json_t *object, const char *key, const int64_t *counts) {
    json_int_t above[DOGB_SCORE_THRESHOLDS];
    json_int_t sum = 0;
    for (int i = DOGB_SCORE_THRESHOLDS - 1; i >= 0; i--) {
        above[i] = sum += counts[i];
    }
    json_t *list = json_array();
    int rc = dogb_json_set(object, key, list);
    for (int i = 0; rc == DOGBREED_OK && i < DOGB_SCORE_THRESHOLDS; i++) {
        rc = dogb_json_add(list, json_integer(above[i]));
    }
    return rc;
}

int dogb_scores_json(json_t *object, const dogb_scores *scores) {
    json_t *curve = json_object();
    int rc = dogb_json_set(object, "pr_curve", curve);
    rc = rc < 0 ? rc : add_counts(curve, "true_positives", scores->positives);
    return rc < 0 ? rc : add_counts(curve, "false_positives", scores->negatives);
}
