// event.h - the event of a stored tensor as smdebug writes it: TensorFlow's Event, up to the
// values.
#ifndef DOGB_RECORD_EVENT_H
#define DOGB_RECORD_EVENT_H

#include "core/buffer.h"

#include <stdint.h>

typedef struct dogb_record_event {
    const char *name;
    double time;
    int64_t step;
    int64_t mode_step;
    int32_t mode;
    int32_t dtype; // DOGBREED_RECORD_; TEXT: the values are in the event
    int32_t rank;
    int32_t reserved;
    const int64_t *shape;
    const char *const *texts; // of TEXT, shape[0] of them
    size_t size;              // bytes of the values, which the caller puts behind
} dogb_record_event;

void dogb_record_event_put(dogb_buffer *out, const dogb_record_event *event);

#endif
