// input.c - training on stored features never sees a picture. A rule that judges the network's
// input gets pictures of the training split here, prepared as the features' were, before the first
// step.
#include "core/error.h"
#include "core/file.h"
#include "core/log.h"
#include "core/thread.h"
#include "dataset/dataset_internal.h"
#include "debug/debug_internal.h"
#include "image/image.h"
#include "model/model_internal.h"

#include <dogbreed/record.h>
#include <string.h>

enum { PICTURES = 512, TOGETHER = 32 };

typedef struct reading {
    const dogbreed_dataset *dataset;
    const dogb_preprocess *preprocess;
    int64_t first; // of the samples that are read, which are spread over the split
    int64_t stride;
    float *values; // [TOGETHER][3][side][side]
    int32_t readable[TOGETHER];
} reading;

// A file that cannot be read is left out; the features have warned of it.
static int read_one(int64_t index, void *userdata) {
    reading *r = userdata;
    dogb_arena scratch = {0};
    dogbreed_sample sample = {.struct_size = (uint32_t)sizeof sample};
    int32_t side = r->preprocess->crop;
    size_t size = 3 * (size_t)side * (size_t)side;
    void *bytes = NULL;
    size_t count = 0;
    uint8_t *pixels = dogb_alloc_raw(&scratch, size, 1);
    dogb_image_limits limits;
    dogb_image_limits_default(&limits);
    int rc = pixels == NULL
                 ? DOGBREED_ERROR_NO_MEMORY
                 : dogbreed_dataset_sample(r->dataset, r->first + index * r->stride, &sample);
    rc = rc < 0 ? rc : dogb_file_read(&bytes, &count, &scratch, sample.path, (size_t)1 << 28);
    rc = rc < 0 ? rc
                : dogb_image_load(pixels, NULL, &scratch, bytes, count, &limits, r->preprocess,
                                  NULL, NULL, sample.path);
    r->readable[index] = rc == DOGBREED_OK;
    if (rc == DOGBREED_OK) {
        dogb_normalize(r->values + (size_t)index * size, pixels, side, r->preprocess->mean,
                       r->preprocess->deviation);
    }
    dogb_arena_free(&scratch);
    return DOGBREED_OK;
}

static void pack(reading *r, int64_t *count) {
    size_t size = 3 * (size_t)r->preprocess->crop * (size_t)r->preprocess->crop;
    int64_t kept = 0;
    for (int64_t i = 0; i < *count; i++) {
        if (r->readable[i]) {
            memmove(r->values + (size_t)kept * size, r->values + (size_t)i * size,
                    size * sizeof *r->values);
            kept++;
        }
    }
    *count = kept;
}

static void show(dogbreed_debug *debug, dogb_subject *one, reading *r, int64_t count) {
    int64_t side = r->preprocess->crop;
    one->tensor.rank = 4;
    one->tensor.shape[0] = count;
    one->tensor.shape[1] = 3;
    one->tensor.shape[2] = side;
    one->tensor.shape[3] = side;
    debug->shown = (dogb_shown){.values = r->values, .count = (size_t)(count * 3 * side * side)};
    (void)dogb_rules_see(debug->rules, &debug->moment, &one->tensor);
    debug->shown = (dogb_shown){0};
}

static dogb_subject *find_input(const dogbreed_debug *debug) {
    for (int32_t i = 0; i < debug->subjects.count; i++) {
        if (debug->subjects.items[i].tensor.what == DOGBREED_TENSOR_INPUT) {
            return &debug->subjects.items[i];
        }
    }
    return NULL;
}

void dogb_debug_pictures(dogbreed_debug *debug) {
    dogb_subject *input = find_input(debug);
    const dogbreed_dataset *dataset = dogb_trainer_train_set(debug->trainer);
    int64_t size = dogbreed_dataset_size(dataset);
    int64_t count = size < PICTURES ? size : PICTURES;
    if (!dogb_trainer_cached(debug->trainer) || input->wanted == 0 || debug->epochs_alone) {
        return;
    }
    dogb_arena scratch = {0};
    reading r = {.dataset = dataset,
                 .preprocess = dogb_model_preprocess(dogb_trainer_model(debug->trainer)),
                 .stride = size / count};
    size_t side = (size_t)r.preprocess->crop;
    int32_t threads = dogb_thread_count(dogb_trainer_options(debug->trainer)->loader_threads);
    r.values = dogb_alloc_raw(&scratch, TOGETHER * 3 * side * side, sizeof *r.values);
    debug->moment.mode = DOGBREED_MODE_TRAIN;
    input->wanted = 0; // features, which it would be shown later, are no pictures
    for (int64_t i = 0; r.values != NULL && i < count; i += TOGETHER) {
        int64_t now = count - i < TOGETHER ? count - i : TOGETHER;
        r.first = i * r.stride;
        if (dogb_parallel(threads, now, read_one, &r) == DOGBREED_OK) {
            pack(&r, &now);
            show(debug, input, &r, now);
        }
    }
    (void)dogb_rules_step(debug->rules, &debug->moment);
    dogb_arena_free(&scratch);
}
