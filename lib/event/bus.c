// bus.c - subscriptions and delivery. Knows nothing of training: the loop fills the event, the bus
// adds the tensors' source and hands it round. Subscriptions may come and go while an event is
// being delivered: the list is only compacted when no delivery is under way.
#include "event/bus.h"
#include "core/error.h"
#include "event/delivery.h"

#include <string.h>

typedef struct subscription {
    dogbreed_event_fn fn; // NULL: released, waiting for compaction
    void *userdata;
    uint64_t mask;
    int32_t id;
    int32_t reserved;
} subscription;

struct dogb_bus {
    dogb_arena *arena;
    subscription *items; // order of subscription
    size_t count;
    size_t capacity;
    uint64_t mask; // union of the live ones
    int32_t next_id;
    int32_t depth; // deliveries under way; a callback may cause another event
};

int dogb_bus_create(dogb_bus **out, dogb_arena *arena) {
    *out = NULL;
    dogb_bus *bus = dogb_alloc(arena, 1, sizeof *bus);
    if (bus == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    bus->arena = arena;
    bus->next_id = 1;
    *out = bus;
    return DOGBREED_OK;
}

static void refresh(dogb_bus *bus) {
    size_t kept = 0;
    bus->mask = 0;
    for (size_t i = 0; i < bus->count; i++) {
        bus->mask |= bus->items[i].fn == NULL ? 0 : bus->items[i].mask;
        if (bus->depth == 0 && bus->items[i].fn != NULL) {
            bus->items[kept++] = bus->items[i];
        }
    }
    if (bus->depth == 0) {
        bus->count = kept;
    }
}

int dogb_bus_subscribe(dogb_bus *bus, int32_t *id, uint64_t mask, dogbreed_event_fn fn,
                       void *userdata) {
    if (bus->next_id == INT32_MAX) {
        return dogb_fail(DOGBREED_ERROR_STATE, "subscribe: out of subscription numbers");
    }
    int rc = dogb_grow(bus->arena, &bus->items, &bus->capacity, bus->count, sizeof *bus->items);
    if (rc < 0) {
        return rc;
    }
    subscription *item = &bus->items[bus->count++];
    *item = (subscription){.fn = fn, .userdata = userdata, .mask = mask, .id = bus->next_id++};
    bus->mask |= mask;
    if (id != NULL) {
        *id = item->id;
    }
    return DOGBREED_OK;
}

int dogb_bus_release(dogb_bus *bus, int32_t id) {
    for (size_t i = 0; i < bus->count; i++) {
        if (bus->items[i].id == id && bus->items[i].fn != NULL) {
            bus->items[i].fn = NULL;
            refresh(bus);
            return DOGBREED_OK;
        }
    }
    return dogb_fail(DOGBREED_ERROR_NOT_FOUND, "release: there is no subscription %d", (int)id);
}

uint64_t dogb_bus_mask(const dogb_bus *bus) {
    return bus->mask;
}

int dogb_bus_active(const dogb_bus *bus) {
    return bus->depth > 0;
}

// A callback that failed in a call of this library has left its message: it is the reason.
static int refused(const dogbreed_event *event, const subscription *item, int rc) {
    dogb_error_state now;
    dogb_error_save(&now, rc);
    return dogb_fail(
        DOGBREED_ERROR_CALLBACK, "%s event: the callback of subscription %d returned %d%s%s",
        dogb_event_name(event->kind), (int)item->id, rc, now.text[0] == '\0' ? "" : ": ", now.text);
}

// Calls one callback with no message set, so that what it leaves is its own; an older one comes
// back when it leaves none.
static int call(const subscription *item, const dogbreed_event *event) {
    static const dogb_error_state none;
    dogb_error_state before;
    dogb_error_save(&before, 0);
    (void)dogb_error_restore(&none);
    int rc = item->fn(event, item->userdata);
    if (rc >= 0 && dogbreed_error_message()[0] == '\0') {
        (void)dogb_error_restore(&before);
    }
    return rc;
}

// Hands the event to everyone who was subscribed when it began; a subscription made meanwhile hears
// the next one.
static int deliver(dogb_bus *bus, const dogbreed_event *event) {
    uint64_t bit = DOGBREED_EVENT_MASK(event->kind);
    size_t count = bus->count;
    int result = DOGBREED_OK;
    for (size_t i = 0; i < count; i++) {
        subscription item = bus->items[i]; // a copy: the callback may make the array move
        if (item.fn == NULL || (item.mask & bit) == 0) {
            continue;
        }
        int rc = call(&item, event);
        if (rc < 0) {
            return refused(event, &item, rc);
        }
        if (rc == DOGBREED_STOP) {
            result = DOGBREED_STOP; // the others still hear of this event
        }
    }
    return result;
}

int dogb_bus_send(dogb_bus *bus, dogbreed_event *event, const dogb_bus_source *source) {
    if ((bus->mask & DOGBREED_EVENT_MASK(event->kind)) == 0) {
        return DOGBREED_OK;
    }
    dogb_delivery delivery = {.bus = bus, .source = source};
    event->struct_size = (uint32_t)sizeof *event;
    event->text = event->text == NULL ? "" : event->text;
    event->rule = event->rule == NULL ? "" : event->rule;
    event->tensor_count = 0;
    event->context = &delivery;
    if (source != NULL && source->net != NULL) {
        int32_t count = source->engine->tensor_count(source->net, source->what);
        delivery.net_count = count < 0 ? 0 : count;
    }
    event->tensor_count = delivery.net_count + (source == NULL ? 0 : source->array_count);
    delivery.tensor_count = event->tensor_count;
    bus->depth++;
    int rc = deliver(bus, event);
    bus->depth--;
    event->context = NULL;
    if (bus->depth == 0) {
        refresh(bus);
    }
    return rc;
}
