// event.c - see event.h. The values are the last bytes of each message around them, so they need
// not be moved when lengths are known: from the inside out, each message is a head in front of the
// rest.
#include "record/event.h"

#include "core/wire.h"

#include <dogbreed/record.h>

#include <stdio.h>

static void put_shape(dogb_buffer *out, const dogb_record_event *e) {
    size_t shape = dogb_wire_open(out, 2);
    for (int32_t i = 0; i < e->rank; i++) {
        char size[24];
        size_t dimension = dogb_wire_open(out, 2);
        if (e->shape[i] != 0) {
            dogb_wire_integer(out, 1, e->shape[i]);
        }
        (void)snprintf(size, sizeof size, "_%lld", (long long)e->shape[i]);
        size_t name = dogb_wire_open(out, 2);
        dogb_buffer_add(out, e->name);
        dogb_buffer_add(out, size);
        dogb_wire_close(out, name);
        dogb_wire_close(out, dimension);
    }
    dogb_wire_close(out, shape);
}

// Texts have no type and stand each in a field of their own.
static void put_tensor(dogb_buffer *out, const dogb_record_event *e) {
    if (e->dtype != DOGBREED_RECORD_TEXT) {
        dogb_wire_integer(out, 1, e->dtype);
    }
    put_shape(out, e);
    if (e->dtype != DOGBREED_RECORD_TEXT) {
        dogb_wire_begin(out, 4, e->size);
        return;
    }
    for (int64_t i = 0; i < e->shape[0]; i++) {
        dogb_wire_text(out, 8, e->texts[i]);
    }
}

static void put_plugin(dogb_buffer *out, const char *name, int64_t content) {
    char digits[24];
    (void)snprintf(digits, sizeof digits, "%lld", (long long)content);
    size_t plugin = dogb_wire_open(out, 1);
    dogb_wire_text(out, 1, name);
    dogb_wire_text(out, 2, digits);
    dogb_wire_close(out, plugin);
}

// smdebug declares the data of plugins repeated, and has two.
static void put_value(dogb_buffer *out, const dogb_record_event *e) {
    dogb_wire_text(out, 1, e->name);
    size_t metadata = dogb_wire_open(out, 9);
    put_plugin(out, "mode_step", e->mode_step);
    put_plugin(out, "mode", e->mode);
    dogb_wire_close(out, metadata);
}

static void put_inner(dogb_buffer *out, uint32_t field, const dogb_buffer *inner, size_t behind) {
    if (inner->rc < 0) {
        out->rc = inner->rc;
        return;
    }
    dogb_wire_begin(out, field, inner->length + behind);
    dogb_buffer_put(out, inner->data, inner->length);
}

void dogb_record_event_put(dogb_buffer *out, const dogb_record_event *e) {
    dogb_arena scratch = {0};
    dogb_buffer tensor = {.arena = &scratch};
    dogb_buffer value = {.arena = &scratch};
    dogb_buffer summary = {.arena = &scratch};
    put_tensor(&tensor, e);
    put_value(&value, e);
    put_inner(&value, 8, &tensor, e->size);
    put_inner(&summary, 1, &value, e->size);
    dogb_wire_double(out, 1, e->time);
    if (e->step != 0) {
        dogb_wire_integer(out, 2, e->step);
    }
    put_inner(out, 5, &summary, e->size);
    dogb_arena_free(&scratch);
}
