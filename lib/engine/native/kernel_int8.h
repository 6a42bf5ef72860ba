// kernel_int8.h - the inner loops of quantised networks: what one instruction set offers. An
// element is an activation of 8 bits, 0 to 255, in as many bytes as the set's multiplication wants.
// Weights and elements lie in words of 32 bits: `group` neighbours of the sum, which one
// instruction multiplies and adds. Sums are integers, so they are the same in every set; a sum
// becomes steps of the output in float32, one rounding after each operation:
//   f = (float)sum * scale + bias [+ (other - other_zero) * other_scale], held within [low, high]
// and an element is f rounded to the nearest whole number (even among two) plus the zero point.
#ifndef DOGB_ENGINE_NATIVE_KERNEL_INT8_H
#define DOGB_ENGINE_NATIVE_KERNEL_INT8_H

#include "engine/native/kernel.h"

enum { // what a tile stores
    DOGB_STORE_ELEMENTS = 0,
    DOGB_STORE_SHORTS = 1, // f rounded, in 16 bits: what a depthwise convolution reads
    DOGB_STORE_FLOATS = 2  // f
};

// From sums to results; scale and bias by output channel.
typedef struct dogb_finish {
    const float *scale;
    const float *bias;
    float low;
    float high;
    float other_scale;
    int32_t other_zero;
    int32_t zero;
    int32_t store; // DOGB_STORE_
} dogb_finish;

enum { DOGB_RUN_WORDS = 64 };

// Tiles of `pixels` outputs each, one after another, times one panel.
typedef struct dogb_tile8 {
    const void *const *rows; // of each tile [taps][pixels]: the inputs of each output
    const int32_t *weights;  // [taps][words][vectors * lanes]
    const int32_t *next;     // weights that will be needed next: fetched on the way, `fetch` lines
                             // for each RUN_WORDS words of a tap
    const int32_t *start;    // the sums begin here: minus the input's zero point times the weights
    const void *residual;    // elements that are added, or NULL
    void *out;               // elements or floats
    int64_t taps;
    int64_t words; // of each tap
    int64_t fetch;
    int64_t tiles;
    int64_t out_stride;
    int64_t residual_stride;
    int32_t pixels;
    int32_t tail; // valid lanes of the last vector
    dogb_finish finish;
} dogb_tile8;

// Elements from floats, pixel by pixel: f = in * scale + bias.
typedef struct dogb_rows {
    const float *in;
    void *out;
    int64_t pixels;
    int64_t channels;
    int64_t in_stride;
    int64_t out_stride;
    dogb_finish finish;
} dogb_rows;

typedef struct dogb_kernel8 {
    const dogb_kernel *floats; // the other layers, with as many lanes
    int32_t bytes;             // of an element
    int32_t group;             // elements of a word
    int32_t most;              // vectors of a panel at most
    int32_t pixels[DOGB_VECTORS_MAX + 1];
    void (*tiles[DOGB_VECTORS_MAX + 1])(const dogb_tile8 *tile);
    void (*elements)(const dogb_rows *rows);
    // Shorts to elements. weights: for each block of two vectors [dogb_pairs][block]; they, and the
    // finish's scale and bias, have channels in the order of dogb_block_place.
    void (*lines)(const dogb_lines *lines, const int32_t *weights, const dogb_finish *finish);
} dogb_kernel8;

// Taps of a depthwise kernel are multiplied two by two: those of two rows above each other, then
// those of an odd last row beside each other. Tap -1: there is none.
static inline int32_t dogb_pairs(int32_t height, int32_t width) {
    return height / 2 * width + height % 2 * ((width + 1) / 2);
}

static inline void dogb_pair(int32_t taps[2], int32_t height, int32_t width, int32_t index) {
    const int32_t flat = index - height / 2 * width;
    if (flat < 0) {
        taps[0] = index / width * 2 * width + index % width;
        taps[1] = taps[0] + width;
        return;
    }
    taps[0] = (height - 1) * width + 2 * flat;
    taps[1] = 2 * flat + 1 < width ? taps[0] + 1 : -1;
}

// Place of a channel in a block of two vectors, 2 * lanes: that in which instructions that take
// halves of every 128 bits leave it.
static inline int32_t dogb_block_place(int32_t channel, int32_t lanes) {
    return channel % 8 / 4 * lanes + channel / 8 * 4 + channel % 4;
}

// The companion of the kernels that this CPU, or DOGBREED_CPU, asks for.
const dogb_kernel8 *dogb_kernel8_choose(void);

extern const dogb_kernel8 dogb_kernel8_c;
#if defined(__x86_64__)
extern const dogb_kernel8 dogb_kernel8_avx2;
extern const dogb_kernel8 dogb_kernel8_avxvnni;
extern const dogb_kernel8 dogb_kernel8_avx512vnni;
#endif

#endif
