// Banks of heads of the engine named by the first argument (second: the device; third: the
// instruction set of native, or "stacked" for torch): against nets of ref with every optimiser and
// option, the same bits alone and in a bank on any number of threads, odd sizes, wrong calls,
// failing allocations. Skipped visibly when the engine is not installed or the CPU lacks the set.
#include "engine/heads_bank.h"

#include "out_of_memory.h"

#include <math.h>

static void assert_close(const char *what, const float *found, const float *expected,
                         size_t count) {
    double largest = 0;
    for (size_t i = 0; i < count; i++) {
        largest = fmax(largest, fabs((double)expected[i]));
    }
    for (size_t i = 0; i < count; i++) {
        if (!(fabs((double)found[i] - (double)expected[i]) <= 3e-5 * (0.1 + largest))) {
            fail_msg("%s[%zu]: %.9g, ref has %.9g (largest %g)", what, i, (double)found[i],
                     (double)expected[i], largest);
        }
    }
}

// Trains head `index` of the table on ref and compares losses, weights, state and judgement.
static void compare(const bank *b, const shape *s, const data *d, int32_t index,
                    double losses[HEADS][ROWS]) {
    const dogb_engine *ref = dogb_engine_ref();
    const head *h = &heads[b->first + index];
    int32_t nodes[2];
    char what[200];
    dogb_optim *optim = NULL;
    dogb_graph *graph = make_graph(s, h, nodes);
    void **weights = start_weights(graph, b->first + index);
    dogb_net *net = make_net(graph, weights);
    float *rows = calloc((size_t)(ROWS * s->features), sizeof *rows);
    assert_non_null(rows);
    assert_ok(ref->optim_create(&optim, net, &h->optim));
    for (int64_t step = 0; step < s->epochs * steps_of(s); step++) {
        int64_t in_epoch = step % steps_of(s);
        int64_t first = in_epoch * s->batch;
        int32_t count = (int32_t)(ROWS - first < s->batch ? ROWS - first : s->batch);
        int32_t labels[ROWS];
        dogb_batch batch;
        dogb_target target;
        dogb_loss loss;
        gather_batch(&batch, &target, rows, labels, s, d, h, first, count);
        assert_ok(ref->forward(net, &batch, DOGB_MODE_TRAIN, (uint64_t)(b->first + index), step));
        assert_ok(ref->loss(net, &target, &loss));
        assert_ok(ref->backward(net));
        assert_ok(ref->optim_step(optim, d->rates[b->first + index][in_epoch]));
        if (step >= (s->epochs - 1) * steps_of(s)) {
            double found = losses[b->first + index][in_epoch];
            if (!(fabs(found - loss.loss) < 1e-4 * (1 + loss.loss))) {
                fail_msg("head %d, step %d: loss %g, ref has %g", index, (int)step, found,
                         loss.loss);
            }
            const int32_t *hits = hits_of_step[b->first + index][in_epoch];
            assert_int_equal(hits[0], loss.correct);
            assert_int_equal(hits[1], loss.correct5);
        }
    }
    assert_int_equal(engine->heads_steps(b->heads, index), ref->optim_steps(optim));
    for (int32_t param = 0; param < params_of(s); param++) {
        size_t count = count_of(s, param);
        float *expected = calloc(count, sizeof *expected);
        assert_non_null(expected);
        for (int32_t slot = -1; slot < ref->optim_slots(optim); slot++) {
            float *found = read_tensor(b, s, index, param, slot);
            assert_ok(slot < 0
                          ? ref->param_read(net, param, expected, count * sizeof(float))
                          : ref->optim_read(optim, param, slot, expected, count * sizeof(float)));
            (void)snprintf(what, sizeof what, "%d-%d-%d, head %d, parameter %d, slot %d",
                           s->features, s->hidden, s->classes, index, param, slot);
            assert_close(what, found, expected, count);
            free(found);
        }
        free(expected);
    }
    free(rows);
    ref->optim_destroy(optim);
    ref->net_destroy(net);
    nets_free(graph, weights);
    dogb_graph_destroy(graph);
}

static const shape shapes[] = {
    {20, 0, 5, 16, 2},   {1, 0, 1, 1, 1},      {3, 0, 2, 70, 3},    {129, 0, 17, 9, 2},
    {37, 0, 120, 32, 1}, {1283, 0, 33, 33, 1}, {5, 0, 1000, 13, 1}, {260, 0, 61, 64, 2},
    {20, 7, 5, 16, 2},   {33, 1, 3, 70, 2},    {9, 130, 21, 12, 1}, {130, 65, 120, 31, 1},
};

static void each_head_trains_like_a_net(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        double losses[HEADS][ROWS];
        data *d = make_data(&shapes[i]);
        bank b = make_bank(&shapes[i], d, 0, HEADS, 2);
        train(&b, &shapes[i], d, losses);
        for (int32_t k = 0; k < HEADS; k++) {
            compare(&b, &shapes[i], d, k, losses);
        }
        engine->heads_destroy(b.heads);
        free_data(d);
    }
}

// Each number of rows of a tile, as many inputs, and panels of each width: two batches of one head.
static void every_tile_trains_like_a_net(void **state) {
    (void)state;
    enum { TILE_ROWS = 13, TILE_CLASSES = 128, MOMENTUM = 2 };
    for (int32_t classes = 8; classes <= TILE_CLASSES; classes += 8) {
        for (int32_t rows = 1; rows < TILE_ROWS; rows++) {
            const shape s = {rows, 0, classes, ROWS - rows, 1};
            double losses[HEADS][ROWS];
            data *d = make_data(&s);
            bank b = make_bank(&s, d, MOMENTUM, 1, 1);
            train(&b, &s, d, losses);
            compare(&b, &s, d, 0, losses);
            engine->heads_destroy(b.heads);
            free_data(d);
        }
    }
}

// Heads that are stacked for one matrix product are the engine's affair: their bits may depend on
// the stack.
static int has_own_bits(void) {
    const char *how = getenv("DOGBREED_TORCH_HEADS");
    return strcmp(device, "cpu") == 0 &&
           (strcmp(engine->name, "torch") != 0 || how == NULL || strcmp(how, "stacked") != 0);
}

static void assert_same(const bank *a, int32_t in_a, const bank *b, int32_t in_b, const shape *s) {
    for (int32_t param = 0; param < params_of(s); param++) {
        float *x = read_tensor(a, s, in_a, param, -1);
        float *y = read_tensor(b, s, in_b, param, -1);
        if (has_own_bits()) {
            assert_memory_equal(x, y, count_of(s, param) * sizeof *x);
        } else {
            assert_close("head", x, y, count_of(s, param));
        }
        free(x);
        free(y);
    }
}

static void a_head_has_the_same_bits_alone_and_in_a_bank(void **state) {
    (void)state;
    if (!has_own_bits()) {
        test_skip("engine %s stacks heads here", engine->name);
    }
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        const shape *s = &shapes[i];
        if (!test_turn()) {
            continue;
        }
        double losses[HEADS][ROWS] = {{0}};
        double others[HEADS][ROWS] = {{0}};
        data *d = make_data(s);
        bank all = make_bank(s, d, 0, HEADS, 1);
        train(&all, s, d, losses);
        for (int32_t threads = 1; threads <= 4; threads++) {
            bank again = make_bank(s, d, 0, HEADS, threads);
            train(&again, s, d, others);
            assert_memory_equal(losses, others, sizeof losses);
            for (int32_t k = 0; k < HEADS; k++) {
                assert_same(&all, k, &again, k, s);
            }
            engine->heads_destroy(again.heads);
        }
        for (int32_t k = 0; k < HEADS; k++) {
            bank alone = make_bank(s, d, k, 1, 3);
            train(&alone, s, d, others);
            assert_same(&all, k, &alone, 0, s);
            engine->heads_destroy(alone.heads);
        }
        assert_memory_equal(losses, others, sizeof losses);
        engine->heads_destroy(all.heads);
        free_data(d);
    }
}

// heads_run against step by step; a head that leaves does not disturb the others; state moves to
// another bank and training goes on as if nothing had happened.
static void steps_and_moves_change_nothing(void **state) {
    (void)state;
    const shape s = {41, 11, 19, 35, 1};
    double losses[HEADS][ROWS];
    data *d = make_data(&s);
    d->shared.stride = s.features;
    for (int32_t i = 0; i < ROWS; i++) {
        d->order[i] = i;
    }
    bank a = make_bank(&s, d, 0, HEADS, 2);
    bank b = make_bank(&s, d, 0, HEADS, 2);
    bank c = make_bank(&s, d, 0, HEADS, 1);
    train(&a, &s, d, losses);
    assert_ok(told(engine->heads_end(b.heads, 1)));
    double rates[HEADS];
    double found[HEADS];
    for (int32_t step = 0; step < 2; step++) {
        for (int32_t k = 0; k < HEADS; k++) {
            rates[k] = d->rates[k][step];
        }
        bank *at = &b;
        if (step == 1) { // goes on in c
            for (int32_t k = 0; k < HEADS; k++) {
                for (int32_t param = 0; k != 1 && param < PARAMS; param++) {
                    int32_t slots =
                        heads[k].optim.kind != DOGB_OPTIM_SGD ? 2 : heads[k].optim.momentum != 0;
                    for (int32_t slot = -1; slot < slots; slot++) {
                        size_t size = count_of(&s, param) * sizeof(float);
                        float *values = read_tensor(&b, &s, k, param, slot);
                        assert_ok(told(
                            slot < 0
                                ? engine->heads_write(c.heads, k, param, values, size)
                                : engine->heads_slot_write(c.heads, k, param, slot, values, size)));
                        free(values);
                    }
                }
                if (k != 1) {
                    assert_ok(
                        told(engine->heads_set_steps(c.heads, k, engine->heads_steps(b.heads, k))));
                }
            }
            at = &c;
        }
        assert_ok(told(engine->heads_step(at->heads, d->features + step * 35 * s.features,
                                          d->labels + step * 35, 35, rates, step, found)));
        for (int32_t k = 0; k < HEADS; k++) {
            assert_true(k != 1 || at != &b || found[k] == 0);
            double apart = has_own_bits() ? 0 : 1e-4 * (1 + losses[k][step]);
            assert_true(k == 1 || fabs(found[k] - losses[k][step]) <= apart);
        }
    }
    for (int32_t k = 0; k < HEADS; k++) {
        if (k != 1) {
            assert_same(&a, k, &c, k, &s);
        }
    }
    engine->heads_destroy(a.heads);
    engine->heads_destroy(b.heads);
    engine->heads_destroy(c.heads);
    free_data(d);
}

// The masks of a node far back in its graph: another engine's bank has the same.
static void masks_are_those_of_the_nodes(void **state) {
    (void)state;
    const shape s = {20, 7, 5, 16, 1};
    const dogb_engine *own = engine;
    const char *own_device = device;
    float *values[2][HEADS];
    data *d = make_data(&s);
    nodes_later = 4;
    for (int other = 0; other < 2; other++) {
        double losses[HEADS][ROWS];
        if (other) {
            engine = strcmp(own->name, "native") == 0 ? dogb_engine_ref() : dogb_engine_native();
            device = "cpu";
        }
        bank b = make_bank(&s, d, 0, HEADS, 1);
        train(&b, &s, d, losses);
        for (int32_t k = 0; k < HEADS; k++) {
            values[other][k] = read_tensor(&b, &s, k, 0, -1);
        }
        engine->heads_destroy(b.heads);
    }
    engine = own;
    device = own_device;
    nodes_later = 0;
    for (int32_t k = 0; k < HEADS; k++) {
        assert_close("far node", values[0][k], values[1][k], count_of(&s, 0));
        free(values[0][k]);
        free(values[1][k]);
    }
    free_data(d);
}

// Data with a key may be kept on the device: another key, or none, is other data.
static void keys_tell_data_apart(void **state) {
    (void)state;
    const shape s = {41, 11, 19, 35, 1};
    double losses[2][HEADS][ROWS];
    bank banks[2];
    for (int with_keys = 0; with_keys < 2; with_keys++) {
        data *d = make_data(&s);
        banks[with_keys] = make_bank(&s, d, 0, HEADS, 1);
        for (int round = 0; round < 4; round++) {
            d->shared.key = with_keys && round < 3 ? 1 + (round > 0) : 0; // 1, 2, 2, 0
            for (int32_t i = 0; round != 2 && i < ROWS * (s.features + 3); i++) {
                d->features[i] *= 1.5f;
            }
            train(&banks[with_keys], &s, d, losses[with_keys]);
        }
        free_data(d);
    }
    assert_memory_equal(losses[0][0], losses[1][0], 2 * sizeof(double));
    for (int32_t k = 0; k < HEADS; k++) {
        assert_same(&banks[0], k, &banks[1], k, &s);
    }
    engine->heads_destroy(banks[0].heads);
    engine->heads_destroy(banks[1].heads);
}

static void judging_equals_ref(void **state) {
    (void)state;
    const dogb_engine *ref = dogb_engine_ref();
    const shape s = {30, 0, 9, 16, 1};
    double losses[HEADS][ROWS];
    dogb_loss found[HEADS];
    data *d = make_data(&s);
    float *rows = calloc((size_t)(ROWS * s.features), sizeof *rows);
    assert_non_null(rows);
    for (int32_t i = 0; i < ROWS; i++) {
        memcpy(rows + i * s.features, d->features + i * d->shared.stride,
               (size_t)s.features * sizeof *rows);
    }
    bank b = make_bank(&s, d, 0, HEADS, 2);
    train(&b, &s, d, losses);
    assert_ok(told(engine->heads_end(b.heads, 0)));
    assert_ok(told(engine->heads_eval(b.heads, rows, d->labels, ROWS, found)));
    assert_true(found[0].loss == 0 && found[0].correct == 0);
    for (int32_t k = 1; k < HEADS; k++) {
        int32_t nodes[2];
        dogb_graph *graph = make_graph(&s, &heads[k], nodes);
        void *weights[2] = {read_tensor(&b, &s, k, 0, -1), read_tensor(&b, &s, k, 1, -1)};
        dogb_net *net = make_net(graph, weights);
        dogb_batch batch = {rows, ROWS, DOGB_DATA_F32};
        dogb_target target = {.labels = d->labels,
                              .class_weights = d->class_weights,
                              .count = ROWS,
                              .label_smoothing = heads[k].smoothing};
        dogb_loss loss;
        assert_ok(ref->forward(net, &batch, DOGB_MODE_EVAL, 0, 0));
        assert_ok(ref->loss(net, &target, &loss));
        assert_true(fabs(found[k].loss - loss.loss) < 1e-5 * (1 + loss.loss));
        assert_int_equal(found[k].correct, loss.correct);
        assert_int_equal(found[k].correct5, loss.correct5);
        ref->net_destroy(net);
        free(weights[0]);
        free(weights[1]);
        dogb_graph_destroy(graph);
    }
    free(rows);
    engine->heads_destroy(b.heads);
    free_data(d);
}

static void wrong_calls_fail(void **state) {
    (void)state;
    const shape s = {4, 0, 3, 8, 1};
    data *d = make_data(&s);
    bank b = make_bank(&s, d, 0, 2, 1);
    double rate = 0.1;
    double rates[ROWS] = {0};
    float weights[12];
    dogb_loss judged[2];
    dogb_heads_work work[2] = {{.head = 0, .batch = 8, .samples = 8, .rates = rates},
                               {.head = 0, .batch = 8, .samples = 8, .rates = rates}};
    int64_t order[8] = {0, 1, 2, 3, 4, 5, 6, ROWS};
    assert_fails(told(engine->heads_run(b.heads, &d->shared, work, 2)),
                 DOGBREED_ERROR_INVALID_ARGUMENT, "head 0 stands twice");
    work[0].order = order;
    assert_fails(told(engine->heads_run(b.heads, &d->shared, work, 1)),
                 DOGBREED_ERROR_INVALID_ARGUMENT, "row 70 of sample 7");
    work[0].batch = 0;
    assert_fails(told(engine->heads_run(b.heads, &d->shared, work, 1)),
                 DOGBREED_ERROR_INVALID_ARGUMENT, "batches of 0");
    work[0].head = 2;
    assert_fails(told(engine->heads_run(b.heads, &d->shared, work, 1)), DOGBREED_ERROR_NOT_FOUND,
                 "head 2");
    d->labels[3] = 3;
    work[1].head = 1;
    assert_fails(told(engine->heads_run(b.heads, &d->shared, work + 1, 1)),
                 DOGBREED_ERROR_INVALID_ARGUMENT, "label 3 of row 3");
    assert_fails(told(engine->heads_eval(b.heads, d->features, d->labels, ROWS, judged)),
                 DOGBREED_ERROR_INVALID_ARGUMENT, "label 3 of row 3");
    assert_fails(told(engine->heads_step(b.heads, d->features, d->labels, ROWS, &rate, 0, rates)),
                 DOGBREED_ERROR_INVALID_ARGUMENT, "label 3");
    d->shared.stride = 3;
    assert_fails(told(engine->heads_run(b.heads, &d->shared, work + 1, 1)),
                 DOGBREED_ERROR_INVALID_ARGUMENT, "rows of 3 features");
    assert_fails(told(engine->heads_read(b.heads, 0, 2, weights, sizeof weights)),
                 DOGBREED_ERROR_NOT_FOUND, "no parameter 2");
    assert_fails(told(engine->heads_read(b.heads, 0, 1, weights, sizeof weights)),
                 DOGBREED_ERROR_MISMATCH, "48 bytes given, it has 12");
    assert_fails(told(engine->heads_slot_read(b.heads, 0, 0, 0, weights, sizeof weights)),
                 DOGBREED_ERROR_NOT_FOUND, "no state 0");
    assert_fails(told(engine->heads_slot_read(b.heads, 0, 0, -1, weights, sizeof weights)),
                 DOGBREED_ERROR_NOT_FOUND, "no state -1");
    assert_fails(told(engine->heads_set_steps(b.heads, 0, -1)), DOGBREED_ERROR_INVALID_ARGUMENT,
                 "steps");
    assert_ok(told(engine->heads_end(b.heads, 1)));
    assert_fails(told(engine->heads_end(b.heads, 1)), DOGBREED_ERROR_STATE, "head 1 has left");
    assert_fails(told(engine->heads_read(b.heads, 1, 0, weights, sizeof weights)),
                 DOGBREED_ERROR_STATE, "head 1 has left");
    engine->heads_destroy(b.heads);
    engine->heads_destroy(NULL);
    free_data(d);
}

static void refuses_bank(const dogb_heads_conf *conf, int code, const char *text) {
    dogb_heads *out = NULL;
    assert_fails(told(engine->heads_create(&out, conf)), code, text);
    assert_null(out);
}

static void wrong_banks_are_refused(void **state) {
    (void)state;
    dogb_optim_conf optim = {.kind = DOGB_OPTIM_SGD};
    double zero = 0;
    double one = 1;
    double two = 2;
    double half = 0.5;
    uint64_t seed = 0;
    const dogb_heads_conf good = {.count = 1,
                                  .features = 2,
                                  .classes = 2,
                                  .threads = 1,
                                  .optim = &optim,
                                  .label_smoothing = &zero,
                                  .dropout = &zero,
                                  .seeds = &seed};
    dogb_heads_conf conf = good;
    conf.classes = 0;
    refuses_bank(&conf, DOGBREED_ERROR_INVALID_ARGUMENT, "0 classes");
    conf = good;
    conf.label_smoothing = &two;
    refuses_bank(&conf, DOGBREED_ERROR_INVALID_ARGUMENT, "label_smoothing: 2");
    conf = good;
    conf.dropout_features = &one;
    refuses_bank(&conf, DOGBREED_ERROR_INVALID_ARGUMENT, "dropout");
    conf = good;
    conf.dropout = &two;
    refuses_bank(&conf, DOGBREED_ERROR_INVALID_ARGUMENT, "dropout");
    conf = good;
    conf.dropout_features = &half; // of node 0
    refuses_bank(&conf, DOGBREED_ERROR_INVALID_ARGUMENT, "dropout nodes 0 and 0");
    conf = good;
    conf.device = "cuda:99";
    refuses_bank(&conf, DOGBREED_ERROR_DEVICE, "device cuda:99");
    optim.kind = 9;
    refuses_bank(&good, DOGBREED_ERROR_INVALID_ARGUMENT, "optimizer 9");
}

static void every_allocation_may_fail(void **state) {
    (void)state;
    if (strcmp(engine->name, "torch") == 0) {
        test_skip("engine %s has an allocator of its own", engine->name);
    }
    const shape s = {6, 5, 3, 8, 1};
    data *d = make_data(&s);
    double rates[HEADS] = {0};
    double losses[HEADS];
    dogb_loss judged[HEADS];
    int failed = 1;
    for (int count = 0; failed; count++) {
        dogb_heads *made = NULL;
        dogb_optim_conf optims[2] = {heads[1].optim, heads[5].optim};
        double shares[2] = {0.1, 0.2};
        uint64_t seeds[2] = {1, 2};
        dogb_heads_conf conf = {.count = 2,
                                .features = s.features,
                                .classes = s.classes,
                                .hidden = s.hidden,
                                .threads = 2,
                                .optim = optims,
                                .label_smoothing = shares,
                                .dropout = shares,
                                .seeds = seeds,
                                .class_weights = d->class_weights,
                                .dropout_features = shares,
                                .dropout_nodes = {1, 4}};
        memory_fail_after(count);
        int rc = engine->heads_create(&made, &conf);
        assert_true((rc == DOGBREED_OK) == (made != NULL));
        if (rc == DOGBREED_OK) {
            rc = engine->heads_step(made, d->features, d->labels, 9, rates, 0, losses);
        }
        if (rc == DOGBREED_OK) {
            rc = engine->heads_eval(made, d->features, d->labels, 9, judged);
        }
        failed = memory_restore();
        assert_int_equal(rc, failed ? DOGBREED_ERROR_NO_MEMORY : DOGBREED_OK);
        if (made != NULL) { // works again
            assert_ok(told(engine->heads_step(made, d->features, d->labels, 9, rates, 0, losses)));
        }
        engine->heads_destroy(made);
        assert_true(count < 1000);
    }
    free_data(d);
}

int main(int argc, char **argv) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_head_trains_like_a_net),
        cmocka_unit_test(every_tile_trains_like_a_net),
        cmocka_unit_test(a_head_has_the_same_bits_alone_and_in_a_bank),
        cmocka_unit_test(steps_and_moves_change_nothing),
        cmocka_unit_test(masks_are_those_of_the_nodes),
        cmocka_unit_test(keys_tell_data_apart),
        cmocka_unit_test(judging_equals_ref),
        cmocka_unit_test(wrong_calls_fail),
        cmocka_unit_test(wrong_banks_are_refused),
        cmocka_unit_test(every_allocation_may_fail),
    };
    device = argc > 2 ? argv[2] : "cpu";
    const char *name = argc > 1 ? argv[1] : "native";
    if (argc > 3) {
        const char *how = strcmp(name, "torch") == 0 ? "DOGBREED_TORCH_HEADS" : "DOGBREED_CPU";
        assert_int_equal(setenv(how, argv[3], 1), 0);
    }
    int rc = dogb_engine_open(&engine, name, DOGB_CAN_HEADS, device);
    if (rc < 0) {
        (void)printf("1..0 # SKIP %s\n", dogbreed_error_message());
        return rc == DOGBREED_ERROR_NOT_FOUND || rc == DOGBREED_ERROR_DEVICE ? 0 : 1;
    }
    if (argc > 3 && is_other_set(engine, argv[3])) {
        return 0;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
