// hex.h - hexadecimal digits.
#ifndef DOGB_CORE_HEX_H
#define DOGB_CORE_HEX_H

#include <stddef.h>

int dogb_hex_value(char digit);        // of either case; -1: no digit
int dogb_hex_byte(const char *digits); // of two, as behind '%' in URIs; -1: they are not
void dogb_hex_text(char *out, const void *bytes, size_t size); // lower case, 2 * size + 1 bytes

#endif
