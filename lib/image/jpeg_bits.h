// jpeg_bits.h - Huffman decoding of the fast path: one table look-up usually gives a whole
// coefficient (its run of zeros, its value and its length in bits). Included by jpeg_fast_avx2.c
// alone, so that everything is compiled into the loop there.
#ifndef DOGB_IMAGE_JPEG_BITS_H
#define DOGB_IMAGE_JPEG_BITS_H

#include "image/jpeg_fast.h"

#include <string.h>

#define DOGB_INLINE static inline __attribute__((always_inline))

enum {
    LOOK_BITS = 11,
    RUN_END = 128,    // run of an end-of-block code: beyond every position
    DC_BITS_MAX = 11, // of a difference in baseline files
    AC_BITS_MAX = 10  // of a coefficient; two codes with their values fit one refill
};

typedef struct huffman {
    uint32_t look[1 << LOOK_BITS]; // entries as made by entry_of; 0: the code is longer
    uint32_t limit[17];            // first 16-bit number behind the codes of each length
    int32_t offset[17];            // symbol index minus code
    const uint8_t *symbols;
    int is_dc;
} huffman;

// Bits of a segment without its stuffing, most significant first.
typedef struct bit_reader {
    const uint8_t *next;
    uint64_t bits; // left-aligned
    int32_t count; // valid ones of them
    const uint8_t *start;
    size_t size; // bytes of the segment; zeros behind
} bit_reader;

// What a code says. Bits 0-5: how many bits to take off. WHOLE: those of the value as well, which
// is in bits 16-31; else bits 16-19 are the value's size. Bits 8-15: the run of zeros in front.
enum { ENTRY_BITS = 63, ENTRY_WHOLE = 64 };

DOGB_INLINE uint32_t entry_of(uint32_t length, uint32_t symbol, int is_dc) {
    uint32_t run = is_dc ? 0 : symbol >> 4, size = is_dc ? symbol : symbol & 15;
    if (!is_dc && size == 0 && run != 15) {
        run = RUN_END;
    }
    return length | run << 8 | size << 16;
}

// `size` bits as a value: the top bit says whether it is positive; negative ones are stored less 1.
DOGB_INLINE int32_t extend(uint32_t bits, uint32_t size) {
    int32_t value = (int32_t)bits;
    return size > 0 && bits < 1u << (size - 1) ? value - (1 << size) + 1 : value;
}

// The entries of one code: with its value where that fits.
static void fill_look(uint32_t *look, uint32_t length, uint32_t symbol, int is_dc) {
    uint32_t entry = entry_of(length, symbol, is_dc), size = entry >> 16;
    uint32_t count = 1u << (LOOK_BITS - length);
    if (length + size > LOOK_BITS) {
        for (uint32_t i = 0; i < count; i++) {
            look[i] = entry;
        }
        return;
    }
    entry = (entry & 0xFF00) | ENTRY_WHOLE | (length + size);
    count >>= size;
    for (uint32_t bits = 0; bits < 1u << size; bits++) {
        uint32_t whole = entry | (uint32_t)extend(bits, size) << 16;
        for (uint32_t i = 0; i < count; i++) {
            *look++ = whole;
        }
    }
}

// spec: 16 counts, then the symbols. Negative: not a proper code.
static int huffman_make(huffman *out, const uint8_t *spec, int is_dc) {
    uint32_t code = 0;
    int32_t index = 0;
    memset(out->look, 0, sizeof out->look);
    out->symbols = spec + 16;
    out->is_dc = is_dc;
    out->limit[0] = 0;
    for (uint32_t length = 1; length <= 16; length++) {
        uint32_t count = spec[length - 1];
        out->offset[length] = index - (int32_t)code;
        if (code + count > 1u << length) {
            return -1;
        }
        for (uint32_t i = 0; i < count; i++, code++, index++) {
            uint8_t symbol = out->symbols[index];
            if (is_dc ? symbol > DC_BITS_MAX : (symbol & 15) > AC_BITS_MAX) {
                return -1;
            }
            if (length <= LOOK_BITS) {
                fill_look(out->look + (code << (LOOK_BITS - length)), length, symbol, is_dc);
            }
        }
        out->limit[length] = code << (16 - length);
        code <<= 1;
    }
    return 0;
}

// At least 56 valid bits afterwards, without a branch. Reads 8 bytes.
DOGB_INLINE void refill(bit_reader *in) {
    uint64_t word;
    memcpy(&word, in->next, sizeof word);
    in->bits |= __builtin_bswap64(word) >> in->count;
    in->next += (63 - in->count) >> 3;
    in->count |= 56;
}

DOGB_INLINE size_t consumed_bits(const bit_reader *in) {
    return (size_t)(in->next - in->start) * 8 - (size_t)in->count;
}

// The entry of a code longer than LOOK_BITS; 0: no such code.
static uint32_t long_entry(const huffman *table, uint64_t bits) {
    uint32_t peek = (uint32_t)(bits >> 48), length = LOOK_BITS + 1;
    while (length <= 16 && peek >= table->limit[length]) {
        length++;
    }
    if (length > 16) {
        return 0;
    }
    int32_t index = table->offset[length] + (int32_t)(peek >> (16 - length));
    return entry_of(length, table->symbols[index], table->is_dc);
}

// The value behind a code that is not whole, both taken off; returns the entry. 0: damaged.
DOGB_INLINE uint32_t next_long(bit_reader *in, const huffman *table, uint32_t entry,
                               int32_t *value) {
    if (entry == 0 && (entry = long_entry(table, in->bits)) == 0) {
        return 0;
    }
    uint32_t size = entry >> 16;
    in->bits <<= entry & ENTRY_BITS;
    *value = extend((uint32_t)(in->bits >> 1 >> (63 - size)), size);
    in->bits <<= size;
    in->count -= (int32_t)((entry & ENTRY_BITS) + size);
    return entry;
}

// The next code with its value. 0: damaged.
DOGB_INLINE uint32_t next_code(bit_reader *in, const huffman *table, int32_t *value) {
    uint32_t entry = table->look[in->bits >> (64 - LOOK_BITS)];
    if (__builtin_expect((entry & ENTRY_WHOLE) == 0, 0)) {
        return next_long(in, table, entry, value);
    }
    *value = (int32_t)entry >> 16;
    in->bits <<= entry & ENTRY_BITS;
    in->count -= (int32_t)(entry & ENTRY_BITS);
    return entry;
}

// Writes one coefficient and moves *k behind it. 1: the block is at its end; *last is negative when
// it is damaged.
DOGB_INLINE int next_coefficient(bit_reader *in, const huffman *table, int16_t *block, int32_t *k,
                                 int32_t *last) {
    int32_t value;
    uint32_t entry = next_code(in, table, &value);
    int32_t at = *k + (int32_t)(entry >> 8 & 255);
    if (at >= 64 || entry == 0) {
        *last = at >= RUN_END ? *last : -1;
        return 1;
    }
    if (block != NULL) {
        block[dogb_jpeg_zigzag[at]] = (int16_t)value;
    }
    *last = at;
    *k = at + 1;
    return at == 63;
}

// One block. block: zeroed, or NULL to skip it. dc: the running value. Returns the position of the
// last coefficient written, 0 when there is only the first; negative: damaged.
DOGB_INLINE int32_t decode_block(bit_reader *reader, const huffman *dc_table,
                                 const huffman *ac_table, int32_t *dc, int16_t *block) {
    bit_reader in = *reader; // in registers while the loop runs
    int32_t value, last = 0, k = 1;
    refill(&in);
    if (next_code(&in, dc_table, &value) == 0) {
        return -1;
    }
    *dc += value;
    if (*dc != (int16_t)*dc) {
        return -1; // no picture has that; libjpeg lets it wrap
    }
    if (block != NULL) {
        block[0] = (int16_t)*dc;
    }
    for (;;) {
        refill(&in);
        if (next_coefficient(&in, ac_table, block, &k, &last) ||
            next_coefficient(&in, ac_table, block, &k, &last)) {
            break;
        }
    }
    *reader = in;
    return last;
}

#endif
