// events.c - version, restart, points of curves. Numbers of fields: tensorflow's event.proto,
// summary.proto, tensor.proto.
#include "tensorboard/events.h"

#include "core/wire.h"
#include "tensorboard/messages.h"
#include "tensorboard/frame.h"

static const char SCALARS[] = "scalars";

size_t dogb_event_open(dogb_buffer *out, double time) {
    size_t at = out->length;
    dogb_wire_double(out, 1, time);
    return at;
}

void dogb_board_version(dogb_buffer *out, double time) {
    size_t event = dogb_event_open(out, time);
    dogb_wire_text(out, 3, "brain.Event:2");
    dogb_frame_close(out, event);
}

void dogb_event_step(dogb_buffer *out, int64_t step) {
    if (step != 0) {
        dogb_wire_integer(out, 2, step);
    }
}

void dogb_board_restart(dogb_buffer *out, double time, int64_t step) {
    enum { START = 1 };
    size_t event = dogb_event_open(out, time);
    dogb_event_step(out, step);
    size_t session = dogb_wire_open(out, 7);
    dogb_wire_integer(out, 1, START);
    dogb_wire_close(out, session);
    dogb_frame_close(out, event);
}

size_t dogb_metadata_open(dogb_buffer *out, const char *plugin, size_t *data) {
    size_t metadata = dogb_wire_open(out, 9);
    *data = dogb_wire_open(out, 1);
    dogb_wire_text(out, 1, plugin);
    return metadata;
}

void dogb_metadata_close(dogb_buffer *out, size_t metadata, size_t data, int32_t data_class) {
    dogb_wire_close(out, data);
    dogb_wire_integer(out, 4, data_class);
    dogb_wire_close(out, metadata);
}

dogb_value_marks dogb_value_open(dogb_buffer *out, double time, int64_t step, const char *tag) {
    dogb_value_marks marks = {.event = dogb_event_open(out, time)};
    dogb_event_step(out, step);
    marks.summary = dogb_wire_open(out, 5);
    marks.value = dogb_wire_open(out, 1);
    dogb_wire_text(out, 1, tag);
    return marks;
}

void dogb_value_close(dogb_buffer *out, dogb_value_marks marks) {
    dogb_wire_close(out, marks.value);
    dogb_wire_close(out, marks.summary);
    dogb_frame_close(out, marks.event);
}

size_t dogb_tensor_open(dogb_buffer *out, int32_t dtype, size_t rank, const size_t *shape) {
    size_t tensor = dogb_wire_open(out, 8);
    dogb_wire_integer(out, 1, dtype);
    size_t sizes = dogb_wire_open(out, 2);
    for (size_t i = 0; i < rank; i++) {
        size_t dimension = dogb_wire_open(out, 2);
        dogb_wire_integer(out, 1, (int64_t)shape[i]);
        dogb_wire_close(out, dimension);
    }
    dogb_wire_close(out, sizes);
    return tensor;
}

void dogb_board_point(dogb_buffer *out, const dogb_point_event *point) {
    dogb_value_marks marks = dogb_value_open(out, point->time, point->step, point->tag);
    if (point->first) {
        size_t data = 0;
        size_t metadata = dogb_metadata_open(out, SCALARS, &data);
        dogb_metadata_close(out, metadata, data, DOGB_CLASS_SCALAR);
    }
    size_t tensor = dogb_tensor_open(out, DOGB_TYPE_FLOAT, 0, NULL);
    size_t values = dogb_wire_open(out, 5);
    dogb_wire_put32(out, dogb_wire_bits((float)point->value));
    dogb_wire_close(out, values);
    dogb_wire_close(out, tensor);
    dogb_value_close(out, marks);
}
