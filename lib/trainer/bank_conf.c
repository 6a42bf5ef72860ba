// bank_conf.c - the heads of a bank as its trainers' options say, and what memory they take.
#include "trainer/bank_conf.h"

#include "core/memory.h"
#include "trainer/bank.h"

#include <string.h>

static double dropout_before(const dogb_graph *graph, int32_t node) {
    return node == 0 ? 0.0 : graph->nodes[node].p;
}

typedef struct settings { // of all heads, by head
    dogb_optim_conf *optim;
    double *smoothing;
    double *dropout[2]; // of the features, behind the hidden layer
    uint64_t *seeds;
} settings;

static int collect(settings *s, dogb_arena *arena, dogbreed_trainer *const *trainers,
                   int32_t count) {
    size_t heads = (size_t)count;
    dogb_head_nodes nodes;
    s->optim = dogb_alloc(arena, heads, sizeof *s->optim);
    s->smoothing = dogb_alloc(arena, heads, sizeof *s->smoothing);
    s->dropout[0] = dogb_alloc(arena, heads, sizeof *s->dropout[0]);
    s->dropout[1] = dogb_alloc(arena, heads, sizeof *s->dropout[1]);
    s->seeds = dogb_alloc(arena, heads, sizeof *s->seeds);
    if (s->optim == NULL || s->smoothing == NULL || s->dropout[0] == NULL ||
        s->dropout[1] == NULL || s->seeds == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    for (int32_t i = 0; i < count; i++) {
        const dogbreed_trainer *one = trainers[i];
        (void)dogb_graph_head(&nodes, one->graph);
        dogb_session_optim(&s->optim[i], one);
        s->smoothing[i] = one->options.label_smoothing;
        s->seeds[i] = one->options.seed;
        for (int32_t k = 0; k < nodes.layers; k++) {
            s->dropout[k][i] = dropout_before(one->graph, nodes.dropout[k]);
        }
    }
    return DOGBREED_OK;
}

int dogb_bank_conf(dogb_heads_conf *out, dogb_arena *arena, dogbreed_trainer *const *trainers,
                   int32_t count) {
    const dogbreed_trainer *first = trainers[0];
    dogb_head_nodes nodes;
    settings s = {0};
    (void)dogb_graph_head(&nodes, first->graph);
    int rc = collect(&s, arena, trainers, count);
    *out = (dogb_heads_conf){
        .count = count,
        .features = (int32_t)first->graph->nodes[0].shape[0],
        .classes = dogbreed_model_class_count(first->model),
        .hidden = nodes.layers == 2 ? first->graph->nodes[nodes.linear[0]].channels_out : 0,
        .threads = first->threads,
        .optim = s.optim,
        .label_smoothing = s.smoothing,
        .dropout = s.dropout[1],
        .seeds = s.seeds,
        .class_weights = first->class_weights,
        .dropout_features = s.dropout[0],
        .dropout_nodes = {nodes.dropout[0], nodes.dropout[1]},
        .device = first->device,
    };
    return rc;
}

// --- memory

static int is_cpu(const dogbreed_trainer *trainer) {
    return strcmp(trainer->device, "cpu") == 0;
}

static int64_t parameter_bytes(const dogbreed_trainer *trainer) {
    int64_t bytes = 0;
    for (int32_t i = 0; i < trainer->slot_count; i++) {
        bytes += (int64_t)trainer->slots[i].bytes;
    }
    return bytes;
}

// Of a member in host memory: its weights and the best ones, its order of the table, rates, losses
// and hits of its steps, its samples, batches and logits.
static int64_t member_bytes(const dogbreed_trainer *trainer, const dogb_heads_conf *conf,
                            int64_t rows) {
    int64_t train = dogbreed_dataset_size(trainer->train);
    int64_t valid = trainer->valid == NULL ? 0 : dogbreed_dataset_size(trainer->valid);
    int64_t batch = trainer->options.batch_size;
    int64_t steps = (train + batch - 1) / batch;
    int64_t row = (conf->features + 1) * (int64_t)sizeof(float);
    int64_t judged = valid > 0 ? DOGB_FEATURE_BATCH : 0;
    return 2 * parameter_bytes(trainer) + 8 * rows + 24 * steps + 16 * (train + valid) +
           row * (batch + judged) + judged * conf->classes * (int64_t)sizeof(float);
}

// Nets that judge members, as many as threads: weights, and the values of a batch of rows.
static int64_t judging_bytes(const dogbreed_trainer *trainer, const dogb_heads_conf *conf) {
    int64_t threads = conf->threads < conf->count ? conf->threads : conf->count;
    int64_t rows = trainer->valid == NULL ? 0 : dogbreed_dataset_size(trainer->valid);
    int64_t values = conf->features + 2 * (int64_t)conf->hidden + conf->classes;
    rows = rows < DOGB_FEATURE_BATCH ? rows : DOGB_FEATURE_BATCH;
    return rows == 0
               ? 0
               : threads * (parameter_bytes(trainer) + rows * values * (int64_t)sizeof(float));
}

static int64_t bytes_of(dogbreed_trainer *const *trainers, const dogb_heads_conf *conf,
                        const int32_t *batches) {
    const dogbreed_trainer *first = trainers[0];
    int64_t views = first->options.augment_views < 1 ? 1 : first->options.augment_views;
    int64_t rows = dogbreed_dataset_size(first->train) * views;
    int64_t bytes = first->engine->heads_bytes(conf, batches, rows);
    if (!is_cpu(first)) {
        return bytes;
    }
    bytes += rows * (conf->features + 1) * (int64_t)sizeof(float) + judging_bytes(first, conf);
    for (int32_t i = 0; i < conf->count; i++) {
        bytes += member_bytes(trainers[i], conf, rows);
    }
    return bytes;
}

int64_t dogb_trainer_bank_bytes(dogbreed_trainer *const *trainers, int32_t count) {
    dogb_arena scratch = {0};
    dogb_heads_conf conf;
    int32_t *batches = dogb_alloc(&scratch, (size_t)count, sizeof *batches);
    int64_t bytes = batches == NULL ? DOGBREED_ERROR_NO_MEMORY : DOGBREED_OK;
    for (int32_t i = 0; bytes == DOGBREED_OK && i < count; i++) {
        bytes = dogb_session_engine(trainers[i]);
        batches[i] = trainers[i]->options.batch_size;
    }
    bytes = bytes < 0 ? bytes : dogb_bank_conf(&conf, &scratch, trainers, count);
    if (bytes == DOGBREED_OK && trainers[0]->engine->heads_bytes != NULL) {
        bytes = bytes_of(trainers, &conf, batches);
    }
    dogb_arena_free(&scratch);
    return bytes;
}

int64_t dogb_trainer_bank_room(dogbreed_trainer *trainer) {
    dogb_device device = {.memory_free = 0};
    int rc = dogb_session_engine(trainer);
    if (rc < 0 || is_cpu(trainer)) {
        return rc < 0 ? rc : dogb_memory_free();
    }
    for (int32_t i = 1; i < trainer->engine->device_count(); i++) {
        rc = trainer->engine->device_info(&device, i);
        if (rc == DOGBREED_OK && strcmp(device.id, trainer->device) == 0) {
            return device.memory_free;
        }
    }
    return 0;
}
