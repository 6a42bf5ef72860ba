// Numbers in lines: what is found, what is doubted, which patterns are refused.
#include "out_of_memory.h"

#include "program/metric.h"

#include <locale.h>
#include <math.h>

// Numbers of the lines, blanks between them.
static const char *read_all(dogb_tally *tally, const char *pattern, const char *const *lines,
                            size_t count) {
    static char out[512];
    dogb_arena arena = {0};
    dogb_metric *metric = NULL;
    size_t used = 0;
    assert_ok(dogb_metric_create(&metric, &arena, pattern));
    out[0] = '\0';
    for (size_t i = 0; i < count; i++) {
        size_t at = 0;
        double value = 0;
        while (dogb_metric_next(&value, metric, tally, lines[i], &at)) {
            used += (size_t)snprintf(out + used, sizeof out - used, "%s%.15g", used == 0 ? "" : " ",
                                     value);
        }
    }
    dogb_arena_free(&arena);
    return out;
}

static const char *read_line(dogb_tally *tally, const char *pattern, const char *line) {
    *tally = (dogb_tally){0};
    return read_all(tally, pattern, &line, 1);
}

static const char WHOLE[] = "acc: ([-+0-9.eEnaif]+)";

static void numbers_are_read_whole(void **state) {
    (void)state;
    static const struct {
        const char *line;
        const char *numbers;
    } rows[] = {
        {"acc: 1e-05", "1e-05"}, {"acc: nan", "nan"},
        {"acc: -0.3", "-0.3"},   {"acc: inf", "inf"},
        {"acc: -inf.", "-inf"},  {"acc: +2.5E+3, loss 7", "2500"},
        {"acc: 0.93.", "0.93"},  {"epoch 3 acc: .5 acc: 0.7", "0.5 0.7"},
        {"acc: 1e999", "inf"},   {"acc: -", ""},
        {"acc: 1.2.3", ""},      {"acc: 0x10", "0"},
        {"accuracy: 0.5", ""},   {"", ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        dogb_tally tally;
        assert_string_equal(read_line(&tally, WHOLE, rows[i].line), rows[i].numbers);
        assert_int_equal(tally.cut, 0);
    }
}

// What SageMaker's users write: [0-9\.]+ reads a part of such numbers, or none.
static void the_usual_patterns_are_doubted(void **state) {
    (void)state;
    static const struct {
        const char *pattern;
        const char *line;
        const char *numbers;
        const char *cut; // "" : whole
        int missing;
    } rows[] = {
        {"Test set: Average loss: ([0-9\\.]+)", "Test set: Average loss: 1e-05, x", "1", "1e-05",
         0},
        {"Test set: Average loss: ([0-9\\.]+)", "Test set: Average loss: 0.5, x", "0.5", "", 0},
        {"Testing Loss: ([0-9\\.]+)", "Testing Loss: nan", "", "", 1},
        {"Testing Loss: ([0-9\\.]+)", "Testing Loss: -0.3", "", "", 1},
        {"Testing Loss: ([0-9\\.]+)", "Testing Loss: 2.5E+10", "2.5", "2.5E+10", 0},
        {"valid_acc: ([0-9\\.]+)", "valid_acc: inf", "", "", 1},
        {"valid_acc: ([0-9\\.]+)", "valid_acc: 0.91 valid_acc: 0.92", "0.91 0.92", "", 0},
        {"loss.*([0-9.]+)", "loss 0.93", "3", "0.93", 0},
        {"loss[^0-9]*([0-9.]+)", "loss -0.3", "0.3", "-0.3", 0},
        {"loss: ([0-9]+)", "loss: 12.5", "12", "12.5", 0},
        {"loss: ([0-9.]+)", "loss: 0.5e", "0.5", "", 0},
        {"epoch-([0-9]+)", "epoch-3", "3", "", 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        dogb_tally tally;
        assert_string_equal(read_line(&tally, rows[i].pattern, rows[i].line), rows[i].numbers);
        assert_string_equal(tally.cut_text, rows[i].cut);
        assert_int_equal(tally.cut, *rows[i].cut != '\0');
        assert_int_equal(tally.missing, rows[i].missing);
    }
}

static void lines_without_a_number_are_counted(void **state) {
    (void)state;
    static const char *const lines[] = {"loss: 0.5", "other", "loss: broken", "loss: nan",
                                        "loss 1"};
    dogb_tally tally = {0};
    assert_string_equal(read_all(&tally, "loss: ([0-9.]+)", lines, 5), "0.5");
    assert_int_equal(tally.found, 1);
    assert_int_equal(tally.missing, 2);
    assert_true(tally.stale);
    assert_string_equal(tally.missing_text, "loss: nan");
    assert_true(tally.last == 0.5);
    static const char *const more[] = {"loss: 0.25"};
    (void)read_all(&tally, "loss: ([0-9.]+)", more, 1);
    assert_false(tally.stale);
    assert_true(tally.last == 0.25);
}

static void names_come_from_the_pattern(void **state) {
    (void)state;
    static const struct {
        const char *pattern;
        const char *name;
        const char *label;
    } rows[] = {
        {"valid_acc: ([0-9.]+)", "valid_acc", "valid_acc:"},
        {"Test set: Average loss: ([0-9.]+)", "Test_set_Average_loss", "Test set: Average loss:"},
        {"val_loss *[=:] *([0-9.]+)", "val_loss", "val_loss"},
        {"epoch [0-9]+ +f1\\.macro=([0-9.]+)", "f1.macro", "f1.macro="},
        {"([0-9.]+)", "value", ""},
        {"^ *([0-9.]+) %", "value", ""},
        {"losses? ([0-9]+)", "losse", "losse"},
        {"\\[top-1\\] ([0-9.]+)", "top-1", "[top-1]"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        dogb_arena arena = {0};
        dogb_metric *metric = NULL;
        assert_ok(dogb_metric_create(&metric, &arena, rows[i].pattern));
        assert_string_equal(dogb_metric_name(metric), rows[i].name);
        assert_string_equal(dogb_metric_label(metric), rows[i].label);
        dogb_arena_free(&arena);
    }
}

static void patterns_are_checked(void **state) {
    (void)state;
    static const struct {
        const char *pattern;
        const char *part;
    } rows[] = {
        {"", "metric: is empty"},
        {"loss: [0-9.]+", "has 0 groups in parentheses, expected one"},
        {"(loss|acc): ([0-9.]+)", "has 2 groups"},
        {"loss: ([0-9.]+", "metric: \"loss: ([0-9.]+\": Unmatched ("},
        {"loss: ([0-9.+)", "Unmatched ["},
        {"loss: (\\d+)", "\\d at character 8 is not taken; a digit is [0-9]"},
        {"loss: ([\\d.]+)", "\\d at character 9 is not taken; a digit is 0-9"},
        {"(?:loss): ([0-9]+)", "(?: at character 1 is not taken"},
        {"loss: .*?([0-9]+)", "*? at character 8"},
        {"loss\\t([0-9]+)", "\\t at character 5"},
        {"(a)++", "+ at character 5 is not taken; one repetition of at most 255"},
        {"(a+)b*+", "+ at character 7"},
        {"(a{3}){4}", "{ at character 7"},
        {"(a{3}{4})", "{ at character 6"},
        {"(a{256})", "{ at character 3"},
        {"(a{1,1000})", "{ at character 3"},
        {"(a)\\1", "\\1 at character 4"},
    };
    dogb_arena arena = {0};
    dogb_metric *metric = NULL;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_fails(dogb_metric_create(&metric, &arena, rows[i].pattern),
                     DOGBREED_ERROR_INVALID_ARGUMENT, rows[i].part);
        assert_null(metric);
    }
    char longest[DOGB_PATTERN_MAX + 2];
    memset(longest, 'a', sizeof longest);
    memcpy(longest, "([0-9])", 7);
    longest[DOGB_PATTERN_MAX] = '\0';
    assert_ok(dogb_metric_create(&metric, &arena, longest));
    longest[DOGB_PATTERN_MAX] = 'a';
    longest[DOGB_PATTERN_MAX + 1] = '\0';
    assert_fails(dogb_metric_create(&metric, &arena, longest), DOGBREED_ERROR_INVALID_ARGUMENT,
                 "has 501 characters, at most 500");
    assert_ok(dogb_metric_create(&metric, &arena, "acc:\\s+([[:digit:].*?]+)"));
    assert_ok(dogb_metric_create(&metric, &arena, "(\\++[*+{]+a{1,255})?"));
    dogb_arena_free(&arena);
}

static void the_locale_changes_nothing(void **state) {
    (void)state;
    static const char *const names[] = {"de_DE.UTF-8", "fr_FR.UTF-8", "C.UTF-8"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        dogb_tally tally;
        (void)setlocale(LC_ALL, names[i]); // where it is installed
        assert_string_equal(read_line(&tally, WHOLE, "\xff acc: 1.5"), "1.5");
        assert_true(tally.last > 1.4 && tally.last < 1.6);
        (void)setlocale(LC_ALL, "C");
    }
}

static void memory_may_run_out(void **state) {
    (void)state;
    for (int i = 0, failed = 1; failed; i++) {
        dogb_arena arena = {0};
        dogb_metric *metric = NULL;
        memory_fail_after(i);
        int rc = dogb_metric_create(&metric, &arena, WHOLE);
        failed = memory_restore();
        assert_int_equal(rc, failed ? DOGBREED_ERROR_NO_MEMORY : DOGBREED_OK);
        dogb_arena_free(&arena);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_read_whole),
        cmocka_unit_test(the_usual_patterns_are_doubted),
        cmocka_unit_test(lines_without_a_number_are_counted),
        cmocka_unit_test(names_come_from_the_pattern),
        cmocka_unit_test(patterns_are_checked),
        cmocka_unit_test(the_locale_changes_nothing),
        cmocka_unit_test(memory_may_run_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
