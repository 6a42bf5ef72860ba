// vector_int8_avx512vnni.h - what kernel_int8_loops.h counts in with AVX-512 VNNI: sums of 16
// channels, elements of 8 bits, four in a word.
#ifndef DOGB_ENGINE_NATIVE_VECTOR_INT8_AVX512VNNI_H
#define DOGB_ENGINE_NATIVE_VECTOR_INT8_AVX512VNNI_H

#include "engine/native/vector_avx512.h"

#include <stdint.h>

typedef __m512i sums;
typedef uint8_t element;
#define GROUP 4

static inline __attribute__((always_inline)) sums s_load(const int32_t *from) {
    return _mm512_loadu_si512(from);
}

static inline __attribute__((always_inline)) void s_store(int32_t *to, sums value) {
    _mm512_storeu_si512(to, value);
}

static inline __attribute__((always_inline)) sums s_word(const int32_t *from) {
    int32_t word;
    __builtin_memcpy(&word, from, sizeof word);
    return _mm512_set1_epi32(word);
}

static inline __attribute__((always_inline)) sums s_dot(sums sum, sums x, sums w) {
    return _mm512_dpbusd_epi32(sum, x, w);
}

static inline __attribute__((always_inline)) vec s_float(sums value) {
    return _mm512_cvtepi32_ps(value);
}

static inline __attribute__((always_inline)) vec e_load(const element *from, int lanes) {
    __m128i bytes = _mm_maskz_loadu_epi8(v_mask(lanes), from);
    return _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(bytes));
}

static inline __attribute__((always_inline)) void e_store(element *to, int lanes, vec value,
                                                          int32_t zero) {
    __m512i whole = _mm512_add_epi32(_mm512_cvtps_epi32(value), _mm512_set1_epi32(zero));
    whole = _mm512_max_epi32(whole, _mm512_setzero_si512()); // the narrowing takes it as unsigned
    _mm_mask_storeu_epi8(to, v_mask(lanes), _mm512_cvtusepi32_epi8(whole));
}

// As in vector_int8_avx2.h.
typedef __m512i halves;

static inline __attribute__((always_inline)) sums s_zero(void) {
    return _mm512_setzero_si512();
}

static inline __attribute__((always_inline)) halves h_zero(void) {
    return _mm512_setzero_si512();
}

static inline __attribute__((always_inline)) halves h_load(const int16_t *from) {
    return _mm512_loadu_si512(from);
}

static inline __attribute__((always_inline)) sums h_low(halves a, halves b) {
    return _mm512_unpacklo_epi16(a, b);
}

static inline __attribute__((always_inline)) sums h_high(halves a, halves b) {
    return _mm512_unpackhi_epi16(a, b);
}

static inline __attribute__((always_inline)) sums s_pairs(sums sum, sums x, sums w) {
    return _mm512_add_epi32(sum, _mm512_madd_epi16(x, w));
}

static inline __attribute__((always_inline)) void h_store(int16_t *to, vec value) {
    _mm256_storeu_si256((__m256i *)(void *)to, _mm512_cvtsepi32_epi16(_mm512_cvtps_epi32(value)));
}

static inline __attribute__((always_inline)) halves h_block(vec low, vec high, int32_t zero,
                                                            int32_t least) {
    __m512i both = _mm512_packs_epi32(_mm512_cvtps_epi32(low), _mm512_cvtps_epi32(high));
    both = _mm512_add_epi16(both, _mm512_set1_epi16((int16_t)zero));
    return _mm512_max_epi16(both, _mm512_set1_epi16((int16_t)least));
}

static inline __attribute__((always_inline)) void h_store_block(int16_t *to, vec low, vec high,
                                                                int32_t least) {
    _mm512_storeu_si512(to, h_block(low, high, 0, least));
}

static inline __attribute__((always_inline)) void v_natural(vec *low, vec *high) {
    const __m512i first = _mm512_setr_epi32(0, 1, 2, 3, 16, 17, 18, 19, 4, 5, 6, 7, 20, 21, 22, 23);
    vec channels = _mm512_permutex2var_ps(*low, first, *high);
    *high = _mm512_permutex2var_ps(*low, _mm512_add_epi32(first, _mm512_set1_epi32(8)), *high);
    *low = channels;
}

static inline __attribute__((always_inline)) void e_load_block(vec *low, vec *high,
                                                               const element *from) {
    __m512i shorts = _mm512_cvtepu8_epi16(_mm256_loadu_si256((const __m256i *)(const void *)from));
    *low = _mm512_cvtepi32_ps(_mm512_unpacklo_epi16(shorts, _mm512_setzero_si512()));
    *high = _mm512_cvtepi32_ps(_mm512_unpackhi_epi16(shorts, _mm512_setzero_si512()));
}

static inline __attribute__((always_inline)) void
e_store_block(element *to, int lanes, vec low, vec high, int32_t zero, int32_t least) {
    __m512i both = h_block(low, high, zero, least); // never negative
    __mmask32 mask = (__mmask32)((1ull << lanes) - 1);
    _mm256_mask_storeu_epi8(to, mask, _mm512_cvtusepi16_epi8(both));
}

#endif
