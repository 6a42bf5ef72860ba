// weights_pickle.c - fuzz target: the pickle machine and the way from its result to tensors,
// without a container around it. Four storages of 64 bytes stand ready under the keys 0 to 3.
#include "weights.h"

#include "weights/pth.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const uint8_t numbers[65] = {1, 2, 3};
    dogb_arena scratch = {0};
    dogb_weights weights = {.path = "x.pth", .file_bytes = 1 << 20};
    dogb_storages storages = {0};
    dogb_pickle pickle = {.arena = &scratch,
                          .what = "x.pth: data.pkl",
                          .data = data,
                          .size = size,
                          .persistent = dogb_pth_storage_id};
    dogb_value root;
    int rc = DOGBREED_OK;
    for (size_t i = 0; i < 4 && rc == DOGBREED_OK; i++) {
        // The last one is not aligned.
        const dogb_storage storage = {
            .key = &"0123"[i], .key_length = 1, .data = numbers + (i == 3), .bytes = 64};
        rc = dogb_storages_add(&storages, &scratch, &storage);
    }
    if (rc == DOGBREED_OK && dogb_pickle_load(&pickle, &root) == DOGBREED_OK &&
        dogb_pth_collect(&weights, &root, &storages) == DOGBREED_OK) {
        for (size_t i = 0; i < weights.count; i++) {
            volatile uint8_t sum = 0;
            for (size_t k = 0; k < weights.tensors[i].bytes; k++) {
                sum = (uint8_t)(sum + ((const uint8_t *)weights.tensors[i].data)[k]);
            }
        }
    }
    dogb_arena_free(&weights.arena);
    dogb_arena_free(&scratch);
    return 0;
}
