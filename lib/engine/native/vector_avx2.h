// vector_avx2.h - what kernel_loops.h and heads_loops.h count in: vectors of 8 floats, with FMA.
#ifndef DOGB_ENGINE_NATIVE_VECTOR_AVX2_H
#define DOGB_ENGINE_NATIVE_VECTOR_AVX2_H

#include <immintrin.h>

typedef __m256 vec;
#define LANES 8
#define DOGB_VECTOR_REGISTER "x"

static inline __attribute__((always_inline)) vec v_load(const float *from) {
    return _mm256_loadu_ps(from);
}

static inline __attribute__((always_inline)) __m256i v_mask(int lanes) {
    return _mm256_cmpgt_epi32(_mm256_set1_epi32(lanes), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}

static inline __attribute__((always_inline)) vec v_load_part(const float *from, int lanes) {
    return _mm256_maskload_ps(from, v_mask(lanes));
}

static inline __attribute__((always_inline)) void v_store(float *to, vec value) {
    _mm256_storeu_ps(to, value);
}

static inline __attribute__((always_inline)) void v_store_part(float *to, int lanes, vec value) {
    _mm256_maskstore_ps(to, v_mask(lanes), value);
}

static inline __attribute__((always_inline)) vec v_set1(float value) {
    return _mm256_set1_ps(value);
}

static inline __attribute__((always_inline)) vec v_fma(vec a, vec b, vec c) {
    return _mm256_fmadd_ps(a, b, c);
}

static inline __attribute__((always_inline)) vec v_add(vec a, vec b) {
    return _mm256_add_ps(a, b);
}

static inline __attribute__((always_inline)) vec v_sub(vec a, vec b) {
    return _mm256_sub_ps(a, b);
}

static inline __attribute__((always_inline)) vec v_mul(vec a, vec b) {
    return _mm256_mul_ps(a, b);
}

static inline __attribute__((always_inline)) vec v_div(vec a, vec b) {
    return _mm256_div_ps(a, b);
}

static inline __attribute__((always_inline)) vec v_max(vec a, vec b) {
    return _mm256_max_ps(a, b);
}

static inline __attribute__((always_inline)) vec v_min(vec a, vec b) {
    return _mm256_min_ps(a, b);
}

// NaN of either operand stays.
static inline __attribute__((always_inline)) vec v_max_nan(vec a, vec b) {
    return _mm256_blendv_ps(_mm256_max_ps(a, b), a, _mm256_cmp_ps(a, a, _CMP_UNORD_Q));
}

static inline __attribute__((always_inline)) vec v_sqrt(vec a) {
    return _mm256_sqrt_ps(a);
}

// value * 2^whole, where the low bits of `shifted` hold the whole number.
static inline __attribute__((always_inline)) vec v_scale(vec value, vec shifted) {
    __m256i whole = _mm256_slli_epi32(_mm256_castps_si256(shifted), 23);
    return _mm256_castsi256_ps(_mm256_add_epi32(_mm256_castps_si256(value), whole));
}

#endif
