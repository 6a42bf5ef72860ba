// dropout.c - the mask of a dropout node: a function of seed, node, step and position alone, so all
// engines and devices drop the same values. Compiled into plug-ins too: depends on core/rng only.
#include "core/rng.h"
#include "engine/engine.h"

void dogb_dropout_mask(float *out, int64_t count, double p, uint64_t seed, int32_t node,
                       int64_t step) {
    dogb_rng rng;
    dogb_rng_init(&rng, seed, DOGB_RNG_DROPOUT, (uint64_t)step, (uint32_t)node);
    // One word per value: kept when it is not below p of all words. A stream ends after 2^34.
    uint64_t threshold = (uint64_t)(p * 4294967296.0);
    float scale = (float)(1.0 / (1.0 - p));
    for (int64_t i = 0; i < count; i++) {
        out[i] = dogb_rng_u32(&rng) < threshold ? 0.0f : scale;
    }
}
