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

static inline __attribute__((always_inline)) vec v_round(vec value) {
    return _mm512_roundscale_ps(value, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
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

#endif
