// test_transform.c - EXIF reader and orientations, geometry of the evaluation transform, random
// crops, normalisation, jitter, and the whole way of dogb_image_load.
#include "image_test.h"

#include "image/codec.h"
#include "out_of_memory.h"

#include <dogbreed/model.h>

#include <math.h>

static const float mean[3] = {0.485f, 0.456f, 0.406f};
static const float deviation[3] = {0.229f, 0.224f, 0.225f};

static void exif_reader_takes_only_the_tag(void **state) {
    // II, 42, directory at 8, one entry: tag 0x0112, SHORT, count 1, value.
    uint8_t good[] = {'I', 'I', 42, 0, 8, 0, 0, 0, 1, 0, 0x12, 1, 3, 0, 1, 0, 0, 0, 6, 0, 0, 0};
    static const struct {
        size_t at;
        uint8_t value;
    } changes[] = {{0, 'X'}, {2, 43},    {4, 200}, {4, 2},  {5, 255}, {7, 255},
                   {8, 0},   {10, 0x13}, {12, 4},  {14, 2}, {18, 9},  {18, 0}};
    (void)state;
    assert_int_equal(dogb_exif_orientation(good, sizeof good), 6);
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        uint8_t old = good[changes[i].at];
        good[changes[i].at] = changes[i].value;
        assert_int_equal(dogb_exif_orientation(good, sizeof good), 1);
        good[changes[i].at] = old;
    }
    for (size_t size = 0; size < sizeof good; size++) {
        uint8_t *copy = test_malloc(size + 1);
        memcpy(copy, good, size);
        assert_int_equal(dogb_exif_orientation(copy, size), 1);
        test_free(copy);
    }
}

static void orientations_move_pixels(void **state) {
    // A picture of 3 x 2 pixels, numbered 0 to 5, after each orientation.
    static const uint8_t expected[9][6] = {{0},
                                           {0, 1, 2, 3, 4, 5},
                                           {2, 1, 0, 5, 4, 3},
                                           {5, 4, 3, 2, 1, 0},
                                           {3, 4, 5, 0, 1, 2},
                                           {0, 3, 1, 4, 2, 5},
                                           {3, 0, 4, 1, 5, 2},
                                           {5, 2, 4, 1, 3, 0},
                                           {2, 5, 1, 4, 0, 3}};
    (void)state;
    uint8_t pixels[18];
    for (int i = 0; i < 18; i++) {
        pixels[i] = (uint8_t)(i / 3);
    }
    dogb_image in = {pixels, 3, 2}, out;
    dogb_arena arena = {0};
    for (int32_t how = 1; how <= 8; how++) {
        assert_ok(dogb_image_orient(&out, &arena, &in, how));
        assert_int_equal(out.width, how < 5 ? 3 : 2);
        for (int i = 0; i < 18; i++) {
            assert_int_equal(out.pixels[i], expected[how][i / 3]);
        }
    }
    assert_fails(dogb_image_orient(&out, &arena, &in, 9), DOGBREED_ERROR_INVALID_ARGUMENT, "9");
    dogb_arena_free(&arena);
}

// The centre crop of columns 0, 1, 2, ...: which ones are kept tells the rounding.
static void centre_crop_rounds_half_to_even(void **state) {
    static const struct {
        int32_t width, crop, first;
    } cases[] = {{5, 4, 0}, {7, 4, 2}, {9, 4, 2}, {8, 5, 2}, {6, 4, 1}, {4, 4, 0}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint8_t pixels[9 * 9 * 3], out[5 * 5 * 3];
        int32_t width = cases[i].width;
        for (int32_t p = 0; p < width * width * 3; p++) {
            pixels[p] = (uint8_t)(p / 3 % width + 1);
        }
        dogb_image image = {pixels, width, width};
        dogb_preprocess preprocess = {.crop = cases[i].crop};
        assert_ok(dogb_transform_eval(out, &image, &preprocess));
        assert_int_equal(out[0], cases[i].first + 1);
    }
}

static void small_pictures_are_padded_with_black(void **state) {
    (void)state;
    uint8_t pixels[6] = {9, 9, 9, 8, 8, 8}, out[5 * 5 * 3];
    dogb_image image = {pixels, 2, 1};
    dogb_preprocess preprocess = {.crop = 5};
    assert_ok(dogb_transform_eval(out, &image, &preprocess));
    for (int i = 0; i < 75; i++) { // 3 missing columns: 1 left, 2 right; 4 rows: 2 and 2
        int x = i / 3 % 5, y = i / 15;
        int value = y == 2 && x == 1 ? 9 : y == 2 && x == 2 ? 8 : 0;
        assert_int_equal(out[i], value);
    }
}

static void refuses_bad_preprocessing(void **state) {
    (void)state;
    uint8_t pixels[3] = {0}, out[3];
    dogb_image image = {pixels, 1, 1};
    dogb_preprocess preprocess = {.crop = 0};
    assert_fails(dogb_transform_eval(out, &image, &preprocess), DOGBREED_ERROR_INVALID_ARGUMENT,
                 "crop is 0");
    preprocess.crop = 1;
    preprocess.filter = 3;
    assert_fails(dogb_transform_eval(out, &image, &preprocess), DOGBREED_ERROR_INVALID_ARGUMENT,
                 "filter 3");
}

static void random_crops_stay_inside(void **state) {
    (void)state;
    dogb_rng rng;
    double area = 0;
    for (uint64_t i = 0; i < 3000; i++) {
        dogb_rect rect;
        int32_t width = i % 3 == 0 ? 1 : 500, height = i % 3 == 1 ? 20 : 333;
        dogb_rng_init(&rng, 5, DOGB_RNG_AUGMENT, i, 0);
        dogb_crop_random(&rect, &rng, width, height);
        assert_true(rect.left >= 0 && rect.top >= 0 && rect.left < rect.right &&
                    rect.top < rect.bottom && rect.right <= width && rect.bottom <= height);
        if (i % 3 == 2) {
            double w = rect.right - rect.left, h = rect.bottom - rect.top;
            assert_true(w / h > 0.74 && w / h < 1.345);
            area += w * h / (width * height);
        }
    }
    assert_true(area / 1000 > 0.36 && area / 1000 < 0.42); // torchvision: 0.390
}

static void normalises_exactly(void **state) {
    (void)state;
    uint8_t in[4 * 3] = {0, 128, 255, 1, 2, 3, 4, 5, 6, 7, 8, 9};
    float out[12];
    dogb_normalize(out, in, 2, mean, deviation);
    for (int c = 0; c < 3; c++) {
        for (int i = 0; i < 4; i++) {
            float scaled = (float)in[i * 3 + c] / 255.0f;
            float moved = scaled - mean[c];
            float expected = moved / deviation[c];
            assert_memory_equal(&out[c * 4 + i], &expected, sizeof expected);
        }
    }
    assert_true(fabs((double)out[0] + 2.1179039) < 1e-6); // torchvision's black red
}

// Larger than the vector kernels' steps, with a rest; every value of every channel.
static void normalises_alike_on_every_machine(void **state) {
    enum { SIDE = 37 };
    (void)state;
    static uint8_t in[SIDE * SIDE * 3];
    static float fast[SIDE * SIDE * 3], plain[SIDE * SIDE * 3];
    for (size_t i = 0; i < sizeof in; i++) {
        in[i] = (uint8_t)(i * 89 + i / 256);
    }
    dogb_normalize(fast, in, SIDE, mean, deviation);
    assert_int_equal(setenv("DOGBREED_CPU", "c", 1), 0);
    dogb_normalize(plain, in, SIDE, mean, deviation);
    assert_int_equal(unsetenv("DOGBREED_CPU"), 0);
    assert_memory_equal(fast, plain, sizeof fast);
}

static void jitter_of_one_changes_nothing(void **state) {
    (void)state;
    uint8_t pixels[9] = {0, 0, 0, 255, 255, 255, 255, 0, 0};
    const uint8_t before[9] = {0, 0, 0, 255, 255, 255, 255, 0, 0};
    dogb_jitter jitter = {1, 1, 1, 0, {3, 2, 1, 0}};
    assert_ok(dogb_transform_jitter(pixels, 3, 1, &jitter));
    assert_memory_equal(pixels, before, 9);
    jitter.brightness = 0.5; // Pillow 13.0.0
    assert_ok(dogb_transform_jitter(pixels, 3, 1, &jitter));
    assert_int_equal(pixels[3], 127);
    jitter.order[0] = 2;
    assert_fails(dogb_transform_jitter(pixels, 3, 1, &jitter), DOGBREED_ERROR_INVALID_ARGUMENT,
                 "permutation");
    jitter = (dogb_jitter){-1, 1, 1, 0, {0, 1, 2, 3}};
    assert_fails(dogb_transform_jitter(pixels, 3, 1, &jitter), DOGBREED_ERROR_INVALID_ARGUMENT,
                 "factor");
    jitter = (dogb_jitter){1, 1, 1, 0.6, {0, 1, 2, 3}};
    assert_fails(dogb_transform_jitter(pixels, 3, 1, &jitter), DOGBREED_ERROR_INVALID_ARGUMENT,
                 "hue");
}

// load = decode whole, orient, cut, transform: for every orientation, both transforms.
static void load_equals_its_steps(void **state) {
    (void)state;
    dogb_arena scratch = {0};
    for (int how = 1; how <= 8; how++) {
        for (uint32_t seed = 0; seed < 8; seed++) {
            dogb_arena arena = {0};
            char name[32];
            (void)snprintf(name, sizeof name, "jexif_%d.jpg", how);
            test_bytes file = test_golden(&arena, name);
            dogb_preprocess preprocess = {.resize = 24 + how, .crop = 20, .filter = how % 3};
            preprocess.exif_orientation = seed < 6 ? DOGBREED_EXIF_APPLY : DOGBREED_EXIF_IGNORE;
            const dogb_rect inside = {3, 4, 33, 30};
            const dogb_rect *rectangle = seed % 2 ? &inside : NULL;
            dogb_image image;
            dogb_image_info info;
            dogb_rng first, second;
            uint8_t got[20 * 20 * 3], expected[20 * 20 * 3];
            dogb_rng_init(&first, 1, DOGB_RNG_AUGMENT, seed, 0);
            second = first;
            int random = seed >= 2;
            assert_ok(dogb_image_load(got, &info, &scratch, file.data, file.size, NULL, &preprocess,
                                      random ? &first : NULL, rectangle, name));
            assert_ok(
                dogb_image_decode(&image, NULL, &arena, file.data, file.size, NULL, NULL, name));
            assert_int_equal(info.orientation, how);
            if (preprocess.exif_orientation == DOGBREED_EXIF_APPLY) {
                assert_ok(dogb_image_orient(&image, &arena, &image, how));
            }
            assert_ok(dogb_image_prepare(expected, &image, &preprocess, random ? &second : NULL,
                                         rectangle, name));
            assert_memory_equal(got, expected, sizeof got);
            dogb_arena_free(&arena);
        }
    }
    dogb_arena_free(&scratch);
}

static void load_refuses_rectangles_outside(void **state) {
    (void)state;
    dogb_arena arena = {0};
    test_bytes file = test_golden(&arena, "jexif_6.jpg"); // upright 35 x 45
    dogb_preprocess preprocess = {.crop = 4, .exif_orientation = DOGBREED_EXIF_APPLY};
    dogb_rect rectangle = {0, 0, 36, 10};
    uint8_t out[48];
    assert_fails(dogb_image_load(out, NULL, &arena, file.data, file.size, NULL, &preprocess, NULL,
                                 &rectangle, "a.jpg"),
                 DOGBREED_ERROR_INVALID_ARGUMENT, "a.jpg: rectangle 0,0,36,10");
    rectangle.right = 35;
    assert_ok(dogb_image_load(out, NULL, &arena, file.data, file.size, NULL, &preprocess, NULL,
                              &rectangle, "a.jpg"));
    dogb_arena_free(&arena);
}

static int count_allocations(size_t size, void *userdata) {
    (void)size;
    ++*(int *)userdata;
    return 0;
}

static void load_reuses_memory(void **state) {
    (void)state;
    dogb_arena scratch = {0}, arena = {0};
    test_bytes file = test_golden(&arena, "j420.jpg");
    dogb_preprocess preprocess = {.resize = 24, .crop = 20};
    uint8_t out[20 * 20 * 3];
    int count = 0;
    assert_ok(dogb_image_load(out, NULL, &scratch, file.data, file.size, NULL, &preprocess, NULL,
                              NULL, "a"));
    dogb_alloc_test(count_allocations, &count);
    for (int i = 0; i < 10; i++) {
        assert_ok(dogb_image_load(out, NULL, &scratch, file.data, file.size, NULL, &preprocess,
                                  NULL, NULL, "a"));
    }
    dogb_alloc_test(NULL, NULL);
    assert_int_equal(count, 0);
    dogb_arena_free(&scratch);
    dogb_arena_free(&arena);
}

static void load_survives_failed_allocations(void **state) {
    static const char *const names[] = {"jexif_6.jpg", "jprogressive.jpg", "pinterlaced.png"};
    (void)state;
    for (size_t n = 0; n < 3; n++) {
        dogb_arena arena = {0};
        test_bytes file = test_golden(&arena, names[n]);
        dogb_preprocess preprocess = {
            .resize = 24, .crop = 30, .exif_orientation = DOGBREED_EXIF_APPLY};
        uint8_t out[30 * 30 * 3];
        int rc = -1;
        for (int at = 0; rc != 0; at++) {
            dogb_arena scratch = {0};
            memory_fail_after(at);
            rc = dogb_image_load(out, NULL, &scratch, file.data, file.size, NULL, &preprocess, NULL,
                                 NULL, names[n]);
            (void)memory_restore();
            assert_true(rc == 0 || rc == DOGBREED_ERROR_NO_MEMORY);
            assert_true(at < 50);
            dogb_arena_free(&scratch);
        }
        dogb_arena_free(&arena);
    }
}

static void written_files_read_back(void **state) {
    (void)state;
    dogb_arena arena = {0};
    uint8_t pixels[40 * 30 * 3];
    for (int i = 0; i < 40 * 30 * 3; i++) {
        pixels[i] = (uint8_t)(i / 3 % 40 * 5 + i % 3 * 20);
    }
    dogb_image image = {pixels, 40, 30}, back;
    dogb_image_info info;
    uint8_t *data;
    size_t size;
    assert_ok(dogb_png_encode(&data, &size, &arena, &image));
    assert_ok(dogb_image_decode(&back, &info, &arena, data, size, NULL, NULL, "a.png"));
    assert_int_equal(info.format, DOGB_FORMAT_PNG);
    assert_memory_equal(back.pixels, pixels, sizeof pixels);
    assert_ok(dogb_jpeg_encode(&data, &size, &arena, &image, 95));
    assert_ok(dogb_image_decode(&back, &info, &arena, data, size, NULL, NULL, "a.jpg"));
    assert_int_equal(info.format, DOGB_FORMAT_JPEG);
    for (int i = 0; i < 40 * 30 * 3; i++) {
        assert_true(abs(back.pixels[i] - pixels[i]) < 24);
    }
    assert_fails(dogb_jpeg_encode(&data, &size, &arena, &image, 0), DOGBREED_ERROR_INVALID_ARGUMENT,
                 "quality");
    assert_null(data);
    dogb_arena_free(&arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exif_reader_takes_only_the_tag),
        cmocka_unit_test(orientations_move_pixels),
        cmocka_unit_test(centre_crop_rounds_half_to_even),
        cmocka_unit_test(small_pictures_are_padded_with_black),
        cmocka_unit_test(refuses_bad_preprocessing),
        cmocka_unit_test(random_crops_stay_inside),
        cmocka_unit_test(normalises_exactly),
        cmocka_unit_test(normalises_alike_on_every_machine),
        cmocka_unit_test(jitter_of_one_changes_nothing),
        cmocka_unit_test(load_equals_its_steps),
        cmocka_unit_test(load_refuses_rectangles_outside),
        cmocka_unit_test(load_reuses_memory),
        cmocka_unit_test(load_survives_failed_allocations),
        cmocka_unit_test(written_files_read_back),
    };
    return cmocka_run_group_tests_name("image_transform", tests, NULL, NULL);
}
