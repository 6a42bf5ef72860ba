// messages.h - what events of all kinds begin and end with; shared by events.c and hparams.c.
#ifndef DOGB_TENSORBOARD_MESSAGES_H
#define DOGB_TENSORBOARD_MESSAGES_H

#include "core/buffer.h"

#include <stddef.h>
#include <stdint.h>

enum { DOGB_CLASS_SCALAR = 1, DOGB_CLASS_TENSOR = 2 };

// An event that dogb_record_close ends.
size_t dogb_event_open(dogb_buffer *out, double time);

// Metadata of a value, open where the plugin's own data go: field 2, as a message or bytes.
size_t dogb_metadata_open(dogb_buffer *out, const char *plugin, size_t *data);
void dogb_metadata_close(dogb_buffer *out, size_t metadata, size_t data, int32_t data_class);

#endif
