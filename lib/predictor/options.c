// options.c - the tables of dogbreed_predictor_options and dogbreed_transform_options.
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

static const dogb_option transform_options[] = {
    DOGB_OPTION_CHOICE(
        dogbreed_transform_options, accept,
        "application/json,application/jsonlines,text/csv,application/vnd.dogbreed+json",
        "application/json", "Media type of results in files."),
    DOGB_OPTION_INT32(dogbreed_transform_options, top_k, 0, 1000000, "0", "classes",
                      "The most probable classes with their probabilities; 0: on stdout the best "
                      "five, in files the scores of all."),
    DOGB_OPTION_SWITCH(dogbreed_transform_options, overwrite, "off",
                       "Results that are in the folder, of whatever model, are removed first."),
};

const dogb_table dogb_transform_table = {
    .name = "transform",
    .kind = DOGBREED_KIND_TRANSFORM,
    .size = sizeof(dogbreed_transform_options),
    .options = transform_options,
    .count = sizeof transform_options / sizeof *transform_options,
};

int dogbreed_transform_options_init(dogbreed_transform_options *out, size_t struct_size) {
    return dogb_table_init(&dogb_transform_table, out, struct_size);
}
