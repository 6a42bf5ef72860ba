// entry.h - names that come from outside, of entries in archives and of objects in stores, before
// they become files.
#ifndef DOGB_CORE_ENTRY_H
#define DOGB_CORE_ENTRY_H

#include "core/arena.h"

enum { DOGB_ENTRY_DEPTH_MAX = 32, DOGB_ENTRY_BYTES_MAX = 1024 };

// The name as a path below some folder: in Unicode's composed form (NFC), without "." and empty
// parts, "" for the folder itself. FORMAT: absolute, "..", a drive letter, a backslash, control
// characters, not UTF-8, deeper than 32 folders, longer than 1024 bytes, a part longer than 255.
// `what` names where it is from in messages.
int dogb_entry_name(char **out, dogb_arena *arena, const char *what, const char *name,
                    size_t length);

// Names that have been seen. Two that differ in nothing but case would be one file on some disks.
typedef struct dogb_entry_set {
    const char **names; // open addressing, of `capacity` places
    const char **keys;  // the same, folded
    size_t capacity;
    size_t count;
} dogb_entry_set;

// FORMAT: it is there already, or another one that differs in case only.
int dogb_entry_set_add(dogb_entry_set *set, dogb_arena *arena, const char *what, const char *name);

#endif
