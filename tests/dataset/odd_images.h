// odd_images.h - JPEG and PNG files of the less usual kinds, made by the codec libraries directly.
#ifndef DOGB_TEST_DATASET_ODD_IMAGES_H
#define DOGB_TEST_DATASET_ODD_IMAGES_H

#include "fixture.h"

#include <jpeglib.h>
#include <png.h>

// JPEG of 1 (gray), 3 or 4 (CMYK) channels.
static inline void put_jpeg(const char *name, int channels, int progressive) {
    enum { SIDE = 24 };
    struct jpeg_compress_struct lib;
    struct jpeg_error_mgr errors;
    unsigned char *bytes = NULL;
    unsigned long size = 0;
    uint8_t row[SIDE * 4];
    lib.err = jpeg_std_error(&errors);
    jpeg_create_compress(&lib);
    jpeg_mem_dest(&lib, &bytes, &size);
    lib.image_width = SIDE;
    lib.image_height = SIDE;
    lib.input_components = channels;
    lib.in_color_space = channels == 1 ? JCS_GRAYSCALE : channels == 3 ? JCS_RGB : JCS_CMYK;
    jpeg_set_defaults(&lib);
    if (progressive) {
        jpeg_simple_progression(&lib);
    }
    jpeg_start_compress(&lib, TRUE);
    for (int y = 0; y < SIDE; y++) {
        JSAMPROW rows = row;
        for (int i = 0; i < SIDE * channels; i++) {
            row[i] = (uint8_t)(y * 9 + i * 3 + channels * 20 + progressive);
        }
        (void)jpeg_write_scanlines(&lib, &rows, 1);
    }
    jpeg_finish_compress(&lib);
    jpeg_destroy_compress(&lib);
    put_bytes(name, bytes, size);
    free(bytes);
}

// PNG of a colour type and depth.
static inline void put_png(const char *name, int color_type, int depth) {
    enum { SIDE = 20 };
    put(name, "");
    FILE *file = fopen(scratch(name), "wb");
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
    png_infop info = png_create_info_struct(png);
    png_color palette[256];
    uint8_t row[SIDE * 8];
    assert_non_null(file);
    memset(palette, 77, sizeof palette);
    png_init_io(png, file);
    png_set_IHDR(png, info, SIDE, SIDE, depth, color_type, PNG_INTERLACE_NONE,
                 PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    if (color_type == PNG_COLOR_TYPE_PALETTE) {
        palette[3].red = 1;
        png_set_PLTE(png, info, palette, 256);
    }
    png_write_info(png, info);
    for (int y = 0; y < SIDE; y++) {
        for (size_t i = 0; i < sizeof row; i++) {
            row[i] = (uint8_t)(y * 5 + (int)i);
        }
        png_write_row(png, row);
    }
    png_write_end(png, info);
    png_destroy_write_struct(&png, &info);
    assert_int_equal(fclose(file), 0);
}

// Copies a JPEG and gives it an EXIF orientation.
static inline void put_oriented(const char *name, const char *from, uint8_t orientation) {
    const uint8_t marker[] = {0xFF, 0xE1, 0, 34, 'E', 'x',         'i', 'f', 0, 0,  'M', 'M',
                              0,    42,   0, 0,  0,   8,           0,   1,   1, 18, 0,   3,
                              0,    0,    0, 1,  0,   orientation, 0,   0,   0, 0,  0,   0};
    dogb_arena arena = {0};
    void *bytes = NULL;
    size_t size = 0;
    assert_ok(dogb_file_read(&bytes, &size, &arena, scratch(from), SIZE_MAX));
    uint8_t *all = dogb_alloc(&arena, size + sizeof marker, 1);
    assert_non_null(all);
    memcpy(all, bytes, 2);
    memcpy(all + 2, marker, sizeof marker);
    memcpy(all + 2 + sizeof marker, (uint8_t *)bytes + 2, size - 2);
    put_bytes(name, all, size + sizeof marker);
    dogb_arena_free(&arena);
}

#endif
