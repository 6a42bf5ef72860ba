// nets.h - small networks with random values for tests of graphs and engines.
#ifndef DOGB_TEST_NETS_H
#define DOGB_TEST_NETS_H

#include "core/rng.h"
#include "engine/engine.h"

#include <stdlib.h>

// Random values for every parameter (variances and counters are positive); one block per parameter,
// released by nets_free.
static inline void **nets_weights(const dogb_graph *graph, uint64_t seed) {
    void **weights = calloc((size_t)graph->param_count + 1, sizeof *weights);
    for (int32_t i = 0; weights != NULL && i < graph->param_count; i++) {
        const dogb_param *param = &graph->params[i];
        dogb_rng rng;
        dogb_rng_init(&rng, seed, DOGB_RNG_INIT, (uint64_t)i, 0);
        float *values = calloc((size_t)param->count + 1, sizeof(int64_t));
        double scale =
            param->rank > 1 ? 1.4 / __builtin_sqrt((double)(param->count / param->shape[0])) : 0.3;
        for (int64_t k = 0; values != NULL && k < param->count; k++) {
            values[k] = (float)(dogb_rng_normal(&rng) * scale);
            if (param->role == DOGB_ROLE_RUNNING_VAR ||
                (param->role == DOGB_ROLE_WEIGHT && param->rank == 1)) {
                values[k] = (float)(0.5 + dogb_rng_uniform(&rng));
            }
        }
        if (values != NULL && param->role == DOGB_ROLE_COUNTER) {
            int64_t counter = 7;
            memcpy(values, &counter, sizeof counter);
        }
        weights[i] = values;
    }
    return weights;
}

static inline void nets_free(const dogb_graph *graph, void **weights) {
    for (int32_t i = 0; i < graph->param_count; i++) {
        free(weights[i]);
    }
    free(weights);
}

static inline float *nets_input(const dogb_graph *graph, int32_t count, uint64_t seed) {
    const int64_t *shape = graph->nodes[0].shape;
    int64_t size = shape[0] * shape[1] * shape[2] * count;
    float *values = calloc((size_t)size, sizeof *values);
    dogb_rng rng;
    dogb_rng_init(&rng, seed, DOGB_RNG_SYNTH, 0, 0);
    for (int64_t i = 0; values != NULL && i < size; i++) {
        values[i] = (float)dogb_rng_normal(&rng);
    }
    return values;
}

#endif
