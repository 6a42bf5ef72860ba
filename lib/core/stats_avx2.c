// stats_avx2.c - a group of values with AVX2: the sums of stats.c in the same lanes and order.
#include "core/stats_lanes.h"

#include <immintrin.h>

// Two registers of four lanes each.
typedef struct pair {
    __m256d low;
    __m256d high;
} pair;

static inline pair load(const double *lanes) {
    return (pair){_mm256_loadu_pd(lanes), _mm256_loadu_pd(lanes + 4)};
}

static inline void store(double *lanes, pair p) {
    _mm256_storeu_pd(lanes, p.low);
    _mm256_storeu_pd(lanes + 4, p.high);
}

static inline pair widen(__m256 row) {
    return (pair){_mm256_cvtps_pd(_mm256_castps256_ps128(row)),
                  _mm256_cvtps_pd(_mm256_extractf128_ps(row, 1))};
}

static inline pair plus(pair a, pair b) {
    return (pair){_mm256_add_pd(a.low, b.low), _mm256_add_pd(a.high, b.high)};
}

static inline pair times(pair a, pair b) {
    return (pair){_mm256_mul_pd(a.low, b.low), _mm256_mul_pd(a.high, b.high)};
}

static inline pair size_of(pair a) {
    const __m256d sign = _mm256_set1_pd(-0.0);
    return (pair){_mm256_andnot_pd(sign, a.low), _mm256_andnot_pd(sign, a.high)};
}

static inline pair row_of(const float *values, size_t row) {
    return widen(_mm256_loadu_ps(values + row * DOGB_STATS_LANES));
}

static void add_sums(dogb_stats_lanes *l, const float *values, size_t rows) {
    pair sum = load(l->sum);
    pair squares = load(l->squares);
    pair absolute = load(l->absolute);
    for (size_t i = 0; i < rows; i++) {
        pair wide = row_of(values, i);
        sum = plus(sum, wide);
        squares = plus(squares, times(wide, wide));
        absolute = plus(absolute, size_of(wide));
    }
    store(l->sum, sum);
    store(l->squares, squares);
    store(l->absolute, absolute);
}

static void add_extremes(dogb_stats_lanes *l, const float *values, size_t rows) {
    const __m256 sign = _mm256_set1_ps(-0.0f);
    __m256 minimum = _mm256_loadu_ps(l->minimum);
    __m256 maximum = _mm256_loadu_ps(l->maximum);
    __m256 absolute = _mm256_loadu_ps(l->absolute_minimum);
    __m256i zeros = _mm256_loadu_si256((const __m256i *)l->zeros);
    for (size_t i = 0; i < rows; i++) {
        __m256 row = _mm256_loadu_ps(values + i * DOGB_STATS_LANES);
        minimum = _mm256_min_ps(row, minimum);
        maximum = _mm256_max_ps(row, maximum);
        absolute = _mm256_min_ps(_mm256_andnot_ps(sign, row), absolute);
        __m256 zero = _mm256_cmp_ps(row, _mm256_setzero_ps(), _CMP_EQ_OQ);
        zeros = _mm256_sub_epi32(zeros, _mm256_castps_si256(zero));
    }
    _mm256_storeu_ps(l->minimum, minimum);
    _mm256_storeu_ps(l->maximum, maximum);
    _mm256_storeu_ps(l->absolute_minimum, absolute);
    _mm256_storeu_si256((__m256i *)l->zeros, zeros);
}

static void add(dogb_stats_lanes *lanes, const float *values, size_t groups) {
    size_t rows = groups * (DOGB_STATS_GROUP / DOGB_STATS_LANES);
    add_sums(lanes, values, rows);
    add_extremes(lanes, values, rows);
}

const dogb_stats_kernel dogb_stats_avx2 = {"avx2", add};
