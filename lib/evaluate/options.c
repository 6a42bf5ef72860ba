// options.c - the table of dogbreed_evaluate_options.
#include "core/table_rows.h"
#include "evaluate/evaluate_internal.h"

static const dogb_option options[] = {
    DOGB_ROW_ENGINE(dogbreed_evaluate_options),
    DOGB_ROW_DEVICE(dogbreed_evaluate_options),
    DOGB_ROW_CACHE_DIR(dogbreed_evaluate_options),
    DOGB_OPTION_INT32(dogbreed_evaluate_options, batch_size, 1, 65536, "32", "images",
                      "Images computed at once."),
    DOGB_ROW_THREADS(dogbreed_evaluate_options),
    DOGB_ROW_LOADER_THREADS(dogbreed_evaluate_options),
    DOGB_ROW_DTYPE_INFER(dogbreed_evaluate_options),
    DOGB_OPTION_SWITCH(dogbreed_evaluate_options, feature_cache, "on",
                       "Read and keep the features of a frozen network."),
    DOGB_OPTION_SWITCH(dogbreed_evaluate_options, predictions, "off",
                       "The JSON also has what the model says of each picture."),
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
