// packed_weights.c - fuzz target: a file of packed weights, as it is and with its sums put right.
#include "fuzz.h"

#include "core/error.h"
#include "engine/native/packfile.h"

#include <stdlib.h>
#include <string.h>

enum { CHECKSUM_AT = 24, KEY_AT = 48, OWN_AT = 96, HEADER = 128 };

static void read_all(const uint8_t *data, size_t size) {
    dogb_packing packing;
    dogb_arena arena = {0};
    dogb_sha256 key;
    memcpy(&key, data + KEY_AT, sizeof key);
    if (dogb_packfile_read(&packing, data, size, &key, "avx2", "x") != DOGBREED_OK) {
        return;
    }
    volatile uint32_t sum = 0;
    for (size_t count = 1;; count = count * 2 + 1) { // pieces of all sizes, then one too many
        const float *piece = dogb_packing_take(&packing, &arena, count);
        if (piece == NULL) {
            break;
        }
        uint32_t bits = 0;
        memcpy(&bits, piece + count - 1, sizeof bits);
        sum = sum + bits;
    }
    if (packing.used > packing.floats || HEADER + packing.floats * sizeof(float) != size) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    uint8_t *copy = size < HEADER ? NULL : malloc(size);
    dogb_sha256 own;
    if (copy == NULL) {
        return 0;
    }
    memcpy(copy, data, size);
    read_all(copy, size);
    uint64_t sum = dogb_checksum(copy + HEADER, size - HEADER);
    memcpy(copy + CHECKSUM_AT, &sum, sizeof sum);
    memset(copy + OWN_AT, 0, sizeof own);
    if (dogb_sha256_of(&own, copy, HEADER) == DOGBREED_OK) {
        memcpy(copy + OWN_AT, &own, sizeof own);
        read_all(copy, size);
    }
    free(copy);
    return 0;
}
