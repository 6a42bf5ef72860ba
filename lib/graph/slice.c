// slice.c - a part of a network as a network of its own: the frozen prefix, or the head behind it.
#include "graph/graph_internal.h"

#include "core/error.h"

#include <string.h>

// Marks what `to` needs, going back as far as `from`. Anything needed that lies before `from` means
// that `from` does not cut the network in two.
static int mark_needed(uint8_t *needed, const dogb_graph *graph, int32_t from, int32_t to) {
    needed[to] = 1;
    for (int32_t i = to; i > from; i--) {
        const dogb_node *node = &graph->nodes[i];
        for (int32_t k = 0; needed[i] && k < node->input_count; k++) {
            int32_t input = node->inputs[k];
            if (input < from) {
                return dogb_fail(DOGBREED_ERROR_INVALID_ARGUMENT,
                                 "graph: a slice from node %s to %s: node %s also reads %s, which "
                                 "lies before it",
                                 graph->nodes[from].name, graph->nodes[to].name, node->name,
                                 graph->nodes[input].name);
            }
            needed[input] = 1;
        }
    }
    return DOGBREED_OK;
}

static void copy_nodes(dogb_graph *part, const dogb_graph *graph, int32_t from, int32_t to,
                       const uint8_t *needed, int32_t *map, int32_t *inputs) {
    map[from] = 0;
    for (int32_t i = from + 1; i <= to; i++) {
        const dogb_node *node = &graph->nodes[i];
        dogb_node_init init;
        if (!needed[i]) {
            continue;
        }
        for (int32_t k = 0; k < node->input_count; k++) {
            inputs[k] = map[node->inputs[k]];
        }
        dogb_graph_node_init(graph, i, &init);
        map[i] = dogb_graph_append(part, node, inputs, node->input_count, &init);
    }
}

static int slice(dogb_graph *part, const dogb_graph *graph, int32_t from, int32_t to,
                 dogb_arena *scratch) {
    size_t count = (size_t)graph->node_count;
    uint8_t *needed = dogb_alloc(scratch, count, 1);
    int32_t *map = dogb_alloc(scratch, count, sizeof *map);
    int32_t *inputs = dogb_alloc(scratch, DOGB_GRAPH_NODE_MAX, sizeof *inputs);
    if (needed == NULL || map == NULL || inputs == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    int rc = mark_needed(needed, graph, from, to);
    if (rc < 0) {
        return rc;
    }
    dogb_node input = graph->nodes[from];
    input.name = "input";
    input.op = DOGB_OP_INPUT;
    (void)dogb_graph_append(part, &input, NULL, 0, NULL);
    copy_nodes(part, graph, from, to, needed, map, inputs);
    for (int i = 0; i < 3; i++) { // values inside a network are not pixels
        part->mean[i] = from == 0 ? graph->mean[i] : 0.0f;
        part->deviation[i] = from == 0 ? graph->deviation[i] : 1.0f;
    }
    if (graph->feature >= from && graph->feature <= to && part->status == DOGBREED_OK &&
        (graph->feature == from || needed[graph->feature])) {
        part->feature = map[graph->feature];
    }
    return dogb_graph_finish(part, map[to]);
}

int dogb_graph_slice(dogb_graph **out, const dogb_graph *graph, int32_t from, int32_t to) {
    dogb_arena scratch = {0};
    dogb_graph *part = NULL;
    *out = NULL;
    DOGB_CHECK(from >= 0 && from < to && to < graph->node_count,
               "graph: a slice from node %d to %d, expected 0 <= from < to < %d", from, to,
               graph->node_count);
    int rc = dogb_graph_create(&part, graph->architecture);
    if (rc == DOGBREED_OK) {
        rc = slice(part, graph, from, to, &scratch);
    }
    dogb_arena_free(&scratch);
    if (rc < 0) {
        dogb_graph_destroy(part);
        return rc;
    }
    *out = part;
    return DOGBREED_OK;
}

int dogb_graph_copy(dogb_graph **out, const dogb_graph *graph) {
    dogb_graph *copy = NULL;
    *out = NULL;
    int rc = dogb_graph_create(&copy, graph->architecture);
    for (int32_t i = 0; rc == DOGBREED_OK && i < graph->node_count; i++) {
        const dogb_node *node = &graph->nodes[i];
        dogb_node_init init;
        dogb_graph_node_init(graph, i, &init);
        (void)dogb_graph_append(copy, node, node->inputs, node->input_count, &init);
        rc = copy->status;
    }
    if (rc == DOGBREED_OK) {
        copy->feature = graph->feature;
        memcpy(copy->mean, graph->mean, sizeof copy->mean);
        memcpy(copy->deviation, graph->deviation, sizeof copy->deviation);
        rc = dogb_graph_finish(copy, graph->output);
    }
    if (rc < 0) {
        dogb_graph_destroy(copy);
        return rc;
    }
    *out = copy;
    return DOGBREED_OK;
}
