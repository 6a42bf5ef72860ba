// bank.c - a bank of heads made of the engine's own training nets. Heads are shared out to threads;
// each net computes on the thread that has its head.
#include "engine/bank.h"

#include "core/arena.h"
#include "core/thread.h"
#include "engine/engine_internal.h"
#include "engine/heads.h"

#include <stdio.h>
#include <string.h>

enum { JUDGED_ROWS = 64 }; // rows of a batch of heads_eval

typedef struct bank_head {
    dogb_arena arena; // of the batch
    dogb_net *net;
    dogb_optim *optim;
    double smoothing;
    uint64_t seed;
    int32_t slots;
    int32_t capacity; // rows that the batch can hold
    float *rows;
    int32_t *labels;
} bank_head;

struct dogb_heads {
    dogb_arena arena;
    const dogb_engine *engine;
    dogb_heads_shape shape;
    bank_head *heads;
    uint8_t *ended;
    float *class_weights; // or NULL
    int32_t threads;
    int32_t reserved;
};

// --- creation

// The masks of a dropout node are those of its place in the graph: what is missing in front of it
// is filled with dropout of nothing.
static int32_t add_dropout(dogb_graph *graph, int32_t x, int32_t node, double share) {
    char name[32];
    for (int32_t at = x + 1; share != 0 && at <= node; at++) {
        (void)snprintf(name, sizeof name, "dropout%d", at);
        x = dogb_graph_dropout(graph, x, name, at < node ? 0 : share);
    }
    return x;
}

static int make_graph(dogb_graph **out, const dogb_heads_conf *conf, int32_t i) {
    int rc = dogb_graph_create(out, "head");
    if (rc < 0) {
        return rc;
    }
    int32_t x = dogb_graph_input_vector(*out, conf->features);
    x = add_dropout(*out, x, conf->dropout_nodes[0],
                    conf->dropout_features == NULL ? 0 : conf->dropout_features[i]);
    if (conf->hidden > 0) {
        x = dogb_graph_linear(*out, x, "hidden", conf->hidden, DOGB_INIT_ZERO, 0, DOGB_INIT_ZERO);
        x = dogb_graph_relu(*out, x, "relu");
        x = add_dropout(*out, x, conf->dropout_nodes[1], conf->dropout[i]);
    }
    x = dogb_graph_linear(*out, x, "fc", conf->classes, DOGB_INIT_ZERO, 0, DOGB_INIT_ZERO);
    return dogb_graph_finish(*out, x);
}

static int make_net(dogb_heads *heads, const dogb_heads_conf *conf, int32_t i) {
    static const dogb_net_conf net_conf = {
        .device = "cpu", .mode = DOGB_NET_TRAIN, .threads = 1, .deterministic = 1};
    const void *weights[DOGB_HEADS_PARAMS];
    dogb_arena arena = {0};
    dogb_graph *graph = NULL;
    bank_head *own = &heads->heads[i];
    int rc = make_graph(&graph, conf, i);
    for (int32_t param = 0; rc == DOGBREED_OK && param < dogb_heads_params(&heads->shape);
         param++) {
        weights[param] =
            dogb_alloc(&arena, (size_t)dogb_heads_param_count(&heads->shape, param), sizeof(float));
        rc = weights[param] == NULL ? DOGBREED_ERROR_NO_MEMORY : DOGBREED_OK;
    }
    if (rc == DOGBREED_OK) {
        rc = heads->engine->net_create(&own->net, graph, weights, &net_conf);
    }
    if (rc == DOGBREED_OK) {
        rc = heads->engine->optim_create(&own->optim, own->net, &conf->optim[i]);
    }
    dogb_graph_destroy(graph);
    dogb_arena_free(&arena);
    return rc;
}

static int make(dogb_heads *heads, const dogb_heads_conf *conf) {
    size_t count = (size_t)conf->count;
    heads->ended = dogb_alloc(&heads->arena, count, sizeof *heads->ended);
    heads->heads = dogb_alloc(&heads->arena, count, sizeof *heads->heads);
    if (heads->ended == NULL || heads->heads == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    heads->shape =
        (dogb_heads_shape){conf->count, conf->features, conf->classes, conf->hidden, heads->ended};
    if (conf->class_weights != NULL) {
        size_t bytes = (size_t)conf->classes * sizeof *heads->class_weights;
        heads->class_weights = dogb_alloc_raw(&heads->arena, bytes, 1);
        if (heads->class_weights == NULL) {
            return DOGBREED_ERROR_NO_MEMORY;
        }
        memcpy(heads->class_weights, conf->class_weights, bytes);
    }
    int rc = DOGBREED_OK;
    for (int32_t i = 0; rc == DOGBREED_OK && i < conf->count; i++) {
        heads->heads[i].smoothing = conf->label_smoothing[i];
        heads->heads[i].seed = conf->seeds[i];
        heads->heads[i].slots = dogb_optim_slot_count(&conf->optim[i]);
        rc = make_net(heads, conf, i);
    }
    return rc;
}

// Values of all nodes for one row, and their gradients.
static int64_t floats_of_row(const dogb_heads_conf *conf, int32_t i) {
    int32_t first = conf->dropout_features != NULL && conf->dropout_features[i] != 0
                        ? conf->dropout_nodes[0]
                        : 0; // last node of so many features
    int32_t between = conf->hidden == 0       ? 0
                      : conf->dropout[i] != 0 ? conf->dropout_nodes[1] - first
                                              : 2;
    int64_t behind = (int64_t)between * conf->hidden + conf->classes;
    return (first + 1) * (int64_t)conf->features + behind + behind + conf->classes;
}

int64_t dogb_bank_bytes(const dogb_heads_conf *conf, const int32_t *batches, int64_t rows) {
    dogb_heads_shape shape = {conf->count, conf->features, conf->classes, conf->hidden, NULL};
    int64_t params = 0;
    int64_t floats = 0;
    for (int32_t param = 0; param < dogb_heads_params(&shape); param++) {
        params += dogb_heads_param_count(&shape, param);
    }
    for (int32_t i = 0; i < conf->count; i++) {
        int64_t batch = batches[i] < rows ? batches[i] : rows;
        floats += params * (2 + dogb_optim_slot_count(&conf->optim[i])); // with the gradient
        floats += batch * (floats_of_row(conf, i) + conf->features + 1); // with the batch itself
    }
    return floats * (int64_t)sizeof(float);
}

int dogb_bank_create(dogb_heads **out, const dogb_engine *engine, const dogb_heads_conf *conf) {
    *out = NULL;
    int rc = dogb_heads_conf_check(conf);
    if (rc < 0) {
        return rc;
    }
    dogb_heads *heads = dogb_malloc(1, sizeof *heads);
    if (heads == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    heads->engine = engine;
    heads->threads = conf->threads < 1 ? 1 : conf->threads;
    if ((rc = make(heads, conf)) < 0) {
        dogb_bank_destroy(heads);
        return rc;
    }
    *out = heads;
    return DOGBREED_OK;
}

static void free_head(const dogb_engine *engine, bank_head *own) {
    engine->optim_destroy(own->optim);
    engine->net_destroy(own->net);
    dogb_arena_free(&own->arena);
    *own = (bank_head){0};
}

void dogb_bank_destroy(dogb_heads *heads) {
    if (heads == NULL) {
        return;
    }
    for (int32_t i = 0; i < heads->shape.count; i++) {
        free_head(heads->engine, &heads->heads[i]);
    }
    dogb_arena_free(&heads->arena);
    dogb_free(heads);
}

static int find(dogb_heads *heads, int32_t index) {
    char line[DOGB_HEADS_TEXT];
    return dogb_heads_result(dogb_heads_check_head(line, &heads->shape, index), line);
}

int dogb_bank_end(dogb_heads *heads, int32_t head) {
    int rc = find(heads, head);
    if (rc == DOGBREED_OK) {
        free_head(heads->engine, &heads->heads[head]);
        heads->ended[head] = 1;
    }
    return rc;
}

// --- batches

static int make_room(bank_head *own, const dogb_heads *heads, int32_t rows) {
    if (rows <= own->capacity) {
        return DOGBREED_OK;
    }
    dogb_arena_free(&own->arena);
    own->capacity = 0;
    own->rows = dogb_alloc_raw(&own->arena, (size_t)rows * (size_t)heads->shape.features,
                               sizeof *own->rows);
    own->labels = dogb_alloc_raw(&own->arena, (size_t)rows, sizeof *own->labels);
    if (own->rows == NULL || own->labels == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    own->capacity = rows;
    return DOGBREED_OK;
}

// A batch of a head: rows that start at sample `first` of an order.
typedef struct batch {
    const dogb_heads_data *data;
    const int64_t *order; // or NULL
    int64_t first;
    int64_t step;
    int32_t rows;
    int32_t mode; // DOGB_MODE_
} batch;

// Forward and loss.
static int judge(dogb_heads *heads, bank_head *own, const batch *b, dogb_loss *out) {
    size_t features = (size_t)heads->shape.features;
    int rc = make_room(own, heads, b->rows);
    for (int32_t i = 0; rc == DOGBREED_OK && i < b->rows; i++) {
        int64_t row = b->order == NULL ? b->first + i : b->order[b->first + i];
        own->labels[i] = b->data->labels[row];
        memcpy(own->rows + (size_t)i * features, b->data->features + row * b->data->stride,
               features * sizeof *own->rows);
    }
    dogb_batch rows = {own->rows, b->rows, DOGB_DATA_F32};
    dogb_target target = {.labels = own->labels,
                          .class_weights = heads->class_weights,
                          .count = b->rows,
                          .label_smoothing = own->smoothing};
    if (rc == DOGBREED_OK) {
        rc = heads->engine->forward(own->net, &rows, b->mode, own->seed, b->step);
    }
    return rc < 0 ? rc : heads->engine->loss(own->net, &target, out);
}

// --- training

typedef struct job {
    dogb_heads *heads;
    const dogb_heads_data *data;
    const dogb_heads_work *work;
    dogb_loss *judged;
} job;

static int train_one(int64_t index, void *userdata) {
    const job *j = userdata;
    const dogb_heads_work *work = &j->work[index];
    const dogb_engine *engine = j->heads->engine;
    bank_head *own = &j->heads->heads[work->head];
    batch b = {.data = j->data, .order = work->order, .mode = DOGB_MODE_TRAIN};
    int rc = DOGBREED_OK;
    for (int64_t i = 0; rc == DOGBREED_OK && i * work->batch < work->samples; i++) {
        int64_t left = work->samples - i * work->batch;
        dogb_loss loss = {0, 0, 0};
        b.first = i * work->batch;
        b.step = work->step + i;
        b.rows = (int32_t)(left < work->batch ? left : work->batch);
        if ((rc = judge(j->heads, own, &b, &loss)) < 0 || (rc = engine->backward(own->net)) < 0 ||
            (rc = engine->optim_step(own->optim, work->rates[i])) < 0) {
            return rc;
        }
        if (work->losses != NULL) {
            work->losses[i] = loss.loss;
        }
        if (work->hits != NULL) {
            work->hits[2 * i] = (int32_t)loss.correct;
            work->hits[2 * i + 1] = (int32_t)loss.correct5;
        }
    }
    return rc;
}

int dogb_bank_run(dogb_heads *heads, const dogb_heads_data *data, const dogb_heads_work *work,
                  int32_t count) {
    char line[DOGB_HEADS_TEXT];
    job j = {.heads = heads, .data = data, .work = work};
    int rc = dogb_heads_result(dogb_heads_check_run(line, &heads->shape, data, work, count), line);
    return rc < 0 ? rc : dogb_parallel(heads->threads, count, train_one, &j);
}

int dogb_bank_step(dogb_heads *heads, const float *features, const int32_t *labels, int32_t count,
                   const double *learning_rates, int64_t step, double *losses) {
    dogb_arena arena = {0};
    dogb_heads_data data = {
        .features = features, .labels = labels, .rows = count, .stride = heads->shape.features};
    dogb_heads_work *work = dogb_alloc(&arena, (size_t)heads->shape.count, sizeof *work);
    if (work == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    int32_t items = dogb_heads_one_step(work, &heads->shape, count, learning_rates, step, losses);
    int rc = dogb_bank_run(heads, &data, work, items);
    dogb_arena_free(&arena);
    return rc;
}

// --- judging

static double weight_of(const dogb_heads *heads, const batch *b) {
    double weight = 0;
    for (int64_t i = b->first; i < b->first + b->rows; i++) {
        weight +=
            heads->class_weights == NULL ? 1 : (double)heads->class_weights[b->data->labels[i]];
    }
    return weight;
}

static int judge_one(int64_t index, void *userdata) {
    const job *j = userdata;
    dogb_loss *out = &j->judged[index];
    batch b = {.data = j->data, .mode = DOGB_MODE_EVAL};
    double total = 0;
    int rc = DOGBREED_OK;
    *out = (dogb_loss){0, 0, 0};
    if (j->heads->ended[index]) {
        return DOGBREED_OK;
    }
    for (; rc == DOGBREED_OK && b.first < j->data->rows; b.first += b.rows) {
        int64_t left = j->data->rows - b.first;
        dogb_loss loss = {0, 0, 0};
        b.rows = (int32_t)(left < JUDGED_ROWS ? left : JUDGED_ROWS);
        rc = judge(j->heads, &j->heads->heads[index], &b, &loss);
        double weight = weight_of(j->heads, &b);
        total += weight;
        out->loss += weight == 0 ? 0 : loss.loss * weight; // a mean over nothing is not a number
        out->correct += loss.correct;
        out->correct5 += loss.correct5;
    }
    out->loss /= total;
    return rc;
}

int dogb_bank_eval(dogb_heads *heads, const float *features, const int32_t *labels, int32_t count,
                   dogb_loss *out) {
    char line[DOGB_HEADS_TEXT];
    dogb_heads_data data = {
        .features = features, .labels = labels, .rows = count, .stride = heads->shape.features};
    job j = {.heads = heads, .data = &data, .judged = out};
    int rc = dogb_heads_result(dogb_heads_check_labels(line, &heads->shape, labels, count), line);
    return rc < 0 ? rc : dogb_parallel(heads->threads, heads->shape.count, judge_one, &j);
}

// --- values

static int check_param(const dogb_heads *heads, int32_t head, int32_t param, size_t size) {
    char line[DOGB_HEADS_TEXT];
    return dogb_heads_result(dogb_heads_check_param(line, &heads->shape, head, param, size), line);
}

static int check_slot(const dogb_heads *heads, int32_t head, int32_t param, int32_t slot,
                      size_t size) {
    char line[DOGB_HEADS_TEXT];
    const dogb_heads_shape *shape = &heads->shape;
    int32_t slots = head < 0 || head >= shape->count ? 0 : heads->heads[head].slots;
    return dogb_heads_result(dogb_heads_check_slot(line, shape, head, param, slot, slots, size),
                             line);
}

int dogb_bank_read(dogb_heads *heads, int32_t head, int32_t param, float *out, size_t size) {
    int rc = check_param(heads, head, param, size);
    return rc < 0 ? rc : heads->engine->param_read(heads->heads[head].net, param, out, size);
}

int dogb_bank_write(dogb_heads *heads, int32_t head, int32_t param, const float *data,
                    size_t size) {
    int rc = check_param(heads, head, param, size);
    return rc < 0 ? rc : heads->engine->param_write(heads->heads[head].net, param, data, size);
}

int dogb_bank_slot_read(dogb_heads *heads, int32_t head, int32_t param, int32_t slot, float *out,
                        size_t size) {
    int rc = check_slot(heads, head, param, slot, size);
    return rc < 0 ? rc
                  : heads->engine->optim_read(heads->heads[head].optim, param, slot, out, size);
}

int dogb_bank_slot_write(dogb_heads *heads, int32_t head, int32_t param, int32_t slot,
                         const float *data, size_t size) {
    int rc = check_slot(heads, head, param, slot, size);
    return rc < 0 ? rc
                  : heads->engine->optim_write(heads->heads[head].optim, param, slot, data, size);
}

int64_t dogb_bank_steps(dogb_heads *heads, int32_t head) {
    int rc = find(heads, head);
    return rc < 0 ? rc : heads->engine->optim_steps(heads->heads[head].optim);
}

int dogb_bank_set_steps(dogb_heads *heads, int32_t head, int64_t steps) {
    char line[DOGB_HEADS_TEXT];
    int rc = dogb_heads_result(dogb_heads_check_steps(line, &heads->shape, head, steps), line);
    return rc < 0 ? rc : heads->engine->optim_set_steps(heads->heads[head].optim, steps);
}
