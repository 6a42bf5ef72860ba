// layer.c - see layer.h.
#include "engine/layer.h"

void dogb_layer_end(int32_t kind, uint64_t begin, const dogb_node *node) {
    if (begin != 0) {
        dogb_span_layer_end(kind, begin, node->name, dogb_op_name(node->op));
    }
}

static void whole(int32_t kind, uint64_t begin, uint64_t end, const dogb_node *node) {
    dogb_span_layer(kind, begin, end, node->name, dogb_op_name(node->op));
}

const dogb_engine_listener dogb_engine_spans = {
    .begin = dogb_span_begin,
    .end = dogb_span_end,
    .layers = dogb_span_layers,
    .layer_end = dogb_layer_end,
    .now = dogb_span_now,
    .layer = whole,
};
