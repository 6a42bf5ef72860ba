// sampler.h - who suggests the next point: random, grid, qmc (scrambled Sobol), tpe, gp. A
// suggestion is a pure function of configuration, space, trial number and history; what a sampler
// keeps between calls is a cache that changes no bit. One thread at a time per sampler.
#ifndef DOGB_SEARCH_SAMPLER_H
#define DOGB_SEARCH_SAMPLER_H

#include "search/history.h"

enum {
    DOGB_SAMPLER_RANDOM = 0,
    DOGB_SAMPLER_GRID = 1,
    DOGB_SAMPLER_QMC = 2,
    DOGB_SAMPLER_TPE = 3,
    DOGB_SAMPLER_GP = 4
};

typedef struct dogb_sampler_conf {
    uint64_t seed;
    int32_t kind;
    int32_t startup;      // finished trials before tpe, gp look at them; -1: default
    int32_t multivariate; // tpe: 1 one density over all axes (Optuna 5), 0 one for each axis
    int32_t reserved;
} dogb_sampler_conf;

typedef struct dogb_sampler dogb_sampler;

// The space is copied. INVALID_ARGUMENT: a bad space, or a grid over a continuous axis.
int dogb_sampler_create(dogb_sampler **out, const dogb_sampler_conf *conf, const dogb_space *space);

// values[axis count]. The history's space must be the sampler's (MISMATCH: another axis count).
// NOT_FOUND: the grid has no point of this number.
int dogb_sampler_suggest(dogb_sampler *sampler, double *values, int64_t number,
                         const dogb_history *history);

// gp alone: expected improvement of the last suggestion relative to the best objective (for
// "converged"). NaN: none.
double dogb_sampler_improvement(const dogb_sampler *sampler);

void dogb_sampler_destroy(dogb_sampler *sampler);

#endif
