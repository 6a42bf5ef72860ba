// test_numbers.c - JSON whose arrays of numbers are lifted out.
#include "test.h"

#include "serve/numbers.h"

static int parse(dogb_document *out, dogb_arena *arena, const char *text) {
    return dogb_document_read(out, arena, text, strlen(text));
}

static void arrays_have_their_shape(void **state) {
    (void)state;
    static const struct {
        const char *text;
        int32_t rank; // -1: no array of numbers
        size_t count;
        size_t dims[3];
    } rows[] = {{"[1,2.5,-3e1]", 1, 3, {3}},
                {" [1]", -1, 0, {0}},
                {"[ [1 , 2]\n,\t[3,4],[5,6] ]", 2, 6, {3, 2}},
                {"[[[1]],[[2]]]]]]", 3, 2, {2, 1, 1}},
                {"[]", 1, 0, {0}},
                {"[[],[]]", 2, 0, {2, 0}},
                {"[[1,2],[3]]", 0, 3, {0}},
                {"[1,[2]]", 0, 2, {0}},
                {"[[2],1]", 0, 2, {0}},
                {"[[],1]", 0, 1, {0}},
                {"[1,[]]", 0, 1, {0}},
                {"[[],[1]]", 0, 1, {0}},
                {"[[[1]],[]]", 0, 1, {0}},
                {"[[],[[1]]]", 0, 1, {0}},
                {"[[[[[[1]]]]]]", 6, 1, {1, 1, 1}},
                {"[[[[[[[1]]]]]]]", -1, 0, {0}},
                {"[1,]", -1, 0, {0}},
                {"[,1]", -1, 0, {0}},
                {"[1 2]", -1, 0, {0}},
                {"[1", -1, 0, {0}},
                {"[1,", -1, 0, {0}},
                {"[", -1, 0, {0}},
                {"", -1, 0, {0}},
                {"1", -1, 0, {0}},
                {"[01]", -1, 0, {0}},
                {"[1.]", -1, 0, {0}},
                {"[NaN]", -1, 0, {0}},
                {"[1,\"2\"]", -1, 0, {0}},
                {"[[1],{}]", -1, 0, {0}},
                {"[[1],[2]", -1, 0, {0}},
                {"[[1][2]]", -1, 0, {0}}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        dogb_numbers out;
        int found = dogb_numbers_scan(&out, rows[i].text, strlen(rows[i].text));
        assert_int_equal(found ? out.rank : -1, rows[i].rank);
        if (found) {
            assert_int_equal(out.count, rows[i].count);
            for (int32_t k = 0; k < 3 && k < out.rank; k++) {
                assert_int_equal(out.dims[k], rows[i].dims[k]);
            }
        }
    }
}

static void numbers_are_read_in_order(void **state) {
    (void)state;
    const char *text = "[[ 1,-2.5 ],\n[3e-1,4],[0.1,16777217]]";
    static const float wanted[] = {1, -2.5F, 0.3F, 4, 0.1F, 16777216};
    dogb_numbers numbers;
    float out[6];
    assert_true(dogb_numbers_scan(&numbers, text, strlen(text)));
    assert_ok(dogb_numbers_read(out, &numbers));
    assert_memory_equal(out, wanted, sizeof wanted);
    text = "[1,1e39]";
    assert_true(dogb_numbers_scan(&numbers, text, strlen(text)));
    assert_fails(dogb_numbers_read(out, &numbers), DOGBREED_ERROR_FORMAT, "too large");
}

static void arrays_are_lifted_out_of_documents(void **state) {
    (void)state;
    dogb_arena arena = {0};
    dogb_document out;
    int64_t sizes[4];
    assert_ok(parse(
        &out, &arena,
        "{\"a\": [[1,2],[3,4]], \"b\\\"[1]\\\\\": [\"[5]\", [6], {\"c\": []}], \"d\": [7, true]}"));
    assert_int_equal(out.count, 3);
    const dogb_numbers *a = dogb_document_numbers(&out, json_object_get(out.root, "a"));
    assert_true(a != NULL && a->count == 4 && a->rank == 2);
    const json_t *b = json_object_get(out.root, "b\"[1]\\");
    assert_null(dogb_document_numbers(&out, b));
    assert_string_equal(json_string_value(json_array_get(b, 0)), "[5]");
    assert_int_equal(dogb_document_sizes(sizes, 4, &out, json_array_get(b, 1)), 1);
    assert_int_equal(sizes[0], 6);
    const dogb_numbers *c = dogb_document_numbers(&out, json_object_get(json_array_get(b, 2), "c"));
    assert_true(c != NULL && c->count == 0);
    assert_null(dogb_document_numbers(&out, json_object_get(out.root, "d")));
    assert_null(dogb_document_numbers(&out, NULL));
    assert_ok(parse(&out, &arena, "[[[[[[[[7]]]]]]]]")); // too deep to be an array of numbers
    assert_null(dogb_document_numbers(&out, out.root));
    dogb_arena_free(&arena);
}

static void sizes_are_integers(void **state) {
    (void)state;
    static const struct {
        const char *text;
        int32_t count;
    } rows[] = {{"[1,-2,9223372036854775807]", 3},
                {"[1,2,3,4,5]", -1},
                {"[9223372036854775808]", -1},
                {"[1.0]", -1},
                {"[1e3]", -1},
                {"[[1]]", -1},
                {"[]", 0},
                {"[true]", -1}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        dogb_arena arena = {0};
        dogb_document out;
        int64_t sizes[4] = {0};
        assert_ok(parse(&out, &arena, rows[i].text));
        assert_int_equal(dogb_document_sizes(sizes, 4, &out, out.root), rows[i].count);
        assert_true(rows[i].count < 3 || (sizes[1] == -2 && sizes[2] == INT64_MAX));
        dogb_arena_free(&arena);
    }
}

static void what_is_no_json_is_refused_without_its_text(void **state) {
    (void)state;
    static const char *const bad[] = {
        "",           "{",        "{\"secret\":}", "[1] x",        "{\"a\":1,\"a\":2}",
        "\"\\",       "\"secret", "[1,2",          "{\"a\":[0],}", "[\"\xff\"]",
        "[\"a\0b\"]", "nul",      "[[1],]",        "{\"a\":[1]]"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        dogb_arena arena = {0};
        dogb_document out;
        assert_fails(parse(&out, &arena, bad[i]), DOGBREED_ERROR_FORMAT, "not valid JSON");
        assert_null(strstr(dogbreed_error_message(), "secret"));
        dogb_arena_free(&arena);
    }
}

// A few bytes of text become hundreds in memory.
static void deep_and_wide_documents_are_refused(void **state) {
    (void)state;
    static const struct {
        const char *begin;
        const char *part;
        int count;
    } rows[] = {{"", "[", 100000},
                {"", "{\"a\":", 100000},
                {"[", "{},", 100000},
                {"[\"x\"", ",[1]", 100000},
                {"[", "\"\",", 100000}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        dogb_arena arena = {0};
        dogb_buffer text = {.arena = &arena};
        dogb_document out;
        dogb_buffer_add(&text, rows[i].begin);
        for (int k = 0; k < rows[i].count; k++) {
            dogb_buffer_add(&text, rows[i].part);
        }
        assert_ok(text.rc);
        assert_fails(parse(&out, &arena, text.data), DOGBREED_ERROR_FORMAT,
                     "too many values or levels");
        dogb_arena_free(&arena);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arrays_have_their_shape),
        cmocka_unit_test(numbers_are_read_in_order),
        cmocka_unit_test(arrays_are_lifted_out_of_documents),
        cmocka_unit_test(sizes_are_integers),
        cmocka_unit_test(what_is_no_json_is_refused_without_its_text),
        cmocka_unit_test(deep_and_wide_documents_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
