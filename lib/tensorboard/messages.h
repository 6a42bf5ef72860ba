// messages.h - what events of all kinds begin and end with; shared by events.c, summaries.c and
// hparams.c.
#ifndef DOGB_TENSORBOARD_MESSAGES_H
#define DOGB_TENSORBOARD_MESSAGES_H

#include "core/buffer.h"

#include <stddef.h>
#include <stdint.h>

enum { DOGB_CLASS_SCALAR = 1, DOGB_CLASS_TENSOR = 2, DOGB_CLASS_BLOBS = 3 };
enum { DOGB_TYPE_FLOAT = 1, DOGB_TYPE_DOUBLE = 2, DOGB_TYPE_TEXT = 7 }; // TensorFlow's codes

// An event that dogb_frame_close ends; its step.
size_t dogb_event_open(dogb_buffer *out, double time);
void dogb_event_step(dogb_buffer *out, int64_t step);

// An event with one value, open behind its tag, and its end. Times and steps as in events.h.
typedef struct dogb_value_marks {
    size_t event;
    size_t summary;
    size_t value;
} dogb_value_marks;
dogb_value_marks dogb_value_open(dogb_buffer *out, double time, int64_t step, const char *tag);
void dogb_value_close(dogb_buffer *out, dogb_value_marks marks);

// Metadata of a value, open where the plugin's own data go: field 2, as a message or bytes.
size_t dogb_metadata_open(dogb_buffer *out, const char *plugin, size_t *data);
void dogb_metadata_close(dogb_buffer *out, size_t metadata, size_t data, int32_t data_class);

// A tensor as the value, open behind its shape; dogb_wire_close ends it.
size_t dogb_tensor_open(dogb_buffer *out, int32_t dtype, size_t rank, const size_t *shape);

#endif
