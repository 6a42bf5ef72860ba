// What is refused before a handler sees it: targets and headers.
#include "../test.h"

#include "serve/guard.h"

static const char *code_of(const dogb_refusal *refusal) {
    return refusal == NULL ? "" : refusal->code;
}

static void targets_are_decoded(void **state) {
    static const struct {
        const char *raw;
        const char *path;
        const char *names[3];
        const char *values[3];
    } rows[] = {
        {"/", "/", {NULL}, {NULL}},
        {"/ping", "/ping", {NULL}, {NULL}},
        {"/v2/models/a%2Db", "/v2/models/a-b", {NULL}, {NULL}},
        {"/p?top_k=5", "/p", {"top_k"}, {"5"}},
        {"/p?a=1&b=x%20y+z&c", "/p", {"a", "b", "c"}, {"1", "x y z", ""}},
        {"/p?", "/p", {NULL}, {NULL}},
        {"/p?&&a=&", "/p", {"a"}, {""}},
        {"/p?a=b=c", "/p", {"a"}, {"b=c"}},
        {"/p?%61=%3d%26", "/p", {"a"}, {"=&"}},
        {"/p?a=..", "/p", {"a"}, {".."}},
        {"/a+b.c", "/a+b.c", {NULL}, {NULL}},
        {"/p?a=?", "/p", {"a"}, {"?"}},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        dogb_arena arena = {0};
        dogb_target target;
        size_t count = 0;
        assert_null(dogb_guard_target(&target, &arena, rows[i].raw));
        assert_string_equal(target.path, rows[i].path);
        for (; count < 3 && rows[i].names[count] != NULL; count++) {
            assert_true(count < target.query_count);
            assert_string_equal(target.query[count].name, rows[i].names[count]);
            assert_string_equal(target.query[count].value, rows[i].values[count]);
        }
        assert_int_equal(target.query_count, count);
        dogb_arena_free(&arena);
    }
}

static void bad_targets_are_refused(void **state) {
    static const char *const rows[] = {
        "",        "ping",      "*",         "http://x/ping", "/..",    "/../etc/passwd",
        "/a/../b", "/a..b",     "/%2e%2e/a", "/%2E./a",       "/.%2e",  "/a\\b",
        "/a%5Cb",  "/a%00",     "/a%0a",     "/a%1f",         "/a%7F",  "/a%",
        "/a%4",    "/a%zz",     "/a%4x",     "/a b",          "/a\tb",  "/a\x01",
        "/a\x7f",  "/\xc3\xa4", "/p?a=%00",  "/p?%0d=1",      "/p?a=%", "/p?a=\xff",
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        dogb_arena arena = {0};
        dogb_target target;
        const dogb_refusal *refusal = dogb_guard_target(&target, &arena, rows[i]);
        if (strcmp(code_of(refusal), "BAD_TARGET") != 0 || refusal->status != 400) {
            fail_msg("%s: %s", rows[i], code_of(refusal));
        }
        assert_string_equal(target.path, "");
        dogb_arena_free(&arena);
    }
}

static void long_targets_are_refused(void **state) {
    static char text[DOGB_TARGET_MAX + 2];
    dogb_arena arena = {0};
    dogb_target target;
    (void)state;
    memset(text, 'a', sizeof text - 1);
    text[0] = '/';
    assert_int_equal(dogb_guard_target(&target, &arena, text)->status, 414);
    text[DOGB_TARGET_MAX] = '\0';
    assert_null(dogb_guard_target(&target, &arena, text));
    // More parts of a query than are kept.
    char *at = text + (size_t)snprintf(text, sizeof text, "/p?");
    for (int i = 0; i < DOGB_QUERY_MAX; i++) {
        at += snprintf(at, 4, "a&");
    }
    assert_null(dogb_guard_target(&target, &arena, text));
    (void)snprintf(at, 4, "a");
    assert_string_equal(code_of(dogb_guard_target(&target, &arena, text)), "BAD_TARGET");
    dogb_arena_free(&arena);
}

#define FIELD(NAME, VALUE)                                                                         \
    { NAME, sizeof(NAME) - 1, VALUE, sizeof(VALUE) - 1 }
#define HOST FIELD("Host", "x")
#define END                                                                                        \
    { NULL, 0, NULL, 0 }

typedef struct fields_row {
    const char *version;
    dogb_field fields[4];
    const char *code; // "": goes on
    int64_t length;
} fields_row;

static const fields_row fields_rows[] = {
    {"HTTP/1.1", {HOST, END}, "", 0},
    {"HTTP/1.0", {HOST, END}, "", 0},
    {"HTTP/1.1", {FIELD("hOST", ""), END}, "", 0},
    {"HTTP/1.1", {HOST, FIELD("Content-Length", "0"), END}, "", 0},
    {"HTTP/1.1", {HOST, FIELD("content-length", "6291457"), END}, "", 6291457},
    {"HTTP/1.1",
     {HOST, FIELD("Content-Length", "999999999999999999"), END},
     "",
     999999999999999999},
    {"HTTP/1.1", {HOST, FIELD("Transfer-Encoding", "chunked"), END}, "", -1},
    {"HTTP/1.1", {HOST, FIELD("TRANSFER-ENCODING", "Chunked"), END}, "", -1},
    {"HTTP/1.1", {HOST, FIELD("X", "a\0b"), END}, "", 0},
    {"HTTP/1.1", {END}, "BAD_HOST", 0},
    {"HTTP/1.0", {END}, "BAD_HOST", 0},
    {"HTTP/1.1", {HOST, HOST, END}, "BAD_HOST", 0},
    {"HTTP/1.1", {FIELD("Host ", "x"), END}, "BAD_HEADER", 0},
    {"HTTP/0.9", {HOST, END}, "BAD_VERSION", 0},
    {"HTTP/1.2", {HOST, END}, "BAD_VERSION", 0},
    {"", {HOST, END}, "BAD_VERSION", 0},
    {"HTTP/1.1",
     {HOST, FIELD("Content-Length", "4"), FIELD("Content-Length", "4"), END},
     "BAD_LENGTH",
     0},
    {"HTTP/1.1", {HOST, FIELD("Content-Length", ""), END}, "BAD_LENGTH", 0},
    {"HTTP/1.1", {HOST, FIELD("Content-Length", "+4"), END}, "BAD_LENGTH", 0},
    {"HTTP/1.1", {HOST, FIELD("Content-Length", "-1"), END}, "BAD_LENGTH", 0},
    {"HTTP/1.1", {HOST, FIELD("Content-Length", "0x4"), END}, "BAD_LENGTH", 0},
    {"HTTP/1.1", {HOST, FIELD("Content-Length", "4 "), END}, "BAD_LENGTH", 0},
    {"HTTP/1.1", {HOST, FIELD("Content-Length", "4, 4"), END}, "BAD_LENGTH", 0},
    {"HTTP/1.1", {HOST, FIELD("Content-Length", "4\0"), END}, "BAD_LENGTH", 0},
    {"HTTP/1.1", {HOST, FIELD("Content-Length", "9999999999999999999"), END}, "BAD_LENGTH", 0},
    {"HTTP/1.1", {HOST, FIELD("Content-Length4", ""), END}, "BAD_LENGTH", 0},
    {"HTTP/1.1", {HOST, FIELD("Content-Length ", "4"), END}, "BAD_HEADER", 0},
    {"HTTP/1.1", {HOST, FIELD("Transfer-Encodingchunked", ""), END}, "BAD_TRANSFER_ENCODING", 0},
    {"HTTP/1.1", {HOST, FIELD("Transfer-Encoding", "xchunked"), END}, "BAD_TRANSFER_ENCODING", 0},
    {"HTTP/1.1",
     {HOST, FIELD("Transfer-Encoding", "identity, chunked"), END},
     "BAD_TRANSFER_ENCODING",
     0},
    {"HTTP/1.1", {HOST, FIELD("Transfer-Encoding", "chunked\0"), END}, "BAD_TRANSFER_ENCODING", 0},
    {"HTTP/1.1", {HOST, FIELD("Transfer-Encoding", ""), END}, "BAD_TRANSFER_ENCODING", 0},
    {"HTTP/1.0", {HOST, FIELD("Transfer-Encoding", "chunked"), END}, "BAD_TRANSFER_ENCODING", 0},
    {"HTTP/1.1",
     {HOST, FIELD("Content-Length", "4"), FIELD("Transfer-Encoding", "chunked"), END},
     "TWO_LENGTHS",
     0},
    {"HTTP/1.1", {HOST, FIELD("", "x"), END}, "BAD_HEADER", 0},
    {"HTTP/1.1", {HOST, FIELD("A B", "x"), END}, "BAD_HEADER", 0},
    {"HTTP/1.1", {HOST, FIELD("A\tB", "x"), END}, "BAD_HEADER", 0},
    {"HTTP/1.1", {HOST, FIELD("A\0B", "x"), END}, "BAD_HEADER", 0},
    {"HTTP/1.1", {HOST, FIELD("XContent-Length: 4", ""), END}, "BAD_HEADER", 0},
    {"HTTP/1.1", {HOST, FIELD("\xc3\xa4", ""), END}, "BAD_HEADER", 0},
};

static void lengths_have_one_meaning(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof fields_rows / sizeof fields_rows[0]; i++) {
        const fields_row *row = &fields_rows[i];
        size_t count = 0;
        int64_t length = 0;
        while (row->fields[count].name != NULL) {
            count++;
        }
        const dogb_refusal *refusal = dogb_guard_fields(&length, row->version, row->fields, count);
        if (strcmp(code_of(refusal), row->code) != 0 ||
            (refusal == NULL && length != row->length) ||
            (refusal != NULL && refusal->status != 400)) {
            fail_msg("row %zu: \"%s\", length %lld", i, code_of(refusal), (long long)length);
        }
    }
}

static void many_headers_are_refused(void **state) {
    dogb_field fields[DOGB_FIELDS_MAX + 1];
    int64_t length = 0;
    (void)state;
    fields[0] = (dogb_field)HOST;
    for (size_t i = 1; i < DOGB_FIELDS_MAX + 1; i++) {
        fields[i] = (dogb_field)FIELD("A", "b");
    }
    assert_null(dogb_guard_fields(&length, "HTTP/1.1", fields, DOGB_FIELDS_MAX));
    assert_int_equal(dogb_guard_fields(&length, "HTTP/1.1", fields, DOGB_FIELDS_MAX + 1)->status,
                     431);
}

static void identifiers_are_plain(void **state) {
    char text[65];
    (void)state;
    assert_true(dogb_guard_id("a"));
    assert_true(dogb_guard_id("0-9_A.z"));
    assert_false(dogb_guard_id(""));
    assert_false(dogb_guard_id("a b"));
    assert_false(dogb_guard_id("a\n"));
    assert_false(dogb_guard_id("a\"b"));
    memset(text, 'a', 64);
    text[64] = '\0';
    assert_false(dogb_guard_id(text));
    text[63] = '\0';
    assert_true(dogb_guard_id(text));
}

static void traces_are_those_of_w3c(void **state) {
    static const char good[] = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    static const struct {
        const char *value;
        const char *wanted;
    } rows[] = {
        {good, good},
        {"cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", good},
        {"01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more", good},
        {"01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01more", ""},
        {"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more", ""},
        {"ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", ""},
        {"00-0AF7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", ""},
        {"00-00000000000000000000000000000000-b7ad6b7169203331-01", ""},
        {"00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01", ""},
        {"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0g", ""},
        {"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-1", ""},
        {"00-0af7651916cd43dd8448eb211c80319cb7ad6b7169203331-01--", ""},
        {"", ""},
    };
    char out[DOGB_TRACE_SIZE];
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const dogb_field fields[] = {{"Host", 4, "x", 1},
                                     {"TraceParent", 11, rows[i].value, strlen(rows[i].value)}};
        dogb_guard_trace(out, fields, 2);
        assert_string_equal(out, rows[i].wanted);
        dogb_guard_trace(out, fields, 1);
        assert_string_equal(out, "");
    }
    const dogb_field twice[] = {{"traceparent", 11, good, 55}, {"traceparent", 11, good, 55}};
    dogb_guard_trace(out, twice, 2);
    assert_string_equal(out, "");
    const dogb_field cut[] = {{"traceparent", 11, good, 57}}; // a NUL inside
    dogb_guard_trace(out, cut, 1);
    assert_string_equal(out, "");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(targets_are_decoded),      cmocka_unit_test(bad_targets_are_refused),
        cmocka_unit_test(long_targets_are_refused), cmocka_unit_test(lengths_have_one_meaning),
        cmocka_unit_test(many_headers_are_refused), cmocka_unit_test(identifiers_are_plain),
        cmocka_unit_test(traces_are_those_of_w3c),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
