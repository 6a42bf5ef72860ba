// bf16.c - activations in bf16 stay near float32, in inference and in a training step; an engine or
// a machine without bf16 refuses it in words. Which of the two is checked is what the engine says
// of itself; the log of the test tells.
#include "conformance/conformance.h"

#include <math.h>

// bf16 has 8 significant bits: rounding moves a value by at most 2^-9 of itself.
static const double rounding = 1.0 / 512.0;

static const struct {
    const char *name;
    const char *head;
    int32_t side;
} networks[] = {{"tiny", "linear", 32}, {"tiny", "mlp:7:0.4", 24}, {"resnet18", "linear", 64}};
enum { NETWORKS = sizeof networks / sizeof networks[0] };

// Every layer with weights rounds its weights and its output once. The roundings know nothing of
// each other, and an error passes the following layers with about the scale of the values
// themselves: so the errors grow with the root of their number.
static double tolerance_of(const dogb_graph *graph) {
    int layers = 1; // the input is rounded too
    for (int32_t i = 1; i < graph->node_count; i++) {
        int32_t op = graph->nodes[i].op;
        layers += op == DOGB_OP_CONV2D || op == DOGB_OP_LINEAR || op == DOGB_OP_BATCH_NORM;
    }
    return 2.0 * rounding * sqrt(layers);
}

static int offers_bf16(void) {
    return (tested->capabilities() & DOGB_CAN_BF16) != 0;
}

static int trains_bf16(void) {
    return (tested->capabilities() & DOGB_CAN_TRAIN_BF16) != 0;
}

// The CPU's answer belongs to the device; the engine's bit says that some device has it.
static int device_has_bf16(void) {
    dogb_device device;
    for (int32_t i = 0; i < tested->device_count(); i++) {
        assert_ok(tested->device_info(&device, i));
        if (strcmp(device.id, tested_device) == 0) {
            return device.bf16;
        }
    }
    fail_msg("device %s is not listed", tested_device);
    return 0;
}

// Through the checks above the engine, and asking the engine itself.
static void assert_refused(int32_t mode) {
    dogb_net *net = NULL;
    dogb_net_conf conf = {.device = "cpu", .mode = mode, .threads = 1};
    pair p = pair_open("tiny", "linear", 24, &conf);
    const void *const *weights = (const void *const *)p.weights;
    conf.device = tested_device;
    conf.dtype = DOGB_DTYPE_BF16;
    int offered = mode == DOGB_NET_TRAIN ? trains_bf16() : offers_bf16();
    assert_fails(dogb_engine_net(&net, tested, p.graph, weights, &conf), DOGBREED_ERROR_UNSUPPORTED,
                 offered                  ? "use f32"
                 : mode == DOGB_NET_TRAIN ? "does not offer training in bf16 on this machine"
                                          : "does not offer bf16 on this machine");
    assert_null(net);
    assert_int_equal(tested->net_create(&net, p.graph, weights, &conf), DOGBREED_ERROR_UNSUPPORTED);
    assert_null(net);
    assert_non_null(strstr(tested->error(), "f32"));
    pair_close(&p);
}

void test_bf16_is_offered_or_refused(void **state) {
    (void)state;
    const dogb_engine *engine = NULL;
    print_message("# bf16 is %s by %s on %s, training in it %s\n",
                  device_has_bf16() ? "offered" : "refused", tested->name, tested_device,
                  trains_bf16() ? "offered" : "refused");
    const int trains = (tested->capabilities() & (DOGB_CAN_TRAIN | DOGB_CAN_TRAIN_HEAD)) != 0;
    if (trains && (!device_has_bf16() || !trains_bf16())) {
        assert_refused(DOGB_NET_TRAIN);
    }
    if (device_has_bf16()) {
        assert_true(offers_bf16());
        return;
    }
    assert_refused(DOGB_NET_INFER);
    if (!offers_bf16()) {
        assert_fails(dogb_engine_open(&engine, tested->name, DOGB_CAN_BF16, tested_device),
                     DOGBREED_ERROR_UNSUPPORTED, "bf16 on this machine");
        assert_null(engine);
    }
}

// The largest difference as assert_near counts: as a share of 1 + the largest expected value.
static double difference_of(const float *found, const float *expected, size_t count) {
    double worst = 0;
    double largest = 0;
    for (size_t i = 0; i < count; i++) {
        worst = fmax(worst, fabs((double)found[i] - (double)expected[i]));
        largest = fmax(largest, fabs((double)expected[i]));
    }
    return worst / (1.0 + largest);
}

void test_bf16_infers_near_f32(void **state) {
    (void)state;
    if (!device_has_bf16()) {
        test_skip("%s has no bf16 on %s", tested->name, tested_device);
    }
    for (size_t i = 0; i < NETWORKS; i++) {
        if (!test_has_network(networks[i].name)) {
            continue;
        }
        dogb_net_conf conf = {.device = "cpu", .threads = 1, .dtype = DOGB_DTYPE_BF16};
        pair p = pair_open(networks[i].name, networks[i].head, networks[i].side, &conf);
        dogb_batch batch = {p.input, PAIR_BATCH, DOGB_DATA_F32};
        float outputs[2][PAIR_BATCH * PAIR_CLASSES];
        for (int k = 0; k < 2; k++) {
            assert_ok(p.engines[k]->infer(p.nets[k], &batch, outputs[k]));
        }
        size_t count = PAIR_BATCH * PAIR_CLASSES;
        double difference = difference_of(outputs[0], outputs[1], count);
        print_message("# %s: bf16 differs by %.2g, %.2g is allowed\n", networks[i].name, difference,
                      tolerance_of(p.graph));
        assert_near(networks[i].name, outputs[0], outputs[1], count, tolerance_of(p.graph));
        assert_true(difference > 1e-5); // it was bf16 indeed: float32 agrees to 1e-6
        pair_close(&p);
    }
}

void test_bf16_trains_near_f32(void **state) {
    (void)state;
    if (!device_has_bf16() || !trains_bf16()) {
        test_skip("%s does not train in bf16 on %s", tested->name, tested_device);
    }
    for (size_t i = 0; i < NETWORKS; i++) {
        dogb_optim_conf sgd = {.kind = DOGB_OPTIM_SGD, .momentum = 0.9};
        dogb_net_conf conf = pair_frozen;
        conf.dtype = DOGB_DTYPE_BF16;
        pair p = pair_open(networks[i].name, networks[i].head, networks[i].side, &conf);
        double tolerance = tolerance_of(p.graph);
        int32_t weight = p.graph->param_count - 1; // the last bias
        float *before = read_param(&p, 0, weight);
        pair_optim(&p, &sgd);
        dogb_loss found = pair_step(&p, 0, 3);
        dogb_loss expected = pair_step(&p, 1, 3);
        print_message("# %s: loss %.6f in bf16, %.6f in f32\n", networks[i].name, found.loss,
                      expected.loss);
        assert_true(isfinite(found.loss));
        // The loss is a mean of differences of logits: at most twice their error.
        assert_true(fabs(found.loss - expected.loss) <= 2.0 * tolerance * (1.0 + expected.loss));
        assert_true(found.loss != expected.loss);
        assert_outputs_near(&p, tolerance);
        for (int k = 0; k < 2; k++) {
            assert_ok(p.engines[k]->optim_step(p.optims[k], 0.01));
        }
        // Weights stay float32: a step far below bf16's resolution arrives, and near ref's.
        float *after = read_param(&p, 0, weight);
        assert_true(difference_of(before, after, (size_t)p.graph->params[weight].count) > 0);
        assert_params_near(&p, tolerance);
        free(before);
        free(after);
        pair_close(&p);
    }
}
