// png.c - PNG through libpng. The colours of the file as they are: no gamma, no profile, no
// background; alpha is dropped, 16 bits keep their high byte, palettes are looked up.
#include "image/codec.h"
#include "core/error.h"

#include <setjmp.h>
#include <stdio.h>
#include <string.h>

#include <png.h>
#include <zlib.h>

enum {
    SIGNATURE_BYTES = 8,
    IHDR_BYTES = 13,
    CHUNK_FRAME = 12,         // length, name, CRC
    CHUNK_BYTES_MAX = 1 << 20 // of anything but pixels; as Pillow for text
};

typedef struct png_reader {
    const dogb_decode_job *job;
    png_structp lib;
    png_infop header;
    size_t position;
    int complete;  // every row is there
    int truncated; // libpng asked for more than there is
    int fail_code;
    char text[160];
} png_reader;

static uint32_t big32(const uint8_t *bytes) {
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

// Looks through the chunks before the pixels for what libpng does not need to know: orientation,
// transparency.
static void read_chunks(dogb_decode_job *job) {
    const uint8_t *bytes = job->bytes;
    size_t at = SIGNATURE_BYTES;
    int exif = 0;
    while (job->size - at >= CHUNK_FRAME) {
        uint32_t length = big32(bytes + at);
        const uint8_t *name = bytes + at + 4;
        if (length > job->size - at - CHUNK_FRAME || memcmp(name, "IDAT", 4) == 0) {
            break;
        }
        if (memcmp(name, "tRNS", 4) == 0) {
            job->info.alpha = 1;
        } else if (memcmp(name, "eXIf", 4) == 0 && !exif) {
            exif = 1;
            if (crc32(crc32(0, NULL, 0), name, length + 4) == big32(name + 4 + length)) {
                job->info.orientation = dogb_exif_orientation(name + 4, length);
            }
        }
        at += CHUNK_FRAME + (size_t)length;
    }
}

int dogb_png_probe(dogb_decode_job *job) {
    // Samples per pixel of the colour types 0, 2, 3, 4, 6; a palette gives three.
    static const int8_t channels[7] = {1, 0, 3, 3, 2, 0, 4};
    const uint8_t *header = job->bytes + SIGNATURE_BYTES;
    if (job->size < SIGNATURE_BYTES + CHUNK_FRAME + IHDR_BYTES) {
        return dogb_fail(DOGBREED_ERROR_FORMAT, "%s: PNG is truncated", job->what);
    }
    if (big32(header) != IHDR_BYTES || memcmp(header + 4, "IHDR", 4) != 0 ||
        crc32(crc32(0, NULL, 0), header + 4, 4 + IHDR_BYTES) != big32(header + 8 + IHDR_BYTES)) {
        return dogb_fail(DOGBREED_ERROR_FORMAT, "%s: damaged PNG: bad IHDR chunk", job->what);
    }
    const uint8_t *fields = header + 8;
    uint8_t depth = fields[8], type = fields[9];
    dogb_image_info *info = &job->info;
    if (type > 6 || channels[type] == 0 || depth == 0 || depth > 16 || (depth & (depth - 1)) != 0) {
        return dogb_fail(DOGBREED_ERROR_FORMAT, "%s: damaged PNG: colour type %d with %d bits",
                         job->what, type, depth);
    }
    info->channels = channels[type];
    info->depth = depth;
    info->palette = type == 3;
    info->alpha = (type & 4) != 0;
    info->progressive = fields[12] != 0;
    read_chunks(job);
    int rc = dogb_check_size(job, big32(fields), big32(fields + 4));
    if (rc == 0) {
        info->width = (int32_t)big32(fields);
        info->height = (int32_t)big32(fields + 4);
    }
    return rc;
}

static void on_error(png_structp lib, png_const_charp text) {
    png_reader *reader = png_get_error_ptr(lib);
    (void)snprintf(reader->text, sizeof reader->text, "%s", text);
    reader->fail_code = DOGBREED_ERROR_FORMAT;
    longjmp(png_jmpbuf(lib), 1);
}

static void on_warning(png_structp lib, png_const_charp text) {
    png_reader *reader = png_get_error_ptr(lib);
    (void)text;
    ((dogb_decode_job *)(uintptr_t)reader->job)->info.warnings++;
}

static void read_bytes(png_structp lib, png_bytep out, size_t count) {
    png_reader *reader = png_get_io_ptr(lib);
    if (count > reader->job->size - reader->position) {
        reader->truncated = 1;
        png_error(lib, "truncated");
    }
    memcpy(out, reader->job->bytes + reader->position, count);
    reader->position += count;
}

// Chunks that would only cost time and attack surface.
static void ignore_chunks(png_structp lib) {
    static const char names[] = "bKGD\0cHRM\0eXIf\0gAMA\0hIST\0iCCP\0iTXt\0oFFs\0pCAL\0pHYs\0"
                                "sBIT\0sCAL\0sPLT\0sRGB\0sTER\0tEXt\0tIME\0zTXt\0tRNS";
    png_set_keep_unknown_chunks(lib, PNG_HANDLE_CHUNK_NEVER, NULL, 0);
    png_set_keep_unknown_chunks(lib, PNG_HANDLE_CHUNK_NEVER, (png_const_bytep)names,
                                (int)(sizeof names / 5));
}

static void set_up(png_reader *reader) {
    const dogb_image_limits *limits = reader->job->limits;
    png_structp lib = reader->lib;
    png_set_read_fn(lib, reader, read_bytes);
    png_set_user_limits(lib, (uint32_t)limits->side_max, (uint32_t)limits->side_max);
    png_set_chunk_malloc_max(lib, CHUNK_BYTES_MAX);
    png_set_chunk_cache_max(lib, 64);
    png_set_crc_action(lib, PNG_CRC_DEFAULT, PNG_CRC_WARN_DISCARD);
    png_set_benign_errors(lib, 0);
    ignore_chunks(lib);
    png_read_info(lib, reader->header);
    png_byte type = png_get_color_type(lib, reader->header);
    if (type == PNG_COLOR_TYPE_PALETTE) {
        png_set_palette_to_rgb(lib);
    } else if ((type & PNG_COLOR_MASK_COLOR) == 0) {
        png_set_expand_gray_1_2_4_to_8(lib);
        png_set_gray_to_rgb(lib);
    }
    png_set_strip_16(lib);
    png_set_strip_alpha(lib);
}

static void copy_region(dogb_decode_job *job, const dogb_rect *region, const uint8_t *row,
                        int32_t y) {
    if (y < region->top || y >= region->bottom) {
        return;
    }
    size_t stride = (size_t)job->image.width * 3;
    memcpy(job->image.pixels + (size_t)(y - region->top) * stride, row + (size_t)region->left * 3,
           stride);
}

// All rows are read even when only a part is wanted: a damaged file is refused either way.
static void read_rows(png_reader *reader, dogb_decode_job *job, const dogb_rect *region) {
    png_structp lib = reader->lib;
    int passes = png_set_interlace_handling(lib);
    png_read_update_info(lib, reader->header);
    size_t stride = (size_t)job->info.width * 3;
    if (png_get_rowbytes(lib, reader->header) != stride) {
        png_error(lib, "unexpected row size");
    }
    int whole = job->region == NULL;
    for (int pass = 0; pass < passes; pass++) {
        for (int32_t y = 0; y < job->info.height; y++) {
            uint8_t *row = whole        ? job->image.pixels + (size_t)y * stride
                           : passes > 1 ? job->scratch->data + (size_t)y * stride
                                        : job->scratch->data;
            png_read_row(lib, row, NULL);
            if (!whole && pass == passes - 1) {
                copy_region(job, region, row, y);
            }
        }
    }
    reader->complete = 1;
    png_read_end(lib, NULL);
}

static int decode(png_reader *reader, dogb_decode_job *job) {
    int rc = dogb_png_probe(job);
    dogb_rect region;
    if (rc < 0 || (rc = dogb_job_output(job, &region)) < 0) {
        return rc;
    }
    size_t rows = job->region == NULL ? 0 : job->info.progressive ? (size_t)job->info.height : 1;
    rc = dogb_buffer_reserve(job->scratch, job->arena, rows * (size_t)job->info.width * 3);
    if (rc < 0) {
        return rc;
    }
    if (job->info.progressive) { // later passes add to what the earlier ones wrote
        size_t stride = (size_t)job->info.width * 3;
        memset(rows == 0 ? job->image.pixels : job->scratch->data, 0,
               stride * (size_t)job->info.height);
    }
    set_up(reader);
    read_rows(reader, job, &region);
    return DOGBREED_OK;
}

static int finish(const png_reader *reader, dogb_decode_job *job) {
    if (reader->complete && reader->truncated) {
        job->info.warnings++; // only the end chunk is missing
        return DOGBREED_OK;
    }
    if (reader->truncated) {
        return dogb_fail(DOGBREED_ERROR_FORMAT, "%s: PNG is truncated", job->what);
    }
    return dogb_fail(reader->fail_code, "%s: damaged PNG: %s", job->what, reader->text);
}

int dogb_png_decode(dogb_decode_job *job) {
    png_reader reader;
    memset(&reader, 0, sizeof reader);
    reader.job = job;
    reader.lib = png_create_read_struct(PNG_LIBPNG_VER_STRING, &reader, on_error, on_warning);
    reader.header = reader.lib == NULL ? NULL : png_create_info_struct(reader.lib);
    int rc = DOGBREED_OK;
    if (reader.header == NULL) {
        rc = dogb_fail(DOGBREED_ERROR_NO_MEMORY, "%s: out of memory for libpng", job->what);
    } else if (setjmp(png_jmpbuf(reader.lib)) == 0) {
        rc = decode(&reader, job);
    } else {
        rc = finish(&reader, job);
    }
    png_destroy_read_struct(&reader.lib, &reader.header, NULL);
    return rc;
}

const char *dogb_image_png_version(void) {
    return "libpng " PNG_LIBPNG_VER_STRING;
}
