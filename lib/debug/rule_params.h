// rule_params.h - the parameters of each rule, filled by its table in rule_table.c. Texts are in
// the set's arena.
#ifndef DOGB_DEBUG_RULE_PARAMS_H
#define DOGB_DEBUG_RULE_PARAMS_H

#include "core/table.h"

// What every rule has; first in each struct.
typedef struct dogb_rule_common {
    uint32_t struct_size;
    uint32_t kind;
    int32_t parity;
    int32_t stop_at_first_hit;
    int32_t stop_training;
    int32_t reserved;
} dogb_rule_common;

#define DOGB_RULE_COMMON_ROWS                                                                      \
    DOGB_OPTION_SWITCH(dogb_rule_common, parity, "off",                                            \
                       "Units, defaults and defects of Amazon SageMaker Debugger."),               \
        DOGB_OPTION_SWITCH(dogb_rule_common, stop_at_first_hit, "off",                             \
                           "The rule judges no more after its first hit; on with parity."),        \
        DOGB_OPTION_SWITCH(dogb_rule_common, stop_training, "off",                                 \
                           "A hit ends the training, cleanly.")

enum { DOGB_UNIT_EVALUATIONS = 0, DOGB_UNIT_STEPS = 1 };

typedef struct dogb_vanishing_params {
    dogb_rule_common common;
    double threshold;
} dogb_vanishing_params;

typedef struct dogb_exploding_params {
    dogb_rule_common common;
    const char *collection_names;
    const char *tensor_regex;
    int32_t only_nan;
    int32_t reserved;
} dogb_exploding_params;

typedef struct dogb_dead_relu_params {
    dogb_rule_common common;
    const char *tensor_regex;
    double threshold_inactivity;
    double threshold_layer;
} dogb_dead_relu_params;

typedef struct dogb_saturated_params {
    dogb_rule_common common;
    const char *tensor_regex;
    double threshold_tanh_min;
    double threshold_tanh_max;
    double threshold_sigmoid_min;
    double threshold_sigmoid_max;
    double threshold_inactivity;
    double threshold_layer;
} dogb_saturated_params;

typedef struct dogb_poor_params {
    dogb_rule_common common;
    const char *activation_inputs_regex;
    double threshold;
    double distribution_range;
    int64_t patience;
    int64_t steps;
} dogb_poor_params;

typedef struct dogb_update_params {
    dogb_rule_common common;
    int64_t num_steps; // 0: the previous saved step
    double large_threshold;
    double small_threshold;
    double epsilon;
} dogb_update_params;

typedef struct dogb_variance_params {
    dogb_rule_common common;
    const char *collection_names;
    const char *tensor_regex;
    double max_threshold;
    double min_threshold;
} dogb_variance_params;

typedef struct dogb_unchanged_params {
    dogb_rule_common common;
    const char *collection_names;
    const char *tensor_regex;
    int64_t num_steps;
    double rtol;
    double atol;
    int32_t equal_nan;
    int32_t reserved;
} dogb_unchanged_params;

typedef struct dogb_all_zero_params {
    dogb_rule_common common;
    const char *collection_names;
    const char *tensor_regex;
    double threshold;
} dogb_all_zero_params;

typedef struct dogb_imbalance_params {
    dogb_rule_common common;
    double threshold_imbalance;
    double threshold_misprediction;
    int64_t samples;
    int64_t samples_per_class;
    const char *labels_regex;
    const char *predictions_regex;
    int32_t argmax;
    int32_t reserved;
} dogb_imbalance_params;

typedef struct dogb_confusion_params {
    dogb_rule_common common;
    int64_t category_no; // 0: from the data
    const char *labels;
    const char *predictions;
    const char *labels_collection;
    const char *predictions_collection;
    double min_diag;
    double max_off_diag;
} dogb_confusion_params;

enum { DOGB_MODE_GLOBAL = 0, DOGB_MODE_EVAL = 1, DOGB_MODE_TRAIN = 2 };
enum { DOGB_COMPAT_NOW = 0, DOGB_COMPAT_2019 = 1 };

typedef struct dogb_decreasing_params {
    dogb_rule_common common;
    const char *collection_names;
    const char *tensor_regex;
    int32_t use_losses_collection;
    int32_t unit;
    int64_t num_steps; // 0: 10 steps or 3 evaluations
    double diff_percent;
    double increase_threshold_percent;
    int32_t mode;
    int32_t compat;
} dogb_decreasing_params;

typedef struct dogb_overfit_params {
    dogb_rule_common common;
    const char *tensor_regex;
    int64_t start_step;
    int64_t patience;
    double ratio_threshold;
    int32_t unit;
    int32_t reserved;
} dogb_overfit_params;

typedef struct dogb_overtraining_params {
    dogb_rule_common common;
    int64_t patience_train;
    int64_t patience_validation;
    double delta;
    int32_t unit;
    int32_t reserved;
} dogb_overtraining_params;

typedef struct dogb_similar_params {
    dogb_rule_common common;
    const char *other_trials;
    const char *collection_names;
    const char *tensor_regex;
    double rtol;
    double atol;
} dogb_similar_params;

typedef struct dogb_stalled_params {
    dogb_rule_common common;
    double threshold;
    int32_t stop_training_on_fire;
    int32_t reserved;
    const char *training_job_name_prefix;
} dogb_stalled_params;

typedef struct dogb_input_params {
    dogb_rule_common common;
    double threshold_mean;
    int64_t threshold_samples;
    const char *regex;
    int64_t channel;
} dogb_input_params;

extern const dogb_table dogb_vanishing_table;
extern const dogb_table dogb_exploding_table;
extern const dogb_table dogb_dead_relu_table;
extern const dogb_table dogb_saturated_table;
extern const dogb_table dogb_poor_table;
extern const dogb_table dogb_update_table;
extern const dogb_table dogb_variance_table;
extern const dogb_table dogb_unchanged_table;
extern const dogb_table dogb_all_zero_table;
extern const dogb_table dogb_imbalance_table;
extern const dogb_table dogb_confusion_table;
extern const dogb_table dogb_decreasing_table;
extern const dogb_table dogb_overfit_table;
extern const dogb_table dogb_overtraining_table;
extern const dogb_table dogb_similar_table;
extern const dogb_table dogb_stalled_table;
extern const dogb_table dogb_input_table;

#endif
