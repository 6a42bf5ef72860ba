// image_jpeg.c - fuzz target: JPEG decoding.
#include "image.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size > 3 && data[0] == 0xFF && data[1] == 0xD8) {
        fuzz_image(data, size);
    }
    return 0;
}
