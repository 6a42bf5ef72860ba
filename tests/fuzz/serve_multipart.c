// serve_multipart.c - fuzz target: a body of multipart/form-data with boundary "b".
#include "serve.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    fuzz_body("multipart/form-data; boundary=b", data, size);
    return 0;
}
