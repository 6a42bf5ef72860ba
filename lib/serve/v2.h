// v2.h - the Open Inference Protocol, version 2, over REST, with the extension for binary tensors.
// Pure functions; everything lives in the request's arena and in its body.
//
// Inputs, one of them per request: `image` BYTES [N], each element a JPEG or PNG (in JSON as text
// in base64), or `tensor` FP32 [N,3,side,side], preprocessed. Outputs: `logits` FP32 [N,classes],
// `probabilities` FP32 [N,classes], `label` BYTES [N,top_k].
#ifndef DOGB_SERVE_V2_H
#define DOGB_SERVE_V2_H

#include "serve/input.h"

enum { DOGB_V2_LOGITS = 0, DOGB_V2_PROBABILITIES = 1, DOGB_V2_LABEL = 2, DOGB_V2_OUTPUTS = 3 };

typedef struct dogb_v2_tensor {
    const char *name;
    const char *datatype;
} dogb_v2_tensor;
extern const dogb_v2_tensor dogb_v2_outputs[DOGB_V2_OUTPUTS];

typedef struct dogb_v2_output { // that is asked for
    int32_t kind;               // DOGB_V2_
    int32_t binary;             // 1: as bytes behind the JSON
} dogb_v2_output;

typedef struct dogb_v2 {
    dogb_input input; // top: labels of each picture
    const char *id;   // NULL: none
    dogb_v2_output outputs[DOGB_V2_OUTPUTS];
    int32_t output_count;
} dogb_v2;

// Body of an infer request. <0: the reply holds the error.
int dogb_v2_read(dogb_v2 *out, dogb_reply *reply, dogb_request *r, const dogb_model_facts *facts);

// 1: its JSON is a text that dogb_input_is_long would call long.
int dogb_v2_is_long(const dogb_request *r);

// The reply to it, when its pictures are computed. <0: the reply holds the error.
int dogb_v2_write(dogb_reply *reply, dogb_request *r, const dogb_v2 *in,
                  const dogb_model_facts *facts);

// GET /v2 and GET /v2/models/{m}. <0: the reply holds the error.
int dogb_v2_server(dogb_reply *reply, dogb_request *r);
int dogb_v2_model(dogb_reply *reply, dogb_request *r, const dogb_model_facts *facts);

// Whether a path's {m} and {v} ("": none) name this model. Otherwise the reply is 404.
int dogb_v2_find(dogb_reply *reply, dogb_request *r, const dogb_model_facts *facts,
                 const char *name, const char *version);

#endif
