// test_npy.c - NumPy's files: what is read, what is refused, what is written.
#include "test.h"

#include "serve/npy.h"

#define WHOLE "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }\n"

// A file of this version and header, and `size` bytes.
static dogb_span make(dogb_arena *arena, int version, const char *header, size_t size) {
    dogb_buffer out = {.arena = arena};
    char lead[12] = "\x93NUMPY";
    size_t width = version == 1 ? 2 : 4;
    lead[6] = (char)version;
    dogb_wire_store(lead + 8, strlen(header), width);
    dogb_buffer_put(&out, lead, 8 + width);
    dogb_buffer_add(&out, header);
    for (size_t i = 0; i < size; i++) {
        char byte = (char)i;
        dogb_buffer_put(&out, &byte, 1);
    }
    assert_ok(out.rc);
    uint8_t *exact = malloc(out.length); // address checks see reads beyond
    assert_non_null(exact);
    memcpy(exact, out.data, out.length);
    assert_ok(dogb_defer(arena, free, exact));
    return (dogb_span){exact, out.length};
}

static void headers_say_what_is_in_the_file(void **state) {
    (void)state;
    static const struct {
        int version;
        const char *header;
        size_t size;
        int32_t rank;
    } rows[] = {
        {1, WHOLE, 24, 2},
        {2, WHOLE, 24, 2},
        {3, WHOLE, 24, 2},
        {1, "{\"shape\":(2,3),\"fortran_order\":False,\"descr\":\"<f4\"}      \n", 24, 2},
        {1, "{'descr': '<f8', 'fortran_order': False, 'shape': (3,)}\n", 24, 1},
        {1, "{'descr': '<f4', 'fortran_order': False, 'shape': ()}\n", 4, 0},
        {1, "{'descr': '<f4', 'fortran_order': False, 'shape': (0,9223372036854775807)}\n", 0, 2}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        dogb_arena arena = {0};
        dogb_npy out;
        assert_ok(dogb_npy_read(&out, make(&arena, rows[i].version, rows[i].header, rows[i].size)));
        assert_int_equal(out.rank, rows[i].rank);
        assert_int_equal(out.data.size, rows[i].size);
        assert_int_equal(out.count * (size_t)out.width, rows[i].size);
        assert_true(rows[i].size == 0 || out.data.data[1] == 1);
        dogb_arena_free(&arena);
    }
}

static void other_files_are_refused(void **state) {
    (void)state;
    static const struct {
        const char *header;
        size_t size;
        int code;
        const char *message;
    } rows[] = {
        {WHOLE, 23, DOGBREED_ERROR_FORMAT, "does not fit"},
        {WHOLE, 25, DOGBREED_ERROR_FORMAT, "does not fit"},
        {"{'descr': '>f4', 'fortran_order': False, 'shape': (2, 3), }\n", 24,
         DOGBREED_ERROR_UNSUPPORTED, "'<f4'"},
        {"{'descr': '|u1', 'fortran_order': False, 'shape': (2, 3), }\n", 6,
         DOGBREED_ERROR_UNSUPPORTED, "'<f4'"},
        {"{'descr': '|O', 'fortran_order': False, 'shape': (2, 3), }\n", 6,
         DOGBREED_ERROR_UNSUPPORTED, "'<f4'"},
        {"{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (2, 3), }\n", 24,
         DOGBREED_ERROR_FORMAT, "plain"},
        {"{'descr': '<f4', 'fortran_order': True, 'shape': (2, 3), }\n", 24,
         DOGBREED_ERROR_UNSUPPORTED, "Fortran"},
        {"{'descr': '<f4', 'fortran_order': 0, 'shape': (2, 3), }\n", 24, DOGBREED_ERROR_FORMAT,
         "neither"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (6), }\n", 24, DOGBREED_ERROR_FORMAT,
         "tuple"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (2 3), }\n", 24, DOGBREED_ERROR_FORMAT,
         "tuple"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (,), }\n", 24, DOGBREED_ERROR_FORMAT,
         "tuple"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (-2, -3), }\n", 24,
         DOGBREED_ERROR_FORMAT, "tuple"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (02, 3), }\n", 24,
         DOGBREED_ERROR_FORMAT, "tuple"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,), }\n", 24,
         DOGBREED_ERROR_FORMAT, "tuple"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (4294967296, 4294967296), }\n", 0,
         DOGBREED_ERROR_FORMAT, "too large"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (4611686018427387904,), }\n", 0,
         DOGBREED_ERROR_FORMAT, "too large"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (1,1,1,1,1,1,1,1,1), }\n", 4,
         DOGBREED_ERROR_UNSUPPORTED, "8 dimensions"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), 'descr': '<f4'}\n", 24,
         DOGBREED_ERROR_FORMAT, "twice"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), 'x': 1}\n", 24,
         DOGBREED_ERROR_FORMAT, "belong"},
        {"{'descr': '<f4', 'shape': (2, 3), }\n", 24, DOGBREED_ERROR_FORMAT, "not whole"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }", 24, DOGBREED_ERROR_FORMAT,
         "not whole"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), } x\n", 24,
         DOGBREED_ERROR_FORMAT, "not whole"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3)\n", 24, DOGBREED_ERROR_FORMAT,
         "dictionary"},
        {"{'descr' '<f4'}\n", 24, DOGBREED_ERROR_FORMAT, "dictionary"},
        {"{'descr\n", 0, DOGBREED_ERROR_FORMAT, "dictionary"},
        {"\n", 24, DOGBREED_ERROR_FORMAT, "not whole"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        dogb_arena arena = {0};
        dogb_npy out;
        assert_fails(dogb_npy_read(&out, make(&arena, 1, rows[i].header, rows[i].size)),
                     rows[i].code, rows[i].message);
        dogb_arena_free(&arena);
    }
}

static void cut_and_foreign_files_are_refused(void **state) {
    (void)state;
    dogb_arena arena = {0};
    dogb_npy out;
    dogb_span file = make(&arena, 1, WHOLE, 24);
    for (size_t size = 0; size < file.size; size++) {
        assert_int_equal(dogb_npy_read(&out, (dogb_span){file.data, size}), DOGBREED_ERROR_FORMAT);
    }
    assert_fails(dogb_npy_read(&out, make(&arena, 4, WHOLE, 24)), DOGBREED_ERROR_UNSUPPORTED,
                 "version");
    assert_fails(dogb_npy_read(&out, make(&arena, 0, WHOLE, 24)), DOGBREED_ERROR_UNSUPPORTED,
                 "version");
    file = (dogb_span){(const uint8_t *)"\x93NUMPY\x02\0\xff\xff\xff\x7f{", 13};
    assert_fails(dogb_npy_read(&out, file), DOGBREED_ERROR_FORMAT, "cut off or too long");
    dogb_arena_free(&arena);
}

static void what_is_written_is_read(void **state) {
    (void)state;
    static const int64_t sizes[] = {0, 1, 133, INT32_MAX, INT64_MAX / 4};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        dogb_arena arena = {0};
        dogb_buffer out = {.arena = &arena};
        dogb_npy npy;
        dogb_npy_begin(&out, sizes[i], 0);
        assert_ok(out.rc);
        assert_int_equal(out.length % 64, 0);
        assert_ok(dogb_npy_read(&npy, (dogb_span){(const uint8_t *)out.data, out.length}));
        assert_true(npy.rank == 2 && npy.dims[0] == sizes[i] && npy.dims[1] == 0 && npy.width == 4);
        dogb_arena_free(&arena);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(headers_say_what_is_in_the_file),
        cmocka_unit_test(other_files_are_refused),
        cmocka_unit_test(cut_and_foreign_files_are_refused),
        cmocka_unit_test(what_is_written_is_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
