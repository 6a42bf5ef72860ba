// Files as ~/.aws/config: what is read, what is refused. The rules are compared with Python's
// configparser by the suite oracle.
#include "test.h"

#include "store/ini.h"

typedef struct record {
    char text[4096];
    size_t used;
    int stop_at; // entries until 7 is returned
} record;

static int on_entry(const char *section, const char *key, const char *value, void *userdata) {
    record *r = userdata;
    int n = key == NULL ? snprintf(r->text + r->used, sizeof r->text - r->used, "[%s]", section)
                        : snprintf(r->text + r->used, sizeof r->text - r->used, "%s.%s=%s;",
                                   section, key, value);
    r->used += (size_t)n;
    assert_true(r->used < sizeof r->text);
    return --r->stop_at == 0 ? 7 : 0;
}

static int read_sized(record *r, const char *text, size_t size) {
    char *copy = malloc(size + 1);
    memcpy(copy, text, size);
    copy[size] = 'x'; // it is written only
    int rc = dogb_ini_read("file", copy, size, on_entry, r);
    free(copy);
    return rc;
}

static void reads(const char *text, const char *expected) {
    record r = {0};
    assert_ok(read_sized(&r, text, strlen(text)));
    assert_string_equal(r.text, expected);
}

static void sections_and_values(void **state) {
    (void)state;
    reads("", "");
    reads("\n# a\n;b\n \n", "");
    reads("[a]\nk=v\n[b c]\nk : v=w\nl=v:w", "[a]a.k=v;[b c]b c.k=v=w;b c.l=v:w;");
    reads("[a]\r\n  KeY =  v w \t\r\n\r\nl=\r\n", "[a]a.key=v w;a.l=;");
    reads("  [a]  \n  k = 1\n  l = 2\n", "[a]a.k=1;a.l=2;");
    reads("[a]\nk = v # not a comment\n", "[a]a.k=v # not a comment;");
    reads("[a]]\n[b] c\n", "[a]][b]");
    reads("\xef\xbb\xbf[a]\nk=v", "[a]a.k=v;");
    reads("[a]\nk=v\nk=w\n[a]\nk=x", "[a]a.k=v;a.k=w;[a]a.k=x;");
}

static void indented_lines_belong_to_their_value(void **state) {
    (void)state;
    reads("[a]\ns3 =\n  k = v\n  # c\n  l = w\nm = 1\n", "[a]a.s3=\nk = v\nl = w;a.m=1;");
    reads("[a]\nk = 1\n\n  2  \n\n\nl=3", "[a]a.k=1\n\n2;a.l=3;");
    reads("[a]\n k = 1\n  2\n l = 3\n", "[a]a.k=1\n2;a.l=3;");
    reads("[a]\nk =\n\n\n", "[a]a.k=;");
    reads("[a]\nk = 1\n  [b]\n", "[a]a.k=1\n[b];");
}

static void what_is_refused(void **state) {
    (void)state;
    static const char *const cases[][2] = {
        {"k=v", "file, line 1: expected [section] in front"},
        {"\n\n[a]\njunk", "file, line 4: expected [section] or \"key = value\""},
        {"[a]\n= v", "expected [section] or \"key = value\""},
        {"[a\n", "line 1: expected [section]"},
        {"[]\n", "expected [section]"},
    };
    record r = {0};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_fails(read_sized(&r, cases[i][0], strlen(cases[i][0])), DOGBREED_ERROR_FORMAT,
                     cases[i][1]);
    }
    assert_fails(read_sized(&r, "[a]\nk=\0v\n", 9), DOGBREED_ERROR_FORMAT, "line 2: a zero byte");
}

static void the_reader_of_entries_may_stop(void **state) {
    (void)state;
    static const char text[] = "[a]\nk=v\nl=w\n[b]\nm=x";
    for (int at = 1; at <= 5; at++) {
        record r = {.stop_at = at};
        assert_int_equal(read_sized(&r, text, sizeof text - 1), 7);
        assert_int_equal(r.stop_at, 0);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sections_and_values),
        cmocka_unit_test(indented_lines_belong_to_their_value),
        cmocka_unit_test(what_is_refused),
        cmocka_unit_test(the_reader_of_entries_may_stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
