// scores.c - counts of probabilities for a curve of precision and recall: the scores themselves
// need not be kept.
#include "core/error.h"
#include "evaluate/evaluate_struct.h"

#include <math.h>

static void count_score(dogb_scores *scores, int is_label, int step) {
    int64_t *counts = is_label ? scores->positives : scores->negatives;
    counts[step]++;
}

static void add_one(dogb_scores *scores, dogb_scores *each, const float *logits, int32_t classes,
                    int32_t label) {
    const int last = DOGB_SCORE_THRESHOLDS - 1;
    dogb_softmax s = dogb_softmax_of(logits, classes, 1.0);
    for (int32_t i = 0; i < classes; i++) {
        double at = exp((double)logits[i] - s.best) / s.sum * last;
        int step = at > 0 ? (int)at : 0; // NaN too
        step = step < last ? step : last;
        count_score(scores, i == label, step);
        if (each != NULL) {
            count_score(&each[i], i == label, step);
        }
    }
}

void dogb_scores_add(dogb_scores *scores, dogb_scores *each, const float *logits, int32_t classes,
                     const int32_t *labels, int32_t count) {
    for (int32_t i = 0; i < count; i++) {
        add_one(scores, each, logits + (size_t)i * (size_t)classes, classes, labels[i]);
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

static int add_curve(json_t *curve, const dogb_scores *scores) {
    int rc = add_counts(curve, "true_positives", scores->positives);
    return rc < 0 ? rc : add_counts(curve, "false_positives", scores->negatives);
}

int dogb_scores_json(json_t *object, const dogb_scores *scores, const dogb_scores *each,
                     int32_t classes) {
    json_t *curve = json_object();
    int rc = dogb_json_set(object, "pr_curve", curve);
    rc = rc < 0 ? rc : add_curve(curve, scores);
    if (rc < 0 || each == NULL) {
        return rc;
    }
    json_t *list = json_array();
    rc = dogb_json_set(curve, "classes", list);
    for (int32_t i = 0; rc == DOGBREED_OK && i < classes; i++) {
        json_t *one = json_object();
        rc = dogb_json_add(list, one);
        rc = rc < 0 ? rc : add_curve(one, &each[i]);
    }
    return rc;
}
