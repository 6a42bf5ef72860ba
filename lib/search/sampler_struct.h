// sampler_struct.h - what the samplers share inside the folder.
#ifndef DOGB_SEARCH_SAMPLER_STRUCT_H
#define DOGB_SEARCH_SAMPLER_STRUCT_H

#include "core/rng.h"
#include "search/sampler.h"
#include "search/sobol.h"

struct dogb_sampler {
    dogb_arena arena;
    dogb_sampler_conf conf;
    dogb_space space;
    double improvement;
    void *state; // of the kind
};

typedef struct dogb_sampler_kind {
    const char *name;
    int (*create)(dogb_sampler *sampler); // NULL: nothing to prepare
    int (*suggest)(dogb_sampler *sampler, double *values, int64_t number,
                   const dogb_history *history);
} dogb_sampler_kind;

extern const dogb_sampler_kind dogb_sampler_random, dogb_sampler_grid, dogb_sampler_qmc,
    dogb_sampler_tpe, dogb_sampler_gp;

// What a stream of random numbers is for; part of its key, with the index of an axis or candidate.
enum { DOGB_STREAM_AXIS = 0, DOGB_STREAM_SOBOL = 1, DOGB_STREAM_TPE = 2, DOGB_STREAM_GP = 3 };
void dogb_search_rng(dogb_rng *rng, const dogb_sampler *sampler, int64_t number, int32_t stream,
                     int32_t index);

// One draw of axis `index`.
double dogb_random_value(const dogb_sampler *sampler, int64_t number, int32_t index);

// Point `number` of the scrambled sequence; axes beyond DOGB_SOBOL_AXES are random.
void dogb_qmc_values(const dogb_sampler *sampler, const dogb_sobol *sobol, double *values,
                     int64_t number);

#endif
