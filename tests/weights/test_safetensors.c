// test_safetensors.c - the reader, each of its refusals, and the writer.
#include "made_files.h"

#include "core/arena.h"
#include "weights/weights.h"

// One tensor "a", F32 [2] = {1, 2}: 72 bytes.
static const char golden[] = "\x38\0\0\0\0\0\0\0"
                             "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}  "
                             "\0\0\x80\x3f\0\0\0\x40";
enum { GOLDEN_SIZE = 72 };

// Writes a file of this header (length prefix made here) and `data_size` zero bytes, and opens it.
static int open_header(dogb_weights **out, const char *header, size_t data_size) {
    const char *path = scratch("header.safetensors");
    uint8_t bytes[4096] = {0};
    size_t length = strlen(header);
    assert_true(8 + length + data_size <= sizeof bytes);
    for (int i = 0; i < 8; i++) {
        bytes[i] = (uint8_t)((uint64_t)length >> (8 * i));
    }
    memcpy(bytes + 8, header, length);
    assert_ok(dogb_file_write(path, bytes, 8 + length + data_size));
    return dogb_weights_open(out, path);
}

static void test_reads_golden_file(void **state) {
    (void)state;
    dogb_weights *weights = NULL;
    const char *path = scratch("golden.safetensors");
    assert_ok(dogb_file_write(path, golden, GOLDEN_SIZE));
    assert_ok(dogb_weights_open(&weights, path));
    assert_int_equal(weights->count, 1);
    assert_string_equal(weights->format, "safetensors");
    const dogb_weight *a = dogb_weights_find(weights, "a");
    assert_non_null(a);
    assert_null(dogb_weights_find(weights, "b"));
    assert_int_equal(a->dtype, DOGB_F32);
    assert_int_equal(a->rank, 1);
    assert_int_equal(a->shape[0], 2);
    float values[2] = {0};
    assert_ok(dogb_weight_to_f32(values, 2, a));
    assert_true(values[0] == 1.0F && values[1] == 2.0F);
    assert_fails(dogb_weight_to_f32(values, 1, a), DOGBREED_ERROR_MISMATCH, "tensor a: 2 elements");
    dogb_weights_destroy(weights);
    dogb_weights_destroy(NULL);
}

static void test_writes_golden_bytes(void **state) {
    (void)state;
    static const float values[2] = {1, 2};
    const dogb_weight a = {
        .name = "a", .data = values, .bytes = 8, .dtype = DOGB_F32, .rank = 1, .shape = {2}};
    const char *path = scratch("written.safetensors");
    dogb_arena arena = {0};
    void *bytes = NULL;
    size_t size = 0;
    assert_ok(dogb_safetensors_write(path, &a, 1, NULL));
    assert_ok(dogb_file_read(&bytes, &size, &arena, path, 1000));
    assert_int_equal(size, GOLDEN_SIZE);
    assert_memory_equal(bytes, golden, GOLDEN_SIZE);
    dogb_arena_free(&arena);
}

static void test_writer_orders_by_alignment_then_name(void **state) {
    (void)state;
    static const uint8_t byte[1] = {7};
    static const int64_t number = -5;
    static const float values[2] = {1, 2};
    const dogb_weight tensors[] = {
        {.name = "z.bool", .data = byte, .bytes = 1, .dtype = DOGB_BOOL, .rank = 1, .shape = {1}},
        {.name = "b", .data = values, .bytes = 8, .dtype = DOGB_F32, .rank = 2, .shape = {1, 2}},
        {.name = "empty",
         .data = values,
         .bytes = 0,
         .dtype = DOGB_F32,
         .rank = 2,
         .shape = {0, 3}},
        {.name = "a", .data = values, .bytes = 4, .dtype = DOGB_F32, .rank = 0},
        {.name = "count", .data = &number, .bytes = 8, .dtype = DOGB_I64, .rank = 0},
    };
    static const char *const order[] = {"count", "a", "b", "empty", "z.bool"};
    const char *path = scratch("order.safetensors");
    dogb_weights *weights = NULL;
    dogb_arena arena = {0};
    json_t *metadata = dogb_json_object(&arena);
    json_t *back = NULL;
    assert_ok(dogb_json_set_text(metadata, "zeta", "last"));
    assert_ok(dogb_json_set_text(metadata, "format", "pt"));
    assert_ok(dogb_safetensors_write(path, tensors, 5, metadata));
    assert_ok(dogb_weights_open(&weights, path));
    assert_int_equal(weights->count, 5);
    for (size_t i = 0; i < 5; i++) {
        assert_string_equal(weights->tensors[i].name, order[i]);
    }
    assert_int_equal(*(const int64_t *)dogb_weights_find(weights, "count")->data, -5);
    assert_true(json_equal(weights->metadata, metadata));
    assert_ok(dogb_safetensors_metadata(&back, &arena, path));
    assert_true(json_equal(back, metadata));
    dogb_weights_destroy(weights);
    dogb_arena_free(&arena);
}

static void test_writer_refuses(void **state) {
    (void)state;
    static const float values[2] = {1, 2};
    dogb_weight pair[2] = {
        {.name = "a", .data = values, .bytes = 8, .dtype = DOGB_F32, .rank = 1, .shape = {2}},
        {.name = "a", .data = values, .bytes = 8, .dtype = DOGB_F32, .rank = 1, .shape = {2}}};
    const char *path = scratch("refused.safetensors");
    assert_fails(dogb_safetensors_write(path, pair, 2, NULL), DOGBREED_ERROR_INVALID_ARGUMENT,
                 "two tensors are named a");
    pair[1].name = "__metadata__";
    assert_fails(dogb_safetensors_write(path, pair, 2, NULL), DOGBREED_ERROR_INVALID_ARGUMENT,
                 "cannot be written");
    pair[1].name = "\xff";
    assert_fails(dogb_safetensors_write(path, pair, 2, NULL), DOGBREED_ERROR_INVALID_ARGUMENT,
                 "cannot be written");
    pair[1].name = "b";
    pair[1].shape[0] = 3;
    assert_fails(dogb_safetensors_write(path, pair, 2, NULL), DOGBREED_ERROR_INVALID_ARGUMENT,
                 "do not fit its shape");
    assert_false(dogb_file_exists(path));
    dogb_arena arena = {0};
    json_t *metadata = dogb_json_object(&arena);
    assert_ok(dogb_json_set_int(metadata, "epoch", 3));
    assert_fails(dogb_safetensors_write(path, pair, 1, metadata), DOGBREED_ERROR_INVALID_ARGUMENT,
                 "\"epoch\" is not a string");
    dogb_arena_free(&arena);
    assert_fails(dogb_safetensors_write(scratch("none/x.safetensors"), pair, 1, NULL),
                 DOGBREED_ERROR_NOT_FOUND, "none/x.safetensors");
}

#define T(dtype, shape, offsets)                                                                   \
    "{\"dtype\":\"" dtype "\",\"shape\":" shape ",\"data_offsets\":" offsets "}"

static void test_refusals(void **state) {
    (void)state;
    // Header, bytes of data behind it, code, part of the message.
    static const struct {
        const char *header;
        size_t data;
        int code;
        const char *part;
    } cases[] = {
        {"", 9, DOGBREED_ERROR_FORMAT, "does not start with '{'"},
        {" {}", 0, DOGBREED_ERROR_FORMAT, "does not start with '{'"},
        {"{\"a\":", 0, DOGBREED_ERROR_FORMAT, "not valid JSON"},
        {"{} x", 0, DOGBREED_ERROR_FORMAT, "not valid JSON"},
        {"{\"\xff\":1}", 0, DOGBREED_ERROR_FORMAT, "unable to decode byte 0xff"},
        {"{\"a\":" T("F32", "[1]", "[0,4]") ",\"a\":" T("F32", "[1]", "[4,8]") "}", 8,
         DOGBREED_ERROR_FORMAT, "duplicate object key"},
        {"{\"a\":[]}", 0, DOGBREED_ERROR_FORMAT, "tensor a: not an object"},
        {"{\"a\":{}}", 0, DOGBREED_ERROR_FORMAT, "\"dtype\" is not a string"},
        {"{\"a\":" T("F33", "[1]", "[0,4]") "}", 4, DOGBREED_ERROR_FORMAT, "unknown dtype \"F33\""},
        {"{\"a\":" T("F4", "[2]", "[0,1]") "}", 1, DOGBREED_ERROR_UNSUPPORTED,
         "dtype F4 is not supported"},
        {"{\"a\":" T("F32", "2", "[0,8]") "}", 8, DOGBREED_ERROR_FORMAT,
         "\"shape\" is not an array"},
        {"{\"a\":" T("F32", "[1,1,1,1,1,1,1,1,1]", "[0,4]") "}", 4, DOGBREED_ERROR_UNSUPPORTED,
         "9 dimensions, at most 8"},
        {"{\"a\":" T("F32", "[1,-1]", "[0,4]") "}", 4, DOGBREED_ERROR_FORMAT,
         "dimension 1 is not a whole number"},
        {"{\"a\":" T("F32", "[1.5]", "[0,4]") "}", 4, DOGBREED_ERROR_FORMAT,
         "dimension 0 is not a whole number"},
        {"{\"a\":" T("F32", "[1e30]", "[0,4]") "}", 4, DOGBREED_ERROR_FORMAT,
         "dimension 0 is not a whole number"},
        {"{\"a\":" T("F32", "[99999999999999999999]", "[0,4]") "}", 4, DOGBREED_ERROR_FORMAT,
         "too big integer"},
        {"{\"a\":" T("F32", "[4294967296,4294967296]", "[0,0]") "}", 0, DOGBREED_ERROR_FORMAT,
         "product overflows"},
        {"{\"a\":" T("F32", "[0,4294967296,4294967296]", "[0,0]") "}", 0, DOGBREED_ERROR_FORMAT,
         "product overflows"},
        {"{\"a\":" T("F32", "[1]", "[0]") "}", 4, DOGBREED_ERROR_FORMAT,
         "\"data_offsets\" is not a pair"},
        {"{\"a\":" T("F32", "[1]", "[-4,0]") "}", 4, DOGBREED_ERROR_FORMAT,
         "\"data_offsets\" is not a pair"},
        {"{\"a\":" T("F32", "[1]", "[4,0]") "}", 4, DOGBREED_ERROR_FORMAT, "behind its end"},
        {"{\"a\":" T("F32", "[2]", "[0,4]") "}", 4, DOGBREED_ERROR_FORMAT,
         "4 bytes of data, its shape needs 8"},
        {"{\"a\":" T("F32", "[1]", "[4,8]") "}", 8, DOGBREED_ERROR_FORMAT, "leaving a gap"},
        {"{\"a\":" T("F32", "[2]", "[0,8]") ",\"b\":" T("F32", "[1]", "[4,8]") "}", 8,
         DOGBREED_ERROR_FORMAT, "overlapping"},
        {"{\"a\":" T("F32", "[2]", "[0,8]") "}", 7, DOGBREED_ERROR_FORMAT, "cut short"},
        {"{\"a\":" T("F32", "[2]", "[0,8]") "}", 9, DOGBREED_ERROR_FORMAT, "too many"},
        {"{\"__metadata__\":{\"n\":1}}", 0, DOGBREED_ERROR_FORMAT, "member \"n\" is not a string"},
        {"{\"__metadata__\":[]}", 0, DOGBREED_ERROR_FORMAT, "__metadata__ is not an object"},
        {"{\"a\":[[[[1]]]]}", 0, DOGBREED_ERROR_FORMAT, "nests deeper than 4"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        dogb_weights *weights = NULL;
        assert_fails(open_header(&weights, cases[i].header, cases[i].data), cases[i].code,
                     cases[i].part);
        assert_null(weights);
        assert_non_null(strstr(dogbreed_error_message(), "header.safetensors"));
    }
}

static void test_refuses_lengths(void **state) {
    (void)state;
    dogb_weights *weights = NULL;
    const char *path = scratch("length.safetensors");
    assert_ok(dogb_file_write(path, "1234567", 7));
    assert_fails(dogb_weights_open(&weights, path), DOGBREED_ERROR_FORMAT,
                 "7 bytes, a safetensors");
    assert_ok(dogb_file_write(path, "", 0));
    assert_fails(dogb_weights_open(&weights, path), DOGBREED_ERROR_FORMAT,
                 "0 bytes, a safetensors");
    assert_ok(dogb_file_write(path, "\x01\xe1\xf5\x05\0\0\0\0{}", 10)); // 100000001
    assert_fails(dogb_weights_open(&weights, path), DOGBREED_ERROR_FORMAT, "at most 100000000");
    assert_ok(dogb_file_write(path, "\3\0\0\0\0\0\0\0{}", 10));
    assert_fails(dogb_weights_open(&weights, path), DOGBREED_ERROR_FORMAT,
                 "does not fit in a file");
    assert_fails(dogb_weights_open(&weights, scratch("absent")), DOGBREED_ERROR_NOT_FOUND,
                 "absent");
    assert_fails(dogb_weights_open(&weights, scratch_folder), DOGBREED_ERROR_FORMAT,
                 "not a regular file");
}

static void test_accepts_unusual(void **state) {
    (void)state;
    dogb_weights *weights = NULL;
    assert_ok(open_header(&weights, "{}", 0));
    assert_int_equal(weights->count, 0);
    assert_null(dogb_weights_find(weights, "a"));
    dogb_weights_destroy(weights);
    // Data of 8-byte elements at an odd address is copied to an even one; unknown members are
    // ignored; order of the file is by offset.
    assert_ok(
        open_header(&weights,
                    "{\"b\":" T("U8", "[3]", "[8,11]") ",\"a\":{\"dtype\":\"I64\",\"shape\":"
                                                       "[],\"data_offsets\":[0,8],\"more\":1},"
                                                       "\"c\":" T("F32", "[0,5]", "[8,8]") "}",
                    11));
    assert_int_equal(weights->count, 3);
    assert_string_equal(weights->tensors[0].name, "a");
    assert_string_equal(weights->tensors[1].name, "c");
    assert_int_equal((uintptr_t)weights->tensors[0].data % 8, 0);
    dogb_weights_destroy(weights);
}

static void test_every_cut_and_flip(void **state) {
    (void)state;
    const char *path = scratch("hostile.safetensors");
    char bytes[GOLDEN_SIZE];
    for (size_t size = 0; size < GOLDEN_SIZE; size++) {
        dogb_weights *weights = NULL;
        assert_ok(dogb_file_write(path, golden, size));
        assert_int_equal(dogb_weights_open(&weights, path), DOGBREED_ERROR_FORMAT);
        assert_null(weights);
    }
    for (size_t bit = 0; bit < (size_t)GOLDEN_SIZE * 8; bit++) {
        dogb_weights *weights = NULL;
        memcpy(bytes, golden, sizeof bytes);
        bytes[bit / 8] = (char)(bytes[bit / 8] ^ (1 << (bit % 8)));
        assert_ok(dogb_file_write(path, bytes, sizeof bytes));
        if (dogb_weights_open(&weights, path) == DOGBREED_OK) {
            assert_true(weights->count <= 1);
        }
        dogb_weights_destroy(weights);
    }
}

static void test_real_file(void **state) {
    (void)state;
    test_data_or_skip(path, "weights/mobilenet_v2-imagenet.safetensors");
    dogb_weights *weights = NULL;
    assert_ok(dogb_weights_open(&weights, path));
    assert_int_equal(weights->count, 314);
    const dogb_weight *last = dogb_weights_find(weights, "classifier.1.weight");
    assert_non_null(last);
    assert_int_equal(last->shape[0], 1000);
    assert_int_equal(last->shape[1], 1280);
    assert_string_equal(json_string_value(json_object_get(weights->metadata, "architecture")),
                        "mobilenet_v2");
    dogb_weights_destroy(weights);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reads_golden_file),
        cmocka_unit_test(test_writes_golden_bytes),
        cmocka_unit_test(test_writer_orders_by_alignment_then_name),
        cmocka_unit_test(test_writer_refuses),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_refuses_lengths),
        cmocka_unit_test(test_accepts_unusual),
        cmocka_unit_test(test_every_cut_and_flip),
        cmocka_unit_test(test_real_file),
    };
    return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
