// base64.c - see base64.h.
#include "core/base64.h"

#include "core/error.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

enum { DIGITS = sizeof alphabet - 1 };

void dogb_base64_add(dogb_buffer *out, const uint8_t *bytes, size_t size) {
    for (size_t i = 0; i < size; i += 3) {
        size_t left = size - i;
        uint32_t three = (uint32_t)bytes[i] << 16 | (left > 1 ? (uint32_t)bytes[i + 1] << 8 : 0) |
                         (left > 2 ? bytes[i + 2] : 0);
        char four[4];
        for (int k = 0; k < 4; k++) {
            four[k] = alphabet[three >> (18 - 6 * k) & 63];
        }
        four[2] = left > 1 ? four[2] : '=';
        four[3] = left > 2 ? four[3] : '=';
        dogb_buffer_put(out, four, sizeof four);
    }
}

static void fill(uint8_t values[256]) {
    for (int i = 0; i < 256; i++) {
        values[i] = DIGITS; // no digit
    }
    for (uint8_t i = 0; i < DIGITS; i++) {
        values[(uint8_t)alphabet[i]] = i;
    }
}

// Four digits as three bytes; the last ones of a text may be fewer.
static int group(uint8_t out[3], const uint8_t values[256], const char *four, size_t digits) {
    uint32_t bits = 0;
    uint32_t bad = 0;
    for (size_t i = 0; i < digits; i++) {
        uint32_t value = values[(uint8_t)four[i]];
        bad |= value & DIGITS;
        bits |= (value & 63) << (18 - 6 * i);
    }
    out[0] = (uint8_t)(bits >> 16);
    out[1] = (uint8_t)(bits >> 8);
    out[2] = (uint8_t)bits;
    uint32_t unused = digits == 4 ? 0 : digits == 3 ? bits & 0xff : bits & 0xffff;
    return bad != 0 || unused != 0 ? -1 : 0;
}

int dogb_base64_read(dogb_span *out, dogb_arena *arena, const char *text, size_t length) {
    uint8_t values[256];
    size_t padding = length < 4 || text[length - 1] != '=' ? 0 : text[length - 2] == '=' ? 2 : 1;
    size_t size = length / 4 * 3;
    int bad = length % 4 != 0;
    uint8_t *bytes = dogb_alloc_raw(arena, size + 1, 1);
    if (bytes == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    fill(values);
    for (size_t i = 0, k = 0; !bad && i < length; i += 4, k += 3) {
        bad = group(bytes + k, values, text + i, i + 4 == length ? 4 - padding : 4) < 0;
    }
    if (bad) {
        return dogb_fail(DOGBREED_ERROR_FORMAT, "a text is not valid base64");
    }
    *out = (dogb_span){bytes, size - padding};
    return DOGBREED_OK;
}
