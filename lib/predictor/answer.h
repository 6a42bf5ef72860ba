// answer.h - a picture's scores as an answer: the text of an endpoint's reply, and of a file of a
// batch transform.
#ifndef DOGB_PREDICTOR_ANSWER_H
#define DOGB_PREDICTOR_ANSWER_H

#include "core/buffer.h"

#include <dogbreed/predictor.h>

enum { DOGB_ANSWER_TOP = 5 }; // predictions where no top_k is asked for

// [{"label":"Akita","index":2,"probability":0.75},...]
void dogb_answer_predictions(dogb_buffer *out, const dogbreed_prediction *best, int32_t count,
                             const char *const *labels);

// What a client might want to know: [], or the names of what is odd. turned: of dogb_decoded.
void dogb_answer_warnings(dogb_buffer *out, int32_t turned);

// The form of a file.
typedef struct dogb_answer_form {
    int32_t accept; // DOGBREED_ACCEPT_
    int32_t top;    // predictions; 0: the scores of all classes
    int32_t classes;
    int32_t reserved;
    const char *const *labels;
} dogb_answer_form;

// `accept`, `top` and `classes` are given; says what they come to. INVALID_ARGUMENT.
int dogb_answer_form_settle(dogb_answer_form *form);
const char *dogb_answer_type(const dogb_answer_form *form); // media type

// best: room for form->top. NUMERIC; the buffer has its own rc.
int dogb_answer_write(dogb_buffer *out, const dogb_answer_form *form, const float *logits,
                      int32_t turned, dogbreed_prediction *best);

// 1: text[0..size) is all of an answer in this form. scratch may be used.
int dogb_answer_is_whole(const dogb_answer_form *form, const char *text, size_t size,
                         dogb_arena *scratch);

#endif
