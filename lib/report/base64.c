// base64.c - see base64.h.
#include "report/base64.h"

void dogb_base64_add(dogb_buffer *out, const uint8_t *bytes, size_t size) {
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < size; i += 3) {
        size_t left = size - i;
        uint32_t three = (uint32_t)bytes[i] << 16 | (left > 1 ? (uint32_t)bytes[i + 1] << 8 : 0) |
                         (left > 2 ? bytes[i + 2] : 0);
        char four[4];
        for (int k = 0; k < 4; k++) {
            four[k] = digits[three >> (18 - 6 * k) & 63];
        }
        four[2] = left > 1 ? four[2] : '=';
        four[3] = left > 2 ? four[3] : '=';
        dogb_buffer_put(out, four, sizeof four);
    }
}
