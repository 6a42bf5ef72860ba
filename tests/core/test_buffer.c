// Text that grows: numbers in any locale, CSV, memory that runs out.
#include "out_of_memory.h"

#include "core/buffer.h"

#include <locale.h>
#include <math.h>

static void test_fixed(void **state) {
    (void)state;
    static const struct {
        double value;
        int decimals;
        const char *text;
    } rows[] = {
        {0, 2, "0"},          {-0.0, 2, "0"},
        {1.5, 2, "1.5"},      {-1.25, 2, "-1.25"},
        {12.005, 1, "12"},    {-0.004, 2, "0"},
        {-0.005, 2, "-0.01"}, {3.07, 2, "3.07"},
        {99.999, 2, "100"},   {1.000001, 6, "1.000001"},
        {7.6, 0, "8"},
    };
    // A comma where there is such a locale; the digits stay as they are.
    (void)setlocale(LC_ALL, "de_DE.UTF-8");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        dogb_arena arena = {0};
        dogb_buffer buffer = {.arena = &arena};
        dogb_buffer_fixed(&buffer, rows[i].value, rows[i].decimals);
        assert_string_equal(buffer.data, rows[i].text);
        dogb_arena_free(&arena);
    }
    (void)setlocale(LC_ALL, "C");
}

static void test_escaped(void **state) {
    (void)state;
    dogb_arena arena = {0};
    dogb_buffer buffer = {.arena = &arena};
    dogb_buffer_escaped(&buffer, "");
    dogb_buffer_escaped(&buffer, "<a href=\"x\">&amp;\xe7\x8a\xac'");
    assert_string_equal(buffer.data, "&lt;a href=&quot;x&quot;&gt;&amp;amp;\xe7\x8a\xac'");
    dogb_arena_free(&arena);
}

static void test_csv(void **state) {
    (void)state;
    dogb_arena arena = {0};
    dogb_buffer buffer = {.arena = &arena};
    dogb_buffer_cell(&buffer, "");
    dogb_buffer_cell(&buffer, "plain");
    dogb_buffer_cell(&buffer, "a,b");
    dogb_buffer_cell(&buffer, "\"x\"");
    dogb_buffer_cell(&buffer, "two\nlines");
    dogb_buffer_line(&buffer);
    dogb_buffer_cell_number(&buffer, 0.1);
    dogb_buffer_cell_number(&buffer, (double)NAN);
    dogb_buffer_cell_number(&buffer, -1e-5);
    dogb_buffer_line(&buffer);
    assert_int_equal(buffer.rc, 0);
    assert_string_equal(buffer.data, ",plain,\"a,b\",\"\"\"x\"\"\",\"two\nlines\"\n0.1,,-1e-05\n");
    assert_int_equal(buffer.length, strlen(buffer.data));
    dogb_arena_free(&arena);
}

static void test_no_memory(void **state) {
    (void)state;
    for (int at = 0;; at++) {
        dogb_arena arena = {0};
        dogb_buffer buffer = {.arena = &arena};
        memory_fail_after(at);
        for (int i = 0; i < 1000; i++) {
            dogb_buffer_integer(&buffer, i);
            dogb_buffer_line(&buffer);
        }
        int failed = memory_restore();
        assert_int_equal(buffer.rc, failed ? DOGBREED_ERROR_NO_MEMORY : 0);
        assert_int_equal(buffer.data == NULL ? 0 : strlen(buffer.data), buffer.length);
        dogb_arena_free(&arena);
        if (!failed) {
            assert_true(at >= 3);
            break;
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fixed),
        cmocka_unit_test(test_escaped),
        cmocka_unit_test(test_csv),
        cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
