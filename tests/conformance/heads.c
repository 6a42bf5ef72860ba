// heads.c - the optional groups: whole or absent; a bank of heads trains as single nets do.
#include "conformance/conformance.h"

#include "arch/arch.h"

#include <math.h>

void test_optional_groups_are_whole(void **state) {
    (void)state;
    int heads = tested->heads_create != NULL;
    assert_int_equal(tested->heads_destroy != NULL, heads);
    assert_int_equal(tested->heads_step != NULL, heads);
    assert_int_equal(tested->heads_eval != NULL, heads);
    assert_int_equal(tested->heads_read != NULL, heads);
    assert_int_equal(tested->heads_write != NULL, heads);
    assert_int_equal(tested->heads_run != NULL, heads);
    assert_int_equal(tested->heads_end != NULL, heads);
    assert_int_equal(tested->heads_slot_read != NULL, heads);
    assert_int_equal(tested->heads_slot_write != NULL, heads);
    assert_int_equal(tested->heads_steps != NULL, heads);
    assert_int_equal(tested->heads_set_steps != NULL, heads);
    assert_int_equal((tested->capabilities() & DOGB_CAN_HEADS) != 0, heads);
    assert_int_equal(tested->staging_destroy != NULL, tested->staging_create != NULL);
    if (tested->staging_create != NULL) {
        void *memory = NULL;
        assert_ok(tested->staging_create(&memory, 4096));
        assert_non_null(memory);
        memset(memory, 1, 4096);
        tested->staging_destroy(memory);
    }
    if (tested->range != NULL) {
        assert_ok(tested->range("test"));
        assert_ok(tested->range(NULL));
    }
}

enum { HEADS = 3, FEATURES = 20, ROWS = 16 };

// The same head as a net of its own on ref.
static dogb_net *make_net(dogb_graph **graph, int32_t hidden, void ***weights) {
    dogb_net *net = NULL;
    dogb_net_conf conf = pair_frozen;
    dogb_arch_options options = {"linear", PAIR_CLASSES, 0};
    char head[32];
    if (hidden > 0) {
        (void)snprintf(head, sizeof head, "mlp:%d", hidden);
        options.head = head;
    }
    assert_ok(dogb_graph_create(graph, "head"));
    (void)dogb_graph_input_vector(*graph, FEATURES);
    int32_t output =
        dogb_arch_head(*graph, 0, "fc", 0, &options, DOGB_INIT_ZERO, 0, DOGB_INIT_ZERO);
    assert_ok(dogb_graph_finish(*graph, output));
    *weights = nets_weights(*graph, 31);
    assert_ok(
        dogb_engine_net(&net, dogb_engine_ref(), *graph, (const void *const *)*weights, &conf));
    return net;
}

static void run_heads(int32_t hidden) {
    static const dogb_optim_conf optims[HEADS] = {
        {.kind = DOGB_OPTIM_SGD},
        {.kind = DOGB_OPTIM_SGD, .momentum = 0.9, .weight_decay = 0.01},
        {.kind = DOGB_OPTIM_ADAMW,
         .weight_decay = 0.1,
         .beta1 = 0.9,
         .beta2 = 0.99,
         .epsilon = 1e-6},
    };
    static const double smoothing[HEADS] = {0, 0.1, 0.05};
    static const double dropout[HEADS] = {0, 0, 0};
    static const uint64_t seeds[HEADS] = {1, 2, 3};
    static const double rates[HEADS] = {0.1, 0.05, 0.01};
    const dogb_engine *ref = dogb_engine_ref();
    dogb_heads_conf conf = {.count = HEADS,
                            .features = FEATURES,
                            .classes = PAIR_CLASSES,
                            .hidden = hidden,
                            .threads = 1,
                            .optim = optims,
                            .label_smoothing = smoothing,
                            .dropout = dropout,
                            .seeds = seeds,
                            .device = tested_device};
    dogb_heads *heads = NULL;
    float features[ROWS * FEATURES];
    int32_t labels[ROWS];
    double losses[HEADS];
    dogb_rng rng;
    dogb_rng_init(&rng, 4, DOGB_RNG_SYNTH, 1, 0);
    for (int i = 0; i < ROWS * FEATURES; i++) {
        features[i] = (float)dogb_rng_normal(&rng);
    }
    for (int i = 0; i < ROWS; i++) {
        labels[i] = (int32_t)dogb_rng_below(&rng, PAIR_CLASSES);
    }
    assert_ok(dogb_engine_heads(&heads, tested, &conf));
    for (int head = 0; head < HEADS; head++) {
        dogb_graph *graph = NULL;
        void **weights = NULL;
        dogb_net *net = make_net(&graph, hidden, &weights);
        ref->net_destroy(net);
        for (int32_t i = 0; i < graph->param_count; i++) {
            assert_ok(tested->heads_write(heads, head, i, weights[i],
                                          (size_t)graph->params[i].count * sizeof(float)));
        }
        nets_free(graph, weights);
        dogb_graph_destroy(graph);
    }
    for (int64_t step = 0; step < 3; step++) {
        assert_ok(tested->heads_step(heads, features, labels, ROWS, rates, step, losses));
    }
    dogb_loss evaluated[HEADS];
    assert_ok(tested->heads_eval(heads, features, labels, ROWS, evaluated));
    for (int head = 0; head < HEADS; head++) {
        dogb_graph *graph = NULL;
        void **weights = NULL;
        dogb_optim *optim = NULL;
        dogb_net *net = make_net(&graph, hidden, &weights);
        dogb_batch batch = {features, ROWS, DOGB_DATA_F32};
        dogb_target target = {.labels = labels, .count = ROWS, .label_smoothing = smoothing[head]};
        dogb_loss loss = {0, 0, 0};
        assert_ok(ref->optim_create(&optim, net, &optims[head]));
        for (int64_t step = 0; step < 3; step++) {
            assert_ok(ref->forward(net, &batch, DOGB_MODE_TRAIN, seeds[head], step));
            assert_ok(ref->loss(net, &target, &loss));
            assert_ok(ref->backward(net));
            assert_ok(ref->optim_step(optim, rates[head]));
        }
        assert_true(fabs(losses[head] - loss.loss) < 1e-4 * (1 + loss.loss));
        for (int32_t i = 0; i < graph->param_count; i++) {
            size_t count = (size_t)graph->params[i].count;
            float *found = floats_of(count);
            float *expected = floats_of(count);
            assert_ok(tested->heads_read(heads, head, i, found, count * sizeof *found));
            assert_ok(ref->param_read(net, i, expected, count * sizeof *expected));
            assert_near(graph->params[i].name, found, expected, count, 1e-4);
            free(found);
            free(expected);
        }
        assert_ok(ref->forward(net, &batch, DOGB_MODE_EVAL, 0, 0));
        assert_ok(ref->loss(net, &target, &loss));
        assert_int_equal(evaluated[head].correct, loss.correct);
        ref->optim_destroy(optim);
        ref->net_destroy(net);
        nets_free(graph, weights);
        dogb_graph_destroy(graph);
    }
    tested->heads_destroy(heads);
}

void test_heads_train_like_nets(void **state) {
    (void)state;
    if (tested->heads_create == NULL) {
        test_skip("engine %s has no banks of heads", tested->name);
    }
    run_heads(0);
    run_heads(7);
}
