// kernel.h - the inner loops of the native engine: what one instruction set offers. Activations are
// float32 NHWC; weights are packed in panels of up to VECTORS_MAX vectors of output channels. Every
// sum starts at the bias and runs over taps (row by row), then channels, one fused or separate
// multiply-add each: a result depends on neither tile, thread nor batch.
#ifndef DOGB_ENGINE_NATIVE_KERNEL_H
#define DOGB_ENGINE_NATIVE_KERNEL_H

#include <stdint.h>

enum {
    DOGB_VECTORS_MAX = 4, // vectors of one panel
    DOGB_PIXELS_MAX = 14, // outputs of one tile
    DOGB_LANES_MAX = 16,
    DOGB_FETCH_EACH = 4,    // inputs of a tile for each line that it fetches
    DOGB_FETCH_FLOATS = 16, // of a cache line
};

// A run of tiles: each is `pixels` outputs times one panel.
typedef struct dogb_tile {
    const void *const *rows; // [tiles]: [taps][pixels], the inputs of each output
    const float *weights;    // [taps][channels][vectors * lanes]
    const float *next;       // weights that will be needed next: fetched on the way, a line for
    const float *fetch_end;  // each FETCH_EACH inputs
    const float *start;      // the sums begin here: the bias, or what an earlier part left
    const void *residual;    // NULL, or what is added before the activation
    void *out;
    int64_t tiles;
    int64_t row_stride; // pointers from tile to tile
    int64_t taps;
    int64_t channels;     // of each tap
    int64_t start_stride; // from output to output; 0: the same for all
    int64_t out_stride;
    int64_t residual_stride;
    int32_t pixels;
    int32_t tail;   // valid lanes of the last vector
    int32_t part;   // more taps follow: the sums are stored as they are, whole vectors
    int32_t floats; // of kernels with elements (kernel_bf16.h): out is floats
    float low;      // activation: results are held within [low, high]
    float high;
} dogb_tile;

// Outputs of a depthwise convolution or a pooling: `pixels` of them, all channels.
typedef struct dogb_depth {
    const float *const *rows; // [taps][pixels]; maximum, sum: NULL rows are left out
    const float *weights;     // [taps][channels rounded up to lanes]
    const float *bias;        // [channels rounded up to lanes]
    const float *scale;       // sum: [pixels], factor of each
    float *out;
    int64_t taps;
    int64_t channels;
    int64_t out_stride;
    int32_t pixels;
    int32_t reserved;
    float low;
    float high;
} dogb_depth;

// One output row of a depthwise convolution: of floats, or of integers (kernel_int8.h), which leave
// weights, bias and limits alone. Input, weights and bias have whole vectors of channels; rows
// outside the picture are zeros.
typedef struct dogb_lines {
    const void *const *rows; // [height]: the first pixel of each row
    const float *weights;    // [height][width][weight_stride]
    const float *bias;
    void *out;
    int64_t weight_stride;
    int64_t channels;
    int64_t column; // items from one pixel to the next
    int64_t out_stride;
    int32_t pixels;  // outputs
    int32_t columns; // pixels of a row
    int32_t height;  // of the window
    int32_t width;
    int32_t stride; // along the row, as the next two
    int32_t dilation;
    int32_t padding;
    float low;
    float high;
    int32_t reserved;
} dogb_lines;

// Tiles of a Winograd convolution: size x size pixels, (size - 2)^2 outputs each.
typedef struct dogb_winograd {
    const float *const *in;       // [tiles][size * size] pixels
    float *const *out;            // [tiles][outputs]; NULL: outside
    const float *const *residual; // the same; NULL: nothing is added
    float *sums;                  // [size * size] planes of [tiles][channels]
    const float *bias;
    int64_t tiles;
    int64_t channels; // whole vectors
    int64_t plane;    // floats
    int32_t size;     // 4 or 6
    float low;
    float high;
    int32_t reserved;
} dogb_winograd;

enum { DOGB_PEAK_VECTORS = 12 }; // multiply-adds of vectors in a round of dogb_kernel's peak

typedef struct dogb_kernel {
    const char *name; // "avx2"
    int32_t lanes;
    int32_t most;  // vectors of a panel at most
    int32_t least; // the same of an expansion, at least: narrower tiles lose more than their rows
                   // in the first cache gain
    int32_t even;  // the same when the vectors of all channels divide by it: faster tiles
    int32_t pixels[DOGB_VECTORS_MAX + 1]; // most outputs of a tile by vectors of the panel; 0: none
    void (*tiles[DOGB_VECTORS_MAX + 1])(const dogb_tile *tile); // by vectors of the panel
    void (*depthwise)(const dogb_depth *depth);
    void (*lines)(const dogb_lines *lines);
    void (*winograd_spread)(const dogb_winograd *winograd); // in -> sums
    void (*winograd_gather)(const dogb_winograd *winograd); // sums -> out
    void (*maximum)(const dogb_depth *depth);
    void (*sum)(const dogb_depth *depth);
    void (*add)(float *out, const float *a, const float *b, int64_t count, float low, float high);
    // out = in * scale + shift, channel by channel, then the activation. scale NULL: 1, 0.
    void (*affine)(float *out, const float *in, const float *scale, const float *shift,
                   int64_t channels, float low, float high);
    float (*peak)(float factor, float term, int64_t rounds); // busy sums, to measure (peak.c)
} dogb_kernel;

// The best one of this CPU, or the one that DOGBREED_CPU (c, avx2, avx512) asks for.
const dogb_kernel *dogb_kernel_choose(void);

float dogb_peak_c(float factor, float term, int64_t rounds);
float dogb_peak_avx2(float factor, float term, int64_t rounds);
float dogb_peak_avx512(float factor, float term, int64_t rounds);

extern const dogb_kernel dogb_kernel_c;
#if defined(__x86_64__)
extern const dogb_kernel dogb_kernel_avx2;
extern const dogb_kernel dogb_kernel_avx512;
#endif

#endif
