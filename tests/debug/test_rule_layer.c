// Rules about activations and the first steps: units, layers, networks that are new and those that
// are pretrained.
#include "rule_test.h"

#include "core/rng.h"

enum {
    TRAIN = DOGB_RULE_TRAIN,
    GRADIENT = DOGBREED_TENSOR_GRADIENT,
    ACTIVATION = DOGBREED_TENSOR_ACTIVATION,
    SAMPLES = 100,
    UNITS = 4
};

static dogb_rule_tensor relu_of(int64_t samples, int64_t units) {
    dogb_rule_tensor t = matrix_of(ACTIVATION, "features.1_output_0", samples, units);
    t.op = DOGB_RULE_OP_RELU;
    return t;
}

// Unit i is active in the first `active[i]` samples.
static void fill_units(float values[SAMPLES * UNITS], const int active[UNITS]) {
    for (int s = 0; s < SAMPLES; s++) {
        for (int u = 0; u < UNITS; u++) {
            values[s * UNITS + u] = s < active[u] ? 0.5f : 0;
        }
    }
}

static void layers_with_many_dead_units_are_hits(void **state) {
    (void)state;
    static const struct {
        const char *text;
        int active[UNITS];
        int hits;
    } rows[] = {
        {"DeadRelu", {0, 0, 0, 0}, 1},
        {"DeadRelu", {0, 0, 0, 1}, 1},    // 75 % dead
        {"DeadRelu", {0, 0, 1, 1}, 0},    // 50 % is not above 50 %
        {"DeadRelu", {100, 1, 0, 50}, 0}, // active in 1 % of the samples is not dead
        {"DeadRelu:threshold_inactivity=2", {1, 1, 1, 2}, 1},
        {"DeadRelu:threshold_layer=20", {100, 100, 100, 0}, 1},
        {"DeadRelu:threshold_layer=25", {100, 100, 100, 0}, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        float values[SAMPLES * UNITS];
        feed f;
        feed_open(&f, rows[i].text);
        fill_units(values, rows[i].active);
        step_with(&f, TRAIN, 0, relu_of(SAMPLES, UNITS), values);
        assert_int_equal(f.found, rows[i].hits);
        assert_int_equal(result_of(&f, 0).points, 1);
        feed_close(&f);
    }
}

// A dense layer in front of a ReLU, as the published test has one: zeros, and Xavier's numbers.
static void layers_of_zeros_are_dead(void **state) {
    (void)state;
    enum { INPUTS = 20, OUTPUTS = 30, BATCH = 16 };
    dogb_rng rng;
    dogb_rng_init(&rng, 5, DOGB_RNG_SYNTH, 0, 0);
    for (int xavier = 0; xavier < 2; xavier++) {
        feed f;
        feed_open(&f, "DeadRelu");
        double bound = sqrt(6.0 / (INPUTS + OUTPUTS));
        float weights[INPUTS * OUTPUTS];
        for (int i = 0; i < INPUTS * OUTPUTS; i++) {
            weights[i] = (float)(xavier * bound * (2 * dogb_rng_uniform(&rng) - 1));
        }
        for (int step = 0; step < 5; step++) {
            float values[BATCH * OUTPUTS];
            for (int s = 0; s < BATCH; s++) {
                float x[INPUTS];
                for (int i = 0; i < INPUTS; i++) {
                    x[i] = (float)dogb_rng_normal(&rng);
                }
                for (int o = 0; o < OUTPUTS; o++) {
                    float sum = 0;
                    for (int i = 0; i < INPUTS; i++) {
                        sum += x[i] * weights[o * INPUTS + i];
                    }
                    values[s * OUTPUTS + o] = sum > 0 ? sum : 0;
                }
            }
            step_with(&f, TRAIN, step, relu_of(BATCH, OUTPUTS), values);
        }
        assert_int_equal(f.first_step, xavier ? -1 : 0);
        feed_close(&f);
    }
}

static void a_channel_is_one_unit(void **state) {
    (void)state;
    float values[2 * 3 * 2 * 2] = {0}; // N, C, H, W
    dogb_rule_tensor t = relu_of(2, 3);
    t.rank = 4;
    t.shape[2] = 2;
    t.shape[3] = 2;
    values[1 * 12 + 0 * 4 + 3] = 1; // one place of channel 0 in one sample
    feed f;
    feed_open(&f, "DeadRelu");
    step_with(&f, TRAIN, 0, t, values);
    assert_int_equal(f.found, 1); // 2 of 3
    assert_non_null(strstr(f.first_text, "2 of 3 units are dead"));
    values[0 * 12 + 2 * 4 + 0] = 1;
    step_with(&f, TRAIN, 1, t, values);
    assert_int_equal(f.found, 1);
    feed_close(&f);
}

static void outputs_of_relus_are_found(void **state) {
    (void)state;
    const float zeros[4] = {0};
    static const struct {
        const char *name;
        int32_t op;
        int32_t is_input;
        int hits;
    } rows[] = {
        {"features.2_output_0", DOGB_RULE_OP_RELU, 0, 1},
        {"features.2_input_0", DOGB_RULE_OP_RELU, 1, 0},
        {"features.2_output_0", DOGB_RULE_OP_OTHER, 0, 0},
        {"hybridsequential0_relu_output_0", DOGB_RULE_OP_OTHER, 0, 1}, // the original's name
        {"ReLU_output_0", DOGB_RULE_OP_OTHER, 0, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        feed f;
        feed_open(&f, "DeadRelu");
        dogb_rule_tensor t = relu_of(2, 2);
        t.name = rows[i].name;
        t.op = rows[i].op;
        t.is_input = rows[i].is_input;
        step_with(&f, TRAIN, 0, t, zeros);
        assert_int_equal(f.found, rows[i].hits);
        feed_close(&f);
    }
}

static void units_saturate_at_the_ends(void **state) {
    (void)state;
    static const struct {
        const char *name;
        int32_t op;
        float value;
        int hits;
    } rows[] = {
        {"a_input_0", DOGB_RULE_OP_TANH, 9.6f, 1},
        {"a_input_0", DOGB_RULE_OP_TANH, -9.6f, 1},
        {"a_input_0", DOGB_RULE_OP_TANH, 9.4f, 0},
        {"a_input_0", DOGB_RULE_OP_SIGMOID, 9.6f, 0},
        {"a_input_0", DOGB_RULE_OP_SIGMOID, 17.0f, 1},
        {"a_input_0", DOGB_RULE_OP_SIGMOID, -22, 0},
        {"a_input_0", DOGB_RULE_OP_SIGMOID, -24, 1},
        {"m_tanh_input_0", DOGB_RULE_OP_OTHER, 10, 1},
        {"m_sigmoid_input_0", DOGB_RULE_OP_OTHER, 10, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        float values[12];
        feed f;
        feed_open(&f, "SaturatedActivation");
        dogb_rule_tensor t = matrix_of(ACTIVATION, rows[i].name, 4, 3);
        t.op = rows[i].op;
        t.is_input = 1;
        for (int k = 0; k < 12; k++) {
            values[k] = rows[i].value;
        }
        step_with(&f, TRAIN, 0, t, values);
        assert_int_equal(f.found, rows[i].hits);
        assert_int_equal(result_of(&f, 0).points, 1);
        feed_close(&f);
    }
}

// --- PoorWeightInitialization

typedef struct network {
    float variance[2]; // of what goes into two ReLUs
    float gradient;    // values are up to it
    double loss;       // falls by a tenth each step; 0: stands still
    int32_t fresh;
    int32_t trainable;
    int32_t layers;
} network;

static const network healthy = {{1, 2}, 0.1f, 0.1, 1, 1, 2};

static void show_network(feed *f, int64_t step, const network *n) {
    float values[200];
    const dogb_rule_moment m = at(TRAIN, step);
    static const char *const inputs[] = {"features.1_input_0", "features.3_input_0"};
    static const char *const gradients[] = {"gradient/features.0.weight",
                                            "gradient/classifier.1.weight"};
    for (int i = 0; i < n->layers; i++) {
        dogb_rule_tensor input = matrix_of(ACTIVATION, inputs[i], 10, 20);
        dogb_rule_tensor gradient = matrix_of(GRADIENT, gradients[i], 10, 20);
        input.op = DOGB_RULE_OP_RELU;
        input.is_input = 1;
        input.fresh = n->fresh;
        gradient.fresh = n->fresh;
        input.trainable = n->trainable;
        gradient.trainable = n->trainable;
        for (int k = 0; k < 200; k++) { // variance 1, then scaled
            values[k] = (k % 2 == 0 ? 1.0f : -1.0f) * sqrtf(n->variance[i]);
        }
        (void)see(f, &m, input, values);
        for (int k = 0; k < 200; k++) {
            values[k] = n->gradient * (float)k / 200;
        }
        (void)see(f, &m, gradient, values);
    }
    step_with_loss(f, TRAIN, step, 2 - n->loss * (double)step);
}

static void bad_starts_are_seen(void **state) {
    (void)state;
    network far_apart = healthy;
    network narrow = healthy;
    network still = healthy;
    far_apart.variance[1] = 11;
    narrow.gradient = 1e-3f;
    still.loss = 0;
    const struct {
        const network *network;
        int64_t first_step;
        const char *text;
        int hits;
    } rows[] = {
        {&healthy, -1, "", 0},
        {&far_apart, 0, "variances of activation inputs reach from 1 to 11", 10},
        {&narrow, 0, "gradient/features.0.weight: 5th and 95th percentile are 0.0008955 apart", 10},
        {&still, 5, "the loss has not decreased for 5 saved steps", 5},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        feed f;
        feed_open(&f, "PoorWeightInitialization");
        for (int step = 0; step < 20; step++) { // the first 10 are looked at
            show_network(&f, step, rows[i].network);
        }
        assert_int_equal(f.found, rows[i].hits);
        assert_int_equal(f.first_step, rows[i].first_step);
        assert_non_null(strstr(f.first_text, rows[i].text));
        assert_int_equal(result_of(&f, 0).points, 30);
        feed_close(&f);
    }
}

static void pretrained_networks_are_not_judged(void **state) {
    (void)state;
    network pretrained = healthy;
    pretrained.fresh = 0;
    pretrained.trainable = 0;
    pretrained.variance[1] = 1000;
    feed f;
    feed_open(&f, "PoorWeightInitialization");
    for (int step = 0; step < 5; step++) {
        show_network(&f, step, &pretrained);
    }
    assert_status(&f, DOGBREED_RULE_NOT_EVALUATED, "pretrained");
    feed_close(&f);
    feed_open(&f, "PoorWeightInitialization:parity=on"); // as the original
    show_network(&f, 0, &pretrained);
    assert_int_equal(f.found, 1);
    feed_close(&f);
    network frozen = healthy;
    frozen.trainable = 0;
    feed_open(&f, "PoorWeightInitialization");
    show_network(&f, 0, &frozen);
    assert_status(&f, DOGBREED_RULE_NOT_EVALUATED, "frozen");
    feed_close(&f);
}

// A frozen network with one new layer behind it.
static void a_new_head_is_too_little(void **state) {
    (void)state;
    network backbone = healthy;
    network head = healthy;
    backbone.fresh = 0;
    backbone.trainable = 0;
    head.layers = 1;
    head.gradient = 0;
    feed f;
    feed_open(&f, "PoorWeightInitialization");
    for (int step = 0; step < 10; step++) {
        float values[200] = {0};
        const dogb_rule_moment m = at(TRAIN, step);
        dogb_rule_tensor gradient = matrix_of(GRADIENT, "gradient/fc.weight", 10, 20);
        (void)see(&f, &m, gradient, values);
        show_network(&f, step, &backbone);
    }
    assert_status(&f, DOGBREED_RULE_NOT_EVALUATED, "pretrained");
    feed_close(&f);
    feed_open(&f, "PoorWeightInitialization"); // the head alone, on cached features
    show_network(&f, 0, &head);
    assert_status(&f, DOGBREED_RULE_NOT_EVALUATED, "too_few_points");
    feed_close(&f);
    // The same when it is known from the start: no percentile is looked for.
    assert_ok(
        feed_create(&f, (dogb_rules_conf){.text = "PoorWeightInitialization", .new_layers = 1}));
    show_network(&f, 0, &head);
    assert_status(&f, DOGBREED_RULE_NOT_EVALUATED, "too_few_points");
    feed_close(&f);
    assert_ok(feed_create(&f, (dogb_rules_conf){.text = "PoorWeightInitialization:parity=on",
                                                .parity = 1,
                                                .new_layers = 1}));
    show_network(&f, 0, &head); // the original judges it
    assert_int_equal(f.found, 1);
    feed_close(&f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(layers_with_many_dead_units_are_hits),
        cmocka_unit_test(layers_of_zeros_are_dead),
        cmocka_unit_test(a_channel_is_one_unit),
        cmocka_unit_test(outputs_of_relus_are_found),
        cmocka_unit_test(units_saturate_at_the_ends),
        cmocka_unit_test(bad_starts_are_seen),
        cmocka_unit_test(pretrained_networks_are_not_judged),
        cmocka_unit_test(a_new_head_is_too_little),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
