// s3://bucket/key, percent-encoding, times.
#include "out_of_memory.h"

#include "store/time.h"
#include "store/uri.h"

static void uris(void **state) {
    (void)state;
    static const char *const cases[][3] = {
        {"s3://dogs", "dogs", ""},
        {"s3://dogs/", "dogs", ""},
        {"s3://dogs/a/b.jpg", "dogs", "a/b.jpg"},
        {"s3://dogs//a/../b/", "dogs", "/a/../b/"},
        {"s3://dogs/a%20b?c#d&e=f+g", "dogs", "a%20b?c#d&e=f+g"},
        {"s3://My_dogs.1-2/\xc3\xbc\x01\xff", "My_dogs.1-2", "\xc3\xbc\x01\xff"},
    };
    dogb_arena arena = {0};
    dogb_uri uri;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_ok(dogb_uri_parse(&uri, &arena, cases[i][0]));
        assert_string_equal(uri.bucket, cases[i][1]);
        assert_string_equal(uri.key, cases[i][2]);
    }
    static const char *const bad[] = {"",
                                      "dogs/a",
                                      "S3://dogs/a",
                                      "s3:/dogs/a",
                                      "s3://",
                                      "s3:///a",
                                      "s3://ab/a",
                                      "s3://.dogs/a",
                                      "s3://dogs-/a",
                                      "s3://do gs/a",
                                      "s3://do@gs/a",
                                      "s3://do:gs/a",
                                      "s3://do\\gs",
                                      "s3://d\xc3\xb6gs"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_fails(dogb_uri_parse(&uri, &arena, bad[i]), DOGBREED_ERROR_INVALID_ARGUMENT,
                     "expected");
        assert_null(uri.bucket);
    }
    char text[1200];
    (void)snprintf(text, sizeof text, "s3://dogs/%01024d", 0);
    assert_ok(dogb_uri_parse(&uri, &arena, text));
    (void)snprintf(text, sizeof text, "s3://dogs/%01025d", 0);
    assert_fails(dogb_uri_parse(&uri, &arena, text), DOGBREED_ERROR_INVALID_ARGUMENT,
                 "the key has 1025 bytes, at most 1024");
    (void)snprintf(text, sizeof text, "s3://%0256d/a", 0);
    assert_fails(dogb_uri_parse(&uri, &arena, text), DOGBREED_ERROR_INVALID_ARGUMENT, "the bucket");
    assert_true(dogb_uri_is_s3("s3://x"));
    assert_false(dogb_uri_is_s3("s3:/x") || dogb_uri_is_s3("/s3://") || dogb_uri_is_s3(""));
    dogb_arena_free(&arena);
}

static void every_byte_comes_back(void **state) {
    (void)state;
    dogb_arena arena = {0};
    char all[256];
    for (int i = 0; i < 255; i++) {
        all[i] = (char)(i + 1);
    }
    all[255] = '\0';
    char *encoded = dogb_uri_encode(&arena, all, 0);
    assert_null(strpbrk(encoded, "/ +\n\xff"));
    assert_ok(dogb_uri_decode(encoded));
    assert_string_equal(encoded, all);
    assert_string_equal(dogb_uri_encode(&arena, "/a b/", '/'), "/a%20b/");
    dogb_arena_free(&arena);
}

static void decoding(void **state) {
    (void)state;
    char text[] = "a+b%2bc%2F%c3%bC";
    assert_ok(dogb_uri_decode(text));
    assert_string_equal(text, "a b+c/\u00fc");
    static const char *const bad[] = {"%", "a%", "%4", "%4x", "%x4", "%%41", "%00", "%+1"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        char copy[8];
        (void)snprintf(copy, sizeof copy, "%s", bad[i]);
        assert_fails(dogb_uri_decode(copy), DOGBREED_ERROR_FORMAT, "two hexadecimal digits");
    }
}

// The expected numbers are those of `date -u -d TIME +%s`.
static void times(void **state) {
    (void)state;
    static const struct {
        const char *text;
        double seconds;
    } cases[] = {{"1970-01-01T00:00:00Z", 0},
                 {"2000-02-29T23:59:59Z", 951868799},
                 {"2013-05-24T00:00:00.25Z", 1369353600.25},
                 {"2024-12-31T23:59:59+00:00", 1735689599},
                 {"2026-03-01T00:30:00+01:00", 1772321400},
                 {"2100-03-01T00:00:00-05:30", 4107562200},
                 {"9999-12-31T23:59:59Z", 253402300799}};
    double seconds;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_ok(dogb_time_parse(&seconds, cases[i].text));
        assert_true(seconds == cases[i].seconds);
    }
    static const char *const bad[] = {"",
                                      "now",
                                      "2026-01-01",
                                      "2026-01-01T00:00:00",
                                      "2026-01-01 00:00:00Z",
                                      "2026-13-01T00:00:00Z",
                                      "2026-00-01T00:00:00Z",
                                      "2026-02-29T00:00:00Z",
                                      "2100-02-29T00:00:00Z",
                                      "2026-01-00T00:00:00Z",
                                      "2026-01-01T24:00:00Z",
                                      "2026-01-01T00:60:00Z",
                                      "2026-01-01T00:00:61Z",
                                      "2026-01-01T00:00:00Zx",
                                      "2026-01-01T00:00:00+1:00",
                                      "2026-01-01T00:00:00+24:00",
                                      "1969-12-31T23:59:59Z",
                                      "20260-01-01T00:00:00Z"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_fails(dogb_time_parse(&seconds, bad[i]), DOGBREED_ERROR_FORMAT,
                     "expected YYYY-MM-DDTHH:MM:SSZ");
    }
}

static int parse(void *userdata) {
    dogb_arena arena = {0};
    dogb_uri uri;
    (void)userdata;
    int rc = dogb_uri_parse(&uri, &arena, "s3://dogs/key");
    rc = rc == 0 && dogb_uri_encode(&arena, uri.key, 0) == NULL ? DOGBREED_ERROR_NO_MEMORY : rc;
    dogb_arena_free(&arena);
    return rc;
}

static void out_of_memory(void **state) {
    (void)state;
    assert_int_equal(memory_fails_each(parse, NULL, 1), 3);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(uris),          cmocka_unit_test(every_byte_comes_back),
        cmocka_unit_test(decoding),      cmocka_unit_test(times),
        cmocka_unit_test(out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
