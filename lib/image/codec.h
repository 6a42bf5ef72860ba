// codec.h - what the files of this folder share: one decoding job, the codecs, growing buffers.
#ifndef DOGB_IMAGE_CODEC_H
#define DOGB_IMAGE_CODEC_H

#include "image/image.h"

// Memory that grows and is never given back before its arena: reused from picture to picture.
typedef struct dogb_buffer {
    uint8_t *data;
    size_t capacity;
} dogb_buffer;

// Readable bytes kept free behind a picture, so that vector loads may run over its last pixel.
enum { DOGB_PIXEL_SLACK = 64 };

// At least `size` bytes; what was in it is lost when it grows. NO_MEMORY.
int dogb_buffer_reserve(dogb_buffer *buffer, dogb_arena *arena, size_t size);

// One picture on its way from bytes to pixels.
typedef struct dogb_decode_job {
    const uint8_t *bytes;
    size_t size;
    const dogb_image_limits *limits; // never NULL
    const dogb_rect *region;         // NULL: everything. As stored in the file, not rotated
    const char *what;                // names the input in messages
    dogb_arena *arena;               // pays for the buffers
    dogb_buffer *pixels;             // receives the result
    dogb_buffer *scratch;            // rows and tables of the decoder
    dogb_image_info info;            // filled by the codec
    dogb_image image;                // filled by the codec, in `pixels`
} dogb_decode_job;

typedef struct dogb_codec {
    int32_t format;
    int (*probe)(dogb_decode_job *job);  // fills info
    int (*decode)(dogb_decode_job *job); // fills info and image
} dogb_codec;

int dogb_jpeg_probe(dogb_decode_job *job);
int dogb_jpeg_decode(dogb_decode_job *job);
int dogb_png_probe(dogb_decode_job *job);
int dogb_png_decode(dogb_decode_job *job);

// Runs the codec that the first bytes ask for. job->bytes, size, limits, what are set. UNSUPPORTED
// names the format it found.
int dogb_codec_probe(dogb_decode_job *job);
int dogb_codec_decode(dogb_decode_job *job);

// FORMAT for an empty picture, UNSUPPORTED for one over the limits. Codecs call it when the header
// is known and before memory is allocated.
int dogb_check_size(const dogb_decode_job *job, int64_t width, int64_t height);

// Reserves job->pixels for the region (or the whole picture) and fills job->image. The region is
// checked: INVALID_ARGUMENT when it is not inside.
int dogb_job_output(dogb_decode_job *job, dogb_rect *region);

// EXIF orientation 1..8 of a TIFF structure ("II" or "MM" at byte 0); 1 when there is none.
int32_t dogb_exif_orientation(const uint8_t *tiff, size_t size);

#endif
