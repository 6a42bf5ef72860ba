// serve.h - what the targets of the endpoint's formats share: a small model, and the whole way of a
// body that is accepted, to replies in each format.
#ifndef DOGB_FUZZ_SERVE_H
#define DOGB_FUZZ_SERVE_H

#include "fuzz.h"

#include "serve/call.h"
#include "serve/output.h"

#include <math.h>
#include <stdlib.h>

static const char *const fuzz_labels[] = {"a", "\"b\"", "\xff"};
static const dogb_model_facts fuzz_facts = {"dogs", "1", fuzz_labels, 3, 2, 3};

// Every item is whole, every number finite.
static inline void fuzz_items(const dogb_input *in) {
    uint32_t sum = 0;
    if (in->count < 1 || in->count > fuzz_facts.items_max) {
        abort();
    }
    for (int32_t i = 0; i < in->count; i++) {
        const uint8_t *bytes = in->items[i].bytes;
        for (size_t k = 0; k < in->items[i].size; k++) {
            sum += bytes[k];
        }
        for (size_t k = 0; in->tensor && k < in->items[i].size; k += sizeof(float)) {
            float value = 0;
            memcpy(&value, bytes + k, sizeof value);
            if (!isfinite(value)) {
                abort();
            }
        }
        for (int32_t k = 0; k < fuzz_facts.classes; k++) {
            in->items[i].logits[k] = (float)(sum % 1000) / 7 + (float)k;
        }
        if (in->tensor != (in->items[i].kind == DOGB_ITEM_TENSOR) ||
            (in->tensor && in->items[i].size != 12 * sizeof(float))) {
            abort();
        }
    }
}

// A refused body has a reply that says so.
static inline void fuzz_refused(const dogb_reply *reply) {
    if (reply->status < 400 || reply->status >= 500 || reply->size < 20) {
        abort();
    }
}

// A body of this type, and what is made of it.
static inline void fuzz_body(const char *type, const uint8_t *data, size_t size) {
    static const char *const accepted[] = {"", "text/csv", "application/x-npy",
                                           "application/vnd.dogbreed+json"};
    call_fields fields = {0};
    dogb_request r = call_request(&fields, type, data, size);
    dogb_reply reply = {.status = 0};
    dogb_input in;
    if (dogb_input_read(&in, &reply, &r, &fuzz_facts) < 0) {
        fuzz_refused(&reply);
        dogb_arena_free(&r.arena);
        return;
    }
    fuzz_items(&in);
    for (size_t i = 0; i < sizeof accepted / sizeof accepted[0]; i++) {
        r.accept = accepted[i];
        if (dogb_output_write(&reply, &r, &in, &fuzz_facts) < 0 || reply.status != 200) {
            abort();
        }
    }
    dogb_arena_free(&r.arena);
}

#endif
