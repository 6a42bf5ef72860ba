// image.h - bytes to pixels to network input. Pixels equal Pillow's Image.open(f).convert("RGB"),
// resizing equals Pillow's byte for byte. Hostile input costs bounded time and memory. Knows files
// only by name, for messages.
#ifndef DOGB_IMAGE_IMAGE_H
#define DOGB_IMAGE_IMAGE_H

#include "core/arena.h"
#include "core/rng.h"

#include <stdint.h>

enum { DOGB_FORMAT_UNKNOWN = 0, DOGB_FORMAT_JPEG = 1, DOGB_FORMAT_PNG = 2 };

// The values of the public DOGBREED_FILTER_, DOGBREED_EXIF_ and DOGBREED_WARNINGS_ constants, whose
// headers belong to folders above this one; the tests compare them. Box and Hamming have no public
// name.
enum {
    DOGB_FILTER_BILINEAR = 0,
    DOGB_FILTER_BICUBIC = 1,
    DOGB_FILTER_LANCZOS = 2,
    DOGB_FILTER_BOX = 3,
    DOGB_FILTER_HAMMING = 4,
    DOGB_FILTER_COUNT = 5
};
enum { DOGB_EXIF_IGNORE = 0, DOGB_EXIF_APPLY = 1 };
enum { DOGB_WARNINGS_ERROR = 0, DOGB_WARNINGS_PILLOW = 1 };

typedef struct dogb_image { // 8-bit RGB, rows without padding
    uint8_t *pixels;        // in the arena it was decoded into
    int32_t width;
    int32_t height;
} dogb_image;

typedef struct dogb_rect { // pixels; right and bottom exclusive
    int32_t left;
    int32_t top;
    int32_t right;
    int32_t bottom;
} dogb_rect;

typedef struct dogb_image_limits {
    int64_t pixels_max;    // 89,478,485 (Pillow's warning level)
    int64_t memory_max;    // of one decoder, 512 MiB
    int32_t side_max;      // 30,000
    int32_t scans_max;     // of a progressive JPEG, 100
    int32_t jpeg_warnings; // DOGBREED_WARNINGS_ERROR (0), DOGBREED_WARNINGS_PILLOW (1)
    int32_t reserved;
} dogb_image_limits;
void dogb_image_limits_default(dogb_image_limits *out);

typedef struct dogb_image_info {
    int32_t format; // DOGB_FORMAT_
    int32_t width;  // as stored
    int32_t height;
    int32_t channels; // in the file: 1 gray, 2 gray + alpha, 3, 4 (CMYK or RGBA)
    int32_t depth;    // bits per sample
    int32_t palette;  // PNG
    int32_t alpha;    // dropped on decoding
    int32_t cmyk;
    int32_t progressive; // or interlaced
    int32_t orientation; // EXIF, 1..8; 1 when absent
    int32_t warnings;    // tolerated by the decoder
    int32_t reserved;
} dogb_image_info;

// Name of a format by content, for messages: "JPEG", "PNG", "GIF", "WebP", "TIFF", "BMP", "HEIC",
// ... or NULL.
const char *dogb_image_sniff(const uint8_t *bytes, size_t size);

// Reads the header only. Errors: FORMAT (damaged), UNSUPPORTED (another format, 12-bit, limits).
// `what` names the input in messages.
int dogb_image_probe(dogb_image_info *out, const uint8_t *bytes, size_t size,
                     const dogb_image_limits *limits, const char *what);

// Decodes to RGB, not rotated. `region` (may be NULL): only these pixels are wanted; *out then
// holds exactly the region, equal to the same part of a full decode; JPEG skips what lies outside.
// info may be NULL.
int dogb_image_decode(dogb_image *out, dogb_image_info *info, dogb_arena *arena,
                      const uint8_t *bytes, size_t size, const dogb_image_limits *limits,
                      const dogb_rect *region, const char *what);

// Applies an EXIF orientation (2..8) into new memory; 1: *out = *in.
int dogb_image_orient(dogb_image *out, dogb_arena *arena, const dogb_image *in,
                      int32_t orientation);

// Pillow's Image.resize((width, height), filter, box): two passes, 8-bit fixed point. filter:
// DOGBREED_FILTER_. out: height * width * 3 bytes. box NULL: the whole image.
int dogb_resize(uint8_t *out, int32_t width, int32_t height, const dogb_image *in,
                const dogb_rect *box, int32_t filter);

// What turns a picture into network input; part of the model file.
typedef struct dogb_preprocess {
    int32_t resize;           // short side; 0: no resize
    int32_t crop;             // side of the square
    int32_t filter;           // DOGBREED_FILTER_
    int32_t exif_orientation; // DOGBREED_EXIF_
    float mean[3];
    float deviation[3];
} dogb_preprocess;

// torchvision's Resize(resize) + CenterCrop(crop), to out[crop * crop * 3] (HWC).
int dogb_transform_eval(uint8_t *out, const dogb_image *in, const dogb_preprocess *preprocess);

// torchvision's RandomResizedCrop(crop, scale (0.08, 1), ratio (3/4, 4/3)) parameters for an image
// of this size.
void dogb_crop_random(dogb_rect *out, dogb_rng *rng, int32_t width, int32_t height);

// Crop, resize to crop x crop, and flip left-right when asked.
int dogb_transform_crop(uint8_t *out, const dogb_image *in, const dogb_rect *rect, int32_t flip,
                        const dogb_preprocess *preprocess);

// Brightness, contrast, saturation, hue as torchvision's ColorJitter on PIL images; in place on
// RGB.
typedef struct dogb_jitter {
    double brightness; // factor
    double contrast;
    double saturation;
    double hue;       // -0.5..0.5
    int32_t order[4]; // permutation of 0 brightness, 1 contrast, 2 saturation, 3 hue
} dogb_jitter;
int dogb_transform_jitter(uint8_t *pixels, int32_t width, int32_t height,
                          const dogb_jitter *jitter);

// (x / 255 - mean) / deviation in float32, HWC bytes to CHW floats.
void dogb_normalize(float *out, const uint8_t *in, int32_t side, const float mean[3],
                    const float deviation[3]);

// The whole way of one picture: bytes -> decode -> orient -> (crop rectangle) -> transform ->
// out[crop*crop*3]. rng NULL: evaluation transform; else random resized crop and flip drawn from it
// (the JPEG is then decoded only where the crop lies). rectangle (may be NULL) refers to the
// oriented image; INVALID_ARGUMENT when it is not inside. scratch: reused by the caller's thread
// from call to call, freed by dogb_arena_free.
int dogb_image_load(uint8_t *out, dogb_image_info *info, dogb_arena *scratch, const uint8_t *bytes,
                    size_t size, const dogb_image_limits *limits, const dogb_preprocess *preprocess,
                    dogb_rng *rng, const dogb_rect *rectangle, const char *what);

// The same from decoded pixels.
int dogb_image_prepare(uint8_t *out, const dogb_image *in, const dogb_preprocess *preprocess,
                       dogb_rng *rng, const dogb_rect *rectangle, const char *what);

// The same with the memory that dogb_image_load keeps in `scratch`.
int dogb_image_prepare_in(uint8_t *out, dogb_arena *scratch, const dogb_image *in,
                          const dogb_preprocess *preprocess, dogb_rng *rng, const char *what);

// Writers, for synth and tests. quality 1..100, 4:4:4. Bytes go into the arena.
int dogb_jpeg_encode(uint8_t **out, size_t *size, dogb_arena *arena, const dogb_image *in,
                     int32_t quality);
int dogb_png_encode(uint8_t **out, size_t *size, dogb_arena *arena, const dogb_image *in);

// Names and versions of the codec libraries, for build info: "libjpeg-turbo 2.1.5",
// "libpng 1.6.39".
const char *dogb_image_jpeg_version(void);
const char *dogb_image_png_version(void);
// Decodes a built-in JPEG and PNG and compares checksums. FORMAT when they differ.
int dogb_image_self_test(void);
// Instruction set chosen for resizing: for example "avx2", "c".
const char *dogb_image_isa(void);

#endif
