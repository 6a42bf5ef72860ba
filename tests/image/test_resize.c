// test_resize.c - resampling: golden rows of Pillow 13.0.0, weights, boxes, self-consistency of
// the kernels.
#include "test.h"

#include "image/resize.h"

#include <dogbreed/model.h>

static const uint8_t row[5] = {0, 255, 10, 200, 30};

static void check_row(int32_t filter, int32_t width, const uint8_t *expected) {
    uint8_t in[15], out[21];
    for (int i = 0; i < 5; i++) {
        in[i * 3] = in[i * 3 + 1] = in[i * 3 + 2] = row[i];
    }
    dogb_image image = {in, 5, 1};
    assert_ok(dogb_resize(out, width, 1, &image, NULL, filter));
    for (int32_t i = 0; i < width * 3; i++) {
        assert_int_equal(out[i], expected[i / 3]);
    }
    // The same along the other axis.
    image = (dogb_image){in, 1, 5};
    assert_ok(dogb_resize(out, 1, width, &image, NULL, filter));
    for (int32_t i = 0; i < width * 3; i++) {
        assert_int_equal(out[i], expected[i / 3]);
    }
}

static void gives_pillows_bilinear_rows(void **state) {
    (void)state;
    check_row(DOGBREED_FILTER_BILINEAR, 2, (const uint8_t[]){116, 105});
    check_row(DOGBREED_FILTER_BILINEAR, 3, (const uint8_t[]){109, 107, 103});
    check_row(DOGBREED_FILTER_BILINEAR, 4, (const uint8_t[]){64, 153, 121, 73});
    check_row(DOGBREED_FILTER_BILINEAR, 7, (const uint8_t[]){0, 146, 185, 10, 146, 127, 30});
    check_row(DOGBREED_FILTER_BILINEAR, 5, row);
}

static void gives_pillows_bicubic_rows(void **state) {
    (void)state;
    check_row(DOGBREED_FILTER_BICUBIC, 2, (const uint8_t[]){113, 103});
    check_row(DOGBREED_FILTER_BICUBIC, 3, (const uint8_t[]){108, 117, 99});
    check_row(DOGBREED_FILTER_BICUBIC, 4, (const uint8_t[]){61, 157, 118, 72});
    check_row(DOGBREED_FILTER_BICUBIC, 7, (const uint8_t[]){0, 159, 209, 10, 159, 138, 20});
}

static void refuses_bad_arguments(void **state) {
    (void)state;
    uint8_t in[12] = {0}, out[12];
    dogb_image image = {in, 2, 2};
    dogb_rect outside = {0, 0, 3, 2}, empty = {1, 1, 1, 2};
    assert_fails(dogb_resize(out, 0, 1, &image, NULL, 0), DOGBREED_ERROR_INVALID_ARGUMENT, "0 x 1");
    assert_fails(dogb_resize(out, 1, 1, &image, NULL, 9), DOGBREED_ERROR_INVALID_ARGUMENT,
                 "filter 9");
    assert_fails(dogb_resize(out, 1, 1, &image, &outside, 0), DOGBREED_ERROR_INVALID_ARGUMENT,
                 "box");
    assert_fails(dogb_resize(out, 1, 1, &image, &empty, 0), DOGBREED_ERROR_INVALID_ARGUMENT, "box");
}

static void self_test_passes(void **state) {
    (void)state;
    assert_ok(dogb_image_self_test());
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gives_pillows_bilinear_rows),
        cmocka_unit_test(gives_pillows_bicubic_rows),
        cmocka_unit_test(refuses_bad_arguments),
        cmocka_unit_test(self_test_passes),
    };
    return cmocka_run_group_tests_name("image_resize", tests, NULL, NULL);
}
