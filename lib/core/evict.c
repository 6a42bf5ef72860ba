// evict.c - the order in which cached things leave.
#include "core/evict.h"

#include <stdlib.h>
#include <string.h>

static int older_first(const void *a, const void *b) {
    const dogb_evictable *x = a;
    const dogb_evictable *y = b;
    if (x->used.tv_sec != y->used.tv_sec) {
        return x->used.tv_sec < y->used.tv_sec ? -1 : 1;
    }
    if (x->used.tv_nsec != y->used.tv_nsec) {
        return x->used.tv_nsec < y->used.tv_nsec ? -1 : 1;
    }
    return strcmp(x->name, y->name);
}

int64_t dogb_evict(dogb_evictable *items, size_t count, int64_t wanted,
                   int (*drop)(const char *name, void *userdata), void *userdata) {
    int64_t total = 0;
    for (size_t i = 0; i < count; i++) {
        total += items[i].bytes;
    }
    if (total > wanted) {
        qsort(items, count, sizeof *items, older_first);
    }
    for (size_t i = 0; i < count && total > wanted; i++) {
        total -= drop(items[i].name, userdata) ? items[i].bytes : 0;
    }
    return total;
}
