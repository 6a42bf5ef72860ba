// gp_data.c - see gp_data.h.
#include "search/gp_data.h"

#include "core/error.h"

#include <math.h>
#include <stdlib.h>

int dogb_gp_read(dogb_gp_table *out, dogb_arena *arena, const dogb_space *space,
                 const dogb_point *points, int64_t count) {
    int32_t axes = space->count;
    *out = (dogb_gp_table){.width = axes + 1};
    out->rows = dogb_alloc(arena, (size_t)(count + 1) * (size_t)out->width, sizeof(double));
    if (out->rows == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    for (int64_t i = 0; i < count; i++) {
        if (dogb_point_has(&points[i], 0, axes)) {
            double *row = out->rows + (size_t)out->count++ * (size_t)out->width;
            for (int32_t axis = 0; axis < axes; axis++) {
                row[axis] = dogb_axis_unit(&space->axes[axis], points[i].values[axis]);
            }
            row[axes] = points[i].objective;
        }
    }
    return 0;
}

// --- which trials

typedef struct rank {
    double objective;
    int32_t index;
} rank;

static int compare_objective(const void *a, const void *b) {
    const rank *left = a;
    const rank *right = b;
    int nans = isnan(left->objective) - isnan(right->objective); // failures last
    if (nans != 0) {
        return nans;
    }
    if (left->objective < right->objective || left->objective > right->objective) {
        return left->objective < right->objective ? -1 : 1;
    }
    return (left->index > right->index) - (left->index < right->index);
}

static const double *row_of(const dogb_gp_table *trials, int32_t index) {
    return trials->rows + (size_t)index * (size_t)trials->width;
}

// take[i]: trial i goes in.
static int mark(uint8_t *take, dogb_arena *arena, const dogb_gp_table *trials, int32_t count) {
    rank *ranks = dogb_alloc(arena, (size_t)count, sizeof *ranks);
    if (ranks == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    for (int32_t i = 0; i < count; i++) {
        ranks[i] = (rank){row_of(trials, i)[trials->width - 1], i};
        take[i] = count <= DOGB_GP_POINTS || count - i <= DOGB_GP_POINTS / 2;
    }
    qsort(ranks, (size_t)count, sizeof *ranks, compare_objective);
    int32_t left = count <= DOGB_GP_POINTS ? 0 : DOGB_GP_POINTS / 2;
    for (int32_t i = 0; left > 0; i++) {
        left -= !take[ranks[i].index];
        take[ranks[i].index] = 1;
    }
    return 0;
}

static void put(double *x, size_t stride, int32_t at, const double *row, int32_t axes) {
    for (int32_t axis = 0; axis < axes; axis++) {
        x[(size_t)axis * stride + (size_t)at] = row[axis];
    }
}

int dogb_gp_choose(dogb_gp_data *out, dogb_arena *arena, const uint8_t *choices,
                   const dogb_gp_table *trials, int32_t count, const dogb_gp_table *pending) {
    int32_t axes = trials->width - 1;
    int32_t more = pending == NULL ? 0 : pending->count;
    int32_t room = (count < DOGB_GP_POINTS ? count : DOGB_GP_POINTS) + more;
    size_t stride = ((size_t)room + 7) / 8 * 8;
    uint8_t *take = dogb_alloc(arena, (size_t)count, 1);
    double *x = dogb_alloc(arena, (size_t)axes * stride, sizeof *x);
    double *objectives = dogb_alloc(arena, stride, sizeof *objectives);
    *out = (dogb_gp_data){.y = dogb_alloc(arena, stride, sizeof(double))};
    if (take == NULL || x == NULL || objectives == NULL || out->y == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    int rc = mark(take, arena, trials, count);
    if (rc < 0) {
        return rc;
    }
    for (int32_t i = 0; i < count; i++) {
        if (take[i]) {
            put(x, stride, out->known, row_of(trials, i), axes);
            objectives[out->known++] = row_of(trials, i)[axes];
        }
    }
    for (int32_t i = 0; i < more; i++) {
        put(x, stride, out->known + i, row_of(pending, i), axes);
    }
    out->points = (dogb_points){x, choices, axes, out->known + more, stride};
    return dogb_warp(out->y, &out->warped, objectives, out->known);
}
