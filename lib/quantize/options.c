// options.c - the table of dogbreed_quantize_options.
#include "core/table_rows.h"
#include "quantize/quantize_internal.h"

static const dogb_option options[] = {
    DOGB_OPTION_DOUBLE(
        dogbreed_quantize_options, percentile, 50, 100, "99.99", "percent",
        "Share of an activation's values that its range keeps (range = percentile)."),
    DOGB_OPTION_INT32(dogbreed_quantize_options, images, 1, 1000000, "256", "images",
                      "Pictures that the ranges of activations are found on."),
    DOGB_OPTION_CHOICE(dogbreed_quantize_options, range, "mse,minmax,percentile", "mse",
                       "Range of an activation: mse (least squared error), minmax or percentile."),
    DOGB_ROW_THREADS(dogbreed_quantize_options),
    DOGB_ROW_LOADER_THREADS(dogbreed_quantize_options),
    DOGB_OPTION_INT32(dogbreed_quantize_options, batch_size, 1, 4096, "32", "images",
                      "Images computed at once."),
    DOGB_OPTION_SWITCH(dogbreed_quantize_options, measure, "on",
                       "Measure the accuracy before and after on all pictures of the split."),
};

const dogb_table dogb_quantize_table = {
    .name = "quantize",
    .kind = DOGBREED_KIND_QUANTIZE,
    .size = sizeof(dogbreed_quantize_options),
    .options = options,
    .count = sizeof options / sizeof *options,
};

int dogbreed_quantize_options_init(dogbreed_quantize_options *out, size_t struct_size) {
    return dogb_table_init(&dogb_quantize_table, out, struct_size);
}
