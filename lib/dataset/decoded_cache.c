// decoded_cache.c - decoded pictures up to a budget of bytes. Nothing is thrown out: an epoch reads
// every picture once in random order, where the last ones used are not the next ones wanted.
#include "dataset/decoded_cache.h"

#include "core/error.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

enum {
    ENTRY_OVERHEAD = 128, // bytes of bookkeeping counted for each picture
    SLACK = 64            // behind the pixels: vector loads may run over the last one
};

typedef struct entry {
    dogb_image image; // pixels lie behind the entry
    uint8_t pixels[];
} entry;

struct dogb_decoded_cache {
    pthread_mutex_t lock; // guards used, dataset and exif_orientation
    int64_t bytes_max;
    int64_t used;
    int64_t count;
    dogbreed_dataset *dataset; // of the first loader, retained
    int32_t exif_orientation;
    _Atomic(entry *) entries[]; // set once each
};

int dogb_decoded_cache_create(dogb_decoded_cache **out, int64_t bytes_max, int64_t samples) {
    *out = NULL;
    DOGB_CHECK(bytes_max >= 0 && samples >= 0 && samples <= INT64_MAX / 16,
               "decoded cache: %lld bytes for %lld samples, expected 0 or more",
               (long long)bytes_max, (long long)samples);
    dogb_decoded_cache *cache =
        dogb_malloc(1, sizeof *cache + (size_t)samples * sizeof cache->entries[0]);
    if (cache == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    if (pthread_mutex_init(&cache->lock, NULL) != 0) {
        dogb_free(cache);
        return dogb_fail(DOGBREED_ERROR_NO_MEMORY, "a lock cannot be made");
    }
    cache->bytes_max = bytes_max;
    cache->count = samples;
    *out = cache;
    return DOGBREED_OK;
}

void dogb_decoded_cache_destroy(dogb_decoded_cache *cache) {
    if (cache == NULL) {
        return;
    }
    for (int64_t i = 0; i < cache->count; i++) {
        dogb_free(cache->entries[i]);
    }
    dogbreed_dataset_destroy(cache->dataset);
    (void)pthread_mutex_destroy(&cache->lock);
    dogb_free(cache);
}

int dogb_decoded_cache_bind(dogb_decoded_cache *cache, const dogbreed_dataset *dataset,
                            int32_t exif_orientation) {
    (void)pthread_mutex_lock(&cache->lock);
    if (cache->dataset == NULL) {
        cache->dataset = dogb_dataset_retain(dataset);
        cache->exif_orientation = exif_orientation;
    }
    int same = dogb_dataset_same(cache->dataset, dataset) &&
               cache->exif_orientation == exif_orientation &&
               cache->count >= dogbreed_dataset_size(dataset);
    (void)pthread_mutex_unlock(&cache->lock);
    DOGB_CHECK(same, "decoded cache: made for other samples or another EXIF orientation than those "
                     "of this loader");
    return DOGBREED_OK;
}

const dogb_image *dogb_decoded_cache_find(const dogb_decoded_cache *cache, int64_t sample) {
    const entry *found = cache->entries[sample];
    return found == NULL ? NULL : &found->image;
}

static int64_t bytes_of(int32_t width, int32_t height) {
    return (int64_t)width * height * 3 + ENTRY_OVERHEAD;
}

int dogb_decoded_cache_reserve(dogb_decoded_cache *cache, int32_t width, int32_t height) {
    int64_t bytes = bytes_of(width, height);
    (void)pthread_mutex_lock(&cache->lock);
    int fits = bytes <= cache->bytes_max - cache->used;
    cache->used += fits ? bytes : 0;
    (void)pthread_mutex_unlock(&cache->lock);
    return fits;
}

void dogb_decoded_cache_give_back(dogb_decoded_cache *cache, int32_t width, int32_t height) {
    (void)pthread_mutex_lock(&cache->lock);
    cache->used -= bytes_of(width, height);
    (void)pthread_mutex_unlock(&cache->lock);
}

void dogb_decoded_cache_put(dogb_decoded_cache *cache, int64_t sample, const dogb_image *image) {
    size_t bytes = (size_t)image->width * (size_t)image->height * 3;
    entry *fresh = dogb_malloc(1, sizeof *fresh + bytes + SLACK);
    entry *none = NULL;
    if (fresh != NULL) {
        memcpy(fresh->pixels, image->pixels, bytes);
        fresh->image = (dogb_image){fresh->pixels, image->width, image->height};
        if (atomic_compare_exchange_strong(&cache->entries[sample], &none, fresh)) {
            return;
        }
        dogb_free(fresh); // another loader was faster
    }
    dogb_decoded_cache_give_back(cache, image->width, image->height);
}
