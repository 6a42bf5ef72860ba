// engine_dump.c - what the oracle scripts call: inference or a few training steps of a named
// architecture, with weights from a safetensors file and raw float32 batches. SIDE: of the input, 0
// the architecture's own.
//   engine_dump infer ENGINE SIDE ARCH CLASSES WEIGHTS BATCH COUNT OUT THREADS [DTYPE]
//   engine_dump train ENGINE SIDE ARCH CLASSES WEIGHTS BATCH COUNT OUT LABELS STEPS OPTIMIZER RATE
//               MOMENTUM NESTEROV DECAY SMOOTHING
// Exit code 77: there is no such engine.
#include "arch/arch.h"
#include "core/error.h"
#include "core/file.h"
#include "engine/engine.h"
#include "weights/weights.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct job {
    dogb_arena arena;
    const dogb_engine *engine;
    dogb_graph *graph;
    dogb_weights *file;
    const void **weights;
    dogb_map batch;
    int32_t count;
    int32_t classes;
} job;

// Like dogb_arch_build, with any size of the input.
static int build(job *j, const char *name, int32_t side) {
    const dogb_arch *arch;
    dogb_arch_options options = {"original", j->classes, side};
    int rc = dogb_arch_find(&arch, name);
    if (rc < 0 || (rc = dogb_graph_create(&j->graph, name)) < 0) {
        return rc;
    }
    options.input_size = side == 0 ? arch->input_size : side;
    (void)dogb_graph_input(j->graph, 3, options.input_size, options.input_size);
    return arch->build(j->graph, arch, &options);
}

static int open_job(job *j, const char *side, char **arguments) {
    int rc;
    j->classes = (int32_t)atoi(arguments[1]);
    j->count = (int32_t)atoi(arguments[4]);
    if ((rc = build(j, arguments[0], atoi(side))) < 0 ||
        (rc = dogb_weights_open(&j->file, arguments[2])) < 0 ||
        (rc = dogb_map_open(&j->batch, &j->arena, arguments[3], (uint64_t)1 << 32)) < 0) {
        return rc;
    }
    j->weights = dogb_alloc(&j->arena, (size_t)j->graph->param_count, sizeof *j->weights);
    for (int32_t i = 0; j->weights != NULL && i < j->graph->param_count; i++) {
        const dogb_weight *weight = dogb_weights_find(j->file, j->graph->params[i].name);
        if (weight == NULL) {
            return dogb_fail(DOGBREED_ERROR_NOT_FOUND, "%s: %s is missing", arguments[2],
                             j->graph->params[i].name);
        }
        j->weights[i] = weight->data;
    }
    return j->weights == NULL ? DOGBREED_ERROR_NO_MEMORY : DOGBREED_OK;
}

static int run_infer(job *j, char **arguments) {
    dogb_net_conf conf = {.device = "cpu",
                          .mode = DOGB_NET_INFER,
                          .dtype = arguments[7] == NULL ? DOGB_DTYPE_F32 : atoi(arguments[7]),
                          .threads = atoi(arguments[6])};
    dogb_net *net = NULL;
    dogb_batch batch = {j->batch.data, j->count, DOGB_DATA_F32};
    size_t size = (size_t)j->count * (size_t)j->classes * sizeof(float);
    float *out = dogb_alloc(&j->arena, size, 1);
    int rc = out == NULL ? DOGBREED_ERROR_NO_MEMORY
                         : dogb_engine_net(&net, j->engine, j->graph, j->weights, &conf);
    if (rc == DOGBREED_OK) {
        rc = dogb_engine_result(j->engine, j->engine->infer(net, &batch, out), "infer");
    }
    FILE *file = rc == DOGBREED_OK ? fopen(arguments[5], "wb") : NULL;
    if (rc == DOGBREED_OK && (file == NULL || fwrite(out, 1, size, file) != size)) {
        rc = dogb_fail(DOGBREED_ERROR_IO, "%s: cannot write", arguments[5]);
    }
    if (file != NULL && fclose(file) != 0) {
        rc = dogb_fail(DOGBREED_ERROR_IO, "%s: cannot close", arguments[5]);
    }
    j->engine->net_destroy(net);
    return rc;
}

static int step(job *j, dogb_net *net, dogb_optim *optim, int32_t number, const int32_t *labels,
                char **arguments) {
    const dogb_node *input = &j->graph->nodes[0];
    int64_t sample = input->shape[0] * input->shape[1] * input->shape[2];
    const float *data = (const float *)(const void *)j->batch.data + number * j->count * sample;
    dogb_batch batch = {data, j->count, DOGB_DATA_F32};
    dogb_target target = {labels + number * j->count, NULL, j->count, 0, atof(arguments[13])};
    dogb_loss loss;
    int rc;
    if ((rc = j->engine->forward(net, &batch, DOGB_MODE_TRAIN, 1, number)) < 0 ||
        (rc = j->engine->loss(net, &target, &loss)) < 0 || (rc = j->engine->backward(net)) < 0 ||
        (rc = j->engine->optim_step(optim, atof(arguments[9]))) < 0) {
        return dogb_engine_result(j->engine, rc, "step");
    }
    printf("%.9g\n", loss.loss);
    return DOGBREED_OK;
}

// The weights after training, named as in the file.
static int write_weights(job *j, dogb_net *net, const char *path) {
    dogb_weight *tensors = dogb_alloc(&j->arena, (size_t)j->graph->param_count, sizeof *tensors);
    for (int32_t i = 0; tensors != NULL && i < j->graph->param_count; i++) {
        const dogb_param *param = &j->graph->params[i];
        int counter = param->role == DOGB_ROLE_COUNTER;
        tensors[i] = *dogb_weights_find(j->file, param->name);
        tensors[i].bytes = (size_t)param->count * (counter ? sizeof(int64_t) : sizeof(float));
        void *data = dogb_alloc(&j->arena, tensors[i].bytes, 1);
        if (data == NULL) {
            return DOGBREED_ERROR_NO_MEMORY;
        }
        int rc = j->engine->param_read(net, i, data, tensors[i].bytes);
        if (rc < 0) {
            return dogb_engine_result(j->engine, rc, "param_read");
        }
        tensors[i].data = data;
    }
    return tensors == NULL
               ? DOGBREED_ERROR_NO_MEMORY
               : dogb_safetensors_write(path, tensors, (size_t)j->graph->param_count, NULL);
}

static int run_train(job *j, char **arguments) {
    dogb_net_conf conf = {.device = "cpu",
                          .mode = DOGB_NET_TRAIN,
                          .threads = 1,
                          .batch_norm = DOGB_BN_TRAIN,
                          .batch_max = j->count};
    dogb_optim_conf optim_conf = {.kind = atoi(arguments[8]),
                                  .nesterov = atoi(arguments[11]),
                                  .momentum = atof(arguments[10]),
                                  .weight_decay = atof(arguments[12]),
                                  .beta1 = 0.9,
                                  .beta2 = 0.999,
                                  .epsilon = 1e-8};
    dogb_map labels;
    dogb_net *net = NULL;
    dogb_optim *optim = NULL;
    int rc = dogb_map_open(&labels, &j->arena, arguments[6], 1 << 20);
    if (rc == DOGBREED_OK) {
        rc = dogb_engine_net(&net, j->engine, j->graph, j->weights, &conf);
    }
    if (rc == DOGBREED_OK) {
        rc = dogb_engine_result(j->engine, j->engine->optim_create(&optim, net, &optim_conf),
                                "optim_create");
    }
    for (int32_t i = 0; rc == DOGBREED_OK && i < atoi(arguments[7]); i++) {
        rc = step(j, net, optim, i, (const int32_t *)(const void *)labels.data, arguments);
    }
    if (rc == DOGBREED_OK) {
        rc = write_weights(j, net, arguments[5]);
    }
    j->engine->optim_destroy(optim);
    j->engine->net_destroy(net);
    return rc;
}

int main(int argc, char **argv) {
    job j = {0};
    int train = argc > 1 && strcmp(argv[1], "train") == 0;
    if (argc < (train ? 18 : 11)) {
        fprintf(stderr, "usage: engine_dump infer|train ... (see the first comment)\n");
        return 2;
    }
    int rc = dogb_engine_open(&j.engine, argv[2],
                              train ? DOGB_CAN_INFER | DOGB_CAN_TRAIN : DOGB_CAN_INFER, "cpu");
    if (rc < 0) {
        printf("skipped: %s\n", dogbreed_error_message());
        return 77;
    }
    rc = open_job(&j, argv[3], argv + 4);
    if (rc == DOGBREED_OK) {
        rc = train ? run_train(&j, argv + 4) : run_infer(&j, argv + 4);
    }
    if (rc < 0) {
        fprintf(stderr, "engine_dump: %s\n", dogbreed_error_message());
    }
    dogb_weights_destroy(j.file);
    dogb_graph_destroy(j.graph);
    dogb_arena_free(&j.arena);
    return rc < 0 ? 1 : 0;
}
