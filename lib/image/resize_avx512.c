// resize_avx512.c - the resampling sums with AVX-512 VBMI and VNNI. VNNI multiplies unsigned bytes
// (pixels) with signed bytes: each weight is written as three digits to the base 256, each from
// -128 to 127, and three sums are put together at the end. Integer sums wrap, so the result is the
// same as in resize_c.c.
#include "image/resize.h"

#include <immintrin.h>

#include <string.h>

enum {
    QUAD = 4,  // outputs per step of the horizontal pass
    GROUP = 4, // taps per step
    LOAD = 64  // bytes that one step may look at
};

// One step: which of the 64 bytes go where, and the weights' digits.
typedef struct step {
    uint8_t order[LOAD];
    int8_t digits[3][LOAD];
} step;

// What prepare leaves: a header, then the steps of each quad.
typedef struct plan {
    int32_t groups; // steps per quad
    char pad[60];
} plan;

static int32_t quads_of(const dogb_axis *axis) {
    return (axis->out + QUAD - 1) / QUAD;
}

static int32_t groups_of(const dogb_axis *axis) {
    return (axis->taps + GROUP - 1) / GROUP;
}

static size_t packed_size(const dogb_axis *axis) {
    size_t own = sizeof(plan) + (size_t)quads_of(axis) * (size_t)groups_of(axis) * sizeof(step);
    size_t other = dogb_resize_avx2.packed_size(axis);
    return own > other ? own : other;
}

// 0 when the weight does not fit three digits; Pillow's filters stay far below.
static int to_digits(int8_t digits[3], int32_t weight) {
    for (int i = 0; i < 3; i++) {
        digits[i] = (int8_t)(uint8_t)(weight & 255);
        weight = (weight - digits[i]) / 256;
    }
    return weight == 0;
}

// The leftmost input of a quad; mirrored axes run from right to left.
static int32_t quad_base(const dogb_axis *axis, int32_t quad) {
    int32_t from = quad * QUAD, to = from + QUAD < axis->out ? from + QUAD - 1 : axis->out - 1;
    return axis->first[from] < axis->first[to] ? axis->first[from] : axis->first[to];
}

static int fill_step(step *out, const dogb_axis *axis, int32_t quad, int32_t group) {
    int32_t base = quad_base(axis, quad);
    memset(out, 0, sizeof *out);
    for (int32_t o = 0; o < QUAD; o++) {
        int32_t x = quad * QUAD + o;
        if (x >= axis->out) {
            break;
        }
        for (int32_t t = 0; t < GROUP; t++) {
            int32_t tap = group * GROUP + t;
            int8_t digits[3];
            int32_t weight = tap < axis->count[x] ? axis->weights[x * axis->taps + tap] : 0;
            int32_t at = (axis->first[x] - base + t) * 3; // from the load's first byte
            if (!to_digits(digits, weight) || at + 2 >= LOAD || at < 0) {
                return 0;
            }
            for (int32_t c = 0; c < 3; c++) {
                int32_t lane = o * 16 + c * GROUP + t;
                out->order[lane] = (uint8_t)(at + c);
                for (int d = 0; d < 3; d++) {
                    out->digits[d][lane] = digits[d];
                }
            }
        }
    }
    return 1;
}

static void prepare(dogb_axis *axis) {
    plan *head = axis->packed;
    step *steps = (step *)(void *)(head + 1);
    int32_t most = 1, last = 0;
    for (int32_t x = 0; x < axis->out; x++) {
        most = axis->count[x] > most ? axis->count[x] : most;
        last = axis->first[x] > last ? axis->first[x] : last;
    }
    int32_t groups = (most + GROUP - 1) / GROUP;
    for (int32_t q = 0; q < quads_of(axis); q++) {
        for (int32_t g = 0; g < groups; g++) {
            if (!fill_step(steps++, axis, q, g)) {
                dogb_resize_avx2.prepare(axis);
                axis->fallback = &dogb_resize_avx2;
                return;
            }
        }
    }
    head->groups = groups;
    axis->reach = ((size_t)last + (size_t)(groups - 1) * GROUP) * 3 + LOAD;
}

static __m512i together(__m512i sum0, __m512i sum1, __m512i sum2) {
    __m512i sum = _mm512_add_epi32(sum0, _mm512_slli_epi32(sum1, 8));
    sum = _mm512_add_epi32(sum, _mm512_slli_epi32(sum2, 16));
    sum = _mm512_add_epi32(sum, _mm512_set1_epi32(1 << (DOGB_RESIZE_BITS - 1)));
    return _mm512_srai_epi32(sum, DOGB_RESIZE_BITS);
}

static void horizontal(uint8_t *out, const uint8_t *in, const uint8_t *in_end,
                       const dogb_axis *axis) {
    const plan *head = axis->packed;
    if (axis->reach > (size_t)(in_end - in)) {
        dogb_resize_c.horizontal(out, in, in_end, axis);
        return;
    }
    const step *steps = (const step *)(const void *)(head + 1);
    const __m128i rgb = _mm_setr_epi8(0, 1, 2, 4, 5, 6, 8, 9, 10, 12, 13, 14, -1, -1, -1, -1);
    int32_t groups = head->groups;
    for (int32_t x = 0; x < axis->out; x += QUAD, out += QUAD * 3) {
        const uint8_t *pixels = in + (size_t)quad_base(axis, x / QUAD) * 3;
        __m512i sum0 = _mm512_setzero_si512(), sum1 = sum0, sum2 = sum0;
        for (int32_t g = 0; g < groups; g++, steps++, pixels += GROUP * 3) {
            __m512i values = _mm512_permutexvar_epi8(_mm512_load_si512(steps->order),
                                                     _mm512_loadu_si512(pixels));
            sum0 = _mm512_dpbusd_epi32(sum0, values, _mm512_load_si512(steps->digits[0]));
            sum1 = _mm512_dpbusd_epi32(sum1, values, _mm512_load_si512(steps->digits[1]));
            sum2 = _mm512_dpbusd_epi32(sum2, values, _mm512_load_si512(steps->digits[2]));
        }
        __m512i sum = _mm512_max_epi32(together(sum0, sum1, sum2), _mm512_setzero_si512());
        __m128i bytes = _mm_shuffle_epi8(_mm512_cvtusepi32_epi8(sum), rgb);
        int32_t left = axis->out - x < QUAD ? axis->out - x : QUAD;
        _mm_mask_storeu_epi8(out, (__mmask16)((1u << (left * 3)) - 1), bytes);
    }
}

// The same on four rows: what a step needs is loaded once.
static void horizontal4(uint8_t *out, size_t out_stride, const uint8_t *in, size_t in_stride,
                        const dogb_axis *axis) {
    const plan *head = axis->packed;
    const step *steps = (const step *)(const void *)(head + 1);
    const __m128i rgb = _mm_setr_epi8(0, 1, 2, 4, 5, 6, 8, 9, 10, 12, 13, 14, -1, -1, -1, -1);
    int32_t groups = head->groups;
    for (int32_t x = 0; x < axis->out; x += QUAD, out += QUAD * 3) {
        const uint8_t *pixels = in + (size_t)quad_base(axis, x / QUAD) * 3;
        __m512i sums[4][3];
        for (int r = 0; r < 4; r++) {
            for (int d = 0; d < 3; d++) {
                sums[r][d] = _mm512_setzero_si512();
            }
        }
        for (int32_t g = 0; g < groups; g++, steps++, pixels += GROUP * 3) {
            __m512i order = _mm512_load_si512(steps->order);
            for (int r = 0; r < 4; r++) {
                __m512i values = _mm512_permutexvar_epi8(
                    order, _mm512_loadu_si512(pixels + (size_t)r * in_stride));
                for (int d = 0; d < 3; d++) {
                    sums[r][d] = _mm512_dpbusd_epi32(sums[r][d], values,
                                                     _mm512_load_si512(steps->digits[d]));
                }
            }
        }
        int32_t left = axis->out - x < QUAD ? axis->out - x : QUAD;
        __mmask16 mask = (__mmask16)((1u << (left * 3)) - 1);
        for (int r = 0; r < 4; r++) {
            __m512i sum = _mm512_max_epi32(together(sums[r][0], sums[r][1], sums[r][2]),
                                           _mm512_setzero_si512());
            _mm_mask_storeu_epi8(out + (size_t)r * out_stride, mask,
                                 _mm_shuffle_epi8(_mm512_cvtusepi32_epi8(sum), rgb));
        }
    }
}

static int32_t four(const int8_t (*digits)[3], int which) {
    uint32_t word = 0;
    for (int t = 0; t < GROUP; t++) {
        word |= (uint32_t)(uint8_t)digits[t][which] << (8 * t);
    }
    return (int32_t)word;
}

// 64 columns, of which `mask` exist.
static void columns(uint8_t *out, const uint8_t *in, size_t stride, __mmask64 mask,
                    const int32_t *words, int32_t taps) {
    __m512i sums[4][3];
    for (int i = 0; i < 4; i++) {
        for (int d = 0; d < 3; d++) {
            sums[i][d] = _mm512_setzero_si512();
        }
    }
    for (int32_t t = 0; t < taps; t += GROUP, words += 3) {
        const uint8_t *row = in + (size_t)t * stride;
        // Missing rows have weight 0: any row will do.
        __m512i a = _mm512_maskz_loadu_epi8(mask, row);
        __m512i b = t + 1 < taps ? _mm512_maskz_loadu_epi8(mask, row + stride) : a;
        __m512i c = t + 2 < taps ? _mm512_maskz_loadu_epi8(mask, row + 2 * stride) : a;
        __m512i d = t + 3 < taps ? _mm512_maskz_loadu_epi8(mask, row + 3 * stride) : a;
        __m512i ab_low = _mm512_unpacklo_epi8(a, b), ab_high = _mm512_unpackhi_epi8(a, b);
        __m512i cd_low = _mm512_unpacklo_epi8(c, d), cd_high = _mm512_unpackhi_epi8(c, d);
        const __m512i values[4] = {
            _mm512_unpacklo_epi16(ab_low, cd_low), _mm512_unpackhi_epi16(ab_low, cd_low),
            _mm512_unpacklo_epi16(ab_high, cd_high), _mm512_unpackhi_epi16(ab_high, cd_high)};
        for (int i = 0; i < 4; i++) {
            for (int k = 0; k < 3; k++) {
                sums[i][k] =
                    _mm512_dpbusd_epi32(sums[i][k], values[i], _mm512_set1_epi32(words[k]));
            }
        }
    }
    __m512i parts[4];
    for (int i = 0; i < 4; i++) {
        parts[i] = together(sums[i][0], sums[i][1], sums[i][2]);
    }
    __m512i low = _mm512_packs_epi32(parts[0], parts[1]);
    __m512i high = _mm512_packs_epi32(parts[2], parts[3]);
    _mm512_mask_storeu_epi8(out, mask, _mm512_packus_epi16(low, high));
}

static void vertical(uint8_t *out, const uint8_t *in, size_t stride, size_t bytes,
                     const int32_t *weights, int32_t taps) {
    enum { GROUPS_MAX = 64 };
    int32_t words[GROUPS_MAX * 3];
    int32_t groups = (taps + GROUP - 1) / GROUP;
    if (groups > GROUPS_MAX) {
        dogb_resize_avx2.vertical(out, in, stride, bytes, weights, taps);
        return;
    }
    for (int32_t g = 0; g < groups; g++) {
        int8_t digits[GROUP][3] = {{0}};
        for (int32_t t = g * GROUP; t < taps && t < (g + 1) * GROUP; t++) {
            if (!to_digits(digits[t - g * GROUP], weights[t])) {
                dogb_resize_avx2.vertical(out, in, stride, bytes, weights, taps);
                return;
            }
        }
        for (int d = 0; d < 3; d++) {
            words[g * 3 + d] = four((const int8_t(*)[3])digits, d);
        }
    }
    for (size_t from = 0; from < bytes; from += LOAD) {
        size_t left = bytes - from;
        __mmask64 mask = left >= LOAD ? ~(__mmask64)0 : ((__mmask64)1 << left) - 1;
        columns(out + from, in + from, stride, mask, words, taps);
    }
}

// How the bytes of one channel are gathered from three registers of pixels. Position p of the
// result is such that the unpacking in look_up_plane leaves the floats in sequence.
typedef struct gather {
    uint8_t first[LOAD]; // from the first two registers
    uint8_t last[LOAD];  // from the third
    __mmask64 from_last;
} gather;

static void make_gather(gather *out, int c) {
    memset(out, 0, sizeof *out);
    for (int p = 0; p < LOAD; p++) {
        int lane = p / 16, vector = p / 4 % 4;
        int at = (vector * 16 + lane * 4 + p % 4) * 3 + c;
        if (at < 2 * LOAD) {
            out->first[p] = (uint8_t)at;
        } else {
            out->last[p] = (uint8_t)(at - 2 * LOAD);
            out->from_last |= (__mmask64)1 << p;
        }
    }
}

// 64 look-ups in a table of 256 bytes.
static __m512i look_up_bytes(const __m512i table[4], __m512i index) {
    __m512i low = _mm512_permutex2var_epi8(table[0], index, table[1]);
    __m512i high = _mm512_permutex2var_epi8(table[2], index, table[3]);
    return _mm512_mask_blend_epi8(_mm512_movepi8_mask(index), low, high);
}

// One channel. The four bytes of a float are looked up apart and put together.
static void look_up_plane(float *out, const uint8_t *in, size_t count, const float *table, int c) {
    gather from;
    uint8_t bytes[4][256];
    __m512i tables[4][4];
    make_gather(&from, c);
    for (int i = 0; i < 256; i++) {
        uint32_t word;
        memcpy(&word, &table[i], sizeof word);
        for (int b = 0; b < 4; b++) {
            bytes[b][i] = (uint8_t)(word >> (8 * b));
        }
    }
    for (int b = 0; b < 4; b++) {
        for (int part = 0; part < 4; part++) {
            tables[b][part] = _mm512_loadu_si512(bytes[b] + LOAD * part);
        }
    }
    const __m512i first = _mm512_loadu_si512(from.first), last = _mm512_loadu_si512(from.last);
    for (size_t i = 0; i < count; i += LOAD, in += 3 * LOAD, out += LOAD) {
        __m512i index =
            _mm512_permutex2var_epi8(_mm512_loadu_si512(in), first, _mm512_loadu_si512(in + LOAD));
        index = _mm512_mask_permutexvar_epi8(index, from.from_last, last,
                                             _mm512_loadu_si512(in + 2 * LOAD));
        __m512i b0 = look_up_bytes(tables[0], index), b1 = look_up_bytes(tables[1], index);
        __m512i b2 = look_up_bytes(tables[2], index), b3 = look_up_bytes(tables[3], index);
        __m512i low01 = _mm512_unpacklo_epi8(b0, b1), high01 = _mm512_unpackhi_epi8(b0, b1);
        __m512i low23 = _mm512_unpacklo_epi8(b2, b3), high23 = _mm512_unpackhi_epi8(b2, b3);
        _mm512_storeu_si512(out, _mm512_unpacklo_epi16(low01, low23));
        _mm512_storeu_si512(out + 16, _mm512_unpackhi_epi16(low01, low23));
        _mm512_storeu_si512(out + 32, _mm512_unpacklo_epi16(high01, high23));
        _mm512_storeu_si512(out + 48, _mm512_unpackhi_epi16(high01, high23));
    }
}

static size_t look_up(float *out, size_t plane, const uint8_t *in, size_t count,
                      const float tables[3][256]) {
    size_t done = count / LOAD * LOAD;
    for (int c = 0; c < 3; c++) {
        look_up_plane(out + (size_t)c * plane, in, done, tables[c], c);
    }
    return done;
}

const dogb_resize_kernel dogb_resize_avx512 = {.name = "avx512",
                                               .packed_size = packed_size,
                                               .prepare = prepare,
                                               .horizontal = horizontal,
                                               .horizontal4 = horizontal4,
                                               .vertical = vertical,
                                               .look_up = look_up};
