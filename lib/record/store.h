// store.h - an open store: its index files in memory, the event file that was read last mapped.
#ifndef DOGB_RECORD_STORE_H
#define DOGB_RECORD_STORE_H

#include "core/file.h"
#include "core/json.h"
#include "record/index.h"
#include "record/layout.h"
#include "record/memory.h"
#include "record/values.h"
#include "tensorboard/reader.h"

// An index file as it was read. The arena holds all that belongs to it; lists of before and after a
// refresh share those that have not changed.
typedef struct dogb_shard {
    dogb_arena arena;
    int32_t lists; // that hold it
    int32_t reserved;
    int64_t step;
    const char *worker;
    dogb_index index;
    const char *broken;     // why it cannot be used; NULL: it can
    dogb_memory_step *held; // of a store in memory; NULL: files
    uint64_t inode;         // to see that it is another file now
    int64_t size;
    int64_t seconds; // of the last change
    int64_t nanoseconds;
} dogb_shard;

// A step: the shards of its workers, one behind the other.
typedef struct dogb_step {
    int64_t step;
    int64_t mode_step;
    size_t first;
    int32_t mode;
    int32_t shard_count;  // broken ones between them too
    int32_t writer_count; // those that are not broken
    int32_t tensor_count;
    int32_t complete;
    int32_t reserved;
} dogb_step;

// What a look at the folders has found. Its arena holds all but the shards.
typedef struct dogb_listing {
    dogb_arena arena;
    json_t *collections; // the file's document
    char **workers;      // sorted
    size_t worker_count;
    size_t worker_capacity;
    char *collections_folder;
    int64_t workers_wanted;
    int finished;
    int32_t reserved;
    dogb_shard **shards; // by step and worker
    size_t shard_count;
    size_t shard_capacity;
    dogb_step *steps; // by number; those whose index is broken are none
    size_t step_count;
    const dogb_step **orders[DOGB_RECORD_MODES]; // of a mode, by mode step
    size_t order_counts[DOGB_RECORD_MODES];
} dogb_listing;

struct dogbreed_record {
    dogb_arena arena;
    char *directory;     // of a store in memory: what messages call it
    dogb_memory *memory; // NULL: files

    dogb_listing list; // of the last refresh

    // the event file that was read last
    dogb_arena map_arena;
    const char *map_path; // NULL: none
    dogb_map map;

    int64_t payload_count;  // records read with the checksum of their bytes
    int64_t constant_count; // with smdebug's constant
};

// Reads folders and index files that are new or have changed.
int dogb_store_refresh(dogbreed_record *record);
void dogb_store_free(dogbreed_record *record);

// Fills in steps and orders.
int dogb_listing_steps(dogb_listing *list);

// A step of a mode; the errors of dogbreed_record_find_step.
int dogb_store_find(const dogb_step **out, const dogbreed_record *record, int32_t mode,
                    int64_t number);

// Tensor `index` of a step, and its shard. INVALID_ARGUMENT.
int dogb_store_tensor(const dogb_index_tensor **out, const dogb_shard **shard,
                      const dogbreed_record *record, const dogb_step *step, int32_t index);

// The tensor that a reduction was made of; else the name itself.
const char *dogb_store_base(const char *name);

// Names of all tensors, sorted, as an array of the arena.
int dogb_store_names(json_t **out, dogb_arena *arena, const dogbreed_record *record);

// A tensor's record. texts: of TEXT.
typedef struct dogb_stored {
    dogb_values values;
    int32_t rank;
    int32_t reserved;
    int64_t shape[DOGB_RECORD_RANK_MAX];
    size_t size; // bytes of the values
    dogb_event_tensor tensor;
} dogb_stored;

// Reads it; valid until the next one is read. The errors of dogbreed_record_tensor.
int dogb_store_read(dogb_stored *out, dogbreed_record *record, const dogb_shard *shard,
                    const dogb_index_tensor *tensor);

#endif
