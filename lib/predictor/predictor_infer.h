// predictor_infer.h - a prediction in its two halves, for who decodes and computes on threads of
// his own: the batcher of serve. Concurrent, as the public functions are.
#ifndef DOGB_PREDICTOR_PREDICTOR_INFER_H
#define DOGB_PREDICTOR_PREDICTOR_INFER_H

#include "core/arena.h"
#include "engine/engine.h"

#include <dogbreed/predictor.h>

typedef struct dogb_predictor_facts {
    const char *engine; // its name
    int32_t classes;
    int32_t side;    // of the network's input
    int32_t threads; // of a call that has the machine for itself
    // Calls side by side may share the cores: each runs on as many threads as it is told. 0: the
    // engine decides, one call at a time is best.
    int32_t shares;
} dogb_predictor_facts;
void dogb_predictor_facts_get(dogb_predictor_facts *out, const dogbreed_predictor *predictor);

size_t dogb_predictor_picture(const dogbreed_predictor *predictor); // bytes of one input

typedef struct dogb_encoded { // a JPEG or PNG in memory
    const void *bytes;
    size_t size;
    const dogbreed_rectangle *crop; // may be NULL
    const char *what;               // names it in messages
} dogb_encoded;

typedef struct dogb_decoded {
    int64_t pixels; // of the whole picture
    int32_t turned; // 1: the file says that it lies on its side, the model looks at it as it is
    int32_t reserved;
} dogb_decoded;

// Bytes that it takes: weights as its engine holds them and what computing needs, for calls of
// dogb_predictor_logits with up to `batch` pictures, `calls` side by side. Of engines that do not
// say, an estimate.
int64_t dogb_predictor_bytes(const dogbreed_predictor *predictor, int32_t batch, int32_t calls);

// To the pixels that the network sees, out[side * side * 3]. scratch: memory that is used again
// from call to call, freed by dogb_arena_free. facts may be NULL.
int dogb_predictor_decode(uint8_t *out, dogb_decoded *facts, const dogbreed_predictor *predictor,
                          dogb_arena *scratch, const dogb_encoded *in);

// Pixels as dogb_predictor_decode gives them as the floats that the network computes with,
// out[3 * side * side].
void dogb_predictor_normalize(float *out, const dogbreed_predictor *predictor,
                              const uint8_t *picture);

// The network's output, out[batch->count * classes], not looked at. Pixels as bytes, or normalised
// floats. threads: what `shares` is about.
int dogb_predictor_logits(float *out, dogbreed_predictor *predictor, const dogb_batch *batch,
                          int32_t threads);

#endif
