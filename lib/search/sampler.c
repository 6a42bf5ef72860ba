// sampler.c - creates a sampler of a kind and asks it; random and grid, which need no state.
#include "search/sampler_struct.h"

#include "core/error.h"

#include <math.h>

void dogb_search_rng(dogb_rng *rng, const dogb_sampler *sampler, int64_t number, int32_t stream,
                     int32_t index) {
    dogb_rng_init(rng, sampler->conf.seed, DOGB_RNG_SEARCH, (uint64_t)number,
                  (uint32_t)stream << 24 | (uint32_t)index);
}

// --- random: axis i draws from its own stream, so an axis more at the end changes no other

double dogb_random_value(const dogb_sampler *sampler, int64_t number, int32_t index) {
    dogb_rng rng;
    dogb_search_rng(&rng, sampler, number, DOGB_STREAM_AXIS, index);
    return dogb_axis_value(&sampler->space.axes[index], dogb_rng_uniform(&rng));
}

static int random_suggest(dogb_sampler *sampler, double *values, int64_t number,
                          const dogb_history *history) {
    (void)history;
    for (int32_t i = 0; i < sampler->space.count; i++) {
        values[i] = dogb_random_value(sampler, number, i);
    }
    return 0;
}

const dogb_sampler_kind dogb_sampler_random = {"random", NULL, random_suggest};

// --- grid: the trial number in the mixed radix of the axes' counts, the first axis slowest

static int grid_create(dogb_sampler *sampler) {
    for (int32_t i = 0; i < sampler->space.count; i++) {
        DOGB_CHECK(dogb_axis_count(&sampler->space.axes[i]) > 0,
                   "search: %s: a grid takes choices, integers, or floats with a step",
                   sampler->space.axes[i].name);
    }
    DOGB_CHECK(dogb_grid_count(&sampler->space) > 0, "search: the grid has more than 2^62 points");
    return 0;
}

static int grid_suggest(dogb_sampler *sampler, double *values, int64_t number,
                        const dogb_history *history) {
    (void)history;
    int64_t count = dogb_grid_count(&sampler->space);
    if (number >= count) {
        return dogb_fail(DOGBREED_ERROR_NOT_FOUND,
                         "search: trial %lld: the grid has %lld points, counted from 0",
                         (long long)number, (long long)count);
    }
    for (int32_t i = sampler->space.count - 1; i >= 0; i--) {
        int64_t here = dogb_axis_count(&sampler->space.axes[i]);
        values[i] = dogb_axis_at(&sampler->space.axes[i], number % here);
        number /= here;
    }
    return 0;
}

const dogb_sampler_kind dogb_sampler_grid = {"grid", grid_create, grid_suggest};

// --- all kinds

static const dogb_sampler_kind *const kinds[] = {
    [DOGB_SAMPLER_RANDOM] = &dogb_sampler_random, [DOGB_SAMPLER_GRID] = &dogb_sampler_grid,
    [DOGB_SAMPLER_QMC] = &dogb_sampler_qmc,       [DOGB_SAMPLER_TPE] = &dogb_sampler_tpe,
    [DOGB_SAMPLER_GP] = &dogb_sampler_gp,
};
enum { KINDS = sizeof kinds / sizeof kinds[0] };

static int copy_space(dogb_sampler *sampler, const dogb_space *space) {
    dogb_axis *axes = dogb_alloc(&sampler->arena, (size_t)space->count, sizeof *axes);
    if (axes == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    for (int32_t i = 0; i < space->count; i++) {
        axes[i] = space->axes[i];
        axes[i].choices = NULL; // samplers know indices
        axes[i].name = dogb_strdup(&sampler->arena, space->axes[i].name);
        if (axes[i].name == NULL) {
            return DOGBREED_ERROR_NO_MEMORY;
        }
    }
    sampler->space = (dogb_space){.axes = axes, .count = space->count};
    return 0;
}

int dogb_sampler_create(dogb_sampler **out, const dogb_sampler_conf *conf,
                        const dogb_space *space) {
    *out = NULL;
    DOGB_CHECK(conf->kind >= 0 && conf->kind < KINDS, "search: sampler %d is not known",
               conf->kind);
    int rc = dogb_space_check(space);
    if (rc < 0) {
        return rc;
    }
    dogb_sampler *sampler = dogb_malloc(1, sizeof *sampler);
    if (sampler == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    sampler->conf = *conf;
    sampler->improvement = NAN;
    if ((rc = copy_space(sampler, space)) < 0 ||
        (kinds[conf->kind]->create != NULL && (rc = kinds[conf->kind]->create(sampler)) < 0)) {
        dogb_sampler_destroy(sampler);
        return rc;
    }
    *out = sampler;
    return 0;
}

int dogb_sampler_suggest(dogb_sampler *sampler, double *values, int64_t number,
                         const dogb_history *history) {
    DOGB_CHECK(number >= 0, "search: trial %lld: numbers start at 0", (long long)number);
    if (history->space->count != sampler->space.count) {
        return dogb_fail(DOGBREED_ERROR_MISMATCH, "search: a history of %d axes, expected %d",
                         history->space->count, sampler->space.count);
    }
    sampler->improvement = NAN;
    return kinds[sampler->conf.kind]->suggest(sampler, values, number, history);
}

double dogb_sampler_improvement(const dogb_sampler *sampler) {
    return sampler->improvement;
}

void dogb_sampler_destroy(dogb_sampler *sampler) {
    if (sampler != NULL) {
        dogb_arena_free(&sampler->arena);
        dogb_free(sampler);
    }
}
