// graph_internal.h - what the files of lib/graph share: the one way to append a checked node, and
// the bounds that keep a graph from a hostile file cheap.
#ifndef DOGB_GRAPH_INTERNAL_H
#define DOGB_GRAPH_INTERNAL_H

#include "graph/graph.h"

enum {
    DOGB_GRAPH_NODE_MAX = 16384,
    DOGB_GRAPH_NAME_MAX = 200,       // bytes of a node's name
    DOGB_GRAPH_SIDE_MAX = 1 << 16,   // height and width of a value
    DOGB_GRAPH_WIDTH_MAX = 1 << 24,  // channels, features
    DOGB_GRAPH_WINDOW_MAX = 1 << 12, // kernel, stride, padding, dilation
    DOGB_GRAPH_ROLE_COUNT = 6
};
// Elements of one value of one sample, or of one parameter.
#define DOGB_GRAPH_ELEMENT_MAX ((int64_t)INT32_MAX)
// Elements of all values of one sample, and of all parameters.
#define DOGB_GRAPH_TOTAL_MAX ((int64_t)1 << 33)
// Steps of the innermost loops of all operations for one sample: 40 times ViT-L's.
#define DOGB_GRAPH_WORK_MAX ((int64_t)1 << 42)

typedef struct dogb_node_init {
    int32_t weight; // DOGB_INIT_
    int32_t bias;
    double scale; // of DOGB_INIT_NORMAL weights
} dogb_node_init;

// One row per dogb_op.
typedef struct dogb_op_row {
    const char *name;
    int32_t inputs_min;
    int32_t inputs_max;
    // Fills node->channels_in and the output shape. `values` are the nodes that it reads.
    int (*infer)(dogb_node *node, const dogb_node *const *values);
} dogb_op_row;

extern const dogb_op_row dogb_op_rows[DOGB_OP_COUNT];
extern const char *const dogb_role_names[DOGB_GRAPH_ROLE_COUNT];

// Appends a copy of `node` (name, op, geometry; the rest is derived) with its parameters. Returns
// its index; -1 after a failure, which graph->status keeps. init NULL: zeros.
int32_t dogb_graph_append(dogb_graph *graph, const dogb_node *node, const int32_t *inputs,
                          int32_t count, const dogb_node_init *init);

// What the parameters of a node start from.
void dogb_graph_node_init(const dogb_graph *graph, int32_t node, dogb_node_init *out);

// Steps of the innermost loop of a node for one sample.
int64_t dogb_graph_work(const dogb_node *node);

#endif
