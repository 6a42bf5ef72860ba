// vector_bf16_c.h - bf16 in the vectors of vector_c.h.
#ifndef DOGB_ENGINE_NATIVE_VECTOR_BF16_C_H
#define DOGB_ENGINE_NATIVE_VECTOR_BF16_C_H

#include "engine/native/vector_c.h"

#include <stdint.h>

typedef uint32_t f_bits __attribute__((vector_size(16)));

// The halves of words as floats.
static inline __attribute__((always_inline)) vec f_high(vec word) {
    return (vec)((f_bits)word & 0xffff0000u);
}

static inline __attribute__((always_inline)) vec f_low(vec word) {
    return (vec)((f_bits)word << 16);
}

// To bf16, the nearest, the even one of two; what is not a number stays so.
static inline __attribute__((always_inline)) vec f_round(vec value) {
    f_bits bits = (f_bits)value;
    f_bits number = (f_bits)(value == value);
    f_bits nearest = bits + 0x7fffu + (bits >> 16 & 1u);
    return (vec)(((nearest & number) | ((bits | 0x00400000u) & ~number)) & 0xffff0000u);
}

#include "engine/native/vector_bf16_floats.h"

#endif
