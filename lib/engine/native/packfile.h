// packfile.h - packed weights: pieces of memory that are filled when a net is made, or the same
// pieces of a mapped file that an earlier start has written.
#ifndef DOGB_ENGINE_NATIVE_PACKFILE_H
#define DOGB_ENGINE_NATIVE_PACKFILE_H

#include "core/arena.h"
#include "core/hash.h"

#include <stddef.h>
#include <stdint.h>

// Raised when the plan or the order of packed weights changes: older files are not looked at.
enum { DOGB_PACK_VERSION = 1 };

typedef struct dogb_piece {
    float *data;
    size_t count;
} dogb_piece;

typedef struct dogb_packing {
    const float *mapped; // the file's floats; NULL: pieces are memory and have to be filled
    size_t floats;       // of the file, or so far
    size_t used;         // of the file
    dogb_piece *pieces;
    size_t count;
    size_t capacity;
} dogb_packing;

// `count` floats; in memory they are not zeroed. NULL: no memory, or the file is too short
// (FORMAT).
float *dogb_packing_take(dogb_packing *packing, dogb_arena *arena, size_t count);

// The bytes of a file: structure, key, instruction set and checksum are right, or FORMAT.
int dogb_packfile_read(dogb_packing *out, const uint8_t *data, size_t size, const dogb_sha256 *key,
                       const char *set, const char *what);

// Maps the file of `key` in the folder; unmapped by the arena. NOT_FOUND: there is none.
int dogb_packfile_open(dogb_packing *out, dogb_arena *arena, const char *folder,
                       const dogb_sha256 *key, const char *set);

// Writes the pieces, and keeps the folder within its bound.
int dogb_packfile_write(const dogb_packing *packing, const char *folder, const dogb_sha256 *key,
                        const char *set, int64_t bytes_max);

#endif
