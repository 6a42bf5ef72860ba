// event.c - the public view of an event's tensors: description, values, statistics. The values stay
// where the engine has them until a callback asks.
#include "core/error.h"
#include "core/stats.h"
#include "event/delivery.h"

#include <string.h>

static const char *const event_names[] = {
    [DOGBREED_EVENT_RUN_BEGIN] = "RUN_BEGIN",     [DOGBREED_EVENT_RUN_END] = "RUN_END",
    [DOGBREED_EVENT_EPOCH_BEGIN] = "EPOCH_BEGIN", [DOGBREED_EVENT_EPOCH_END] = "EPOCH_END",
    [DOGBREED_EVENT_STEP_BEGIN] = "STEP_BEGIN",   [DOGBREED_EVENT_BATCH_READY] = "BATCH_READY",
    [DOGBREED_EVENT_FORWARD_END] = "FORWARD_END", [DOGBREED_EVENT_BACKWARD_END] = "BACKWARD_END",
    [DOGBREED_EVENT_STEP_END] = "STEP_END",       [DOGBREED_EVENT_EVAL_BEGIN] = "EVAL_BEGIN",
    [DOGBREED_EVENT_EVAL_END] = "EVAL_END",       [DOGBREED_EVENT_CHECKPOINT] = "CHECKPOINT",
    [DOGBREED_EVENT_FINDING] = "FINDING",         [DOGBREED_EVENT_PROGRESS] = "PROGRESS",
};

const char *dogb_event_name(int32_t kind) {
    size_t count = sizeof event_names / sizeof event_names[0];
    return kind >= 0 && (size_t)kind < count ? event_names[kind] : "UNKNOWN";
}

// A tensor of an event: `array`, or number `index` of the source's net.
typedef struct place {
    const dogb_bus_source *source;
    const dogb_bus_array *array;
    int32_t index;
} place;

// Where tensor `index` is, or an error that says why there is none.
static int find(place *out, const dogbreed_event *event, int32_t index) {
    *out = (place){NULL, NULL, index};
    if (event->context == NULL) {
        return dogb_fail(DOGBREED_ERROR_STATE, "event: tensors can be viewed inside the callback "
                                               "only");
    }
    const dogb_delivery *delivery = event->context;
    if (index < 0 || index >= delivery->tensor_count) {
        return dogb_fail(DOGBREED_ERROR_INVALID_ARGUMENT,
                         "index: %d is out of range, this %s event offers %d tensors", (int)index,
                         dogb_event_name(event->kind), (int)delivery->tensor_count);
    }
    out->source = delivery->source;
    if (index >= delivery->net_count) {
        out->array = &delivery->source->arrays[index - delivery->net_count];
    }
    return DOGBREED_OK;
}

static int describe(dogbreed_tensor *out, const place *at) {
    memset(out, 0, sizeof *out);
    out->struct_size = (uint32_t)sizeof *out;
    if (at->array != NULL) {
        out->what = at->array->what;
        out->name = at->array->name;
        out->rank = at->array->rank;
        memcpy(out->shape, at->array->shape, sizeof out->shape);
        return DOGBREED_OK;
    }
    const dogb_bus_source *source = at->source;
    int rc = source->engine->tensor_describe(source->net, source->what, at->index, out);
    out->what = source->what;
    return dogb_engine_result(source->engine, rc, "tensor");
}

static size_t elements(const dogbreed_tensor *tensor) {
    size_t count = 1;
    for (int32_t i = 0; i < tensor->rank && i < 4; i++) {
        count *= (size_t)tensor->shape[i];
    }
    return count;
}

int dogbreed_event_tensor(dogbreed_tensor *out, const dogbreed_event *event, int32_t index) {
    DOGB_CHECK(out != NULL, "out: is NULL");
    DOGB_CHECK(out->struct_size >= 2 * sizeof(uint32_t),
               "out: struct_size %u is impossible, set it to sizeof(dogbreed_tensor)",
               (unsigned)out->struct_size);
    DOGB_CHECK(event != NULL, "event: is NULL");
    place at;
    dogbreed_tensor full;
    int rc = find(&at, event, index);
    if (rc == DOGBREED_OK && (rc = describe(&full, &at)) == DOGBREED_OK) {
        full.struct_size = out->struct_size;
        memcpy(out, &full, out->struct_size < sizeof full ? out->struct_size : sizeof full);
    }
    return rc;
}

int dogbreed_event_tensor_read(const dogbreed_event *event, int32_t index, float *buffer,
                               size_t count) {
    DOGB_CHECK(event != NULL, "event: is NULL");
    DOGB_CHECK(buffer != NULL, "buffer: is NULL");
    place at;
    dogbreed_tensor tensor;
    int rc = find(&at, event, index);
    if (rc < 0 || (rc = describe(&tensor, &at)) < 0) {
        return rc;
    }
    DOGB_CHECK(count == elements(&tensor), "count: %zu, but %s has %zu elements", count,
               tensor.name, elements(&tensor));
    if (at.array != NULL) {
        return at.array->read(buffer, at.array);
    }
    const dogb_bus_source *source = at.source;
    rc = source->engine->tensor_read(source->net, source->what, index, buffer, count);
    return dogb_engine_result(source->engine, rc, tensor.name);
}

static int array_stats(dogbreed_tensor_stats *out, const place *at) {
    dogb_arena scratch = {0};
    dogbreed_tensor tensor;
    int rc = describe(&tensor, at);
    float *values = rc < 0 ? NULL : dogb_alloc_raw(&scratch, elements(&tensor), sizeof *values);
    if (rc == DOGBREED_OK && values == NULL) {
        rc = DOGBREED_ERROR_NO_MEMORY;
    }
    rc = rc < 0 ? rc : at->array->read(values, at->array);
    if (rc == DOGBREED_OK) {
        dogb_stats(out, values, elements(&tensor));
    }
    dogb_arena_free(&scratch);
    return rc;
}

int dogbreed_event_tensor_stats(dogbreed_tensor_stats *out, const dogbreed_event *event,
                                int32_t index) {
    DOGB_CHECK(out != NULL, "out: is NULL");
    DOGB_CHECK(out->struct_size >= 2 * sizeof(uint32_t),
               "out: struct_size %u is impossible, set it to sizeof(dogbreed_tensor_stats)",
               (unsigned)out->struct_size);
    DOGB_CHECK(event != NULL, "event: is NULL");
    place at;
    dogbreed_tensor_stats full = {.struct_size = (uint32_t)sizeof full};
    int rc = find(&at, event, index);
    if (rc < 0) {
        return rc;
    }
    if (at.array != NULL) {
        rc = array_stats(&full, &at);
    } else {
        const dogb_bus_source *source = at.source;
        rc = source->engine->tensor_stats(source->net, source->what, index, &full);
        rc = dogb_engine_result(source->engine, rc, "tensor statistics");
    }
    if (rc == DOGBREED_OK) {
        full.struct_size = out->struct_size;
        memcpy(out, &full, out->struct_size < sizeof full ? out->struct_size : sizeof full);
    }
    return rc;
}
