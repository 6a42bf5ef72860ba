// batch.c - many files: decoded by threads, computed in batches, each with a result of its own.
#include "core/error.h"
#include "core/thread.h"
#include "predictor/predictor_struct.h"

#include <string.h>

typedef struct chunk {
    const dogbreed_predictor *predictor;
    const char *const *paths;
    uint8_t *pictures;
    int32_t *codes; // of this chunk's files
    int stop;       // a failure ends the call
} chunk;

static int load_one(int64_t index, void *userdata) {
    chunk *c = userdata;
    dogb_arena scratch = {0};
    uint8_t *picture = c->pictures + (size_t)index * dogb_predictor_picture(c->predictor);
    const char *path = c->paths[index];
    int rc = path == NULL ? dogb_fail(DOGBREED_ERROR_INVALID_ARGUMENT, "predict: a path is NULL")
                          : dogb_predictor_load(c->predictor, picture, &scratch, path, NULL);
    dogb_arena_free(&scratch);
    c->codes[index] = rc;
    return c->stop ? rc : DOGBREED_OK;
}

// The pictures that could be read, closed up, through the network; results back to their places.
static int compute(dogbreed_predictor *predictor, dogb_arena *scratch, const chunk *c, int32_t size,
                   dogbreed_prediction *out, int32_t count) {
    size_t picture = dogb_predictor_picture(predictor);
    int32_t good = 0;
    for (int32_t i = 0; i < size; i++) {
        if (c->codes[i] == DOGBREED_OK) {
            if (good < i) {
                memcpy(c->pictures + (size_t)good * picture, c->pictures + (size_t)i * picture,
                       picture);
            }
            good++;
        }
    }
    int rc = good == 0 ? DOGBREED_OK
                       : dogb_predictor_compute(predictor, scratch, c->pictures, good, out, count);
    for (int32_t i = size - 1; rc == DOGBREED_OK && i >= 0; i--) { // from behind: nothing is lost
        dogbreed_prediction *place = out + (size_t)i * (size_t)count;
        if (c->codes[i] == DOGBREED_OK) {
            good--;
            memmove(place, out + (size_t)good * (size_t)count, (size_t)count * sizeof *out);
        } else {
            for (int32_t k = 0; k < count; k++) {
                place[k] = (dogbreed_prediction){.index = -1, .probability = 0.0F};
            }
        }
    }
    return rc;
}

int dogbreed_predictor_predict_batch(dogbreed_predictor *predictor, const char *const *paths,
                                     int32_t path_count, dogbreed_prediction *out, int32_t count,
                                     int32_t *codes) {
    dogb_arena scratch = {0};
    int rc = dogb_predictor_check(predictor, out, count);
    if (rc < 0) {
        return rc;
    }
    DOGB_CHECK(paths != NULL && path_count >= 0, "predict: there are no paths");
    int32_t batch =
        predictor->options.batch_size < path_count ? predictor->options.batch_size : path_count;
    chunk c = {.predictor = predictor, .stop = codes == NULL};
    c.pictures = dogb_alloc_raw(&scratch, (size_t)batch + 1, dogb_predictor_picture(predictor));
    c.codes = dogb_alloc(&scratch, (size_t)batch + 1, sizeof *c.codes);
    if (c.pictures == NULL || c.codes == NULL) {
        rc = DOGBREED_ERROR_NO_MEMORY;
    }
    for (int64_t first = 0; rc == DOGBREED_OK && first < path_count; first += batch) {
        int32_t size = path_count - first < batch ? (int32_t)(path_count - first) : batch;
        c.paths = paths + first;
        rc = dogb_parallel(predictor->threads, size, load_one, &c);
        if (rc == DOGBREED_OK) {
            rc = compute(predictor, &scratch, &c, size, out + (size_t)first * (size_t)count, count);
        }
        if (codes != NULL) {
            memcpy(codes + first, c.codes, (size_t)size * sizeof *codes);
        }
    }
    dogb_arena_free(&scratch);
    return rc;
}
