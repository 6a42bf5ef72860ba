// samplers.c - regret of our samplers on functions of the unit cube (bench/functions.c).
// samplers SAMPLER TRIALS SEEDS [NOISE] [FUNCTION...]: a line for each function with the median
// regret after 10, 20, 40 ... trials [quartiles] and the time of a suggestion. NOISE: deviation of
// what is added to each result; the regret is that of the best result's true value.
// samplers eval FUNCTION: reads points, a line each, and answers with their values: so that another
// program searches the same functions.
#include "core/clock.h"
#include "core/error.h"
#include "core/rng.h"
#include "functions.h"
#include "search/sampler.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { AXES_MAX = 8, TRIALS_MAX = 1000, SEEDS_MAX = 128 };

static const struct {
    const char *name;
    int32_t kind;
    int32_t multivariate;
} samplers[] = {{"random", DOGB_SAMPLER_RANDOM, 0},
                {"qmc", DOGB_SAMPLER_QMC, 0},
                {"tpe", DOGB_SAMPLER_TPE, 1},
                {"tpe-each", DOGB_SAMPLER_TPE, 0},
                {"gp", DOGB_SAMPLER_GP, 0}};
static const int marks[] = {10, 20, 40, 60, 80, 120, 160};
enum { SAMPLERS = sizeof samplers / sizeof samplers[0], MARKS = sizeof marks / sizeof marks[0] };

typedef struct run {
    const bench_function *function;
    int sampler;
    int trials;
    double noise;
    uint64_t seed;
    double curve[TRIALS_MAX];
    double seconds; // of processor, all suggestions
    double late;    // of the last 10
} run;

static double now(void) {
    struct timespec t;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static int search(run *r) {
    static double values[TRIALS_MAX][AXES_MAX];
    static dogb_point points[TRIALS_MAX];
    dogb_axis axes[AXES_MAX];
    int count = r->function->axes;
    for (int i = 0; i < count; i++) {
        static const char *const names[AXES_MAX] = {"a", "b", "c", "d", "e", "f", "g", "h"};
        axes[i] = (dogb_axis){.name = names[i], .high = 1, .scale = DOGB_SCALE_LINEAR};
    }
    dogb_space space = {.axes = axes, .count = count};
    dogb_sampler_conf conf = {r->seed, samplers[r->sampler].kind, -1,
                              samplers[r->sampler].multivariate, 0};
    dogb_sampler *sampler = NULL;
    int rc = dogb_sampler_create(&sampler, &conf, &space);
    dogb_history history = {.space = &space, .points = points};
    double best = INFINITY, best_true = INFINITY;
    r->seconds = 0;
    r->late = 0;
    for (int i = 0; i < r->trials && rc == 0; i++) {
        history.count = i;
        double start = now();
        rc = dogb_sampler_suggest(sampler, values[i], i, &history);
        double took = now() - start;
        r->seconds += took;
        r->late += i >= r->trials - 10 ? took / 10 : 0;
        dogb_rng rng;
        dogb_rng_init(&rng, r->seed, 1000, (uint64_t)i, 0);
        double exact = r->function->value(values[i], count);
        double seen = exact + r->noise * dogb_rng_normal(&rng);
        if (seen < best) {
            best = seen;
            best_true = exact;
        }
        points[i] = (dogb_point){values[i], seen, i};
        r->curve[i] = best_true - r->function->lowest;
    }
    dogb_sampler_destroy(sampler);
    return rc;
}

static int compare(const void *a, const void *b) {
    double left = *(const double *)a, right = *(const double *)b;
    return (left > right) - (left < right);
}

static int measure(const bench_function *function, int sampler, int trials, int seeds,
                   double noise) {
    static run runs[SEEDS_MAX];
    double seconds = 0, late = 0, column[SEEDS_MAX];
    for (int s = 0; s < seeds; s++) {
        runs[s] = (run){.function = function,
                        .sampler = sampler,
                        .trials = trials,
                        .noise = noise,
                        .seed = (uint64_t)s};
        if (search(&runs[s]) < 0) {
            (void)fprintf(stderr, "%s\n", dogbreed_error_message());
            return 1;
        }
        seconds += runs[s].seconds / seeds / trials;
        late += runs[s].late / seeds;
    }
    (void)printf("%-14s %s", function->name, samplers[sampler].name);
    for (int m = 0; m < MARKS && marks[m] <= trials; m++) {
        for (int s = 0; s < seeds; s++) {
            column[s] = runs[s].curve[marks[m] - 1];
        }
        qsort(column, (size_t)seeds, sizeof *column, compare);
        (void)printf(" @%d %.3g [%.2g %.2g]", marks[m], column[seeds / 2], column[seeds / 4],
                     column[seeds * 3 / 4]);
    }
    (void)printf("  %.2f ms, last ten %.2f ms\n", seconds * 1e3, late * 1e3);
    (void)fflush(stdout);
    return 0;
}

static int serve(const bench_function *function) {
    double u[AXES_MAX];
    for (;;) {
        for (int i = 0; i < function->axes; i++) {
            if (scanf("%lf", &u[i]) != 1) {
                return 0;
            }
        }
        (void)printf("%.17g\n", function->value(u, function->axes));
        (void)fflush(stdout);
    }
}

int main(int argc, char **argv) {
    int eval = argc == 3 && strcmp(argv[1], "eval") == 0;
    int kind = 0;
    while (argc > 1 && kind < SAMPLERS && strcmp(samplers[kind].name, argv[1]) != 0) {
        kind++;
    }
    int trials = argc > 2 ? (int)strtol(argv[2], NULL, 10) : 0;
    int seeds = argc > 3 ? (int)strtol(argv[3], NULL, 10) : 0;
    char *end = NULL;
    double noise = argc > 4 ? strtod(argv[4], &end) : 0;
    int first = end != NULL && *end == 0 ? 5 : 4;
    if (!eval &&
        (kind == SAMPLERS || trials < 1 || trials > TRIALS_MAX || seeds < 1 || seeds > SEEDS_MAX)) {
        (void)fprintf(stderr, "samplers random|qmc|tpe|tpe-each|gp TRIALS SEEDS [NOISE] "
                              "[FUNCTION...]\nsamplers eval FUNCTION\n");
        return 2;
    }
    for (int i = 0; i < bench_function_count; i++) {
        const bench_function *function = &bench_functions[i];
        int wanted = !eval && first >= argc && i < bench_function_reported;
        for (int k = eval ? 2 : first; k < argc; k++) {
            wanted |= strcmp(argv[k], function->name) == 0 ||
                      (strcmp(argv[k], "others") == 0 && i >= bench_function_reported);
        }
        if (wanted && (eval ? serve(function)
                            : measure(function, kind, trials, seeds, first == 5 ? noise : 0))) {
            return 1;
        }
    }
    return 0;
}
