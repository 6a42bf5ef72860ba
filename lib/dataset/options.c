// options.c - the option tables of datasets, checks and drawn data, and their _init functions.
#include "core/table_rows.h"
#include "dataset/dataset_internal.h"

#include <stddef.h>

static const dogb_option dataset_options[] = {
    DOGB_OPTION_UINT64(dogbreed_dataset_options, seed, "1", "",
                       "Seed of the split that is drawn when the folder has none."),
    DOGB_OPTION_DOUBLE(dogbreed_dataset_options, valid_fraction, 0, 1, "0.15", "",
                       "Share of each class that a drawn split puts into valid."),
    DOGB_OPTION_DOUBLE(dogbreed_dataset_options, test_fraction, 0, 1, "0.15", "",
                       "Share of each class that a drawn split puts into test."),
    DOGB_OPTION_DOUBLE(
        dogbreed_dataset_options, bad_fraction, 0, 1, "0", "",
        "Share of unreadable files that is tolerated, and left out, while training."),
    DOGB_ROW_PIXELS_MAX(dogbreed_dataset_options),
    DOGB_ROW_BYTES_MAX(dogbreed_dataset_options),
    DOGB_ROW_JPEG_WARNINGS(dogbreed_dataset_options),
    DOGB_OPTION_STRING(dogbreed_dataset_options, class_list, "",
                       "File with a class name in each line, where the folder has not all of them; "
                       "empty: the class folders."),
};

const dogb_table dogb_dataset_table = {"dataset", DOGBREED_KIND_DATASET,
                                       sizeof(dogbreed_dataset_options), dataset_options,
                                       sizeof dataset_options / sizeof dataset_options[0]};

static const dogb_option check_options[] = {
    DOGB_OPTION_DOUBLE(dogbreed_check_options, bad_fraction, 0, 1, "0", "",
                       "Share of unreadable files above which the verdict is invalid."),
    DOGB_OPTION_SWITCH(
        dogbreed_check_options, decode, "on",
        "Decode every file; off reads headers only and knows no channel statistics."),
    DOGB_OPTION_INT32(dogbreed_check_options, threads, 0, 256, "0", "threads",
                      "Threads that read and decode; 0 is one per usable core."),
};

const dogb_table dogb_check_table = {"check", DOGBREED_KIND_CHECK, sizeof(dogbreed_check_options),
                                     check_options, sizeof check_options / sizeof check_options[0]};

static const dogb_option synth_options[] = {
    DOGB_OPTION_UINT64(dogbreed_synth_options, seed, "1", "",
                       "Seed of the pictures; the same seed gives the same files."),
    DOGB_OPTION_INT32(dogbreed_synth_options, classes, 2, 64, "8", "classes", "Classes to draw."),
    DOGB_OPTION_INT32(dogbreed_synth_options, per_class, 3, 9999, "60", "images",
                      "Images of each class: 70 % train, 15 % valid, 15 % test."),
    DOGB_OPTION_INT32(dogbreed_synth_options, size, 16, 1024, "96", "pixels",
                      "Side of the square pictures."),
};

const dogb_table dogb_synth_table = {"synth", DOGBREED_KIND_SYNTH, sizeof(dogbreed_synth_options),
                                     synth_options, sizeof synth_options / sizeof synth_options[0]};

int dogbreed_dataset_options_init(dogbreed_dataset_options *options, size_t struct_size) {
    return dogb_table_init(&dogb_dataset_table, options, struct_size);
}

int dogbreed_check_options_init(dogbreed_check_options *options, size_t struct_size) {
    return dogb_table_init(&dogb_check_table, options, struct_size);
}

int dogbreed_synth_options_init(dogbreed_synth_options *options, size_t struct_size) {
    return dogb_table_init(&dogb_synth_table, options, struct_size);
}
