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

// Takes class indices (N), or rows of scores (N,C), whose largest counts. 1: taken; 0: not, and
// that is noted; NO_MEMORY.
int dogb_rule_classes_take(dogb_rule_classes *out, dogb_rule_run *run, const dogb_rule_tensor *t);

#endif
