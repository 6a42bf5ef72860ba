// test_output.c - logits as replies: which format is chosen, what stands in it, failed pictures.
#include "test.h"

#include "core/json.h"
#include "out_of_memory.h"
#include "serve/call.h"
#include "serve/output.h"

#include <dogbreed/serve.h>
#include <math.h>

enum { CLASSES = 3 };

static const char *const labels[] = {"Akita", "\"B\"\n", "\xe7\x8a\xac"};
static const dogb_model_facts facts = {"dogs", "7", labels, CLASSES, 2, 9};

typedef struct exchange {
    dogb_request r;
    dogb_reply reply;
    call_fields fields;
    dogb_item items[2];
    float logits[2][CLASSES];
    dogb_input in;
} exchange;

static void start(exchange *x, int32_t count) {
    *x = (exchange){.logits = {{0.5F, -2, 1e-7F}, {1, 2, 3}}};
    x->r = call_request(&x->fields, "", NULL, 0);
    x->in = (dogb_input){.items = x->items, .count = count};
    for (int i = 0; i < 2; i++) {
        x->items[i].logits = x->logits[i];
    }
}

static const char *accept(exchange *x, const char *text) {
    x->r.accept = text;
    x->reply = (dogb_reply){.status = 0};
    assert_ok(dogb_output_write(&x->reply, &x->r, &x->in, &facts));
    assert_int_equal(x->reply.status, 200);
    return call_body(&x->reply);
}

static void logits_are_rows_of_numbers(void **state) {
    (void)state;
    exchange x;
    start(&x, 2);
    assert_string_equal(accept(&x, ""), "[[0.5,-2.0,1e-07],[1.0,2.0,3.0]]");
    assert_string_equal(x.reply.type, "application/json");
    assert_string_equal(accept(&x, "text/csv"), "0.5,-2.0,1e-07\n1.0,2.0,3.0\n");
    assert_string_equal(x.reply.type, "text/csv");
    (void)accept(&x, "application/x-npy");
    assert_string_equal(x.reply.type, "application/x-npy");
    assert_int_equal(x.reply.size % 64, sizeof x.logits);
    assert_memory_equal((const char *)x.reply.body + x.reply.size - sizeof x.logits, x.logits,
                        sizeof x.logits);
    dogb_arena_free(&x.r.arena);
}

static void scores_are_the_same_text(void **state) {
    (void)state;
    float scores[] = {0.5F, -2, 1e-7F, 1, 2, 3};
    char *text = NULL;
    assert_ok(dogbreed_scores_json(&text, scores, 2, CLASSES));
    assert_string_equal(text, "[[0.5,-2.0,1e-07],[1.0,2.0,3.0]]");
    dogbreed_free(text);
    assert_fails(dogbreed_scores_json(&text, scores, 0, CLASSES), DOGBREED_ERROR_INVALID_ARGUMENT,
                 "scores json");
    assert_null(text);
    scores[4] = INFINITY;
    assert_fails(dogbreed_scores_json(&text, scores, 2, CLASSES), DOGBREED_ERROR_NUMERIC, "");
    assert_null(text);
}

static void accept_chooses_the_format(void **state) {
    (void)state;
    static const char *const rows[][2] = {
        {"*/*", "application/json"},
        {"application/*", "application/json"},
        {"text/*", "text/csv"},
        {"application/json;q=0.1, application/x-npy;q=0.2", "application/x-npy"},
        {"application/vnd.dogbreed+json", "application/vnd.dogbreed+json"},
        {"application/json;q=0, */*", "application/vnd.dogbreed+json"},
        {"image/png", "application/json"}}; // nothing fits: the standard one
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        exchange x;
        start(&x, 1);
        (void)accept(&x, rows[i][0]);
        assert_string_equal(x.reply.type, rows[i][1]);
        dogb_arena_free(&x.r.arena);
    }
}

static void predictions_have_labels_and_times(void **state) {
    (void)state;
    exchange x;
    dogb_arena arena = {0};
    json_t *all = NULL;
    start(&x, 1);
    x.in.top = 2;
    x.items[0].decode_ns = 1499;
    x.items[0].queue_ns = 1500;
    x.items[0].model_ns = 2000000;
    x.items[0].warnings = DOGB_ITEM_EXIF_IGNORED;
    x.r.received -= 5000000;
    (void)accept(&x, "text/csv"); // top_k wins
    assert_string_equal(x.reply.type, "application/vnd.dogbreed+json");
    assert_ok(dogb_json_parse(&all, &arena, x.reply.body, x.reply.size, "reply"));
    const json_t *predictions = json_object_get(all, "predictions");
    assert_int_equal(json_array_size(predictions), 2);
    const json_t *first = json_array_get(predictions, 0);
    assert_string_equal(json_string_value(json_object_get(first, "label")), labels[0]);
    assert_int_equal(json_integer_value(json_object_get(first, "index")), 0);
    double p = exp(0.5) / (exp(0.5) + exp(-2) + exp(1e-7));
    assert_true((float)json_real_value(json_object_get(first, "probability")) == (float)p);
    first = json_array_get(predictions, 1);
    assert_string_equal(json_string_value(json_object_get(first, "label")), labels[2]);
    const json_t *times = json_object_get(all, "timing_us");
    assert_int_equal(json_integer_value(json_object_get(times, "decode")), 1);
    assert_int_equal(json_integer_value(json_object_get(times, "queue")), 2);
    assert_int_equal(json_integer_value(json_object_get(times, "model")), 2000);
    assert_in_range(json_integer_value(json_object_get(times, "overhead")), 3000, 60000000);
    const json_t *model = json_object_get(all, "model");
    assert_string_equal(json_string_value(json_object_get(model, "name")), "dogs");
    assert_string_equal(json_string_value(json_object_get(model, "version")), "7");
    const json_t *warnings = json_object_get(all, "warnings");
    assert_int_equal(json_array_size(warnings), 1);
    assert_string_equal(json_string_value(json_array_get(warnings, 0)), "exif_orientation_ignored");
    assert_int_equal(json_object_size(all), 4);
    dogb_arena_free(&arena);
    dogb_arena_free(&x.r.arena);
}

static void several_pictures_have_results(void **state) {
    (void)state;
    exchange x;
    dogb_arena arena = {0};
    json_t *all = NULL;
    start(&x, 2);
    x.items[0].rc = DOGBREED_ERROR_UNSUPPORTED;
    (void)snprintf(x.items[0].message, sizeof x.items[0].message, "is WebP, expected JPEG or PNG");
    assert_ok(dogb_predict_write(&x.reply, &x.r, &x.in, &facts));
    assert_string_equal(x.reply.type, "application/json");
    assert_ok(dogb_json_parse(&all, &arena, x.reply.body, x.reply.size, "reply"));
    const json_t *results = json_object_get(all, "results");
    assert_int_equal(json_array_size(results), 2);
    const json_t *failed = json_array_get(results, 0);
    assert_string_equal(json_string_value(json_object_get(failed, "error")),
                        "is WebP, expected JPEG or PNG");
    assert_string_equal(json_string_value(json_object_get(failed, "code")), "UNSUPPORTED");
    const json_t *best = json_object_get(json_array_get(results, 1), "predictions");
    assert_int_equal(json_array_size(best), CLASSES); // fewer than the standard number
    dogb_arena_free(&arena);
    dogb_arena_free(&x.r.arena);
}

static void failed_pictures_fail_the_request(void **state) {
    (void)state;
    static const struct {
        int rc;
        int32_t status;
        const char *code;
        const char *text;
    } rows[] = {{DOGBREED_ERROR_FORMAT, 422, "FORMAT", "shown"},
                {DOGBREED_ERROR_UNSUPPORTED, 422, "UNSUPPORTED", "shown"},
                {DOGBREED_ERROR_INVALID_ARGUMENT, 422, "INVALID_ARGUMENT", "shown"},
                {DOGBREED_ERROR_NUMERIC, 422, "NUMERIC", "not a number"},
                {DOGBREED_ERROR_TIMEOUT, 503, "TIMEOUT", "deadline"},
                {DOGBREED_ERROR_CANCELLED, 503, "CANCELLED", "stopping"},
                {DOGBREED_ERROR_NO_MEMORY, 503, "NO_MEMORY", "memory"},
                {DOGBREED_ERROR_DEVICE, 500, "INTERNAL", "internal error"},
                {DOGBREED_ERROR_IO, 500, "INTERNAL", "internal error"},
                {-1000, 500, "INTERNAL", "internal error"}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        exchange x;
        start(&x, 2);
        x.items[1].rc = rows[i].rc;
        (void)snprintf(x.items[1].message, sizeof x.items[1].message, "shown");
        assert_int_equal(dogb_output_write(&x.reply, &x.r, &x.in, &facts), rows[i].rc);
        call_refused(&x.reply, rows[i].status, rows[i].code, rows[i].text);
        x.items[0] = x.items[1];
        assert_int_equal(dogb_predict_write(&x.reply, &x.r, &x.in, &facts), rows[i].rc);
        call_refused(&x.reply, rows[i].status, rows[i].code, rows[i].text);
        dogb_arena_free(&x.r.arena);
    }
}

static void outputs_that_are_no_numbers_are_errors(void **state) {
    (void)state;
    static const float bad[] = {NAN, INFINITY, -INFINITY};
    for (size_t i = 0; i < 3; i++) {
        exchange x;
        start(&x, 1);
        x.logits[0][2] = bad[i];
        assert_int_equal(dogb_output_write(&x.reply, &x.r, &x.in, &facts), DOGBREED_ERROR_NUMERIC);
        call_refused(&x.reply, 422, "NUMERIC", "not a number");
        assert_int_equal(dogb_predict_write(&x.reply, &x.r, &x.in, &facts), DOGBREED_ERROR_NUMERIC);
        call_refused(&x.reply, 422, "NUMERIC", "not a number");
        dogb_arena_free(&x.r.arena);
    }
}

static int write_all(void *userdata) {
    static const char *const types[] = {"", "text/csv", "application/x-npy",
                                        "application/vnd.dogbreed+json"};
    int rc = DOGBREED_OK;
    (void)userdata;
    for (size_t i = 0; rc == DOGBREED_OK && i < sizeof types / sizeof types[0]; i++) {
        exchange x;
        start(&x, 2);
        x.r.accept = types[i];
        rc = dogb_output_write(&x.reply, &x.r, &x.in, &facts);
        assert_true(rc == 0 || (x.reply.status == 503 && x.reply.size > 0));
        dogb_arena_free(&x.r.arena);
    }
    return rc;
}

static void memory_may_run_out(void **state) {
    (void)state;
    assert_true(memory_fails_each(write_all, NULL, 1) > 10);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(logits_are_rows_of_numbers),
        cmocka_unit_test(scores_are_the_same_text),
        cmocka_unit_test(accept_chooses_the_format),
        cmocka_unit_test(predictions_have_labels_and_times),
        cmocka_unit_test(several_pictures_have_results),
        cmocka_unit_test(failed_pictures_fail_the_request),
        cmocka_unit_test(outputs_that_are_no_numbers_are_errors),
        cmocka_unit_test(memory_may_run_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
