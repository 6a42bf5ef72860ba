// events.c - version, restart, points of curves. Numbers of fields: tensorflow's event.proto,
// summary.proto, tensor.proto.
#include "tensorboard/events.h"

#include "core/wire.h"
#include "tensorboard/messages.h"
#include "tensorboard/record.h"

static const char SCALARS[] = "scalars";

size_t dogb_event_open(dogb_buffer *out, double time) {
    size_t at = out->length;
    dogb_wire_double(out, 1, time);
    return at;
}

void dogb_board_version(dogb_buffer *out, double time) {
    size_t event = dogb_event_open(out, time);
    dogb_wire_text(out, 3, "brain.Event:2");
    dogb_record_close(out, event);
}

static void put_step(dogb_buffer *out, int64_t step) {
    if (step != 0) {
        dogb_wire_integer(out, 2, step);
    }
}

void dogb_board_restart(dogb_buffer *out, double time, int64_t step) {
    enum { START = 1 };
    size_t event = dogb_event_open(out, time);
    put_step(out, step);
    size_t session = dogb_wire_open(out, 7);
    dogb_wire_integer(out, 1, START);
    dogb_wire_close(out, session);
    dogb_record_close(out, event);
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

static void put_tensor(dogb_buffer *out, double value) {
    enum { FLOAT = 1 };
    size_t tensor = dogb_wire_open(out, 8);
    dogb_wire_integer(out, 1, FLOAT);
    dogb_wire_close(out, dogb_wire_open(out, 2)); // a single number
    size_t values = dogb_wire_open(out, 5);
    dogb_wire_put32(out, dogb_wire_bits((float)value));
    dogb_wire_close(out, values);
    dogb_wire_close(out, tensor);
}

void dogb_board_point(dogb_buffer *out, const dogb_point_event *point) {
    size_t event = dogb_event_open(out, point->time);
    put_step(out, point->step);
    size_t summary = dogb_wire_open(out, 5);
    size_t value = dogb_wire_open(out, 1);
    dogb_wire_text(out, 1, point->tag);
    if (point->first) {
        size_t data = 0;
        size_t metadata = dogb_metadata_open(out, SCALARS, &data);
        dogb_metadata_close(out, metadata, data, DOGB_CLASS_SCALAR);
    }
    put_tensor(out, point->value);
    dogb_wire_close(out, value);
    dogb_wire_close(out, summary);
    dogb_record_close(out, event);
}
