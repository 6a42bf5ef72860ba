// test_verify.c - the public function verify: files that fit a network and files that do not.
#include "made_files.h"

#include "arch/arch.h"
#include "core/json.h"
#include "graph/graph.h"
#include "weights/weights.h"

typedef struct network {
    dogb_arena arena;
    dogb_weight *tensors;
    size_t count;
} network;

// All parameters of `tiny`, zeros.
static void make_network(network *out, int32_t classes) {
    const dogb_arch *arch = NULL;
    dogb_graph *graph = NULL;
    const dogb_arch_options options = {.head = "original", .classes = classes};
    memset(out, 0, sizeof *out);
    assert_ok(dogb_arch_find(&arch, "tiny"));
    assert_ok(dogb_arch_build(&graph, arch, &options));
    out->count = (size_t)graph->param_count;
    out->tensors = dogb_alloc(&out->arena, out->count, sizeof *out->tensors);
    assert_non_null(out->tensors);
    for (size_t i = 0; i < out->count; i++) {
        const dogb_param *param = &graph->params[i];
        dogb_weight *tensor = &out->tensors[i];
        int counter = param->role == DOGB_ROLE_COUNTER;
        tensor->name = dogb_strdup(&out->arena, param->name);
        tensor->dtype = counter ? DOGB_I64 : DOGB_F32;
        tensor->rank = param->rank;
        memcpy(tensor->shape, param->shape, sizeof param->shape);
        tensor->bytes = (size_t)param->count * dogb_dtype_size(tensor->dtype);
        tensor->data = dogb_alloc(&out->arena, tensor->bytes, 1);
        assert_non_null(tensor->data);
    }
    dogb_graph_destroy(graph);
}

static json_t *verify(dogb_arena *arena, const char *path, const char *architecture) {
    char *text = NULL;
    json_t *result = NULL;
    assert_ok(dogbreed_weights_verify(&text, path, architecture));
    assert_ok(dogb_json_parse(&result, arena, text, strlen(text), "verify"));
    dogbreed_free(text);
    return result;
}

static size_t length(const json_t *result, const char *key) {
    const json_t *list = json_object_get(result, key);
    assert_true(json_is_array(list));
    return json_array_size(list);
}

static const char *first(const json_t *result, const char *key) {
    return json_string_value(json_array_get(json_object_get(result, key), 0));
}

static void assert_counts(const json_t *result, size_t problems, size_t missing, size_t unexpected,
                          size_t mismatched) {
    assert_int_equal(length(result, "problems"), problems);
    assert_int_equal(length(result, "missing"), missing);
    assert_int_equal(length(result, "unexpected"), unexpected);
    assert_int_equal(length(result, "mismatched"), mismatched);
    assert_int_equal(json_is_true(json_object_get(result, "ok")),
                     problems + missing + unexpected + mismatched == 0);
}

static void test_fits(void **state) {
    (void)state;
    network tiny;
    dogb_arena arena = {0};
    const char *path = scratch("tiny.safetensors");
    make_network(&tiny, 7); // the classifier's own number of classes is taken from the file
    assert_ok(dogb_safetensors_write(path, tiny.tensors, tiny.count, NULL));
    assert_counts(verify(&arena, path, "tiny"), 0, 0, 0, 0);
    assert_counts(verify(&arena, path, NULL), 0, 0, 0, 0);
    const json_t *result = verify(&arena, path, "resnet18");
    assert_true(json_is_false(json_object_get(result, "ok")));
    assert_true(length(result, "missing") > 0);
    dogb_arena_free(&tiny.arena);
    dogb_arena_free(&arena);
}

static void test_does_not_fit(void **state) {
    (void)state;
    network tiny;
    dogb_arena arena = {0};
    const char *path = scratch("tiny.safetensors");
    make_network(&tiny, 7);
    tiny.tensors[0].name = "other";
    assert_ok(dogb_safetensors_write(path, tiny.tensors, tiny.count, NULL));
    const json_t *result = verify(&arena, path, "tiny");
    assert_counts(result, 0, 1, 1, 0);
    assert_string_equal(first(result, "unexpected"), "other");
    dogb_arena_free(&tiny.arena);

    make_network(&tiny, 7);
    const char *name = tiny.tensors[0].name;
    int64_t swapped = tiny.tensors[0].shape[0];
    tiny.tensors[0].shape[0] = tiny.tensors[0].shape[1];
    tiny.tensors[0].shape[1] = swapped;
    assert_ok(dogb_safetensors_write(path, tiny.tensors, tiny.count, NULL));
    result = verify(&arena, path, "tiny");
    assert_counts(result, 0, 0, 0, 1);
    assert_memory_equal(first(result, "mismatched"), name, strlen(name));
    assert_non_null(strstr(first(result, "mismatched"), ", expected ["));
    dogb_arena_free(&tiny.arena);
    dogb_arena_free(&arena);
}

static void test_counters_may_be_missing(void **state) {
    (void)state;
    network tiny;
    dogb_arena arena = {0};
    const char *path = scratch("old.safetensors");
    size_t kept = 0;
    make_network(&tiny, 7);
    for (size_t i = 0; i < tiny.count; i++) {
        if (tiny.tensors[i].dtype != DOGB_I64) {
            tiny.tensors[kept++] = tiny.tensors[i];
        }
    }
    assert_true(kept < tiny.count);
    assert_ok(dogb_safetensors_write(path, tiny.tensors, kept, NULL));
    assert_counts(verify(&arena, path, "tiny"), 0, 0, 0, 0);
    dogb_arena_free(&tiny.arena);
    dogb_arena_free(&arena);
}

static void test_numbers(void **state) {
    (void)state;
    static const uint32_t floats[4] = {0x7fc00000, 0x7f800000, 0xff800000, 0x3f800000};
    static const double doubles[2] = {1e300, 1};
    static const uint16_t halves[2] = {0x7e00, 0x3c00};
    const dogb_weight tensors[] = {
        {.name = "f", .data = floats, .bytes = 16, .dtype = DOGB_F32, .rank = 1, .shape = {4}},
        {.name = "d", .data = doubles, .bytes = 16, .dtype = DOGB_F64, .rank = 1, .shape = {2}},
        {.name = "h", .data = halves, .bytes = 4, .dtype = DOGB_F16, .rank = 1, .shape = {2}},
        {.name = "c", .data = floats, .bytes = 16, .dtype = DOGB_C64, .rank = 1, .shape = {2}},
    };
    dogb_arena arena = {0};
    const char *path = scratch("numbers.safetensors");
    assert_ok(dogb_safetensors_write(path, tensors, 4, NULL));
    const json_t *result = verify(&arena, path, NULL);
    assert_counts(result, 2, 0, 0, 0);
    assert_int_equal(json_integer_value(json_object_get(result, "nan")), 2);
    assert_int_equal(json_integer_value(json_object_get(result, "infinite")), 2);
    assert_int_equal(json_integer_value(json_object_get(result, "elements")), 10);
    assert_string_equal(first(result, "problems"), "tensor f: 1 NaN, 2 infinite");
    dogb_arena_free(&arena);
}

static void test_checksums(void **state) {
    (void)state;
    static const float values[2] = {1, 2};
    const dogb_weight a = {
        .name = "a", .data = values, .bytes = 8, .dtype = DOGB_F32, .rank = 1, .shape = {2}};
    dogb_arena arena = {0};
    void *bytes = NULL;
    size_t size = 0;
    const char *path = scratch("sum.pth");
    assert_ok(dogb_pth_write(path, &a, 1));
    assert_counts(verify(&arena, path, NULL), 0, 0, 0, 0);
    assert_ok(dogb_file_read(&bytes, &size, &arena, path, 1 << 20));
    for (size_t i = 0; i + 8 <= size; i++) {
        if (memcmp((char *)bytes + i, values, 8) == 0) {
            ((char *)bytes)[i + 1] ^= 1;
        }
    }
    scratch_write(path, bytes, size);
    const json_t *result = verify(&arena, path, NULL);
    assert_counts(result, 1, 0, 0, 0);
    assert_non_null(strstr(first(result, "problems"), "entry archive/data/0: CRC-32 "));
    dogb_arena_free(&arena);
}

static void test_errors(void **state) {
    (void)state;
    char *text = NULL;
    const char *path = scratch("bad.safetensors");
    scratch_write(path, "1234567", 7);
    assert_fails(dogbreed_weights_verify(&text, path, NULL), DOGBREED_ERROR_FORMAT, "7 bytes");
    assert_null(text);
    assert_fails(dogbreed_weights_verify(&text, scratch("none"), NULL), DOGBREED_ERROR_NOT_FOUND,
                 "none");
    const dogb_weight none = {.name = "x"};
    assert_ok(dogb_safetensors_write(path, &none, 0, NULL));
    assert_fails(dogbreed_weights_verify(&text, path, "tinny"), DOGBREED_ERROR_NOT_FOUND,
                 "did you mean tiny?");
    assert_fails(dogbreed_weights_verify(&text, NULL, NULL), DOGBREED_ERROR_INVALID_ARGUMENT,
                 "path");
    assert_fails(dogbreed_weights_verify(NULL, path, NULL), DOGBREED_ERROR_INVALID_ARGUMENT,
                 "json");
}

static void test_real_files(void **state) {
    (void)state;
    static const char *const names[] = {"mobilenet_v2", "squeezenet1_1"};
    test_data_or_skip(folder, "weights/mobilenet_v2-imagenet.safetensors");
    *strrchr(folder, '/') = '\0';
    for (size_t i = 0; i < 2; i++) {
        dogb_arena arena = {0};
        char path[2048];
        (void)snprintf(path, sizeof path, "%s/%s-imagenet.safetensors", folder, names[i]);
        assert_counts(verify(&arena, path, names[i]), 0, 0, 0, 0);
        dogb_arena_free(&arena);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fits),
        cmocka_unit_test(test_does_not_fit),
        cmocka_unit_test(test_counters_may_be_missing),
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_checksums),
        cmocka_unit_test(test_errors),
        cmocka_unit_test(test_real_files),
    };
    return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
