// options.c - the table of dogbreed_model_options.
#include "model/model_internal.h"

static const dogb_option options[] = {
    DOGB_OPTION_UINT64(dogbreed_model_options, seed, "1", "",
                       "Seed of the initial values of new layers."),
    DOGB_OPTION_STRING(dogbreed_model_options, architecture, "mobilenet_v2",
                       "Name of the network."),
    DOGB_OPTION_STRING(dogbreed_model_options, weights, "",
                       "File with pretrained weights (.safetensors or .pth); empty: random."),
    DOGB_OPTION_STRING(dogbreed_model_options, head, "linear",
                       "linear, mlp:<hidden>[:<dropout>], or original (the network's own)."),
    DOGB_OPTION_STRING(dogbreed_model_options, freeze, "head",
                       "head (all but the head is frozen), none, or a stage of the network (it and "
                       "all before it are frozen)."),
    DOGB_OPTION_INT32(dogbreed_model_options, classes, 0, 100000, "0", "",
                      "Number of outputs when no dataset gives them; 0: 1,000."),
    DOGB_OPTION_CHOICE(dogbreed_model_options, batch_norm, "auto,frozen,train", "auto",
                       "Batch norm while training: frozen keeps the running statistics; auto: "
                       "frozen with pretrained weights, else train."),
    DOGB_OPTION_INT32(dogbreed_model_options, input_size, 0, 4096, "0", "pixels",
                      "Side of the square input; 0: the network's."),
    DOGB_OPTION_INT32(dogbreed_model_options, resize, 0, 8192, "0", "pixels",
                      "Short side before the crop; 0: the network's."),
    DOGB_OPTION_CHOICE(dogbreed_model_options, filter, "bilinear,bicubic,lanczos", "bilinear",
                       "Filter of the resize."),
    DOGB_OPTION_CHOICE(dogbreed_model_options, exif_orientation, "ignore,apply", "ignore",
                       "What to do with the EXIF orientation of pictures."),
};

const dogb_table dogb_model_table = {
    .name = "model",
    .kind = DOGBREED_KIND_MODEL,
    .size = sizeof(dogbreed_model_options),
    .options = options,
    .count = sizeof options / sizeof *options,
};

int dogbreed_model_options_init(dogbreed_model_options *out, size_t struct_size) {
    return dogb_table_init(&dogb_model_table, out, struct_size);
}
