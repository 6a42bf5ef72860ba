// kernel_bf16.h - the inner loops of networks computed in bf16: what one instruction set offers. An
// element is an activation rounded to bf16 (8 bits of mantissa, to the nearest, the even one of
// two); weights lie in words of 32 bits: those of two neighbouring inputs, the first in the low
// half, behind the last of an odd number a zero. A word is two multiply-adds in float32, each
// rounded to the nearest, the high half first: what VDPBF16PS does. Products of bf16 are exact in
// float32, so sums are the same in every set as long as neither they nor products are below 2^-126,
// where VDPBF16PS has zeros. Everything else is float32.
#ifndef DOGB_ENGINE_NATIVE_KERNEL_BF16_H
#define DOGB_ENGINE_NATIVE_KERNEL_BF16_H

#include "engine/native/kernel_int8.h"

typedef struct dogb_kernel16 {
    const char *name;          // "avx512bf16"
    const dogb_kernel *floats; // the other layers; its tiles
    int32_t bytes;             // of an element: 2, or 4, a float
    int32_t native;            // has instructions for bf16
    int32_t most;              // vectors of a panel at most
    int32_t reserved;
    // As dogb_kernel's. A tile's rows, residual and, unless its `floats` is set, out are elements;
    // its channels are elements, its weights words.
    void (*tiles[DOGB_VECTORS_MAX + 1])(const dogb_tile *tile);
    void (*elements)(const dogb_rows *rows); // without `finish`; in place where a float is as long
} dogb_kernel16;

// The companion of the kernels that this CPU, or DOGBREED_CPU, asks for.
const dogb_kernel16 *dogb_kernel16_choose(void);

extern const dogb_kernel16 dogb_kernel16_c;
#if defined(__x86_64__)
extern const dogb_kernel16 dogb_kernel16_avx2;
extern const dogb_kernel16 dogb_kernel16_avx512bf16;
#endif

#endif
