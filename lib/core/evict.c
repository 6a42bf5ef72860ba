// evict.c - the order in which cached things leave, and how folders of them do.
#include "core/evict.h"
#include "core/file.h"

#include <dogbreed/common.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

enum { LOCKS_MAX = 4 };
static const char trash[] = ".old-";

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

// Opens the locks, `*opened` of them. 1: all are ours.
static int take(int *held, size_t *opened, dogb_arena *scratch, const char *folder,
                const char *const *locks, size_t count) {
    for (*opened = 0; *opened < count;) {
        char *path = dogb_path_join(scratch, folder, locks[*opened]);
        int lock = path == NULL ? -1 : open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0666);
        if (lock < 0) {
            return 0;
        }
        held[(*opened)++] = lock;
        if (flock(lock, LOCK_EX | LOCK_NB) != 0) {
            return 0;
        }
    }
    return 1;
}

int dogb_evict_folder(const char *root, const char *name, const char *const *locks, size_t count) {
    dogb_arena scratch = {0};
    int held[LOCKS_MAX];
    int removed = 0;
    size_t opened = 0;
    char *from = dogb_path_join(&scratch, root, name);
    char *to = dogb_format(&scratch, "%s/%s%s-%ld", root, trash, name, (long)getpid());
    // The locks are held until everything is gone: whoever waits for them finds another file.
    if (from != NULL && to != NULL && count <= LOCKS_MAX &&
        take(held, &opened, &scratch, from, locks, count) && rename(from, to) == 0) {
        removed = 1; // what stays of it is a leftover
        (void)dogb_directory_remove(to);
    }
    while (opened > 0) {
        (void)close(held[--opened]);
    }
    dogb_arena_free(&scratch);
    return removed;
}

int dogb_evict_leftover(const char *root, const char *name) {
    dogb_arena scratch = {0};
    int is_one = strncmp(name, trash, sizeof trash - 1) == 0;
    char *path = is_one ? dogb_path_join(&scratch, root, name) : NULL;
    if (path != NULL) {
        (void)dogb_directory_remove(path); // what is left of it is tried again next time
    }
    dogb_arena_free(&scratch);
    return is_one;
}
