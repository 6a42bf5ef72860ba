// test_json.c - helpers over jansson: documents, numbers, texts, files. And numbers as text.
#include "scratch.h"
#include "../out_of_memory.h"

#include "core/json.h"
#include "core/number.h"

#include <locale.h>
#include <math.h>

static char path[512];

static int set_up(void **state) {
    (void)scratch_make(state);
    (void)snprintf(path, sizeof path, "%s", scratch("file.json"));
    return 0;
}

static void test_text_is_sorted_and_compact(void **state) {
    (void)state;
    dogb_arena arena = {0};
    char *text = NULL;
    json_t *object = dogb_json_object(&arena);
    json_t *array = dogb_json_array(&arena);
    assert_ok(dogb_json_set_int(object, "z", INT64_MIN));
    assert_ok(dogb_json_set_bool(object, "b", 7));
    assert_ok(dogb_json_set_text(object, "t", "\xc3\xa4\n\"/"));
    assert_ok(dogb_json_add(array, json_integer(1)));
    assert_ok(dogb_json_add(array, json_null()));
    assert_ok(dogb_json_set(object, "a", json_incref(array)));
    assert_ok(dogb_json_text_out(&text, object, 0));
    assert_string_equal(text, "{\"a\":[1,null],\"b\":true,\"t\":\"\xc3\xa4\\n\\\"/\","
                              "\"z\":-9223372036854775808}");
    dogbreed_free(text);
    assert_string_equal(dogb_json_text_in(&arena, array, 1), "[\n  1,\n  null\n]");
    dogb_arena_free(&arena);
}

static void test_numbers(void **state) {
    (void)state;
    static const struct {
        double value;
        const char *text;
    } cases[] = {{0.1, "0.1"},
                 {1.0, "1.0"},
                 {-2.5e-7, "-2.5e-7"},
                 {1e300, "1e300"},
                 {NAN, "\"NaN\""},
                 {INFINITY, "\"Infinity\""},
                 {-INFINITY, "\"-Infinity\""}};
    dogb_arena arena = {0};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        json_t *array = dogb_json_array(&arena);
        char wanted[64];
        assert_ok(dogb_json_add(array, dogb_json_real(cases[i].value)));
        (void)snprintf(wanted, sizeof wanted, "[%s]", cases[i].text);
        assert_string_equal(dogb_json_text_in(&arena, array, 0), wanted);
    }
    // What needs 17 digits survives.
    json_t *array = dogb_json_array(&arena);
    json_t *back = NULL;
    const double third = 1.0 / 3.0;
    assert_ok(dogb_json_add(array, dogb_json_real(third)));
    const char *text = dogb_json_text_in(&arena, array, 0);
    assert_ok(dogb_json_parse(&back, &arena, text, strlen(text), "x"));
    assert_true(json_real_value(json_array_get(back, 0)) == third);
    dogb_arena_free(&arena);
}

static void test_bad_text_is_replaced(void **state) {
    (void)state;
    dogb_arena arena = {0};
    json_t *object = dogb_json_object(&arena);
    assert_ok(dogb_json_set_text(object, "name", "a\xff\xc3z"));
    assert_string_equal(json_string_value(json_object_get(object, "name")), "a??z");
    dogb_arena_free(&arena);
}

static void test_parse_errors(void **state) {
    (void)state;
    static const struct {
        const char *text;
        const char *part;
    } cases[] = {{"", "x: not valid JSON: line 1"},
                 {"{", "not valid JSON"},
                 {"{\"a\":1,\"a\":2}", "duplicate"},
                 {"[1] 2", "end of file"},
                 {"\"text\"", "not valid JSON"},
                 {"[\"\xff\"]", "0xff"},
                 {"[1e999]", "real number overflow"},
                 {"[a]", "invalid token near 'a'"},
                 {"[word_of_more_than_20_bytes]", "invalid token"},
                 {"{1:2}", "expected near '1'"},
                 {"[\"a text without an end, of some length]", "premature end"}};
    dogb_arena arena = {0};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        json_t *value = (json_t *)&arena;
        assert_fails(dogb_json_parse(&value, &arena, cases[i].text, strlen(cases[i].text), "x"),
                     DOGBREED_ERROR_FORMAT, cases[i].part);
        assert_null(value);
    }
    // Deep nesting is an error, not a crash.
    static char deep[100000];
    json_t *value = NULL;
    memset(deep, '[', sizeof deep);
    assert_fails(dogb_json_parse(&value, &arena, deep, sizeof deep, "x"), DOGBREED_ERROR_FORMAT,
                 "depth");
    dogb_arena_free(&arena);
}

// Jansson says of a text for which there is no memory that it was not expected.
static int parse_all(void *userdata) {
    static const char text[] =
        "{\"a\":\"b\",\"a key of more than 20 bytes\":[\"a text of more than 20 "
        "bytes\",\"c\",1.5,12345678901234567,true,null,{\"d\":[]}]}";
    dogb_arena arena = {0};
    json_t *value = NULL;
    (void)userdata;
    int rc = dogb_json_parse(&value, &arena, text, sizeof text - 1, "x");
    dogb_arena_free(&arena);
    return rc;
}

// Of one allocation jansson 2.14 does not notice that it failed: the text loses a byte.
static void test_no_memory(void **state) {
    (void)state;
    int unnoticed = 0;
    for (int at = 0;; at++) {
        memory_fail_after(at);
        int rc = parse_all(NULL);
        if (!memory_restore()) {
            assert_true(at > 20 && unnoticed <= 1);
            break;
        }
        unnoticed += rc == DOGBREED_OK;
        assert_true(rc == DOGBREED_OK || rc == DOGBREED_ERROR_NO_MEMORY);
    }
}

static void test_documents(void **state) {
    (void)state;
    dogb_arena arena = {0};
    json_t *back = NULL;
    json_t *document = dogb_json_document(&arena, "thing", 2);
    assert_ok(dogb_json_set_int(document, "more", 1));
    assert_ok(dogb_json_write(path, document));
    assert_ok(dogb_json_read(&back, &arena, path, "thing", 2));
    assert_true(json_equal(document, back));
    assert_ok(dogb_json_read(&back, &arena, path, "thing", 3)); // older
    assert_ok(dogb_json_read(&back, &arena, path, NULL, 0));
    assert_fails(dogb_json_read(&back, &arena, path, "thing", 1), DOGBREED_ERROR_UNSUPPORTED,
                 "version 2 is newer than this library (1)");
    assert_fails(dogb_json_read(&back, &arena, path, "other", 2), DOGBREED_ERROR_FORMAT,
                 "expected a document with \"format\": \"dogbreed.other\"");
    assert_ok(dogb_file_write(path, "[]", 2));
    assert_fails(dogb_json_read(&back, &arena, path, "thing", 2), DOGBREED_ERROR_FORMAT,
                 "expected a document");
    assert_ok(dogb_file_write(path, "{", 1));
    assert_fails(dogb_json_read(&back, &arena, path, "thing", 2), DOGBREED_ERROR_FORMAT, path);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(dogb_json_read(&back, &arena, path, "thing", 2), DOGBREED_ERROR_NOT_FOUND);
    assert_null(back);
    dogb_arena_free(&arena);
}

// --- a host program may have given jansson an allocator that free() knows nothing of

static int live;

static void *shifted_malloc(size_t size) {
    char *block = malloc(size + 64);
    live++;
    return block == NULL ? NULL : block + 64;
}

static void shifted_free(void *pointer) {
    if (pointer != NULL) {
        live--;
        free((char *)pointer - 64);
    }
}

static void test_other_allocator_of_jansson(void **state) {
    (void)state;
    dogb_arena arena = {0};
    char *text = NULL;
    live = 0;
    json_set_alloc_funcs(shifted_malloc, shifted_free);
    json_t *object = dogb_json_object(&arena);
    int rc = dogb_json_set_int(object, "a", 1);
    rc = rc < 0 ? rc : dogb_json_text_out(&text, object, 0);
    const char *inner = dogb_json_text_in(&arena, object, 0);
    assert_ok(rc);
    assert_string_equal(text, "{\"a\":1}");
    assert_string_equal(inner, text);
    dogbreed_free(text);
    dogb_arena_free(&arena);
    json_set_alloc_funcs(malloc, free);
    assert_int_equal(live, 0);
}

// --- numbers as text

static void assert_number(double value, const char *text) {
    char out[40];
    dogb_number_text(out, value);
    assert_string_equal(out, text);
}

static void check_numbers(void) {
    char *end = NULL;
    char out[40];
    assert_number(0.1, "0.1");
    assert_number(0.000375, "0.000375");
    assert_number(1.0 / 3.0, "0.3333333333333333");
    assert_number(0.1 + 0.2, "0.30000000000000004");
    assert_number(-0.0, "-0");
    assert_number(1e22, "1e+22");
    assert_number(INFINITY, "inf");
    assert_number(-INFINITY, "-inf");
    assert_number(NAN, "nan");
    assert_number(-NAN, "nan");
    assert_int_equal(dogb_number_digits(0.5), 15);
    assert_int_equal(dogb_number_digits(1.0 / 3.0), 16);
    assert_int_equal(dogb_number_digits(0.1 + 0.2), 17);
    assert_true(dogb_number_parse("2.5e-3x", &end) == 2.5e-3);
    assert_string_equal(end, "x");
    assert_true(dogb_number_parse("0,5", &end) == 0);
    assert_string_equal(end, ",5");
    for (double value = 1e-300; value < 1e300; value *= 17.3) {
        dogb_number_text(out, value);
        assert_true(dogb_number_parse(out, NULL) == value);
    }
}

static void test_numbers_as_text(void **state) {
    (void)state;
    check_numbers();
}

static void test_numbers_in_another_locale(void **state) {
    (void)state;
    static const char *const names[] = {"de_DE.UTF-8", "de_DE.utf8", "fr_FR.UTF-8", "fr_FR.utf8"};
    const char *found = NULL;
    for (size_t i = 0; i < sizeof names / sizeof names[0] && found == NULL; i++) {
        found = setlocale(LC_ALL, names[i]);
    }
    if (found == NULL) {
        test_skip("no locale with a decimal comma is installed");
    }
    char text[8];
    (void)snprintf(text, sizeof text, "%.1f", 0.5);
    assert_string_equal(text, "0,5"); // it is in force
    check_numbers();
    (void)snprintf(text, sizeof text, "%.1f", 0.5);
    assert_string_equal(text, "0,5"); // and still is
    (void)setlocale(LC_ALL, "C");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text_is_sorted_and_compact),
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_bad_text_is_replaced),
        cmocka_unit_test(test_parse_errors),
        cmocka_unit_test(test_no_memory),
        cmocka_unit_test(test_documents),
        cmocka_unit_test(test_other_allocator_of_jansson),
        cmocka_unit_test(test_numbers_as_text),
        cmocka_unit_test(test_numbers_in_another_locale),
    };
    return cmocka_run_group_tests(tests, set_up, scratch_remove);
}
