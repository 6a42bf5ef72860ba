// test_media.c - Content-Type and Accept.
#include "test.h"

#include "serve/media.h"

static void types_are_compared_without_parameters(void **state) {
    (void)state;
    assert_true(dogb_media_is("image/jpeg", "image/jpeg"));
    assert_true(dogb_media_is(" Image/JPEG ; q=1", "image/jpeg"));
    assert_true(dogb_media_is("", ""));
    assert_false(dogb_media_is("image/jpegx", "image/jpeg"));
    assert_false(dogb_media_is("image/jpe", "image/jpeg"));
    assert_false(dogb_media_is("image/jpeg, text/csv", "image/jpeg"));
}

static void parameters_have_values(void **state) {
    (void)state;
    static const struct {
        const char *type;
        const char *value;
    } rows[] = {{"a/b; boundary=x", "x"},
                {"a/b;Boundary=x;charset=y", "x"},
                {"a/b; charset=\"boundary=z\"; boundary=x", "x"},
                {"a/b; boundary=\"x y;,\"", "x y;,"},
                {"a/b; boundary=\"x\\\"y\\\\\"", "x\"y\\"},
                {"a/b; ; boundary=x ", "x"},
                {"a/b; boundary=12345678", ""}, // too long
                {"a/b; boundary", ""},
                {"a/b; boundary=", ""},
                {"a/b; xboundary=x", ""},
                {"a/b", ""}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char value[8];
        assert_int_equal(dogb_media_parameter(value, sizeof value, rows[i].type, "boundary"),
                         strlen(rows[i].value));
        assert_string_equal(value, rows[i].value);
    }
}

static void accept_orders_types(void **state) {
    (void)state;
    static const struct {
        const char *accept;
        int32_t quality; // of text/csv
    } rows[] = {{"", 1000},
                {"*/*", 1000},
                {"text/csv", 1000},
                {"TEXT/*;q=0.5", 500},
                {"text/*;q=0.5, text/csv;q=0.25", 250},
                {"text/csv;q=0.25 , text/*;q=0.5", 250},
                {"text/csv;q=0, */*", 0},
                {"text/csv; header=present; q=0.125", 125},
                {"application/json", 0},
                {"text/html,,text/csv", 1000},
                {"text/csv;q=1.000", 1000},
                {"text/csv;q=2", 1000},
                {"text/csv;q=", 1000},
                {"text/csv;x=\",q=0\";q=0.001", 1},
                {"tex/*, text/csvx", 0},
                {";;,;=,", 0}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(dogb_media_quality(rows[i].accept, "text/csv"), rows[i].quality);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(types_are_compared_without_parameters),
        cmocka_unit_test(parameters_have_values),
        cmocka_unit_test(accept_orders_types),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
