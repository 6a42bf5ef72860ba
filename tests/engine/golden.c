// golden.c - see golden.h.
#include "test.h"

#include "core/file.h"
#include "engine/golden.h"

#include <math.h>

typedef struct record {
    char name[64]; // of the case
    char key[96];
    const char *data;
    int64_t count;
    struct record *next;
} record;

typedef struct golden {
    dogb_arena arena;
    const char *device;
    const char *name;
    const record *records; // all of the file
    const dogb_engine *engine;
    double tolerance;
    dogb_graph *graph;
    dogb_net *net;
    dogb_optim *optim;
    double rate;
    const json_t *conf;
} golden;

static record *read_records(dogb_arena *arena, const char *path) {
    void *data = NULL;
    size_t size = 0;
    record *first = NULL;
    record **link = &first;
    assert_ok(dogb_file_read(&data, &size, arena, path, 1 << 24));
    for (const char *at = data; at < (const char *)data + size;) {
        record *r = dogb_alloc(arena, 1, sizeof *r);
        long long count = 0;
        int used = 0;
        assert_non_null(r);
        assert_int_equal(sscanf(at, "%63s %95s %lld%n", r->name, r->key, &count, &used), 3);
        r->data = at + used + 1;
        r->count = count;
        int text = strcmp(r->key, "graph") == 0 || strcmp(r->key, "conf") == 0;
        at = r->data + (text ? count : count * 4) + 1;
        *link = r;
        link = &r->next;
    }
    return first;
}

static const record *find(const golden *g, const char *key) {
    for (const record *r = g->records; r != NULL; r = r->next) {
        if (strcmp(r->name, g->name) == 0 && strcmp(r->key, key) == 0) {
            return r;
        }
    }
    return NULL;
}

static const record *need(const golden *g, const char *key) {
    const record *r = find(g, key);
    if (r == NULL) {
        fail_msg("%s: no record %s", g->name, key);
    }
    return r;
}

// A copy: records are not aligned.
static float *floats(golden *g, const record *r) {
    float *out = dogb_alloc(&g->arena, (size_t)r->count + 1, sizeof *out);
    assert_non_null(out);
    memcpy(out, r->data, (size_t)r->count * sizeof *out);
    return out;
}

static void compare(golden *g, const char *key, const float *found, int64_t count) {
    const record *r = need(g, key);
    const float *expected = floats(g, r);
    assert_int_equal(count, r->count);
    for (int64_t i = 0; i < count; i++) {
        double scale = fmax(1, fabs((double)expected[i]));
        double difference = fabs((double)found[i] - (double)expected[i]);
        if (!(difference <= g->tolerance * scale)) {
            fail_msg("%s: %s[%lld] is %.9g, torch has %.9g", g->name, key, (long long)i,
                     (double)found[i], (double)expected[i]);
        }
    }
}

static const char *key_of(char buffer[128], const char *kind, const char *name) {
    (void)snprintf(buffer, 128, "%s:%s", kind, name);
    return buffer;
}

static const void **start_weights(golden *g) {
    char key[128];
    const void **weights =
        dogb_alloc(&g->arena, (size_t)g->graph->param_count + 1, sizeof *weights);
    assert_non_null(weights);
    for (int32_t i = 0; i < g->graph->param_count; i++) {
        const dogb_param *param = &g->graph->params[i];
        float *values = floats(g, need(g, key_of(key, "start", param->name)));
        weights[i] = values;
        if (param->role == DOGB_ROLE_COUNTER) {
            int64_t *counter = dogb_alloc(&g->arena, 1, sizeof *counter);
            assert_non_null(counter);
            *counter = (int64_t)values[0];
            weights[i] = counter;
        }
    }
    return weights;
}

static double number(const golden *g, const char *key, double missing) {
    const json_t *value = json_object_get(g->conf, key);
    return value == NULL ? missing : json_number_value(value);
}

static int trains(const golden *g) {
    dogb_head_nodes nodes;
    uint32_t has = g->engine->capabilities();
    return (has & DOGB_CAN_TRAIN) != 0 ||
           ((has & DOGB_CAN_TRAIN_HEAD) != 0 && dogb_graph_head(&nodes, g->graph));
}

static void open_case(golden *g) {
    const record *graph = need(g, "graph");
    const record *conf = need(g, "conf");
    json_t *json = NULL;
    json_t *options = NULL;
    assert_ok(dogb_json_parse(&json, &g->arena, graph->data, (size_t)graph->count, g->name));
    assert_ok(dogb_json_parse(&options, &g->arena, conf->data, (size_t)conf->count, g->name));
    assert_ok(dogb_graph_from_json(&g->graph, json, g->name));
    g->conf = options;
    dogb_net_conf net = {.device = g->device,
                         .mode = trains(g) ? DOGB_NET_TRAIN : DOGB_NET_INFER,
                         .threads = 1,
                         .deterministic = 1,
                         .batch_norm = (int32_t)number(g, "norm", 0)};
    assert_ok(dogb_engine_net(&g->net, g->engine, g->graph, start_weights(g), &net));
    if (trains(g) && number(g, "kind", -1) >= 0) {
        dogb_optim_conf optim = {.kind = (int32_t)number(g, "kind", 0),
                                 .nesterov = (int32_t)number(g, "nesterov", 0),
                                 .momentum = number(g, "momentum", 0),
                                 .weight_decay = number(g, "weight_decay", 0),
                                 .beta1 = 0.9,
                                 .beta2 = 0.999,
                                 .epsilon = 1e-8};
        g->rate = number(g, "learning_rate", 0);
        assert_ok(g->engine->optim_create(&g->optim, g->net, &optim));
    }
}

static void compare_grads(golden *g) {
    char key[128];
    for (int32_t i = 0; i < g->graph->param_count; i++) {
        const dogb_param *param = &g->graph->params[i];
        size_t size = (size_t)param->count * sizeof(float);
        if (dogb_graph_is_buffer(param)) {
            continue;
        }
        float *found = dogb_alloc(&g->arena, (size_t)param->count, sizeof *found);
        assert_non_null(found);
        assert_ok(g->engine->grad_read(g->net, i, found, size));
        compare(g, key_of(key, "grad", param->name), found, param->count);
    }
}

static void compare_end(golden *g) {
    char key[128];
    for (int32_t i = 0; i < g->graph->param_count; i++) {
        const dogb_param *param = &g->graph->params[i];
        if (find(g, key_of(key, "end", param->name)) == NULL) {
            continue;
        }
        float *found = dogb_alloc(&g->arena, (size_t)param->count + 1, sizeof *found);
        assert_non_null(found);
        if (param->role == DOGB_ROLE_COUNTER) {
            int64_t counter = 0;
            assert_ok(g->engine->param_read(g->net, i, &counter, sizeof counter));
            found[0] = (float)counter;
        } else {
            assert_ok(g->engine->param_read(g->net, i, found, (size_t)param->count * 4));
        }
        compare(g, key, found, param->count);
    }
}

static void run_step(golden *g, const dogb_batch *batch, const dogb_target *target, float *loss,
                     int first) {
    const dogb_node *node = &g->graph->nodes[g->graph->output];
    dogb_loss result;
    assert_ok(g->engine->forward(g->net, batch, DOGB_MODE_TRAIN, (uint64_t)number(g, "seed", 0),
                                 (int64_t)number(g, "step", 0)));
    assert_ok(g->engine->loss(g->net, target, &result));
    assert_ok(g->engine->backward(g->net));
    *loss = (float)result.loss;
    if (first) {
        int64_t count = batch->count * node->shape[0];
        float hits[2] = {(float)result.correct, (float)result.correct5};
        float *output = dogb_alloc(&g->arena, (size_t)count, sizeof *output);
        assert_non_null(output);
        assert_ok(g->engine->output_read(g->net, output, (size_t)count * sizeof *output));
        compare(g, "output", output, count);
        compare(g, "correct", hits, 2);
        compare_grads(g);
    }
    if (g->optim != NULL) {
        assert_ok(g->engine->optim_step(g->optim, g->rate));
    }
}

// A network that the engine only infers: the output alone, where training mode gives the same one.
static int infer_case(golden *g) {
    const record *output = need(g, "output");
    dogb_batch batch = {floats(g, need(g, "input")), (int32_t)need(g, "labels")->count,
                        DOGB_DATA_F32};
    int same = number(g, "norm", 0) == 0;
    for (int32_t i = 0; i < g->graph->node_count; i++) {
        same = same && g->graph->nodes[i].op != DOGB_OP_DROPOUT;
    }
    if (same) {
        float *found = dogb_alloc(&g->arena, (size_t)output->count, sizeof *found);
        assert_non_null(found);
        assert_ok(dogb_engine_result(g->engine, g->engine->infer(g->net, &batch, found), g->name));
        compare(g, "output", found, output->count);
    }
    g->engine->net_destroy(g->net);
    dogb_graph_destroy(g->graph);
    dogb_arena_free(&g->arena);
    return same;
}

static void run_case(golden *g) {
    const record *labels = need(g, "labels");
    const record *weights = find(g, "class_weights");
    const float *values = floats(g, labels);
    int32_t *indices = dogb_alloc(&g->arena, (size_t)labels->count, sizeof *indices);
    assert_non_null(indices);
    for (int64_t i = 0; i < labels->count; i++) {
        indices[i] = (int32_t)values[i];
    }
    dogb_batch batch = {floats(g, need(g, "input")), (int32_t)labels->count, DOGB_DATA_F32};
    dogb_target target = {.labels = indices,
                          .class_weights = weights == NULL ? NULL : floats(g, weights),
                          .count = (int32_t)labels->count,
                          .label_smoothing = number(g, "label_smoothing", 0)};
    const record *loss = need(g, "loss");
    float losses[8];
    for (int64_t step = 0; step < loss->count; step++) {
        run_step(g, &batch, &target, &losses[step], step == 0);
    }
    compare(g, "loss", losses, loss->count);
    compare_end(g);
    if (g->optim != NULL) {
        assert_int_equal(g->engine->optim_steps(g->optim), loss->count);
        g->engine->optim_destroy(g->optim);
    }
    g->engine->net_destroy(g->net);
    dogb_graph_destroy(g->graph);
    dogb_arena_free(&g->arena);
}

int golden_run(const dogb_engine *engine, const char *device, const char *path, double tolerance) {
    dogb_arena arena = {0};
    int count = 0;
    const record *records = read_records(&arena, path);
    for (const record *r = records; r != NULL; r = r->next) {
        if (strcmp(r->key, "graph") == 0) {
            golden g = {.device = device,
                        .name = r->name,
                        .records = records,
                        .engine = engine,
                        .tolerance = tolerance};
            open_case(&g);
            if (trains(&g)) {
                run_case(&g);
                count++;
            } else {
                count += infer_case(&g);
            }
        }
    }
    dogb_arena_free(&arena);
    return count;
}
