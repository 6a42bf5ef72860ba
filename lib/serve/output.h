// output.h - computed pictures as replies. Numbers are the shortest texts that read back as the
// same float32 (float.h). Pure functions; the reply lives in the request's arena.
#ifndef DOGB_SERVE_OUTPUT_H
#define DOGB_SERVE_OUTPUT_H

#include "serve/input.h"

// /invocations: logits, a row per picture, in the format that Accept likes best; JSON where it
// likes none. With top_k, or as application/vnd.dogbreed+json: what dogb_predict_write writes. A
// picture that failed fails the request. <0: the reply holds the error.
int dogb_output_write(dogb_reply *reply, dogb_request *r, const dogb_input *in,
                      const dogb_model_facts *facts);

// /v1/predict: the best classes, the model, where the time went, warnings. Several pictures:
// "results", in which one that failed is {"error", "code"}, unless all failed.
int dogb_predict_write(dogb_reply *reply, dogb_request *r, const dogb_input *in,
                       const dogb_model_facts *facts);

#endif
