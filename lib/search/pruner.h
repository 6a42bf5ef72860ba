// pruner.h - rules that stop a trial early, from the curves of others. Which others may be looked
// at (section "Determinism" of docs/search.md) is the caller's affair.
#ifndef DOGB_SEARCH_PRUNER_H
#define DOGB_SEARCH_PRUNER_H

#include <stdint.h>

enum {
    DOGB_PRUNER_NONE = 0,
    DOGB_PRUNER_AUTO = 1,   // SageMaker's early stopping: the last value against running averages
    DOGB_PRUNER_MEDIAN = 2, // Optuna's: the best value against the median at this epoch
    DOGB_PRUNER_ASHA = 3,
    DOGB_PRUNER_HYPERBAND = 4
};

typedef struct dogb_curve {
    const double *values; // objective after epoch 1, 2, ...; smaller is better; NaN: none
    int64_t number;       // of the trial
    int32_t count;
    int32_t reserved;
} dogb_curve;

typedef struct dogb_pruner_conf {
    int32_t kind;
    int32_t min_trials;   // auto, median: curves that must reach this epoch; 0: default (4, 5)
    int32_t warmup;       // auto, median: no stop up to and including this epoch
    int32_t min_resource; // asha, hyperband: epochs of the first rung; 0: 1
    int32_t max_resource; // hyperband: epochs of a whole trial
    int32_t eta;          // asha, hyperband: 1 of eta goes on; 0: default (4, 3)
    const char *study;    // hyperband: name of the study, which draws the brackets
} dogb_pruner_conf;

int dogb_pruner_check(const dogb_pruner_conf *conf); // INVALID_ARGUMENT

// 1: stop the trial after its last value; 0: go on; negative: a bad configuration. `others` may
// contain the trial itself: it is left out by its number.
int dogb_pruner_stops(const dogb_pruner_conf *conf, const dogb_curve *trial,
                      const dogb_curve *others, int64_t count);

// Number of brackets of hyperband, and the bracket of a trial. The configuration is checked.
int32_t dogb_hyperband_brackets(const dogb_pruner_conf *conf);
int64_t dogb_hyperband_budget(const dogb_pruner_conf *conf, int32_t bracket);
int32_t dogb_hyperband_bracket(const dogb_pruner_conf *conf, int64_t number);

#endif
