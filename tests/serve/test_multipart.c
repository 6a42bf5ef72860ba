// test_multipart.c - multipart/form-data: what is a part, and what is refused.
#include "test.h"

#include "serve/multipart.h"

#define HEAD "Content-Disposition: form-data; name=\"image\"; filename=\"a.jpg\"\r\n"
#define TYPE "multipart/form-data; boundary=b"

static int parse(dogb_multipart *out, dogb_arena *arena, const char *type, const char *body) {
    return dogb_multipart_read(out, arena, type, (dogb_span){(const uint8_t *)body, strlen(body)},
                               3);
}

static void expect(const char *body, int32_t count, const char *const *parts) {
    dogb_arena arena = {0};
    dogb_multipart out;
    assert_ok(parse(&out, &arena, TYPE, body));
    assert_int_equal(out.count, count);
    for (int32_t i = 0; i < count; i++) {
        assert_true(dogb_span_is(out.parts[i], parts[i]));
        assert_true((const char *)out.parts[i].data >= body); // inside of the body, no copy
        assert_true((const char *)out.parts[i].data <= body + strlen(body));
    }
    dogb_arena_free(&arena);
}

static void parts_are_pieces_of_the_body(void **state) {
    (void)state;
    static const char *const two[] = {"one", "t\r\n--wo\r\n"};
    static const char *const empty[] = {"", "x"};
    static const char *const tricky[] = {"\r\n--bb\r\n\r\n--b-\r\n\r--b\n--b--"};
    expect("--b\r\n" HEAD "\r\none\r\n--b\r\n" HEAD
           "Content-Type: image/jpeg\r\n\r\nt\r\n--wo\r\n\r\n--b--\r\n",
           2, two);
    expect("preamble --b\r\n--b \t\r\n" HEAD "\r\none\r\n--b--", 1, two);
    expect("--bx\r\n--b\r\n" HEAD "\r\none\r\n--b--  \r\nepilogue\r\n--b\r\n", 1, two);
    expect("--b\r\n" HEAD "\r\n--b\r\n" HEAD "\r\nx\r\n--b--", 2, empty);
    expect("--b\r\n" HEAD "\r\n\r\n--b\r\n" HEAD "\r\nx\r\n--b--", 2, empty);
    expect("--b\r\ncontent-disposition:FORM-DATA;name=x\r\nContent-Transfer-Encoding: Binary "
           "\r\n\r\none\r\n--b--",
           1, two);
    expect("--b\r\n" HEAD "\r\n\r\n--bb\r\n\r\n--b-\r\n\r--b\n--b--\r\n--b--", 1, tricky);
}

static void what_is_not_such_a_body_is_refused(void **state) {
    (void)state;
    static const struct {
        const char *body;
        const char *message;
    } rows[] = {
        {"", "no boundary"},
        {"--c\r\n", "no boundary"},
        {"--b", "no boundary"},
        {"--b\n" HEAD "\n\none\n--b--\n", "no boundary"},
        {"--b--\r\n", "no part"},
        {"--b\r\n", "headers of a part do not end"},
        {"--b\r\n\r\nx\r\n--b--", "no Content-Disposition"},
        {"--b\r\n" HEAD "\r\none", "does not end"},
        {"--b\r\n" HEAD "\r\none\r\n--b", "does not end"},
        {"--b\r\n" HEAD "\r\none\r\n--b-", "does not end"},
        {"--b\r\n" HEAD "\none\r\n--b--", "headers of a part do not end"},
        {"--b\r\n" HEAD HEAD "\r\none\r\n--b--", "no single Content-Disposition"},
        {"--b\r\nContent-Disposition: attachment; name=x\r\n\r\none\r\n--b--",
         "no single Content-Disposition"},
        {"--b\r\nContent-Disposition: form-data; filename=x\r\n\r\none\r\n--b--",
         "no single Content-Disposition"},
        {"--b\r\nContent-Disposition: form-data; name=\"\"\r\n\r\none\r\n--b--",
         "no single Content-Disposition"},
        {"--b\r\n" HEAD "Content-Transfer-Encoding: base64\r\n\r\none\r\n--b--",
         "encoded for transfer"},
        {"--b\r\n" HEAD " folded\r\n\r\none\r\n--b--", "no header"},
        {"--b\r\n" HEAD "no colon\r\n\r\none\r\n--b--", "no header"},
        {"--b\r\n" HEAD "sp ace: x\r\n\r\none\r\n--b--", "no header"},
        {"--b\r\n" HEAD ": x\r\n\r\none\r\n--b--", "no header"},
        {"--b\r\n" HEAD "\r\none\r\n--b\r\n", "headers of a part do not end"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        dogb_arena arena = {0};
        dogb_multipart out;
        assert_fails(parse(&out, &arena, TYPE, rows[i].body), DOGBREED_ERROR_FORMAT,
                     rows[i].message);
        dogb_arena_free(&arena);
    }
}

static void boundaries_are_checked(void **state) {
    (void)state;
    static const char long_one[] =
        "multipart/form-data; boundary="
        "12345678901234567890123456789012345678901234567890123456789012345678901";
    static const char *const bad[] = {"multipart/form-data",
                                      "multipart/form-data; boundary=",
                                      "multipart/form-data; boundary=\"b \"",
                                      "multipart/form-data; boundary=b@",
                                      "multipart/form-data; boundary=\"b\r\n\"",
                                      long_one};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        dogb_arena arena = {0};
        dogb_multipart out;
        assert_fails(parse(&out, &arena, bad[i], "--b\r\n" HEAD "\r\none\r\n--b--"),
                     DOGBREED_ERROR_FORMAT, "no valid boundary");
        dogb_arena_free(&arena);
    }
}

static void limits_hold(void **state) {
    (void)state;
    static char body[20000];
    dogb_arena arena = {0};
    dogb_multipart out;
    const char *part = "--b\r\n" HEAD "\r\nx\r\n";
    for (int count = 3; count < 5; count++) {
        body[0] = '\0';
        for (int i = 0; i < count; i++) {
            strcat(body, part);
        }
        strcat(body, "--b--");
        if (count == 3) {
            assert_ok(parse(&out, &arena, TYPE, body));
        } else {
            assert_fails(parse(&out, &arena, TYPE, body), DOGBREED_ERROR_INDEX, "more than 3");
        }
    }
    strcpy(body, "--b\r\n" HEAD);
    for (int i = 0; i < 17; i++) {
        strcat(body, "A: b\r\n");
    }
    strcat(body, "\r\nx\r\n--b--");
    assert_fails(parse(&out, &arena, TYPE, body), DOGBREED_ERROR_FORMAT, "too many or too long");
    strcpy(body, "--b\r\n" HEAD "A: ");
    memset(body + strlen(body), 'b', 9000);
    strcpy(body + strlen(body), "\r\n\r\nx\r\n--b--");
    assert_fails(parse(&out, &arena, TYPE, body), DOGBREED_ERROR_FORMAT, "too many or too long");
    dogb_arena_free(&arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parts_are_pieces_of_the_body),
        cmocka_unit_test(what_is_not_such_a_body_is_refused),
        cmocka_unit_test(boundaries_are_checked),
        cmocka_unit_test(limits_hold),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
