// index.h - an index file: which tensors a worker has saved at a step, and where their values lie.
#ifndef DOGB_RECORD_INDEX_H
#define DOGB_RECORD_INDEX_H

#include "core/arena.h"

#include <stddef.h>
#include <stdint.h>

typedef struct dogb_index_tensor {
    const char *name;
    const char *original; // of a saved shape; else the same
    int64_t start;        // of the record in the event file
    int64_t length;       // of the whole record; 0: only the shape was saved
    const int64_t *shape; // of a saved shape
    int32_t rank;         // -1: no shape was saved
    int32_t reserved;
} dogb_index_tensor;

typedef struct dogb_index {
    int32_t mode; // DOGBREED_MODE_
    int32_t count;
    int64_t mode_step;
    const char *event_file; // from the store's folder on; "" none
    dogb_index_tensor *tensors;
} dogb_index;

// Reads the text of an index file; everything lives in the arena. INDEX: it is broken, `path` and
// what was expected are in the message.
int dogb_index_parse(dogb_index *out, dogb_arena *arena, const char *text, size_t size,
                     const char *path);

#endif
