// predictor_struct.h - shared by the files of lib/predictor only.
#ifndef DOGB_PREDICTOR_STRUCT_H
#define DOGB_PREDICTOR_STRUCT_H

#include "core/hash.h"
#include "engine/engine.h"
#include "image/image.h"
#include "predictor/predictor_infer.h"
#include "predictor/predictor_internal.h"
#include "predictor/topk.h"

#include <dogbreed/predictor.h>

// Written by create only: calls from many threads share it without a lock.
struct dogbreed_predictor {
    dogb_arena arena;
    dogbreed_predictor_options options;
    dogb_preprocess preprocess;
    dogb_image_limits limits;
    const dogb_engine *engine;
    dogb_net *net;
    dogb_sha256 key; // of network and weights
    const char **classes;
    int64_t weight_bytes; // for engines that do not say what they take
    int64_t value_bytes;
    int32_t class_count;
    int32_t threads;
};

// NULL for the whole picture.
const dogb_rect *dogb_predictor_rectangle(dogb_rect *out, const dogbreed_rectangle *crop);

// Checks `count` of a call.
int dogb_predictor_check(const dogbreed_predictor *predictor, const dogbreed_prediction *out,
                         int32_t count);

// The network on prepared pictures, then the best of each: out[i * count ..] of picture i.
int dogb_predictor_compute(dogbreed_predictor *predictor, dogb_arena *scratch,
                           const uint8_t *pictures, int32_t pictures_count,
                           dogbreed_prediction *out, int32_t count);

// A file's bytes as a network input. crop may be NULL.
int dogb_predictor_load(const dogbreed_predictor *predictor, uint8_t *out, dogb_arena *scratch,
                        const char *path, const dogbreed_rectangle *crop);

#endif
