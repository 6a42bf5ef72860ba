// test_float.c - float32 as text and back.
#include "test.h"

#include "core/float.h"

#include <float.h>
#include <locale.h>
#include <math.h>

static const char *text_of(float value) {
    static char text[DOGB_FLOAT_TEXT + 1];
    size_t length = dogb_float_text(text, value);
    assert_true(length > 0 && length <= DOGB_FLOAT_TEXT);
    text[length] = '\0';
    return text;
}

static float number_of(const char *text) {
    float value = 0;
    const char *end = text + strlen(text);
    assert_ptr_equal(dogb_float_skip(text, end, 0), end);
    assert_ok(dogb_float_read(&value, text, strlen(text)));
    return value;
}

static void texts_are_written_as_python_writes_them(void **state) {
    (void)state;
    static const struct {
        float value;
        const char *text;
    } rows[] = {{0.0F, "0.0"},
                {-0.0F, "-0.0"},
                {1.0F, "1.0"},
                {-7.36F, "-7.36"},
                {0.1F, "0.1"},
                {100.0F, "100.0"},
                {123456.0F, "123456.0"},
                {1234.5F, "1234.5"},
                {0.0001F, "0.0001"},
                {0.00012345F, "0.00012345"},
                {0.00001F, "1e-05"},
                {1.5e-7F, "1.5e-07"},
                {1e15F, "1000000000000000.0"},
                {1e16F, "1e+16"},
                {16777216.0F, "16777216.0"},
                {FLT_MAX, "3.4028235e+38"},
                {FLT_MIN, "1.1754944e-38"},
                {1e-45F, "1e-45"},
                {0x1p-96F, "1.2621775e-29"}}; // next to it: ...74e-29, which reads back lower
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_string_equal(text_of(rows[i].value), rows[i].text);
    }
}

// By strtod and printf. No shorter text is the same number.
static void texts_are_shortest_and_read_back(void **state) {
    (void)state;
    uint32_t bits = 1;
    for (int i = 0; i < test_rounds(200000); i++) {
        float value = 0;
        bits = bits * 1664525 + 1013904223;
        memcpy(&value, &bits, sizeof value);
        if (!isfinite(value)) {
            continue;
        }
        const char *text = text_of(value);
        assert_true((float)strtod(text, NULL) == value);
        assert_true(number_of(text) == value);
        int digits = 0; // that count
        int zeros = 0;
        for (const char *at = text; *at != '\0' && *at != 'e'; at++) {
            zeros = *at == '0' ? zeros + 1 : *at == '.' || *at == '-' ? zeros : 0;
            digits += *at >= '0' && *at <= '9' && (digits > 0 || *at != '0');
        }
        char shorter[40];
        (void)snprintf(shorter, sizeof shorter, "%.*e", digits - zeros - 2, (double)value);
        assert_true(digits - zeros < 2 || (float)strtod(shorter, NULL) != value);
    }
}

static void texts_mean_the_float_next_to_their_double(void **state) {
    (void)state;
    static const char *const texts[] = {"1",
                                        "-1",
                                        "+1",
                                        ".5",
                                        "1.",
                                        "01",
                                        "1e3",
                                        "1E-3",
                                        "0.30000001192092896",
                                        "1.000000059604644775390625",
                                        "1.0000000596046447753906250000000000000001",
                                        "1.00000005960464477539062499999999999999",
                                        "16777217",
                                        "16777217.000000000000000001",
                                        "340282356779733600000000000000000000000",
                                        "1e-400",
                                        "0e999999999999999999999",
                                        "0.000000000000000000000000000000000000000000001",
                                        "1.17549429569e-38",
                                        "123456789012345678901234567890",
                                        "99999999999999999999e-20"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        float wanted = (float)strtod(texts[i], NULL);
        float got = number_of(texts[i]);
        assert_memory_equal(&got, &wanted, sizeof got);
    }
    char text[64];
    uint64_t bits = 5;
    for (int i = 0; i < test_rounds(200000); i++) { // near the middle between two float32
        double value = 0;
        bits = bits * 6364136223846793005 + 1442695040888963407;
        uint64_t near = (0x3000000000000000 + (bits >> 4)) & ~UINT64_C(0x1fffffff);
        near += 0x10000000 + (bits >> 60) - 8;
        memcpy(&value, &near, sizeof value);
        if (fabs(value) < FLT_MAX) {
            (void)snprintf(text, sizeof text, "%.*e", 15 + (int)(bits & 7), value);
            assert_true(number_of(text) == (float)strtod(text, NULL));
        }
    }
}

static void numbers_end_where_they_end(void **state) {
    (void)state;
    static const struct {
        const char *text;
        int strict;
        int length; // -1: no number
    } rows[] = {{"1,2", 1, 1},  {"0", 1, 1},    {"-0.5e+3]", 1, 7}, {"01", 1, -1},
                {"+1", 1, -1},  {".5", 1, -1},  {"1.", 1, -1},      {"1.e3", 1, -1},
                {"-", 1, -1},   {"", 1, -1},    {"1e", 1, -1},      {"1e+", 0, -1},
                {"nan", 0, -1}, {"inf", 0, -1}, {".", 0, -1},       {"+.5e-2x", 0, 6},
                {"1.", 0, 2},   {"0x10", 0, 1}, {"-.", 0, -1},      {"e5", 0, -1}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const char *text = rows[i].text;
        const char *end = dogb_float_skip(text, text + strlen(text), rows[i].strict);
        assert_int_equal(end == NULL ? -1 : (int)(end - text), rows[i].length);
    }
}

static void too_large_and_too_long_numbers_are_refused(void **state) {
    (void)state;
    float value = 0;
    char text[600];
    assert_fails(dogb_float_read(&value, "1e39", 4), DOGBREED_ERROR_FORMAT, "too large");
    assert_fails(dogb_float_read(&value, "-1e999999999999999999999", 24), DOGBREED_ERROR_FORMAT,
                 "too large");
    assert_fails(dogb_float_read(&value, "340282356779733661637539395458142568447", 39),
                 DOGBREED_ERROR_FORMAT, "too large");
    memset(text, '1', sizeof text);
    assert_fails(dogb_float_read(&value, text, sizeof text), DOGBREED_ERROR_FORMAT,
                 "600 characters");
}

static void the_locale_does_not_matter(void **state) {
    (void)state;
    if (setlocale(LC_ALL, "de_DE.UTF-8") == NULL) {
        test_skip("no German locale here");
    }
    assert_string_equal(text_of(1e-30F), "1e-30");
    assert_string_equal(text_of(0.5F), "0.5");
    assert_true(number_of("1.25e-300") == 0 && number_of("0.500000000000000000000000001") == 0.5F);
    (void)setlocale(LC_ALL, "C");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_are_written_as_python_writes_them),
        cmocka_unit_test(texts_are_shortest_and_read_back),
        cmocka_unit_test(texts_mean_the_float_next_to_their_double),
        cmocka_unit_test(numbers_end_where_they_end),
        cmocka_unit_test(too_large_and_too_long_numbers_are_refused),
        cmocka_unit_test(the_locale_does_not_matter),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
