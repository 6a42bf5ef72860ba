// test_base64.c - the test vectors of RFC 4648.
#include "test.h"

#include "report/base64.h"

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
        dogb_arena_free(&arena);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(vectors_of_the_rfc)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
