// surface.c - see surface.h.
#include "search/surface.h"

#include "core/error.h"

#include <math.h>

enum { EVALUATIONS = 60 };

// Failures say how bad a place is to a search; a picture shows what was measured.
static int64_t choose(dogb_point *out, const dogb_history *history) {
    int64_t count = 0;
    for (int64_t i = 0; i < history->count; i++) {
        const dogb_point *point = &history->points[i];
        if (isfinite(point->objective) && dogb_point_has(point, 0, history->space->count)) {
            out[count++] = *point;
        }
    }
    return count;
}

static int fit(dogb_surface *out, dogb_arena *arena, const dogb_point *points, int64_t count) {
    int32_t axes = out->space->count;
    dogb_gp_table table;
    uint8_t *choices = dogb_alloc(arena, (size_t)axes, 1);
    double *theta = dogb_alloc(arena, (size_t)(axes + DOGB_GP_MORE), sizeof *theta);
    out->unit = dogb_alloc(arena, 3 * (size_t)axes, sizeof *out->unit);
    double value;
    int rc = choices == NULL || theta == NULL || out->unit == NULL
                 ? DOGBREED_ERROR_NO_MEMORY
                 : dogb_gp_read(&table, arena, out->space, points, count);
    for (int32_t i = 0; rc == DOGBREED_OK && i < axes; i++) {
        choices[i] = out->space->axes[i].kind == DOGB_AXIS_CHOICE;
    }
    rc = rc < 0 ? rc : dogb_gp_choose(&out->data, arena, choices, &table, table.count, NULL);
    if (rc < 0) {
        return rc;
    }
    const dogb_points *at = &out->data.points;
    out->scratch = dogb_alloc(arena, 3 * at->stride, sizeof *out->scratch);
    dogb_gp_theta_default(theta, axes);
    rc = out->scratch == NULL ? DOGBREED_ERROR_NO_MEMORY
                              : dogb_gp_fit(theta, &value, at, out->data.y, EVALUATIONS);
    return rc < 0 ? rc
                  : dogb_gp_condition(&out->gp, arena, at, out->data.known, out->data.y, theta);
}

int64_t dogb_surface_fit(dogb_surface *out, dogb_arena *arena, const dogb_history *history) {
    dogb_point *points = dogb_alloc(arena, (size_t)history->count + 1, sizeof *points);
    *out = (dogb_surface){.space = history->space};
    if (points == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    int64_t count = choose(points, history);
    int rc = count < DOGB_SURFACE_LEAST ? DOGBREED_OK : fit(out, arena, points, count);
    return rc < 0 ? rc : count;
}

void dogb_surface_at(const dogb_surface *surface, const double *values, double *mean, double *low,
                     double *high) {
    int32_t axes = surface->space->count;
    double *gradients = surface->unit + axes; // of mean and deviation, which nobody asks for
    double middle, deviation;
    for (int32_t i = 0; i < axes; i++) {
        surface->unit[i] = dogb_axis_unit(&surface->space->axes[i], values[i]);
    }
    dogb_gp_predict(&surface->gp, surface->unit, &middle, &deviation, gradients, gradients + axes,
                    surface->scratch);
    *mean = dogb_unwarp(&surface->data.warped, middle);
    *low = dogb_unwarp(&surface->data.warped, middle - deviation);
    *high = dogb_unwarp(&surface->data.warped, middle + deviation);
}
