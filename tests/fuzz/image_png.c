// image_png.c - fuzz target: PNG decoding. Checksums of chunks are put right first, so that the
// fuzzer gets past them.
#include "image.h"

#include <zlib.h>

static uint32_t big32(const uint8_t *bytes) {
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

static void repair(uint8_t *data, size_t size) {
    size_t at = 8;
    while (size >= at && size - at >= 12) {
        uint32_t length = big32(data + at);
        if (length > size - at - 12) {
            break;
        }
        uint32_t sum = (uint32_t)crc32(0, data + at + 4, length + 4);
        for (int i = 0; i < 4; i++) {
            data[at + 8 + length + (size_t)i] = (uint8_t)(sum >> (24 - 8 * i));
        }
        at += 12 + (size_t)length;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const uint8_t signature[8] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1A, '\n'};
    if (size < sizeof signature) {
        return 0;
    }
    fuzz_image(data, size);
    uint8_t *copy = malloc(size);
    if (copy == NULL) {
        return 0;
    }
    memcpy(copy, data, size);
    memcpy(copy, signature, sizeof signature);
    repair(copy, size);
    fuzz_image(copy, size);
    free(copy);
    return 0;
}
