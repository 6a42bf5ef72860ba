// image.c - entry points of decoding: which format is it, is it within the limits, who decodes it.
// Knows nothing about the formats themselves beyond their first bytes.
#include "image/codec.h"
#include "core/error.h"

#include <string.h>

// First bytes of formats. Only those with a codec are decoded; the others are named in messages.
static const struct signature {
    const char *name;
    size_t offset;
    size_t length;
    const char *bytes;
} signatures[] = {
    {"JPEG", 0, 3, "\xFF\xD8\xFF"},
    {"PNG", 0, 8, "\x89PNG\r\n\x1A\n"},
    {"GIF", 0, 4, "GIF8"},
    {"WebP", 8, 4, "WEBP"},
    {"TIFF", 0, 4, "II*\0"},
    {"TIFF", 0, 4, "MM\0*"},
    {"BigTIFF", 0, 4, "II+\0"},
    {"HEIC", 4, 8, "ftypheic"},
    {"HEIC", 4, 8, "ftypheix"},
    {"HEIF", 4, 8, "ftypmif1"},
    {"AVIF", 4, 8, "ftypavif"},
    {"JPEG XL", 0, 2, "\xFF\x0A"},
    {"JPEG XL", 0, 12, "\0\0\0\x0CJXL \r\n\x87\n"},
    {"JPEG 2000", 0, 12, "\0\0\0\x0CjP  \r\n\x87\n"},
    {"JPEG 2000", 0, 4, "\xFF\x4F\xFF\x51"},
    {"JPEG-LS", 0, 4, "\xFF\xD8\xFF\xF7"},
    {"Photoshop", 0, 4, "8BPS"},
    {"Windows icon", 0, 4, "\0\0\x01\0"},
    {"PDF", 0, 5, "%PDF-"},
    {"SVG", 0, 4, "<svg"},
    {"XML", 0, 5, "<?xml"},
    {"HTML", 0, 5, "<!DOC"},
    {"HTML", 0, 5, "<html"},
    {"gzip", 0, 3, "\x1F\x8B\x08"},
    {"ZIP", 0, 4, "PK\x03\x04"},
    {"Netpbm", 0, 3, "P4\n"},
    {"Netpbm", 0, 3, "P5\n"},
    {"Netpbm", 0, 3, "P6\n"},
    {"BMP", 0, 2, "BM"},
};

static const struct codec_name {
    const char *name;
    dogb_codec codec;
} codecs[] = {
    {"JPEG", {DOGB_FORMAT_JPEG, dogb_jpeg_probe, dogb_jpeg_decode}},
    {"PNG", {DOGB_FORMAT_PNG, dogb_png_probe, dogb_png_decode}},
};

void dogb_image_limits_default(dogb_image_limits *out) {
    memset(out, 0, sizeof *out);
    out->pixels_max = 89478485; // 1 GiB / 4 / 3, where Pillow starts to warn
    out->memory_max = (int64_t)512 << 20;
    out->side_max = 30000;
    out->scans_max = 100;
}

const char *dogb_image_sniff(const uint8_t *bytes, size_t size) {
    for (size_t i = 0; i < sizeof signatures / sizeof signatures[0]; i++) {
        const struct signature *sign = &signatures[i];
        if (size >= sign->offset + sign->length &&
            memcmp(bytes + sign->offset, sign->bytes, sign->length) == 0) {
            return sign->name;
        }
    }
    return NULL;
}

int dogb_buffer_reserve(dogb_buffer *buffer, dogb_arena *arena, size_t size) {
    if (size <= buffer->capacity) {
        return DOGBREED_OK;
    }
    dogb_release(arena, buffer->data);
    // A quarter more, so that pictures of slightly different sizes do not allocate each time.
    size_t wanted = size > SIZE_MAX / 2 ? size : size + size / 4;
    buffer->capacity = 0;
    buffer->data = dogb_alloc_raw(arena, wanted, 1);
    if (buffer->data == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    buffer->capacity = wanted;
    return DOGBREED_OK;
}

int dogb_check_size(const dogb_decode_job *job, int64_t width, int64_t height) {
    const dogb_image_limits *limits = job->limits;
    if (width <= 0 || height <= 0) {
        return dogb_fail(DOGBREED_ERROR_FORMAT, "%s: empty picture of %lld x %lld pixels",
                         job->what, (long long)width, (long long)height);
    }
    if (width > limits->side_max || height > limits->side_max) {
        return dogb_fail(DOGBREED_ERROR_UNSUPPORTED,
                         "%s: %lld x %lld pixels, over the limit of %d per side", job->what,
                         (long long)width, (long long)height, (int)limits->side_max);
    }
    if (width > limits->pixels_max / height) {
        return dogb_fail(DOGBREED_ERROR_UNSUPPORTED,
                         "%s: %lld x %lld pixels, over the limit of %lld pixels", job->what,
                         (long long)width, (long long)height, (long long)limits->pixels_max);
    }
    if (width > limits->memory_max / 3 / height) {
        return dogb_fail(DOGBREED_ERROR_UNSUPPORTED,
                         "%s: %lld x %lld pixels need more memory than the limit of %lld bytes",
                         job->what, (long long)width, (long long)height,
                         (long long)limits->memory_max);
    }
    return DOGBREED_OK;
}

int dogb_job_output(dogb_decode_job *job, dogb_rect *region) {
    int32_t width = job->info.width, height = job->info.height;
    *region = (dogb_rect){0, 0, width, height};
    if (job->region != NULL) {
        *region = *job->region;
        if (region->left < 0 || region->top < 0 || region->right > width ||
            region->bottom > height || region->left >= region->right ||
            region->top >= region->bottom) {
            return dogb_fail(
                DOGBREED_ERROR_INVALID_ARGUMENT,
                "%s: rectangle %d,%d,%d,%d is not inside the picture of %d x %d pixels", job->what,
                (int)region->left, (int)region->top, (int)region->right, (int)region->bottom,
                (int)width, (int)height);
        }
    }
    job->image.width = region->right - region->left;
    job->image.height = region->bottom - region->top;
    size_t bytes = (size_t)job->image.width * 3 * (size_t)job->image.height;
    int rc = dogb_buffer_reserve(job->pixels, job->arena, bytes + DOGB_PIXEL_SLACK);
    job->image.pixels = job->pixels->data;
    return rc;
}

static int find_codec(const dogb_codec **out, const dogb_decode_job *job) {
    const char *name = dogb_image_sniff(job->bytes, job->size);
    for (size_t i = 0; name != NULL && i < sizeof codecs / sizeof codecs[0]; i++) {
        if (strcmp(codecs[i].name, name) == 0) {
            *out = &codecs[i].codec;
            return DOGBREED_OK;
        }
    }
    if (job->size == 0) {
        return dogb_fail(DOGBREED_ERROR_FORMAT, "%s: empty file, expected JPEG or PNG", job->what);
    }
    if (name != NULL) {
        return dogb_fail(DOGBREED_ERROR_UNSUPPORTED, "%s: is %s, expected JPEG or PNG", job->what,
                         name);
    }
    return dogb_fail(DOGBREED_ERROR_UNSUPPORTED,
                     "%s: no known picture format, expected JPEG or PNG", job->what);
}

int dogb_codec_probe(dogb_decode_job *job) {
    const dogb_codec *codec = NULL;
    memset(&job->info, 0, sizeof job->info);
    int rc = find_codec(&codec, job);
    if (rc < 0) {
        return rc;
    }
    job->info.format = codec->format;
    job->info.orientation = 1;
    return codec->probe(job);
}

int dogb_codec_decode(dogb_decode_job *job) {
    const dogb_codec *codec = NULL;
    memset(&job->info, 0, sizeof job->info);
    memset(&job->image, 0, sizeof job->image);
    int rc = find_codec(&codec, job);
    if (rc < 0) {
        return rc;
    }
    job->info.format = codec->format;
    job->info.orientation = 1;
    return codec->decode(job);
}

int dogb_image_probe(dogb_image_info *out, const uint8_t *bytes, size_t size,
                     const dogb_image_limits *limits, const char *what) {
    dogb_image_limits standard;
    dogb_image_limits_default(&standard);
    dogb_decode_job job = {.bytes = bytes,
                           .size = size,
                           .limits = limits == NULL ? &standard : limits,
                           .what = what == NULL ? "picture" : what};
    int rc = dogb_codec_probe(&job);
    *out = job.info;
    return rc;
}

int dogb_image_decode(dogb_image *out, dogb_image_info *info, dogb_arena *arena,
                      const uint8_t *bytes, size_t size, const dogb_image_limits *limits,
                      const dogb_rect *region, const char *what) {
    dogb_image_limits standard;
    dogb_image_limits_default(&standard);
    dogb_buffer pixels = {0}, rows = {0};
    dogb_decode_job job = {.bytes = bytes,
                           .size = size,
                           .limits = limits == NULL ? &standard : limits,
                           .region = region,
                           .what = what == NULL ? "picture" : what,
                           .arena = arena,
                           .pixels = &pixels,
                           .scratch = &rows};
    int rc = dogb_codec_decode(&job);
    if (info != NULL) {
        *info = job.info;
    }
    if (rc < 0) {
        memset(out, 0, sizeof *out);
        dogb_release(arena, pixels.data);
    } else {
        *out = job.image;
    }
    dogb_release(arena, rows.data);
    return rc;
}
