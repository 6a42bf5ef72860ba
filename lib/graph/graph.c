// graph.c - building a network's node list and looking at it. Every node is checked when it is
// appended, whoever appends it: an architecture, a rewrite, or a model file.
#include "graph/graph_internal.h"

#include "core/error.h"

#include <stdlib.h>
#include <string.h>

const char *const dogb_role_names[DOGB_GRAPH_ROLE_COUNT] = {
    "weight", "bias", "running_mean", "running_var", "num_batches_tracked", "weight_scale",
};

// ImageNet's channel statistics, which torchvision's networks expect.
static const float imagenet_mean[3] = {0.485f, 0.456f, 0.406f};
static const float imagenet_deviation[3] = {0.229f, 0.224f, 0.225f};

int dogb_graph_create(dogb_graph **out, const char *architecture) {
    *out = NULL;
    dogb_graph *graph = dogb_malloc(1, sizeof *graph);
    if (graph == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    graph->architecture = dogb_strdup(&graph->arena, architecture);
    graph->output = -1;
    graph->feature = -1;
    memcpy(graph->mean, imagenet_mean, sizeof graph->mean);
    memcpy(graph->deviation, imagenet_deviation, sizeof graph->deviation);
    if (graph->architecture == NULL) {
        dogb_graph_destroy(graph);
        return DOGBREED_ERROR_NO_MEMORY;
    }
    *out = graph;
    return DOGBREED_OK;
}

void dogb_graph_destroy(dogb_graph *graph) {
    if (graph != NULL) {
        dogb_arena_free(&graph->arena);
        dogb_free(graph);
    }
}

static int check_name(const char *name) {
    size_t length = name == NULL ? 0 : strlen(name);
    if (length == 0 || length > DOGB_GRAPH_NAME_MAX) {
        return dogb_fail(DOGBREED_ERROR_FORMAT,
                         "graph: a node's name has %zu bytes, expected 1 to %d", length,
                         DOGB_GRAPH_NAME_MAX);
    }
    static const char accepted[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                   "0123456789_.-";
    if (strspn(name, accepted) != length) {
        return dogb_fail(DOGBREED_ERROR_FORMAT,
                         "graph: node name \"%s\": expected letters, digits, '_', '.', '-'", name);
    }
    return DOGBREED_OK;
}

static int check_inputs(const dogb_graph *graph, const dogb_node *node, const int32_t *inputs,
                        int32_t count) {
    if (node->op < 0 || node->op >= DOGB_OP_COUNT ||
        (node->op == DOGB_OP_INPUT) != (graph->node_count == 0)) {
        return dogb_fail(DOGBREED_ERROR_FORMAT,
                         "graph: node %s: operation %s is not possible as node %d", node->name,
                         dogb_op_name(node->op), graph->node_count);
    }
    const dogb_op_row *row = &dogb_op_rows[node->op];
    if (count < row->inputs_min || count > row->inputs_max) {
        return dogb_fail(DOGBREED_ERROR_FORMAT, "graph: node %s (%s): %d inputs, expected %d to %d",
                         node->name, row->name, count, row->inputs_min, row->inputs_max);
    }
    for (int32_t i = 0; i < count; i++) {
        if (inputs[i] < 0 || inputs[i] >= graph->node_count) {
            return dogb_fail(DOGBREED_ERROR_FORMAT,
                             "graph: node %s (%s): input %d, expected a node before it (%d)",
                             node->name, row->name, inputs[i], graph->node_count);
        }
    }
    return DOGBREED_OK;
}

static int infer(dogb_graph *graph, dogb_node *node) {
    dogb_arena scratch = {0};
    const dogb_node **values = dogb_alloc(&scratch, (size_t)node->input_count + 1, sizeof *values);
    int rc = values == NULL ? DOGBREED_ERROR_NO_MEMORY : DOGBREED_OK;
    for (int32_t i = 0; rc == DOGBREED_OK && i < node->input_count; i++) {
        values[i] = &graph->nodes[node->inputs[i]];
    }
    if (rc == DOGBREED_OK) {
        rc = dogb_op_rows[node->op].infer(node, values);
    }
    dogb_arena_free(&scratch);
    return rc;
}

// Steps far from those of real activations are refused: products of them must stay finite.
static int check_step(const dogb_node *node) {
    if (node->step == 0 && node->zero == 0) {
        return DOGBREED_OK;
    }
    if (!(node->step >= 1e-9 && node->step <= 1e9) || node->zero < 0 || node->zero > 255) {
        return dogb_fail(DOGBREED_ERROR_FORMAT,
                         "graph: node %s (%s): step %g and zero %d, expected a step of 1e-9 to 1e9 "
                         "and a zero of 0 to 255",
                         node->name, dogb_op_name(node->op), node->step, node->zero);
    }
    return DOGBREED_OK;
}

static int add_param(dogb_graph *graph, const dogb_node *node, int32_t role, int32_t init,
                     double scale, int32_t rank, const int64_t *shape) {
    dogb_param param = {.node = graph->node_count,
                        .role = role,
                        .init = init,
                        .rank = rank,
                        .scale = scale,
                        .count = 1,
                        .shape = {1, 1, 1, 1}};
    for (int32_t i = 0; i < rank; i++) {
        param.shape[i] = shape[i];
        if (shape[i] < 1 || param.count > DOGB_GRAPH_ELEMENT_MAX / shape[i]) {
            return dogb_fail(DOGBREED_ERROR_FORMAT, "graph: node %s: its %s has too many elements",
                             node->name, dogb_role_names[role]);
        }
        param.count *= shape[i];
    }
    param.name = dogb_format(&graph->arena, "%s.%s", node->name, dogb_role_names[role]);
    if (param.name == NULL || dogb_grow(&graph->arena, &graph->params, &graph->param_capacity,
                                        (size_t)graph->param_count, sizeof *graph->params) < 0) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    graph->params[graph->param_count++] = param;
    return DOGBREED_OK;
}

static int add_weight_and_bias(dogb_graph *graph, const dogb_node *node,
                               const dogb_node_init *init) {
    int conv = node->op == DOGB_OP_CONV2D;
    int64_t shape[4] = {node->channels_out,
                        conv ? node->channels_in / node->groups : node->channels_in,
                        node->kernel[0], node->kernel[1]};
    int rc =
        add_param(graph, node, DOGB_ROLE_WEIGHT, init->weight, init->scale, conv ? 4 : 2, shape);
    if (rc == DOGBREED_OK && node->has_bias) {
        rc = add_param(graph, node, DOGB_ROLE_BIAS, init->bias, 0, 1, shape);
    }
    if (rc == DOGBREED_OK && node->int8) {
        rc = add_param(graph, node, DOGB_ROLE_WEIGHT_SCALE, DOGB_INIT_ONE, 0, 1, shape);
    }
    return rc;
}

static int add_statistics(dogb_graph *graph, const dogb_node *node, const dogb_node_init *init) {
    const int32_t inits[] = {init->weight, DOGB_INIT_ZERO, DOGB_INIT_ZERO, DOGB_INIT_ONE,
                             DOGB_INIT_ZERO};
    int64_t channels = node->channels_in;
    int rc = DOGBREED_OK;
    for (int32_t role = 0; rc == DOGBREED_OK && role <= DOGB_ROLE_COUNTER; role++) {
        rc = add_param(graph, node, role, inits[role], init->scale, role != DOGB_ROLE_COUNTER,
                       &channels);
    }
    return rc;
}

static int append(dogb_graph *graph, const dogb_node *from, const int32_t *inputs, int32_t count,
                  const dogb_node_init *init) {
    dogb_node node = *from;
    int rc;
    if (graph->node_count >= DOGB_GRAPH_NODE_MAX) {
        return dogb_fail(DOGBREED_ERROR_FORMAT, "graph: more than %d nodes", DOGB_GRAPH_NODE_MAX);
    }
    if ((rc = check_name(node.name)) < 0 || (rc = check_inputs(graph, &node, inputs, count)) < 0) {
        return rc;
    }
    int32_t *copy = dogb_alloc(&graph->arena, (size_t)count + 1, sizeof *copy);
    node.name = dogb_strdup(&graph->arena, node.name);
    if (copy == NULL || node.name == NULL ||
        dogb_grow(&graph->arena, &graph->nodes, &graph->node_capacity, (size_t)graph->node_count,
                  sizeof *graph->nodes) < 0) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    if (count > 0) {
        memcpy(copy, inputs, (size_t)count * sizeof *copy);
    }
    node.inputs = copy;
    node.input_count = count;
    if ((rc = check_step(&node)) < 0 || (rc = infer(graph, &node)) < 0) {
        return rc;
    }
    node.first_param = graph->param_count;
    if (node.op == DOGB_OP_CONV2D || node.op == DOGB_OP_LINEAR) {
        rc = add_weight_and_bias(graph, &node, init);
    } else if (node.op == DOGB_OP_BATCH_NORM) {
        rc = add_statistics(graph, &node, init);
    }
    if (rc < 0) {
        return rc;
    }
    node.param_count = graph->param_count - node.first_param;
    graph->nodes[graph->node_count] = node;
    return graph->node_count++;
}

int32_t dogb_graph_append(dogb_graph *graph, const dogb_node *node, const int32_t *inputs,
                          int32_t count, const dogb_node_init *init) {
    static const dogb_node_init zero = {DOGB_INIT_ZERO, DOGB_INIT_ZERO, 0};
    if (graph->status != DOGBREED_OK) {
        return -1;
    }
    int rc = append(graph, node, inputs, count, init == NULL ? &zero : init);
    if (rc < 0) {
        graph->status = rc;
        return -1;
    }
    return rc;
}

void dogb_graph_node_init(const dogb_graph *graph, int32_t node, dogb_node_init *out) {
    const dogb_node *at = &graph->nodes[node];
    *out = (dogb_node_init){DOGB_INIT_ZERO, DOGB_INIT_ZERO, 0};
    for (int32_t i = at->first_param; i < at->first_param + at->param_count; i++) {
        const dogb_param *param = &graph->params[i];
        if (param->role == DOGB_ROLE_WEIGHT) {
            out->weight = param->init;
            out->scale = param->scale;
        } else if (param->role == DOGB_ROLE_BIAS) {
            out->bias = param->init;
        }
    }
}

static int compare_names(const void *a, const void *b) {
    const char *const *left = a;
    const char *const *right = b;
    return strcmp(*left, *right);
}

static int check_unique(const dogb_graph *graph) {
    dogb_arena scratch = {0};
    size_t count = (size_t)graph->node_count;
    const char **names = dogb_alloc(&scratch, count, sizeof *names);
    int rc = names == NULL ? DOGBREED_ERROR_NO_MEMORY : DOGBREED_OK;
    for (size_t i = 0; names != NULL && i < count; i++) {
        names[i] = graph->nodes[i].name;
    }
    if (names != NULL) {
        qsort(names, count, sizeof *names, compare_names);
    }
    for (size_t i = 1; rc == DOGBREED_OK && i < count; i++) {
        if (strcmp(names[i - 1], names[i]) == 0) {
            rc = dogb_fail(DOGBREED_ERROR_FORMAT, "graph: two nodes are named %s", names[i]);
        }
    }
    dogb_arena_free(&scratch);
    return rc;
}

static int check_totals(const dogb_graph *graph) {
    int64_t values = 0;
    int64_t work = 0;
    int64_t params = 0;
    for (int32_t i = 0; i < graph->node_count; i++) { // each term is below 2^43
        const dogb_node *node = &graph->nodes[i];
        values += node->shape[0] * node->shape[1] * node->shape[2];
        work += dogb_graph_work(node);
        if (values > DOGB_GRAPH_TOTAL_MAX || work > DOGB_GRAPH_WORK_MAX) {
            return dogb_fail(DOGBREED_ERROR_FORMAT,
                             "graph: node %s: the network is too large for one sample (limits: "
                             "2^33 values, 2^42 steps)",
                             node->name);
        }
    }
    for (int32_t i = 0; i < graph->param_count; i++) {
        params += graph->params[i].count;
    }
    if (params > DOGB_GRAPH_TOTAL_MAX) {
        return dogb_fail(DOGBREED_ERROR_FORMAT, "graph: more than 2^33 weights");
    }
    return DOGBREED_OK;
}

int dogb_graph_finish(dogb_graph *graph, int32_t output) {
    if (graph->status != DOGBREED_OK) {
        return graph->status; // the message is the one of the builder call that failed
    }
    if (output < 1 || output >= graph->node_count) {
        return dogb_fail(DOGBREED_ERROR_FORMAT, "graph: output node %d, expected 1 to %d", output,
                         graph->node_count - 1);
    }
    if (graph->feature < -1 || graph->feature > output ||
        (graph->feature >= 0 && graph->nodes[graph->feature].rank != 1)) {
        return dogb_fail(DOGBREED_ERROR_FORMAT,
                         "graph: feature node %d, expected -1 or a rank-1 node up to the output",
                         graph->feature);
    }
    int rc = check_unique(graph);
    if (rc == DOGBREED_OK) {
        rc = check_totals(graph);
    }
    graph->output = output;
    graph->status = rc;
    return rc;
}

int32_t dogb_graph_find_node(const dogb_graph *graph, const char *name) {
    for (int32_t i = 0; i < graph->node_count; i++) {
        if (strcmp(graph->nodes[i].name, name) == 0) {
            return i;
        }
    }
    return -1;
}

int32_t dogb_graph_find_param(const dogb_graph *graph, const char *name) {
    for (int32_t i = 0; i < graph->param_count; i++) {
        if (strcmp(graph->params[i].name, name) == 0) {
            return i;
        }
    }
    return -1;
}

int dogb_graph_is_buffer(const dogb_param *param) {
    return param->role >= DOGB_ROLE_RUNNING_MEAN;
}

int dogb_graph_quantised(const dogb_graph *graph) {
    for (int32_t i = 0; i < graph->param_count; i++) {
        if (graph->params[i].role == DOGB_ROLE_WEIGHT_SCALE) {
            return 1;
        }
    }
    return 0;
}

int64_t dogb_graph_parameter_total(const dogb_graph *graph) {
    int64_t total = 0;
    for (int32_t i = 0; i < graph->param_count; i++) {
        total += dogb_graph_is_buffer(&graph->params[i]) ? 0 : graph->params[i].count;
    }
    return total;
}

int64_t dogb_graph_multiply_adds(const dogb_graph *graph, int32_t node) {
    int64_t total = 0;
    for (int32_t i = 0; i < graph->node_count; i++) {
        int32_t op = graph->nodes[i].op;
        if ((node < 0 || node == i) && (op == DOGB_OP_CONV2D || op == DOGB_OP_LINEAR)) {
            total += dogb_graph_work(&graph->nodes[i]);
        }
    }
    return total;
}

int32_t dogb_graph_stage_end(const dogb_graph *graph, const char *prefix) {
    size_t length = strlen(prefix);
    for (int32_t i = graph->node_count - 1; length > 0 && i >= 0; i--) {
        const char *name = graph->nodes[i].name;
        if (strncmp(name, prefix, length) == 0 && (name[length] == '\0' || name[length] == '.')) {
            return i;
        }
    }
    return -1;
}
