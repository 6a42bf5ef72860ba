// resize_avx2.c - the resampling sums with AVX2. A weight has 23 bits, a 16-bit multiply takes 16:
// each weight is split into 12 low bits and the rest, both are summed apart and put together at the
// end. Integer sums wrap, so the result is the same as in resize_c.c whatever the order.
#include "image/resize.h"

#include <immintrin.h>

enum {
    LOW_BITS = 12,
    GROUP = 4,       // taps per step of the horizontal pass
    GROUP_BYTES = 64 // packed weights of a group: 16 low halves, 16 high halves
};

static size_t groups_of(const dogb_axis *axis) {
    return ((size_t)axis->taps + GROUP - 1) / GROUP;
}

static size_t packed_size(const dogb_axis *axis) {
    return groups_of(axis) * (size_t)axis->out * GROUP_BYTES;
}

static int16_t low_half(int32_t weight) {
    return (int16_t)(weight & ((1 << LOW_BITS) - 1));
}

static int16_t high_half(int32_t weight) {
    return (int16_t)(weight >> LOW_BITS);
}

// Per output and group: taps 0, 1 in the low 128 bits and 2, 3 in the high ones, each pair once per
// channel. Also finds how far a row is read.
static void prepare(dogb_axis *axis) {
    size_t groups = groups_of(axis);
    int16_t *packed = axis->packed;
    axis->reach = 0;
    for (int32_t x = 0; x < axis->out; x++) {
        const int32_t *weights = axis->weights + (size_t)x * (size_t)axis->taps;
        for (size_t g = 0; g < groups; g++, packed += GROUP_BYTES / 2) {
            for (int i = 0; i < 16; i++) {
                int32_t tap = (int32_t)g * GROUP + i / 8 * 2 + i % 2;
                int32_t weight = tap < axis->taps ? weights[tap] : 0;
                packed[i] = low_half(weight);
                packed[16 + i] = high_half(weight);
            }
        }
        size_t used = ((size_t)axis->count[x] + GROUP - 1) / GROUP * GROUP;
        size_t reach = ((size_t)axis->first[x] + used) * 3 + 4;
        axis->reach = reach > axis->reach ? reach : axis->reach;
    }
}

static void horizontal(uint8_t *out, const uint8_t *in, const uint8_t *in_end,
                       const dogb_axis *axis) {
    if (axis->reach > (size_t)(in_end - in)) {
        dogb_resize_c.horizontal(out, in, in_end, axis);
        return;
    }
    const __m256i spread =
        _mm256_setr_epi8(0, -1, 3, -1, 1, -1, 4, -1, 2, -1, 5, -1, -1, -1, -1, -1, 6, -1, 9, -1, 7,
                         -1, 10, -1, 8, -1, 11, -1, -1, -1, -1, -1);
    const __m128i bytes =
        _mm_setr_epi8(0, 4, 8, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1);
    const __m128i half = _mm_set1_epi32(1 << (DOGB_RESIZE_BITS - 1));
    const __m128i zero = _mm_setzero_si128(), top = _mm_set1_epi32(255);
    size_t stride = groups_of(axis) * GROUP_BYTES;
    for (int32_t x = 0; x < axis->out; x++, out += 3) {
        const uint8_t *pixels = in + (size_t)axis->first[x] * 3;
        const uint8_t *packed = (const uint8_t *)axis->packed + (size_t)x * stride;
        __m256i low = _mm256_setzero_si256(), high = low;
        for (int32_t t = 0; t < axis->count[x]; t += GROUP, pixels += GROUP * 3) {
            __m256i values =
                _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)(const void *)pixels));
            values = _mm256_shuffle_epi8(values, spread);
            const __m256i *weights = (const __m256i *)(const void *)packed;
            low = _mm256_add_epi32(low, _mm256_madd_epi16(values, _mm256_loadu_si256(weights)));
            high =
                _mm256_add_epi32(high, _mm256_madd_epi16(values, _mm256_loadu_si256(weights + 1)));
            packed += GROUP_BYTES;
        }
        low = _mm256_add_epi32(low, _mm256_slli_epi32(high, LOW_BITS));
        __m128i sum = _mm_add_epi32(_mm256_castsi256_si128(low), _mm256_extracti128_si256(low, 1));
        sum = _mm_srai_epi32(_mm_add_epi32(sum, half), DOGB_RESIZE_BITS);
        sum = _mm_min_epi32(_mm_max_epi32(sum, zero), top);
        uint32_t pixel = (uint32_t)_mm_cvtsi128_si32(_mm_shuffle_epi8(sum, bytes));
        out[0] = (uint8_t)pixel;
        out[1] = (uint8_t)(pixel >> 8);
        out[2] = (uint8_t)(pixel >> 16);
    }
}

static __m256i finish(__m256i low, __m256i high) {
    __m256i sum = _mm256_add_epi32(low, _mm256_slli_epi32(high, LOW_BITS));
    sum = _mm256_add_epi32(sum, _mm256_set1_epi32(1 << (DOGB_RESIZE_BITS - 1)));
    return _mm256_srai_epi32(sum, DOGB_RESIZE_BITS);
}

// 16 columns.
static void column(uint8_t *out, const uint8_t *in, size_t stride, const int32_t *weights,
                   int32_t taps) {
    __m256i low0 = _mm256_setzero_si256(), low1 = low0, high0 = low0, high1 = low0;
    for (int32_t t = 0; t < taps; t += 2, in += 2 * stride) {
        __m128i a = _mm_loadu_si128((const __m128i *)(const void *)in);
        __m128i b = a;
        int32_t second = 0;
        if (t + 1 < taps) {
            b = _mm_loadu_si128((const __m128i *)(const void *)(in + stride));
            second = weights[t + 1];
        }
        __m256i low = _mm256_set1_epi32(
            (int32_t)((uint32_t)(uint16_t)low_half(second) << 16 | (uint16_t)low_half(weights[t])));
        __m256i high = _mm256_set1_epi32((int32_t)((uint32_t)(uint16_t)high_half(second) << 16 |
                                                   (uint16_t)high_half(weights[t])));
        __m256i values = _mm256_cvtepu8_epi16(_mm_unpacklo_epi8(a, b));
        low0 = _mm256_add_epi32(low0, _mm256_madd_epi16(values, low));
        high0 = _mm256_add_epi32(high0, _mm256_madd_epi16(values, high));
        values = _mm256_cvtepu8_epi16(_mm_unpackhi_epi8(a, b));
        low1 = _mm256_add_epi32(low1, _mm256_madd_epi16(values, low));
        high1 = _mm256_add_epi32(high1, _mm256_madd_epi16(values, high));
    }
    __m256i words = _mm256_packs_epi32(finish(low0, high0), finish(low1, high1));
    words = _mm256_permute4x64_epi64(words, 0xD8);
    __m256i pixels = _mm256_permute4x64_epi64(_mm256_packus_epi16(words, words), 0x08);
    _mm_storeu_si128((__m128i *)(void *)out, _mm256_castsi256_si128(pixels));
}

static void vertical(uint8_t *out, const uint8_t *in, size_t stride, size_t bytes,
                     const int32_t *weights, int32_t taps) {
    enum { STEP = 16 };
    if (bytes < STEP) {
        dogb_resize_c.vertical(out, in, stride, bytes, weights, taps);
        return;
    }
    size_t from = 0;
    for (; from + STEP <= bytes; from += STEP) {
        column(out + from, in + from, stride, weights, taps);
    }
    if (from < bytes) { // the last 16 columns once more
        from = bytes - STEP;
        column(out + from, in + from, stride, weights, taps);
    }
}

const dogb_resize_kernel dogb_resize_avx2 = {.name = "avx2",
                                             .packed_size = packed_size,
                                             .prepare = prepare,
                                             .horizontal = horizontal,
                                             .vertical = vertical};
