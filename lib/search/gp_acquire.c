// gp_acquire.c - see gp_acquire.h.
#include "search/gp_acquire.h"

#include "core/error.h"
#include "search/descend.h"
#include "search/normal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    GRID_MAX = 1024, // smaller grids are looked at whole
    RANDOM = 256,
    NEAR = 256,
    BASES = 4,  // known points that others are drawn near to
    WIDTHS = 8, // each half of the one before
    STARTS = 4, // of descents
    EVALUATIONS = 20
};

typedef struct rank {
    double score;
    int32_t index;
} rank;

static int compare(const void *a, const void *b) { // the largest first
    const rank *left = a;
    const rank *right = b;
    if (left->score != right->score) {
        return left->score > right->score ? -1 : 1;
    }
    return (left->index > right->index) - (left->index < right->index);
}

typedef struct search {
    const dogb_gp *gp;
    const dogb_space *space;
    dogb_rng *rng;
    dogb_candidates all;
    double *mean;
    double *deviation;
    double *scratch;
    double best; // mean at the best known or pending point
    double *point;
    double *gradients; // [2][axes]
    double *work;      // of descents
    rank *ranks;       // of known points, then of candidates
} search;

static double improvement(double mean, double deviation, double best, double *slope, double *z) {
    *z = (best - mean) / deviation;
    return log(deviation) + dogb_log_improvement(*z, slope);
}

// --- candidates

static double snapped(const dogb_axis *axis, double unit) {
    unit = unit < 0 ? 0 : unit > 1 ? 1 : unit;
    return axis->step > 0 ? dogb_axis_unit(axis, dogb_axis_value(axis, unit)) : unit;
}

static double *cell(const search *s, int32_t axis, int32_t index) {
    return s->all.x + (size_t)axis * s->all.stride + (size_t)index;
}

static void add_random(search *s, int32_t count) {
    for (int32_t i = 0; i < count; i++, s->all.count++) {
        for (int32_t axis = 0; axis < s->space->count; axis++) {
            *cell(s, axis, s->all.count) = snapped(&s->space->axes[axis], dogb_rng_uniform(s->rng));
        }
    }
}

static void add_grid(search *s, int64_t count) {
    for (int64_t i = 0; i < count; i++, s->all.count++) {
        int64_t left = i;
        for (int32_t axis = 0; axis < s->space->count; axis++) {
            int64_t here = dogb_axis_count(&s->space->axes[axis]);
            double value = dogb_axis_at(&s->space->axes[axis], left % here);
            *cell(s, axis, s->all.count) = dogb_axis_unit(&s->space->axes[axis], value);
            left /= here;
        }
    }
}

// Another value of a discrete axis: a neighbour, or of a choice any.
static double moved(const search *s, int32_t index, double unit, double width) {
    const dogb_axis *axis = &s->space->axes[index];
    double draw = dogb_rng_normal(s->rng);
    if (axis->kind == DOGB_AXIS_CHOICE) {
        return snapped(axis, dogb_rng_uniform(s->rng));
    }
    double to = unit + width * draw;
    if (axis->step > 0) { // one step at least
        double value = dogb_axis_value(axis, unit);
        double next = dogb_axis_unit(axis, value + (draw < 0 ? -axis->step : axis->step));
        to = fabs(to - unit) < fabs(next - unit) ? next : to;
    }
    return snapped(axis, to);
}

// Points near a known one: each axis moves with some probability, one for sure.
static void add_near(search *s, int32_t known, double width) {
    int32_t axes = s->space->count;
    int32_t sure = (int32_t)dogb_rng_below(s->rng, (uint64_t)axes);
    double share = fmin(1, 2.0 / axes);
    for (int32_t axis = 0; axis < axes; axis++) {
        double unit = s->gp->points.x[(size_t)axis * s->gp->points.stride + (size_t)known];
        int move = dogb_rng_uniform(s->rng) < share || axis == sure;
        *cell(s, axis, s->all.count) = move ? moved(s, axis, unit, width) : unit;
    }
    s->all.count++;
}

// --- the descent from a candidate, over continuous axes

static double negative_score(void *userdata, const double *x, double *gradient) {
    const search *s = userdata;
    int32_t axes = s->space->count;
    double mean, deviation, slope, z;
    double *of_mean = s->gradients;
    double *of_deviation = s->gradients + axes;
    dogb_gp_predict(s->gp, x, &mean, &deviation, of_mean, of_deviation, s->scratch);
    double score = improvement(mean, deviation, s->best, &slope, &z);
    for (int32_t i = 0; i < axes; i++) {
        gradient[i] = -((1 - slope * z) * of_deviation[i] - slope * of_mean[i]) / deviation;
    }
    return -score;
}

static void polish(search *s, int32_t index) {
    int32_t axes = s->space->count;
    double *low = s->work;
    double *high = low + axes;
    for (int32_t i = 0; i < axes; i++) {
        int fixed = dogb_axis_count(&s->space->axes[i]) != 0;
        s->point[i] = *cell(s, i, index);
        low[i] = fixed ? s->point[i] : 0;
        high[i] = fixed ? s->point[i] : 1;
    }
    dogb_descend problem = {negative_score, s, low, high, axes, EVALUATIONS, 0.05, 1e-4};
    double score = -dogb_descend_run(&problem, s->point, high + axes);
    if (score > s->all.score[index]) {
        s->all.score[index] = score;
        for (int32_t i = 0; i < axes; i++) {
            *cell(s, i, index) = s->point[i];
        }
    }
}

static int prepare(search *s, dogb_arena *arena, size_t room) {
    size_t axes = (size_t)s->space->count;
    size_t count = (size_t)s->gp->points.count;
    room = (room + 7) / 8 * 8;
    s->all = (dogb_candidates){.x = dogb_alloc(arena, axes * room, sizeof(double)),
                               .score = dogb_alloc(arena, room, sizeof(double)),
                               .stride = room};
    s->mean = dogb_alloc(arena, 2 * room, sizeof(double));
    size_t block = count * DOGB_GP_BLOCK;
    size_t single = 3 * s->gp->points.stride;
    s->scratch = dogb_alloc_raw(arena, block > single ? block : single, sizeof(double));
    s->point = dogb_alloc(arena, 3 * axes, sizeof(double));
    s->work = dogb_alloc(arena, dogb_descend_scratch((int32_t)axes) + 2 * axes, sizeof(double));
    size_t known = (size_t)s->gp->known;
    s->ranks = dogb_alloc(arena, known > room ? known : room, sizeof *s->ranks);
    if (s->all.x == NULL || s->all.score == NULL || s->mean == NULL || s->scratch == NULL ||
        s->point == NULL || s->work == NULL || s->ranks == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    s->deviation = s->mean + room;
    s->gradients = s->point + axes;
    return 0;
}

// The known points, the best first; s->best becomes the mean at the first.
static void rank_known(search *s) {
    const dogb_gp *gp = s->gp;
    for (int32_t i = 0; i < gp->known; i++) {
        // The mean at a known point: y less what the noise explains.
        s->ranks[i] = (rank){-(gp->y[i] - gp->noise * gp->alpha[i]), i};
    }
    qsort(s->ranks, (size_t)gp->known, sizeof *s->ranks, compare);
    s->best = -s->ranks[0].score;
}

// A pending point will have its mean, which may be better than all that is known: only more than
// that is an improvement, or the top of the mean would be suggested over and over.
static void look_at_pending(search *s) {
    const dogb_points *points = &s->gp->points;
    for (int32_t i = s->gp->known; i < points->count; i++) {
        double mean, deviation;
        for (int32_t axis = 0; axis < points->axes; axis++) {
            s->point[axis] = points->x[(size_t)axis * points->stride + (size_t)i];
        }
        dogb_gp_predict(s->gp, s->point, &mean, &deviation, s->gradients,
                        s->gradients + points->axes, s->scratch);
        s->best = fmin(s->best, mean);
    }
}

// All points of a small grid, or random ones and some near the best known.
static void add_candidates(search *s, int64_t grid) {
    if (grid > 0) {
        add_grid(s, grid);
        return;
    }
    add_random(s, RANDOM);
    int32_t bases = s->gp->known < BASES ? s->gp->known : BASES;
    for (int32_t i = 0; i < NEAR; i++) {
        double width = ldexp(0.25, -(i / bases % WIDTHS));
        add_near(s, s->ranks[i % bases].index, width);
    }
}

static void score_candidates(search *s) {
    dogb_points at = {s->all.x, s->gp->points.choices, s->space->count, s->all.count,
                      s->all.stride};
    dogb_gp_predict_many(s->gp, &at, s->mean, s->deviation, s->scratch);
    for (int32_t i = 0; i < s->all.count; i++) {
        double slope, z;
        s->all.score[i] = improvement(s->mean[i], s->deviation[i], s->best, &slope, &z);
    }
}

static void rank_candidates(search *s) {
    for (int32_t i = 0; i < s->all.count; i++) {
        s->ranks[i] = (rank){s->all.score[i], i};
    }
    qsort(s->ranks, (size_t)s->all.count, sizeof *s->ranks, compare);
}

static double distance(const search *s, int32_t a, int32_t b) {
    double sum = 0;
    for (int32_t axis = 0; axis < s->space->count; axis++) {
        double d = *cell(s, axis, a) - *cell(s, axis, b);
        sum += s->gp->weights[axis] * (s->gp->points.choices[axis] ? d != 0 : d * d);
    }
    return sum;
}

// Moves the best candidates that are not close to a better one to the front of the ranks.
static int32_t choose_starts(search *s) {
    int32_t starts = 0;
    for (int32_t i = 0; i < s->all.count && starts < STARTS; i++) {
        int32_t k = 0;
        while (k < starts && distance(s, s->ranks[i].index, s->ranks[k].index) > 0.01) {
            k++;
        }
        if (k == starts) {
            rank swap = s->ranks[starts];
            s->ranks[starts++] = s->ranks[i];
            s->ranks[i] = swap;
        }
    }
    return starts;
}

static int copy_sorted(dogb_candidates *out, dogb_arena *arena, search *s) {
    int32_t axes = s->space->count;
    rank_candidates(s);
    *out = s->all;
    out->x = dogb_alloc(arena, (size_t)axes * s->all.stride, sizeof(double));
    out->score = dogb_alloc(arena, s->all.stride, sizeof(double));
    if (out->x == NULL || out->score == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    for (int32_t i = 0; i < s->all.count; i++) {
        out->score[i] = s->ranks[i].score;
        for (int32_t axis = 0; axis < axes; axis++) {
            out->x[(size_t)axis * out->stride + (size_t)i] = *cell(s, axis, s->ranks[i].index);
        }
    }
    return 0;
}

int dogb_gp_acquire(dogb_candidates *out, dogb_arena *arena, const dogb_gp *gp,
                    const dogb_space *space, dogb_rng *rng) {
    search s = {.gp = gp, .space = space, .rng = rng};
    int64_t grid = dogb_grid_count(space);
    grid = grid <= GRID_MAX ? grid : 0;
    int rc = prepare(&s, arena, grid > 0 ? (size_t)grid : RANDOM + NEAR);
    if (rc < 0) {
        return rc;
    }
    rank_known(&s);
    look_at_pending(&s);
    add_candidates(&s, grid);
    score_candidates(&s);
    rank_candidates(&s);
    int32_t starts = grid > 0 ? 0 : choose_starts(&s);
    for (int32_t i = 0; i < starts; i++) {
        polish(&s, s.ranks[i].index);
    }
    return copy_sorted(out, arena, &s);
}
