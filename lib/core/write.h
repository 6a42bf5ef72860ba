// write.h - pieces of JSON and CSV documents that are written by hand: texts and float32 numbers,
// each the shortest that reads back as the same (float.h).
#ifndef DOGB_CORE_WRITE_H
#define DOGB_CORE_WRITE_H

#include "core/buffer.h"

// A text of JSON with its quotes; what is not valid UTF-8 is replaced.
void dogb_write_text(dogb_buffer *out, const char *text);

void dogb_write_float(dogb_buffer *out, float value); // finite

// count numbers with commas between them.
void dogb_write_floats(dogb_buffer *out, const float *values, size_t count);

#endif
