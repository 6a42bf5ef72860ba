// weights.h - what the fuzz targets of weight files share: open bytes, read all that is offered.
#ifndef DOGB_FUZZ_WEIGHTS_H
#define DOGB_FUZZ_WEIGHTS_H

#include "fuzz.h"

#include "core/error.h"
#include "weights/reader.h"

#include <stdlib.h>
#include <string.h>

// Reads every byte, also as float32; a wrong pointer or length is seen by the sanitizers.
static inline void fuzz_read(const dogb_weights *weights) {
    float values[64];
    volatile uint8_t sum = 0;
    for (size_t i = 0; i < weights->count; i++) {
        const dogb_weight *tensor = &weights->tensors[i];
        const uint8_t *data = tensor->data;
        for (size_t k = 0; k<tensor->bytes; k += tensor->bytes> 4096 ? 61 : 1) {
            sum = (uint8_t)(sum + data[k]);
        }
        size_t count = tensor->bytes / dogb_dtype_size(tensor->dtype);
        if (count <= 64) {
            (void)dogb_weight_to_f32(values, count, tensor);
        }
        if (dogb_weights_find(weights, tensor->name) == NULL) {
            abort();
        }
    }
}

static inline void fuzz_weights(const char *name, const uint8_t *data, size_t size) {
    dogb_weights *weights = NULL;
    if (dogb_weights_open_bytes(&weights, name, data, size) == DOGBREED_OK) {
        fuzz_read(weights);
        dogb_weights_destroy(weights);
    } else if (dogbreed_error_message()[0] == '\0') {
        abort(); // a failure without a message
    }
}

#endif
