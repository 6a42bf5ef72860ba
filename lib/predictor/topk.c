// topk.c - see topk.h.
#include "predictor/topk.h"

#include "core/error.h"
#include "core/rank.h"

#include <math.h>

int dogb_logits_check(const float *logits, int32_t classes) {
    for (int32_t i = 0; i < classes; i++) {
        if (!isfinite(logits[i])) {
            return dogb_fail(DOGBREED_ERROR_NUMERIC,
                             "prediction: the network's output for class %d is not a number",
                             (int)i);
        }
    }
    return DOGBREED_OK;
}

// exp(x - best) cannot overflow; the sum is at least 1 where best is the largest.
static double sum(const float *logits, int32_t classes, double best) {
    double total = 0.0;
    for (int32_t i = 0; i < classes; i++) {
        total += exp((double)logits[i] - best);
    }
    return total;
}

int dogb_top(dogbreed_prediction *out, int32_t count, const float *logits, int32_t classes) {
    int rc = dogb_logits_check(logits, classes);
    if (rc < 0) {
        return rc;
    }
    (void)dogb_rank_top(&out->index, sizeof *out / sizeof out->index, count, logits, classes);
    double best = logits[out[0].index];
    double total = sum(logits, classes, best);
    for (int32_t i = 0; i < count; i++) {
        out[i].probability = (float)(exp((double)logits[out[i].index] - best) / total);
    }
    return DOGBREED_OK;
}

int dogb_probabilities(float *out, const float *logits, int32_t classes) {
    int rc = dogb_logits_check(logits, classes);
    if (rc < 0) {
        return rc;
    }
    int32_t first = 0;
    (void)dogb_rank_top(&first, 1, 1, logits, classes);
    double best = logits[first];
    double total = sum(logits, classes, best);
    for (int32_t i = 0; i < classes; i++) {
        out[i] = (float)(exp((double)logits[i] - best) / total);
    }
    return DOGBREED_OK;
}
