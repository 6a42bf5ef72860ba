// Training nets of engine native: the same bits as the same head in a bank, whatever the optimiser,
// the options, the batch, the threads; parameters that are frozen; graphs and calls that are
// refused; failing allocations. What they compute is compared with ref by the conformance suite.
#include "engine/heads_bank.h"

#include "out_of_memory.h"

static int32_t threads = 1; // of the nets

static dogb_net *native_net(const dogb_graph *graph, void *const *weights) {
    dogb_net *net = NULL;
    dogb_net_conf conf = {.device = "cpu", .mode = DOGB_NET_TRAIN, .threads = threads};
    assert_ok(dogb_engine_net(&net, engine, graph, (const void *const *)weights, &conf));
    return net;
}

// One step of a net on rows [first, first + count) of the order; the loss.
static double step(dogb_net *net, dogb_optim *optim, const shape *s, const data *d, int64_t first,
                   int32_t count, int32_t index, int64_t number) {
    int32_t labels[ROWS];
    float *rows = calloc((size_t)(count * s->features), sizeof *rows);
    dogb_batch batch;
    dogb_target target;
    dogb_loss loss;
    assert_non_null(rows);
    gather_batch(&batch, &target, rows, labels, s, d, &heads[index], first, count);
    assert_ok(engine->forward(net, &batch, DOGB_MODE_TRAIN, (uint64_t)index, number));
    free(rows); // nothing of it is needed any more
    assert_ok(engine->loss(net, &target, &loss));
    assert_ok(engine->backward(net));
    assert_ok(engine->optim_step(optim, d->rates[index][number % steps_of(s)]));
    return loss.loss;
}

// Head `index` of the table, as a net and alone in a bank.
static void compare(const shape *s, const data *d, int32_t index) {
    double losses[HEADS][ROWS];
    int32_t nodes[2];
    dogb_optim *optim = NULL;
    bank b = make_bank(s, d, index, 1, 1);
    dogb_graph *graph = make_graph(s, &heads[index], nodes);
    void **weights = start_weights(graph, index);
    dogb_net *net = native_net(graph, weights);
    assert_ok(engine->optim_create(&optim, net, &heads[index].optim));
    train(&b, s, d, losses);
    for (int64_t number = 0; number < s->epochs * steps_of(s); number++) {
        int64_t first = number % steps_of(s) * s->batch;
        int32_t count = (int32_t)(ROWS - first < s->batch ? ROWS - first : s->batch);
        double loss = step(net, optim, s, d, first, count, index, number);
        if (number >= (s->epochs - 1) * steps_of(s)) {
            assert_true(loss == losses[index][number % steps_of(s)]);
        }
    }
    assert_int_equal(engine->optim_steps(optim), engine->heads_steps(b.heads, 0));
    for (int32_t param = 0; param < params_of(s); param++) {
        size_t size = count_of(s, param) * sizeof(float);
        float *found = calloc(1, size);
        assert_non_null(found);
        for (int32_t slot = -1; slot < engine->optim_slots(optim); slot++) {
            float *expected = read_tensor(&b, s, 0, param, slot);
            assert_ok(slot < 0 ? engine->param_read(net, param, found, size)
                               : engine->optim_read(optim, param, slot, found, size));
            if (memcmp(found, expected, size) != 0) {
                fail_msg("%d-%d-%d, batch %d, head %d, parameter %d, slot %d: other bits",
                         s->features, s->hidden, s->classes, s->batch, index, param, slot);
            }
            free(expected);
        }
        free(found);
    }
    engine->optim_destroy(optim);
    engine->net_destroy(net);
    engine->heads_destroy(b.heads);
    nets_free(graph, weights);
    dogb_graph_destroy(graph);
}

static void compare_all(const shape *s) {
    data *d = make_data(s);
    for (int32_t index = 0; index < HEADS; index++) {
        compare(s, d, index);
    }
    free_data(d);
}

static void a_net_has_the_bits_of_a_bank(void **state) {
    (void)state;
    static const shape shapes[] = {
        {20, 0, 5, 16, 2},  {1, 0, 1, 1, 1},   {129, 0, 17, 9, 2},  {1283, 0, 33, 33, 1},
        {5, 0, 400, 13, 1}, {33, 1, 3, 70, 2}, {9, 130, 21, 12, 1}, {130, 65, 120, 31, 1},
    };
    for (int set = 0; set < instruction_set_count; set++) {
        assert_int_equal(setenv("DOGBREED_CPU", instruction_sets[set], 1), 0);
        for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
            for (threads = 1; threads <= 4; threads++) {
                if (test_turn()) {
                    compare_all(&shapes[i]);
                }
            }
        }
        threads = 1;
        for (int32_t batch = 1; batch <= ROWS; batch += test_part()) {
            compare_all(&(shape){21, 0, 9, batch, 1});
            compare_all(&(shape){21, 18, 10, batch, 1});
        }
    }
    assert_int_equal(unsetenv("DOGBREED_CPU"), 0);
}

// Each parameter alone frozen: it keeps its bits, the others take the step they take anyway.
static void frozen_parameters_stay(void **state) {
    (void)state;
    const shape s = {21, 18, 9, 16, 1};
    data *d = make_data(&s);
    for (int32_t index = 0; index < HEADS; index++) {
        int32_t nodes[2];
        dogb_graph *graph = make_graph(&s, &heads[index], nodes);
        void **weights = start_weights(graph, index);
        float *stepped[PARAMS];
        for (int32_t frozen = -1; frozen < PARAMS; frozen++) {
            dogb_net *net = native_net(graph, weights);
            dogb_optim *optim = NULL;
            if (frozen >= 0) {
                assert_ok(engine->param_trainable(net, frozen, 0));
            }
            assert_ok(engine->optim_create(&optim, net, &heads[index].optim));
            (void)step(net, optim, &s, d, 0, s.batch, index, 0);
            for (int32_t param = 0; param < PARAMS; param++) {
                size_t size = count_of(&s, param) * sizeof(float);
                float *found = calloc(1, size);
                float *gradient = calloc(1, size);
                assert_true(found != NULL && gradient != NULL);
                assert_ok(engine->param_read(net, param, found, size));
                const void *expected = param == frozen ? weights[param] : stepped[param];
                assert_int_equal(engine->grad_read(net, param, gradient, size),
                                 param == frozen ? DOGBREED_ERROR_STATE : DOGBREED_OK);
                free(gradient);
                if (frozen < 0) {
                    stepped[param] = found;
                    assert_memory_not_equal(found, weights[param], size);
                    continue;
                }
                assert_memory_equal(found, expected, size);
                free(found);
            }
            engine->optim_destroy(optim);
            engine->net_destroy(net);
        }
        for (int32_t param = 0; param < PARAMS; param++) {
            free(stepped[param]);
        }
        nets_free(graph, weights);
        dogb_graph_destroy(graph);
    }
    free_data(d);
}

static void refuse(dogb_graph *graph, int32_t output) {
    dogb_net *net = NULL;
    dogb_net_conf conf = {.device = "cpu", .mode = DOGB_NET_TRAIN, .threads = 1};
    assert_ok(dogb_graph_finish(graph, output));
    void **weights = nets_weights(graph, 1);
    assert_fails(dogb_engine_net(&net, engine, graph, (const void *const *)weights, &conf),
                 DOGBREED_ERROR_UNSUPPORTED,
                 "engine native: trains heads on features only; engine torch or ref trains deeper "
                 "layers");
    assert_null(net);
    nets_free(graph, weights);
    dogb_graph_destroy(graph);
}

static dogb_graph *vector_graph(void) {
    dogb_graph *graph = NULL;
    assert_ok(dogb_graph_create(&graph, "other"));
    (void)dogb_graph_input_vector(graph, 6);
    return graph;
}

static int32_t linear(dogb_graph *graph, int32_t input, const char *name) {
    return dogb_graph_linear(graph, input, name, 4, DOGB_INIT_ZERO, 0, DOGB_INIT_ZERO);
}

static void other_graphs_are_refused(void **state) {
    (void)state;
    dogb_graph *graph = vector_graph(); // three layers
    int32_t x = dogb_graph_relu(graph, linear(graph, 0, "a"), "r");
    x = dogb_graph_relu(graph, linear(graph, x, "b"), "s");
    refuse(graph, linear(graph, x, "c"));
    graph = vector_graph(); // no ReLU between
    refuse(graph, linear(graph, linear(graph, 0, "a"), "b"));
    graph = vector_graph(); // another activation
    refuse(graph, linear(graph, dogb_graph_relu6(graph, linear(graph, 0, "a"), "r"), "b"));
    graph = vector_graph(); // ends with it
    refuse(graph, dogb_graph_relu(graph, linear(graph, 0, "a"), "r"));
    graph = vector_graph(); // two ways
    x = linear(graph, 0, "a");
    refuse(graph, dogb_graph_add(graph, x, linear(graph, 0, "b"), "sum"));
    assert_ok(dogb_graph_create(&graph, "picture"));
    x = dogb_graph_flatten(graph, dogb_graph_input(graph, 3, 2, 2), "flat");
    refuse(graph, linear(graph, x, "a"));
}

static void kinds_of_nets_do_not_mix(void **state) {
    (void)state;
    const shape s = {4, 0, 3, 8, 1};
    int32_t nodes[2];
    float out[3];
    float row[4] = {0};
    dogb_batch batch = {row, 1, DOGB_DATA_F32};
    dogb_optim *optim = NULL;
    dogb_net *inference = NULL;
    dogb_optim_conf sgd = {.kind = DOGB_OPTIM_SGD};
    dogb_net_conf conf = {.device = "cpu", .threads = 1};
    dogb_graph *graph = make_graph(&s, &heads[1], nodes);
    void **weights = start_weights(graph, 0);
    dogb_net *net = native_net(graph, weights);
    assert_ok(dogb_engine_net(&inference, engine, graph, (const void *const *)weights, &conf));
    assert_fails(engine->infer(net, &batch, out), DOGBREED_ERROR_STATE, "made for training");
    assert_fails(engine->forward(inference, &batch, DOGB_MODE_EVAL, 0, 0), DOGBREED_ERROR_STATE,
                 "an inference net");
    assert_fails(engine->param_read(inference, 1, out, sizeof out), DOGBREED_ERROR_STATE,
                 "an inference net");
    assert_fails(engine->watch(inference, 7), DOGBREED_ERROR_STATE, "an inference net");
    assert_int_equal(engine->tensor_count(inference, DOGBREED_TENSOR_WEIGHT), 0);
    assert_fails(engine->optim_create(&optim, inference, &sgd), DOGBREED_ERROR_STATE,
                 "an inference net");
    assert_ok(engine->optim_create(&optim, net, &sgd));
    assert_fails(engine->optim_step(optim, 0.1), DOGBREED_ERROR_STATE, "must come first");
    assert_int_equal(engine->optim_steps(optim), 0);
    // Evaluation has no dropout: the bits of inference.
    float logits[3];
    assert_ok(engine->forward(net, &batch, DOGB_MODE_EVAL, 0, 0));
    assert_ok(engine->output_read(net, logits, sizeof logits));
    assert_ok(engine->infer(inference, &batch, out));
    assert_memory_equal(out, logits, sizeof out);
    engine->optim_destroy(optim);
    engine->optim_destroy(NULL);
    engine->net_destroy(net);
    engine->net_destroy(inference);
    nets_free(graph, weights);
    dogb_graph_destroy(graph);
}

static void every_allocation_may_fail(void **state) {
    (void)state;
    const shape s = {6, 5, 3, 8, 1};
    int32_t nodes[2];
    data *d = make_data(&s);
    dogb_graph *graph = make_graph(&s, &heads[5], nodes);
    void **weights = start_weights(graph, 0);
    dogb_batch batch = {d->features, 8, DOGB_DATA_F32};
    dogb_target target = {.labels = d->labels, .count = 8, .label_smoothing = 0.1};
    int failed = 1;
    for (int count = 0; failed; count++) {
        float gradient[30];
        dogb_net *net = NULL;
        dogb_optim *optim = NULL;
        dogb_loss loss;
        dogb_net_conf conf = {.device = "cpu", .mode = DOGB_NET_TRAIN, .threads = 1};
        dogbreed_tensor_stats stats = {.struct_size = sizeof stats};
        memory_fail_after(count);
        int rc = engine->net_create(&net, graph, (const void *const *)weights, &conf);
        assert_true((rc == DOGBREED_OK) == (net != NULL));
        rc = rc < 0 ? rc : engine->optim_create(&optim, net, &heads[5].optim);
        rc = rc < 0 ? rc : engine->watch(net, 7);
        rc = rc < 0 ? rc : engine->forward(net, &batch, DOGB_MODE_TRAIN, 0, 0);
        rc = rc < 0 ? rc : engine->loss(net, &target, &loss);
        rc = rc < 0 ? rc : engine->backward(net);
        rc = rc < 0 ? rc : engine->grad_read(net, 0, gradient, sizeof gradient);
        rc = rc < 0 ? rc : engine->tensor_stats(net, DOGBREED_TENSOR_GRADIENT, 0, &stats);
        rc = rc < 0 ? rc : engine->optim_step(optim, 0.1);
        failed = memory_restore();
        assert_int_equal(rc, failed ? DOGBREED_ERROR_NO_MEMORY : DOGBREED_OK);
        if (optim != NULL) { // works again
            (void)step(net, optim, &s, d, 0, s.batch, 5, 0);
            engine->optim_destroy(optim);
        }
        engine->net_destroy(net);
        assert_true(count < 1000);
    }
    nets_free(graph, weights);
    dogb_graph_destroy(graph);
    free_data(d);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_net_has_the_bits_of_a_bank), cmocka_unit_test(frozen_parameters_stay),
        cmocka_unit_test(other_graphs_are_refused),     cmocka_unit_test(kinds_of_nets_do_not_mix),
        cmocka_unit_test(every_allocation_may_fail),
    };
    engine = dogb_engine_native();
    return cmocka_run_group_tests(tests, native_sets, NULL);
}
