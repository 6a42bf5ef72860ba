// utf8.h - code points as UTF-8 and back.
#ifndef DOGB_CORE_UTF8_H
#define DOGB_CORE_UTF8_H

#include <stddef.h>
#include <stdint.h>

// Both return the number of bytes. The text must be valid UTF-8 (dogb_text_valid of core/json.h).
size_t dogb_utf8_put(char out[4], uint32_t code);
size_t dogb_utf8_get(uint32_t *code, const char *text);

#endif
