// cache.c - what a net's packed weights are found by: its network and every byte of its weights.
#include "engine/engine_internal.h"

#include "core/error.h"
#include "core/thread.h"

#include <string.h>

enum { CHUNK = 1 << 18 }; // bytes that one thread hashes at a time

typedef struct chunk {
    const uint8_t *data;
    size_t size;
    dogb_sha256 *hash;
} chunk;

static size_t bytes_of(const dogb_param *param) {
    return (size_t)param->count *
           (param->role == DOGB_ROLE_COUNTER ? sizeof(int64_t) : sizeof(float));
}

static int hash_chunk(int64_t index, void *userdata) {
    const chunk *c = (const chunk *)userdata + index;
    return dogb_sha256_of(c->hash, c->data, c->size);
}

// A network of the same nodes has the same text.
static int hash_graph(dogb_sha256 *out, dogb_arena *arena, const dogb_graph *graph) {
    json_t *json = NULL;
    int rc = dogb_graph_to_json(&json, arena, graph);
    char *text = rc < 0 ? NULL : dogb_json_text_in(arena, json, 0);
    if (text == NULL) {
        return rc < 0 ? rc : DOGBREED_ERROR_NO_MEMORY;
    }
    return dogb_sha256_of(out, text, strlen(text));
}

size_t dogb_engine_weight_bytes(const dogb_graph *graph) {
    size_t total = 0;
    for (int32_t i = 0; i < graph->param_count; i++) {
        total += bytes_of(&graph->params[i]);
    }
    return total;
}

size_t dogb_engine_value_bytes(const dogb_graph *graph) {
    int64_t most[2] = {0, 0};
    for (int32_t i = 0; i < graph->node_count; i++) {
        const int64_t *shape = graph->nodes[i].shape;
        int64_t floats = shape[0] * shape[1] * shape[2];
        if (floats > most[0]) {
            most[1] = most[0];
            most[0] = floats;
        } else if (floats > most[1]) {
            most[1] = floats;
        }
    }
    return (size_t)(most[0] + most[1]) * sizeof(float);
}

int dogb_engine_key(dogb_sha256 *out, const dogb_graph *graph, const void *const *weights,
                    int32_t threads) {
    dogb_arena scratch = {0};
    size_t most = dogb_engine_weight_bytes(graph) / CHUNK + (size_t)graph->param_count;
    chunk *chunks = dogb_alloc(&scratch, most + 1, sizeof *chunks);
    dogb_sha256 *hashes = dogb_alloc(&scratch, most + 1, sizeof *hashes);
    int rc = chunks == NULL || hashes == NULL ? DOGBREED_ERROR_NO_MEMORY
                                              : hash_graph(&hashes[0], &scratch, graph);
    int64_t count = 0;
    for (int32_t i = 0; rc == DOGBREED_OK && i < graph->param_count; i++) {
        size_t size = bytes_of(&graph->params[i]);
        for (size_t at = 0; at < size; at += CHUNK, count++) {
            chunks[count] = (chunk){(const uint8_t *)weights[i] + at,
                                    size - at < CHUNK ? size - at : CHUNK, &hashes[count + 1]};
        }
    }
    rc = rc < 0 ? rc : dogb_parallel(threads, count, hash_chunk, chunks);
    rc = rc < 0 ? rc : dogb_sha256_of(out, hashes, (size_t)(count + 1) * sizeof *hashes);
    dogb_arena_free(&scratch);
    return rc;
}
