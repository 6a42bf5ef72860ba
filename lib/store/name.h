// name.h - which keys of a store may become files below a folder.
#ifndef DOGB_STORE_NAME_H
#define DOGB_STORE_NAME_H

#include "core/arena.h"

#include <stddef.h>

enum { DOGB_NAME_DEPTH_MAX = 32, DOGB_NAME_PART_MAX = 255 };

// A key that, joined to a folder, names a file below it, on any system: UTF-8; parts between '/'
// that are neither empty nor "." nor ".." (so it is not absolute and does not end in '/'); no
// backslash, no drive, no control characters. FORMAT: `key` and what is wrong.
int dogb_name_check(const char *key);

// All of them, and that no two are the same file where case and the way of writing accents do not
// count, and none is a folder of another. FORMAT; EXISTS: the two keys.
int dogb_names_check(const char *const *keys, size_t count);

// The form in which equal names are equal bytes: case folded, decomposed. Valid UTF-8 only. NULL:
// no memory.
char *dogb_name_fold(dogb_arena *arena, const char *name);

#endif
