// vector_int8_avxvnni.h - vector_int8_avx2.h with AVX-VNNI: elements of 8 bits, four in a word.
#ifndef DOGB_ENGINE_NATIVE_VECTOR_INT8_AVXVNNI_H
#define DOGB_ENGINE_NATIVE_VECTOR_INT8_AVXVNNI_H

#define GROUP 4
#include "engine/native/vector_int8_avx2.h"

typedef uint8_t element;

static inline __attribute__((always_inline)) sums s_dot(sums sum, sums x, sums w) {
    return _mm256_dpbusd_avx_epi32(sum, x, w);
}

static inline __attribute__((always_inline)) vec e_load(const element *from, int lanes) {
    element part[2 * LANES] = {0};
    __builtin_memcpy(part, from, (unsigned)lanes);
    __m128i bytes = _mm_loadl_epi64((const __m128i *)(const void *)part);
    return _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(bytes));
}

static inline __attribute__((always_inline)) void e_store(element *to, int lanes, vec value,
                                                          int32_t zero) {
    __m256i whole = _mm256_add_epi32(_mm256_cvtps_epi32(value), _mm256_set1_epi32(zero));
    __m128i half =
        _mm_packs_epi32(_mm256_castsi256_si128(whole), _mm256_extracti128_si256(whole, 1));
    element part[2 * LANES];
    _mm_storeu_si128((__m128i *)(void *)part, _mm_packus_epi16(half, half));
    __builtin_memcpy(to, part, (unsigned)lanes);
}

static inline __attribute__((always_inline)) void
e_store_block(element *to, int lanes, vec low, vec high, int32_t zero, int32_t least) {
    __m256i both = h_block(low, high, zero, least);
    element part[2 * LANES];
    _mm_storeu_si128((__m128i *)(void *)part, _mm_packus_epi16(_mm256_castsi256_si128(both),
                                                               _mm256_extracti128_si256(both, 1)));
    __builtin_memcpy(to, part, (unsigned)lanes);
}

static inline __attribute__((always_inline)) void e_load_block(vec *low, vec *high,
                                                               const element *from) {
    v_block(low, high, _mm256_cvtepu8_epi16(_mm_loadu_si128((const __m128i *)(const void *)from)));
}

#endif
