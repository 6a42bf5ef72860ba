// loss.c - cross-entropy as torch.nn.functional.cross_entropy(reduction="mean") with class weights
// and label smoothing, its gradient, and how many labels were hit.
#include "engine/engine_internal.h"
#include "engine/ref/ref.h"

#include <math.h>

// One sample: -sum of share[c] * log p[c], with share = (1 - s) * w[label] at the label, plus
// s / C * w[c] everywhere. gradient, not yet divided by the batch's weight: (sum of share) * p -
// share.
static double sample_loss(const float *row, float *gradient, int64_t classes, int32_t label,
                          const dogb_target *target) {
    double top = -INFINITY;
    double sum = 0;
    double loss = 0;
    double shares = 0;
    double smooth = target->label_smoothing / (double)classes;
    for (int64_t c = 0; c < classes; c++) {
        top = (double)row[c] > top ? (double)row[c] : top;
    }
    for (int64_t c = 0; c < classes; c++) {
        sum += exp((double)row[c] - top);
    }
    double logarithm = log(sum) + top;
    for (int64_t c = 0; c < classes; c++) {
        double weight = target->class_weights == NULL ? 1 : (double)target->class_weights[c];
        double share = weight * (smooth + (c == label ? 1 - target->label_smoothing : 0));
        shares += share;
        if (share != 0) { // 0 * infinity is no loss
            loss -= share * ((double)row[c] - logarithm);
        }
    }
    for (int64_t c = 0; c < classes; c++) {
        double weight = target->class_weights == NULL ? 1 : (double)target->class_weights[c];
        double share = weight * (smooth + (c == label ? 1 - target->label_smoothing : 0));
        gradient[c] = (float)(shares * exp((double)row[c] - logarithm) - share);
    }
    return loss;
}

int dogb_ref_loss(dogb_net *net, const dogb_target *target, dogb_loss *out) {
    const dogb_node *node = &net->graph->nodes[net->graph->output];
    int64_t classes = node->shape[0];
    double total = 0;
    double weights = 0;
    int rc = dogb_target_check(net->graph, target, net->count);
    if (rc < 0) {
        return rc;
    }
    *out = (dogb_loss){0, 0, 0};
    for (int64_t i = 0; i < net->count; i++) {
        const float *row = net->values[net->graph->output] + i * classes;
        int32_t label = target->labels[i];
        int64_t rank = dogb_label_rank(row, classes, label);
        out->correct += rank < 1;
        out->correct5 += rank < 5;
        weights += target->class_weights == NULL ? 1 : (double)target->class_weights[label];
        total += sample_loss(row, net->output_grad + i * classes, classes, label, target);
    }
    out->loss = total / weights;
    for (int64_t i = 0; i < net->count * classes; i++) {
        net->output_grad[i] = (float)((double)net->output_grad[i] / weights);
    }
    net->has_loss = 1;
    return DOGBREED_OK;
}
