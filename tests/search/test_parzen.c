// test_parzen.c - TPE's densities against Optuna's, and draws against the density.
#include "near.h"

#include "search/parzen.h"

enum { ROWS_MAX = 160, AXES_MAX = 6 };

static void read_line(FILE *file, dogb_axis *axis, dogb_arena *arena) {
    char text[128];
    assert_int_equal(fscanf(file, "%127s", text), 1);
    assert_ok(dogb_axis_parse(axis, arena, text));
}

static void read_numbers(FILE *file, double *out, int count) {
    for (int i = 0; i < count; i++) {
        assert_int_equal(fscanf(file, "%lf", &out[i]), 1);
    }
}

static void test_density(void **state) {
    (void)state;
    FILE *file = fopen(test_file("search/golden/parzen.txt"), "r");
    assert_non_null(file);
    int axis_count, count, places, cases = 0;
    for (; fscanf(file, "%d", &axis_count) == 1; cases++) {
        dogb_arena arena = {0};
        dogb_axis axes[AXES_MAX];
        static double values[ROWS_MAX][AXES_MAX];
        const double *rows[ROWS_MAX];
        for (int i = 0; i < axis_count; i++) {
            read_line(file, &axes[i], &arena);
        }
        assert_int_equal(fscanf(file, "%d", &count), 1);
        for (int i = 0; i < count; i++) {
            read_numbers(file, values[i], axis_count);
            rows[i] = values[i];
        }
        dogb_parzen parzen;
        assert_ok(dogb_parzen_build(&parzen, &arena, axes, axis_count, rows, count));
        double *scratch = dogb_alloc(&arena, (size_t)parzen.kernels, sizeof *scratch);
        assert_int_equal(fscanf(file, "%d", &places), 1);
        for (int i = 0; i < places; i++) {
            double place[AXES_MAX + 1];
            read_numbers(file, place, axis_count + 1);
            double found = dogb_parzen_log(&parzen, place, scratch);
            assert_near(found, place[axis_count], 1e-9);
        }
        dogb_arena_free(&arena);
    }
    (void)fclose(file);
    assert_int_equal(cases, 24);
}

// Draws fall into cells as often as the density says: chi-squared over the 15 cells of a choice and
// an integer, which depend on each other.
static void test_draws(void **state) {
    (void)state;
    dogb_arena arena = {0};
    dogb_axis axes[2];
    assert_ok(dogb_axis_parse(&axes[0], &arena, "b=p,q,r"));
    assert_ok(dogb_axis_parse(&axes[1], &arena, "e=6..10"));
    static const double values[4][2] = {{0, 6}, {0, 7}, {2, 10}, {1, 8}};
    const double *rows[4] = {values[0], values[1], values[2], values[3]};
    dogb_parzen parzen;
    assert_ok(dogb_parzen_build(&parzen, &arena, axes, 2, rows, 4));
    dogb_rng rng;
    dogb_rng_init(&rng, 3, DOGB_RNG_SEARCH, 0, 0);
    int rounds = test_rounds(20000), counts[15] = {0};
    for (int i = 0; i < rounds; i++) {
        double draw[2];
        dogb_parzen_sample(&parzen, draw, &rng);
        counts[(int)draw[0] * 5 + (int)draw[1] - 6]++;
    }
    double sum = 0, squares = 0, scratch[5];
    for (int cell = 0; cell < 15; cell++) {
        double place[2] = {cell / 5, 6 + cell % 5};
        double p = exp(dogb_parzen_log(&parzen, place, scratch));
        sum += p;
        squares += (counts[cell] - p * rounds) * (counts[cell] - p * rounds) / (p * rounds);
    }
    assert_near(sum, 1, 1e-12);
    assert_true(squares < 36.1); // 14 degrees of freedom: one of a thousand is more
    dogb_arena_free(&arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_density),
        cmocka_unit_test(test_draws),
    };
    return cmocka_run_group_tests_name("search_parzen", tests, NULL, NULL);
}
