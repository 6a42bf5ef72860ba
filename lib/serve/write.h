// write.h - pieces of replies: texts and numbers of JSON and CSV, rows of numbers.
#ifndef DOGB_SERVE_WRITE_H
#define DOGB_SERVE_WRITE_H

#include "core/buffer.h"
#include "serve/request.h"

// A text of JSON with its quotes; what is not valid UTF-8 is replaced.
void dogb_write_text(dogb_buffer *out, const char *text);

void dogb_write_float(dogb_buffer *out, float value); // finite

// count numbers with commas between them.
void dogb_write_floats(dogb_buffer *out, const float *values, size_t count);

// The buffer as a whole reply of status 200. Returns its rc.
int dogb_write_reply(dogb_reply *reply, const dogb_buffer *out, const char *type);

#endif
