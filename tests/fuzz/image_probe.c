// image_probe.c - fuzz target: recognising formats and reading headers.
#include "image.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    dogb_image_info info;
    const char *name = dogb_image_sniff(data, size);
    int rc = dogb_image_probe(&info, data, size, NULL, "input");
    if (rc == 0 && (name == NULL || info.width <= 0 || info.height <= 0 || info.orientation < 1 ||
                    info.orientation > 8)) {
        abort();
    }
    return 0;
}
