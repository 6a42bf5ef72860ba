// test_base64.c - the test vectors of RFC 4648.
#include "test.h"

#include "core/base64.h"

static void vectors_of_the_rfc(void **state) {
    (void)state;
    static const char *const vectors[][2] = {{"", ""},
                                             {"f", "Zg=="},
                                             {"fo", "Zm8="},
                                             {"foo", "Zm9v"},
                                             {"foob", "Zm9vYg=="},
                                             {"fooba", "Zm9vYmE="},
                                             {"foobar", "Zm9vYmFy"},
                                             {"\xff\xfe\xfd\xfb\xf0", "//79+/A="}};
    for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++) {
        dogb_arena arena = {0};
        dogb_buffer out = {.arena = &arena};
        dogb_buffer_add(&out, "");
        dogb_base64_add(&out, (const uint8_t *)vectors[i][0], strlen(vectors[i][0]));
        assert_ok(out.rc);
        assert_string_equal(out.data, vectors[i][1]);
        dogb_span back = {0};
        assert_ok(dogb_base64_read(&back, &arena, out.data, out.length));
        assert_int_equal(back.size, strlen(vectors[i][0]));
        assert_memory_equal(back.data, vectors[i][0], back.size);
        dogb_arena_free(&arena);
    }
}

static void only_whole_clean_texts_are_read(void **state) {
    (void)state;
    static const char *const bad[] = {
        "Z",    "Zg",       "Zg=",  "Zg==\n", "Zg==Zg==", "Zm9v Zm8=", "Zh==", "Zm9=",
        "====", "Zm9v====", "Zm-v", "Zm_v",   "Z===",     "Zm\x80v",   "=m9v"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        dogb_arena arena = {0};
        dogb_span out = {0};
        assert_fails(dogb_base64_read(&out, &arena, bad[i], strlen(bad[i])), DOGBREED_ERROR_FORMAT,
                     "not valid base64");
        dogb_arena_free(&arena);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(vectors_of_the_rfc),
                                       cmocka_unit_test(only_whole_clean_texts_are_read)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
