// kept.h - list.jsonl of a local copy: which files are there, with the ETag that each came with and
// size and time as it was left. A line a file; the last lines may be newer than the others.
#ifndef DOGB_STORE_KEPT_H
#define DOGB_STORE_KEPT_H

#include "store/client.h"

typedef struct dogb_kept {
    const char *key;
    const char *etag;
    int64_t size;
    int64_t time; // of its last change, nanoseconds since 1970
} dogb_kept;

typedef struct dogb_kept_list {
    dogb_kept *items; // sorted by key; a file that was read twice has two lines
    size_t count;
    size_t capacity;
} dogb_kept_list;

// A line that is torn or not ours means nothing. `what` names the list in messages.
int dogb_kept_read(dogb_kept_list *out, dogb_arena *arena, const char *text, size_t size,
                   const char *what);
// 1: a line says that this object is there, in a file of this size and time.
int dogb_kept_has(const dogb_kept_list *list, const dogb_object *object, int64_t size,
                  int64_t time);
char *dogb_kept_line(dogb_arena *arena, const dogb_kept *kept); // with its end; NULL: no memory

#endif
