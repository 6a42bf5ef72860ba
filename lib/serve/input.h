// input.h - bodies of requests as pictures for the batcher: encoded ones, and tensors in four
// formats. Pure functions; everything lives in the request's arena and in its body.
#ifndef DOGB_SERVE_INPUT_H
#define DOGB_SERVE_INPUT_H

#include "core/wire.h"
#include "serve/batcher.h"
#include "serve/numbers.h"
#include "serve/request.h"

// What the formats know of the model.
typedef struct dogb_model_facts {
    const char *name;
    const char *version;
    const char *const *labels; // [classes]
    int32_t classes;
    int32_t side;      // of the network's input, pixels
    int32_t items_max; // pictures of one request
} dogb_model_facts;

typedef struct dogb_input {
    dogb_item *items; // with room for their logits
    int32_t count;
    int32_t tensor; // 1: preprocessed
    int32_t top;    // of query `top_k`, at most the number of classes; 0: not asked for
} dogb_input;

// By Content-Type, with the queries `crop=left,top,right,bottom` and `top_k=5`. Whether a picture
// is one is seen when it is decoded. <0: the reply holds the error (400, 413, 415, 503).
int dogb_input_read(dogb_input *out, dogb_reply *reply, dogb_request *r,
                    const dogb_model_facts *facts);

enum { DOGB_LONG_TEXT = 64 << 10 }; // bytes of numbers: about a millisecond at worst

// 1: a text of numbers, or JSON, that takes longer to read.
int dogb_input_is_long(const dogb_request *r);

// --- for every format that holds pictures

// `count` items, each with room for its logits. FORMAT: none; INDEX: more than items_max.
int dogb_input_start(dogb_input *out, dogb_request *r, const dogb_model_facts *facts, size_t count);

// Pictures behind each other, float32 at any address. FORMAT: one is not finite.
int dogb_input_tensors(dogb_input *out, const void *numbers, const dogb_model_facts *facts);

// `count` pictures from an array of JSON with as many numbers as they have. FORMAT, INDEX.
int dogb_input_numbers(dogb_input *out, dogb_request *r, const dogb_numbers *numbers, int32_t count,
                       const dogb_model_facts *facts);

// An item as text in base64, or as {"b64": text}. FORMAT.
int dogb_input_text(dogb_item *out, dogb_request *r, const json_t *value);

#endif
