// hex.c - see hex.h.
#include "core/hex.h"

#include <stdint.h>

int dogb_hex_value(char digit) {
    return digit >= '0' && digit <= '9'   ? digit - '0'
           : digit >= 'a' && digit <= 'f' ? digit - 'a' + 10
           : digit >= 'A' && digit <= 'F' ? digit - 'A' + 10
                                          : -1;
}

int dogb_hex_byte(const char *digits) {
    int high = dogb_hex_value(digits[0]);
    int low = high < 0 ? -1 : dogb_hex_value(digits[1]);
    return low < 0 ? -1 : high * 16 + low;
}

void dogb_hex_text(char *out, const void *bytes, size_t size) {
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < size; i++) {
        uint8_t byte = ((const uint8_t *)bytes)[i];
        *out++ = digits[byte >> 4];
        *out++ = digits[byte & 15];
    }
    *out = '\0';
}
