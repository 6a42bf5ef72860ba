// evaluate_internal.h - counting over samples, shared by the trainer's validation and
// dogbreed_evaluate.
#ifndef DOGB_EVALUATE_INTERNAL_H
#define DOGB_EVALUATE_INTERNAL_H

#include "core/table.h"
#include "engine/engine.h"

#include <dogbreed/evaluate.h>

extern const dogb_table dogb_evaluate_table;

// Samples by the probability of the class that was chosen, in (0, 1/15], (1/15, 2/15] ...
enum { DOGB_CALIBRATION_BINS = 15 };
typedef struct dogb_calibration_bin {
    int64_t count;
    int64_t correct;
    double confidence; // sum
} dogb_calibration_bin;

// Sums over samples; the only implementation of means, top-k and confusion in the library.
typedef struct dogb_tally {
    int32_t classes;
    int32_t reserved;
    int64_t count;
    int64_t correct;
    int64_t correct5;
    double loss_sum; // natural log, without smoothing and class weights
    dogb_calibration_bin bins[DOGB_CALIBRATION_BINS]; // samples whose outputs are finite
    int64_t *confusion; // [classes * classes], row = true class; NULL: not counted
} dogb_tally;
int dogb_tally_init(dogb_tally *tally, dogb_arena *arena, int32_t classes, int with_confusion);
// Where the largest logit is; the lowest index wins ties.
int32_t dogb_tally_argmax(const float *logits, int32_t classes);
void dogb_tally_add(dogb_tally *tally, const float *logits, const int32_t *labels, int32_t count);

void dogb_calibration_add(dogb_calibration_bin *bins, double confidence, int correct);
int dogb_all_finite(const float *logits, int32_t classes);

// softmax(scale * logits)[i] is exp(scale * (logits[i] - best)) / sum.
typedef struct dogb_softmax {
    double best;
    double sum;
} dogb_softmax;
dogb_softmax dogb_softmax_of(const float *logits, int32_t classes, double scale);

// -log softmax(logits)[label]; *confidence (may be NULL): softmax(logits) of the largest.
double dogb_cross_entropy(double *confidence, const float *logits, int32_t classes, int32_t label);

// Wilson score interval at 95 %.
void dogb_wilson(double *low, double *high, int64_t correct, int64_t count);

// Expected calibration error over DOGB_CALIBRATION_BINS; NaN: they hold no sample.
double dogb_calibration_error(const dogb_calibration_bin *bins);

void dogb_tally_finish(dogbreed_evaluation *out, const dogb_tally *tally);
int dogb_tally_json(json_t *object, const dogb_tally *tally, const dogbreed_dataset *dataset);

#endif
