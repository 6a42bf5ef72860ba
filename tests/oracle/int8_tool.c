// int8_tool.c - what int8.py calls: quantises an architecture with random weights on a drawn data
// set, writes the model file and what engine native makes of a batch up to the last value with
// height and width.
//   int8_tool ARCH SIDE FOLDER INSTRUCTION_SET
// FOLDER gets model.safetensors, batch.u8 ([COUNT][SIDE][SIDE][3]), out.f32 (NCHW) and node.txt.
#include "core/error.h"
#include "core/file.h"
#include "core/rng.h"
#include "engine/engine.h"
#include "model/model_internal.h"

#include <dogbreed/quantize.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { COUNT = 3 };

// Batch norms of a fresh network do nothing; deep ones let values vanish. These do not.
static void draw_norms(dogbreed_model *model) {
    const dogb_graph *graph = dogb_model_graph(model);
    for (int32_t i = 0; i < graph->param_count; i++) {
        const dogb_param *param = &graph->params[i];
        float *values = dogb_model_weight(model, i);
        dogb_rng rng;
        dogb_rng_init(&rng, 9, DOGB_RNG_INIT, (uint64_t)i, 0);
        for (int64_t k = 0; graph->nodes[param->node].op == DOGB_OP_BATCH_NORM && k < param->count;
             k++) {
            if (param->role == DOGB_ROLE_RUNNING_VAR) {
                values[k] = (float)(0.05 + 0.3 * dogb_rng_uniform(&rng));
            } else if (param->role == DOGB_ROLE_BIAS || param->role == DOGB_ROLE_RUNNING_MEAN) {
                values[k] = (float)(0.3 * dogb_rng_normal(&rng));
            }
        }
    }
}

static int make_model(dogbreed_model **out, const char *architecture, int side,
                      const char *folder) {
    dogb_arena arena = {0};
    dogbreed_dataset *data = NULL;
    dogbreed_model *plain = NULL;
    dogbreed_model_options options;
    dogbreed_synth_options drawn;
    dogbreed_quantize_options how;
    char *where = dogb_path_join(&arena, folder, "data");
    int rc;
    if (where == NULL || (rc = dogbreed_model_options_init(&options, sizeof options)) < 0 ||
        (rc = dogbreed_synth_options_init(&drawn, sizeof drawn)) < 0 ||
        (rc = dogbreed_quantize_options_init(&how, sizeof how)) < 0) {
        dogb_arena_free(&arena);
        return DOGBREED_ERROR_NO_MEMORY;
    }
    drawn.classes = 3;
    drawn.per_class = 4;
    drawn.size = side;
    how.measure = 0;
    options.architecture = architecture;
    options.input_size = side;
    options.resize = side;
    rc = dogbreed_dataset_synthesize(where, &drawn);
    rc = rc < 0 ? rc : dogbreed_dataset_open(&data, where, NULL);
    rc = rc < 0 ? rc : dogbreed_model_create(&plain, data, &options);
    if (rc == DOGBREED_OK) {
        draw_norms(plain);
    }
    rc = rc < 0 ? rc : dogbreed_quantize(out, NULL, plain, data, &how, NULL, NULL);
    dogbreed_model_destroy(plain);
    dogbreed_dataset_destroy(data);
    dogb_arena_free(&arena);
    return rc;
}

static int write_file(const char *folder, const char *name, const void *data, size_t size) {
    dogb_arena arena = {0};
    char *path = dogb_path_join(&arena, folder, name);
    int rc = path == NULL ? DOGBREED_ERROR_NO_MEMORY : dogb_file_write(path, data, size);
    dogb_arena_free(&arena);
    return rc;
}

static int infer(const dogbreed_model *model, int side, const char *folder) {
    dogb_arena arena = {0};
    const dogb_graph *graph = dogb_model_graph(model);
    const dogb_engine *engine = dogb_engine_native();
    dogb_graph *part = NULL;
    dogb_net *net = NULL;
    int32_t last = 0;
    for (int32_t i = 1; i < graph->node_count; i++) {
        last = graph->nodes[i].op == DOGB_OP_CONV2D ? i : last;
    }
    int rc = dogb_graph_slice(&part, graph, 0, last);
    if (rc < 0) {
        return rc;
    }
    const int64_t *shape = part->nodes[part->output].shape;
    size_t floats = (size_t)(COUNT * shape[0] * shape[1] * shape[2]);
    size_t bytes = (size_t)(COUNT * 3 * side * side);
    const void **weights = dogb_alloc(&arena, (size_t)part->param_count, sizeof *weights);
    uint8_t *pixels = dogb_alloc(&arena, bytes, 1);
    float *out = dogb_alloc(&arena, floats, sizeof *out);
    if (weights == NULL || pixels == NULL || out == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    dogb_rng rng;
    dogb_rng_init(&rng, 5, DOGB_RNG_SYNTH, 0, 0);
    for (size_t i = 0; i < bytes; i++) {
        pixels[i] = (uint8_t)dogb_rng_below(&rng, 256);
    }
    for (int32_t i = 0; i < part->param_count; i++) {
        int32_t param = dogb_graph_find_param(graph, part->params[i].name);
        weights[i] = dogb_model_weights(model)[param];
    }
    dogb_net_conf conf = {
        .device = "cpu", .mode = DOGB_NET_INFER, .dtype = DOGB_DTYPE_INT8, .threads = 2};
    const dogb_batch batch = {pixels, COUNT, DOGB_DATA_U8};
    const char *name = graph->nodes[last].name;
    rc = dogb_engine_net(&net, engine, part, weights, &conf);
    rc = rc < 0 ? rc : dogb_engine_result(engine, engine->infer(net, &batch, out), "infer");
    rc = rc < 0 ? rc : write_file(folder, "batch.u8", pixels, bytes);
    rc = rc < 0 ? rc : write_file(folder, "out.f32", out, floats * sizeof *out);
    rc = rc < 0 ? rc : write_file(folder, "node.txt", name, strlen(name));
    engine->net_destroy(net);
    dogb_graph_destroy(part);
    dogb_arena_free(&arena);
    return rc;
}

int main(int argc, char **argv) {
    dogbreed_model *model = NULL;
    dogb_arena arena = {0};
    if (argc != 5) {
        fprintf(stderr, "usage: int8_tool ARCH SIDE FOLDER INSTRUCTION_SET\n");
        return 2;
    }
    (void)setenv("DOGBREED_CPU", argv[4], 1);
    int rc = make_model(&model, argv[1], atoi(argv[2]), argv[3]);
    char *path = dogb_path_join(&arena, argv[3], "model.safetensors");
    rc = rc < 0 ? rc : dogbreed_model_save(model, path);
    rc = rc < 0 ? rc : infer(model, atoi(argv[2]), argv[3]);
    if (rc < 0) {
        fprintf(stderr, "int8_tool: %s\n", dogbreed_error_message());
    }
    dogbreed_model_destroy(model);
    dogb_arena_free(&arena);
    return rc < 0 ? 1 : 0;
}
