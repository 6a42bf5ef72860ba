// test_pth.c - files that torch wrote, and files that were written as old versions of it did; the
// writer.
#include "made_files.h"

#include "weights/weights.h"
#include "weights/zip.h"

static const char *golden(const char *name) {
    char path[128];
    (void)snprintf(path, sizeof path, "weights/golden/%s", name);
    return test_file(path);
}

// Every tensor of `path` is bit-equal to its namesake in expected.safetensors.
static void assert_expected(const char *path, const char *format, size_t count) {
    dogb_weights *expected = NULL;
    dogb_weights *weights = NULL;
    assert_ok(dogb_weights_open(&expected, golden("expected.safetensors")));
    assert_ok(dogb_weights_open(&weights, path));
    assert_string_equal(weights->format, format);
    assert_int_equal(weights->count, count);
    for (size_t i = 0; i < weights->count; i++) {
        const dogb_weight *tensor = &weights->tensors[i];
        const dogb_weight *other = dogb_weights_find(expected, tensor->name);
        assert_non_null(other);
        assert_int_equal(tensor->dtype, other->dtype);
        assert_int_equal(tensor->rank, other->rank);
        for (int32_t k = 0; k < tensor->rank; k++) {
            assert_int_equal(tensor->shape[k], other->shape[k]);
        }
        assert_int_equal(tensor->bytes, other->bytes);
        if (tensor->bytes > 0) {
            assert_memory_equal(tensor->data, other->data, tensor->bytes);
            assert_int_equal((uintptr_t)tensor->data % dogb_dtype_size(tensor->dtype), 0);
        }
    }
    dogb_weights_destroy(weights);
    dogb_weights_destroy(expected);
}

static void test_zip(void **state) {
    (void)state;
    assert_expected(golden("zip.pth"), "pth (zip)", 20);
}

static void test_legacy(void **state) {
    (void)state;
    assert_expected(golden("legacy.pth"), "pth (legacy)", 8);
}

static void test_python2(void **state) {
    (void)state;
    assert_expected(golden("python2.pth"), "pth (legacy)", 8);
}

static void test_tar(void **state) {
    (void)state;
    assert_expected(golden("tar.pth"), "pth (tar)", 8);
}

static void test_checkpoint(void **state) {
    (void)state;
    assert_expected(golden("checkpoint.pth"), "pth (zip)", 8);
}

static void test_order_is_that_of_the_dict(void **state) {
    (void)state;
    dogb_weights *weights = NULL;
    assert_ok(dogb_weights_open(&weights, golden("legacy.pth")));
    assert_string_equal(weights->tensors[0].name, "weight");
    assert_string_equal(weights->tensors[2].name, "transposed");
    assert_string_equal(weights->tensors[7].name, "flag");
    dogb_weights_destroy(weights);
}

static void test_written_pth(void **state) {
    (void)state;
    const char *path = scratch("written.pth");
    dogb_weights *weights = NULL;
    assert_ok(dogb_weights_open(&weights, golden("zip.pth")));
    assert_ok(dogb_pth_write(path, weights->tensors, weights->count));
    assert_expected(path, "pth (zip)", 20);

    // Its numbers lie at multiples of 64, its checksums are right, equal content gives equal bytes.
    dogb_arena arena = {0};
    dogb_map map;
    dogb_map again;
    dogb_zip zip;
    assert_ok(dogb_map_open(&map, &arena, path, SIZE_MAX));
    assert_ok(dogb_zip_open(&zip, &arena, path, map.data, map.size));
    assert_int_equal(zip.count, 23);
    for (size_t i = 0; i < zip.count; i++) {
        assert_int_equal((zip.entries[i].data - map.data) % 64, 0);
        assert_int_equal(dogb_crc32(zip.entries[i].data, zip.entries[i].size), zip.entries[i].crc);
    }
    assert_ok(dogb_pth_write(scratch("again.pth"), weights->tensors, weights->count));
    assert_ok(dogb_map_open(&again, &arena, scratch("again.pth"), SIZE_MAX));
    assert_int_equal(map.size, again.size);
    assert_memory_equal(map.data, again.data, map.size);
    dogb_arena_free(&arena);
    dogb_weights_destroy(weights);
}

static void test_crc32(void **state) {
    (void)state;
    assert_int_equal(dogb_crc32("123456789", 9), 0xcbf43926); // the check value of CRC-32
    assert_int_equal(dogb_crc32("", 0), 0);
}

static void test_convert(void **state) {
    (void)state;
    const char *safetensors = scratch("a.safetensors");
    const char *pth = scratch("b.pt");
    assert_ok(dogbreed_weights_convert(golden("zip.pth"), safetensors));
    assert_expected(safetensors, "safetensors", 20);
    assert_ok(dogbreed_weights_convert(safetensors, pth));
    assert_expected(pth, "pth (zip)", 20);
    assert_fails(dogbreed_weights_convert(pth, scratch("c.onnx")), DOGBREED_ERROR_UNSUPPORTED,
                 "expected a name that ends in .safetensors, .pth or .pt");
    assert_fails(dogbreed_weights_convert(scratch("no.pth"), safetensors), DOGBREED_ERROR_NOT_FOUND,
                 "no.pth");
    assert_fails(dogbreed_weights_convert(NULL, safetensors), DOGBREED_ERROR_INVALID_ARGUMENT,
                 "from is NULL");
    assert_fails(dogbreed_weights_convert(pth, NULL), DOGBREED_ERROR_INVALID_ARGUMENT,
                 "to is NULL");
    // In place: what was mapped stays readable until the new file has its name.
    assert_ok(dogbreed_weights_convert(pth, pth));
    assert_expected(pth, "pth (zip)", 20);
}

static void test_list(void **state) {
    (void)state;
    char *text = NULL;
    dogb_arena arena = {0};
    json_t *list = NULL;
    assert_ok(dogbreed_weights_list(&text, golden("zip.pth")));
    assert_ok(dogb_json_parse(&list, &arena, text, strlen(text), "list"));
    assert_string_equal(json_string_value(json_object_get(list, "format")), "pth (zip)");
    assert_int_equal(strlen(json_string_value(json_object_get(list, "sha256"))), 64);
    assert_int_equal(json_object_size(json_object_get(list, "metadata")), 0);
    const json_t *tensors = json_object_get(list, "tensors");
    assert_int_equal(json_array_size(tensors), 20);
    const json_t *first = json_array_get(tensors, 0);
    assert_string_equal(json_string_value(json_object_get(first, "name")), "weight");
    assert_string_equal(json_string_value(json_object_get(first, "dtype")), "F32");
    assert_int_equal(json_integer_value(json_object_get(first, "bytes")), 48);
    assert_int_equal(json_array_size(json_object_get(first, "shape")), 2);
    dogbreed_free(text);
    dogb_arena_free(&arena);
    assert_fails(dogbreed_weights_list(&text, NULL), DOGBREED_ERROR_INVALID_ARGUMENT, "path");
    assert_null(text);
    assert_fails(dogbreed_weights_list(NULL, "x"), DOGBREED_ERROR_INVALID_ARGUMENT, "json");
}

static void test_other_files(void **state) {
    (void)state;
    static const struct {
        const char *content;
        const char *part;
    } cases[] = {
        {"version https://git-lfs.github.com/spec/v1", "a Git LFS pointer"},
        {"\x89HDF\r\n\x1a\n", "an HDF5"},
        {"GGUF....", "a GGUF file"},
        {"\x80\x04\x95........", "a pickle, but not one that torch.save writes"},
        {"hello, world", "not a weight file"},
        {"", "not a weight file"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        dogb_weights *weights = NULL;
        const char *path = scratch("other.pth");
        scratch_write(path, cases[i].content, strlen(cases[i].content));
        assert_fails(dogb_weights_open(&weights, path), DOGBREED_ERROR_FORMAT, cases[i].part);
        assert_null(weights);
    }
}

static void test_real_legacy_file(void **state) {
    (void)state;
    test_data_or_skip(path, "weights/legacy/resnet20-12fca82f.th");
    dogb_weights *weights = NULL;
    assert_ok(dogb_weights_open(&weights, path));
    assert_string_equal(weights->format, "pth (legacy)");
    const dogb_weight *tensor = dogb_weights_find(weights, "module.conv1.weight");
    assert_non_null(tensor);
    assert_int_equal(tensor->rank, 4);
    assert_int_equal(tensor->shape[0], 16);
    assert_int_equal(tensor->shape[3], 3);
    dogb_weights_destroy(weights);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_zip),         cmocka_unit_test(test_legacy),
        cmocka_unit_test(test_python2),     cmocka_unit_test(test_tar),
        cmocka_unit_test(test_checkpoint),  cmocka_unit_test(test_order_is_that_of_the_dict),
        cmocka_unit_test(test_written_pth), cmocka_unit_test(test_crc32),
        cmocka_unit_test(test_convert),     cmocka_unit_test(test_list),
        cmocka_unit_test(test_other_files), cmocka_unit_test(test_real_legacy_file),
    };
    return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
