// vector_avx512.h - what kernel_loops.h and heads_loops.h count in: vectors of 16 floats.
#ifndef DOGB_ENGINE_NATIVE_VECTOR_AVX512_H
#define DOGB_ENGINE_NATIVE_VECTOR_AVX512_H

#include <immintrin.h>

typedef __m512 vec;
#define LANES 16
#define DOGB_VECTOR_REGISTER "v"

static inline __attribute__((always_inline)) vec v_load(const float *from) {
    return _mm512_loadu_ps(from);
}

static inline __attribute__((always_inline)) __mmask16 v_mask(int lanes) {
    return (__mmask16)((1u << lanes) - 1u);
}

static inline __attribute__((always_inline)) vec v_load_part(const float *from, int lanes) {
    return _mm512_maskz_loadu_ps(v_mask(lanes), from);
}

static inline __attribute__((always_inline)) void v_store(float *to, vec value) {
    _mm512_storeu_ps(to, value);
}

static inline __attribute__((always_inline)) void v_store_part(float *to, int lanes, vec value) {
    _mm512_mask_storeu_ps(to, v_mask(lanes), value);
}

static inline __attribute__((always_inline)) vec v_set1(float value) {
    return _mm512_set1_ps(value);
}

static inline __attribute__((always_inline)) vec v_fma(vec a, vec b, vec c) {
    return _mm512_fmadd_ps(a, b, c);
}

static inline __attribute__((always_inline)) vec v_add(vec a, vec b) {
    return _mm512_add_ps(a, b);
}

static inline __attribute__((always_inline)) vec v_sub(vec a, vec b) {
    return _mm512_sub_ps(a, b);
}

static inline __attribute__((always_inline)) vec v_mul(vec a, vec b) {
    return _mm512_mul_ps(a, b);
}

static inline __attribute__((always_inline)) vec v_div(vec a, vec b) {
    return _mm512_div_ps(a, b);
}

static inline __attribute__((always_inline)) vec v_max(vec a, vec b) {
    return _mm512_max_ps(a, b);
}

static inline __attribute__((always_inline)) vec v_min(vec a, vec b) {
    return _mm512_min_ps(a, b);
}

// NaN of either operand stays.
static inline __attribute__((always_inline)) vec v_max_nan(vec a, vec b) {
    __mmask16 first_is_nan = _mm512_cmp_ps_mask(a, a, _CMP_UNORD_Q);
    return _mm512_mask_mov_ps(_mm512_max_ps(a, b), first_is_nan, a);
}

static inline __attribute__((always_inline)) vec v_sqrt(vec a) {
    return _mm512_sqrt_ps(a);
}

// value * 2^whole, where the low bits of `shifted` hold the whole number.
static inline __attribute__((always_inline)) vec v_scale(vec value, vec shifted) {
    __m512i whole = _mm512_slli_epi32(_mm512_castps_si512(shifted), 23);
    return _mm512_castsi512_ps(_mm512_add_epi32(_mm512_castps_si512(value), whole));
}

#endif
