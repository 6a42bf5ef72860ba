// feature.h - the feature store: what a frozen prefix says about an image is computed once per
// (image content, view, prefix weights, preprocessing, engine) and kept on disk, mapped, shared
// between processes, bounded in size. Layout and crash safety: docs/feature.md.
#ifndef DOGB_FEATURE_FEATURE_H
#define DOGB_FEATURE_FEATURE_H

#include "dataset/dataset_internal.h"
#include "engine/engine.h"
#include "model/model_internal.h"

typedef struct dogb_feature dogb_feature;

typedef int (*dogb_feature_progress)(int64_t done, int64_t total,
                                     void *userdata); // non-zero: stop (CANCELLED)

typedef struct dogb_feature_conf {
    const dogbreed_model *model; // frozen prefix
    const dogbreed_dataset *dataset;
    const dogb_engine *engine;
    const char *device;    // "cpu", "cuda:0"
    const char *cache_dir; // "": the user's cache folder + "features"
    int64_t bytes_max;     // of the store on disk; oldest used sets go first; 0: no bound
    uint64_t seed;         // of augmented views
    int32_t views;         // 0: the evaluation view only; V: augmented views 1..V instead
    int32_t batch_size; // not used: rows are computed in batches of one fixed size, so that they do
                        // not depend on it
    int32_t threads;
    int32_t loader_threads;
    int32_t dtype;
    int32_t keep;                   // 0: memory only, nothing is written
    dogb_feature_progress progress; // may be NULL
    void *userdata;
} dogb_feature_conf;

// Finds or computes every row. Complete on success; what was computed before a failure or kill
// stays in the store.
int dogb_feature_open(dogb_feature **out, const dogb_feature_conf *conf);
dogb_feature *dogb_feature_retain(dogb_feature *feature); // one more reference; reading is shared
int32_t dogb_feature_size(const dogb_feature *feature); // floats per row
// Row of a sample and view (0 .. views-1, or 0). NULL: the sample's file could not be read
// (tolerated bad file).
const float *dogb_feature_row(const dogb_feature *feature, int64_t sample, int32_t view);
int64_t dogb_feature_computed(const dogb_feature *feature); // rows that were not in the store
void dogb_feature_destroy(dogb_feature *feature);

#endif
