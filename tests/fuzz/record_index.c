// record_index.c - fuzz target: an index file. What is accepted has a mode, names, places that can
// be added up, and an event file below events/.
#include "fuzz.h"

#include "core/error.h"
#include "record/index.h"
#include "record/layout.h"

#include <stdlib.h>
#include <string.h>

static void use(const dogb_index *index) {
    if (dogb_record_mode_name(index->mode) == NULL || index->mode_step < 0 || index->count < 0 ||
        strstr(index->event_file, "..") != NULL) {
        abort();
    }
    for (int32_t i = 0; i < index->count; i++) {
        const dogb_index_tensor *tensor = &index->tensors[i];
        if (tensor->name == NULL || strlen(tensor->original) > INT32_MAX || tensor->start < 0 ||
            tensor->length < 0 || (tensor->length > 0 && *index->event_file == '\0') ||
            tensor->rank < -1 || tensor->rank > DOGB_RECORD_RANK_MAX) {
            abort();
        }
        for (int32_t k = 0; k < tensor->rank; k++) {
            if (tensor->shape[k] < 0) {
                abort();
            }
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    dogb_arena arena = {0};
    dogb_index index;
    int rc = dogb_index_parse(&index, &arena, (const char *)data, size, "fuzz");
    if (rc == DOGBREED_OK) {
        use(&index);
    } else if (rc != DOGBREED_ERROR_INDEX && rc != DOGBREED_ERROR_NO_MEMORY) {
        abort();
    }
    dogb_arena_free(&arena);
    return 0;
}
