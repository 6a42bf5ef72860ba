// curve.h - precision and recall at thresholds, as TensorBoard's page PR CURVES wants them.
#ifndef DOGB_TENSORBOARD_CURVE_H
#define DOGB_TENSORBOARD_CURVE_H

#include "core/arena.h"

#include <stddef.h>
#include <stdint.h>

enum { DOGB_PR_ROWS = 6 }; // true and false positives, true and false negatives, precision, recall

typedef struct dogb_pr_curve {
    double *rows; // DOGB_PR_ROWS times `count`
    size_t count; // thresholds, evenly from 0 to 1; 2 at least
} dogb_pr_curve;

// Room for `count` thresholds. The caller fills the first two rows, dogb_pr_curve_fill the others.
int dogb_pr_curve_open(dogb_pr_curve *out, dogb_arena *arena, size_t count);
void dogb_pr_curve_fill(dogb_pr_curve *curve);

// Of `size` scores from 0 to 1 and what is true of each (1 or 0). A score is above a threshold when
// it is not below it.
int dogb_pr_curve_make(dogb_pr_curve *out, dogb_arena *arena, const float *scores,
                       const uint8_t *truths, size_t size, size_t count);

#endif
