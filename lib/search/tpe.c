// tpe.c - sampler tpe (tree-structured Parzen estimator) with Optuna's defaults: the best tenth of
// the trials makes one density, the rest with the pending ones another; of 24 draws from the first
// the one with the largest ratio of the two is suggested.
#include "search/parzen.h"
#include "search/sampler_struct.h"

#include "core/error.h"

#include <math.h>
#include <stdlib.h>

enum { STARTUP = 10, CANDIDATES = 24, BEST_MAX = 25 };

static int compare_objective(const void *a, const void *b) {
    const dogb_point *left = *(const dogb_point *const *)a;
    const dogb_point *right = *(const dogb_point *const *)b;
    if (left->objective != right->objective) {
        return left->objective < right->objective ? -1 : 1;
    }
    return (left->number > right->number) - (left->number < right->number);
}

static int compare_number(const void *a, const void *b) {
    const dogb_point *left = *(const dogb_point *const *)a;
    const dogb_point *right = *(const dogb_point *const *)b;
    return (left->number > right->number) - (left->number < right->number);
}

// The points that have all of these axes, by number, as rows that start at the first axis.
static int32_t gather(const double **rows, const dogb_point **points, int64_t count, int32_t first,
                      int32_t axis_count) {
    int32_t found = 0;
    qsort(points, (size_t)count, sizeof(dogb_point *), compare_number);
    for (int64_t i = 0; i < count; i++) {
        if (dogb_point_has(points[i], first, axis_count)) {
            rows[found++] = points[i]->values + first;
        }
    }
    return found;
}

typedef struct split {
    const dogb_point **points; // [best, then the rest and the pending]
    const double **rows;
    int64_t best;
    int64_t rest;
} split;

static int split_history(split *out, dogb_arena *arena, const dogb_history *history) {
    size_t total = (size_t)(history->count + history->pending_count) + 1;
    *out = (split){.points = dogb_alloc(arena, total, sizeof *out->points),
                   .rows = dogb_alloc(arena, total, sizeof *out->rows)};
    if (out->points == NULL || out->rows == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    int64_t finished = 0;
    for (int64_t i = 0; i < history->count; i++) {
        if (!isnan(history->points[i].objective)) {
            out->points[finished++] = &history->points[i];
        }
    }
    qsort(out->points, (size_t)finished, sizeof *out->points, compare_objective);
    int64_t tenth = (finished + 9) / 10;
    out->best = tenth < BEST_MAX ? tenth : BEST_MAX;
    for (int64_t i = 0; i < history->pending_count; i++) {
        out->points[finished++] = &history->pending[i];
    }
    out->rest = finished - out->best;
    return 0;
}

// Suggests axes first .. first + count - 1 together.
static int suggest_axes(const dogb_sampler *sampler, const split *trials, double *values,
                        int64_t number, int32_t first, int32_t count) {
    dogb_arena arena = {0};
    dogb_parzen good, bad;
    const dogb_axis *axes = sampler->space.axes + first;
    int32_t best = gather(trials->rows, trials->points, trials->best, first, count);
    int rc = dogb_parzen_build(&good, &arena, axes, count, trials->rows, best);
    if (rc < 0) {
        goto out;
    }
    int32_t rest = gather(trials->rows, trials->points + trials->best, trials->rest, first, count);
    if ((rc = dogb_parzen_build(&bad, &arena, axes, count, trials->rows, rest)) < 0) {
        goto out;
    }
    size_t kernels = (size_t)(best > rest ? best : rest) + 1;
    double *scratch = dogb_alloc(&arena, kernels, sizeof(double));
    double *candidate = dogb_alloc(&arena, (size_t)count, sizeof(double));
    if (scratch == NULL || candidate == NULL) {
        rc = DOGBREED_ERROR_NO_MEMORY;
        goto out;
    }
    dogb_rng rng;
    dogb_search_rng(&rng, sampler, number, DOGB_STREAM_TPE, first);
    double highest = -INFINITY;
    for (int i = 0; i < CANDIDATES; i++) {
        dogb_parzen_sample(&good, candidate, &rng);
        double ratio =
            dogb_parzen_log(&good, candidate, scratch) - dogb_parzen_log(&bad, candidate, scratch);
        if (i == 0 || ratio > highest) {
            highest = ratio;
            for (int32_t axis = 0; axis < count; axis++) {
                values[first + axis] = candidate[axis];
            }
        }
    }
out:
    dogb_arena_free(&arena);
    return rc;
}

static int tpe_suggest(dogb_sampler *sampler, double *values, int64_t number,
                       const dogb_history *history) {
    int32_t startup = sampler->conf.startup >= 0 ? sampler->conf.startup : STARTUP;
    if (dogb_history_finished(history) < startup) {
        return dogb_sampler_random.suggest(sampler, values, number, history);
    }
    dogb_arena arena = {0};
    split trials;
    int rc = split_history(&trials, &arena, history);
    int32_t together = sampler->conf.multivariate ? sampler->space.count : 1;
    for (int32_t i = 0; i < sampler->space.count && rc == 0; i += together) {
        rc = suggest_axes(sampler, &trials, values, number, i, together);
    }
    dogb_arena_free(&arena);
    return rc;
}

const dogb_sampler_kind dogb_sampler_tpe = {"tpe", NULL, tpe_suggest};
