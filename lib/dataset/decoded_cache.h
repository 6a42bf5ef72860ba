// decoded_cache.h - decoded pictures in memory, for the loaders. Knows pictures only by number.
#ifndef DOGB_DATASET_DECODED_CACHE_H
#define DOGB_DATASET_DECODED_CACHE_H

#include "dataset/loader.h"

// The first loader fixes which data set and orientation the pictures belong to; a loader of another
// one is refused (INVALID_ARGUMENT).
int dogb_decoded_cache_bind(dogb_decoded_cache *cache, const dogbreed_dataset *dataset,
                            int32_t exif_orientation);

// NULL: not there. The picture stays where it is until the cache is destroyed. Any thread.
const dogb_image *dogb_decoded_cache_find(const dogb_decoded_cache *cache, int64_t sample);

// 1: there is room for a picture of this size, and it is set aside: put or give back. Any thread.
int dogb_decoded_cache_reserve(dogb_decoded_cache *cache, int32_t width, int32_t height);
void dogb_decoded_cache_give_back(dogb_decoded_cache *cache, int32_t width, int32_t height);

// Copies a picture whose room is reserved; what cannot be kept is left out. Any thread.
void dogb_decoded_cache_put(dogb_decoded_cache *cache, int64_t sample, const dogb_image *image);

#endif
