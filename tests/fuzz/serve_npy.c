// serve_npy.c - fuzz target: a tensor in NumPy's file format.
#include "serve.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    fuzz_body("application/x-npy", data, size);
    return 0;
}
