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
void dogb_scores_add(dogb_scores *scores, const float *logits, int32_t classes,
                     const int32_t *labels, int32_t count);
// "pr_curve": true and false positives at each threshold.
int dogb_scores_json(json_t *object, const dogb_scores *scores);

// dogb_tally_json with the names of the tally's classes, without the split.
int dogb_tally_json_names(json_t *object, const dogb_tally *tally, const char *const *names);

#endif
