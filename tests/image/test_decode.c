// test_decode.c - every golden file against Pillow's pixels, warning policies, regions, truncation,
// limits, and the optional data folder.
#include "image_test.h"

#include <dogbreed/dataset.h>

#include <dogbreed/model.h>

#include <dirent.h>

_Static_assert(DOGB_WARNINGS_ERROR == (int)DOGBREED_WARNINGS_ERROR &&
                   DOGB_WARNINGS_PILLOW == (int)DOGBREED_WARNINGS_PILLOW &&
                   DOGB_EXIF_IGNORE == (int)DOGBREED_EXIF_IGNORE &&
                   DOGB_EXIF_APPLY == (int)DOGBREED_EXIF_APPLY &&
                   DOGB_FILTER_BILINEAR == (int)DOGBREED_FILTER_BILINEAR &&
                   DOGB_FILTER_BICUBIC == (int)DOGBREED_FILTER_BICUBIC &&
                   DOGB_FILTER_LANCZOS == (int)DOGBREED_FILTER_LANCZOS,
               "the folder's own names must equal the public ones");

// Calls fn for each line of expected.txt.
static void each_golden(void (*fn)(const char *name, const char *rest)) {
    FILE *file = fopen(test_file("image/golden/expected.txt"), "r");
    char line[256];
    int count = 0;
    assert_non_null(file);
    while (fgets(line, sizeof line, file) != NULL) {
        char *space = strchr(line, ' ');
        assert_non_null(space);
        *space = '\0';
        fn(line, space + 1);
        count++;
    }
    assert_int_equal(fclose(file), 0);
    assert_true(count > 70);
}

static int decode(dogb_image *out, dogb_image_info *info, dogb_arena *arena, const char *name,
                  int policy) {
    test_bytes file = test_golden(arena, name);
    dogb_image_limits limits;
    dogb_image_limits_default(&limits);
    limits.jpeg_warnings = policy;
    return dogb_image_decode(out, info, arena, file.data, file.size, &limits, NULL, name);
}

static void check_golden(const char *name, const char *rest) {
    dogb_arena arena = {0};
    dogb_image image;
    dogb_image_info info;
    int rc = decode(&image, &info, &arena, name, DOGBREED_WARNINGS_ERROR);
    if (name[0] == 'x') {
        assert_true(rc == DOGBREED_ERROR_FORMAT || rc == DOGBREED_ERROR_UNSUPPORTED);
        assert_non_null(strstr(dogbreed_error_message(), name));
        assert_null(image.pixels);
    } else {
        int width, height;
        unsigned long long sum;
        assert_ok(rc);
        if (sscanf(rest, "%d %d %llx", &width, &height, &sum) == 3) { // else Pillow refuses
            assert_ok(dogb_image_orient(&image, &arena, &image, info.orientation));
            if (image.width != width || image.height != height ||
                test_fnv1a(image.pixels, (size_t)width * (size_t)height * 3) != sum) {
                fail_msg("%s: other pixels than Pillow's", name);
            }
        }
    }
    dogb_arena_free(&arena);
}

static void golden_files_equal_pillow(void **state) {
    (void)state;
    each_golden(check_golden);
}

static void pillow_policy_accepts_what_pillow_accepts(void **state) {
    static const struct {
        const char *name;
        int accepted;
        uint64_t sum;
    } files[] = {
        {"xjunk_before_marker.jpg", 1, 0x424829e8b78b8fd8u},
        {"xbad_huffman.jpg", 1, 0xd80d4fea21dad4dfu},
        {"xno_end.jpg", 0, 0},
        {"xtruncated_50.jpg", 0, 0},
        {"xtruncated_90.jpg", 0, 0},
        {"xtwo_components.jpg", 0, 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        dogb_arena arena = {0};
        dogb_image image;
        dogb_image_info info;
        int rc = decode(&image, &info, &arena, files[i].name, DOGBREED_WARNINGS_PILLOW);
        assert_int_equal(rc == 0, files[i].accepted);
        if (rc == 0) {
            assert_true(info.warnings > 0);
            assert_true(test_fnv1a(image.pixels, 45 * 35 * 3) == files[i].sum);
        }
        dogb_arena_free(&arena);
    }
}

static void info_describes_the_file(void **state) {
    static const struct {
        const char *name;
        dogb_image_info info;
    } files[] = {
        {"j420.jpg", {DOGB_FORMAT_JPEG, 45, 35, 3, 8, 0, 0, 0, 0, 1, 0, 0}},
        {"jgray.jpg", {DOGB_FORMAT_JPEG, 45, 35, 1, 8, 0, 0, 0, 0, 1, 0, 0}},
        {"jcmyk.jpg", {DOGB_FORMAT_JPEG, 45, 35, 4, 8, 0, 0, 1, 0, 1, 0, 0}},
        {"jprogressive.jpg", {DOGB_FORMAT_JPEG, 45, 35, 3, 8, 0, 0, 0, 1, 1, 0, 0}},
        {"jexif_6.jpg", {DOGB_FORMAT_JPEG, 45, 35, 3, 8, 0, 0, 0, 0, 6, 0, 0}},
        {"prgba_16.png", {DOGB_FORMAT_PNG, 13, 11, 4, 16, 0, 1, 0, 0, 1, 0, 0}},
        {"ppalette_4.png", {DOGB_FORMAT_PNG, 13, 11, 3, 4, 1, 0, 0, 0, 1, 0, 0}},
        {"ppalette_alpha.png", {DOGB_FORMAT_PNG, 13, 11, 3, 8, 1, 1, 0, 0, 1, 0, 0}},
        {"pgray_alpha_8.png", {DOGB_FORMAT_PNG, 13, 11, 2, 8, 0, 1, 0, 0, 1, 0, 0}},
        {"pinterlaced_1.png", {DOGB_FORMAT_PNG, 13, 11, 1, 1, 0, 0, 0, 1, 1, 0, 0}},
        {"pexif_6.png", {DOGB_FORMAT_PNG, 13, 11, 3, 8, 0, 0, 0, 0, 6, 0, 0}},
    };
    (void)state;
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        dogb_arena arena = {0};
        dogb_image image;
        dogb_image_info probed, decoded;
        test_bytes file = test_golden(&arena, files[i].name);
        assert_ok(dogb_image_probe(&probed, file.data, file.size, NULL, files[i].name));
        assert_ok(dogb_image_decode(&image, &decoded, &arena, file.data, file.size, NULL, NULL,
                                    files[i].name));
        assert_memory_equal(&probed, &files[i].info, sizeof probed);
        assert_memory_equal(&decoded, &files[i].info, sizeof decoded);
        dogb_arena_free(&arena);
    }
}

static void check_regions(const char *name, const char *rest) {
    (void)rest;
    if (name[0] != 'j' && name[0] != 'p') {
        return;
    }
    dogb_arena arena = {0};
    dogb_image whole;
    dogb_rng rng;
    test_bytes file = test_golden(&arena, name);
    dogb_rng_init(&rng, 3, DOGB_RNG_SYNTH, 0, 0);
    assert_ok(dogb_image_decode(&whole, NULL, &arena, file.data, file.size, NULL, NULL, name));
    for (int i = 0; i < 60; i++) {
        dogb_rect rect;
        dogb_image part;
        rect.left = (int32_t)dogb_rng_below(&rng, (uint64_t)whole.width);
        rect.top = (int32_t)dogb_rng_below(&rng, (uint64_t)whole.height);
        rect.right =
            rect.left + 1 + (int32_t)dogb_rng_below(&rng, (uint64_t)(whole.width - rect.left));
        rect.bottom =
            rect.top + 1 + (int32_t)dogb_rng_below(&rng, (uint64_t)(whole.height - rect.top));
        assert_ok(dogb_image_decode(&part, NULL, &arena, file.data, file.size, NULL, &rect, name));
        assert_int_equal(part.width, rect.right - rect.left);
        assert_int_equal(part.height, rect.bottom - rect.top);
        for (int32_t y = 0; y < part.height; y++) {
            const uint8_t *expected =
                whole.pixels +
                ((size_t)(rect.top + y) * (size_t)whole.width + (size_t)rect.left) * 3;
            size_t bytes = (size_t)part.width * 3;
            if (memcmp(part.pixels + (size_t)y * bytes, expected, bytes) != 0) {
                fail_msg("%s: region %d,%d,%d,%d differs in row %d", name, (int)rect.left,
                         (int)rect.top, (int)rect.right, (int)rect.bottom, (int)y);
            }
        }
    }
    dogb_arena_free(&arena);
}

static void regions_equal_the_whole(void **state) {
    (void)state;
    each_golden(check_regions);
}

static void refuses_regions_outside(void **state) {
    static const dogb_rect rects[] = {
        {-1, 0, 5, 5}, {0, 0, 46, 5}, {0, 0, 5, 36}, {5, 5, 5, 6}, {6, 5, 5, 6}};
    (void)state;
    dogb_arena arena = {0};
    test_bytes file = test_golden(&arena, "j420.jpg");
    for (size_t i = 0; i < sizeof rects / sizeof rects[0]; i++) {
        dogb_image image;
        assert_fails(
            dogb_image_decode(&image, NULL, &arena, file.data, file.size, NULL, &rects[i], "x.jpg"),
            DOGBREED_ERROR_INVALID_ARGUMENT, "x.jpg: rectangle");
    }
    dogb_arena_free(&arena);
}

// Cut anywhere, a file is refused; only a PNG without its end chunk is a warning.
static void truncated_anywhere_is_refused(void **state) {
    static const char *const names[] = {"j420.jpg",     "j444.jpg",    "jprogressive.jpg",
                                        "jrestart.jpg", "jexif_6.jpg", "jgray.jpg",
                                        "prgb_8.png",   "pexif_6.png", "pinterlaced.png"};
    (void)state;
    for (size_t n = 0; n < sizeof names / sizeof names[0]; n++) {
        dogb_arena arena = {0};
        test_bytes file = test_golden(&arena, names[n]);
        size_t tail = names[n][0] == 'p' ? 12 : 0; // IEND
        for (size_t size = 0; size < file.size; size++) {
            dogb_image image;
            dogb_image_info info;
            uint8_t *copy = dogb_alloc_raw(&arena, size, 1);
            memcpy(copy, file.data, size);
            int rc = dogb_image_decode(&image, &info, &arena, copy, size, NULL, NULL, names[n]);
            if (rc == 0 && (size < file.size - tail || info.warnings == 0)) {
                fail_msg("%s cut to %zu of %zu bytes was accepted", names[n], size, file.size);
            }
            dogb_release(&arena, image.pixels);
            dogb_release(&arena, copy);
        }
        dogb_arena_free(&arena);
    }
}

// Decodes with this machine's code and with libjpeg alone: same verdict, same pixels.
static void check_both_ways(const uint8_t *data, size_t size, int policy, const dogb_rect *rect) {
    dogb_arena arena = {0};
    dogb_image_limits limits;
    dogb_image fast, plain;
    dogb_image_limits_default(&limits);
    limits.jpeg_warnings = policy;
    int fast_rc = dogb_image_decode(&fast, NULL, &arena, data, size, &limits, rect, "file");
    assert_int_equal(setenv("DOGBREED_CPU", "c", 1), 0);
    int plain_rc = dogb_image_decode(&plain, NULL, &arena, data, size, &limits, rect, "file");
    assert_int_equal(unsetenv("DOGBREED_CPU"), 0);
    assert_int_equal(fast_rc, plain_rc);
    if (fast_rc == 0) {
        assert_int_equal(fast.width, plain.width);
        assert_int_equal(fast.height, plain.height);
        assert_memory_equal(fast.pixels, plain.pixels,
                            (size_t)fast.width * (size_t)fast.height * 3);
    }
    dogb_arena_free(&arena);
}

static void damaged_files_decode_as_by_libjpeg(void **state) {
    static const char *const names[] = {"j420.jpg",     "j422.jpg",         "j444.jpg",
                                        "jrestart.jpg", "jquality100.jpg",  "jquality1.jpg",
                                        "jexif_6.jpg",  "jrestart_rows.jpg"};
    (void)state;
    dogb_rng rng;
    if (getenv("JSIMD_FORCENONE") != NULL) {
        // Coefficients out of range overflow differently in libjpeg-turbo's C and SIMD code.
        test_skip("libjpeg-turbo without SIMD");
    }
    dogb_rng_init(&rng, 11, DOGB_RNG_SYNTH, 0, 0);
    for (size_t n = 0; n < sizeof names / sizeof names[0]; n++) {
        dogb_arena arena = {0};
        test_bytes file = test_golden(&arena, names[n]);
        uint8_t *copy = dogb_alloc_raw(&arena, file.size, 1);
        for (int i = 0; i < 400; i++) {
            memcpy(copy, file.data, file.size);
            for (uint64_t flips = dogb_rng_below(&rng, 3) + 1; flips > 0; flips--) {
                // Half of the changes in the image data, which is the last part.
                size_t span = dogb_rng_below(&rng, 2) ? file.size : file.size / 3;
                size_t at = file.size - 1 - (size_t)dogb_rng_below(&rng, span);
                copy[at] = (uint8_t)(copy[at] ^ 1u << dogb_rng_below(&rng, 8));
            }
            check_both_ways(copy, file.size, i & 1, NULL);
        }
        dogb_arena_free(&arena);
    }
}

static void names_other_formats(void **state) {
    (void)state;
    dogb_image_info info;
    assert_fails(dogb_image_probe(&info, (const uint8_t *)"GIF89a", 6, NULL, "a.gif"),
                 DOGBREED_ERROR_UNSUPPORTED, "a.gif: is GIF");
    assert_fails(dogb_image_probe(&info, (const uint8_t *)"RIFF....WEBPVP8 ", 16, NULL, "a.jpg"),
                 DOGBREED_ERROR_UNSUPPORTED, "a.jpg: is WebP");
    assert_fails(dogb_image_probe(&info, (const uint8_t *)"hello", 5, NULL, "a.txt"),
                 DOGBREED_ERROR_UNSUPPORTED, "a.txt: no known picture format");
    assert_fails(dogb_image_probe(&info, (const uint8_t *)"", 0, NULL, "empty"),
                 DOGBREED_ERROR_FORMAT, "empty: empty file");
    assert_string_equal(dogb_image_sniff((const uint8_t *)"\xFF\xD8\xFF\xE0", 4), "JPEG");
    assert_null(dogb_image_sniff((const uint8_t *)"\xFF\xD8", 2));
}

static void keeps_limits(void **state) {
    static const struct {
        const char *name;
        int64_t pixels_max, memory_max;
        int32_t side_max, scans_max;
        const char *part;
    } cases[] = {
        {"j420.jpg", 45 * 35 - 1, 1 << 20, 100, 10, "limit of 1574 pixels"},
        {"prgb_8.png", 142, 1 << 20, 100, 10, "limit of 142 pixels"},
        {"j420.jpg", 10000, 1 << 20, 44, 10, "limit of 44 per side"},
        {"prgb_8.png", 10000, 1 << 20, 12, 10, "limit of 12 per side"},
        {"j420.jpg", 10000, 45 * 35 * 3 - 1, 100, 10, "limit of 4724 bytes"},
        {"jprogressive.jpg", 10000, 10000, 100, 100, "limit of 10000 bytes"},
        {"jprogressive.jpg", 10000, 1 << 20, 100, 2, "more than 2 scans"},
        {"xscans.jpg", 10000, 1 << 20, 100, 100, "more than 100 scans"},
        {"xhuge.jpg", 89478485, 1 << 29, 30000, 100, "limit of 30000 per side"},
        {"xhuge.png", 89478485, 1 << 29, 30000, 100, "limit of 30000 per side"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        dogb_arena arena = {0};
        dogb_image image;
        test_bytes file = test_golden(&arena, cases[i].name);
        dogb_image_limits limits = {.pixels_max = cases[i].pixels_max,
                                    .memory_max = cases[i].memory_max,
                                    .side_max = cases[i].side_max,
                                    .scans_max = cases[i].scans_max,
                                    .jpeg_warnings = DOGBREED_WARNINGS_PILLOW};
        assert_fails(dogb_image_decode(&image, NULL, &arena, file.data, file.size, &limits, NULL,
                                       cases[i].name),
                     DOGBREED_ERROR_UNSUPPORTED, cases[i].part);
        dogb_arena_free(&arena);
    }
}

// Every file of a folder: no crash, and refused files name themselves.
static void try_folder(const char *folder, const char *refused_prefix) {
    DIR *dir = opendir(folder);
    struct dirent *entry;
    int tried = 0;
    assert_non_null(dir);
    while ((entry = readdir(dir)) != NULL) {
        dogb_arena arena = {0};
        dogb_image image;
        void *data = NULL;
        size_t size = 0, length = strlen(entry->d_name);
        if (length > 4 && strcmp(entry->d_name + length - 4, ".png") == 0) {
            char *path = dogb_path_join(&arena, folder, entry->d_name);
            assert_ok(dogb_file_read(&data, &size, &arena, path, (size_t)1 << 24));
            int rc = dogb_image_decode(&image, NULL, &arena, data, size, NULL, NULL, entry->d_name);
            int broken = strncmp(entry->d_name, refused_prefix, strlen(refused_prefix)) == 0;
            if (rc < 0) {
                assert_non_null(strstr(dogbreed_error_message(), entry->d_name));
            }
            if (refused_prefix[0] != '\0' && (rc < 0) != broken) {
                fail_msg("%s: %s", entry->d_name, rc < 0 ? dogbreed_error_message() : "accepted");
            }
            tried++;
        }
        dogb_arena_free(&arena);
    }
    assert_int_equal(closedir(dir), 0);
    assert_true(tried > 10);
}

static void data_png_suite(void **state) {
    (void)state;
    test_data_or_skip(folder, "images/pngsuite");
    try_folder(folder, "x");
}

static void data_png_crashers(void **state) {
    (void)state;
    test_data_or_skip(folder, "images/png-crashers");
    try_folder(folder, "");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(golden_files_equal_pillow),
        cmocka_unit_test(pillow_policy_accepts_what_pillow_accepts),
        cmocka_unit_test(info_describes_the_file),
        cmocka_unit_test(regions_equal_the_whole),
        cmocka_unit_test(refuses_regions_outside),
        cmocka_unit_test(truncated_anywhere_is_refused),
        cmocka_unit_test(damaged_files_decode_as_by_libjpeg),
        cmocka_unit_test(names_other_formats),
        cmocka_unit_test(keeps_limits),
        cmocka_unit_test(data_png_suite),
        cmocka_unit_test(data_png_crashers),
    };
    return cmocka_run_group_tests_name("image_decode", tests, NULL, NULL);
}
