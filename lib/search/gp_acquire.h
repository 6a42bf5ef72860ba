// gp_acquire.h - where to look next: the largest log expected improvement of a Gaussian process,
// over random points, points near the best ones, and what a descent makes of the best of those.
#ifndef DOGB_SEARCH_GP_ACQUIRE_H
#define DOGB_SEARCH_GP_ACQUIRE_H

#include "core/rng.h"
#include "search/gp_model.h"
#include "search/space.h"

typedef struct dogb_candidates {
    double *x;     // [axes][stride]
    double *score; // [stride]: log expected improvement, in units of y
    int32_t count;
    size_t stride;
} dogb_candidates;

// Candidates in the arena, the best first. Their places are those of values (steps are kept).
int dogb_gp_acquire(dogb_candidates *out, dogb_arena *arena, const dogb_gp *gp,
                    const dogb_space *space, dogb_rng *rng);

#endif
