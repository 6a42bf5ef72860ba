// evict.h - keeping a folder within its bound: what was used longest ago goes first.
#ifndef DOGB_CORE_EVICT_H
#define DOGB_CORE_EVICT_H

#include <stddef.h>
#include <stdint.h>
#include <time.h>

typedef struct dogb_evictable {
    const char *name;
    int64_t bytes;
    struct timespec used;
} dogb_evictable;

// Calls `drop` (1: it is gone) for one item after the other until at most `wanted` bytes are left;
// returns what is left. Sorts the items.
int64_t dogb_evict(dogb_evictable *items, size_t count, int64_t wanted,
                   int (*drop)(const char *name, void *userdata), void *userdata);

// Removes the folder root/name with everything in it, unless somebody holds one of the locks: files
// in it, made when absent (flock). 1: it is gone. It is renamed first, so that nobody opens a half
// of it; what a process that was killed in between leaves is removed by dogb_evict_leftover.
int dogb_evict_folder(const char *root, const char *name, const char *const *locks, size_t count);
int dogb_evict_leftover(const char *root, const char *name); // 1: it was one

#endif
