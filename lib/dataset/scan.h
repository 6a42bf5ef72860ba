// scan.h - between the files that list a data set: the state of one scan.
#ifndef DOGB_DATASET_SCAN_H
#define DOGB_DATASET_SCAN_H

#include "dataset/storage.h"

typedef struct dogb_scan_state {
    dogb_storage *storage;
    char *pool; // of storage->arena: paths one behind the other
    size_t pool_left;
    size_t capacity; // of storage->records
    int32_t split;   // being walked
    int32_t label;
} dogb_scan_state;

// A text that lives with the storage: "directory/name", or a copy of directory when name is NULL.
const char *dogb_scan_keep(dogb_scan_state *s, const char *directory, const char *name);

// Counts something that is no sample.
int dogb_scan_leave(dogb_scan_state *s, dogb_leftover *leftover, const char *directory,
                    const char *name);

// Adds one class folder; *added is the number of its images.
int dogb_scan_class(dogb_scan_state *s, const char *folder, int32_t label, int64_t *added);

#endif
