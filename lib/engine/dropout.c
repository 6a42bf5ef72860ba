// dropout.c - the mask of a dropout node: a function of seed, node, step and position alone, so all
// engines and devices drop the same values. Compiled into plug-ins too: depends on core/rng only.
// The kernel for AVX2 gives the same bits as the plain loop.
#include "core/rng.h"
#include "engine/engine.h"

#if defined(__x86_64__)
#include <immintrin.h>

enum { LANES = 8 }; // blocks of the generator at once, each four words

typedef struct words {
    __m256i w[4]; // word k of the eight blocks
} words;

// High and low halves of eight products with a constant.
__attribute__((target("avx2"))) static inline void multiply(__m256i *high, __m256i *low, __m256i x,
                                                            __m256i factor) {
    __m256i even = _mm256_mul_epu32(x, factor);
    __m256i odd = _mm256_mul_epu32(_mm256_srli_epi64(x, 32), factor);
    *low = _mm256_blend_epi32(even, _mm256_slli_epi64(odd, 32), 0xAA);
    *high = _mm256_blend_epi32(_mm256_srli_epi64(even, 32), odd, 0xAA);
}

// Philox 4x32-10 (core/rng.c) of eight consecutive counters.
__attribute__((target("avx2"))) static inline words generate(const dogb_rng *rng, uint32_t first) {
    const __m256i factors[2] = {_mm256_set1_epi32((int32_t)0xD2511F53u),
                                _mm256_set1_epi32((int32_t)0xCD9E8D57u)};
    const __m256i steps[2] = {_mm256_set1_epi32((int32_t)0x9E3779B9u),
                              _mm256_set1_epi32((int32_t)0xBB67AE85u)};
    __m256i keys[2] = {_mm256_set1_epi32((int32_t)rng->key[0]),
                       _mm256_set1_epi32((int32_t)rng->key[1])};
    words c = {{_mm256_add_epi32(_mm256_set1_epi32((int32_t)first),
                                 _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7)),
                _mm256_set1_epi32((int32_t)rng->counter[1]),
                _mm256_set1_epi32((int32_t)rng->counter[2]),
                _mm256_set1_epi32((int32_t)rng->counter[3])}};
    for (int round = 0; round < 10; round++) {
        __m256i high[2];
        __m256i low[2];
        multiply(&high[0], &low[0], c.w[0], factors[0]);
        multiply(&high[1], &low[1], c.w[2], factors[1]);
        c.w[0] = _mm256_xor_si256(_mm256_xor_si256(high[1], c.w[1]), keys[0]);
        c.w[2] = _mm256_xor_si256(_mm256_xor_si256(high[0], c.w[3]), keys[1]);
        c.w[1] = low[1];
        c.w[3] = low[0];
        keys[0] = _mm256_add_epi32(keys[0], steps[0]);
        keys[1] = _mm256_add_epi32(keys[1], steps[1]);
    }
    return c;
}

// Masks of whole groups of eight blocks; returns the number of blocks. threshold > 0.
__attribute__((target("avx2"))) static int64_t
fill_avx2(float *out, int64_t count, const dogb_rng *rng, uint32_t threshold, float scale) {
    const __m256i last = _mm256_set1_epi32((int32_t)(threshold - 1)); // largest word that drops
    const __m256i value = _mm256_castps_si256(_mm256_set1_ps(scale));
    int64_t groups = count / (4 * LANES);
    for (int64_t g = 0; g < groups; g++) {
        words c = generate(rng, (uint32_t)(g * LANES));
        for (int k = 0; k < 4; k++) {
            __m256i drop = _mm256_cmpeq_epi32(_mm256_max_epu32(c.w[k], last), last);
            c.w[k] = _mm256_andnot_si256(drop, value);
        }
        // Word k of block b belongs to position 4 b + k: transpose.
        __m256i a = _mm256_unpacklo_epi32(c.w[0], c.w[1]);
        __m256i b = _mm256_unpackhi_epi32(c.w[0], c.w[1]);
        __m256i d = _mm256_unpacklo_epi32(c.w[2], c.w[3]);
        __m256i e = _mm256_unpackhi_epi32(c.w[2], c.w[3]);
        __m256i r0 = _mm256_unpacklo_epi64(a, d); // blocks 0 and 4
        __m256i r1 = _mm256_unpackhi_epi64(a, d); // 1 and 5
        __m256i r2 = _mm256_unpacklo_epi64(b, e); // 2 and 6
        __m256i r3 = _mm256_unpackhi_epi64(b, e); // 3 and 7
        __m256i *rows = (__m256i *)(void *)(out + g * 4 * LANES);
        _mm256_storeu_si256(rows, _mm256_permute2x128_si256(r0, r1, 0x20));
        _mm256_storeu_si256(rows + 1, _mm256_permute2x128_si256(r2, r3, 0x20));
        _mm256_storeu_si256(rows + 2, _mm256_permute2x128_si256(r0, r1, 0x31));
        _mm256_storeu_si256(rows + 3, _mm256_permute2x128_si256(r2, r3, 0x31));
    }
    return groups * LANES;
}

static int64_t fill_fast(float *out, int64_t count, const dogb_rng *rng, uint64_t threshold,
                         float scale) {
    return threshold > 0 && threshold <= UINT32_MAX && __builtin_cpu_supports("avx2")
               ? fill_avx2(out, count, rng, (uint32_t)threshold, scale)
               : 0;
}
#else
static int64_t fill_fast(float *out, int64_t count, const dogb_rng *rng, uint64_t threshold,
                         float scale) {
    (void)out;
    (void)count;
    (void)rng;
    (void)threshold;
    (void)scale;
    return 0;
}
#endif

void dogb_dropout_mask(float *out, int64_t count, double p, uint64_t seed, int32_t node,
                       int64_t step) {
    dogb_rng rng;
    dogb_rng_init(&rng, seed, DOGB_RNG_DROPOUT, (uint64_t)step, (uint32_t)node);
    // One word per value: kept when it is not below p of all words. A stream ends after 2^34.
    uint64_t threshold = (uint64_t)(p * 4294967296.0);
    float scale = (float)(1.0 / (1.0 - p));
    int64_t blocks = fill_fast(out, count, &rng, threshold, scale);
    rng.counter[0] = (uint32_t)blocks;
    for (int64_t i = 4 * blocks; i < count; i++) {
        out[i] = dogb_rng_u32(&rng) < threshold ? 0.0f : scale;
    }
}
