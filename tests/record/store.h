// store.h - small tensor stores in tests.
#ifndef DOGB_TEST_STORE_H
#define DOGB_TEST_STORE_H

#include "../scratch.h"

#include "record/writer.h"

#include <dogbreed/record.h>

static inline int store_open(dogb_record_writer **out, const char *folder, int32_t crc) {
    dogb_record_conf conf = {.directory = folder, .crc = crc};
    return dogb_record_writer_open(out, &conf);
}

// Two collections: "losses" by an expression, "heads" by names, with reductions.
static inline int store_collections(dogb_record_writer *w) {
    static const char *const heads[] = {"fc.weight", "fc.bias"};
    dogb_record_save each = {.interval = 1, .end = -1};
    dogb_record_save some = {
        .interval = 10, .start = 2, .end = 90, .steps = (int64_t[]){1, 5}, .step_count = 2};
    dogb_record_collection all[] = {{.name = "losses",
                                     .include_regex = "[Ll]oss.*output",
                                     .save_raw = 1,
                                     .reductions = "",
                                     .save = {{0}, each, each, each, each}},
                                    {.name = "heads",
                                     .include_regex = "",
                                     .names = heads,
                                     .name_count = 2,
                                     .reductions = "mean,abs_max,l2,median",
                                     .save_shape = 1,
                                     .save = {{0}, some, {0}, some, some}}};
    return dogb_record_writer_collections(w, all, 2);
}

static inline float store_value(int64_t step, int i) {
    return (float)(step * 10 + i) * (i % 2 == 0 ? 0.5f : -0.5f);
}

// A loss, six weights of shape [2, 3], the bias by its mean and shape.
static inline int store_add(dogb_record_writer *w, int32_t mode, int64_t mode_step, int64_t step) {
    float loss = 1.0f / (float)(step + 1);
    float weights[6];
    for (int i = 0; i < 6; i++) {
        weights[i] = store_value(step, i);
    }
    int rc = dogb_record_writer_begin(w, mode, mode_step, step, 1700000000.25 + (double)step);
    rc = rc < 0 ? rc
                : dogb_record_writer_add(w, "CrossEntropyLoss_output_0", DOGBREED_RECORD_FLOAT32, 0,
                                         NULL, &loss);
    rc = rc < 0 ? rc
                : dogb_record_writer_add(w, "fc.weight", DOGBREED_RECORD_FLOAT32, 2,
                                         (int64_t[]){2, 3}, weights);
    rc = rc < 0 ? rc : dogb_record_writer_reduce(w, "fc.bias", "mean", weights, 6);
    rc = rc < 0 ? rc : dogb_record_writer_shape(w, "fc.bias", "bias", 1, (int64_t[]){6});
    return rc < 0 ? rc : dogb_record_writer_commit(w);
}

// `steps` of them: each fifth one of EVAL, the others of TRAIN.
static inline int store_write(const char *folder, int32_t crc, int64_t steps, int finish) {
    dogb_record_writer *w = NULL;
    int rc = store_open(&w, folder, crc);
    rc = rc < 0 ? rc : store_collections(w);
    for (int64_t step = 0; rc == 0 && step < steps; step++) {
        rc = step % 5 == 4 ? store_add(w, DOGBREED_MODE_EVAL, step / 5, step)
                           : store_add(w, DOGBREED_MODE_TRAIN, step - step / 5, step);
    }
    rc = rc < 0 || !finish ? rc : dogb_record_writer_finish(w);
    dogb_record_writer_close(w);
    return rc;
}

#endif
