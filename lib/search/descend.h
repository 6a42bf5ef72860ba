// descend.h - finds a local minimum of a smooth function inside a box: BFGS with projection.
#ifndef DOGB_SEARCH_DESCEND_H
#define DOGB_SEARCH_DESCEND_H

#include "core/arena.h"

#include <stdint.h>

// Value at x; fills gradient. NaN or infinity: not there.
typedef double (*dogb_descend_fn)(void *userdata, const double *x, double *gradient);

typedef struct dogb_descend {
    dogb_descend_fn fn;
    void *userdata;
    const double *low; // [count]
    const double *high;
    int32_t count;
    int32_t evaluations; // at most
    double first_step;   // largest change of a coordinate in the first step
    double enough;       // stops when a step gains less than this
} dogb_descend;

// scratch[dogb_descend_scratch(count)]. x: start and result; returns the value there.
size_t dogb_descend_scratch(int32_t count);
double dogb_descend_run(const dogb_descend *problem, double *x, double *scratch);

#endif
