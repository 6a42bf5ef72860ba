// vector_int8_avx2.h - what kernel_int8_loops.h counts in without VNNI: sums of eight channels,
// elements of 16 bits, two in a word, so that products of 8 bits are exact.
#ifndef DOGB_ENGINE_NATIVE_VECTOR_INT8_AVX2_H
#define DOGB_ENGINE_NATIVE_VECTOR_INT8_AVX2_H

#include "engine/native/vector_avx2.h"

#include <stdint.h>

typedef __m256i sums;

static inline __attribute__((always_inline)) sums s_load(const int32_t *from) {
    return _mm256_loadu_si256((const __m256i *)(const void *)from);
}

static inline __attribute__((always_inline)) void s_store(int32_t *to, sums value) {
    _mm256_storeu_si256((__m256i *)(void *)to, value);
}

static inline __attribute__((always_inline)) sums s_word(const int32_t *from) {
    // As a float: a load that needs no alignment.
    return _mm256_castps_si256(_mm256_broadcast_ss((const float *)(const void *)from));
}

static inline __attribute__((always_inline)) vec s_float(sums value) {
    return _mm256_cvtepi32_ps(value);
}

// Pairs of 16 bits: halves of every 128 bits of two vectors of shorts, as words.
typedef __m256i halves;

static inline __attribute__((always_inline)) sums s_zero(void) {
    return _mm256_setzero_si256();
}

static inline __attribute__((always_inline)) halves h_zero(void) {
    return _mm256_setzero_si256();
}

static inline __attribute__((always_inline)) halves h_load(const int16_t *from) {
    return _mm256_loadu_si256((const __m256i *)(const void *)from);
}

static inline __attribute__((always_inline)) sums h_low(halves a, halves b) {
    return _mm256_unpacklo_epi16(a, b);
}

static inline __attribute__((always_inline)) sums h_high(halves a, halves b) {
    return _mm256_unpackhi_epi16(a, b);
}

static inline __attribute__((always_inline)) sums s_pairs(sums sum, sums x, sums w) {
    return _mm256_add_epi32(sum, _mm256_madd_epi16(x, w));
}

// Eight shorts of whole numbers.
static inline __attribute__((always_inline)) void h_store(int16_t *to, vec value) {
    __m256i whole = _mm256_cvtps_epi32(value);
    __m128i half =
        _mm_packs_epi32(_mm256_castsi256_si128(whole), _mm256_extracti128_si256(whole, 1));
    _mm_storeu_si128((__m128i *)(void *)to, half);
}

// Sixteen shorts of two vectors in the order of a block, in that of channels. What is not a number
// is `least`.
static inline __attribute__((always_inline)) __m256i h_block(vec low, vec high, int32_t zero,
                                                             int32_t least) {
    __m256i both = _mm256_packs_epi32(_mm256_cvtps_epi32(low), _mm256_cvtps_epi32(high));
    both = _mm256_add_epi16(both, _mm256_set1_epi16((int16_t)zero));
    return _mm256_max_epi16(both, _mm256_set1_epi16((int16_t)least));
}

static inline __attribute__((always_inline)) void h_store_block(int16_t *to, vec low, vec high,
                                                                int32_t least) {
    _mm256_storeu_si256((__m256i *)(void *)to, h_block(low, high, 0, least));
}

// Sixteen shorts above 0 in the order of channels, as two vectors in that of a block.
static inline __attribute__((always_inline)) void v_block(vec *low, vec *high, __m256i shorts) {
    *low = _mm256_cvtepi32_ps(_mm256_unpacklo_epi16(shorts, _mm256_setzero_si256()));
    *high = _mm256_cvtepi32_ps(_mm256_unpackhi_epi16(shorts, _mm256_setzero_si256()));
}

// Two vectors in the order of a block, in that of channels.
static inline __attribute__((always_inline)) void v_natural(vec *low, vec *high) {
    vec first = _mm256_permute2f128_ps(*low, *high, 0x20);
    *high = _mm256_permute2f128_ps(*low, *high, 0x31);
    *low = first;
}

#if !defined(GROUP) // AVX-VNNI has its own
typedef int16_t element;
#define GROUP 2

static inline __attribute__((always_inline)) sums s_dot(sums sum, sums x, sums w) {
    return s_pairs(sum, x, w);
}

static inline __attribute__((always_inline)) __m128i e_part(const element *from, int lanes) {
    element part[LANES] = {0};
    __builtin_memcpy(part, from, (unsigned)lanes * sizeof *from);
    return _mm_loadu_si128((const __m128i *)(const void *)part);
}

static inline __attribute__((always_inline)) vec e_load(const element *from, int lanes) {
    __m128i half =
        lanes == LANES ? _mm_loadu_si128((const __m128i *)(const void *)from) : e_part(from, lanes);
    return _mm256_cvtepi32_ps(_mm256_cvtepi16_epi32(half));
}

static inline __attribute__((always_inline)) void e_store(element *to, int lanes, vec value,
                                                          int32_t zero) {
    __m256i whole = _mm256_add_epi32(_mm256_cvtps_epi32(value), _mm256_set1_epi32(zero));
    __m128i half =
        _mm_packs_epi32(_mm256_castsi256_si128(whole), _mm256_extracti128_si256(whole, 1));
    if (lanes == LANES) {
        _mm_storeu_si128((__m128i *)(void *)to, half);
        return;
    }
    element part[LANES];
    _mm_storeu_si128((__m128i *)(void *)part, half);
    __builtin_memcpy(to, part, (unsigned)lanes * sizeof *to);
}

static inline __attribute__((always_inline)) void
e_store_block(element *to, int lanes, vec low, vec high, int32_t zero, int32_t least) {
    __m256i both = h_block(low, high, zero, least);
    if (lanes == 2 * LANES) {
        _mm256_storeu_si256((__m256i *)(void *)to, both);
        return;
    }
    element part[2 * LANES];
    _mm256_storeu_si256((__m256i *)(void *)part, both);
    __builtin_memcpy(to, part, (unsigned)lanes * sizeof *to);
}

static inline __attribute__((always_inline)) void e_load_block(vec *low, vec *high,
                                                               const element *from) {
    v_block(low, high, h_load(from));
}
#endif

#endif
