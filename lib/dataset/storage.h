// storage.h - what a dataset is inside lib/dataset: the listing that all its handles share, and the
// functions that fill it. Immutable once opened, but for the hashes, which have a lock.
#ifndef DOGB_DATASET_STORAGE_H
#define DOGB_DATASET_STORAGE_H

#include "core/ref.h"
#include "dataset/dataset_internal.h"
#include "dataset/list.h"

#include <pthread.h>

enum {
    DOGB_SPLIT_COUNT = 4,   // DOGB_SPLIT_ALL .. DOGB_SPLIT_TEST
    DOGB_SCAN_EXAMPLES = 64 // kept of each kind of thing that is no sample
};

typedef struct dogb_record { // one sample
    const char *path;        // whole
    uint32_t folder_length;  // of the part of path before the last '/'
    int32_t label;
    int32_t split; // DOGB_SPLIT_
} dogb_record;

// What lies in the folders without being a sample: exact count, some examples (paths below root).
typedef struct dogb_leftover {
    int64_t count;
    const char *examples[DOGB_SCAN_EXAMPLES];
} dogb_leftover;

typedef struct dogb_storage {
    dogb_ref refs;
    dogb_arena arena;
    dogbreed_dataset_options options;
    const char *root;   // without a slash at the end
    size_t root_length; // records' paths below root start behind it and a slash
    const char **classes;
    int32_t class_count;
    int32_t drawn; // 1: root/class/file, split by a draw; 0: the folder has the splits
    dogb_record *records;
    int64_t count;
    int64_t *splits[DOGB_SPLIT_COUNT]; // record indices in order; [DOGB_SPLIT_ALL] is NULL: all
    int64_t split_count[DOGB_SPLIT_COUNT];
    const char *folders[DOGB_SPLIT_COUNT]; // of the splits as they are named on disk, else NULL
    dogb_leftover stray;                   // files that are no images by name
    dogb_leftover unsupported;             // image files by name, of a format we do not read
    dogb_leftover hidden;                  // files and folders that start with a dot
    dogb_leftover strange;                 // folders beside the splits

    pthread_mutex_t lock; // guards hashes, bytes and hashed
    dogb_sha256 *hashes;  // by record; NULL before the first one is wanted
    int64_t *bytes;       // of the hashed files; -1: could not be read
    uint8_t *hashed;
} dogb_storage;

struct dogbreed_dataset {
    dogb_ref refs;
    int32_t kind; // DOGB_SPLIT_
    dogb_storage *storage;
    int64_t count;
    const int64_t *index;        // of records; NULL: sample = record
    int64_t *own;                // the same, where it is this handle's; else NULL
    _Atomic(dogb_sha256 *) view; // hashes in this handle's order; set once, under storage->lock
};

// dataset.c: a handle without samples that shares the storage.
int dogb_dataset_handle(dogbreed_dataset **out, dogb_storage *storage, int32_t kind);

// class_list.c: the names in a file, one a line, sorted, as the folders of a listing. NOT_FOUND,
// IO, FORMAT.
int dogb_class_list(dogb_listing *out, dogb_arena *arena, const char *path);

// scan.c: fills root, classes, records, splits' folders and leftovers of a storage.
int dogb_scan(dogb_storage *storage);

// split.c: draws the splits of storage->records by class, or sorts records into their folders'.
int dogb_split_draw(dogb_storage *storage);
int dogb_split_index(dogb_storage *storage);

// hashes.c: the hash of a file's bytes, when somebody has read them anyhow; the one of a file that
// cannot be read (bytes = -1).
int dogb_hash_put(const dogbreed_dataset *dataset, int64_t index, const dogb_sha256 *hash,
                  int64_t bytes);
int dogb_hash_unreadable(dogb_sha256 *out, const char *path);

static inline const dogb_record *dogb_record_of(const dogbreed_dataset *dataset, int64_t index) {
    return &dataset->storage->records[dataset->index == NULL ? index : dataset->index[index]];
}

// Path below the root, for reports and fingerprints.
static inline const char *dogb_record_name(const dogbreed_dataset *dataset,
                                           const dogb_record *record) {
    return record->path + dataset->storage->root_length + 1;
}

#endif
