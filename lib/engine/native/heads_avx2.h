// heads_avx2.h - vectors of 8 floats for heads_loops.h, with FMA.
#include <immintrin.h>

typedef __m256 vec;
#define LANES 8
#define DOGB_VECTOR_REGISTER "x"

static inline __attribute__((always_inline)) vec v_load(const float *from) {
    return _mm256_loadu_ps(from);
}

static inline __attribute__((always_inline)) void v_store(float *to, vec value) {
    _mm256_storeu_ps(to, value);
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

// The second operand when either is NaN.
static inline __attribute__((always_inline)) vec v_max(vec a, vec b) {
    return _mm256_max_ps(a, b);
}

static inline __attribute__((always_inline)) vec v_sqrt(vec a) {
    return _mm256_sqrt_ps(a);
}

// value * 2^whole, where the low bits of `shifted` hold the whole number.
static inline __attribute__((always_inline)) vec v_scale(vec value, vec shifted) {
    __m256i whole = _mm256_slli_epi32(_mm256_castps_si256(shifted), 23);
    return _mm256_castsi256_ps(_mm256_add_epi32(_mm256_castps_si256(value), whole));
}
