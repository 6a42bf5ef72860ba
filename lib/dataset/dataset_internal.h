// dataset_internal.h - what the folders above may know of a dataset: its samples and its own
// options.
#ifndef DOGB_DATASET_INTERNAL_H
#define DOGB_DATASET_INTERNAL_H

#include "core/hash.h"
#include "core/table.h"
#include "image/image.h"

#include <dogbreed/dataset.h>

enum {
    DOGB_SPLIT_ALL = 0,
    DOGB_SPLIT_TRAIN = 1,
    DOGB_SPLIT_VALID = 2,
    DOGB_SPLIT_TEST = 3,
    DOGB_SPLIT_JOINED = 4 // of two of them, for folds; no split of its own
};

extern const dogb_table dogb_dataset_table;
extern const dogb_table dogb_check_table;
extern const dogb_table dogb_synth_table;

int32_t dogb_dataset_kind(const dogbreed_dataset *dataset); // DOGB_SPLIT_
const char *
dogb_dataset_split_name(const dogbreed_dataset *dataset); // "train", "valid", "test", "all"
const char *dogb_dataset_root(const dogbreed_dataset *dataset);
const dogbreed_dataset_options *dogb_dataset_options(const dogbreed_dataset *dataset);
void dogb_dataset_limits(dogb_image_limits *out, const dogbreed_dataset *dataset);
const char *dogb_dataset_path(const dogbreed_dataset *dataset,
                              int64_t index); // whole path, owned by the dataset
int32_t dogb_dataset_label(const dogbreed_dataset *dataset, int64_t index);
dogbreed_dataset *dogb_dataset_retain(const dogbreed_dataset *dataset); // one more reference

// 1: the same samples under the same numbers.
int dogb_dataset_same(const dogbreed_dataset *a, const dogbreed_dataset *b);

// The samples of two splits of one dataset, in the order of its listing. INVALID_ARGUMENT: they are
// not.
int dogb_dataset_join(dogbreed_dataset **out, const dogbreed_dataset *a, const dogbreed_dataset *b);
// Deals the samples into `count` folds (0 .. count - 1 by sample), each class evenly. A fold
// follows from the seed and the contents of the class's files: names and their order do not matter,
// and equal files of a class are in the same fold.
int dogb_dataset_folds(int32_t *folds, const dogbreed_dataset *dataset, int32_t count,
                       uint64_t seed, int32_t threads);

// SHA-256 of each file's bytes, computed once by threads and kept; index = sample.
int dogb_dataset_hashes(const dogb_sha256 **out, const dogbreed_dataset *dataset, int32_t threads);

// Data fingerprint, algorithm "sha256-merkle-1" (docs/dataset.md): for manifests and resume.
int dogb_dataset_fingerprint(dogb_sha256 *out, const dogbreed_dataset *dataset, int32_t threads);

#endif
