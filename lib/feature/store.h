// store.h - the feature sets on disk: one folder per key, shared by processes through a lock file.
#ifndef DOGB_FEATURE_STORE_H
#define DOGB_FEATURE_STORE_H

#include "core/file.h"
#include "core/json.h"
#include "feature/segment.h"

// A segment that is mapped, with the arena that unmaps it.
typedef struct dogb_mapped {
    dogb_arena arena;
    const char *path;
    dogb_segment segment; // count 0: not usable
} dogb_mapped;

typedef struct dogb_store {
    dogb_arena *arena;
    const char *root;      // holds one folder per set
    const char *directory; // of this set
    dogb_sha256 set;
    uint32_t floats;
    int32_t lock; // descriptor; -1: closed
    int64_t bytes_max;
    int64_t bytes; // in root, as of the last look plus what was written since
    dogb_mapped **mapped;
    size_t mapped_count;
    size_t mapped_capacity;
} dogb_store;

// Opens (or makes) the set `key` under root and takes its lock, shared. The last process that had
// it cleans up what a killed one left behind. The caller closes it also after a failure.
int dogb_store_open(dogb_store *store, dogb_arena *arena, const char *root, const json_t *key,
                    uint32_t floats, int64_t bytes_max);
void dogb_store_close(dogb_store *store);

// Maps and checks all segments, by threads; those that are torn or foreign are left out.
int dogb_store_map(dogb_store *store, int32_t threads);

// Writes rows as a new segment and maps it: *out. 1: written; 0: the size bound leaves no room.
int dogb_store_commit(dogb_store *store, dogb_segment *out, const dogb_row_key *keys,
                      const float *rows, size_t count);

// Removes least recently used sets, but none in use, until root has at most `wanted` bytes;
// *bytes: what is there afterwards.
int dogb_store_evict(int64_t *bytes, const char *root, int64_t wanted);

// Name of a set's folder: 64 hexadecimal digits.
int dogb_store_is_set(const char *name);

#endif
