// infer.c - our side of bench/infer.py: opens a network on an engine, then does what lines on stdin
// say, so that a peer in another process can take turns with it.
//   infer ENGINE ARCH WEIGHTS INPUT COUNT THREADS DTYPE
// ARCH "model": WEIGHTS is a model file, perhaps a quantised one (DTYPE 2).
// INPUT: raw float32, COUNT x 3 x side x side, or bytes, COUNT x side x side x 3 (a name with .u8).
// Lines: "block SECONDS" answers "IMAGES SECONDS" and "logits FILE" writes the logits of the batch
// and answers "ok".
#include "arch/arch.h"
#include "core/clock.h"
#include "core/error.h"
#include "core/file.h"
#include "engine/engine.h"
#include "model/model_internal.h"
#include "weights/weights.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct job {
    dogb_arena arena;
    const dogb_engine *engine;
    dogb_graph *graph;
    dogbreed_model *model;
    dogb_weights *file;
    dogb_net *net;
    dogb_batch batch;
    float *logits;
    size_t bytes;
} job;

static int find_weights(const void ***out, job *j, const char *path) {
    int rc = dogb_weights_open(&j->file, path);
    const void **data = dogb_alloc(&j->arena, (size_t)j->graph->param_count, sizeof *data);
    if (rc < 0 || data == NULL) {
        return rc < 0 ? rc : DOGBREED_ERROR_NO_MEMORY;
    }
    for (int32_t i = 0; i < j->graph->param_count; i++) {
        const dogb_weight *weight = dogb_weights_find(j->file, j->graph->params[i].name);
        if (weight == NULL) {
            return dogb_fail(DOGBREED_ERROR_NOT_FOUND, "%s: %s is missing", path,
                             j->graph->params[i].name);
        }
        data[i] = weight->data;
    }
    *out = data;
    return DOGBREED_OK;
}

static int open_network(const void *const **weights, job *j, char **arguments) {
    const dogb_arch *arch;
    const void **found = NULL;
    dogb_arch_options options = {"original", 1000, 0};
    int rc;
    if (strcmp(arguments[1], "model") == 0) {
        if ((rc = dogbreed_model_load(&j->model, arguments[2])) < 0) {
            return rc;
        }
        *weights = dogb_model_weights(j->model);
        return dogb_graph_copy(&j->graph, dogb_model_graph(j->model));
    }
    if ((rc = dogb_arch_find(&arch, arguments[1])) < 0 ||
        (rc = dogb_arch_build(&j->graph, arch, &options)) < 0 ||
        (rc = find_weights(&found, j, arguments[2])) < 0) {
        return rc;
    }
    *weights = found;
    return DOGBREED_OK;
}

static int open_job(job *j, char **arguments) {
    const void *const *weights = NULL;
    dogb_map input;
    dogb_net_conf conf = {.device = "cpu",
                          .mode = DOGB_NET_INFER,
                          .threads = atoi(arguments[5]),
                          .dtype = atoi(arguments[6]),
                          .batch_max = atoi(arguments[4])};
    int rc;
    if ((rc = dogb_engine_open(&j->engine, arguments[0], DOGB_CAN_INFER, "cpu")) < 0 ||
        (rc = open_network(&weights, j, arguments)) < 0 ||
        (rc = dogb_map_open(&input, &j->arena, arguments[3], (uint64_t)1 << 32)) < 0 ||
        (rc = dogb_engine_net(&j->net, j->engine, j->graph, weights, &conf)) < 0) {
        return rc;
    }
    j->batch = (dogb_batch){input.data, conf.batch_max,
                            strstr(arguments[3], ".u8") != NULL ? DOGB_DATA_U8 : DOGB_DATA_F32};
    j->bytes =
        (size_t)(conf.batch_max * j->graph->nodes[j->graph->output].shape[0]) * sizeof *j->logits;
    j->logits = dogb_alloc(&j->arena, j->bytes, 1);
    return j->logits == NULL ? DOGBREED_ERROR_NO_MEMORY : DOGBREED_OK;
}

static int infer(job *j) {
    return dogb_engine_result(j->engine, j->engine->infer(j->net, &j->batch, j->logits), "infer");
}

static int block(job *j, double seconds) {
    int64_t images = 0;
    double begin = dogb_clock();
    double now = begin;
    while (now - begin < seconds) {
        int rc = infer(j);
        if (rc < 0) {
            return rc;
        }
        images += j->batch.count;
        now = dogb_clock();
    }
    printf("%lld %.6f\n", (long long)images, now - begin);
    return DOGBREED_OK;
}

static int write_logits(job *j, const char *path) {
    int rc = infer(j);
    FILE *file = rc == DOGBREED_OK ? fopen(path, "wb") : NULL;
    if (rc == DOGBREED_OK && (file == NULL || fwrite(j->logits, 1, j->bytes, file) != j->bytes)) {
        rc = dogb_fail(DOGBREED_ERROR_IO, "%s: cannot write", path);
    }
    if (file != NULL && fclose(file) != 0) {
        rc = dogb_fail(DOGBREED_ERROR_IO, "%s: cannot close", path);
    }
    if (rc == DOGBREED_OK) {
        puts("ok");
    }
    return rc;
}

int main(int argc, char **argv) {
    job j = {0};
    char line[1024];
    if (argc != 8) {
        fprintf(stderr, "usage: infer ENGINE ARCH WEIGHTS INPUT COUNT THREADS DTYPE\n");
        return 2;
    }
    int rc = open_job(&j, argv + 1);
    while (rc == DOGBREED_OK && fgets(line, sizeof line, stdin) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        rc = strncmp(line, "block ", 6) == 0 ? block(&j, atof(line + 6))
                                             : write_logits(&j, line + strcspn(line, " ") + 1);
        (void)fflush(stdout);
    }
    if (rc < 0) {
        fprintf(stderr, "infer: %s\n", dogbreed_error_message());
    }
    if (j.net != NULL) {
        j.engine->net_destroy(j.net);
    }
    dogbreed_model_destroy(j.model);
    dogb_weights_destroy(j.file);
    dogb_graph_destroy(j.graph);
    dogb_arena_free(&j.arena);
    return rc < 0 ? 1 : 0;
}
