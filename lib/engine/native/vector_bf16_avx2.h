// vector_bf16_avx2.h - bf16 in the vectors of vector_avx2.h.
#ifndef DOGB_ENGINE_NATIVE_VECTOR_BF16_AVX2_H
#define DOGB_ENGINE_NATIVE_VECTOR_BF16_AVX2_H

#include "engine/native/vector_avx2.h"

// The halves of words as floats.
static inline __attribute__((always_inline)) vec f_high(vec word) {
    return _mm256_and_ps(word, _mm256_castsi256_ps(_mm256_set1_epi32(-0x10000)));
}

static inline __attribute__((always_inline)) vec f_low(vec word) {
    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_castps_si256(word), 16));
}

// To bf16, the nearest, the even one of two; what is not a number stays so.
static inline __attribute__((always_inline)) vec f_round(vec value) {
    __m256i bits = _mm256_castps_si256(value);
    __m256i even = _mm256_and_si256(_mm256_srli_epi32(bits, 16), _mm256_set1_epi32(1));
    __m256i nearest = _mm256_add_epi32(bits, _mm256_add_epi32(even, _mm256_set1_epi32(0x7fff)));
    vec quiet = _mm256_or_ps(value, _mm256_castsi256_ps(_mm256_set1_epi32(0x00400000)));
    vec strange = _mm256_cmp_ps(value, value, _CMP_UNORD_Q);
    return f_high(_mm256_blendv_ps(_mm256_castsi256_ps(nearest), quiet, strange));
}

#include "engine/native/vector_bf16_floats.h"

#endif
