// weights_safetensors.c - fuzz target: the safetensors reader. The header length is put right in a
// second try, so that the fuzzer gets past it.
#include "weights.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    fuzz_weights("x.safetensors", data, size);
    const uint8_t *end = size < 9 ? NULL : memchr(data + 8, '\n', size - 8);
    if (end == NULL) {
        return 0;
    }
    // A newline ends the header here; JSON has no use for it.
    uint8_t *copy = malloc(size);
    if (copy == NULL) {
        return 0;
    }
    memcpy(copy, data, size);
    uint64_t length = (uint64_t)(end - data) + 1 - 8;
    memcpy(copy, &length, sizeof length);
    fuzz_weights("x.safetensors", copy, size);
    free(copy);
    return 0;
}
