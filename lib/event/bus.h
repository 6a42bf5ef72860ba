// bus.h - subscriptions and delivery. Belongs to one trainer; used from the thread that runs it.
#ifndef DOGB_EVENT_BUS_H
#define DOGB_EVENT_BUS_H

#include "core/arena.h"
#include "engine/engine.h"

#include <dogbreed/event.h>

typedef struct dogb_bus dogb_bus;

int dogb_bus_create(dogb_bus **out, dogb_arena *arena);
int dogb_bus_subscribe(dogb_bus *bus, int32_t *id, uint64_t mask, dogbreed_event_fn fn,
                       void *userdata);
int dogb_bus_release(dogb_bus *bus, int32_t id); // also from inside a callback, also its own
uint64_t
dogb_bus_mask(const dogb_bus *bus); // union of all masks: phases nobody listens to cost nothing
int dogb_bus_active(const dogb_bus *bus); // 1 inside a callback

// A tensor that the sender has itself, not the net. read: its values as float32.
typedef struct dogb_bus_array {
    const char *name;
    int32_t what; // DOGBREED_TENSOR_
    int32_t rank;
    int64_t shape[4];
    int (*read)(float *out, const struct dogb_bus_array *array);
    const void *data;
    const void *context; // read's own
} dogb_bus_array;

// Where the tensors of an event come from: those of a net (NULL: none) that are `what`, a
// DOGBREED_TENSOR_, and then the arrays.
typedef struct dogb_bus_source {
    const dogb_engine *engine;
    dogb_net *net;
    int32_t what;
    int32_t array_count;
    const dogb_bus_array *arrays;
} dogb_bus_source;

// Delivers in order of subscription. Returns 0, DOGBREED_STOP, or ERROR_CALLBACK (first negative
// result; its value is in the message). source may be NULL.
int dogb_bus_send(dogb_bus *bus, dogbreed_event *event, const dogb_bus_source *source);

#endif
