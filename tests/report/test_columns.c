// test_columns.c - metrics.csv: what is read, what is torn, what is refused.
#include "test.h"

#include "report/source.h"

#include <math.h>

static int parse(dogb_columns *out, dogb_arena *arena, const char *text) {
    return dogb_columns_read(out, arena, text, strlen(text), "m.csv");
}

static void numbers_by_name(void **state) {
    (void)state;
    dogb_arena arena = {0};
    dogb_columns c;
    assert_ok(parse(&c, &arena, "epoch,loss\r\n1,2.5\r\n\n2,\n3,-1e-3\n"));
    assert_int_equal(c.row_count, 3);
    assert_int_equal(c.column_count, 2);
    assert_true(dogb_columns_at(&c, "loss", 0) == 2.5);
    assert_true(isnan(dogb_columns_at(&c, "loss", 1)));
    assert_true(dogb_columns_at(&c, "loss", 2) == -1e-3);
    assert_true(dogb_columns_at(&c, "epoch", 2) == 3);
    assert_true(isnan(dogb_columns_at(&c, "epoch", 3)));
    assert_true(isnan(dogb_columns_at(&c, "other", 0)));
    dogb_arena_free(&arena);
}

static void a_torn_line_is_left_out(void **state) {
    (void)state;
    dogb_arena arena = {0};
    dogb_columns c;
    assert_ok(parse(&c, &arena, "a,b\n1,2\n3,"));
    assert_int_equal(c.row_count, 1);
    assert_ok(parse(&c, &arena, "a,b"));
    assert_int_equal(c.row_count, 0);
    assert_ok(parse(&c, &arena, ""));
    assert_int_equal(c.column_count, 0);
    dogb_arena_free(&arena);
}

static void short_lines_have_gaps(void **state) {
    (void)state;
    dogb_arena arena = {0};
    dogb_columns c;
    assert_ok(parse(&c, &arena, "a,b,c\n1\n"));
    assert_true(dogb_columns_at(&c, "a", 0) == 1);
    assert_true(isnan(dogb_columns_at(&c, "c", 0)));
    dogb_arena_free(&arena);
}

static void what_is_no_number_is_refused(void **state) {
    (void)state;
    dogb_arena arena = {0};
    dogb_columns c;
    static const char *const bad[] = {
        "a\nx\n", "a\n1 2\n", "a\n1e\n", "a,b\n1,2,3\n",
        "a\n1111111111111111111111111111111111111111111111111111111111111111\n"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_fails(parse(&c, &arena, bad[i]), DOGBREED_ERROR_FORMAT, "m.csv: line 2");
    }
    dogb_arena_free(&arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_by_name),
        cmocka_unit_test(a_torn_line_is_left_out),
        cmocka_unit_test(short_lines_have_gaps),
        cmocka_unit_test(what_is_no_number_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
