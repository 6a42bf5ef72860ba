// feature_segment.c - fuzz target: a segment of the feature store, as it is and with its checksum
// put right.
#include "fuzz.h"

#include "core/error.h"
#include "feature/segment.h"

#include <stdlib.h>
#include <string.h>

enum { FLOATS_AT = 12, SET_AT = 24, CHECKSUM_AT = 96, HEADER = 128 };

static void read_all(const uint8_t *data, size_t size) {
    dogb_segment segment;
    dogb_sha256 set;
    uint32_t floats = 0;
    memcpy(&floats, data + FLOATS_AT, sizeof floats);
    memcpy(&set, data + SET_AT, sizeof set);
    floats = floats == 0 ? 1 : floats; // a network always has features
    if (dogb_segment_read(&segment, data, size, &set, floats, "x") != DOGBREED_OK) {
        return;
    }
    volatile uint32_t sum = 0;
    for (size_t i = 0; i < segment.count; i++) {
        uint32_t bits = 0;
        memcpy(&bits, &segment.rows[i * floats + floats - 1], sizeof bits);
        sum = sum + segment.keys[i].view + bits;
    }
    if ((const uint8_t *)(segment.rows + segment.count * floats) != data + size) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    uint8_t *copy = size < HEADER ? NULL : malloc(size);
    dogb_sha256 sum;
    if (copy == NULL) {
        return 0;
    }
    memcpy(copy, data, size);
    read_all(copy, size);
    memset(copy + CHECKSUM_AT, 0, sizeof sum);
    if (dogb_sha256_of(&sum, copy, size) == DOGBREED_OK) {
        memcpy(copy + CHECKSUM_AT, &sum, sizeof sum);
        read_all(copy, size);
    }
    free(copy);
    return 0;
}
