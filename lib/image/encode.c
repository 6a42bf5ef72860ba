// encode.c - JPEG and PNG writers into an arena, for drawn data sets and tests. 8-bit RGB only.
#include "image/codec.h"
#include "core/error.h"

#include <setjmp.h>
#include <stdio.h>
#include <string.h>

#include <jpeglib.h>
#include <png.h>

enum { CHUNK = 1 << 16 };

// Bytes written so far; grows by doubling.
typedef struct sink {
    dogb_arena *arena;
    uint8_t *data;
    size_t capacity;
    size_t size;
} sink;

typedef struct jpeg_writer {
    struct jpeg_error_mgr errors; // first: libjpeg hands us its address
    struct jpeg_compress_struct lib;
    struct jpeg_destination_mgr destination;
    jmp_buf jump;
    sink out;
    int code;
} jpeg_writer;

static int check_image(const dogb_image *in) {
    DOGB_CHECK(in->width > 0 && in->height > 0 && in->width <= 65500 && in->height <= 65500,
               "encode: %d x %d pixels, expected 1 to 65500 per side", (int)in->width,
               (int)in->height);
    return DOGBREED_OK;
}

static void error_exit(j_common_ptr lib) {
    jpeg_writer *writer = (jpeg_writer *)lib->err;
    char text[JMSG_LENGTH_MAX];
    if (writer->code == 0) {
        (*lib->err->format_message)(lib, text);
        writer->code = dogb_fail(DOGBREED_ERROR_INTERNAL, "encode: JPEG: %s", text);
    }
    longjmp(writer->jump, 1);
}

static void no_message(j_common_ptr lib) {
    (void)lib;
}

// Makes room for at least CHUNK more bytes behind `size`.
static int sink_room(sink *out) {
    return dogb_grow(out->arena, &out->data, &out->capacity, out->size + CHUNK, 1);
}

static void destination_room(jpeg_writer *writer) {
    if ((writer->code = sink_room(&writer->out)) < 0) {
        error_exit((j_common_ptr)&writer->lib);
    }
    writer->destination.next_output_byte = writer->out.data + writer->out.size;
    writer->destination.free_in_buffer = writer->out.capacity - writer->out.size;
}

static void destination_init(j_compress_ptr lib) {
    destination_room((jpeg_writer *)lib->err);
}

// libjpeg's rule: when called, the whole buffer is full, whatever the pointers say.
static boolean destination_empty(j_compress_ptr lib) {
    jpeg_writer *writer = (jpeg_writer *)lib->err;
    writer->out.size = writer->out.capacity;
    destination_room(writer);
    return TRUE;
}

static void destination_term(j_compress_ptr lib) {
    jpeg_writer *writer = (jpeg_writer *)lib->err;
    writer->out.size = writer->out.capacity - writer->destination.free_in_buffer;
}

static void write_jpeg(jpeg_writer *writer, const dogb_image *in, int32_t quality) {
    struct jpeg_compress_struct *lib = &writer->lib;
    jpeg_create_compress(lib);
    writer->destination.init_destination = destination_init;
    writer->destination.empty_output_buffer = destination_empty;
    writer->destination.term_destination = destination_term;
    lib->dest = &writer->destination;
    lib->image_width = (JDIMENSION)in->width;
    lib->image_height = (JDIMENSION)in->height;
    lib->input_components = 3;
    lib->in_color_space = JCS_RGB;
    jpeg_set_defaults(lib);
    jpeg_set_quality(lib, quality, TRUE);
    for (int c = 0; c < 3; c++) { // 4:4:4
        lib->comp_info[c].h_samp_factor = 1;
        lib->comp_info[c].v_samp_factor = 1;
    }
    jpeg_start_compress(lib, TRUE);
    while (lib->next_scanline < lib->image_height) {
        JSAMPROW row = in->pixels + (size_t)lib->next_scanline * (size_t)in->width * 3;
        (void)jpeg_write_scanlines(lib, &row, 1);
    }
    jpeg_finish_compress(lib);
}

int dogb_jpeg_encode(uint8_t **out, size_t *size, dogb_arena *arena, const dogb_image *in,
                     int32_t quality) {
    *out = NULL;
    *size = 0;
    int rc = check_image(in);
    if (rc < 0) {
        return rc;
    }
    DOGB_CHECK(quality >= 1 && quality <= 100, "encode: quality is %d, expected 1 to 100",
               (int)quality);
    jpeg_writer writer;
    memset(&writer, 0, sizeof writer);
    writer.out.arena = arena;
    writer.lib.err = jpeg_std_error(&writer.errors);
    writer.errors.error_exit = error_exit;
    writer.errors.output_message = no_message;
    if (setjmp(writer.jump) == 0) {
        write_jpeg(&writer, in, quality);
        *out = writer.out.data;
        *size = writer.out.size;
    } else {
        dogb_release(arena, writer.out.data);
    }
    jpeg_destroy_compress(&writer.lib);
    return writer.code;
}

typedef struct png_writer {
    sink out;
    int code;
} png_writer;

static void png_failed(png_structp lib, png_const_charp text) {
    png_writer *writer = png_get_error_ptr(lib);
    if (writer->code == 0) {
        writer->code = dogb_fail(DOGBREED_ERROR_INTERNAL, "encode: PNG: %s", text);
    }
    longjmp(png_jmpbuf(lib), 1);
}

static void png_warned(png_structp lib, png_const_charp text) {
    (void)lib;
    (void)text;
}

static void png_put(png_structp lib, png_bytep data, size_t size) {
    png_writer *writer = png_get_io_ptr(lib);
    sink *out = &writer->out;
    writer->code = dogb_grow(out->arena, &out->data, &out->capacity, out->size + size, 1);
    if (writer->code < 0) {
        png_failed(lib, "out of memory");
    }
    memcpy(out->data + out->size, data, size);
    out->size += size;
}

static void png_no_flush(png_structp lib) {
    (void)lib;
}

static void write_png(png_structp lib, png_infop header, png_writer *writer, const dogb_image *in) {
    png_set_write_fn(lib, writer, png_put, png_no_flush);
    png_set_IHDR(lib, header, (png_uint_32)in->width, (png_uint_32)in->height, 8,
                 PNG_COLOR_TYPE_RGB, PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT,
                 PNG_FILTER_TYPE_DEFAULT);
    png_write_info(lib, header);
    for (int32_t y = 0; y < in->height; y++) {
        png_write_row(lib, in->pixels + (size_t)y * (size_t)in->width * 3);
    }
    png_write_end(lib, header);
}

int dogb_png_encode(uint8_t **out, size_t *size, dogb_arena *arena, const dogb_image *in) {
    *out = NULL;
    *size = 0;
    int rc = check_image(in);
    if (rc < 0) {
        return rc;
    }
    png_writer writer = {.out = {.arena = arena}};
    png_structp lib =
        png_create_write_struct(PNG_LIBPNG_VER_STRING, &writer, png_failed, png_warned);
    png_infop header = lib == NULL ? NULL : png_create_info_struct(lib);
    if (header == NULL) {
        png_destroy_write_struct(&lib, &header);
        return dogb_fail(DOGBREED_ERROR_NO_MEMORY, "encode: out of memory for libpng");
    }
    if (setjmp(png_jmpbuf(lib)) == 0) {
        write_png(lib, header, &writer, in);
        *out = writer.out.data;
        *size = writer.out.size;
    } else {
        dogb_release(arena, writer.out.data);
    }
    png_destroy_write_struct(&lib, &header);
    return writer.code;
}
