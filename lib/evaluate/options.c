// options.c - the table of dogbreed_evaluate_options.
#include "evaluate/evaluate_internal.h"

static const dogb_option options[] = {
    DOGB_OPTION_STRING(dogbreed_evaluate_options, engine, "auto",
                       "Compute engine: auto, or a name such as torch or ref."),
    DOGB_OPTION_STRING(dogbreed_evaluate_options, device, "auto",
                       "Device: auto, cpu, cuda or cuda:<number>."),
    DOGB_OPTION_STRING(dogbreed_evaluate_options, cache_dir, "",
                       "Folder of the feature store; empty: the user's cache folder."),
    DOGB_OPTION_INT32(dogbreed_evaluate_options, batch_size, 1, 65536, "32", "images",
                      "Images computed at once."),
    DOGB_OPTION_INT32(dogbreed_evaluate_options, threads, 0, 256, "0", "",
                      "Compute threads; 0: usable cores."),
    DOGB_OPTION_INT32(dogbreed_evaluate_options, loader_threads, 0, 256, "0", "",
                      "Threads that decode pictures; 0: usable cores."),
    DOGB_OPTION_CHOICE(dogbreed_evaluate_options, dtype, "f32,bf16", "f32",
                       "Number type of activations."),
    DOGB_OPTION_SWITCH(dogbreed_evaluate_options, feature_cache, "on",
                       "Read and keep the features of a frozen network."),
};

const dogb_table dogb_evaluate_table = {
    .name = "evaluate",
    .kind = DOGBREED_KIND_EVALUATE,
    .size = sizeof(dogbreed_evaluate_options),
    .options = options,
    .count = sizeof options / sizeof *options,
};

int dogbreed_evaluate_options_init(dogbreed_evaluate_options *out, size_t struct_size) {
    return dogb_table_init(&dogb_evaluate_table, out, struct_size);
}
