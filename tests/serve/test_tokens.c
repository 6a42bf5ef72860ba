// Bearer tokens: which files are read, which headers are let through.
#include "../scratch.h"

#include "core/error.h"
#include "serve/tokens.h"

static void put(const char *text) {
    assert_ok(dogb_file_write(scratch("tokens"), text, strlen(text)));
}

static void the_right_tokens_pass(void **state) {
    dogb_arena arena = {0};
    dogb_tokens *tokens = NULL;
    (void)state;
    put("# comment\r\n\n  abcdefgh \t\r\nsecond-token.2");
    assert_ok(dogb_tokens_read(&tokens, &arena, scratch("tokens")));
    assert_true(dogb_tokens_allow(tokens, "Bearer abcdefgh"));
    assert_true(dogb_tokens_allow(tokens, "bEARER  second-token.2"));
    static const char *const bad[] = {"",
                                      "Bearer",
                                      "Bearer ",
                                      "Bearerabcdefgh",
                                      "Bearer abcdefg",
                                      "Bearer abcdefghi",
                                      "Bearer abcdefgh ",
                                      "Bearer # comment",
                                      "Basic abcdefgh",
                                      "abcdefgh",
                                      "Bearer Abcdefgh"};
    assert_false(dogb_tokens_allow(tokens, NULL));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_false(dogb_tokens_allow(tokens, bad[i]));
    }
    dogb_arena_free(&arena);
}

static void files_without_good_tokens_are_refused(void **state) {
    static const char *const texts[] = {"", "\n# x\n", "short", "two words\n",
                                        "\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4"};
    dogb_arena arena = {0};
    dogb_tokens *tokens = NULL;
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        put(texts[i]);
        assert_fails(dogb_tokens_read(&tokens, &arena, scratch("tokens")), DOGBREED_ERROR_FORMAT,
                     "token");
        assert_null(tokens);
        // Secrets do not come back in messages.
        assert_null(strstr(dogbreed_error_message(), "short"));
    }
    assert_fails(dogb_tokens_read(&tokens, &arena, scratch("none")), DOGBREED_ERROR_NOT_FOUND,
                 "none");
    dogb_arena_free(&arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_right_tokens_pass),
        cmocka_unit_test(files_without_good_tokens_are_refused),
    };
    return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
