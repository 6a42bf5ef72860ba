// topk.c - probabilities of the best classes.
#include "core/error.h"
#include "core/rank.h"
#include "predictor/predictor_struct.h"

#include <math.h>

int dogb_predictor_finite(const float *logits, int32_t classes) {
    for (int32_t i = 0; i < classes; i++) {
        if (!isfinite(logits[i])) {
            return dogb_fail(DOGBREED_ERROR_NUMERIC,
                             "prediction: the network's output for class %d is not a number",
                             (int)i);
        }
    }
    return DOGBREED_OK;
}

int dogb_top(dogbreed_prediction *out, int32_t count, const float *logits, int32_t classes) {
    int rc = dogb_predictor_finite(logits, classes);
    if (rc < 0) {
        return rc;
    }
    (void)dogb_rank_top(&out->index, sizeof *out / sizeof out->index, count, logits, classes);
    // exp(x - max) cannot overflow; the sum is at least 1.
    double best = logits[out[0].index];
    double sum = 0.0;
    for (int32_t i = 0; i < classes; i++) {
        sum += exp((double)logits[i] - best);
    }
    for (int32_t i = 0; i < count; i++) {
        out[i].probability = (float)(exp((double)logits[out[i].index] - best) / sum);
    }
    return DOGBREED_OK;
}
