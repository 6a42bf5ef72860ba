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

#endif
