// serve_csv.c - fuzz target: tensors as lines of CSV.
#include "serve.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    fuzz_body("text/csv", data, size);
    return 0;
}
