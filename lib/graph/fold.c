// fold.c - the network as inference wants it: batch norms folded into the convolutions before
// them, dropout gone, activations and residual additions done where a convolution stores its
// result. One pass decides which nodes join which convolution or linear layer (its group), a second
// emits one node per group, a third computes the weights.
#include "graph/graph_internal.h"

#include "core/error.h"

#include <math.h>
#include <string.h>

typedef struct fold {
    const dogb_graph *graph;
    dogb_arena *scratch;
    int32_t *alias;    // by node: itself, or what a dropout passes on
    int32_t *uses;     // by node: how often it is read; the output and the features count as reads
    int32_t *lead;     // by node: first node of its group, itself when alone
    int32_t *end;      // by leader: last node of the group; its value is the group's
    int32_t *norm;     // by leader: the batch norm in it, -1
    int32_t *residual; // by leader: the node that is added, -1
    int32_t *fused;    // by leader: activation, 0
    int32_t *map;      // old to new node
    int32_t *source;   // new node to leader
    int32_t *inputs;   // of one node
} fold;

static int32_t *table(fold *f, int32_t value) {
    size_t count = (size_t)f->graph->node_count;
    int32_t *items = dogb_alloc(f->scratch, count, sizeof *items);
    for (size_t i = 0; items != NULL && i < count; i++) {
        items[i] = value;
    }
    return items;
}

static int prepare(fold *f) {
    const dogb_graph *graph = f->graph;
    f->alias = table(f, 0);
    f->uses = table(f, 0);
    f->lead = table(f, 0);
    f->end = table(f, 0);
    f->norm = table(f, -1);
    f->residual = table(f, -1);
    f->fused = table(f, 0);
    f->map = table(f, -1);
    f->source = table(f, -1);
    f->inputs = dogb_alloc(f->scratch, DOGB_GRAPH_NODE_MAX, sizeof *f->inputs);
    if (f->alias == NULL || f->uses == NULL || f->lead == NULL || f->end == NULL ||
        f->norm == NULL || f->residual == NULL || f->fused == NULL || f->map == NULL ||
        f->source == NULL || f->inputs == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    for (int32_t i = 0; i < graph->node_count; i++) {
        const dogb_node *node = &graph->nodes[i];
        f->alias[i] = node->op == DOGB_OP_DROPOUT ? f->alias[node->inputs[0]] : i;
        f->lead[i] = i;
        f->end[i] = i;
        f->fused[i] = node->activation;
        for (int32_t k = 0; node->op != DOGB_OP_DROPOUT && k < node->input_count; k++) {
            f->uses[f->alias[node->inputs[k]]]++;
        }
    }
    f->uses[f->alias[graph->output]]++;
    if (graph->feature >= 0) {
        f->uses[f->alias[graph->feature]]++;
    }
    return DOGBREED_OK;
}

// Leader of the group that `value` ends, when a further node may join it: the value is read once
// and nothing comes behind an activation. -1: none.
static int32_t open_group(const fold *f, int32_t value) {
    int32_t lead = f->lead[value];
    int32_t op = f->graph->nodes[lead].op;
    int open = (op == DOGB_OP_CONV2D || op == DOGB_OP_LINEAR) && f->end[lead] == value &&
               f->uses[value] == 1 && f->fused[lead] == 0;
    return open ? lead : -1;
}

static void join(fold *f, int32_t lead, int32_t node) {
    f->lead[node] = lead;
    f->end[lead] = node;
}

static void join_add(fold *f, int32_t node, int32_t value, int32_t other) {
    int32_t lead = open_group(f, value);
    if (f->lead[node] == node && value != other && lead >= 0 && f->residual[lead] < 0 &&
        f->graph->nodes[lead].op == DOGB_OP_CONV2D && !f->graph->nodes[lead].residual) {
        f->residual[lead] = other;
        join(f, lead, node);
    }
}

static void plan(fold *f) {
    for (int32_t i = 0; i < f->graph->node_count; i++) {
        const dogb_node *node = &f->graph->nodes[i];
        if (node->op == DOGB_OP_BATCH_NORM) {
            int32_t lead = open_group(f, f->alias[node->inputs[0]]);
            if (lead >= 0 && f->norm[lead] < 0 && f->residual[lead] < 0 &&
                !f->graph->nodes[lead].residual) {
                f->norm[lead] = i;
                join(f, lead, i);
            }
        } else if (node->op == DOGB_OP_RELU || node->op == DOGB_OP_RELU6) {
            int32_t lead = open_group(f, f->alias[node->inputs[0]]);
            if (lead >= 0) {
                f->fused[lead] = node->op;
                join(f, lead, i);
            }
        } else if (node->op == DOGB_OP_ADD) {
            int32_t a = f->alias[node->inputs[0]];
            int32_t b = f->alias[node->inputs[1]];
            join_add(f, i, a > b ? a : b, a > b ? b : a);
            join_add(f, i, a > b ? b : a, a > b ? a : b);
        }
    }
}

// A group is emitted where its last node stands: everything it reads comes before that.
static void emit(fold *f, dogb_graph *out) {
    for (int32_t i = 0; i < f->graph->node_count; i++) {
        int32_t lead = f->lead[i];
        if (f->alias[i] != i) {
            f->map[i] = f->map[f->alias[i]];
            continue;
        }
        if (f->end[lead] != i) {
            continue;
        }
        dogb_node node = f->graph->nodes[lead];
        int32_t count = 0;
        for (; count < node.input_count; count++) {
            f->inputs[count] = f->map[f->alias[node.inputs[count]]];
        }
        if (f->residual[lead] >= 0) {
            f->inputs[count++] = f->map[f->residual[lead]];
            node.residual = 1;
        }
        node.has_bias = node.has_bias || f->norm[lead] >= 0;
        node.activation = f->fused[lead];
        node.step = f->graph->nodes[i].step;
        node.zero = f->graph->nodes[i].zero;
        f->map[i] = dogb_graph_append(out, &node, f->inputs, count, NULL);
        if (f->map[i] < 0) {
            return;
        }
        f->source[f->map[i]] = lead;
    }
}

static const void *weight_of(const dogb_graph *graph, const void *const *weights, int32_t node,
                             int32_t role) {
    const dogb_node *at = &graph->nodes[node];
    for (int32_t i = at->first_param; i < at->first_param + at->param_count; i++) {
        if (graph->params[i].role == role) {
            return weights[i];
        }
    }
    return NULL;
}

// y = gamma * (x - mean) / sqrt(var + eps) + beta, as weight' = weight * s, bias' = bias * s + t.
typedef struct affine {
    double scale;
    double shift;
} affine;

static affine channel_affine(const fold *f, const void *const *weights, int32_t norm, int64_t c) {
    affine result = {1, 0};
    if (norm >= 0) {
        const float *gamma = weight_of(f->graph, weights, norm, DOGB_ROLE_WEIGHT);
        const float *beta = weight_of(f->graph, weights, norm, DOGB_ROLE_BIAS);
        const float *mean = weight_of(f->graph, weights, norm, DOGB_ROLE_RUNNING_MEAN);
        const float *var = weight_of(f->graph, weights, norm, DOGB_ROLE_RUNNING_VAR);
        result.scale = (double)gamma[c] / sqrt((double)var[c] + f->graph->nodes[norm].eps);
        result.shift = (double)beta[c] - (double)mean[c] * result.scale;
    }
    return result;
}

static void fill_param(const fold *f, const dogb_param *param, const void *const *weights,
                       float *to) {
    int32_t lead = f->source[param->node];
    int32_t norm = f->norm[lead];
    const float *from = weight_of(f->graph, weights, lead, param->role);
    if (norm < 0) {
        size_t element = param->role == DOGB_ROLE_COUNTER ? sizeof(int64_t) : sizeof(float);
        memcpy(to, from, (size_t)param->count * element);
        return;
    }
    int64_t channels = param->shape[0];
    int64_t row = param->count / channels;
    for (int64_t c = 0; c < channels; c++) {
        affine change = channel_affine(f, weights, norm, c);
        if (param->role == DOGB_ROLE_BIAS) {
            double bias = from == NULL ? 0.0 : (double)from[c];
            to[c] = (float)(bias * change.scale + change.shift);
            continue;
        }
        for (int64_t i = c * row; i < (c + 1) * row; i++) {
            to[i] = (float)((double)from[i] * change.scale);
        }
    }
}

static int fill(const fold *f, dogb_graph *out, const void *const **out_weights,
                const void *const *weights) {
    const void **list = dogb_alloc(&out->arena, (size_t)out->param_count + 1, sizeof *list);
    if (list == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    for (int32_t i = 0; i < out->param_count; i++) {
        const dogb_param *param = &out->params[i];
        // 8 bytes per element only for the counter, which has one.
        float *to = dogb_alloc_raw(&out->arena, (size_t)param->count + 1, sizeof *to);
        if (to == NULL) {
            return DOGBREED_ERROR_NO_MEMORY;
        }
        fill_param(f, param, weights, to);
        list[i] = to;
    }
    *out_weights = list;
    return DOGBREED_OK;
}

static int rewrite(fold *f, dogb_graph *out, const void *const **out_weights,
                   const void *const *weights) {
    int rc = prepare(f);
    if (rc < 0) {
        return rc;
    }
    plan(f);
    emit(f, out);
    if (out->status == DOGBREED_OK && f->graph->feature >= 0) {
        out->feature = f->map[f->alias[f->graph->feature]];
    }
    memcpy(out->mean, f->graph->mean, sizeof out->mean);
    memcpy(out->deviation, f->graph->deviation, sizeof out->deviation);
    rc = dogb_graph_finish(out, f->map[f->alias[f->graph->output]]);
    return rc < 0 || weights == NULL ? rc : fill(f, out, out_weights, weights);
}

int dogb_graph_fold(dogb_graph **out, const void *const **out_weights, const dogb_graph *graph,
                    const void *const *weights) {
    dogb_arena scratch = {0};
    fold f = {.graph = graph, .scratch = &scratch};
    dogb_graph *result = NULL;
    *out = NULL;
    if (out_weights != NULL) {
        *out_weights = NULL;
    }
    for (int32_t i = 0; weights != NULL && i < graph->param_count; i++) {
        DOGB_CHECK(weights[i] != NULL, "graph: no data for parameter %s", graph->params[i].name);
    }
    int rc = dogb_graph_create(&result, graph->architecture);
    if (rc == DOGBREED_OK) {
        rc = rewrite(&f, result, out_weights, weights);
    }
    dogb_arena_free(&scratch);
    if (rc < 0) {
        dogb_graph_destroy(result);
        if (out_weights != NULL) {
            *out_weights = NULL;
        }
        return rc;
    }
    *out = result;
    return DOGBREED_OK;
}
