// test_v2.c - the Open Inference Protocol: requests in both forms, replies, and what is refused.
#include "test.h"

#include "core/json.h"
#include "out_of_memory.h"
#include "serve/call.h"
#include "serve/v2.h"

enum { CLASSES = 3, NUMBERS = 12 };

#define DATA "1,2,3,4,5,6,7,8,9,10,11,12"
#define NESTED "[[[[1,2],[3,4]],[[5,6],[7,8]],[[9,10],[11,12]]]]"
#define TENSOR "{\"name\":\"tensor\",\"datatype\":\"FP32\",\"shape\":[1,3,2,2],"
#define IMAGE "{\"name\":\"image\",\"datatype\":\"BYTES\",\"shape\":"

static const char *const labels[] = {"Akita", "\"B\"", "\xe7\x8a\xac"};
static const dogb_model_facts facts = {"dogs", "7", labels, CLASSES, 2, 3};

typedef struct exchange {
    dogb_request r;
    dogb_reply reply;
    call_fields fields;
    dogb_v2 in;
    char body[2048];
    char length[32];
    const char *headers[3];
} exchange;

// JSON, and bytes behind it when size > 0.
static int give(exchange *x, const char *json, const void *bytes, size_t size) {
    size_t length = strlen(json);
    *x = (exchange){.headers = {"Inference-Header-Content-Length", x->length}};
    assert_true(length + size <= sizeof x->body);
    memcpy(x->body, json, length);
    if (size > 0) {
        memcpy(x->body + length, bytes, size);
        (void)snprintf(x->length, sizeof x->length, "%zu", length);
        x->fields.headers = x->headers;
    }
    x->r = call_request(&x->fields, "application/json", x->body, length + size);
    return dogb_v2_read(&x->in, &x->reply, &x->r, &facts);
}

static void expect_tensor(exchange *x) {
    assert_int_equal(x->in.input.count, 1);
    assert_int_equal(x->in.input.items[0].kind, DOGB_ITEM_TENSOR);
    for (int k = 0; k < NUMBERS; k++) {
        float value = 0;
        memcpy(&value, (const char *)x->in.input.items[0].bytes + (size_t)k * sizeof value,
               sizeof value);
        assert_true(value == (float)(k + 1));
    }
    dogb_arena_free(&x->r.arena);
}

static void tensors_are_read_from_json_and_bytes(void **state) {
    (void)state;
    exchange x;
    float numbers[NUMBERS];
    for (int k = 0; k < NUMBERS; k++) {
        numbers[k] = (float)(k + 1);
    }
    assert_ok(give(&x, "{\"inputs\":[" TENSOR "\"data\":[" DATA "]}]}", NULL, 0));
    expect_tensor(&x);
    assert_ok(give(&x, "{\"inputs\":[" TENSOR "\"data\":" NESTED "}]}", NULL, 0));
    expect_tensor(&x);
    assert_ok(give(&x, "{\"inputs\":[" TENSOR "\"parameters\":{\"binary_data_size\":48}}]} ",
                   numbers, sizeof numbers));
    expect_tensor(&x);
    assert_ok(give(&x, "{\"inputs\":[" TENSOR "\"parameters\":{\"binary_data_size\":48}}]}",
                   numbers, sizeof numbers));
    expect_tensor(&x); // at another address
}

static void pictures_are_read_from_json_and_bytes(void **state) {
    (void)state;
    exchange x;
    assert_ok(
        give(&x, "{\"inputs\":[" IMAGE "[2],\"data\":[\"b25l\",{\"b64\":\"dHc=\"}]}]}", NULL, 0));
    assert_int_equal(x.in.input.count, 2);
    assert_memory_equal(x.in.input.items[1].bytes, "tw", 2);
    assert_int_equal(x.in.input.items[1].kind, DOGB_ITEM_ENCODED);
    dogb_arena_free(&x.r.arena);
    assert_ok(give(&x, "{\"inputs\":[" IMAGE "[2,1],\"parameters\":{\"binary_data_size\":13}}]}",
                   "\5\0\0\0first\0\0\0\0", 13));
    assert_int_equal(x.in.input.count, 2);
    assert_int_equal(x.in.input.items[0].size, 5);
    assert_memory_equal(x.in.input.items[0].bytes, "first", 5);
    assert_int_equal(x.in.input.items[1].size, 0);
    dogb_arena_free(&x.r.arena);
}

static void parameters_say_what_is_wanted(void **state) {
    (void)state;
    exchange x;
    const char *image = IMAGE "[1],\"data\":[\"\"]}";
    char json[600];
    (void)snprintf(json, sizeof json, "{\"inputs\":[%s]}", image);
    assert_ok(give(&x, json, NULL, 0));
    assert_true(x.in.id == NULL && x.in.input.top == 1 && x.in.output_count == DOGB_V2_OUTPUTS);
    for (int32_t i = 0; i < DOGB_V2_OUTPUTS; i++) {
        assert_true(x.in.outputs[i].kind == i && x.in.outputs[i].binary == 0);
    }
    dogb_arena_free(&x.r.arena);
    (void)snprintf(json, sizeof json,
                   "{\"id\":\"a\",\"inputs\":[%s],\"parameters\":{\"top_k\":99,\"binary_data_"
                   "output\":true,\"x\":[1]},"
                   "\"outputs\":[{\"name\":\"label\"},{\"name\":\"logits\",\"parameters\":{"
                   "\"binary_data\":false}}]}",
                   image);
    assert_ok(give(&x, json, NULL, 0));
    assert_string_equal(x.in.id, "a");
    assert_true(x.in.input.top == CLASSES && x.in.output_count == 2);
    assert_true(x.in.outputs[0].kind == DOGB_V2_LABEL && x.in.outputs[0].binary == 1);
    assert_true(x.in.outputs[1].kind == DOGB_V2_LOGITS && x.in.outputs[1].binary == 0);
    dogb_arena_free(&x.r.arena);
    (void)snprintf(json, sizeof json, "{\"id\":null,\"inputs\":[%s],\"outputs\":[]}", image);
    assert_ok(give(&x, json, NULL, 0));
    assert_true(x.in.id == NULL && x.in.output_count == DOGB_V2_OUTPUTS);
    dogb_arena_free(&x.r.arena);
}

static void broken_requests_are_refused(void **state) {
    (void)state;
    static const char ok[] = IMAGE "[1],\"data\":[\"\"]}";
    static const struct {
        const char *inputs; // NULL: `rest` is the whole body
        const char *rest;
        const char *text;
    } rows[] = {
        {NULL, "", "not valid JSON"},
        {NULL, "[]", "no object"},
        {NULL, "{}", "one input"},
        {"", "", "one input"},
        {"[1]", "", "one input"},
        {"\"x\"", "", "one input"},
        {"{}", "", "shape of the input"},
        {"{\"name\":\"image\",\"datatype\":\"BYTES\",\"data\":[\"\"]}", "", "shape of the input"},
        {IMAGE "[1.5],\"data\":[\"\"]}", "", "shape of the input"},
        {IMAGE "[1,1,1,1,1],\"data\":[\"\"]}", "", "shape of the input"},
        {IMAGE "[],\"data\":[\"\"]}", "", "shape of the input"},
        {IMAGE "\"1\",\"data\":[\"\"]}", "", "shape of the input"},
        {IMAGE "[0],\"data\":[]}", "", "is not [N]"},
        {IMAGE "[-1],\"data\":[\"\"]}", "", "is not [N]"},
        {IMAGE "[1,2],\"data\":[\"\",\"\"]}", "", "is not [N]"},
        {IMAGE "[2],\"data\":[\"\"]}", "", "as many elements"},
        {IMAGE "[1],\"data\":\"x\"}", "", "as many elements"},
        {IMAGE "[1],\"data\":[1]}", "", "base64"},
        {IMAGE "[1],\"data\":[\"?\"]}", "", "base64"},
        {IMAGE "[1]}", "", "either data or"},
        {IMAGE "[1],\"data\":[\"\"],\"parameters\":{\"binary_data_size\":4}}", "",
         "either data or"},
        {IMAGE "[1],\"parameters\":{\"binary_data_size\":4}}", "", "binary_data_size is not"},
        {IMAGE "[1],\"parameters\":{\"binary_data_size\":-1}}", "", "binary_data_size is not"},
        {IMAGE "[1],\"parameters\":{\"binary_data_size\":\"0\"}}", "", "binary_data_size is not"},
        {"{\"name\":\"image\",\"datatype\":\"FP32\",\"shape\":[1],\"data\":[1]}", "", "datatype"},
        {"{\"name\":\"Image\",\"datatype\":\"BYTES\",\"shape\":[1],\"data\":[\"\"]}", "",
         "neither image nor tensor"},
        {"{\"datatype\":\"BYTES\",\"shape\":[1],\"data\":[\"\"]}", "", "neither image nor tensor"},
        {TENSOR "\"data\":[1]}", "", "as many numbers"},
        {TENSOR "\"data\":[\"1\"]}", "", "as many numbers"},
        {TENSOR "\"data\":[[1,2,3,4,5,6],[7,8,9,10,11,12]]}", "", "as many numbers"},
        {TENSOR "\"data\":[[1,2,3,4,5,6],7,8,9,10,11,12]}", "", "as many numbers"},
        {TENSOR "\"data\":[1e39,2,3,4,5,6,7,8,9,10,11,12]}", "", "too large"},
        {"{\"name\":\"tensor\",\"datatype\":\"FP32\",\"shape\":[9223372036854775807,3,2,2],"
         "\"data\":[1]}",
         "", "more than 3"},
        {"{\"name\":\"tensor\",\"datatype\":\"FP32\",\"shape\":[1,3,2,3],\"data\":[1]}", "",
         "shape is not"},
        {ok, ",\"parameters\":[1]", "parameters is no object"},
        {ok, ",\"parameters\":{\"binary_data_output\":1}", "binary_data_output"},
        {ok, ",\"parameters\":{\"top_k\":0}", "top_k"},
        {ok, ",\"parameters\":{\"top_k\":1.0}", "top_k"},
        {ok, ",\"parameters\":{\"top_k\":\"1\"}", "top_k"},
        {ok, ",\"id\":5", "id is no text"},
        {ok, ",\"outputs\":{}", "outputs is no array"},
        {ok, ",\"outputs\":[1]", "an output is none of"},
        {ok, ",\"outputs\":[{\"name\":\"Label\"}]", "an output is none of"},
        {ok, ",\"outputs\":[{\"name\":\"label\"},{\"name\":\"label\"}]", "there twice"},
        {ok, ",\"outputs\":[{\"name\":\"label\",\"parameters\":{\"binary_data\":\"yes\"}}]",
         "binary_data is neither"},
        {ok, ",\"inputs\":[]", "not valid JSON"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        exchange x;
        char json[1000];
        (void)snprintf(json, sizeof json, rows[i].inputs == NULL ? "%s%s" : "{\"inputs\":[%s]%s}",
                       rows[i].inputs == NULL ? "" : rows[i].inputs, rows[i].rest);
        assert_true(give(&x, json, NULL, 0) < 0);
        int many = strcmp(rows[i].text, "more than 3") == 0;
        if (x.reply.status != (many ? 413 : 400) ||
            strstr(call_body(&x.reply), rows[i].text) == NULL) {
            fail_msg("%s: %d %s", json, (int)x.reply.status, call_body(&x.reply));
        }
        dogb_arena_free(&x.r.arena);
    }
}

static void broken_bytes_are_refused(void **state) {
    (void)state;
    static const struct {
        const char *shape;
        const char *bytes;
        size_t size;
        const char *text;
    } rows[] = {
        {"[1]", "\1\0\0", 3, "inside of an element"},
        {"[1]", "\2\0\0\0x", 5, "inside of an element"},
        {"[1]", "\xff\xff\xff\xffx", 5, "inside of an element"},
        {"[2]", "\1\0\0\0x", 5, "inside of an element"},
        {"[1]", "\0\0\0\0x", 5, "more bytes than the shape"},
        {"[4]", "\0\0\0\0", 4, "more than 3"},
        {"[9223372036854775807]", "\0\0\0\0", 4, "more than 3"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        exchange x;
        char json[300];
        (void)snprintf(json, sizeof json,
                       "{\"inputs\":[" IMAGE "%s,\"parameters\":{\"binary_data_size\":%zu}}]}",
                       rows[i].shape, rows[i].size);
        assert_true(give(&x, json, rows[i].bytes, rows[i].size) < 0);
        assert_non_null(strstr(call_body(&x.reply), rows[i].text));
        dogb_arena_free(&x.r.arena);
    }
    static const float nan_first[NUMBERS] = {__builtin_nanf("")};
    exchange x;
    assert_true(give(&x, "{\"inputs\":[" TENSOR "\"parameters\":{\"binary_data_size\":48}}]}",
                     nan_first, 48) < 0);
    call_refused(&x.reply, 400, "FORMAT", "not finite");
    dogb_arena_free(&x.r.arena);
    assert_true(give(&x, "{\"inputs\":[" TENSOR "\"parameters\":{\"binary_data_size\":44}}]}",
                     nan_first, 44) < 0);
    call_refused(&x.reply, 400, "MISMATCH", "does not fit the shape");
    dogb_arena_free(&x.r.arena);
    assert_true(give(&x, "{\"inputs\":[" IMAGE "[1],\"data\":[\"\"]}]}", "tail", 4) < 0);
    call_refused(&x.reply, 400, "MISMATCH", "belong to no input");
    dogb_arena_free(&x.r.arena);
}

static void the_length_of_the_json_is_checked(void **state) {
    (void)state;
    static const char *const bad[] = {
        "", "-1", "+5", "5 ", "0x5", "999999", "99999999999999999999999", "5.0", " 5"};
    static const char body[] = "{\"inputs\":[" IMAGE "[1],\"data\":[\"\"]}]}";
    const char *headers[] = {"Inference-Header-Content-Length", NULL, NULL};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        call_fields fields = {.headers = headers};
        dogb_request r = call_request(&fields, "", body, strlen(body));
        dogb_reply reply = {.status = 0};
        dogb_v2 in;
        headers[1] = bad[i];
        assert_true(dogb_v2_read(&in, &reply, &r, &facts) < 0);
        call_refused(&reply, 400, "FORMAT", "Inference-Header-Content-Length");
        dogb_arena_free(&r.arena);
    }
}

// --- replies

static int answer(exchange *x, const char *more) {
    char json[600];
    (void)snprintf(json, sizeof json, "{\"inputs\":[" IMAGE "[2],\"data\":[\"\",\"\"]}]%s}", more);
    assert_ok(give(x, json, NULL, 0));
    memcpy(x->in.input.items[0].logits, (float[]){0, 1, 0.5F}, CLASSES * sizeof(float));
    memcpy(x->in.input.items[1].logits, (float[]){-0.25F, -100, 9}, CLASSES * sizeof(float));
    return dogb_v2_write(&x->reply, &x->r, &x->in, &facts);
}

static void replies_are_json(void **state) {
    (void)state;
    exchange x;
    assert_ok(answer(
        &x, ",\"id\":\"\\\"1\\\"\",\"parameters\":{\"top_k\":2},\"outputs\":[{\"name\":\"label\"},"
            "{\"name\":\"logits\"}]"));
    assert_string_equal(
        call_body(&x.reply),
        "{\"model_name\":\"dogs\",\"model_version\":\"7\",\"id\":\"\\\"1\\\"\",\"outputs\":["
        "{\"name\":\"label\",\"datatype\":\"BYTES\",\"shape\":[2,2],\"data\":[\"\\\"B\\\"\","
        "\"\xe7\x8a\xac\",\"\xe7\x8a\xac\",\"Akita\"]},"
        "{\"name\":\"logits\",\"datatype\":\"FP32\",\"shape\":[2,3],\"data\":[0.0,1.0,0.5,"
        "-0.25,-100.0,9.0]}]}");
    assert_string_equal(x.reply.type, "application/json");
    assert_int_equal(x.reply.status, 200);
    assert_int_equal(x.reply.header_count, 0);
    dogb_arena_free(&x.r.arena);
}

static void replies_have_bytes_behind_the_json(void **state) {
    (void)state;
    exchange x;
    assert_ok(answer(&x,
                     ",\"outputs\":[{\"name\":\"logits\",\"parameters\":{\"binary_data\":true}},"
                     "{\"name\":\"label\",\"parameters\":{\"binary_data\":true}}]"));
    static const char json[] =
        "{\"model_name\":\"dogs\",\"model_version\":\"7\",\"outputs\":["
        "{\"name\":\"logits\",\"datatype\":\"FP32\",\"shape\":[2,3],\"parameters\":"
        "{\"binary_data_size\":24}},{\"name\":\"label\",\"datatype\":\"BYTES\","
        "\"shape\":[2,1],\"parameters\":{\"binary_data_size\":14}}]}";
    static const float logits[] = {0, 1, 0.5F, -0.25F, -100, 9};
    const size_t length = sizeof json - 1;
    assert_int_equal(x.reply.size, length + 24 + 14);
    assert_memory_equal(x.reply.body, json, length);
    assert_memory_equal((const char *)x.reply.body + length, logits, sizeof logits);
    assert_memory_equal((const char *)x.reply.body + length + 24,
                        "\3\0\0\0\"B\"\3\0\0\0\xe7\x8a\xac", 14);
    assert_string_equal(x.reply.type, "application/octet-stream");
    assert_int_equal(x.reply.header_count, 1);
    assert_string_equal(x.reply.headers[0][0], "Inference-Header-Content-Length");
    assert_int_equal(atoi(x.reply.headers[0][1]), length);
    dogb_arena_free(&x.r.arena);
}

static void failed_pictures_fail_the_request(void **state) {
    (void)state;
    exchange x;
    assert_ok(answer(&x, ""));
    x.in.input.items[1].rc = DOGBREED_ERROR_FORMAT;
    (void)snprintf(x.in.input.items[1].message, sizeof x.in.input.items[1].message, "damaged");
    assert_int_equal(dogb_v2_write(&x.reply, &x.r, &x.in, &facts), DOGBREED_ERROR_FORMAT);
    call_refused(&x.reply, 422, "FORMAT", "damaged");
    x.in.input.items[1].rc = 0;
    x.in.input.items[1].logits[0] = __builtin_nanf("");
    for (int32_t i = 0; i < DOGB_V2_OUTPUTS; i++) {
        x.in.outputs[0].kind = i;
        x.in.output_count = 1;
        assert_int_equal(dogb_v2_write(&x.reply, &x.r, &x.in, &facts), DOGBREED_ERROR_NUMERIC);
        call_refused(&x.reply, 422, "NUMERIC", "not a number");
    }
    dogb_arena_free(&x.r.arena);
}

static void the_model_describes_itself(void **state) {
    (void)state;
    call_fields fields = {0};
    dogb_request r = call_request(&fields, "", NULL, 0);
    dogb_reply reply = {.status = 0};
    json_t *all = NULL;
    assert_ok(dogb_v2_model(&reply, &r, &facts));
    assert_string_equal(
        call_body(&reply),
        "{\"name\":\"dogs\",\"versions\":[\"7\"],\"platform\":\"libdogbreed_safetensors\","
        "\"inputs\":["
        "{\"name\":\"image\",\"datatype\":\"BYTES\",\"shape\":[-1]},"
        "{\"name\":\"tensor\",\"datatype\":\"FP32\",\"shape\":[-1,3,2,2]}],\"outputs\":["
        "{\"name\":\"logits\",\"datatype\":\"FP32\",\"shape\":[-1,3]},"
        "{\"name\":\"probabilities\",\"datatype\":\"FP32\",\"shape\":[-1,3]},"
        "{\"name\":\"label\",\"datatype\":\"BYTES\",\"shape\":[-1,-1]}]}");
    assert_ok(dogb_v2_server(&reply, &r));
    assert_ok(dogb_json_parse(&all, &r.arena, reply.body, reply.size, "reply"));
    assert_string_equal(json_string_value(json_object_get(all, "version")), dogbreed_version());
    assert_string_equal(json_string_value(json_array_get(json_object_get(all, "extensions"), 0)),
                        "binary_tensor_data");
    assert_ok(dogb_v2_find(&reply, &r, &facts, "dogs", ""));
    assert_ok(dogb_v2_find(&reply, &r, &facts, "dogs", "7"));
    assert_true(dogb_v2_find(&reply, &r, &facts, "dogs", "8") < 0);
    call_refused(&reply, 404, "NOT_FOUND", "no such version");
    assert_true(dogb_v2_find(&reply, &r, &facts, "cats", "") < 0);
    call_refused(&reply, 404, "NOT_FOUND", "no model of this name");
    dogb_arena_free(&r.arena);
}

// Names and texts are short: jansson's lexer loses a byte of a longer one, and says nothing, when
// its memory cannot grow.
static int exchange_all(void *userdata) {
    exchange x;
    (void)userdata;
    int rc = give(&x, "{\"inputs\":[" TENSOR "\"data\":" NESTED "}]}", NULL, 0);
    assert_true(rc == 0 || (x.reply.status == 503 && x.reply.size > 0));
    dogb_arena_free(&x.r.arena);
    if (rc == DOGBREED_OK) {
        rc = give(
            &x,
            "{\"inputs\":[" IMAGE "[1],\"data\":[\"dA==\"]}],\"outputs\":["
            "{\"name\":\"logits\",\"parameters\":{\"binary_data\":true}},{\"name\":\"label\"}]}",
            NULL, 0);
        rc = rc < 0 ? rc : dogb_v2_write(&x.reply, &x.r, &x.in, &facts);
        assert_true(rc == 0 || (x.reply.status == 503 && x.reply.size > 0));
        dogb_arena_free(&x.r.arena);
    }
    return rc;
}

static void memory_may_run_out(void **state) {
    (void)state;
    assert_true(memory_fails_each(exchange_all, NULL, 1) > 30);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tensors_are_read_from_json_and_bytes),
        cmocka_unit_test(pictures_are_read_from_json_and_bytes),
        cmocka_unit_test(parameters_say_what_is_wanted),
        cmocka_unit_test(broken_requests_are_refused),
        cmocka_unit_test(broken_bytes_are_refused),
        cmocka_unit_test(the_length_of_the_json_is_checked),
        cmocka_unit_test(replies_are_json),
        cmocka_unit_test(replies_have_bytes_behind_the_json),
        cmocka_unit_test(failed_pictures_fail_the_request),
        cmocka_unit_test(the_model_describes_itself),
        cmocka_unit_test(memory_may_run_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
