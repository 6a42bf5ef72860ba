// test_resize.c - resampling: golden rows of Pillow 13.0.0, weights, boxes, self-consistency of
// the kernels.
#include "test.h"

#include "image/resize.h"

#include "core/rng.h"

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

// One random job on every kernel: a window of a resize of a part of a picture. Guard bytes behind
// the output must stay.
static void check_kernels(dogb_rng *rng, dogb_arena *arena, int32_t filter) {
    int32_t width = (int32_t)dogb_rng_below(rng, 300) + 1;
    int32_t height = (int32_t)dogb_rng_below(rng, 120) + 1;
    dogb_resize_job job = {.width = (int32_t)dogb_rng_below(rng, 150) + 1,
                           .height = (int32_t)dogb_rng_below(rng, 120) + 1,
                           .filter = filter,
                           .mirror = (int32_t)dogb_rng_below(rng, 2)};
    if (dogb_rng_below(rng, 8) == 0) { // no horizontal pass
        job.width = width;
    }
    size_t bytes = (size_t)width * (size_t)height * 3;
    uint8_t *in = dogb_alloc_raw(arena, bytes, 1); // exactly: address checks see every byte beyond
    for (size_t i = 0; i < bytes; i++) {
        in[i] = (uint8_t)(i % 3 == 0 ? dogb_rng_u32(rng) : (dogb_rng_u32(rng) & 1) * 255);
    }
    job.in = (dogb_view){in, (size_t)width * 3, width, height};
    job.box = (dogb_rect){0, 0, width, height};
    job.window =
        (dogb_rect){(int32_t)dogb_rng_below(rng, (uint64_t)job.width),
                    (int32_t)dogb_rng_below(rng, (uint64_t)job.height), job.width, job.height};
    size_t size = (size_t)(job.window.right - job.window.left) *
                  (size_t)(job.window.bottom - job.window.top) * 3;
    uint8_t *expected = NULL;
    for (size_t i = 0; dogb_resize_kernel_at(i) != NULL; i++) {
        dogb_resizer resizer = {.arena = arena, .kernel = dogb_resize_kernel_at(i)};
        uint8_t *out = dogb_alloc(arena, size + 64, 1);
        assert_ok(dogb_resizer_run(&resizer, out, &job));
        for (size_t g = 0; g < 64; g++) {
            assert_int_equal(out[size + g], 0);
        }
        if (expected != NULL) {
            assert_memory_equal(out, expected, size);
        }
        expected = out;
    }
}

static void kernels_agree(void **state) {
    (void)state;
    dogb_rng rng;
    dogb_rng_init(&rng, 7, DOGB_RNG_SYNTH, 0, 0);
    for (int round = 0; round < 200; round++) {
        dogb_arena arena = {0};
        check_kernels(&rng, &arena, round % DOGB_FILTER_COUNT);
        dogb_arena_free(&arena);
    }
}

static void environment_chooses_the_kernel(void **state) {
    (void)state;
    assert_int_equal(setenv("DOGBREED_CPU", "c", 1), 0);
    assert_string_equal(dogb_image_isa(), "c");
    assert_int_equal(unsetenv("DOGBREED_CPU"), 0);
    assert_string_equal(dogb_image_isa(), dogb_resize_kernel_choose()->name);
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
        cmocka_unit_test(kernels_agree),
        cmocka_unit_test(environment_chooses_the_kernel),
        cmocka_unit_test(self_test_passes),
    };
    return cmocka_run_group_tests_name("image_resize", tests, NULL, NULL);
}
