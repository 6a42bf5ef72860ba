// evaluate_struct.h - shared by the files of lib/evaluate only.
#ifndef DOGB_EVALUATE_STRUCT_H
#define DOGB_EVALUATE_STRUCT_H

#include "dataset/dataset_internal.h"
#include "evaluate/evaluate_internal.h"

// What the model said of each sample, in their order.
enum { DOGB_PREDICTION_TOP = 5 };
typedef struct dogb_prediction {
    int64_t sample;
    int32_t truth;
    int32_t count; // of top
    int32_t top[DOGB_PREDICTION_TOP];
    double probability[DOGB_PREDICTION_TOP];
    double loss;
} dogb_prediction;
typedef struct dogb_predictions {
    dogb_arena *arena;
    dogb_prediction *items;
    size_t count;
    size_t capacity;
} dogb_predictions;
int dogb_predictions_add(dogb_predictions *out, const float *logits, int32_t classes,
                         const int32_t *labels, const int64_t *samples, int32_t count);
int dogb_predictions_json(json_t *object, const dogb_predictions *predictions,
                          const dogbreed_dataset *dataset);

// Each class of each sample is a question of its own, answered with a probability (micro average):
// how many probabilities, of true classes and of others, stand from a threshold up to the next one.
// 127 thresholds from 0 to 1; outputs that are no numbers stand at 0.
enum { DOGB_SCORE_THRESHOLDS = 127 };
typedef struct dogb_scores {
    int64_t positives[DOGB_SCORE_THRESHOLDS];
    int64_t negatives[DOGB_SCORE_THRESHOLDS];
} dogb_scores;
// each: [classes], the same of every class by itself; or NULL.
enum { DOGB_SCORE_CLASSES = 20 }; // more have no curves of their own
void dogb_scores_add(dogb_scores *scores, dogb_scores *each, const float *logits, int32_t classes,
                     const int32_t *labels, int32_t count);
// "pr_curve": true and false positives at each threshold, and of each class ("classes").
int dogb_scores_json(json_t *object, const dogb_scores *scores, const dogb_scores *each,
                     int32_t classes);

// Finite outputs of all samples, in their order: for what cannot be counted batch by batch.
enum { DOGB_OUTPUTS_MAX = 1 << 26 }; // numbers; more are not kept
typedef struct dogb_outputs {
    float *logits; // NULL: not kept
    int32_t *labels;
    int64_t count;
    int32_t classes;
    int32_t reserved;
} dogb_outputs;
int dogb_outputs_open(dogb_outputs *out, dogb_arena *arena, int32_t classes, int64_t samples);
void dogb_outputs_add(dogb_outputs *out, const float *logits, const int32_t *labels, int32_t count);

// Temperature scaling (Guo et al., ICML 2017): outputs divided by the temperature that makes the
// mean loss of these samples smallest, and what the loss and the bins then are.
typedef struct dogb_scaling {
    double temperature; // NaN: none from 0.01 to 100 does
    double loss;
    dogb_calibration_bin bins[DOGB_CALIBRATION_BINS];
} dogb_scaling;
void dogb_scaling_fit(dogb_scaling *out, const dogb_outputs *outputs);

// Each class of each sample is a question of its own (micro average): the exact area under the ROC
// curve, the average precision, and points of both curves at probabilities of true classes.
enum { DOGB_ROC_POINTS = 200 };
typedef struct dogb_roc {
    double auc; // NaN: there is no sample, or one class alone
    double average_precision;
    int64_t positives;
    int64_t negatives;
    double threshold[DOGB_ROC_POINTS]; // falling; the last one is the smallest of a true class
    int64_t true_positives[DOGB_ROC_POINTS]; // not below the threshold
    int64_t false_positives[DOGB_ROC_POINTS];
    size_t count;
} dogb_roc;
int dogb_roc_make(dogb_roc *out, const dogb_outputs *outputs);
int dogb_roc_json(json_t *object, const dogb_roc *roc); // "roc"

// dogb_tally_json with the names of the tally's classes, without the split. scaling NULL: without.
int dogb_tally_json_names(json_t *object, const dogb_tally *tally, const dogb_scaling *scaling,
                          const char *const *names);

#endif
