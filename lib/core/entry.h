// entry.h - names that come from outside, of entries in archives and of objects in stores, before
// they become files.
#ifndef DOGB_CORE_ENTRY_H
#define DOGB_CORE_ENTRY_H

#include "core/arena.h"

enum { DOGB_ENTRY_DEPTH_MAX = 32, DOGB_ENTRY_BYTES_MAX = 1024, DOGB_ENTRY_PART_MAX = 255 };

// How deep trees are that we make ourselves: entries, below folders of ours.
enum { DOGB_TREE_DEPTH_MAX = DOGB_ENTRY_DEPTH_MAX + 8 };

// The name as a path below some folder: in Unicode's composed form (NFC), without "." and empty
// parts, "" for the folder itself. FORMAT: absolute, "..", a drive letter, a backslash, control
// characters, not UTF-8, more than 32 parts, longer than 1024 bytes, a part longer than 255.
// `what` names where it is from in messages.
int dogb_entry_name(char **out, dogb_arena *arena, const char *what, const char *name,
                    size_t length);

// The same of a name that is to be the file's as it stands, so that it leads back to what it is
// of: FORMAT also: empty, "." and empty parts.
int dogb_entry_check(const char *what, const char *name);

// Names of files that have been seen, and of the folders that these are in.
typedef struct dogb_entry_set {
    struct dogb_entry_place *places; // open addressing
    size_t capacity;
    size_t count;
} dogb_entry_set;

// FORMAT: it is there already, or another one that some disks cannot tell apart from it: they
// differ in case or in the way of writing accents; or one is a folder of the other.
int dogb_entry_set_add(dogb_entry_set *set, dogb_arena *arena, const char *what, const char *name);

#endif
