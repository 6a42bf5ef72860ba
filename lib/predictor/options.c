// options.c - the table of dogbreed_predictor_options.
#include "predictor/predictor_internal.h"

#include <dogbreed/predictor.h>

static const dogb_option options[] = {
    DOGB_OPTION_STRING(dogbreed_predictor_options, engine, "auto",
                       "Compute engine: auto, or a name such as torch or ref."),
    DOGB_OPTION_STRING(dogbreed_predictor_options, device, "auto",
                       "Device: auto, cpu, cuda or cuda:<number>."),
    DOGB_OPTION_INT64(dogbreed_predictor_options, pixels_max, 1, 9e8, "89478485", "pixels",
                      "Larger images are refused."),
    DOGB_OPTION_INT64(dogbreed_predictor_options, bytes_max, 1, 4294967296.0, "268435456", "bytes",
                      "Larger files are refused."),
    DOGB_OPTION_INT32(dogbreed_predictor_options, threads, 0, 256, "0", "",
                      "Threads of one call; 0: usable cores."),
    DOGB_OPTION_INT32(dogbreed_predictor_options, batch_size, 1, 4096, "16", "images",
                      "Images computed at once when there are many files."),
    DOGB_OPTION_CHOICE(dogbreed_predictor_options, dtype, "f32,bf16", "f32",
                       "Number type of activations."),
    DOGB_OPTION_CHOICE(dogbreed_predictor_options, jpeg_warnings, "error,pillow", "error",
                       "Damaged JPEGs: refuse them, or accept what Pillow accepts."),
};

const dogb_table dogb_predictor_table = {
    .name = "predictor",
    .kind = DOGBREED_KIND_PREDICTOR,
    .size = sizeof(dogbreed_predictor_options),
    .options = options,
    .count = sizeof options / sizeof *options,
};

int dogbreed_predictor_options_init(dogbreed_predictor_options *out, size_t struct_size) {
    return dogb_table_init(&dogb_predictor_table, out, struct_size);
}
