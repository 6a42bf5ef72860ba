// outputs.c - the outputs of all samples, as long as they fit.
#include "core/error.h"
#include "evaluate/evaluate_struct.h"

#include <string.h>

int dogb_outputs_open(dogb_outputs *out, dogb_arena *arena, int32_t classes, int64_t samples) {
    *out = (dogb_outputs){.classes = classes};
    if (samples > DOGB_OUTPUTS_MAX / classes) {
        return DOGBREED_OK;
    }
    out->logits = dogb_alloc(arena, (size_t)samples * (size_t)classes, sizeof *out->logits);
    out->labels = dogb_alloc(arena, (size_t)samples, sizeof *out->labels);
    return out->logits == NULL || out->labels == NULL ? DOGBREED_ERROR_NO_MEMORY : DOGBREED_OK;
}

void dogb_outputs_add(dogb_outputs *out, const float *logits, const int32_t *labels,
                      int32_t count) {
    size_t width = (size_t)out->classes;
    for (int32_t i = 0; out->logits != NULL && i < count; i++) {
        const float *row = logits + (size_t)i * width;
        if (dogb_all_finite(row, out->classes)) {
            memcpy(out->logits + (size_t)out->count * width, row, width * sizeof *row);
            out->labels[out->count++] = labels[i];
        }
    }
}
