// rule_pairs.h - labels and predictions of a saved step, as classes.
#ifndef DOGB_DEBUG_RULE_PAIRS_H
#define DOGB_DEBUG_RULE_PAIRS_H

#include "debug/rule_run.h"

enum { DOGB_RULE_CLASSES_MAX = 4096 };

typedef struct dogb_rule_classes {
    int32_t *items; // -1: no class (NaN, negative, too large)
    size_t count;
    size_t capacity;
} dogb_rule_classes;

// What a rule that compares both has at the beginning of its state. Its groups are these.
typedef struct dogb_rule_pairs {
    dogb_rule_classes labels;
    dogb_rule_classes predictions;
} dogb_rule_pairs;

enum { DOGB_RULE_LABELS = 0, DOGB_RULE_PREDICTIONS = 1 };

// Such a rule's `see`: takes class indices (N), or rows of scores (N,C), whose largest counts.
int dogb_rule_pairs_see(dogb_rule_run *run, const dogb_rule_moment *m, const dogb_rule_tensor *t);

// 1: the step had labels. 0: it had none, which is noted where it had predictions.
int dogb_rule_pairs_labelled(dogb_rule_run *run);
// Behind a step.
void dogb_rule_pairs_forget(dogb_rule_run *run);

#endif
