// test_dtype.c - every element type as float32.
#include "made_files.h"

#include "weights/reader.h"
#include "weights/weights.h"

#include <math.h>

static void assert_values(int32_t dtype, const void *data, const float *expected, size_t count) {
    float out[8] = {0};
    const dogb_weight tensor = {.name = "t",
                                .data = data,
                                .bytes = count * dogb_dtype_size(dtype),
                                .dtype = dtype,
                                .rank = 1,
                                .shape = {(int64_t)count}};
    assert_ok(dogb_weight_to_f32(out, count, &tensor));
    for (size_t i = 0; i < count; i++) {
        if (isnan(expected[i])) {
            assert_true(isnan(out[i]));
        } else {
            assert_memory_equal(&out[i], &expected[i], sizeof out[i]); // the sign of zero, too
        }
    }
}

#define VALUES(dtype, type, ...)                                                                   \
    do {                                                                                           \
        const type data[] = {__VA_ARGS__};                                                         \
        assert_values(dtype, data, expected, sizeof data / sizeof data[0]);                        \
    } while (0)

static void test_integers(void **state) {
    (void)state;
    const float expected[] = {0, 1, 100, -100, -1};
    VALUES(DOGB_I64, int64_t, 0, 1, 100, -100, -1);
    VALUES(DOGB_I32, int32_t, 0, 1, 100, -100, -1);
    VALUES(DOGB_I16, int16_t, 0, 1, 100, -100, -1);
    VALUES(DOGB_I8, int8_t, 0, 1, 100, -100, -1);
    VALUES(DOGB_U8, uint8_t, 0, 1, 100);
    VALUES(DOGB_U16, uint16_t, 0, 1, 100);
    VALUES(DOGB_U32, uint32_t, 0, 1, 100);
    VALUES(DOGB_U64, uint64_t, 0, 1, 100);
    VALUES(DOGB_BOOL, uint8_t, 0, 1);
}

static void test_reals(void **state) {
    (void)state;
    const float expected[] = {1.5F, -0.0F, INFINITY, -INFINITY, NAN};
    VALUES(DOGB_F32, float, 1.5F, -0.0F, INFINITY, -INFINITY, NAN);
    VALUES(DOGB_F64, double, 1.5, -0.0, INFINITY, -INFINITY, NAN);
    VALUES(DOGB_F16, uint16_t, 0x3e00, 0x8000, 0x7c00, 0xfc00, 0x7e00);
    VALUES(DOGB_BF16, uint16_t, 0x3fc0, 0x8000, 0x7f80, 0xff80, 0x7fc0);
    VALUES(DOGB_F8_E5M2, uint8_t, 0x3e, 0x80, 0x7c, 0xfc, 0x7e);
}

static void test_half_extremes(void **state) {
    (void)state;
    // Largest, smallest normal, largest and smallest subnormal: 65504, 2^-14, 1023 * 2^-24, 2^-24.
    const float expected[] = {65504, 0x1p-14F, 0x1.ff8p-15F, 0x1p-24F, -0x1p-24F};
    VALUES(DOGB_F16, uint16_t, 0x7bff, 0x0400, 0x03ff, 0x0001, 0x8001);
}

static void test_float8(void **state) {
    (void)state;
    // OCP E4M3: largest 448, smallest normal 2^-6, smallest subnormal 2^-9, 1, -1.5, NaN.
    const float expected[] = {448, 0x1p-6F, 0x1p-9F, 1, -1.5F, NAN, NAN, -0.0F};
    VALUES(DOGB_F8_E4M3, uint8_t, 0x7e, 0x08, 0x01, 0x38, 0xbc, 0x7f, 0xff, 0x80);
}

static void test_complex_has_no_value(void **state) {
    (void)state;
    const float data[] = {1, 2};
    float out = 0;
    const dogb_weight tensor = {
        .name = "c", .data = data, .bytes = 8, .dtype = DOGB_C64, .rank = 0};
    assert_fails(dogb_weight_to_f32(&out, 1, &tensor), DOGBREED_ERROR_UNSUPPORTED, "tensor c: C64");
}

static void test_names(void **state) {
    (void)state;
    for (int32_t i = 0; i < DOGB_DTYPE_COUNT; i++) {
        assert_int_equal(dogb_dtype_find(dogb_dtype_name(i)), i);
        assert_true(dogb_dtype_size(i) > 0);
    }
    assert_int_equal(dogb_dtype_find("F5"), -1);
    assert_int_equal(dogb_dtype_size(-1), 0);
    assert_string_equal(dogb_dtype_name(DOGB_DTYPE_COUNT), "unknown");
}

static void test_shape_bytes(void **state) {
    (void)state;
    const int64_t big = (int64_t)1 << 31;
    const int64_t shapes[][3] = {{2, 3, 4}, {0, 3, 4}, {-1, 3, 4}, {big, big, 4}, {0, big, big}};
    const int64_t expected[] = {96, 0, -1, -1, -1};
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        assert_int_equal(dogb_shape_bytes(shapes[i], 3, DOGB_F32), expected[i]);
    }
    assert_int_equal(dogb_shape_bytes(shapes[0], 0, DOGB_I64), 8);
}

static void test_text_valid(void **state) {
    (void)state;
    static const char *const good[] = {"",
                                       "a",
                                       "\xc3\xa4",
                                       "\xe2\x82\xac",
                                       "\xf0\x9f\x90\xb6",
                                       "\xed\x9f\xbf",
                                       "\xf4\x8f\xbf\xbf"};
    static const char *const bad[] = {"\x80",
                                      "\xc3",
                                      "\xc0\x80",
                                      "\xe0\x80\x80",
                                      "\xed\xa0\x80",
                                      "\xf0\x80\x80\x80",
                                      "\xf5\x80\x80\x80",
                                      "\xf4\x90\x80\x80",
                                      "\xe2\x82"};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        assert_true(dogb_text_valid(good[i], strlen(good[i])));
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_false(dogb_text_valid(bad[i], strlen(bad[i])));
    }
    assert_false(dogb_text_valid("a\0b", 3));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_integers),
        cmocka_unit_test(test_reals),
        cmocka_unit_test(test_half_extremes),
        cmocka_unit_test(test_float8),
        cmocka_unit_test(test_complex_has_no_value),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_shape_bytes),
        cmocka_unit_test(test_text_valid),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
