// checkpoint_progress.c - fuzz target: the numbers of checkpoint.json. What is accepted is
// consistent enough to go on from; what is refused leaves the old state alone.
#include "fuzz.h"

#include "core/error.h"
#include "trainer/checkpoint.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    dogb_arena arena = {0};
    json_t *json = NULL;
    dogb_progress progress = {.best = -1, .cursor = 77};
    int64_t steps = 0;
    if (dogb_json_parse(&json, &arena, (const char *)data, size, "x") == DOGBREED_OK) {
        int rc = dogb_checkpoint_progress(&progress, &steps, &arena, json, "x");
        if (rc < 0 && (progress.cursor != 77 || progress.epoch != 0)) {
            abort();
        }
        if (rc == DOGBREED_OK &&
            (progress.best < -1 || progress.best >= progress.epoch || progress.position < 0 ||
             progress.cursor < 0 || progress.tally.correct > progress.tally.count || steps < 0)) {
            abort();
        }
        double sum = 0.0;
        for (int32_t i = 0; i < progress.epoch; i++) {
            sum += progress.epochs[i].train_loss;
        }
        char digest[65];
        if (dogb_checkpoint_digest(digest, json) == DOGBREED_OK && digest[64] != '\0') {
            abort();
        }
        (void)sum;
    }
    dogb_arena_free(&arena);
    return 0;
}
