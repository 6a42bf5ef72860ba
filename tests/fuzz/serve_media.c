// serve_media.c - fuzz target: Content-Type and Accept.
#include "fuzz.h"

#include "core/arena.h"
#include "serve/media.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    dogb_arena arena = {0};
    char value[16];
    const char *text = dogb_strndup(&arena, (const char *)data, size);
    if (text != NULL) {
        int32_t quality = dogb_media_quality(text, "text/csv");
        size_t length = dogb_media_parameter(value, sizeof value, text, "boundary");
        if (quality < 0 || quality > 1000 || length >= sizeof value || value[length] != '\0') {
            abort();
        }
        if (dogb_media_is(text, "text/csv") && dogb_media_is(text, "text/plain")) {
            abort();
        }
    }
    dogb_arena_free(&arena);
    return 0;
}
