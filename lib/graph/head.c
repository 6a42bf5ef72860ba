// head.c - is a network a head on features: one or two linear layers, each with or without dropout
// in front of it, a ReLU between them? Engines may train these faster than other networks.
#include "graph/graph.h"

// The node behind `at` when it is the next one of a chain and has this operation; else 0.
static int32_t next(const dogb_graph *graph, int32_t at, int32_t op) {
    const dogb_node *node = &graph->nodes[at + 1 < graph->node_count ? at + 1 : 0];
    return node->op == op && node->input_count == 1 && node->inputs[0] == at ? at + 1 : 0;
}

int dogb_graph_head(dogb_head_nodes *out, const dogb_graph *graph) {
    int32_t at = 0;
    *out = (dogb_head_nodes){0};
    if (graph->nodes[0].rank != 1) {
        return 0;
    }
    for (out->layers = 1; out->layers <= 2; out->layers++) {
        int32_t layer = out->layers - 1;
        out->dropout[layer] = next(graph, at, DOGB_OP_DROPOUT);
        at = out->dropout[layer] > 0 ? out->dropout[layer] : at;
        out->linear[layer] = next(graph, at, DOGB_OP_LINEAR);
        at = out->linear[layer];
        if (at == 0 || graph->nodes[at].activation != 0) {
            return 0;
        }
        if (at == graph->output && at == graph->node_count - 1) {
            return 1;
        }
        out->relu = next(graph, at, DOGB_OP_RELU);
        at = out->relu;
        if (at == 0) {
            return 0;
        }
    }
    return 0;
}
