// kernel_avx512.c - the loops of kernel_loops.h in vectors of 16 floats.
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

static inline __attribute__((always_inline)) vec v_mul(vec a, vec b) {
    return _mm512_mul_ps(a, b);
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

#define NAME avx512
#define VECTORS_MOST 4
#define VECTORS_EVEN 4
#define PIXELS_1 8
#define PIXELS_2 12
#define PIXELS_3 8
#define PIXELS_4 6
#include "engine/native/kernel_loops.h"
