// infer.c - evaluation of a net that nobody changes: many threads may be in here at once, so
// everything written lives on this call's arenas.
#include "engine/engine_internal.h"
#include "engine/layer.h"
#include "engine/ref/ref.h"

#include "core/error.h"
#include "core/thread.h"

#include <string.h>

typedef struct job {
    dogb_net *net;
    const dogb_batch *batch;
    float *out;
    int64_t chunk; // samples that run together
    int32_t threads;
    int32_t reserved;
} job;

static int run_nodes(const job *j, dogb_ref_pass *pass) {
    const dogb_graph *graph = pass->graph;
    for (int32_t i = 1; i < graph->node_count; i++) {
        const dogb_node *node = &graph->nodes[i];
        pass->values[i] = dogb_alloc_raw(pass->arena, (size_t)pass->count,
                                         (size_t)dogb_ref_size(node) * sizeof(float));
        if (pass->values[i] == NULL) {
            return DOGBREED_ERROR_NO_MEMORY;
        }
        uint64_t span = dogb_layer_begin(DOGB_SPAN_LAYER_FORWARD);
        int rc = dogb_ref_ops[node->op].forward(pass, i);
        dogb_layer_end(DOGB_SPAN_LAYER_FORWARD, span, node);
        if (rc < 0) {
            return rc;
        }
        for (int32_t k = 0; k < node->input_count; k++) {
            int32_t input = node->inputs[k];
            if (j->net->last_use[input] == i && pass->values[input] != NULL) {
                dogb_release(pass->arena, pass->values[input]);
                pass->values[input] = NULL;
            }
        }
    }
    return DOGBREED_OK;
}

static int run_chunk(int64_t index, void *userdata) {
    const job *j = userdata;
    const dogb_net *net = j->net;
    const dogb_graph *graph = net->graph;
    dogb_arena arena = {0};
    int64_t first = index * j->chunk;
    int64_t count = j->batch->count - first < j->chunk ? j->batch->count - first : j->chunk;
    int64_t outputs = dogb_ref_size(&graph->nodes[graph->output]);
    dogb_ref_pass pass = {.graph = graph,
                          .params = net->params,
                          .arena = &arena,
                          .count = count,
                          .threads = j->threads};
    int rc = DOGBREED_ERROR_NO_MEMORY;
    pass.values = dogb_alloc(&arena, (size_t)graph->node_count, sizeof *pass.values);
    if (pass.values == NULL) {
        goto out;
    }
    pass.values[0] = dogb_alloc_raw(&arena, (size_t)count,
                                    (size_t)dogb_ref_size(&graph->nodes[0]) * sizeof(float));
    if (pass.values[0] == NULL) {
        goto out;
    }
    dogb_ref_load(net, pass.values[0], j->batch, first, count);
    rc = run_nodes(j, &pass);
    if (rc == DOGBREED_OK) {
        memcpy(j->out + first * outputs, pass.values[graph->output],
               (size_t)(count * outputs) * sizeof *j->out);
    }
out:
    dogb_arena_free(&arena);
    return rc;
}

int dogb_ref_infer_on(dogb_net *net, const dogb_batch *batch, float *out, int32_t threads) {
    // Pictures run one by one and side by side; rows of features share passes over the weights.
    job j = {.net = net, .batch = batch, .out = out, .threads = 1};
    int rc = dogb_batch_check(net->graph, batch);
    if (rc < 0) {
        return rc;
    }
    j.chunk = net->graph->nodes[0].rank == 1 ? 32 : 1;
    int64_t chunks = (batch->count + j.chunk - 1) / j.chunk;
    if (chunks == 1) {
        j.threads = threads;
        return run_chunk(0, &j);
    }
    return dogb_parallel(threads, chunks, run_chunk, &j);
}

int dogb_ref_infer(dogb_net *net, const dogb_batch *batch, float *out) {
    return dogb_ref_infer_on(net, batch, out, net->conf.threads);
}
