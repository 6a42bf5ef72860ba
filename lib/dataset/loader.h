// loader.h - batches of prepared pictures from a dataset: decoded by C threads, in order, the same
// for any number of threads, with bounded memory. Runs no engine code.
#ifndef DOGB_DATASET_LOADER_H
#define DOGB_DATASET_LOADER_H

#include "dataset/dataset_internal.h"

typedef struct dogb_loader dogb_loader;

// Decoded pictures kept in memory, up to a budget; shared by the loaders of several epochs. Cached
// and uncached batches are byte-identical.
typedef struct dogb_decoded_cache dogb_decoded_cache;
int dogb_decoded_cache_create(dogb_decoded_cache **out, int64_t bytes_max, int64_t samples);
void dogb_decoded_cache_destroy(dogb_decoded_cache *cache); // NULL is fine

typedef struct dogb_loader_conf {
    const dogbreed_dataset *dataset;
    const dogb_preprocess *preprocess;
    const int64_t *order; // sample indices to deliver, copied; NULL: 0 .. size-1
    int64_t count;        // of order
    uint64_t seed;        // of augmentation
    int32_t batch_size;
    int32_t threads;           // >= 1
    int32_t augment;           // 1: random resized crop and flip, keyed by (seed, sample, epoch)
    int32_t epoch;             // or view number
    dogb_decoded_cache *cache; // NULL: none
    int64_t population;        // bad_fraction is a share of this many; 0: of count
} dogb_loader_conf;

typedef struct dogb_loader_batch {
    const uint8_t *pixels;  // [count, crop, crop, 3]; valid until the next call
    const int32_t *labels;  // [count]
    const int64_t *samples; // [count] indices into the dataset
    int32_t count;
    int32_t reserved;
} dogb_loader_batch;

// The share of unreadable files that the dataset's options tolerate (bad_fraction) is left out of
// the batches with one warning each; above it, next() fails and names the file. Default 0: the
// first one fails.
int dogb_loader_create(dogb_loader **out, const dogb_loader_conf *conf);
int dogb_loader_next(dogb_loader *loader,
                     dogb_loader_batch *out); // 1: a batch, 0: end, negative: error
int64_t dogb_loader_bad_count(const dogb_loader *loader);
double dogb_loader_wait_seconds(const dogb_loader *loader); // that next() waited for the threads
void dogb_loader_destroy(dogb_loader *loader);              // NULL is fine; also in the middle

#endif
