// Pictures of studies: of none, one, failed and many trials, with names in any script; the same
// bytes each time; memory that runs out; no module that draws.
#include "../plot/drawn.h"
#include "out_of_memory.h"
#include "scratch.h"

#include <dogbreed/tuner.h>

#include <jansson.h>
#include <math.h>

enum { PICTURES = 4 };
static const char *const pictures[PICTURES] = {"history", "importance", "parallel", "slices"};
static const char evil[] = "<a&b>\"\xc3\xa9 \xe7\x8a\xac";

typedef double (*objective)(double x, int number);

static double smooth(double x, int number) {
    return x * x + 0.01 * (number % 7);
}

static double failing(double x, int number) {
    (void)x;
    (void)number;
    return (double)NAN;
}

// As a diverging network has it.
static double astray(double x, int number) {
    static const double values[] = {1e300, -1e300, 1e-300, INFINITY, -INFINITY};
    return number % 5 == 2 ? values[number / 5 % 5] : x;
}

static dogbreed_tuner *study(int count, int32_t goal, objective fn) {
    static const char *const breeds[] = {"\xe6\x9f\xb4\xe7\x8a\xac", "<Pug & \"Co\">", "bad \xff"};
    dogbreed_tuner_options options;
    dogbreed_tuner *tuner = NULL;
    assert_ok(dogbreed_tuner_options_init(&options, sizeof options));
    options.objective = goal;
    options.sampler = DOGBREED_SAMPLER_RANDOM;
    options.pruner = DOGBREED_PRUNER_NONE;
    options.study = evil;
    assert_ok(dogbreed_tuner_create(&tuner, &options));
    assert_ok(dogbreed_tuner_add_range(tuner, evil, -1, 1, 0, DOGBREED_SCALE_LINEAR));
    assert_ok(dogbreed_tuner_add_integer(tuner, "n", 1, 1000, 1, DOGBREED_SCALE_AUTO));
    assert_ok(dogbreed_tuner_add_choice(tuner, "breed", breeds, 2 + (count == 3)));
    for (int i = 0; i < count; i++) {
        char *json = NULL;
        int64_t number = -1;
        assert_ok(dogbreed_tuner_ask(tuner, &number, &json));
        json_t *params = json_loads(json, 0, NULL);
        double value = fn(json_number_value(json_object_get(params, evil)), i);
        int32_t state = isnan(value) ? DOGBREED_TRIAL_FAIL
                        : i % 9 == 8 ? DOGBREED_TRIAL_PRUNED
                                     : DOGBREED_TRIAL_COMPLETE;
        assert_ok(dogbreed_tuner_tell(tuner, number, state, value));
        json_decref(params);
        dogbreed_free(json);
    }
    return tuner;
}

static int has_module(void) {
    dogbreed_tuner *tuner = study(0, DOGBREED_OBJECTIVE_MINIMIZE, smooth);
    int rc = dogbreed_tuner_plots(tuner, scratch("probe"), DOGBREED_PLOT_SVG);
    dogbreed_tuner_destroy(tuner);
    if (rc < 0) { // nothing is written
        assert_false(dogb_directory_exists(scratch("probe")));
    }
    return test_has_module(rc);
}

static char *read_picture(dogb_arena *arena, const char *folder, const char *name,
                          const char *ending) {
    char file[512];
    void *data = NULL;
    size_t size = 0;
    (void)snprintf(file, sizeof file, "%s/%s.%s", folder, name, ending);
    assert_ok(dogb_file_read(&data, &size, arena, scratch(file), 64 << 20));
    assert_true(size > 0);
    return data;
}

static int count_of(const char *text, const char *part) {
    int count = 0;
    for (const char *at = strstr(text, part); at != NULL; at = strstr(at + 1, part)) {
        count++;
    }
    return count;
}

static void studies_of_all_sizes(void **state) {
    (void)state;
    if (!has_module()) {
        test_skip("no module that draws");
    }
    static const struct {
        const char *folder;
        int count;
        int32_t goal;
        objective fn;
    } rows[] = {
        {"none", 0, DOGBREED_OBJECTIVE_MINIMIZE, smooth},
        {"one", 1, DOGBREED_OBJECTIVE_MAXIMIZE, smooth},
        {"three", 3, DOGBREED_OBJECTIVE_MINIMIZE, smooth},
        {"failed", 12, DOGBREED_OBJECTIVE_MINIMIZE, failing},
        {"astray", 60, DOGBREED_OBJECTIVE_MAXIMIZE, astray},
        {"many", 1000, DOGBREED_OBJECTIVE_MINIMIZE, smooth},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        dogbreed_tuner *tuner = study(rows[i].count, rows[i].goal, rows[i].fn);
        assert_ok(dogbreed_tuner_plots(tuner, scratch(rows[i].folder), DOGBREED_PLOT_SVG));
        for (int k = 0; k < PICTURES; k++) {
            dogb_arena arena = {0};
            const char *svg = read_picture(&arena, rows[i].folder, pictures[k], "svg");
            const char *csv = read_picture(&arena, rows[i].folder, pictures[k], "csv");
            assert_null(strstr(svg, "nan"));
            assert_null(strstr(svg, "\"inf"));
            assert_non_null(strstr(svg, "</svg>\n"));
            assert_non_null(strchr(csv, '\n'));
            if (k == 0) { // every trial is a row and a mark with a note
                assert_int_equal(count_of(csv, "\n"), rows[i].count + 1);
                assert_int_equal(count_of(svg, "<title>trial "), rows[i].count);
            }
            dogb_arena_free(&arena);
        }
        dogbreed_tuner_destroy(tuner);
    }
}

// Of thousands of trials the pictures stay small; the tables have all of them.
static void thousands_of_trials(void **state) {
    (void)state;
    if (!has_module()) {
        test_skip("no module that draws");
    }
    enum { COUNT = 4000, PRUNED = COUNT / 9, LINES = 1000, BYTES_MAX = 400000 };
    dogbreed_tuner *tuner = study(COUNT, DOGBREED_OBJECTIVE_MINIMIZE, smooth);
    dogb_arena arena = {0};
    char best[64];
    char *json = NULL;
    assert_ok(dogbreed_tuner_trial(&json, tuner, -1));
    json_t *winner = json_loads(json, 0, NULL);
    (void)snprintf(best, sizeof best, "<title>trial %d, complete: ",
                   (int)json_integer_value(json_object_get(winner, "number")));
    json_decref(winner);
    dogbreed_free(json);
    assert_ok(dogbreed_tuner_plots(tuner, scratch("thousands"), DOGBREED_PLOT_SVG));
    for (int k = 0; k < PICTURES; k++) {
        const char *svg = read_picture(&arena, "thousands", pictures[k], "svg");
        assert_true(strlen(svg) < BYTES_MAX);
        assert_int_equal(count_of(svg, best), k == 1 ? 0 : k == 3 ? 3 : 1);
    }
    const char *history = read_picture(&arena, "thousands", "history", "svg");
    const char *parallel = read_picture(&arena, "thousands", "parallel", "svg");
    // A disc ends in h0, a ring is two arcs; legend and marks with notes are circles.
    int noted = count_of(history, "<title>");
    int alone = count_of(history, "<circle") - 2;
    assert_true(noted > 1 && noted < 50);
    assert_int_equal(count_of(history, "h0") + count_of(history, " 0 1 0 ") / 2 + alone, COUNT);
    assert_int_equal(count_of(parallel, "<title>trial "), LINES);
    assert_non_null(strstr(parallel, ": 1000 of 4000 trials"));
    const char *csv = read_picture(&arena, "thousands", "history", "csv");
    assert_int_equal(count_of(csv, "\n"), COUNT + 1);
    assert_int_equal(count_of(csv, "PRUNED"), PRUNED);
    csv = read_picture(&arena, "thousands", "parallel", "csv");
    assert_int_equal(count_of(csv, "\n"), COUNT + 1);
    csv = read_picture(&arena, "thousands", "slices", "csv");
    assert_int_equal(count_of(csv, ",trial,"), 1 + 3 * COUNT);
    dogb_arena_free(&arena);
    dogbreed_tuner_destroy(tuner);
}

static void the_same_bytes(void **state) {
    (void)state;
    if (!has_module()) {
        test_skip("no module that draws");
    }
    dogbreed_tuner *tuner = study(40, DOGBREED_OBJECTIVE_MINIMIZE, smooth);
    dogb_arena arena = {0};
    char *first[PICTURES];
    for (int round = 0; round < 2; round++) {
        assert_ok(dogbreed_tuner_plots(tuner, scratch("same/deeper"),
                                       DOGBREED_PLOT_SVG | DOGBREED_PLOT_PNG));
        for (int k = 0; k < PICTURES; k++) {
            char *svg = read_picture(&arena, "same/deeper", pictures[k], "svg");
            const char *png = read_picture(&arena, "same/deeper", pictures[k], "png");
            assert_memory_equal(png + 1, "PNG", 3);
            if (round == 1) {
                assert_string_equal(svg, first[k]);
            }
            first[k] = svg;
        }
    }
    const char *slices = read_picture(&arena, "same/deeper", "slices", "csv");
    assert_memory_equal(slices, "parameter,kind,trial,at,value,low,high\n", 39);
    assert_int_equal(count_of(slices, ",curve,"), 81 + 81 + 2);
    assert_int_equal(count_of(slices, ",trial,"), 1 + 3 * 40);
    assert_non_null(strstr(first[3], "&lt;a&amp;b&gt;&quot;\xc3\xa9 \xe7\x8a\xac</text>"));
    dogb_arena_free(&arena);
    dogbreed_tuner_destroy(tuner);
}

// A share for each parameter; the one that decides has the most.
static void importance(void **state) {
    (void)state;
    dogbreed_tuner *tuner = study(60, DOGBREED_OBJECTIVE_MINIMIZE, smooth);
    char *json = NULL;
    assert_ok(dogbreed_tuner_importance(&json, tuner));
    json_t *shares = json_loads(json, 0, NULL);
    double most = json_real_value(json_object_get(shares, evil));
    double n = json_real_value(json_object_get(shares, "n"));
    double breed = json_real_value(json_object_get(shares, "breed"));
    assert_true(most > n && most > breed && n >= 0 && breed >= 0);
    assert_true(fabs(most + n + breed - 1) < 1e-12);
    json_decref(shares);
    dogbreed_free(json);
    assert_fails(dogbreed_tuner_importance(NULL, tuner), DOGBREED_ERROR_INVALID_ARGUMENT, "json");
    assert_fails(dogbreed_tuner_importance(&json, NULL), DOGBREED_ERROR_INVALID_ARGUMENT, "tuner");
    assert_null(json);
    dogbreed_tuner_destroy(tuner);
    tuner = study(0, DOGBREED_OBJECTIVE_MINIMIZE, smooth);
    assert_ok(dogbreed_tuner_importance(&json, tuner));
    assert_non_null(strstr(json, "\"n\":0.333333333333333"));
    dogbreed_free(json);
    dogbreed_tuner_destroy(tuner);
}

static void wrong_input(void **state) {
    (void)state;
    dogbreed_tuner *tuner = study(2, DOGBREED_OBJECTIVE_MINIMIZE, smooth);
    assert_fails(dogbreed_tuner_plots(NULL, "x", 1), DOGBREED_ERROR_INVALID_ARGUMENT, "tuner");
    assert_fails(dogbreed_tuner_plots(tuner, NULL, 1), DOGBREED_ERROR_INVALID_ARGUMENT,
                 "directory");
    assert_fails(dogbreed_tuner_plots(tuner, "", 1), DOGBREED_ERROR_INVALID_ARGUMENT, "directory");
    assert_fails(dogbreed_tuner_plots(tuner, "x", 0), DOGBREED_ERROR_INVALID_ARGUMENT, "formats");
    assert_fails(dogbreed_tuner_plots(tuner, "x", 4), DOGBREED_ERROR_INVALID_ARGUMENT, "0x4");
    if (has_module()) {
        assert_ok(dogb_file_put(scratch("file"), "x", 1));
        assert_fails(dogbreed_tuner_plots(tuner, scratch("file"), 1), DOGBREED_ERROR_IO, "file");
    }
    dogbreed_tuner_destroy(tuner);
}

static int draw(void *tuner) {
    return dogbreed_tuner_plots(tuner, scratch("memory"), DOGBREED_PLOT_SVG);
}

static void memory_may_run_out_anywhere(void **state) {
    (void)state;
    if (!has_module()) {
        test_skip("no module that draws");
    }
    dogbreed_tuner *tuner = study(7, DOGBREED_OBJECTIVE_MINIMIZE, smooth);
    assert_true(memory_fails_each(draw, tuner, test_part() > 1 ? 97 : 7) > 20);
    dogbreed_tuner_destroy(tuner);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(studies_of_all_sizes), cmocka_unit_test(thousands_of_trials),
        cmocka_unit_test(the_same_bytes),       cmocka_unit_test(importance),
        cmocka_unit_test(wrong_input),          cmocka_unit_test(memory_may_run_out_anywhere),
    };
    return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
