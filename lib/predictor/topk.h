// topk.h - logits as probabilities: softmax.
#ifndef DOGB_PREDICTOR_TOPK_H
#define DOGB_PREDICTOR_TOPK_H

#include <dogbreed/predictor.h>

// NUMERIC: the network gave something that is not a number.
int dogb_logits_check(const float *logits, int32_t classes);

// The `count` largest probabilities, largest first, equal ones by class. NUMERIC.
int dogb_top(dogbreed_prediction *out, int32_t count, const float *logits, int32_t classes);

// All of them, out[classes], with the same bits. NUMERIC.
int dogb_probabilities(float *out, const float *logits, int32_t classes);

#endif
