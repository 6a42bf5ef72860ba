// graph_json.c - fuzz target: the JSON of a network. What is accepted is bounded, survives a round
// trip, and can be cut and copied.
#include "fuzz.h"

#include "core/error.h"
#include "graph/graph.h"

#include <stdlib.h>

static void use(const dogb_graph *graph) {
    dogb_arena arena = {0};
    json_t *json = NULL;
    dogb_graph *other = NULL;
    if (dogb_graph_to_json(&json, &arena, graph) == DOGBREED_OK) {
        if (dogb_graph_from_json(&other, json, "again") == DOGBREED_ERROR_FORMAT) {
            abort();
        }
        dogb_graph_destroy(other);
    }
    for (int32_t to = 1; to < graph->node_count && to < 20; to++) {
        if (dogb_graph_slice(&other, graph, to / 2, to) == DOGBREED_OK) {
            dogb_graph_destroy(other);
        }
    }
    if (dogb_graph_multiply_adds(graph, -1) < 0 || dogb_graph_parameter_total(graph) < 0) {
        abort();
    }
    dogb_arena_free(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    dogb_arena arena = {0};
    json_t *json = NULL;
    dogb_graph *graph = NULL;
    if (dogb_json_parse(&json, &arena, (const char *)data, size, "x") == DOGBREED_OK &&
        dogb_graph_from_json(&graph, json, "x") == DOGBREED_OK) {
        use(graph);
    }
    dogb_graph_destroy(graph);
    dogb_arena_free(&arena);
    return 0;
}
