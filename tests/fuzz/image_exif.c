// image_exif.c - fuzz target: the EXIF reader.
#include "fuzz.h"

#include "image/codec.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    int32_t orientation = dogb_exif_orientation(data, size);
    if (orientation < 1 || orientation > 8) {
        abort();
    }
    return 0;
}
