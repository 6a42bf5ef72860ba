// Command lines with names in them: how they are split, filled, refused.
#include "out_of_memory.h"

#include "program/template.h"

static const dogb_binding bindings[] = {{"lr", "1e-05"},
                                        {"epochs", "6"},
                                        {"word", "two words; \"$HOME\" 'x'"},
                                        {"empty", ""},
                                        {"learning-rate", "0.1"}};
enum { BINDINGS = sizeof bindings / sizeof bindings[0] };

// The arguments, each in brackets; or the message.
static const char *split(const char *text) {
    static char out[1024];
    dogb_arena arena = {0};
    dogb_template *tmpl = NULL;
    char **argv = NULL;
    out[0] = '\0';
    if (dogb_template_parse(&tmpl, &arena, text) < 0) {
        (void)snprintf(out, sizeof out, "%s", dogbreed_error_message());
    } else {
        assert_ok(dogb_template_expand(&argv, &arena, tmpl, bindings, BINDINGS));
        for (size_t i = 0; argv[i] != NULL; i++) {
            size_t used = strlen(out);
            (void)snprintf(out + used, sizeof out - used, "[%s]", argv[i]);
        }
    }
    dogb_arena_free(&arena);
    return out;
}

static void words_are_split_as_a_shell_does(void **state) {
    (void)state;
    static const struct {
        const char *text;
        const char *words;
    } rows[] = {
        {"a b  c", "[a][b][c]"},
        {"\ta\n b ", "[a][b]"},
        {"'a b' \"c d\"", "[a b][c d]"},
        {"a'b c'd\"e f\"g", "[ab cde fg]"},
        {"'' a \"\"", "[][a][]"},
        {"a\\ b \\'c \\\\", "[a b]['c][\\]"},
        {"'a\\b' \"a\\b\" \"a\\\"b\" \"\\$x\"", "[a\\b][a\\b][a\"b][$x]"},
        {"sh -c 'a | b > c; d $x `e`'", "[sh][-c][a | b > c; d $x `e`]"},
        {"a'|'b \\> \"(;)\"", "[a|b][>][(;)]"},
        {"a *.jpg ~ #b", "[a][*.jpg][~][#b]"},
        {"\xc3\xa4 \xff", "[\xc3\xa4][\xff]"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_string_equal(split(rows[i].text), rows[i].words);
    }
}

static void names_are_filled_and_never_split(void **state) {
    (void)state;
    static const struct {
        const char *text;
        const char *words;
    } rows[] = {
        {"a {lr} --e={epochs}", "[a][1e-05][--e=6]"},
        {"a {word} x{word}y", "[a][two words; \"$HOME\" 'x'][xtwo words; \"$HOME\" 'x'y]"},
        {"{lr}{epochs}", "[1e-056]"},
        {"a {empty} b{empty}", "[a][][b]"},
        {"a '{lr} b' \"{lr}\"", "[a][1e-05 b][1e-05]"},
        {"a {learning-rate}", "[a][0.1]"},
        {"a '{{\"lr\": {lr}}}' {{}}", "[a][{\"lr\": 1e-05}][{}]"},
        {"a {{lr}}", "[a][{lr}]"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_string_equal(split(rows[i].text), rows[i].words);
    }
}

static void what_is_wrong_is_said(void **state) {
    (void)state;
    static const struct {
        const char *text;
        const char *part;
    } rows[] = {
        {"", "command: is empty"},
        {"  \n", "command: is empty"},
        {"a 'b", "a closing ' is missing"},
        {"a \"b'", "a closing \" is missing"},
        {"a \\", "ends with a backslash"},
        {"a {", "{ at character 3: expected {name}, or {{"},
        {"a {}", "{ at character 3"},
        {"a {b c}", "{ at character 3"},
        {"a {lr", "{ at character 3"},
        {"a }", "} at character 3: expected {name}, or }}"},
        {"a > b", "> at character 3 is for a shell"},
        {"a; b", "; at character 2 is for a shell"},
        {"a | b", "sh -c '...'"},
        {"a $HOME", "$ at character 3"},
        {"a \"$HOME\"", "$ at character 4"},
        {"a && b", "& at character 3"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (strstr(split(rows[i].text), rows[i].part) == NULL) {
            fail_msg("%s: %s", rows[i].text, split(rows[i].text));
        }
    }
    char *many = calloc(2 * 5000 + 1, 1);
    for (size_t i = 0; i < 5000; i++) {
        memcpy(many + 2 * i, "a ", 2);
    }
    assert_non_null(strstr(split(many), "5000 words, at most 4096"));
    free(many);
}

static void names_are_checked(void **state) {
    (void)state;
    static const char *const names[] = {"learning_rate", "trial"};
    dogb_arena arena = {0};
    dogb_template *tmpl = NULL;
    assert_ok(dogb_template_parse(&tmpl, &arena, "a {learning_rate} {trial}"));
    assert_ok(dogb_template_check(tmpl, names, 2));
    assert_true(dogb_template_has(tmpl, "trial"));
    assert_false(dogb_template_has(tmpl, "a"));
    assert_string_equal(dogb_template_program(tmpl), "a");
    assert_ok(dogb_template_parse(&tmpl, &arena, "a {learning_rat} {other}"));
    assert_fails(dogb_template_check(tmpl, names, 2), DOGBREED_ERROR_INVALID_ARGUMENT,
                 "{learning_rat} is no parameter that is searched; did you mean {learning_rate}?");
    assert_ok(dogb_template_parse(&tmpl, &arena, "x{trial} {entirely_different}"));
    assert_null(dogb_template_program(tmpl));
    assert_fails(dogb_template_check(tmpl, names, 2), DOGBREED_ERROR_INVALID_ARGUMENT,
                 "{entirely_different} is no parameter that is searched");
    dogb_arena_free(&arena);
}

// The shell is the judge.
static void a_shell_reads_what_is_quoted(void **state) {
    (void)state;
    static char *const argv[] = {"printf",        "[%s]", "a b",   "it's", "",
                                 "$HOME;`x`\"\\", "*",    "x=1,2", "~",    NULL};
    dogb_arena arena = {0};
    char *line = dogb_template_quote(&arena, argv);
    char text[256] = "";
    FILE *shell = popen(line, "r");
    assert_non_null(shell);
    size_t size = fread(text, 1, sizeof text - 1, shell);
    text[size] = '\0';
    assert_int_equal(pclose(shell), 0);
    assert_string_equal(text, "[a b][it's][][$HOME;`x`\"\\][*][x=1,2][~]");
    dogb_arena_free(&arena);
}

static void memory_may_run_out(void **state) {
    (void)state;
    int failures = 0;
    for (int i = 0, failed = 1; failed; i++) {
        dogb_arena arena = {0};
        dogb_template *tmpl = NULL;
        char **argv = NULL;
        memory_fail_after(i);
        int rc = dogb_template_parse(&tmpl, &arena, "a {lr} 'b c'{word} d");
        rc = rc < 0 ? rc : dogb_template_expand(&argv, &arena, tmpl, bindings, BINDINGS);
        failed = memory_restore();
        assert_int_equal(rc, failed ? DOGBREED_ERROR_NO_MEMORY : DOGBREED_OK);
        failures += failed;
        dogb_arena_free(&arena);
    }
    assert_true(failures > 5);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_are_split_as_a_shell_does),
        cmocka_unit_test(names_are_filled_and_never_split),
        cmocka_unit_test(what_is_wrong_is_said),
        cmocka_unit_test(names_are_checked),
        cmocka_unit_test(a_shell_reads_what_is_quoted),
        cmocka_unit_test(memory_may_run_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
