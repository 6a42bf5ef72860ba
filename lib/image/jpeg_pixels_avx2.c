// jpeg_pixels_avx2.c - inverse DCT, upsampling and colour conversion of the fast path. Integer
// arithmetic bit-equal to libjpeg-turbo's defaults: the accurate integer DCT (Loeffler, Ligtenberg
// and Moschytz, ICASSP 1989, 13-bit constants), triangle upsampling, 16-bit colour constants.
#include "image/jpeg_fast.h"

#include <immintrin.h>

#include <string.h>

#define INLINE static inline __attribute__((always_inline))

enum { CONST_BITS = 13, PASS1_BITS = 2 };

// round(x * 2^13) of the constants in the paper's figure.
enum {
    F_0_298 = 2446,
    F_0_390 = 3196,
    F_0_541 = 4433,
    F_0_765 = 6270,
    F_0_899 = 7373,
    F_1_175 = 9633,
    F_1_501 = 12299,
    F_1_847 = 15137,
    F_1_961 = 16069,
    F_2_053 = 16819,
    F_2_562 = 20995,
    F_3_072 = 25172
};

static __m128i load128(const void *from) {
    return _mm_loadu_si128((const __m128i *)from);
}

static __m256i load256(const void *from) {
    return _mm256_loadu_si256((const __m256i *)from);
}

// (first, second) in every 32-bit lane.
static __m256i pair(int first, int second) {
    return _mm256_set1_epi32(
        (int32_t)((uint32_t)(uint16_t)second << 16 | (uint32_t)(uint16_t)first));
}

// Both halves of eight 32-bit values per block.
typedef struct wide {
    __m256i low;
    __m256i high;
} wide;

INLINE wide multiply(__m256i a, __m256i b, __m256i factors) {
    wide out = {_mm256_madd_epi16(_mm256_unpacklo_epi16(a, b), factors),
                _mm256_madd_epi16(_mm256_unpackhi_epi16(a, b), factors)};
    return out;
}

INLINE wide add(wide a, wide b) {
    wide out = {_mm256_add_epi32(a.low, b.low), _mm256_add_epi32(a.high, b.high)};
    return out;
}

INLINE wide subtract(wide a, wide b) {
    wide out = {_mm256_sub_epi32(a.low, b.low), _mm256_sub_epi32(a.high, b.high)};
    return out;
}

// 16-bit values times 2^13.
INLINE wide scale_up(__m256i a) {
    __m256i zero = _mm256_setzero_si256();
    wide out = {_mm256_srai_epi32(_mm256_unpacklo_epi16(zero, a), 16 - CONST_BITS),
                _mm256_srai_epi32(_mm256_unpackhi_epi16(zero, a), 16 - CONST_BITS)};
    return out;
}

INLINE __m256i descale(wide a, int bits) {
    __m256i half = _mm256_set1_epi32(1 << (bits - 1));
    __m128i count = _mm_cvtsi32_si128(bits);
    return _mm256_packs_epi32(_mm256_sra_epi32(_mm256_add_epi32(a.low, half), count),
                              _mm256_sra_epi32(_mm256_add_epi32(a.high, half), count));
}

// One pass over the eight columns of both blocks; each vector holds a row.
INLINE void pass(__m256i rows[8], int bits) {
    wide even3 = multiply(rows[2], rows[6], pair(F_0_541 + F_0_765, F_0_541));
    wide even2 = multiply(rows[2], rows[6], pair(F_0_541, F_0_541 - F_1_847));
    wide even0 = scale_up(_mm256_add_epi16(rows[0], rows[4]));
    wide even1 = scale_up(_mm256_sub_epi16(rows[0], rows[4]));
    wide sum10 = add(even0, even3), sum13 = subtract(even0, even3);
    wide sum11 = add(even1, even2), sum12 = subtract(even1, even2);

    __m256i z3 = _mm256_add_epi16(rows[7], rows[3]), z4 = _mm256_add_epi16(rows[5], rows[1]);
    wide odd_z3 = multiply(z3, z4, pair(F_1_175 - F_1_961, F_1_175));
    wide odd_z4 = multiply(z3, z4, pair(F_1_175, F_1_175 - F_0_390));
    wide odd0 = add(multiply(rows[7], rows[1], pair(F_0_298 - F_0_899, -F_0_899)), odd_z3);
    wide odd3 = add(multiply(rows[7], rows[1], pair(-F_0_899, F_1_501 - F_0_899)), odd_z4);
    wide odd1 = add(multiply(rows[5], rows[3], pair(F_2_053 - F_2_562, -F_2_562)), odd_z4);
    wide odd2 = add(multiply(rows[5], rows[3], pair(-F_2_562, F_3_072 - F_2_562)), odd_z3);

    rows[0] = descale(add(sum10, odd3), bits);
    rows[7] = descale(subtract(sum10, odd3), bits);
    rows[1] = descale(add(sum11, odd2), bits);
    rows[6] = descale(subtract(sum11, odd2), bits);
    rows[2] = descale(add(sum12, odd1), bits);
    rows[5] = descale(subtract(sum12, odd1), bits);
    rows[3] = descale(add(sum13, odd0), bits);
    rows[4] = descale(subtract(sum13, odd0), bits);
}

// 8 x 8 values of 16 bits, each block in its own half.
INLINE void transpose(__m256i rows[8]) {
    __m256i a[8], b[8];
    for (int i = 0; i < 4; i++) {
        a[2 * i] = _mm256_unpacklo_epi16(rows[2 * i], rows[2 * i + 1]);
        a[2 * i + 1] = _mm256_unpackhi_epi16(rows[2 * i], rows[2 * i + 1]);
    }
    for (int i = 0; i < 2; i++) {
        b[4 * i] = _mm256_unpacklo_epi32(a[4 * i], a[4 * i + 2]);
        b[4 * i + 1] = _mm256_unpackhi_epi32(a[4 * i], a[4 * i + 2]);
        b[4 * i + 2] = _mm256_unpacklo_epi32(a[4 * i + 1], a[4 * i + 3]);
        b[4 * i + 3] = _mm256_unpackhi_epi32(a[4 * i + 1], a[4 * i + 3]);
    }
    for (int i = 0; i < 4; i++) {
        rows[2 * i] = _mm256_unpacklo_epi64(b[i], b[i + 4]);
        rows[2 * i + 1] = _mm256_unpackhi_epi64(b[i], b[i + 4]);
    }
}

void dogb_jpeg_idct2(const dogb_jpeg_block *first, const dogb_jpeg_block *second) {
    __m256i rows[8];
    for (int i = 0; i < 8; i++) {
        __m256i values =
            _mm256_inserti128_si256(_mm256_castsi128_si256(load128(first->coefficients + 8 * i)),
                                    load128(second->coefficients + 8 * i), 1);
        __m256i quant =
            _mm256_inserti128_si256(_mm256_castsi128_si256(load128(first->quant + 8 * i)),
                                    load128(second->quant + 8 * i), 1);
        rows[i] = _mm256_mullo_epi16(values, quant);
    }
    pass(rows, CONST_BITS - PASS1_BITS);
    transpose(rows);
    pass(rows, CONST_BITS + PASS1_BITS + 3);
    transpose(rows);
    const __m256i middle = _mm256_set1_epi8(-128);
    for (int i = 0; i < 8; i += 2) {
        __m256i bytes = _mm256_add_epi8(_mm256_packs_epi16(rows[i], rows[i + 1]), middle);
        __m128i left = _mm256_castsi256_si128(bytes), right = _mm256_extracti128_si256(bytes, 1);
        size_t y = (size_t)i;
        _mm_storel_epi64((__m128i *)(void *)(first->out + y * first->stride), left);
        _mm_storel_epi64((__m128i *)(void *)(first->out + (y + 1) * first->stride),
                         _mm_unpackhi_epi64(left, left));
        _mm_storel_epi64((__m128i *)(void *)(second->out + y * second->stride), right);
        _mm_storel_epi64((__m128i *)(void *)(second->out + (y + 1) * second->stride),
                         _mm_unpackhi_epi64(right, right));
    }
}

void dogb_jpeg_sums(uint16_t *sums, const uint8_t *near, const uint8_t *far, size_t count) {
    const __m256i three = _mm256_set1_epi16(3);
    for (size_t i = 0; i < count; i += 16) {
        __m256i a = _mm256_cvtepu8_epi16(load128(near + i));
        __m256i b = _mm256_cvtepu8_epi16(load128(far + i));
        _mm256_storeu_si256((__m256i *)(void *)(sums + i),
                            _mm256_add_epi16(_mm256_mullo_epi16(a, three), b));
    }
}

// even = (3 this + last + even_bias) >> shift, odd = (3 this + next + odd_bias) >> shift.
INLINE void double_row(uint8_t *out, const uint16_t *sums, size_t count, int even_bias,
                       int odd_bias, int shift) {
    const __m256i three = _mm256_set1_epi16(3);
    const __m256i even_half = _mm256_set1_epi16((int16_t)even_bias);
    const __m256i odd_half = _mm256_set1_epi16((int16_t)odd_bias);
    const __m128i bits = _mm_cvtsi32_si128(shift);
    for (size_t i = 0; i < count; i += 16) {
        __m256i middle = _mm256_mullo_epi16(load256(sums + i), three);
        __m256i even = _mm256_add_epi16(_mm256_add_epi16(middle, load256(sums + i - 1)), even_half);
        __m256i odd = _mm256_add_epi16(_mm256_add_epi16(middle, load256(sums + i + 1)), odd_half);
        even = _mm256_srl_epi16(even, bits);
        odd = _mm256_srl_epi16(odd, bits);
        _mm256_storeu_si256((__m256i *)(void *)(out + 2 * i),
                            _mm256_or_si256(even, _mm256_slli_epi16(odd, 8)));
    }
}

void dogb_jpeg_double_h2v2(uint8_t *out, const uint16_t *sums, size_t count) {
    double_row(out, sums, count, 8, 7, 4);
}

// With one row the sums are four times the samples: libjpeg's (3 this + other + 1 or 2) >> 2.
void dogb_jpeg_double_h2v1(uint8_t *out, const uint16_t *sums, size_t count) {
    double_row(out, sums, count, 4, 8, 4);
}

// Sixteen pixels from three vectors of bytes to 48 bytes.
static void store_rgb(uint8_t *out, __m128i red, __m128i green, __m128i blue) {
    // Which byte of a colour lands where in each of the three output vectors; -1: another colour.
    static const int8_t order[3][3][16] = {
        {{0, -1, -1, 1, -1, -1, 2, -1, -1, 3, -1, -1, 4, -1, -1, 5},
         {-1, 0, -1, -1, 1, -1, -1, 2, -1, -1, 3, -1, -1, 4, -1, -1},
         {-1, -1, 0, -1, -1, 1, -1, -1, 2, -1, -1, 3, -1, -1, 4, -1}},
        {{-1, -1, 6, -1, -1, 7, -1, -1, 8, -1, -1, 9, -1, -1, 10, -1},
         {5, -1, -1, 6, -1, -1, 7, -1, -1, 8, -1, -1, 9, -1, -1, 10},
         {-1, 5, -1, -1, 6, -1, -1, 7, -1, -1, 8, -1, -1, 9, -1, -1}},
        {{-1, 11, -1, -1, 12, -1, -1, 13, -1, -1, 14, -1, -1, 15, -1, -1},
         {-1, -1, 11, -1, -1, 12, -1, -1, 13, -1, -1, 14, -1, -1, 15, -1},
         {10, -1, -1, 11, -1, -1, 12, -1, -1, 13, -1, -1, 14, -1, -1, 15}}};
    for (int i = 0; i < 3; i++) {
        __m128i bytes = _mm_or_si128(_mm_shuffle_epi8(red, load128(order[i][0])),
                                     _mm_or_si128(_mm_shuffle_epi8(green, load128(order[i][1])),
                                                  _mm_shuffle_epi8(blue, load128(order[i][2]))));
        _mm_storeu_si128((__m128i *)(void *)(out + 16 * i), bytes);
    }
}

// (2 x * factor) >> 16, then rounded: (x * factor + 2^15) >> 16.
static __m256i share(__m256i x, int factor) {
    __m256i value = _mm256_mulhi_epi16(_mm256_add_epi16(x, x), _mm256_set1_epi16((int16_t)factor));
    return _mm256_srai_epi16(_mm256_add_epi16(value, _mm256_set1_epi16(1)), 1);
}

static __m128i to_bytes(__m256i words) {
    __m256i packed = _mm256_packus_epi16(words, words);
    return _mm256_castsi256_si128(_mm256_permute4x64_epi64(packed, 0x08));
}

void dogb_jpeg_to_rgb(uint8_t *out, const uint8_t *luma, const uint8_t *blue, const uint8_t *red,
                      size_t count) {
    // JFIF: R = Y + 1.402 Cr, G = Y - 0.34414 Cb - 0.71414 Cr, B = Y + 1.772 Cb, times 2^16; what
    // does not fit 16 bits is taken out as a multiple of the sample itself.
    const __m256i middle = _mm256_set1_epi16(128), half = _mm256_set1_epi32(1 << 15);
    const __m256i green_factors = pair(-22554, 65536 - 46802);
    for (size_t i = 0; i < count; i += 16, out += 48) {
        __m256i y = _mm256_cvtepu8_epi16(load128(luma + i));
        __m256i cb = _mm256_sub_epi16(_mm256_cvtepu8_epi16(load128(blue + i)), middle);
        __m256i cr = _mm256_sub_epi16(_mm256_cvtepu8_epi16(load128(red + i)), middle);
        __m256i r = _mm256_add_epi16(_mm256_add_epi16(y, cr), share(cr, 91881 - 65536));
        __m256i b = _mm256_add_epi16(_mm256_add_epi16(y, _mm256_add_epi16(cb, cb)),
                                     share(cb, 116130 - 131072));
        __m256i low = _mm256_madd_epi16(_mm256_unpacklo_epi16(cb, cr), green_factors);
        __m256i high = _mm256_madd_epi16(_mm256_unpackhi_epi16(cb, cr), green_factors);
        low = _mm256_srai_epi32(_mm256_add_epi32(low, half), 16);
        high = _mm256_srai_epi32(_mm256_add_epi32(high, half), 16);
        __m256i g = _mm256_sub_epi16(_mm256_add_epi16(y, _mm256_packs_epi32(low, high)), cr);
        store_rgb(out, to_bytes(r), to_bytes(g), to_bytes(b));
    }
}
