// rule_calls.h - what each row of the table does.
#ifndef DOGB_DEBUG_RULE_CALLS_H
#define DOGB_DEBUG_RULE_CALLS_H

#include "debug/rule_run.h"

extern const dogb_rule_calls dogb_vanishing_calls;    // rule_gradient.c
extern const dogb_rule_calls dogb_exploding_calls;    // rule_weight.c
extern const dogb_rule_calls dogb_variance_calls;     // rule_weight.c
extern const dogb_rule_calls dogb_all_zero_calls;     // rule_weight.c
extern const dogb_rule_calls dogb_unchanged_calls;    // rule_change.c
extern const dogb_rule_calls dogb_update_calls;       // rule_change.c
extern const dogb_rule_calls dogb_similar_calls;      // rule_similar.c
extern const dogb_rule_calls dogb_dead_relu_calls;    // rule_activation.c
extern const dogb_rule_calls dogb_saturated_calls;    // rule_activation.c
extern const dogb_rule_calls dogb_poor_calls;         // rule_poor.c
extern const dogb_rule_calls dogb_imbalance_calls;    // rule_label.c
extern const dogb_rule_calls dogb_confusion_calls;    // rule_confusion.c
extern const dogb_rule_calls dogb_decreasing_calls;   // rule_loss.c
extern const dogb_rule_calls dogb_overfit_calls;      // rule_overfit.c
extern const dogb_rule_calls dogb_overtraining_calls; // rule_overfit.c
extern const dogb_rule_calls dogb_stalled_calls;      // rule_stalled.c
extern const dogb_rule_calls dogb_input_calls;        // rule_input.c

#endif
