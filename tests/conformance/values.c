// values.c - values and gradients of whole networks, on the engine under test and on ref.
#include "conformance/conformance.h"

#include "engine/golden.h"

#include <math.h>
#include <pthread.h>

void test_golden_values(void **state) {
    (void)state;
    // Of networks that an engine cannot train, the cases where inference has the same output.
    int whole = (tested->capabilities() & DOGB_CAN_TRAIN) != 0;
    static const struct {
        const char *file;
        int trained;
        int inferred; // by engines that train only heads
    } rows[] = {{"engine/golden/conv.bin", 13, 13},
                {"engine/golden/ops.bin", 22, 19},
                {"engine/golden/train.bin", 9, 4},
                {"engine/golden/head.bin", 14, 14}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(golden_run(tested, tested_device, test_file(rows[i].file), 2e-5),
                         whole ? rows[i].trained : rows[i].inferred);
    }
}

static const struct {
    const char *name;
    const char *head;
    int32_t side;
    int32_t train; // 0: inference only, for time
    // Of gradients. A rounding error of the input flips a few gates of a deep network; in
    // mobilenet_v2 a change of 3e-7 moves gradients by 1.5 % on one and the same engine.
    double tolerance;
} networks[] = {
    {"tiny", "linear", 32, 1, 1e-4},         {"tiny", "mlp:7:0.4", 24, 1, 1e-4},
    {"resnet18", "linear", 64, 1, 1e-3},     {"resnet50", "linear", 64, 0, 0},
    {"mobilenet_v2", "linear", 64, 1, 3e-2}, {"squeezenet1_1", "original", 64, 1, 1e-3},
    {"squeezenet1_0", "mlp:6", 64, 0, 0},
};
enum { NETWORKS = sizeof networks / sizeof networks[0] };

static float *infer(const pair *p, int which, const dogb_batch *batch) {
    float *out = floats_of((size_t)batch->count * PAIR_CLASSES);
    assert_ok(dogb_engine_result(p->engines[which],
                                 p->engines[which]->infer(p->nets[which], batch, out), "infer"));
    return out;
}

void test_networks_infer_like_ref(void **state) {
    (void)state;
    dogb_net_conf conf = {.device = "cpu", .threads = 1};
    for (size_t i = 0; i < NETWORKS; i++) {
        if (!test_has_network(networks[i].name)) {
            continue;
        }
        pair p = pair_open(networks[i].name, networks[i].head, networks[i].side, &conf);
        dogb_batch batch = {p.input, PAIR_BATCH, DOGB_DATA_F32};
        float *found = infer(&p, 0, &batch);
        float *expected = infer(&p, 1, &batch);
        assert_near(networks[i].name, found, expected, PAIR_BATCH * PAIR_CLASSES, 1e-4);
        free(found);
        free(expected);
        pair_close(&p);
    }
}

static void assert_grads_near(const pair *p, double tolerance) {
    for (int32_t i = 0; i < p->graph->param_count; i++) {
        const dogb_param *param = &p->graph->params[i];
        float *grads[2];
        for (int k = 0; k < 2 && !dogb_graph_is_buffer(param); k++) {
            grads[k] = floats_of((size_t)param->count);
            assert_ok(p->engines[k]->grad_read(p->nets[k], i, grads[k],
                                               (size_t)param->count * sizeof(float)));
        }
        if (!dogb_graph_is_buffer(param)) {
            assert_near(param->name, grads[0], grads[1], (size_t)param->count, tolerance);
            free(grads[0]);
            free(grads[1]);
        }
    }
}

static void train_alike(const dogb_net_conf *conf) {
    for (size_t i = 0; i < NETWORKS; i++) {
        // squeezenet's own head is no head on features.
        int whole = (tested->capabilities() & DOGB_CAN_TRAIN) != 0;
        if (!networks[i].train || (!whole && strcmp(networks[i].head, "original") == 0)) {
            continue;
        }
        pair p = pair_open(networks[i].name, networks[i].head, networks[i].side, conf);
        dogb_loss found = pair_step(&p, 0, 3);
        dogb_loss expected = pair_step(&p, 1, 3);
        assert_true(fabs(found.loss - expected.loss) < 1e-3 * (1 + expected.loss));
        assert_int_equal(found.correct, expected.correct);
        assert_int_equal(found.correct5, PAIR_BATCH); // of five classes
        assert_outputs_near(&p, 1e-3);
        assert_grads_near(&p, networks[i].tolerance);
        assert_params_near(&p, 1e-3); // running statistics and counters moved alike
        pair_close(&p);
    }
}

void test_networks_train_like_ref(void **state) {
    (void)state;
    train_alike(&pair_train);
}

void test_frozen_norm_trains_like_ref(void **state) {
    (void)state;
    train_alike(&pair_frozen);
}

void test_bytes_equal_floats(void **state) {
    (void)state;
    dogb_net_conf conf = {.device = "cpu", .threads = 1};
    pair p = pair_open("tiny", "linear", 32, &conf);
    static uint8_t pixels[PAIR_BATCH * 32 * 32 * 3];
    for (size_t i = 0; i < sizeof pixels; i++) {
        pixels[i] = (uint8_t)(i * 97 % 251);
    }
    dogb_batch batch = {pixels, PAIR_BATCH, DOGB_DATA_U8};
    float *found = infer(&p, 0, &batch);
    float *expected = infer(&p, 1, &batch);
    assert_near("bytes", found, expected, PAIR_BATCH * PAIR_CLASSES, 1e-4);
    free(found);
    free(expected);
    pair_close(&p);
}

typedef struct caller {
    const pair *p;
    float out[PAIR_BATCH * PAIR_CLASSES];
    int rc;
} caller;

static void *call(void *userdata) {
    caller *c = userdata;
    dogb_batch batch = {c->p->input, PAIR_BATCH, DOGB_DATA_F32};
    for (int i = 0; i < 4 && c->rc == 0; i++) {
        c->rc = c->p->engines[0]->infer(c->p->nets[0], &batch, c->out);
    }
    return NULL;
}

void test_infer_runs_in_many_threads(void **state) {
    (void)state;
    dogb_net_conf conf = {.device = "cpu", .threads = 1};
    pair p = pair_open("tiny", "mlp:5:0.5", 32, &conf);
    caller callers[3];
    pthread_t threads[3];
    memset(callers, 0, sizeof callers);
    for (int i = 0; i < 3; i++) {
        callers[i].p = &p;
        assert_int_equal(pthread_create(&threads[i], NULL, call, &callers[i]), 0);
    }
    for (int i = 0; i < 3; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    }
    for (int i = 0; i < 3; i++) {
        assert_int_equal(callers[i].rc, 0);
        assert_near("thread", callers[i].out, callers[0].out, PAIR_BATCH * PAIR_CLASSES, 1e-6);
    }
    pair_close(&p);
}

// A sample's result does not depend on what else is in the batch, nor on its size.
void test_batches_do_not_mix(void **state) {
    (void)state;
    dogb_net_conf conf = {.device = "cpu", .threads = 1};
    pair p = pair_open(test_network("mobilenet_v2"), "linear", 64, &conf);
    dogb_batch batch = {p.input, PAIR_BATCH, DOGB_DATA_F32};
    float *all = infer(&p, 0, &batch);
    for (int32_t i = 0; i < PAIR_BATCH; i++) {
        dogb_batch one = {p.input + i * 3 * 64 * 64, 1, DOGB_DATA_F32};
        float *own = infer(&p, 0, &one);
        assert_near("sample", own, all + i * PAIR_CLASSES, PAIR_CLASSES, 1e-4);
        free(own);
    }
    free(all);
    pair_close(&p);
}

void test_same_run_same_bits(void **state) {
    (void)state;
    float *weights[2];
    size_t count = 0;
    for (int run = 0; run < 2; run++) {
        pair p = pair_open("tiny", "mlp:9:0.5", 32, &pair_train);
        dogb_optim_conf adam = {
            .kind = DOGB_OPTIM_ADAM, .beta1 = 0.9, .beta2 = 0.999, .epsilon = 1e-8};
        pair_optim(&p, &adam);
        for (int64_t step = 0; step < 3; step++) {
            (void)pair_step(&p, 0, step);
            assert_ok(tested->optim_step(p.optims[0], 0.01));
        }
        count = (size_t)p.graph->params[0].count;
        weights[run] = read_param(&p, 0, 0);
        pair_close(&p);
    }
    assert_memory_equal(weights[0], weights[1], count * sizeof(float));
    free(weights[0]);
    free(weights[1]);
}

void test_loss_options(void **state) {
    (void)state;
    static const float class_weights[PAIR_CLASSES] = {0.5f, 1, 2, 0, 1.5f};
    pair p = pair_open("tiny", "linear", 32, &pair_frozen);
    dogb_batch batch = {p.input, PAIR_BATCH, DOGB_DATA_F32};
    for (int variant = 0; variant < 6; variant++) {
        dogb_target target = {.labels = p.labels,
                              .class_weights = variant % 2 == 0 ? NULL : class_weights,
                              .count = PAIR_BATCH,
                              .label_smoothing = variant < 2   ? 0
                                                 : variant < 4 ? 0.2
                                                               : 1};
        dogb_loss losses[2];
        for (int i = 0; i < 2; i++) {
            assert_ok(p.engines[i]->forward(p.nets[i], &batch, DOGB_MODE_TRAIN, 1, 1));
            assert_ok(p.engines[i]->loss(p.nets[i], &target, &losses[i]));
            assert_ok(p.engines[i]->backward(p.nets[i]));
        }
        assert_true(fabs(losses[0].loss - losses[1].loss) < 1e-5 * (1 + losses[1].loss));
        assert_int_equal(losses[0].correct, losses[1].correct);
        assert_grads_near(&p, 1e-4);
    }
    pair_close(&p);
}
