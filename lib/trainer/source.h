// source.h - where the loop's batches come from: rows of the feature store, or pictures from the
// loader. The loop does not know which.
#ifndef DOGB_TRAINER_SOURCE_H
#define DOGB_TRAINER_SOURCE_H

#include "dataset/loader.h"
#include "engine/engine.h"
#include "event/bus.h"
#include "feature/feature.h"
#include "trainer/trainer_internal.h"

typedef struct dogb_source dogb_source;

enum { DOGB_FOLD_ALL = 0, DOGB_FOLD_OTHERS = 1, DOGB_FOLD_OWN = 2 };

typedef struct dogb_source_conf {
    const dogbreed_dataset *dataset;
    const dogb_fold *fold; // of `part`
    const dogb_preprocess *preprocess;
    dogb_feature *feature; // taken over also on failure; NULL: pictures through the loader
    uint64_t seed;
    int64_t cache_bytes;    // decoded pictures, loader only
    int32_t views;          // of the feature store: one is drawn per sample and epoch; 0: the plain
    int32_t batch_size;     //
    int32_t loader_threads; //
    int32_t shuffle;        // 1: a new order each epoch, keyed by (seed, epoch)
    int32_t augment;        // loader only
    int32_t part;           // DOGB_FOLD_: all samples, those outside of the fold, those in it
} dogb_source_conf;

typedef struct dogb_source_batch {
    dogb_batch input;      // valid until the next call
    const int32_t *labels; // [input.count]
} dogb_source_batch;

int dogb_source_create(dogb_source **out, dogb_arena *arena, const dogb_source_conf *conf);
int64_t dogb_source_samples(const dogb_source *source); // readable ones
int64_t dogb_source_steps(const dogb_source *source);   // batches per epoch
// Starts an epoch behind the first `cursor` samples of its order.
int dogb_source_begin(dogb_source *source, int32_t epoch, int64_t cursor);
int64_t dogb_source_cursor(const dogb_source *source); // samples handed out, unreadable ones too
int dogb_source_next(dogb_source *source, dogb_source_batch *out); // 1: a batch, 0: end, negative

// A batch as tensors of an event: what the network gets, and class indices.
void dogb_source_input(dogb_bus_array *out, const dogb_source *source,
                       const dogb_source_batch *batch);
void dogb_source_labels(dogb_bus_array *out, int32_t what, const int32_t *labels, int64_t count);

// Features as one table for a bank of heads: row `sample` * views + view (views 0 counts as 1), of
// pictures that could not be read a row of zeros that no order names.
int64_t dogb_source_rows(const dogb_source *source);
void dogb_source_table(const dogb_source *source, float *features, int32_t *labels);
// Rows of the table in the order of an epoch: what dogb_source_next hands out. Returns how many.
int64_t dogb_source_order(dogb_source *source, int32_t epoch, int64_t *order);
dogb_feature *dogb_source_feature(const dogb_source *source);

#endif
