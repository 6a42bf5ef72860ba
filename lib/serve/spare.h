// spare.h - a few blocks of memory for bodies of requests that are used again and again. Fresh
// memory of that size comes from the system page by page, which takes as long as reading a small
// picture.
#ifndef DOGB_SERVE_SPARE_H
#define DOGB_SERVE_SPARE_H

#include <stdint.h>

enum { DOGB_SPARE_COUNT = 8, DOGB_SPARE_SIZE = 1 << 20, DOGB_SPARE_LEAST = 64 << 10 };

typedef struct dogb_spare { // starts as zeros
    void *_Atomic kept[DOGB_SPARE_COUNT];
    _Atomic int32_t made;
    void *blocks; // all of them: the first who needs one makes them
} dogb_spare;

// DOGB_SPARE_SIZE bytes, from any thread. NULL: all are in use, or there is no memory.
void *dogb_spare_take(dogb_spare *spare);
void dogb_spare_give(dogb_spare *spare, void *block); // NULL is fine
void dogb_spare_free(dogb_spare *spare);              // all of them are back

#endif
