// jpeg.c - JPEG through libjpeg-turbo, with the settings that give Pillow's pixels: islow DCT,
// fancy upsampling, gray replicated, CMYK as Adobe writes it. Every file that the fast path does
// not take ends here, and this is what the fast path is compared with.
#include "image/jpeg_fast.h"
#include "core/error.h"

#include <setjmp.h>
#include <stdio.h>
#include <string.h>

#include <jpeglib.h>
#include <jerror.h>

enum { MARGIN = 16 }; // pixels around a region that upsampling may look at; one MCU

typedef struct jpeg_reader {
    struct jpeg_error_mgr errors; // first: libjpeg hands us its address
    struct jpeg_decompress_struct lib;
    struct jpeg_source_mgr source;
    struct jpeg_progress_mgr progress;
    jmp_buf jump;
    const dogb_decode_job *job;
    int refuse_warnings; // while decoding, not while probing
    int truncated;
    int fail_code; // DOGBREED_ERROR_
    char text[JMSG_LENGTH_MAX];
} jpeg_reader;

static const JOCTET end_marker[2] = {0xFF, JPEG_EOI};

static void error_exit(j_common_ptr lib) {
    jpeg_reader *reader = (jpeg_reader *)lib->err;
    (*lib->err->format_message)(lib, reader->text);
    int message = lib->err->msg_code;
    reader->fail_code = DOGBREED_ERROR_FORMAT;
    if (message == JERR_OUT_OF_MEMORY) {
        reader->fail_code = DOGBREED_ERROR_NO_MEMORY;
    } else if (message == JERR_NO_BACKING_STORE || message == JERR_BAD_PRECISION ||
               message == JERR_SOF_UNSUPPORTED || message == JERR_ARITH_NOTIMPL ||
               message == JERR_IMAGE_TOO_BIG) {
        reader->fail_code = DOGBREED_ERROR_UNSUPPORTED;
    }
    if (message == JERR_NO_BACKING_STORE) {
        (void)snprintf(reader->text, sizeof reader->text, "over the decoder's memory limit");
    }
    longjmp(reader->jump, 1);
}

// level < 0: a warning, the data is damaged but libjpeg goes on. Trace messages are ignored.
static void emit_message(j_common_ptr lib, int level) {
    jpeg_reader *reader = (jpeg_reader *)lib->err;
    if (level >= 0) {
        return;
    }
    lib->err->num_warnings++;
    if (reader->refuse_warnings) {
        (*lib->err->format_message)(lib, reader->text);
        reader->fail_code = DOGBREED_ERROR_FORMAT;
        longjmp(reader->jump, 1);
    }
}

static void output_message(j_common_ptr lib) {
    (void)lib;
}

// Too many scans: a small file can ask for hours of work.
static void progress_monitor(j_common_ptr common) {
    jpeg_reader *reader = (jpeg_reader *)common->err;
    if (reader->lib.input_scan_number > reader->job->limits->scans_max) {
        (void)snprintf(reader->text, sizeof reader->text, "more than %d scans",
                       (int)reader->job->limits->scans_max);
        reader->fail_code = DOGBREED_ERROR_UNSUPPORTED;
        longjmp(reader->jump, 1);
    }
}

static void source_init(j_decompress_ptr lib) {
    (void)lib;
}

// The data has ended too early. Pillow refuses such files whatever the policy; an end marker lets
// libjpeg finish.
static boolean source_fill(j_decompress_ptr lib) {
    jpeg_reader *reader = (jpeg_reader *)lib->err;
    reader->truncated = 1;
    lib->src->next_input_byte = end_marker;
    lib->src->bytes_in_buffer = sizeof end_marker;
    return TRUE;
}

static void source_skip(j_decompress_ptr lib, long count) {
    struct jpeg_source_mgr *source = lib->src;
    if (count <= 0) {
        return;
    }
    if ((unsigned long)count > source->bytes_in_buffer) {
        (void)source_fill(lib);
        return;
    }
    source->next_input_byte += count;
    source->bytes_in_buffer -= (size_t)count;
}

static void reader_open(jpeg_reader *reader, const dogb_decode_job *job) {
    struct jpeg_decompress_struct *lib = &reader->lib;
    reader->job = job;
    lib->err = jpeg_std_error(&reader->errors);
    reader->errors.error_exit = error_exit;
    reader->errors.emit_message = emit_message;
    reader->errors.output_message = output_message;
}

// From here on errors jump.
static void reader_start(jpeg_reader *reader) {
    struct jpeg_decompress_struct *lib = &reader->lib;
    const dogb_decode_job *job = reader->job;
    jpeg_create_decompress(lib);
    lib->mem->max_memory_to_use = (long)job->limits->memory_max;
    reader->source.init_source = source_init;
    reader->source.fill_input_buffer = source_fill;
    reader->source.skip_input_data = source_skip;
    reader->source.resync_to_restart = jpeg_resync_to_restart;
    reader->source.term_source = source_init;
    reader->source.next_input_byte = job->bytes;
    reader->source.bytes_in_buffer = job->size;
    lib->src = &reader->source;
    reader->progress.progress_monitor = progress_monitor;
    lib->progress = &reader->progress;
    jpeg_save_markers(lib, JPEG_APP0 + 1, 65535);
    (void)jpeg_read_header(lib, TRUE);
}

static int32_t orientation_of(const struct jpeg_decompress_struct *lib) {
    static const char name[6] = "Exif\0";
    for (jpeg_saved_marker_ptr marker = lib->marker_list; marker != NULL; marker = marker->next) {
        if (marker->marker == JPEG_APP0 + 1 && marker->data_length > sizeof name &&
            memcmp(marker->data, name, sizeof name) == 0) {
            return dogb_exif_orientation(marker->data + sizeof name,
                                         marker->data_length - sizeof name);
        }
    }
    return 1;
}

// Files of several scans need all their coefficients at once, beside the pixels.
static int check_memory(const dogb_decode_job *job, struct jpeg_decompress_struct *lib) {
    int64_t bytes = (int64_t)lib->image_width * lib->image_height * 3;
    for (int c = 0; c < lib->num_components && jpeg_has_multiple_scans(lib); c++) {
        const jpeg_component_info *component = &lib->comp_info[c];
        bytes += (int64_t)component->width_in_blocks * component->height_in_blocks *
                 (int64_t)sizeof(JBLOCK);
    }
    if (bytes > job->limits->memory_max) {
        return dogb_fail(DOGBREED_ERROR_UNSUPPORTED,
                         "%s: %u x %u pixels in several scans need more memory than the limit of "
                         "%lld bytes",
                         job->what, lib->image_width, lib->image_height,
                         (long long)job->limits->memory_max);
    }
    return DOGBREED_OK;
}

// What the header says, checked against the limits.
static int fill_info(dogb_decode_job *job, jpeg_reader *reader) {
    struct jpeg_decompress_struct *lib = &reader->lib;
    dogb_image_info *info = &job->info;
    info->channels = lib->num_components;
    info->depth = lib->data_precision;
    info->progressive = lib->progressive_mode ? 1 : 0;
    info->cmyk = lib->num_components == 4;
    info->orientation = orientation_of(lib);
    info->warnings = (int32_t)reader->errors.num_warnings;
    if (lib->data_precision != 8) {
        return dogb_fail(DOGBREED_ERROR_UNSUPPORTED, "%s: JPEG of %d bits per sample, expected 8",
                         job->what, lib->data_precision);
    }
    if (lib->num_components != 1 && lib->num_components != 3 && lib->num_components != 4) {
        return dogb_fail(DOGBREED_ERROR_UNSUPPORTED,
                         "%s: JPEG of %d components, expected 1, 3 or 4", job->what,
                         lib->num_components);
    }
    if (reader->truncated) {
        return dogb_fail(DOGBREED_ERROR_FORMAT, "%s: JPEG is truncated", job->what);
    }
    int rc = dogb_check_size(job, lib->image_width, lib->image_height);
    if (rc == 0 && (rc = check_memory(job, lib)) == 0) {
        info->width = (int32_t)lib->image_width;
        info->height = (int32_t)lib->image_height;
    }
    return rc;
}

static int fail_jumped(const jpeg_reader *reader) {
    const char *what = reader->job->what;
    if (reader->truncated) {
        return dogb_fail(DOGBREED_ERROR_FORMAT, "%s: JPEG is truncated", what);
    }
    return dogb_fail(reader->fail_code, "%s: %s JPEG: %s", what,
                     reader->fail_code == DOGBREED_ERROR_FORMAT ? "damaged" : "unsupported",
                     reader->text);
}

static void plain_info(dogb_decode_job *job, const dogb_jpeg_header *header) {
    job->info.channels = 3;
    job->info.depth = 8;
    job->info.orientation = header->orientation;
    job->info.width = header->width;
    job->info.height = header->height;
}

int dogb_jpeg_probe(dogb_decode_job *job) {
    dogb_jpeg_header header;
    if (dogb_jpeg_parse(&header, job->bytes, job->size) == 0) {
        plain_info(job, &header);
        return dogb_check_size(job, header.width, header.height);
    }
    jpeg_reader reader;
    memset(&reader, 0, sizeof reader);
    reader_open(&reader, job);
    int rc = DOGBREED_OK;
    if (setjmp(reader.jump) == 0) {
        reader_start(&reader);
        rc = fill_info(job, &reader);
    } else {
        rc = fail_jumped(&reader);
    }
    jpeg_destroy_decompress(&reader.lib);
    return rc;
}

// a * b / 255, rounded as Pillow does.
static int muldiv255(int a, int b) {
    int t = a * b + 128;
    return ((t >> 8) + t) >> 8;
}

// The file holds inverted values, whatever it says (Pillow's raw mode "CMYK;I").
static void cmyk_to_rgb(uint8_t *out, const uint8_t *in, size_t count) {
    for (size_t i = 0; i < count; i++, in += 4, out += 3) {
        int light = in[3];
        for (int c = 0; c < 3; c++) {
            int value = light - muldiv255(255 - in[c], light);
            out[c] = (uint8_t)(value < 0 ? 0 : value);
        }
    }
}

static void gray_to_rgb(uint8_t *out, const uint8_t *in, size_t count) {
    for (size_t i = 0; i < count; i++, out += 3) {
        out[0] = out[1] = out[2] = in[i];
    }
}

static void convert_row(uint8_t *out, const uint8_t *in, size_t count, int channels) {
    if (channels == 1) {
        gray_to_rgb(out, in, count);
    } else if (channels == 4) {
        cmyk_to_rgb(out, in, count);
    } else {
        memcpy(out, in, count * 3);
    }
}

// Reads the region row by row. Jumps on errors.
static void read_rows(jpeg_reader *reader, const dogb_decode_job *job, const dogb_rect *region,
                      uint8_t *row) {
    struct jpeg_decompress_struct *lib = &reader->lib;
    int whole = job->region == NULL;
    JDIMENSION left = 0;
    if (!whole) {
        JDIMENSION first = region->left > MARGIN ? (JDIMENSION)(region->left - MARGIN) : 0;
        JDIMENSION last = (JDIMENSION)region->right + MARGIN;
        JDIMENSION width = (last < lib->output_width ? last : lib->output_width) - first;
        if (width < lib->output_width) {
            jpeg_crop_scanline(lib, &first, &width);
        }
        left = (JDIMENSION)region->left - first;
        JDIMENSION above = region->top > MARGIN ? (JDIMENSION)(region->top - MARGIN) : 0;
        if (above > 0) {
            (void)jpeg_skip_scanlines(lib, above);
        }
    }
    int direct = whole && lib->output_components == 3;
    size_t stride = (size_t)job->image.width * 3;
    while (lib->output_scanline < (JDIMENSION)region->bottom) {
        int32_t y = (int32_t)lib->output_scanline - region->top;
        uint8_t *out = y < 0 ? NULL : job->image.pixels + (size_t)y * stride;
        JSAMPROW target = direct ? out : row;
        (void)jpeg_read_scanlines(lib, &target, 1);
        if (!direct && out != NULL) {
            convert_row(out, row + left * (JDIMENSION)lib->output_components,
                        (size_t)job->image.width, lib->output_components);
        }
    }
}

// After an early stop: is there an end marker behind what was read? Image data cannot contain one.
// The decoder reads ahead and may hold the marker already.
static int has_end(jpeg_reader *reader) {
    if (reader->lib.unread_marker == JPEG_EOI || jpeg_input_complete(&reader->lib)) {
        return 1;
    }
    const uint8_t *from = reader->source.next_input_byte;
    for (size_t i = reader->source.bytes_in_buffer; i >= 2; i--) {
        if (from[i - 2] == 0xFF && from[i - 1] == JPEG_EOI) {
            return 1;
        }
    }
    return 0;
}

// Everything that may jump. Returns errors of our own.
static int decode(jpeg_reader *reader, dogb_decode_job *job) {
    struct jpeg_decompress_struct *lib = &reader->lib;
    reader->refuse_warnings = job->limits->jpeg_warnings == DOGB_WARNINGS_ERROR;
    reader_start(reader);
    int rc = fill_info(job, reader);
    dogb_rect region;
    if (rc < 0 || (rc = dogb_job_output(job, &region)) < 0) {
        return rc;
    }
    lib->out_color_space = lib->num_components == 1   ? JCS_GRAYSCALE
                           : lib->num_components == 3 ? JCS_RGB
                                                      : JCS_CMYK;
    size_t row = ((size_t)lib->image_width + 2 * MARGIN) * 4;
    if ((rc = dogb_buffer_reserve(job->scratch, job->arena, row)) < 0) {
        return rc;
    }
    (void)jpeg_start_decompress(lib);
    read_rows(reader, job, &region, job->scratch->data);
    if (lib->output_scanline < lib->output_height) {
        // Files of several scans were read to their end before the first row.
        if (!jpeg_has_multiple_scans(lib) && !has_end(reader)) {
            reader->truncated = 1;
        }
        jpeg_abort_decompress(lib);
    } else {
        (void)jpeg_finish_decompress(lib);
    }
    job->info.warnings = (int32_t)reader->errors.num_warnings;
    if (reader->truncated) {
        return dogb_fail(DOGBREED_ERROR_FORMAT, "%s: JPEG is truncated", job->what);
    }
    return DOGBREED_OK;
}

// 0, an error, or DOGB_JPEG_PLAIN when libjpeg has to do it.
static int decode_fast(dogb_decode_job *job) {
    dogb_jpeg_fast_fn fast = dogb_jpeg_fast_choose();
    dogb_jpeg_header header;
    dogb_rect region;
    if (fast == NULL || dogb_jpeg_parse(&header, job->bytes, job->size) != 0) {
        return DOGB_JPEG_PLAIN;
    }
    plain_info(job, &header);
    int rc = dogb_check_size(job, header.width, header.height);
    if (rc < 0 || (rc = dogb_job_output(job, &region)) < 0) {
        return rc;
    }
    return fast(job, &header, &region);
}

int dogb_jpeg_decode(dogb_decode_job *job) {
    int fast = decode_fast(job);
    if (fast != DOGB_JPEG_PLAIN) {
        return fast;
    }
    jpeg_reader reader;
    memset(&reader, 0, sizeof reader);
    reader_open(&reader, job);
    int rc = DOGBREED_OK;
    if (setjmp(reader.jump) == 0) {
        rc = decode(&reader, job);
    } else {
        rc = fail_jumped(&reader);
    }
    jpeg_destroy_decompress(&reader.lib);
    return rc;
}

#define TEXT_OF(word) #word
#define TEXT_OF_VALUE(macro) TEXT_OF(macro)

// libjpeg has no function for it: the headers' version.
const char *dogb_image_jpeg_version(void) {
    return "libjpeg-turbo " TEXT_OF_VALUE(LIBJPEG_TURBO_VERSION);
}
