// heads_loss.c - cross-entropy of a head with class weights and label smoothing, as
// torch.nn.functional.cross_entropy(reduction="mean") has it, its gradient, and labels that were
// hit.
#include "engine/native/heads.h"

#include "engine/engine_internal.h"

#include <math.h>

static double weight_of(const dogb_heads_target *target, int32_t label) {
    return target->class_weights == NULL ? 1.0 : (double)target->class_weights[label];
}

double dogb_heads_smooth(float *out, const float *class_weights, int64_t classes,
                         double smoothing) {
    double sum = 0;
    for (int64_t c = 0; c < classes; c++) {
        double weight = class_weights == NULL ? 1 : (double)class_weights[c];
        double share = weight * smoothing / (double)classes;
        out[c] = (float)share;
        sum += share;
    }
    return sum;
}

// One row: -sum of share[c] * log p[c], where share is what smoothing gives each class and the rest
// goes to the label. The row becomes exponentials; *sum their sum.
static double row_loss(const dogb_heads_kernel *kernel, const dogb_heads_target *target,
                       float *logits, int32_t label, float *sum) {
    double own = weight_of(target, label) * (1 - target->smoothing);
    double loss = 0;
    dogb_heads_row row = {.row = logits, .count = target->classes, .padded = target->padded};
    if (own != 0) { // 0 * infinity is no loss
        loss -= own * (double)logits[label];
    }
    for (int64_t c = 0; target->smooth != NULL && c < target->classes; c++) {
        if (target->smooth[c] != 0.0f) {
            loss -= (double)target->smooth[c] * (double)logits[c];
        }
    }
    kernel->exponents(&row);
    *sum = row.sum;
    return loss + (own + target->smooth_sum) * (log((double)row.sum) + (double)row.top);
}

double dogb_heads_loss(const dogb_heads_kernel *kernel, const dogb_heads_target *target,
                       float *logits, const int32_t *labels, int64_t rows) {
    double weights = 0;
    double total = 0;
    for (int64_t i = 0; i < rows; i++) {
        weights += weight_of(target, labels[i]);
    }
    for (int64_t i = 0; i < rows; i++) {
        float *row = logits + i * target->stride;
        double own = weight_of(target, labels[i]) * (1 - target->smoothing);
        float sum = 0;
        total += row_loss(kernel, target, row, labels[i], &sum);
        double scale = (own + target->smooth_sum) / (double)sum / weights;
        kernel->gradient(row, target->smooth, (float)scale, (float)(1 / weights), target->padded);
        row[labels[i]] -= (float)(own / weights);
    }
    return total / weights;
}

void dogb_heads_judge(const dogb_heads_kernel *kernel, const dogb_heads_target *target,
                      float *logits, const int32_t *labels, int64_t rows, dogb_loss *sum,
                      double *weights) {
    for (int64_t i = 0; i < rows; i++) {
        float *row = logits + i * target->stride;
        int64_t rank = dogb_label_rank(row, target->classes, labels[i]);
        float divisor = 0;
        sum->correct += rank < 1;
        sum->correct5 += rank < 5;
        sum->loss += row_loss(kernel, target, row, labels[i], &divisor);
        *weights += weight_of(target, labels[i]);
    }
}
