// utf8.c - see utf8.h.
#include "core/utf8.h"

size_t dogb_utf8_put(char out[4], uint32_t code) {
    if (code < 0x80) {
        out[0] = (char)code;
        return 1;
    }
    size_t size = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    for (size_t i = size - 1; i > 0; i--, code >>= 6) {
        out[i] = (char)(0x80 | (code & 63));
    }
    out[0] = (char)(0xf00 >> size | code); // as many ones in front as there are bytes
    return size;
}

size_t dogb_utf8_get(uint32_t *code, const char *text) {
    uint8_t first = (uint8_t)*text;
    size_t size = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
    *code = size == 1 ? first : first & (0x7fU >> size);
    for (size_t i = 1; i < size; i++) {
        *code = *code << 6 | (text[i] & 63);
    }
    return size;
}
