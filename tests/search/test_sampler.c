// test_sampler.c - what all samplers promise, and random and grid in particular.
#include "near.h"

#include "out_of_memory.h"
#include "search/sampler.h"

#include <math.h>

enum { AXES = 4, TRIALS = 64 };

typedef struct fixture {
    dogb_arena arena;
    dogb_axis axes[AXES];
    dogb_space space;
    double values[TRIALS][AXES];
    dogb_point points[TRIALS];
    dogb_history history;
} fixture;

static const char *const mixed[AXES] = {"lr=log:1e-4:1e-1", "batch=32,64,128", "epochs=6..10",
                                        "momentum=0.5..0.99"};

static void start(fixture *f, const char *const *texts, int32_t count) {
    *f = (fixture){0};
    for (int32_t i = 0; i < count; i++) {
        assert_ok(dogb_axis_parse(&f->axes[i], &f->arena, texts[i]));
    }
    f->space = (dogb_space){.axes = f->axes, .count = count};
    f->history = (dogb_history){.space = &f->space, .points = f->points};
}

static dogb_sampler *made(const fixture *f, int32_t kind, uint64_t seed) {
    dogb_sampler *sampler = NULL;
    dogb_sampler_conf conf = {.seed = seed, .kind = kind, .startup = -1};
    assert_ok(dogb_sampler_create(&sampler, &conf, &f->space));
    return sampler;
}

// Streams of axes do not touch each other: one more axis at the end changes nothing before it.
static void test_random(void **state) {
    (void)state;
    fixture f;
    start(&f, mixed, AXES);
    dogb_sampler *all = made(&f, DOGB_SAMPLER_RANDOM, 7);
    dogb_sampler *other = made(&f, DOGB_SAMPLER_RANDOM, 8);
    double sum = 0;
    for (int64_t number = 0; number < 1000; number++) {
        double full[AXES], less[AXES], seeded[AXES];
        f.space.count = AXES;
        assert_ok(dogb_sampler_suggest(all, full, number, &f.history));
        assert_ok(dogb_sampler_suggest(other, seeded, number, &f.history));
        assert_true(full[0] != seeded[0]);
        f.space.count = AXES - 1;
        dogb_sampler *part = made(&f, DOGB_SAMPLER_RANDOM, 7);
        assert_ok(dogb_sampler_suggest(part, less, number, &f.history));
        dogb_sampler_destroy(part);
        assert_memory_equal(full, less, sizeof(double) * (AXES - 1));
        sum += dogb_axis_unit(&f.axes[0], full[0]);
    }
    assert_near(sum / 1000, 0.5, 0.04); // 4 deviations
    dogb_sampler_destroy(all);
    dogb_sampler_destroy(other);
    dogb_arena_free(&f.arena);
}

static void test_grid(void **state) {
    (void)state;
    static const char *const texts[] = {"a=x,y", "b=1..3", "c=linear:0:1:0.5"};
    fixture f;
    start(&f, texts, 3);
    assert_int_equal(dogb_grid_count(&f.space), 18);
    dogb_sampler *grid = made(&f, DOGB_SAMPLER_GRID, 0);
    for (int64_t number = 0; number < 18; number++) {
        double v[3];
        assert_ok(dogb_sampler_suggest(grid, v, number, &f.history));
        assert_true(v[0] == (double)(number / 9));
        assert_true(v[1] == (double)(1 + number / 3 % 3));
        assert_true(v[2] == (double)(number % 3) / 2);
    }
    double v[3];
    assert_fails(dogb_sampler_suggest(grid, v, 18, &f.history), DOGBREED_ERROR_NOT_FOUND,
                 "the grid has 18 points");
    dogb_sampler_destroy(grid);
    dogb_arena_free(&f.arena);
}

static void test_refused(void **state) {
    (void)state;
    fixture f;
    start(&f, mixed, AXES);
    dogb_sampler *sampler;
    dogb_sampler_conf conf = {.kind = DOGB_SAMPLER_GRID};
    assert_fails(dogb_sampler_create(&sampler, &conf, &f.space), DOGBREED_ERROR_INVALID_ARGUMENT,
                 "lr: a grid takes");
    conf.kind = 99;
    assert_fails(dogb_sampler_create(&sampler, &conf, &f.space), DOGBREED_ERROR_INVALID_ARGUMENT,
                 "sampler 99");
    sampler = made(&f, DOGB_SAMPLER_RANDOM, 1);
    double v[AXES];
    assert_fails(dogb_sampler_suggest(sampler, v, -1, &f.history), DOGBREED_ERROR_INVALID_ARGUMENT,
                 "trial -1");
    f.space.count = 2;
    assert_fails(dogb_sampler_suggest(sampler, v, 0, &f.history), DOGBREED_ERROR_MISMATCH,
                 "a history of 2 axes");
    dogb_sampler_destroy(sampler);
    dogb_arena_free(&f.arena);
}

static const int32_t kinds[] = {DOGB_SAMPLER_RANDOM, DOGB_SAMPLER_QMC, DOGB_SAMPLER_TPE,
                                DOGB_SAMPLER_GP};
enum { KINDS = sizeof kinds / sizeof kinds[0] };

// A smooth function with a choice and an integer, and a failure now and then.
static double objective(const double *v, int64_t number) {
    double x = log10(v[0]) + 2.3, y = v[3] - 0.85;
    return number % 17 == 11 ? NAN : x * x + 0.1 * fabs(v[1] - 1) + 0.05 * (10 - v[2]) + y * y;
}

// Trial k sees the results of trials up to k - lookahead; the rest is pending.
static void suggest(fixture *f, dogb_sampler *sampler, int64_t number, int lookahead, double *out) {
    f->history.count = number < lookahead ? 0 : number - lookahead + 1;
    f->history.pending = f->points + f->history.count;
    f->history.pending_count = number - f->history.count;
    dogb_point hidden[TRIALS];
    memcpy(hidden, f->points, sizeof hidden);
    for (int64_t i = f->history.count; i < number; i++) {
        hidden[i].objective = NAN;
    }
    f->history.pending = hidden + f->history.count;
    assert_ok(dogb_sampler_suggest(sampler, out, number, &f->history));
}

static void run(fixture *f, dogb_sampler *sampler, int lookahead) {
    for (int64_t number = 0; number < TRIALS; number++) {
        suggest(f, sampler, number, lookahead, f->values[number]);
        f->points[number] = (dogb_point){.values = f->values[number],
                                         .objective = objective(f->values[number], number),
                                         .number = number};
        for (int32_t i = 0; i < AXES; i++) {
            double v = f->values[number][i];
            assert_true(v >= f->axes[i].low && v <= f->axes[i].high);
            assert_true(f->axes[i].step == 0 || floor(v) == v);
        }
    }
}

// The same inputs give the same bits, from a fresh sampler or one that has answered anything else.
static void test_pure(void **state) {
    (void)state;
    for (int i = 0; i < KINDS; i++) {
        for (int lookahead = 1; lookahead <= 16; lookahead += 15) {
            fixture f;
            start(&f, mixed, AXES);
            dogb_sampler *sampler = made(&f, kinds[i], 5);
            run(&f, sampler, lookahead);
            double again[AXES];
            for (int64_t k = 0; k < TRIALS; k++) {
                int64_t number = k * 37 % TRIALS; // any order
                suggest(&f, sampler, number, lookahead, again);
                assert_memory_equal(again, f.values[number], sizeof again);
                if (k % 8 == 0) {
                    dogb_sampler *fresh = made(&f, kinds[i], 5);
                    suggest(&f, fresh, number, lookahead, again);
                    dogb_sampler_destroy(fresh);
                    assert_memory_equal(again, f.values[number], sizeof again);
                }
            }
            dogb_sampler_destroy(sampler);
            dogb_arena_free(&f.arena);
        }
    }
}

// A round is spread out: the best place between known points is not suggested again and again.
static void test_gp_rounds(void **state) {
    (void)state;
    enum { ROUND = 16, ROUNDS = 4 };
    static const char *const plane[] = {"x=0.0..1.0", "y=0.0..1.0"};
    fixture f;
    start(&f, plane, 2);
    dogb_sampler *sampler = made(&f, DOGB_SAMPLER_GP, 3);
    int close = 0;
    for (int64_t number = 0; number < ROUND * ROUNDS; number++) {
        double *values = f.values[number];
        f.history.count = number / ROUND * ROUND;
        f.history.pending = f.points + f.history.count;
        f.history.pending_count = number - f.history.count;
        assert_ok(dogb_sampler_suggest(sampler, values, number, &f.history));
        for (int64_t i = f.history.count; i < number; i++) {
            double dx = values[0] - f.values[i][0], dy = values[1] - f.values[i][1];
            close += hypot(dx, dy) < 1e-3;
        }
        double noise = 0.01 * sin(1000.0 * values[0] + 777.0 * values[1]);
        f.points[number] = (dogb_point){.values = values,
                                        .number = number,
                                        .objective = pow(values[0] - 0.4, 2) +
                                                     0.3 * pow(values[1] - 0.7, 2) + noise};
    }
    assert_true(close <= 36); // of 360 pairs; all of them are when the top is taken again and again
    dogb_sampler_destroy(sampler);
    dogb_arena_free(&f.arena);
}

// The Gaussian process never suggests what a trial has, however many are pending; in a space of few
// points it goes through all of them first.
static void test_no_duplicates(void **state) {
    (void)state;
    enum { MANY = 1000, LOOKAHEAD = 16 };
    static double values[MANY][AXES];
    static dogb_point points[MANY], shown[MANY];
    fixture f;
    start(&f, mixed, AXES);
    dogb_sampler *sampler = made(&f, DOGB_SAMPLER_GP, 3);
    int rounds = test_rounds(MANY);
    for (int64_t number = 0; number < rounds; number++) {
        int64_t count = number < LOOKAHEAD ? 0 : number - LOOKAHEAD + 1;
        f.history = (dogb_history){&f.space, points, count, shown + count, number - count};
        assert_ok(dogb_sampler_suggest(sampler, values[number], number, &f.history));
        for (int64_t i = 0; i < number; i++) {
            assert_memory_not_equal(values[number], values[i], sizeof values[i]);
        }
        points[number] = (dogb_point){values[number], objective(values[number], number), number};
        shown[number] = (dogb_point){values[number], NAN, number};
    }
    dogb_sampler_destroy(sampler);
    dogb_arena_free(&f.arena);
}

static void test_small_space(void **state) {
    (void)state;
    static const char *const texts[] = {"a=p,q,r,s", "b=1..6"};
    fixture f;
    start(&f, texts, 2);
    dogb_sampler *sampler = made(&f, DOGB_SAMPLER_GP, 3);
    int seen[24] = {0}, points = 0;
    double values[40][AXES];
    for (int number = 0; number < 40; number++) {
        f.history.count = number;
        double *v = values[number];
        assert_ok(dogb_sampler_suggest(sampler, v, number, &f.history));
        points += seen[(int)v[0] * 6 + (int)v[1] - 1]++ == 0;
        f.points[number] = (dogb_point){v, fabs(v[0] - 2) + fabs(v[1] - 5), number};
        // Behind the start each is new until none is left.
        assert_true(number < 8 || points == 24 || seen[(int)v[0] * 6 + (int)v[1] - 1] == 1);
    }
    assert_int_equal(points, 24);
    dogb_sampler_destroy(sampler);
    dogb_arena_free(&f.arena);
}

// Where the objective is known to be smooth, the improvement that is left vanishes.
static void test_improvement(void **state) {
    (void)state;
    static const char *const texts[] = {"a=linear:0:1", "b=linear:0:1"};
    fixture f;
    start(&f, texts, 2);
    dogb_sampler *sampler = made(&f, DOGB_SAMPLER_GP, 3);
    double values[40][AXES];
    double first = NAN;
    for (int number = 0; number < 40; number++) {
        f.history.count = number;
        double *v = values[number];
        assert_ok(dogb_sampler_suggest(sampler, v, number, &f.history));
        double left = dogb_sampler_improvement(sampler);
        assert_true(number < 8 ? isnan(left) : left >= 0);
        first = number == 8 ? left : first;
        double x = v[0] - 0.3, y = v[1] - 0.6;
        f.points[number] = (dogb_point){v, 2 + x * x + y * y + x * y, number};
    }
    assert_true(dogb_sampler_improvement(sampler) < 1e-3 * first);
    dogb_sampler_destroy(sampler);
    dogb_arena_free(&f.arena);
}

static void test_no_memory(void **state) {
    (void)state;
    for (int i = 0; i < KINDS; i++) {
        fixture f;
        start(&f, mixed, AXES);
        dogb_sampler *sampler = made(&f, kinds[i], 5);
        run(&f, sampler, 16);
        dogb_sampler_destroy(sampler);
        f.history.count = 16;
        f.history.pending_count = 0;
        dogb_sampler_conf conf = {.seed = 5, .kind = kinds[i], .startup = -1};
        int failed = 1;
        for (int left = 0; failed; left++) {
            double values[AXES];
            memory_fail_after(left);
            int rc = dogb_sampler_create(&sampler, &conf, &f.space);
            if (rc == 0) {
                rc = dogb_sampler_suggest(sampler, values, 16, &f.history);
            }
            failed = memory_restore();
            assert_int_equal(rc, failed ? DOGBREED_ERROR_NO_MEMORY : 0);
            if (rc < 0 && sampler != NULL) { // the same question again succeeds
                assert_ok(dogb_sampler_suggest(sampler, values, 16, &f.history));
            }
            dogb_sampler_destroy(sampler);
        }
        dogb_arena_free(&f.arena);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gp_rounds),   cmocka_unit_test(test_random),
        cmocka_unit_test(test_grid),        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_pure),        cmocka_unit_test(test_no_duplicates),
        cmocka_unit_test(test_small_space), cmocka_unit_test(test_improvement),
        cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests_name("search_sampler", tests, NULL, NULL);
}
