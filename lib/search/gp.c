// gp.c - sampler gp: a scrambled Sobol start, then the point of the largest log expected
// improvement under a Gaussian process. The process' parameters are fitted in a chain over growing
// beginnings of the history, each fit starting at the one before; the links are kept between
// calls, and dropped from where the history differs.
#include "search/gp_acquire.h"
#include "search/gp_data.h"
#include "search/sampler_struct.h"

#include "core/error.h"

#include <math.h>
#include <string.h>

enum {
    STARTUP = 8,
    FRESH_MAX = 60, // up to so many trials a fit is tried from the priors, too
    TRIES = 100
};

typedef struct link {
    int32_t count; // trials it was fitted to
    double *theta;
} link;

typedef struct gp_state {
    dogb_gp_table seen; // of the last call
    size_t seen_room;
    link *links;
    size_t links_room;
    int32_t links_count;
    int32_t links_made; // have memory, whether they count or not
    uint8_t *choices;   // of the axes
    dogb_sobol sobol;
} gp_state;

static int gp_create(dogb_sampler *sampler) {
    gp_state *state = dogb_alloc(&sampler->arena, 1, sizeof *state);
    if (state == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    state->choices = dogb_alloc(&sampler->arena, (size_t)sampler->space.count, 1);
    if (state->choices == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    for (int32_t i = 0; i < sampler->space.count; i++) {
        state->choices[i] = sampler->space.axes[i].kind == DOGB_AXIS_CHOICE;
    }
    dogb_sobol_init(&state->sobol);
    sampler->state = state;
    return 0;
}

// --- the chain of fits

static int32_t next_count(int32_t count) {
    return count + 1 + (count > 30 ? (count - 30) / 10 : 0);
}

// Where a fit starts: at the link before; while trials are few also at the priors.
enum { FROM_BEFORE, FROM_PRIOR, STARTS };

static int fit_link(double *theta, dogb_arena *arena, const gp_state *state,
                    const dogb_gp_table *trials, int32_t count, const double *before) {
    dogb_gp_data data;
    int rc = dogb_gp_choose(&data, arena, state->choices, trials, count, NULL);
    if (rc < 0) {
        return rc;
    }
    int32_t axes = data.points.axes;
    size_t size = (size_t)(axes + DOGB_GP_MORE) * sizeof *theta;
    double *tried = dogb_alloc(arena, 1, size);
    if (tried == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    double best = INFINITY, value;
    dogb_gp_theta_default(theta, axes);
    for (int start = 0; start < STARTS; start++) {
        if (start == FROM_BEFORE ? before == NULL : before != NULL && count > FRESH_MAX) {
            continue;
        }
        dogb_gp_theta_default(tried, axes);
        if (start == FROM_BEFORE) {
            memcpy(tried, before, size);
        }
        int32_t evaluations = count <= 40 ? 30 : 15;
        if ((rc = dogb_gp_fit(tried, &value, &data.points, data.y, evaluations)) < 0) {
            return rc;
        }
        if (value < best) {
            best = value;
            memcpy(theta, tried, size);
        }
    }
    return 0;
}

// Forgets links that saw something else than what the history begins with now.
static int compare_seen(gp_state *state, dogb_sampler *sampler, const dogb_gp_table *trials) {
    int32_t same = 0;
    size_t width = (size_t)trials->width;
    while (same < state->seen.count && same < trials->count &&
           memcmp(state->seen.rows + (size_t)same * width, trials->rows + (size_t)same * width,
                  width * sizeof(double)) == 0) {
        same++;
    }
    while (state->links_count > 0 && state->links[state->links_count - 1].count > same) {
        state->links_count--;
    }
    if (same == state->seen.count || same < trials->count) {
        int rc = dogb_grow(&sampler->arena, &state->seen.rows, &state->seen_room,
                           (size_t)trials->count, width * sizeof(double));
        if (rc < 0) {
            return rc;
        }
        memcpy(state->seen.rows, trials->rows, (size_t)trials->count * width * sizeof(double));
        state->seen.count = trials->count;
        state->seen.width = trials->width;
    }
    return 0;
}

static int fitted(const double **theta, dogb_sampler *sampler, const dogb_gp_table *trials,
                  int32_t first) {
    gp_state *state = sampler->state;
    int rc = compare_seen(state, sampler, trials);
    if (rc < 0) {
        return rc;
    }
    size_t parameters = (size_t)trials->width - 1 + DOGB_GP_MORE;
    int32_t index = 0;
    for (int32_t count = first; count <= trials->count; count = next_count(count), index++) {
        if (index < state->links_count) {
            continue;
        }
        if ((rc = dogb_grow(&sampler->arena, &state->links, &state->links_room, (size_t)index,
                            sizeof *state->links)) < 0) {
            return rc;
        }
        dogb_arena arena = {0};
        double *own = index < state->links_made
                          ? state->links[index].theta
                          : dogb_alloc(&sampler->arena, parameters, sizeof *own);
        rc = own == NULL ? DOGBREED_ERROR_NO_MEMORY
                         : fit_link(own, &arena, state, trials, count,
                                    index > 0 ? state->links[index - 1].theta : NULL);
        dogb_arena_free(&arena);
        if (rc < 0) {
            return rc;
        }
        state->links[index] = (link){count, own};
        state->links_count = index + 1;
        state->links_made = index < state->links_made ? state->links_made : index + 1;
    }
    *theta = state->links[index - 1].theta;
    return 0;
}

// --- a suggestion

static int taken(const double *values, int32_t axes, const dogb_point *points, int64_t count) {
    for (int64_t i = 0; i < count; i++) {
        if (memcmp(values, points[i].values, (size_t)axes * sizeof *values) == 0) {
            return 1;
        }
    }
    return 0;
}

static int is_new(const double *values, const dogb_history *history) {
    int32_t axes = history->space->count;
    return !taken(values, axes, history->points, history->count) &&
           !taken(values, axes, history->pending, history->pending_count);
}

// The best candidate that no trial has; a random point where all have been.
static void pick(dogb_sampler *sampler, double *values, const dogb_candidates *candidates,
                 const dogb_history *history, dogb_rng *rng, const dogb_gp_data *data) {
    const dogb_space *space = &sampler->space;
    for (int32_t i = 0; i < candidates->count + TRIES; i++) {
        for (int32_t axis = 0; axis < space->count; axis++) {
            double unit = i < candidates->count
                              ? candidates->x[(size_t)axis * candidates->stride + (size_t)i]
                              : dogb_rng_uniform(rng);
            values[axis] = dogb_axis_value(&space->axes[axis], unit);
        }
        if (is_new(values, history)) {
            if (i < candidates->count) {
                sampler->improvement = exp(candidates->score[i]) * dogb_warp_scale(&data->warped);
            }
            return;
        }
    }
}

static int suggest(dogb_sampler *sampler, dogb_arena *arena, double *values, int64_t number,
                   const dogb_history *history, const dogb_gp_table *trials, int32_t startup) {
    dogb_gp_table pending;
    dogb_gp_data data;
    dogb_gp gp;
    dogb_candidates candidates;
    const double *theta = NULL;
    dogb_rng rng;
    const gp_state *state = sampler->state;
    int rc;
    if ((rc = fitted(&theta, sampler, trials, startup)) < 0 ||
        (rc = dogb_gp_read(&pending, arena, &sampler->space, history->pending,
                           history->pending_count)) < 0 ||
        (rc = dogb_gp_choose(&data, arena, state->choices, trials, trials->count, &pending)) < 0 ||
        (rc = dogb_gp_condition(&gp, arena, &data.points, data.known, data.y, theta)) < 0) {
        return rc;
    }
    dogb_search_rng(&rng, sampler, number, DOGB_STREAM_GP, 0);
    if ((rc = dogb_gp_acquire(&candidates, arena, &gp, &sampler->space, &rng)) < 0) {
        return rc;
    }
    pick(sampler, values, &candidates, history, &rng, &data);
    return 0;
}

static int gp_suggest(dogb_sampler *sampler, double *values, int64_t number,
                      const dogb_history *history) {
    int32_t startup = sampler->conf.startup >= 2 ? sampler->conf.startup : STARTUP;
    dogb_arena arena = {0};
    dogb_gp_table trials;
    int rc = dogb_gp_read(&trials, &arena, &sampler->space, history->points, history->count);
    if (rc == 0 && (trials.count < startup || dogb_history_finished(history) < 2)) {
        dogb_qmc_values(sampler, &((gp_state *)sampler->state)->sobol, values, number);
    } else if (rc == 0) {
        rc = suggest(sampler, &arena, values, number, history, &trials, startup);
    }
    dogb_arena_free(&arena);
    return rc;
}

const dogb_sampler_kind dogb_sampler_gp = {"gp", gp_create, gp_suggest};
