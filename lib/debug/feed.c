// feed.c - the tensors of an event on their way to rules and store. Values are copied once, when
// somebody asks for them; statistics are computed where the tensor lives. One tensor is shown at a
// time, and what was read of it is forgotten behind it.
#include "core/error.h"
#include "core/stats.h"
#include "debug/debug_internal.h"

#include <string.h>

static size_t elements(const dogb_rule_tensor *t) {
    size_t count = 1;
    for (int32_t i = 0; i < t->rank; i++) {
        count *= (size_t)t->shape[i];
    }
    return count;
}

// Memory for a tensor's values. Fresh pages for every tensor cost as much as copying it, so the
// memory stays; that of a whole network's activations, which can be hundreds of megabytes, goes.
enum { LASTING = 1 << 22 }; // values, 16 MiB

static float *room(dogbreed_debug *debug, size_t size) {
    if (size > LASTING) {
        return dogb_alloc_raw(&debug->scratch, size, sizeof *debug->room);
    }
    if (size > debug->room_size) {
        dogb_release(&debug->arena, debug->room);
        debug->room = dogb_alloc_raw(&debug->arena, size, sizeof *debug->room);
        debug->room_size = debug->room == NULL ? 0 : size;
    }
    return debug->room;
}

int dogb_debug_read(const float **out, size_t *count, const dogb_rule_tensor *t) {
    dogbreed_debug *debug = t->source->userdata;
    dogb_shown *shown = &debug->shown;
    size_t size = elements(t);
    if (shown->values == NULL) {
        float *values = room(debug, size + 1);
        int rc = values == NULL ? DOGBREED_ERROR_NO_MEMORY
                                : dogbreed_event_tensor_read(debug->event,
                                                             debug->subjects.items[t->index].index,
                                                             values, size);
        if (rc < 0) {
            return rc;
        }
        shown->values = values;
        shown->count = size;
    }
    *out = shown->values;
    *count = shown->count;
    return DOGBREED_OK;
}

int dogb_debug_stats(const dogbreed_tensor_stats **out, const dogb_rule_tensor *t) {
    dogbreed_debug *debug = t->source->userdata;
    dogb_shown *shown = &debug->shown;
    if (!shown->has_stats) {
        shown->stats.struct_size = (uint32_t)sizeof shown->stats;
        int rc = DOGBREED_OK;
        if (shown->values != NULL) {
            dogb_stats(&shown->stats, shown->values, shown->count);
        } else {
            rc = dogbreed_event_tensor_stats(&shown->stats, debug->event,
                                             debug->subjects.items[t->index].index);
        }
        if (rc < 0) {
            return rc;
        }
        shown->has_stats = 1;
    }
    *out = &shown->stats;
    return DOGBREED_OK;
}

static void judge(dogbreed_debug *debug, const dogb_subject *one) {
    if (one->judged &&
        dogb_rules_see(debug->rules, &debug->moment, &one->tensor) == DOGBREED_STOP &&
        debug->reply == 0) {
        debug->reply = DOGBREED_STOP;
    }
}

static void forget(dogbreed_debug *debug) {
    dogb_arena_free(&debug->scratch);
    debug->shown = (dogb_shown){0};
}

// Subjects stand in the order in which events offer them, apart from those that are offered twice
// (what goes into a node came out of another) and those that are not (fused nodes).
static int is_named(const dogb_subject *one, const dogbreed_tensor *tensor) {
    return one->tensor.what == tensor->what && strcmp(one->offered, tensor->name) == 0;
}

static void show(dogbreed_debug *debug, int32_t index, const dogbreed_tensor *tensor) {
    for (int32_t i = 0; i < debug->subjects.count; i++) {
        dogb_subject *one = &debug->subjects.items[i];
        if (one->watched && is_named(one, tensor)) {
            one->index = index;
            one->tensor.rank = tensor->rank;
            memcpy(one->tensor.shape, tensor->shape, sizeof one->tensor.shape);
            judge(debug, one);
            dogb_debug_keep(debug, one);
            forget(debug);
        }
    }
}

void dogb_debug_feed(dogbreed_debug *debug, const dogbreed_event *event, uint32_t kinds) {
    debug->event = event;
    for (int32_t i = 0; kinds != 0 && i < event->tensor_count; i++) {
        dogbreed_tensor tensor = {.struct_size = (uint32_t)sizeof tensor};
        if (dogbreed_event_tensor(&tensor, event, i) == DOGBREED_OK &&
            (kinds >> tensor.what & 1) != 0) {
            show(debug, i, &tensor);
        }
    }
    debug->event = NULL;
}

void dogb_debug_number(dogbreed_debug *debug, const char *name, double value, int64_t samples) {
    for (int32_t i = 0; i < debug->subjects.count; i++) {
        dogb_subject *one = &debug->subjects.items[i];
        if (one->watched && one->tensor.what == DOGBREED_TENSOR_SCALAR &&
            strcmp(one->offered, name) == 0) {
            float number = (float)value;
            debug->shown = (dogb_shown){.values = &number, .count = 1};
            one->tensor.samples = samples;
            one->tensor.rank = 1;
            one->tensor.shape[0] = 1;
            judge(debug, one);
            dogb_debug_keep(debug, one);
            forget(debug);
        }
    }
}

// 1: the step showed a member of the collection.
static int was_seen(const dogbreed_debug *debug, size_t collection) {
    for (int32_t i = 0; i < debug->subjects.count; i++) {
        const dogb_subject *one = &debug->subjects.items[i];
        if (one->watched && one->in[collection]) {
            return 1;
        }
    }
    return 0;
}

void dogb_debug_close_step(dogbreed_debug *debug) {
    if (dogb_rules_step(debug->rules, &debug->moment) == DOGBREED_STOP && debug->reply == 0) {
        debug->reply = DOGBREED_STOP;
    }
    dogb_debug_commit(debug);
    for (size_t i = 0; i < debug->collections.count; i++) {
        debug->collections.items[i]->points[debug->moment.mode] +=
            debug->due[i] && was_seen(debug, i);
    }
}
