// weights_pth.c - fuzz target: the zip, legacy and tar containers, chosen by content. In a second
// try of a tar file the checksums of its headers are put right.
#include "weights.h"

#include <stdio.h>

static void repair_tar(uint8_t *data, size_t size) {
    for (size_t at = 0; size - at >= 512 && data[at] != '\0';) {
        unsigned sum = 0;
        uint64_t length = 0;
        memset(data + at + 148, ' ', 8);
        for (size_t i = 0; i < 512; i++) {
            sum += data[at + i];
        }
        (void)snprintf((char *)data + at + 148, 8, "%06o", sum);
        for (size_t i = 124; i < 135; i++) {
            length = length * 8 + (data[at + i] & 7U);
        }
        length = (length + 511) / 512 * 512;
        if (length > size - at - 512) {
            return;
        }
        at += 512 + (size_t)length;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    fuzz_weights("x.pth", data, size);
    if (size < 512 || memcmp(data + 257, "ustar", 5) != 0) {
        return 0;
    }
    uint8_t *copy = malloc(size);
    if (copy == NULL) {
        return 0;
    }
    memcpy(copy, data, size);
    repair_tar(copy, size);
    fuzz_weights("x.pth", copy, size);
    free(copy);
    return 0;
}
