// loader_worker.h - what one thread of a loader owns, and its work on one sample.
#ifndef DOGB_DATASET_LOADER_WORKER_H
#define DOGB_DATASET_LOADER_WORKER_H

#include "dataset/decoded_cache.h"

typedef struct dogb_loader_worker {
    dogb_loader *loader; // whose thread this is
    const dogb_loader_conf *conf;
    const dogbreed_dataset *dataset;
    const dogb_image_limits *limits;
    const dogb_preprocess *preprocess;
    dogb_arena arena; // of this thread: what follows and the decoder's memory, kept between samples
    void *bytes;      // of the file
    size_t capacity;
} dogb_loader_worker;

// File (or decoded picture) to out[crop * crop * 3].
int dogb_loader_prepare(dogb_loader_worker *worker, uint8_t *out, int64_t sample);

#endif
