// Regular expressions from outside: what is found, what is refused and by which name, memory that
// runs out.
#include "out_of_memory.h"

#include "core/regex.h"

static void patterns_find_what_posix_says(void **state) {
    (void)state;
    static const struct {
        const char *pattern;
        const char *text;
        int found;
    } rows[] = {
        {".*relu_output", "features.relu_output_0", 1},
        {".*relu_output", "features.ReLU_output_0", 0},
        {".*tanh_input|.*sigmoid_input", "a.sigmoid_input", 1},
        {"^gradient/", "gradient/fc.weight", 1},
        {"^gradient/", "fc.gradient/weight", 0},
        {"weight$", "fc.weight", 1},
        {"[?]", "what?", 1},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        dogb_arena arena = {0};
        dogb_regex *regex = NULL;
        assert_ok(dogb_regex_create(&regex, &arena, "tensor_regex", rows[i].pattern, REG_NOSUB));
        assert_int_equal(dogb_regex_finds(regex, rows[i].text), rows[i].found);
        dogb_arena_free(&arena);
    }
}

static void constructs_of_python_are_named(void **state) {
    (void)state;
    static const struct {
        const char *pattern;
        const char *part;
    } rows[] = {
        {"", "tensor_regex: is empty"},
        {"relu(?=_output)", "(?= at character 5 is not taken; POSIX has no lookahead"},
        {"relu(?!_output)", "(?! at character 5 is not taken; POSIX has no negative lookahead"},
        {"(?<=relu)x", "(?<= at character 1 is not taken; POSIX has no lookbehind"},
        {"(?<!relu)x", "no negative lookbehind"},
        {"(?P<a>x)", "(?P< at character 1 is not taken; POSIX has no named groups"},
        {"(?:x)", "(?: at character 1"},
        {"(?i)x", "(? at character 1"},
        {"relu\\d", "\\d at character 5 is not taken; a digit is [0-9]"},
        {"[\\d]", "\\d at character 2"},
        {".*?output", "*? at character 2 is not taken; a repetition takes as much as it can"},
        {"(a|b){3}", "{ at character 6 is not taken"},
        {"a)(b", "Unmatched ("},
        {"a[", "tensor_regex: \"a[\": "},
    };
    dogb_arena arena = {0};
    dogb_regex *regex = NULL;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_fails(dogb_regex_create(&regex, &arena, "tensor_regex", rows[i].pattern, REG_NOSUB),
                     DOGBREED_ERROR_INVALID_ARGUMENT, rows[i].part);
        assert_null(regex);
    }
    char longest[DOGB_REGEX_MAX + 2];
    memset(longest, 'a', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    assert_fails(dogb_regex_create(&regex, &arena, "tensor_regex", longest, 0),
                 DOGBREED_ERROR_INVALID_ARGUMENT, "has 501 characters, at most 500");
    assert_int_equal(dogb_regex_check("x", "(a)(b(c))"), 3);
    dogb_arena_free(&arena);
}

static int create(void *userdata) {
    dogb_arena arena = {0};
    dogb_regex *regex = NULL;
    (void)userdata;
    int rc = dogb_regex_create(&regex, &arena, "tensor_regex", ".*relu", 0);
    dogb_arena_free(&arena);
    return rc;
}

static void memory_may_run_out(void **state) {
    (void)state;
    assert_int_equal(memory_fails_each(create, NULL, 1), 2);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(patterns_find_what_posix_says),
        cmocka_unit_test(constructs_of_python_are_named),
        cmocka_unit_test(memory_may_run_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
