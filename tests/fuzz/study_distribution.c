// study_distribution.c - fuzz target: distribution_json. What is accepted has sane bounds, is
// written and read again as the same, and is compatible with itself.
#include "fuzz.h"

#include "core/error.h"
#include "study/distribution.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static void use(dogb_arena *arena, const dogb_distribution *first) {
    dogb_distribution second;
    int inside = dogb_distribution_contains(first, first->low) &&
                 dogb_distribution_contains(first, first->high);
    if (!isfinite(first->low) || !isfinite(first->high) || !(first->step >= 0) || !inside) {
        abort();
    }
    const char *text = dogb_distribution_text(arena, first);
    json_t *value = dogb_distribution_external(first, first->high);
    if (text == NULL || value == NULL) {
        abort();
    }
    json_decref(value);
    if (dogb_distribution_read(&second, arena, text, "again") != DOGBREED_OK ||
        dogb_distribution_compatible(first, &second, "p") != DOGBREED_OK ||
        first->low != second.low || first->high != second.high || first->step != second.step) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    dogb_arena arena = {0};
    dogb_distribution distribution;
    char *text = dogb_strndup(&arena, (const char *)data, size);
    if (text != NULL && dogb_distribution_read(&distribution, &arena, text, "p") == DOGBREED_OK) {
        use(&arena, &distribution);
    }
    dogb_arena_free(&arena);
    return 0;
}
