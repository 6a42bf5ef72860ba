// feature_struct.h - shared by the files of lib/feature only.
#ifndef DOGB_FEATURE_STRUCT_H
#define DOGB_FEATURE_STRUCT_H

#include "core/ref.h"
#include "feature/feature.h"
#include "feature/store.h"

// One row that is wanted; several samples with the same content may share it.
typedef struct dogb_row {
    dogb_row_key key;
    const float *data; // NULL: not there yet
    int64_t sample;    // the first one that wants it
} dogb_row;

// Wanted rows and an index over their keys (open addressing).
typedef struct dogb_rows {
    dogb_row *rows;
    size_t count;
    size_t *slots; // row + 1; 0: empty
    size_t slot_mask;
} dogb_rows;

int dogb_rows_init(dogb_rows *rows, dogb_arena *arena, size_t count_max);
dogb_row *dogb_rows_find(const dogb_rows *rows, const dogb_row_key *key); // NULL: none
dogb_row *dogb_rows_add(dogb_rows *rows, const dogb_row_key *key, int64_t sample);

struct dogb_feature {
    dogb_ref refs;
    dogb_arena arena;
    dogb_feature_conf conf;
    dogb_part prefix;
    dogb_rows rows;
    dogb_row **by_sample; // [samples * views]
    dogb_store store;
    int64_t samples;
    int64_t computed;
    int64_t done; // rows that are there
    int32_t views;
    int32_t floats;
    int32_t stored; // 1: store is open and takes rows
    int32_t batch;  // images per call of the engine
};

// Images per call of the engine. It is part of the key and never the caller's batch size: an engine
// may round differently for another batch shape, and a row must not depend on who computed it.
int32_t dogb_feature_batch(const char *device);

// The key document of a set; its canonical text is hashed into the folder's name.
int dogb_feature_key(json_t **out, dogb_arena *arena, const dogb_feature *feature);

// Computes and commits all rows that are missing.
int dogb_feature_compute(dogb_feature *feature);

#endif
