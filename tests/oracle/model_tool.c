// model_tool.c - models for the oracle script: makes one, saves it as a model file and as a .pth,
// loads the file again and prints the logits of photos, one JSON object per line.
// Usage: model_tool ARCHITECTURE HEAD WEIGHTS|- CLASSES ENGINE FOLDER PHOTO...
// ENGINE "heat": in place of logits the heat map of class 1.
// Exit code 1 with the message on an error, 77 when there is no such engine.
#include "core/file.h"
#include "core/json.h"
#include "engine/engine.h"
#include "image/image.h"
#include "model/model_internal.h"
#include "predictor/heat.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int make(const char *folder, char **argv) {
    char path[1024];
    dogbreed_model_options options;
    dogbreed_model *model = NULL;
    int rc = dogbreed_model_options_init(&options, sizeof options);
    options.architecture = argv[1];
    options.head = argv[2];
    options.weights = strcmp(argv[3], "-") == 0 ? "" : argv[3];
    options.classes = (int32_t)strtol(argv[4], NULL, 10);
    options.seed = 3;
    rc = rc < 0 ? rc : dogbreed_model_create(&model, NULL, &options);
    (void)snprintf(path, sizeof path, "%s/model.safetensors", folder);
    rc = rc < 0 ? rc : dogbreed_model_save(model, path);
    (void)snprintf(path, sizeof path, "%s/export.pth", folder);
    rc = rc < 0 ? rc : dogbreed_model_export(model, path, NULL);
    dogbreed_model_destroy(model);
    return rc;
}

static int print_logits(const dogb_engine *engine, dogb_net *net, const dogbreed_model *model,
                        const char *photo) {
    dogb_arena arena = {0};
    void *bytes = NULL;
    size_t size = 0;
    const dogb_preprocess *preprocess = dogb_model_preprocess(model);
    size_t side = (size_t)preprocess->crop;
    int32_t classes = dogbreed_model_class_count(model);
    uint8_t *pixels = dogb_alloc(&arena, side * side, 3);
    float *logits = dogb_alloc(&arena, (size_t)classes, sizeof *logits);
    dogb_batch batch = {.data = pixels, .count = 1, .dtype = DOGB_DATA_U8};
    int rc = pixels == NULL || logits == NULL ? DOGBREED_ERROR_NO_MEMORY : DOGBREED_OK;
    rc = rc < 0 ? rc : dogb_file_read(&bytes, &size, &arena, photo, (size_t)1 << 28);
    rc = rc < 0 ? rc
                : dogb_image_load(pixels, NULL, &arena, bytes, size, NULL, preprocess, NULL, NULL,
                                  photo);
    rc = rc < 0 ? rc : dogb_engine_result(engine, engine->infer(net, &batch, logits), "infer");
    if (rc == DOGBREED_OK) {
        printf("{\"file\":\"%s\",\"logits\":[", photo);
        for (int32_t i = 0; i < classes; i++) {
            printf("%s%.9g", i == 0 ? "" : ",", (double)logits[i]);
        }
        printf("]}\n");
    }
    dogb_arena_free(&arena);
    return rc;
}

static int print_heat(const dogbreed_model *model, const char *photo) {
    dogb_arena arena = {0};
    dogb_heat *heat = NULL;
    dogb_heat_map map;
    size_t side = (size_t)dogb_model_preprocess(model)->crop;
    uint8_t *pixels = dogb_alloc(&arena, side * side, 3);
    int rc = pixels == NULL ? DOGBREED_ERROR_NO_MEMORY : dogb_heat_open(&heat, model, 2);
    rc = rc < 0 ? rc : dogb_heat_file(pixels, &map, heat, &arena, photo, 1);
    if (rc == DOGBREED_OK) {
        printf("{\"height\":%d,\"width\":%d,\"values\":[", (int)map.height, (int)map.width);
        for (int32_t i = 0; i < map.height * map.width; i++) {
            printf("%s%.9g", i == 0 ? "" : ",", (double)map.values[i]);
        }
        printf("]}\n");
    }
    dogb_heat_close(heat);
    dogb_arena_free(&arena);
    return rc;
}

static int print_photo(const dogb_engine *engine, dogb_net *net, const dogbreed_model *model,
                       const char *photo) {
    return net == NULL ? print_heat(model, photo) : print_logits(engine, net, model, photo);
}

int main(int argc, char **argv) {
    const dogb_engine *engine = NULL;
    dogbreed_model *model = NULL;
    dogb_net *net = NULL;
    dogb_net_conf conf = {.device = "cpu", .threads = 2, .batch_max = 1};
    if (argc < 7) {
        return 2;
    }
    int heat = strcmp(argv[5], "heat") == 0;
    if (!heat && dogb_engine_open(&engine, argv[5], DOGB_CAN_INFER, "cpu") < 0) {
        (void)puts(dogbreed_error_message());
        return 77;
    }
    int rc = make(argv[6], argv);
    rc = rc < 0 ? rc : dogbreed_model_load(&model, argv[6]);
    if (rc == DOGBREED_OK && !heat) {
        rc = dogb_engine_net(&net, engine, dogb_model_graph(model), dogb_model_weights(model),
                             &conf);
    }
    for (int i = 7; rc == DOGBREED_OK && i < argc; i++) {
        rc = print_photo(engine, net, model, argv[i]);
    }
    if (rc < 0) {
        (void)puts(dogbreed_error_message());
    }
    if (net != NULL) {
        engine->net_destroy(net);
    }
    dogbreed_model_destroy(model);
    return rc < 0;
}
