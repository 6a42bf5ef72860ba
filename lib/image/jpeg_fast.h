// jpeg_fast.h - the fast path for the JPEGs that cameras and the web are full of: baseline Huffman,
// one scan, YCbCr at 4:4:4, 4:2:2 or 4:2:0, undamaged. Everything else, and every surprise on the
// way, goes to libjpeg-turbo from the start, so refusals and warnings are always libjpeg's; the
// pixels are the same bit for bit.
#ifndef DOGB_IMAGE_JPEG_FAST_H
#define DOGB_IMAGE_JPEG_FAST_H

#include "image/codec.h"

enum { DOGB_JPEG_PLAIN = 1 }; // "not a file for the fast path"

typedef struct dogb_jpeg_component {
    uint8_t id;
    uint8_t across; // sampling factors
    uint8_t down;
    uint8_t quant; // tables
    uint8_t dc;
    uint8_t ac;
} dogb_jpeg_component;

// What stands in front of the image data.
typedef struct dogb_jpeg_header {
    int32_t width;
    int32_t height;
    int32_t restart; // MCUs between restart markers; 0: none
    int32_t orientation;
    dogb_jpeg_component components[3];
    uint16_t quant[4][64]; // row by row, not in zigzag order
    uint8_t quant_known[4];
    const uint8_t *huffman[2][4]; // [DC, AC]: 16 counts, then the symbols; NULL: not there
    size_t data;                  // where the image data starts
} dogb_jpeg_header;

// 0, or DOGB_JPEG_PLAIN. Sets no error.
int dogb_jpeg_parse(dogb_jpeg_header *out, const uint8_t *bytes, size_t size);

// Row-major position of the k-th coefficient in zigzag order.
extern const uint8_t dogb_jpeg_zigzag[64];

// Decodes into job->image; region as from dogb_job_output. 0, DOGB_JPEG_PLAIN (the file is not that
// simple: start again with libjpeg), or NO_MEMORY.
typedef int (*dogb_jpeg_fast_fn)(dogb_decode_job *job, const dogb_jpeg_header *header,
                                 const dogb_rect *region);
int dogb_jpeg_fast_avx2(dogb_decode_job *job, const dogb_jpeg_header *header,
                        const dogb_rect *region);

// The fast path of this machine; NULL: none.
dogb_jpeg_fast_fn dogb_jpeg_fast_choose(void);

// Kernels of the AVX2 path (jpeg_pixels_avx2.c).

// Inverse DCT of two blocks: coefficients * quant, 8 x 8 samples to each output.
typedef struct dogb_jpeg_block {
    const int16_t *coefficients;
    const uint16_t *quant;
    uint8_t *out;
    size_t stride;
} dogb_jpeg_block;
void dogb_jpeg_idct2(const dogb_jpeg_block *first, const dogb_jpeg_block *second);

// libjpeg's triangle upsampling of `count` samples to 2 * count. `sums` holds near * 3 + far of two
// rows (or 4 * near with one row), with a neighbour at [-1] and [count]. Writes up to 31 bytes
// more.
void dogb_jpeg_sums(uint16_t *sums, const uint8_t *near, const uint8_t *far, size_t count);
void dogb_jpeg_double_h2v2(uint8_t *out, const uint16_t *sums, size_t count);
void dogb_jpeg_double_h2v1(uint8_t *out, const uint16_t *sums, size_t count);

// One row of pixels. Reads up to 15 samples and writes up to 45 bytes more.
void dogb_jpeg_to_rgb(uint8_t *out, const uint8_t *luma, const uint8_t *blue, const uint8_t *red,
                      size_t count);

#endif
