// importance.c - see importance.h. Each axis becomes a grid of at most 50 cells (a choice: one for
// each word). On it stand two densities: of all points, and of the best tenth. Their Pearson
// divergence is what the axis has to do with being good.
#include "search/importance.h"

#include "core/error.h"
#include "core/number.h"
#include "search/normal.h"

#include <math.h>
#include <stdlib.h>

enum { CELLS_MAX = 50, POINTS_LEAST = 2 };
static const double best_share = 0.1;
static const double prior_weight = 1;

// --- the grid

typedef struct grid {
    const dogb_axis *axis;
    int32_t cells;
    double low; // of the axis, on the scale below
    double high;
} grid;

// Optuna knows no reverse-log scale: such an axis is a linear one here, as in the study.
static double on_scale(const dogb_axis *axis, double value) {
    return axis->scale == DOGB_SCALE_LOG ? log(value) : value;
}

static grid make_grid(const dogb_axis *axis) {
    grid g = {axis, CELLS_MAX, on_scale(axis, axis->low), on_scale(axis, axis->high)};
    double cells = CELLS_MAX;
    if (axis->kind == DOGB_AXIS_CHOICE) {
        g.cells = axis->choice_count;
        return g;
    }
    if (axis->kind == DOGB_AXIS_INT && axis->scale == DOGB_SCALE_LOG) {
        cells = ceil(log(axis->high - axis->low + 1) / log(2)) + 1;
    } else if (axis->step > 0) {
        cells = round((axis->high - axis->low) / axis->step) + 1;
    }
    g.cells = (int32_t)fmin(cells, CELLS_MAX);
    return g;
}

// A tie between two cells goes to the lower one.
static int32_t cell_of(const grid *g, double value) {
    double place = value;
    if (g->axis->kind != DOGB_AXIS_CHOICE) {
        double width = (g->high - g->low) / (g->cells - 1);
        place = ceil((on_scale(g->axis, value) - g->low) / width - 0.5);
    }
    return (int32_t)fmin(fmax(place, 0), g->cells - 1); // ranges of a study may change
}

// --- a density

// The first cell whose running count is `level` or more (beyond 0: more than it).
static int32_t quartile(const double *counts, int32_t cells, double level, int beyond) {
    double sum = 0;
    int32_t last = 0;
    for (int32_t i = 0; i < cells; i++) {
        sum += counts[i];
        last = counts[i] > 0 ? i : last;
        if (counts[i] > 0 && (beyond ? sum > level : sum >= level)) {
            return i;
        }
    }
    return last;
}

// Scott's rule, no narrower than a cell.
static double width_of(const double *counts, int32_t cells, double total) {
    double mean = 0, squares = 0;
    for (int32_t i = 0; i < cells; i++) {
        mean += i * counts[i] / total;
    }
    for (int32_t i = 0; i < cells; i++) {
        squares += (i - mean) * (i - mean) * counts[i];
    }
    double deviation = sqrt(squares / fmax(1, total - 1));
    double range = quartile(counts, cells, floor(total * 3 / 4), 1) -
                   quartile(counts, cells, floor(total / 4), 0);
    return fmax(1.059 * fmin(range / 1.34, deviation) * pow(total, -0.2), 0.5 / 1.64);
}

// Of a normal that is cut off at the ends of the grid.
static double cell_mass(double cell, int32_t cells, double middle, double width) {
    double whole = dogb_normal_mass((-0.5 - middle) / width, (cells - 0.5 - middle) / width);
    return dogb_normal_mass((cell - 0.5 - middle) / width, (cell + 0.5 - middle) / width) / whole;
}

static void density_of_numbers(double *out, const double *counts, int32_t cells, double total) {
    double width = width_of(counts, cells, total);
    for (int32_t cell = 0; cell < cells; cell++) {
        double sum = prior_weight * cell_mass(cell, cells, (cells - 1) / 2.0, cells);
        for (int32_t i = 0; i < cells; i++) {
            sum += counts[i] > 0 ? counts[i] * cell_mass(cell, cells, i, width) : 0;
        }
        out[cell] = sum / (total + prior_weight);
    }
}

static void density_of_choices(double *out, const double *counts, int32_t cells, double total) {
    int32_t kernels = 1; // one for each choice that was taken, and the flat one
    for (int32_t i = 0; i < cells; i++) {
        kernels += counts[i] > 0;
    }
    double other = prior_weight / kernels; // than the kernel's own choice, which has 1 more
    for (int32_t i = 0; i < cells; i++) {
        double sum = counts[i] + total * other;
        out[i] = (sum / (1 + cells * other) + prior_weight / cells) / (total + prior_weight);
    }
}

// --- an axis

typedef struct chosen {
    const dogb_point *point;
    int32_t best; // among the best tenth
    int32_t reserved;
} chosen;

typedef struct densities {
    double *counts; // [cells]
    double *best;
    double *all;
} densities;

static double count_cells(double *counts, const grid *g, const chosen *points, int32_t count,
                          int32_t axis, int best_only) {
    double total = 0;
    for (int32_t i = 0; i < g->cells; i++) {
        counts[i] = 0;
    }
    for (int32_t i = 0; i < count; i++) {
        if (dogb_point_has(points[i].point, axis, 1) && (points[i].best || !best_only)) {
            counts[cell_of(g, points[i].point->values[axis])] += 1;
            total++;
        }
    }
    return total;
}

static double divergence(const densities *d, int32_t cells) {
    const double least = 1e-12;
    double sum = 0;
    for (int32_t i = 0; i < cells; i++) {
        double ratio = (d->best[i] + least) / (d->all[i] + least) - 1;
        sum += (d->all[i] + least) * ratio * ratio;
    }
    return sum;
}

// Points that lack the axis make it matter less: the shares are of those that have it.
static double axis_importance(const densities *d, const dogb_axis *axis, int32_t index,
                              const chosen *points, int32_t count, int32_t best_count) {
    grid g = make_grid(axis);
    void (*density)(double *, const double *, int32_t, double) =
        axis->kind == DOGB_AXIS_CHOICE ? density_of_choices : density_of_numbers;
    double best = count_cells(d->counts, &g, points, count, index, 1);
    if (best > 0) {
        density(d->best, d->counts, g.cells, best);
    }
    double all = count_cells(d->counts, &g, points, count, index, 0);
    if (!(axis->high > axis->low) || best == 0 || all < POINTS_LEAST) {
        return 0;
    }
    density(d->all, d->counts, g.cells, all);
    double share = best / best_count;
    return share * share / (all / count) * divergence(d, g.cells);
}

// --- all of them

// Fills the points that count, and which of them are at least as good as the last of the best
// tenth. Returns how many there are.
static int32_t choose(chosen *points, double *sorted, const dogb_history *history,
                      int32_t *best_count) {
    int32_t count = 0;
    for (int64_t i = 0; i < history->count; i++) {
        if (isfinite(history->points[i].objective)) {
            sorted[count] = history->points[i].objective;
            points[count++] = (chosen){.point = &history->points[i]};
        }
    }
    qsort(sorted, (size_t)count, sizeof *sorted, dogb_number_compare);
    *best_count = 0;
    for (int32_t i = 0; i < count; i++) {
        double last = sorted[(int32_t)ceil(best_share * count) - 1];
        points[i].best = points[i].point->objective <= last;
        *best_count += points[i].best;
    }
    return count;
}

int dogb_importance(double *out, const dogb_history *history) {
    dogb_arena arena = {0};
    const dogb_space *space = history->space;
    size_t cells = CELLS_MAX;
    for (int32_t i = 0; i < space->count; i++) {
        size_t choices = (size_t)space->axes[i].choice_count;
        cells = choices > cells ? choices : cells;
    }
    size_t room = (size_t)history->count + 1;
    chosen *points = dogb_alloc(&arena, room, sizeof *points);
    double *sorted = dogb_alloc(&arena, room, sizeof *sorted);
    densities d = {dogb_alloc(&arena, cells, sizeof(double)),
                   dogb_alloc(&arena, cells, sizeof(double)),
                   dogb_alloc(&arena, cells, sizeof(double))};
    if (points == NULL || sorted == NULL || d.counts == NULL || d.best == NULL || d.all == NULL) {
        dogb_arena_free(&arena);
        return DOGBREED_ERROR_NO_MEMORY;
    }
    int32_t best_count = 0;
    int32_t count = choose(points, sorted, history, &best_count);
    double sum = 0;
    for (int32_t i = 0; i < space->count; i++) {
        out[i] = count < POINTS_LEAST
                     ? 0
                     : axis_importance(&d, &space->axes[i], i, points, count, best_count);
        sum += out[i];
    }
    for (int32_t i = 0; i < space->count; i++) {
        out[i] = sum > 0 ? out[i] / sum : 1.0 / space->count;
    }
    dogb_arena_free(&arena);
    return DOGBREED_OK;
}
