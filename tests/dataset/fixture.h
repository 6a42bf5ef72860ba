// fixture.h - files and pictures for the tests of lib/dataset.
#ifndef DOGB_TEST_DATASET_FIXTURE_H
#define DOGB_TEST_DATASET_FIXTURE_H

#include "scratch.h"

#include "core/rng.h"
#include "image/image.h"

#include <dogbreed/dataset.h>

// Writes a file and makes its folders.
static inline void put_bytes(const char *name, const void *data, size_t size) {
    char folder[2048];
    (void)snprintf(folder, sizeof folder, "%s/%s", scratch_folder, name);
    *strrchr(folder, '/') = '\0';
    assert_ok(dogb_directory_make(folder));
    FILE *file = fopen(scratch(name), "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

static inline void put(const char *name, const char *text) {
    put_bytes(name, text, strlen(text));
}

// Path of a sample below the scratch folder.
static inline const char *sample_name(const dogbreed_dataset *dataset, int64_t index) {
    dogbreed_sample sample = {.struct_size = sizeof sample};
    assert_ok(dogbreed_dataset_sample(dataset, index, &sample));
    return sample.path + strlen(scratch_folder) + 1;
}

static inline int32_t sample_label(const dogbreed_dataset *dataset, int64_t index) {
    dogbreed_sample sample = {.struct_size = sizeof sample};
    assert_ok(dogbreed_dataset_sample(dataset, index, &sample));
    return sample.label;
}

// A picture of smooth colour and noise that depends on its number; the arena owns it.
static inline dogb_image make_image(dogb_arena *arena, int32_t width, int32_t height,
                                    uint64_t number) {
    dogb_rng rng;
    dogb_image image = {dogb_alloc(arena, (size_t)width * (size_t)height, 3), width, height};
    assert_non_null(image.pixels);
    dogb_rng_init(&rng, number, DOGB_RNG_SYNTH, 0, 0);
    uint32_t base = dogb_rng_u32(&rng);
    for (int32_t i = 0; i < width * height; i++) {
        uint32_t noise = dogb_rng_u32(&rng);
        for (int c = 0; c < 3; c++) {
            uint32_t value =
                ((base >> (8 * c)) & 127) + (uint32_t)(i % width) + ((noise >> (8 * c)) & 31);
            image.pixels[3 * i + c] = (uint8_t)(value > 255 ? 255 : value);
        }
    }
    return image;
}

// Writes such a picture as JPEG, or as PNG when the name says so.
static inline void put_image(const char *name, int32_t width, int32_t height, uint64_t number) {
    dogb_arena arena = {0};
    dogb_image image = make_image(&arena, width, height, number);
    uint8_t *bytes = NULL;
    size_t size = 0;
    const char *dot = strrchr(name, '.');
    assert_ok(strcmp(dot, ".png") == 0 ? dogb_png_encode(&bytes, &size, &arena, &image)
                                       : dogb_jpeg_encode(&bytes, &size, &arena, &image, 90));
    put_bytes(name, bytes, size);
    dogb_arena_free(&arena);
}

#endif
