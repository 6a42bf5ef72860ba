// heads_bank.h - for tests of banks of heads: heads with every optimiser and option, data that
// they share, banks of them and the same heads as nets.
#ifndef DOGB_TEST_HEADS_BANK_H
#define DOGB_TEST_HEADS_BANK_H

#include "engine/native_sets.h"

#include "graph/nets.h"

enum { ROWS = 70, PARAMS = 4 };

typedef struct shape {
    int32_t features;
    int32_t hidden;
    int32_t classes;
    int32_t batch;
    int32_t epochs;
} shape;

typedef struct head { // one of a bank
    dogb_optim_conf optim;
    double rate;
    double smoothing;
    double dropout_features;
    double dropout;
} head;

static const head heads[] = {
    {{.kind = DOGB_OPTIM_SGD}, 0.1, 0, 0, 0},
    {{.kind = DOGB_OPTIM_SGD, .weight_decay = 0.05}, 0.1, 0.1, 0.2, 0.5},
    {{.kind = DOGB_OPTIM_SGD, .momentum = 0.9, .weight_decay = 0.01}, 0.05, 0, 0, 0.3},
    {{.kind = DOGB_OPTIM_SGD, .momentum = 0.9, .nesterov = 1, .weight_decay = 0.02}, 0.03, 1, 0, 0},
    {{.kind = DOGB_OPTIM_ADAM, .beta1 = 0.9, .beta2 = 0.99, .epsilon = 1e-4, .weight_decay = 0.1},
     0.01,
     0,
     0.5,
     0},
    {{.kind = DOGB_OPTIM_ADAMW, .beta1 = 0.8, .beta2 = 0.95, .epsilon = 1e-4, .weight_decay = 0.1},
     0.01,
     0.05,
     0,
     0.2},
};
enum { HEADS = sizeof heads / sizeof *heads };

static const dogb_engine *engine; // set by main
static const char *device = "cpu";
static int32_t nodes_later; // how much further back the dropout nodes are than in make_graph

// An engine's own line becomes this thread's.
static inline int told(int rc) {
    return dogb_engine_result(engine, rc, "heads");
}

// --- data, the same for all

typedef struct data {
    float *features;
    float *class_weights;
    int32_t labels[ROWS];
    int64_t order[ROWS];
    double rates[HEADS][ROWS]; // by step
    dogb_heads_data shared;
} data;

static inline data *make_data(const shape *s) {
    data *d = calloc(1, sizeof *d);
    dogb_rng rng;
    assert_non_null(d);
    int32_t stride = s->features + 3;
    d->features = calloc((size_t)(ROWS * stride), sizeof *d->features);
    d->class_weights = calloc((size_t)s->classes, sizeof *d->class_weights);
    assert_true(d->features != NULL && d->class_weights != NULL);
    dogb_rng_init(&rng, 3, DOGB_RNG_SYNTH, (uint64_t)s->features, 0);
    for (int32_t i = 0; i < ROWS * stride; i++) {
        d->features[i] = (float)dogb_rng_normal(&rng);
    }
    for (int32_t i = 0; i < s->classes; i++) {
        d->class_weights[i] = (float)(0.5 + dogb_rng_uniform(&rng));
    }
    for (int32_t i = 0; i < ROWS; i++) {
        d->labels[i] = (int32_t)dogb_rng_below(&rng, (uint64_t)s->classes);
        d->order[i] = i;
        for (int32_t k = 0; k < HEADS; k++) {
            d->rates[k][i] = heads[k].rate * (0.2 + 0.8 * (i % 3)); // it changes
        }
    }
    dogb_rng_shuffle(&rng, d->order, ROWS);
    d->shared = (dogb_heads_data){
        .features = d->features, .labels = d->labels, .rows = ROWS, .stride = stride};
    return d;
}

static inline void free_data(data *d) {
    free(d->features);
    free(d->class_weights);
    free(d);
}

// --- the same head as a net

static inline dogb_graph *make_graph(const shape *s, const head *h, int32_t nodes[2]) {
    dogb_graph *graph = NULL;
    assert_ok(dogb_graph_create(&graph, "head"));
    int32_t x = dogb_graph_input_vector(graph, s->features);
    nodes[0] = x = dogb_graph_dropout(graph, x, "drop", h->dropout_features);
    nodes[1] = 0;
    if (s->hidden > 0) {
        x = dogb_graph_linear(graph, x, "hidden", s->hidden, DOGB_INIT_ZERO, 0, DOGB_INIT_ZERO);
        x = dogb_graph_relu(graph, x, "relu");
        nodes[1] = x = dogb_graph_dropout(graph, x, "drop2", h->dropout);
    }
    x = dogb_graph_linear(graph, x, "fc", s->classes, DOGB_INIT_ZERO, 0, DOGB_INIT_ZERO);
    assert_ok(dogb_graph_finish(graph, x));
    return graph;
}

static inline dogb_net *make_net(const dogb_graph *graph, void *const *weights) {
    dogb_net *net = NULL;
    dogb_net_conf conf = {
        .device = "cpu", .mode = DOGB_NET_TRAIN, .threads = 1, .deterministic = 1};
    assert_ok(dogb_engine_net(&net, dogb_engine_ref(), graph, (const void *const *)weights, &conf));
    return net;
}

static inline int64_t steps_of(const shape *s) {
    return (ROWS + s->batch - 1) / s->batch;
}

// --- the bank

typedef struct bank {
    dogb_heads *heads;
    int32_t first; // of the table
    int32_t count;
} bank;

static inline int create(dogb_heads **out, const shape *s, const data *d, int32_t first,
                         int32_t count, int32_t threads) {
    dogb_optim_conf optims[HEADS];
    double smoothing[HEADS];
    double dropout[HEADS];
    double dropout_features[HEADS];
    uint64_t seeds[HEADS];
    dogb_graph *graph = NULL;
    int32_t nodes[2];
    graph = make_graph(s, &heads[0], nodes);
    dogb_graph_destroy(graph);
    for (int32_t i = 0; i < count; i++) {
        optims[i] = heads[first + i].optim;
        smoothing[i] = heads[first + i].smoothing;
        dropout[i] = s->hidden > 0 ? heads[first + i].dropout : 0;
        dropout_features[i] = heads[first + i].dropout_features;
        seeds[i] = (uint64_t)(first + i);
    }
    dogb_heads_conf conf = {.count = count,
                            .features = s->features,
                            .classes = s->classes,
                            .hidden = s->hidden,
                            .threads = threads,
                            .optim = optims,
                            .label_smoothing = smoothing,
                            .dropout = dropout,
                            .seeds = seeds,
                            .class_weights = s->classes % 2 == 1 ? d->class_weights : NULL,
                            .dropout_features = dropout_features,
                            .dropout_nodes = {nodes[0] + nodes_later, nodes[1] + nodes_later},
                            .device = device};
    return dogb_engine_heads(out, engine, &conf);
}

// What each head starts from.
static inline void **start_weights(const dogb_graph *graph, int32_t index) {
    return nets_weights(graph, 50 + (uint64_t)index);
}

static inline bank make_bank(const shape *s, const data *d, int32_t first, int32_t count,
                             int32_t threads) {
    bank b = {NULL, first, count};
    int32_t nodes[2];
    assert_ok(create(&b.heads, s, d, first, count, threads));
    for (int32_t i = 0; i < count; i++) {
        dogb_graph *graph = make_graph(s, &heads[first + i], nodes);
        void **weights = start_weights(graph, first + i);
        for (int32_t param = 0; param < graph->param_count; param++) {
            size_t size = (size_t)graph->params[param].count * sizeof(float);
            assert_ok(told(engine->heads_write(b.heads, i, param, weights[param], size)));
        }
        nets_free(graph, weights);
        dogb_graph_destroy(graph);
    }
    return b;
}

static int32_t hits_of_step[HEADS][ROWS][2]; // of the last epoch that was trained

static inline void train(const bank *b, const shape *s, const data *d, double losses[HEADS][ROWS]) {
    dogb_heads_work work[HEADS];
    for (int32_t epoch = 0; epoch < s->epochs; epoch++) {
        for (int32_t i = 0; i < b->count; i++) {
            work[i] = (dogb_heads_work){.head = i,
                                        .batch = s->batch,
                                        .order = d->order,
                                        .samples = ROWS,
                                        .rates = d->rates[b->first + i],
                                        .losses = losses[b->first + i],
                                        .step = epoch * steps_of(s),
                                        .hits = hits_of_step[b->first + i][0]};
        }
        assert_ok(told(engine->heads_run(b->heads, &d->shared, work, b->count)));
    }
}

// Rows [first, first + count) of the order as a batch of a net, and what head `h` is judged by.
static inline void gather_batch(dogb_batch *batch, dogb_target *target, float *rows,
                                int32_t labels[ROWS], const shape *s, const data *d, const head *h,
                                int64_t first, int32_t count) {
    for (int32_t i = 0; i < count; i++) {
        int64_t row = d->order[first + i];
        labels[i] = d->labels[row];
        memcpy(rows + i * s->features, d->features + row * d->shared.stride,
               (size_t)s->features * sizeof *rows);
    }
    *batch = (dogb_batch){rows, count, DOGB_DATA_F32};
    *target = (dogb_target){.labels = labels,
                            .class_weights = s->classes % 2 == 1 ? d->class_weights : NULL,
                            .count = count,
                            .label_smoothing = h->smoothing};
}

static inline size_t count_of(const shape *s, int32_t param) {
    int32_t inputs = s->hidden > 0 && param >= 2 ? s->hidden : s->features;
    int32_t outputs = s->hidden > 0 && param < 2 ? s->hidden : s->classes;
    return (size_t)(param % 2 == 0 ? inputs * outputs : outputs);
}

static inline float *read_tensor(const bank *b, const shape *s, int32_t index, int32_t param,
                                 int32_t slot) {
    size_t count = count_of(s, param);
    float *values = calloc(count, sizeof *values);
    assert_non_null(values);
    size_t size = count * sizeof *values;
    assert_ok(told(slot < 0 ? engine->heads_read(b->heads, index, param, values, size)
                            : engine->heads_slot_read(b->heads, index, param, slot, values, size)));
    return values;
}

static inline int32_t params_of(const shape *s) {
    return s->hidden > 0 ? PARAMS : PARAMS / 2;
}

#endif
