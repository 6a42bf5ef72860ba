// vector_bf16_avx512bf16.h - what kernel_bf16_loops.h counts in with AVX-512 BF16: elements of 16
// bits, two in a word, which one instruction multiplies and adds.
#ifndef DOGB_ENGINE_NATIVE_VECTOR_BF16_AVX512BF16_H
#define DOGB_ENGINE_NATIVE_VECTOR_BF16_AVX512BF16_H

#include "engine/native/vector_avx512.h"

#include <stdint.h>

typedef uint16_t element;
typedef __m512i words;
#define WORD 2
#define PASSES 1
#define NATIVE 1

static inline __attribute__((always_inline)) words w_load(const float *from, const int pass) {
    (void)pass;
    return _mm512_loadu_si512(from);
}

static inline __attribute__((always_inline)) words w_inputs(const element *from, const int pass,
                                                            const int rest) {
    uint32_t word = 0;
    (void)pass;
    __builtin_memcpy(&word, from, rest ? sizeof *from : sizeof word);
    return _mm512_set1_epi32((int)word);
}

static inline __attribute__((always_inline)) vec w_dot(vec sum, words x, words w) {
    return _mm512_dpbf16_ps(sum, (__m512bh)x, (__m512bh)w);
}

static inline __attribute__((always_inline)) vec e_load(const element *from, int lanes) {
    __m256i half = _mm256_maskz_loadu_epi16(v_mask(lanes), from);
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(half), 16));
}

static inline __attribute__((always_inline)) void e_store(element *to, int lanes, vec value) {
    _mm256_mask_storeu_epi16(to, v_mask(lanes), (__m256i)_mm512_cvtneps_pbh(value));
}

#endif
