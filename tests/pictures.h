// pictures.h - small pictures and image folders for tests, and a small model.
#ifndef DOGB_TEST_PICTURES_H
#define DOGB_TEST_PICTURES_H

#include "core/file.h"
#include "image/image.h"
#include "model/model_internal.h"
#include "test.h"

// A picture whose pixels depend on its number: a slope in a colour of its own with some noise.
static inline void make_picture(dogb_image *out, dogb_arena *arena, int number, int32_t width,
                                int32_t height) {
    dogb_rng rng;
    dogb_rng_init(&rng, 1, DOGB_RNG_SYNTH, (uint64_t)number, 0);
    int32_t base[3];
    for (int c = 0; c < 3; c++) {
        base[c] = (int32_t)dogb_rng_below(&rng, 200);
    }
    out->width = width;
    out->height = height;
    out->pixels = dogb_alloc(arena, (size_t)width * (size_t)height, 3);
    assert_non_null(out->pixels);
    for (int32_t y = 0; y < height; y++) {
        for (int32_t x = 0; x < width; x++) {
            for (int c = 0; c < 3; c++) {
                int32_t noise = (int32_t)dogb_rng_below(&rng, 16);
                out->pixels[(y * width + x) * 3 + c] =
                    (uint8_t)((base[c] + x * (c + 1) + y * (3 - c) + noise) & 255);
            }
        }
    }
}

static inline void write_picture(const char *path, int number, int32_t width, int32_t height) {
    dogb_arena arena = {0};
    dogb_image image;
    uint8_t *bytes = NULL;
    size_t size = 0;
    make_picture(&image, &arena, number, width, height);
    assert_ok(dogb_jpeg_encode(&bytes, &size, &arena, &image, 90));
    assert_ok(dogb_file_write(path, bytes, size));
    dogb_arena_free(&arena);
}

// A JPEG's bytes with an EXIF block that says: turn by 90 degrees to the right (orientation 6).
static inline uint8_t *turned_jpeg(dogb_arena *arena, const char *path, size_t *size) {
    static const uint8_t exif[] = {0xFF, 0xE1, 0, 34, 'E', 'x', 'i', 'f', 0, 0,    'M', 'M',
                                   0,    42,   0, 0,  0,   8,   0,   1,   1, 0x12, 0,   3,
                                   0,    0,    0, 1,  0,   6,   0,   0,   0, 0,    0,   0};
    void *bytes = NULL;
    assert_ok(dogb_file_read(&bytes, size, arena, path, 1 << 24));
    uint8_t *out = dogb_alloc(arena, *size + sizeof exif, 1);
    memcpy(out, bytes, 2); // start of image
    memcpy(out + 2, exif, sizeof exif);
    memcpy(out + 2 + sizeof exif, (uint8_t *)bytes + 2, *size - 2);
    *size += sizeof exif;
    return out;
}

// root/<split>/class_<c>/<i>.jpg
static inline void write_split(const char *root, const char *split, int classes, int per_class,
                               int first_number) {
    char path[1024];
    for (int c = 0; c < classes; c++) {
        (void)snprintf(path, sizeof path, "%s/%s/class_%d", root, split, c);
        assert_ok(dogb_directory_make(path));
        for (int i = 0; i < per_class; i++) {
            (void)snprintf(path, sizeof path, "%s/%s/class_%d/%03d.jpg", root, split, c, i);
            write_picture(path, first_number + c * per_class + i, 40 + i % 5, 36 + c % 3);
        }
    }
}

static inline dogbreed_dataset *open_split(const char *root, const char *split,
                                           double bad_fraction) {
    dogbreed_dataset_options options;
    dogbreed_dataset *whole = NULL;
    dogbreed_dataset *part = NULL;
    assert_ok(dogbreed_dataset_options_init(&options, sizeof options));
    options.bad_fraction = bad_fraction;
    assert_ok(dogbreed_dataset_open(&whole, root, &options));
    assert_ok(dogbreed_dataset_split(&part, whole, split));
    dogbreed_dataset_destroy(whole);
    return part;
}

// A tiny network with random weights.
static inline dogbreed_model *make_tiny(int32_t classes) {
    dogbreed_model_options options;
    dogbreed_model *model = NULL;
    assert_ok(dogbreed_model_options_init(&options, sizeof options));
    options.architecture = "tiny";
    options.classes = classes;
    assert_ok(dogbreed_model_create(&model, NULL, &options));
    return model;
}

// One whose batch norm stays as it is.
static inline dogbreed_model *make_frozen(const dogbreed_dataset *dataset, uint64_t seed) {
    dogbreed_model_options options;
    dogbreed_model *model = NULL;
    assert_ok(dogbreed_model_options_init(&options, sizeof options));
    options.architecture = "tiny";
    options.seed = seed;
    options.batch_norm = DOGBREED_BATCH_NORM_FROZEN;
    assert_ok(dogbreed_model_create(&model, dataset, &options));
    return model;
}

#endif
