// heads_avx512.c - the loops of heads_loops.h in vectors of 16 floats.
#include <immintrin.h>

typedef __m512 vec;
#define LANES 16
#define DOGB_VECTOR_REGISTER "v"

static inline __attribute__((always_inline)) vec v_load(const float *from) {
    return _mm512_loadu_ps(from);
}

static inline __attribute__((always_inline)) void v_store(float *to, vec value) {
    _mm512_storeu_ps(to, value);
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

// The second operand when either is NaN.
static inline __attribute__((always_inline)) vec v_max(vec a, vec b) {
    return _mm512_max_ps(a, b);
}

static inline __attribute__((always_inline)) vec v_sqrt(vec a) {
    return _mm512_sqrt_ps(a);
}

// value * 2^whole, where the low bits of `shifted` hold the whole number.
static inline __attribute__((always_inline)) vec v_scale(vec value, vec shifted) {
    __m512i whole = _mm512_slli_epi32(_mm512_castps_si512(shifted), 23);
    return _mm512_castsi512_ps(_mm512_add_epi32(_mm512_castps_si512(value), whole));
}

#define NAME avx512
#define HALF dogb_heads_kernel_avx512_half
#define VECTORS_MOST 3
#define ROWS_1 12
#define ROWS_2 12
#define ROWS_3 8
#define ROWS_5 0
#define INPUTS_1 16
#define INPUTS_2 8
#define INPUTS_3 8
#define INPUTS_5 0
#include "engine/native/heads_loops.h"
