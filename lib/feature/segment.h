// segment.h - one file of the feature store: rows with their keys, written once, never changed.
#ifndef DOGB_FEATURE_SEGMENT_H
#define DOGB_FEATURE_SEGMENT_H

#include "core/arena.h"
#include "core/hash.h"

#include <stddef.h>
#include <stdint.h>

enum { DOGB_SEGMENT_VERSION = 1 };

// What a row is of. Views that are drawn at random are keyed by the sample too, because they are
// drawn for it; the evaluation view depends on the image's content alone (sample 0, view 0).
typedef struct dogb_row_key {
    dogb_sha256 image; // content of the file
    uint64_t sample;
    uint32_t view;
    uint32_t reserved; // 0
} dogb_row_key;

typedef struct dogb_segment {
    const dogb_row_key *keys; // [count]
    const float *rows;        // [count * floats]
    size_t count;
} dogb_segment;

// Checks a whole file's bytes (8-byte aligned): structure, key of the set, checksum. FORMAT says
// what is wrong. The result points into `data`.
int dogb_segment_read(dogb_segment *out, const uint8_t *data, size_t size, const dogb_sha256 *set,
                      uint32_t floats, const char *what);

// The bytes of a file; `name` receives the file's name, made of its checksum, so that processes
// that compute the same rows write the same file.
int dogb_segment_build(uint8_t **out, size_t *size, char name[72], dogb_arena *arena,
                       const dogb_sha256 *set, uint32_t floats, const dogb_row_key *keys,
                       const float *rows, size_t count);
size_t dogb_segment_size(uint32_t floats, size_t count); // bytes of a file

#endif
