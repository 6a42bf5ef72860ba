// surface.h - the objective over the space, as the Gaussian process of sampler gp sees it from
// finished trials: for pictures.
#ifndef DOGB_SEARCH_SURFACE_H
#define DOGB_SEARCH_SURFACE_H

#include "search/gp_data.h"
#include "search/gp_model.h"

enum { DOGB_SURFACE_LEAST = 5 }; // points that it takes

typedef struct dogb_surface {
    const dogb_space *space;
    dogb_gp gp;
    dogb_gp_data data;
    double *unit;    // [axes]
    double *scratch; // of a prediction
} dogb_surface;

// Of the points with a finite objective that have all axes. Returns their count (of very many, the
// best and the newest are used); fewer than DOGB_SURFACE_LEAST: nothing is fitted.
int64_t dogb_surface_fit(dogb_surface *out, dogb_arena *arena, const dogb_history *history);

// The objective's mean at `values`, and one deviation (of the mean, without noise) either way, in
// its own units.
void dogb_surface_at(const dogb_surface *surface, const double *values, double *mean, double *low,
                     double *high);

#endif
