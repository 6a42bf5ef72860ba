// unicode.h - what comparing names of files needs of Unicode: composed forms and case folding.
#ifndef DOGB_CORE_UNICODE_H
#define DOGB_CORE_UNICODE_H

#include "core/arena.h"

#include <stddef.h>

// Both take valid UTF-8 (dogb_text_valid) and return a text of the arena; NULL: no memory.
char *dogb_unicode_compose(dogb_arena *arena, const char *text, size_t length); // NFC

// The form in which names that differ in case or in the way of writing accents are equal bytes:
// NFD(toCasefold(NFD(text))), canonical caseless matching.
char *dogb_unicode_fold(dogb_arena *arena, const char *text);

#endif
