// test_input.c - bodies of all types as pictures, and the replies to those that are none.
#include "test.h"

#include "out_of_memory.h"
#include "serve/call.h"

#define HEAD "Content-Disposition: form-data; name=\"image\"\r\n\r\n"
#define ROW "1,2,3,4,5,6,7,8,9,10,11,12"
#define PICTURE "[[[1,2],[3,4]],[[5,6],[7,8]],[[9,10],[11,12]]]"

static const dogb_model_facts facts = {
    .name = "dogs", .version = "1", .classes = 3, .side = 2, .items_max = 3};

typedef struct exchange {
    dogb_request r;
    dogb_reply reply;
    dogb_input in;
    call_fields fields;
} exchange;

static int give(exchange *x, const char *type, const void *body, size_t size) {
    x->reply = (dogb_reply){.status = 0};
    x->r = call_request(&x->fields, type, body, size);
    return dogb_input_read(&x->in, &x->reply, &x->r, &facts);
}

static int give_text(exchange *x, const char *type, const char *body) {
    return give(x, type, body, strlen(body));
}

static void expect_refused(exchange *x, int32_t status, const char *code, const char *part) {
    call_refused(&x->reply, status, code, part);
    dogb_arena_free(&x->r.arena);
}

static void pictures_are_taken_as_they_are(void **state) {
    (void)state;
    static const char *const types[] = {
        "image/jpeg",          "IMAGE/JPG", "image/png; x=y",
        "application/x-image", "",          "application/octet-stream"};
    const char *body = "whatever it is";
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        exchange x = {.fields = {0}};
        assert_ok(give_text(&x, types[i], body));
        assert_int_equal(x.in.count, 1);
        assert_int_equal(x.in.items[0].kind, DOGB_ITEM_ENCODED);
        assert_ptr_equal(x.in.items[0].bytes, body);
        assert_int_equal(x.in.items[0].size, strlen(body));
        x.in.items[0].logits[facts.classes - 1] = 1;
        assert_true(x.in.tensor == 0 && x.in.top == 0);
        dogb_arena_free(&x.r.arena);
    }
}

static void several_pictures_are_several_items(void **state) {
    (void)state;
    exchange x = {.fields = {0}};
    assert_ok(give_text(&x, "multipart/form-data; boundary=b",
                        "--b\r\n" HEAD "one\r\n--b\r\n" HEAD "two\r\n--b--\r\n"));
    assert_int_equal(x.in.count, 2);
    assert_memory_equal(x.in.items[1].bytes, "two", 3);
    assert_ptr_equal(x.in.items[1].logits, x.in.items[0].logits + facts.classes);
    dogb_arena_free(&x.r.arena);
    assert_ok(give_text(&x, "application/json",
                        "{\"instances\": [{\"b64\": \"b25l\"}, \"dA==\", {\"b64\": \"dHc=\"}]}"));
    assert_int_equal(x.in.count, 3);
    assert_int_equal(x.in.items[1].size, 1);
    assert_memory_equal(x.in.items[0].bytes, "one", 3);
    assert_memory_equal(x.in.items[1].bytes, "t", 1);
    assert_memory_equal(x.in.items[2].bytes, "tw", 2);
    dogb_arena_free(&x.r.arena);
}

static void expect_tensors(exchange *x, int32_t count) {
    assert_int_equal(x->in.count, count);
    assert_int_equal(x->in.tensor, 1);
    for (int32_t i = 0; i < count; i++) {
        assert_int_equal(x->in.items[i].kind, DOGB_ITEM_TENSOR);
        assert_int_equal(x->in.items[i].size, 12 * sizeof(float));
        for (int k = 0; k < 12; k++) {
            float value = 0;
            memcpy(&value, (const char *)x->in.items[i].bytes + (size_t)k * sizeof value,
                   sizeof value);
            assert_true(value == (float)(k + 1));
        }
    }
    dogb_arena_free(&x->r.arena);
}

static void tensors_come_in_three_texts_and_as_files(void **state) {
    (void)state;
    char npy[128 + 96] =
        "\x93NUMPY\x01\0\x66\0{'descr': '<f8', 'fortran_order': False, 'shape': (3, 2, 2)}";
    exchange x = {.fields = {0}};
    assert_ok(give_text(&x, "application/json", PICTURE));
    expect_tensors(&x, 1);
    assert_ok(give_text(&x, "application/json; charset=utf-8", " [" PICTURE ",\r\n" PICTURE "] "));
    expect_tensors(&x, 2);
    assert_ok(give_text(&x, "text/csv", ROW));
    expect_tensors(&x, 1);
    assert_ok(give_text(&x, "text/csv", ROW "\r\n 1 ,2,3,+4,5.,6e0,7,8,9,010,11,12\n"));
    expect_tensors(&x, 2);
    memset(npy + strlen(npy + 10) + 10, ' ', 112 - 10 - strlen(npy + 10));
    npy[111] = '\n';
    for (int k = 0; k < 12; k++) {
        double value = k + 1;
        memcpy(npy + 112 + (size_t)k * sizeof value, &value, sizeof value);
    }
    assert_ok(give(&x, "application/x-npy", npy, 112 + 96));
    expect_tensors(&x, 1);
}

static void what_cannot_be_read_is_told(void **state) {
    (void)state;
    static const struct {
        const char *type;
        const char *body;
        int32_t status;
        const char *code;
        const char *text;
    } rows[] = {
        {"image/jpeg", "", 400, "FORMAT", "the body is empty"},
        {"image/webp", "RIFF", 415, "UNSUPPORTED", "image/jpeg, image/png"},
        {"application/x-www-form-urlencoded", "x", 415, "UNSUPPORTED", "Content-Type is none of"},
        {"multipart/form-data", "x", 400, "FORMAT", "boundary"},
        {"multipart/form-data; boundary=b",
         "--b\r\n" HEAD "1\r\n--b\r\n" HEAD "2\r\n--b\r\n" HEAD "3\r\n--b\r\n" HEAD "4\r\n--b--",
         413, "INDEX", "more than 3 pictures"},
        {"application/json", "{", 400, "FORMAT", "not valid JSON"},
        {"application/json", "{}", 400, "FORMAT", "array of instances"},
        {"application/json", "[true]", 400, "FORMAT", "array of instances"},
        {"application/json", "{\"instances\":[]}", 400, "FORMAT", "picture"},
        {"application/json", "{\"instances\":[\"\"],\"x\":1}", 400, "FORMAT", "array of instances"},
        {"application/json", "{\"instances\":[{\"b64\":1}]}", 400, "FORMAT", "no text in base64"},
        {"application/json", "{\"instances\":[1]}", 400, "FORMAT", "no text in base64"},
        {"application/json", "{\"instances\":[{\"b64\":\"a\"}]}", 400, "FORMAT",
         "not valid base64"},
        {"application/json", "{\"instances\":[\"====\"]}", 400, "FORMAT", "not valid base64"},
        {"application/json", "{\"instances\":[\"dB==\"]}", 400, "FORMAT", "not valid base64"},
        {"application/json", "{\"instances\":[\"dA==dA==\"]}", 400, "FORMAT", "not valid base64"},
        {"application/json", "{\"instances\":[\"dA=\\n\"]}", 400, "FORMAT", "not valid base64"},
        {"application/json", "{\"instances\":[\"\",\"\",\"\",\"\"]}", 413, "INDEX",
         "more than 3 pictures"},
        {"application/json", "[1,2,3]", 400, "MISMATCH", "(N, 3, 2, 2)"},
        {"application/json", "[]", 400, "MISMATCH", "(N, 3, 2, 2)"},
        {"application/json", "[[[[1,2],[3,4]]]]", 400, "MISMATCH", "(N, 3, 2, 2)"},
        {"application/json", "[[[1,2],[3,4]],[[5,6],[7,8]],[[9,10],[11]]]", 400, "MISMATCH",
         "(N, 3, 2, 2)"},
        {"application/json", "[[[1,2],[3,4]],[[5,6],[7,8]],[[9,10],[11,1e39]]]", 400, "FORMAT",
         "too large"},
        {"application/json", "[" PICTURE "," PICTURE "," PICTURE "," PICTURE "]", 413, "INDEX",
         "more than 3"},
        {"text/csv", "1,2,3", 400, "MISMATCH", "12 numbers per line"},
        {"text/csv", "1\n2\n3\n", 400, "MISMATCH", "12 numbers per line"},
        {"text/csv", ROW ",13", 400, "MISMATCH", "12 numbers per line"},
        {"text/csv", "11,22,33,44,55,66,77,88,99,1010,1111", 400, "MISMATCH",
         "12 numbers per line"},
        {"text/csv", "1;2;3;4;5;6;7;8;9;10;11;12", 400, "FORMAT", "commas"},
        {"text/csv", "1,2,3,4,5,6,7,8,9,10,11,nan", 400, "FORMAT", "a number in each cell"},
        {"text/csv", "1,2,3,4,5,6,7,8,9,10,11,-1e39", 400, "FORMAT", "too large"},
        {"text/csv", "1,2,,4,5,6,7,8,9,10,11,12,13", 400, "FORMAT", "a number in each cell"},
        {"text/csv", ROW "\n\n" ROW, 400, "MISMATCH", "12 numbers per line"},
        {"text/csv", ROW "\n" ROW "\n" ROW "\n" ROW, 413, "INDEX", "more than 3 pictures"},
        {"application/x-npy", "PK", 400, "FORMAT", "NPY"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        exchange x = {.fields = {0}};
        assert_true(give_text(&x, rows[i].type, rows[i].body) < 0);
        expect_refused(&x, rows[i].status, rows[i].code, rows[i].text);
    }
}

// Of files: they may hold what no text can say.
static void numbers_that_are_not_finite_are_refused(void **state) {
    (void)state;
    static const uint32_t bad[] = {0x7f800000, 0xff800000, 0x7fc00000, 0x7f800001};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        char npy[129 + 48] = {0}; // at an odd address
        char *file = npy + 1;
        int length = snprintf(
            file, 112,
            "\x93NUMPY\x01%c\x66%c{'descr': '<f4', 'fortran_order': False, 'shape': (1, 3, 2, 2)}",
            0, 0);
        memset(file + length, ' ', 112 - (size_t)length);
        file[111] = '\n';
        exchange x = {.fields = {0}};
        assert_ok(give(&x, "application/x-npy", file, 112 + 48));
        dogb_arena_free(&x.r.arena);
        memcpy(file + 112 + 44, &bad[i], 4);
        assert_true(give(&x, "application/x-npy", file, 112 + 48) < 0);
        expect_refused(&x, 400, "FORMAT", "not finite");
    }
}

static void crop_and_top_come_from_the_query(void **state) {
    (void)state;
    const char *query[] = {"crop", "1,2,30,2147483647", "top_k", "2", NULL};
    exchange x = {.fields = {.query = query}};
    assert_ok(give_text(&x, "image/jpeg", "x"));
    assert_int_equal(x.in.items[0].crop.left, 1);
    assert_int_equal(x.in.items[0].crop.bottom, INT32_MAX);
    assert_int_equal(x.in.top, 2);
    dogb_arena_free(&x.r.arena);
    query[3] = "1000";
    assert_ok(give_text(&x, "image/jpeg", "x"));
    assert_int_equal(x.in.top, facts.classes);
    dogb_arena_free(&x.r.arena);
    assert_true(give_text(&x, "text/csv", ROW) < 0);
    expect_refused(&x, 400, "INVALID_ARGUMENT", "cannot be cropped");
    static const char *const crops[] = {"",         "1,2,3",           "1,2,3,4,5", "-1,2,3,4",
                                        "1, 2,3,4", "1,2,1,4",         "1,2,3,2",   "1,2,3,4 ",
                                        "a,b,c,d",  "1,2,3,2147483648"};
    for (size_t i = 0; i < sizeof crops / sizeof crops[0]; i++) {
        query[1] = crops[i];
        assert_true(give_text(&x, "image/jpeg", "x") < 0);
        expect_refused(&x, 400, "INVALID_ARGUMENT", "crop: ");
    }
    static const char *const tops[] = {"", "0", "-1", "1.5", "5x", "99999999999999999999"};
    query[1] = "0,0,1,1";
    for (size_t i = 0; i < sizeof tops / sizeof tops[0]; i++) {
        query[3] = tops[i];
        assert_true(give_text(&x, "image/jpeg", "x") < 0);
        expect_refused(&x, 400, "INVALID_ARGUMENT", "top_k: ");
    }
}

static int give_all(void *userdata) {
    static const struct {
        const char *type;
        const char *body;
    } rows[] = {{"image/jpeg", "x"},
                {"multipart/form-data; boundary=b", "--b\r\n" HEAD "1\r\n--b--"},
                {"application/json", "[" PICTURE "]"},
                {"application/json", "{\"instances\":[\"dA==\"]}"},
                {"text/csv", ROW}};
    int rc = DOGBREED_OK;
    (void)userdata;
    for (size_t i = 0; rc == DOGBREED_OK && i < sizeof rows / sizeof rows[0]; i++) {
        exchange x = {.fields = {0}};
        rc = give_text(&x, rows[i].type, rows[i].body);
        assert_true(rc == 0 || (x.reply.status == 503 && x.reply.size > 0));
        dogb_arena_free(&x.r.arena);
    }
    return rc;
}

static void memory_may_run_out(void **state) {
    (void)state;
    assert_true(memory_fails_each(give_all, NULL, 1) > 20);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pictures_are_taken_as_they_are),
        cmocka_unit_test(several_pictures_are_several_items),
        cmocka_unit_test(tensors_come_in_three_texts_and_as_files),
        cmocka_unit_test(what_cannot_be_read_is_told),
        cmocka_unit_test(numbers_that_are_not_finite_are_refused),
        cmocka_unit_test(crop_and_top_come_from_the_query),
        cmocka_unit_test(memory_may_run_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
