// loader_worker.c - from a sample to the pixels of its place in a batch. The random crop depends on
// seed, sample and epoch alone; a picture from the cache gives the same bytes as one from its file.
#include "dataset/loader_worker.h"

#include "core/error.h"
#include "core/file.h"
#include "core/rng.h"
#include "core/span.h"

// Decodes the whole picture, keeps it and prepares it. Room for it is set aside.
static int decode_and_keep(dogb_loader_worker *worker, uint8_t *out, int64_t sample, dogb_rng *rng,
                           size_t size, const dogb_image_info *header) {
    const char *path = dogb_dataset_path(worker->dataset, sample);
    dogb_arena scratch = {0};
    dogb_image_info info;
    dogb_image stored;
    dogb_image image;
    uint64_t span = dogb_span_begin(DOGB_SPAN_DECODE);
    int rc = dogb_image_decode(&stored, &info, &scratch, worker->bytes, size, worker->limits, NULL,
                               path);
    dogb_span_end(DOGB_SPAN_DECODE, span, (int64_t)size);
    if (rc == DOGBREED_OK) {
        int apply = worker->preprocess->exif_orientation == DOGB_EXIF_APPLY;
        rc = dogb_image_orient(&image, &scratch, &stored, apply ? info.orientation : 1);
    }
    if (rc == DOGBREED_OK) {
        rc = dogb_image_prepare_in(out, &worker->arena, &image, worker->preprocess, rng, path);
    }
    if (rc == DOGBREED_OK) {
        dogb_decoded_cache_put(worker->conf->cache, sample, &image);
    } else {
        dogb_decoded_cache_give_back(worker->conf->cache, header->width, header->height);
    }
    dogb_arena_free(&scratch);
    return rc;
}

int dogb_loader_prepare(dogb_loader_worker *worker, uint8_t *out, int64_t sample) {
    const dogb_loader_conf *conf = worker->conf;
    const char *path = dogb_dataset_path(worker->dataset, sample);
    dogb_rng generator;
    dogb_rng *rng = NULL;
    size_t size = 0;
    if (conf->augment) {
        dogb_rng_init(&generator, conf->seed, DOGB_RNG_AUGMENT, (uint64_t)sample,
                      (uint32_t)conf->epoch);
        rng = &generator;
    }
    if (conf->cache != NULL) {
        const dogb_image *image = dogb_decoded_cache_find(conf->cache, sample);
        if (image != NULL) {
            return dogb_image_prepare_in(out, &worker->arena, image, worker->preprocess, rng, path);
        }
    }
    uint64_t span = dogb_span_begin(DOGB_SPAN_READ);
    int rc = dogb_file_read_into(&worker->bytes, &worker->capacity, &size, &worker->arena, path,
                                 (size_t)dogb_dataset_options(worker->dataset)->bytes_max);
    dogb_span_end(DOGB_SPAN_READ, span, (int64_t)size);
    if (rc < 0) {
        return rc;
    }
    if (conf->cache != NULL) {
        dogb_image_info header;
        rc = dogb_image_probe(&header, worker->bytes, size, worker->limits, path);
        if (rc < 0) {
            return rc;
        }
        if (dogb_decoded_cache_reserve(conf->cache, header.width, header.height)) {
            return decode_and_keep(worker, out, sample, rng, size, &header);
        }
    }
    return dogb_image_load(out, NULL, &worker->arena, worker->bytes, size, worker->limits,
                           worker->preprocess, rng, NULL, path);
}
