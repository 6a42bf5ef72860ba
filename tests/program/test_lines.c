// Bytes as lines, however they come.
#include "out_of_memory.h"

#include "program/lines.h"

typedef struct record {
    char text[4096];
    size_t used;
    int64_t cut;
    size_t longest;
    int stop_at; // lines until an error
} record;

static int on_line(const dogb_line *line, void *userdata) {
    record *r = userdata;
    int n = snprintf(r->text + r->used, sizeof r->text - r->used, "[%.20s]%s", line->text,
                     line->end == '\r' ? "r"
                     : line->end == 0  ? "0"
                                       : "");
    r->used += (size_t)n;
    r->cut += line->cut;
    r->longest = line->length > r->longest ? line->length : r->longest;
    assert_int_equal(strlen(line->text), line->length);
    return --r->stop_at == 0 ? -7 : 0;
}

static void pieces_change_nothing(void **state) {
    (void)state;
    static const char text[] = "one\ntwo\r\n\n50 %\r60 %\ra\0b\xff\nlast";
    for (size_t piece = 1; piece < sizeof text; piece++) {
        dogb_arena arena = {0};
        dogb_lines lines;
        record r = {0};
        assert_ok(dogb_lines_create(&lines, &arena));
        for (size_t at = 0; at < sizeof text - 1; at += piece) {
            size_t left = sizeof text - 1 - at;
            assert_ok(dogb_lines_add(&lines, text + at, left < piece ? left : piece, on_line, &r));
        }
        assert_ok(dogb_lines_end(&lines, on_line, &r));
        assert_ok(dogb_lines_end(&lines, on_line, &r));
        assert_string_equal(r.text, "[one][two]r[][][50 %]r[60 %]r[a?b\xff][last]0");
        dogb_arena_free(&arena);
    }
}

static void long_lines_are_cut(void **state) {
    (void)state;
    dogb_arena arena = {0};
    dogb_lines lines;
    record r = {0};
    static char junk[100000];
    memset(junk, 0, sizeof junk);
    assert_ok(dogb_lines_create(&lines, &arena));
    for (int i = 0; i < 10; i++) {
        assert_ok(dogb_lines_add(&lines, junk, sizeof junk, on_line, &r));
    }
    assert_ok(dogb_lines_add(&lines, "\nshort\n", 7, on_line, &r));
    assert_string_equal(r.text, "[????????????????????][short]");
    assert_int_equal(r.longest, DOGB_LINE_MAX);
    assert_int_equal(r.cut, 1000000 - DOGB_LINE_MAX);
    dogb_arena_free(&arena);
}

static void an_error_ends_it(void **state) {
    (void)state;
    dogb_arena arena = {0};
    dogb_lines lines;
    record r = {.stop_at = 2};
    assert_ok(dogb_lines_create(&lines, &arena));
    assert_int_equal(dogb_lines_add(&lines, "a\nb\nc\n", 6, on_line, &r), -7);
    assert_string_equal(r.text, "[a][b]");
    memory_fail_after(0);
    assert_int_equal(dogb_lines_create(&lines, &arena), DOGBREED_ERROR_NO_MEMORY);
    assert_true(memory_restore());
    dogb_arena_free(&arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces_change_nothing),
        cmocka_unit_test(long_lines_are_cut),
        cmocka_unit_test(an_error_ends_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
