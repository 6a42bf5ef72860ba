// topk.c - probabilities of the best classes.
#include "core/error.h"
#include "predictor/predictor_struct.h"

#include <math.h>
#include <string.h>

int dogb_top(dogbreed_prediction *out, int32_t count, const float *logits, int32_t classes) {
    int32_t found = 0;
    for (int32_t i = 0; i < classes; i++) {
        if (!isfinite(logits[i])) {
            return dogb_fail(DOGBREED_ERROR_NUMERIC,
                             "prediction: the network's output for class %d is not a number",
                             (int)i);
        }
        int32_t at = found;
        while (at > 0 && logits[out[at - 1].index] < logits[i]) {
            at--;
        }
        if (at == count) {
            continue;
        }
        found += found < count;
        memmove(out + at + 1, out + at, (size_t)(found - 1 - at) * sizeof *out);
        out[at].index = i;
    }
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
