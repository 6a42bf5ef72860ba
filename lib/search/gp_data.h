// gp_data.h - from a history to what the Gaussian process takes.
#ifndef DOGB_SEARCH_GP_DATA_H
#define DOGB_SEARCH_GP_DATA_H

#include "search/history.h"
#include "search/matern.h"
#include "search/warp.h"

enum { DOGB_GP_POINTS = 192 }; // a process takes no more known points

// Trials that have all axes, in order: rows of `width` = axes + 1 numbers, units and the objective.
typedef struct dogb_gp_table {
    double *rows;
    int32_t count;
    int32_t width;
} dogb_gp_table;
int dogb_gp_read(dogb_gp_table *out, dogb_arena *arena, const dogb_space *space,
                 const dogb_point *points, int64_t count);

typedef struct dogb_gp_data {
    dogb_points points; // known, then pending
    double *y;          // [known], warped
    dogb_warped warped; // y
    int32_t known;
} dogb_gp_data;

// The first `count` trials (of very many, the best half and the newest half), and the pending ones
// (or NULL).
int dogb_gp_choose(dogb_gp_data *out, dogb_arena *arena, const uint8_t *choices,
                   const dogb_gp_table *trials, int32_t count, const dogb_gp_table *pending);

#endif
