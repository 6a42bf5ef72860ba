// served.h - a model that requests are computed with: its predictor, its batcher, what formats know
// of it.
#ifndef DOGB_SERVE_SERVED_H
#define DOGB_SERVE_SERVED_H

#include "serve/input.h"

#include <dogbreed/serve.h>

typedef struct dogb_served { // starts as zeros
    dogb_model_facts facts;
    dogbreed_predictor *predictor;
    dogb_batcher *batcher;
} dogb_served;

// name and version are borrowed, labels live in the arena. NOT_FOUND, FORMAT, ...,
// INVALID_ARGUMENT: a name or version that cannot stand in an address. What is there after a
// failure is closed too.
int dogb_served_open(dogb_served *out, dogb_arena *arena, const char *path, const char *name,
                     const char *version, const dogbreed_serve_options *options,
                     const dogbreed_predictor_options *predictor);
void dogb_served_close(dogb_served *served);

// Names stand in addresses: one part of them, without escapes.
int dogb_served_is_name(const char *name);

#endif
