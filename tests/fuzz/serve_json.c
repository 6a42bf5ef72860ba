// serve_json.c - fuzz target: tensors as nested arrays of JSON, and pictures in base64.
#include "serve.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    fuzz_body("application/json", data, size);
    return 0;
}
