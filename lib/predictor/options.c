// options.c - the table of dogbreed_predictor_options.
#include "core/table_rows.h"
#include "predictor/predictor_internal.h"

#include <dogbreed/predictor.h>

static const dogb_option options[] = {
    DOGB_ROW_ENGINE(dogbreed_predictor_options),
    DOGB_ROW_DEVICE(dogbreed_predictor_options),
    DOGB_ROW_PIXELS_MAX(dogbreed_predictor_options),
    DOGB_ROW_BYTES_MAX(dogbreed_predictor_options),
    DOGB_ROW_THREADS(dogbreed_predictor_options),
    DOGB_OPTION_INT32(dogbreed_predictor_options, batch_size, 1, 4096, "16", "images",
                      "Images computed at once when there are many files."),
    DOGB_ROW_DTYPE_INFER(dogbreed_predictor_options),
    DOGB_ROW_JPEG_WARNINGS(dogbreed_predictor_options),
    DOGB_OPTION_STRING(dogbreed_predictor_options, cache_dir, "",
                       "Folder of packed weights; empty: the user's cache folder."),
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
