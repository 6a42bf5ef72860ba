// test_native_bf16_layers.c - bf16 on the native engine, exactly: where weights and inputs are bf16
// already, a layer equals the reference engine in float32; rounding is to the nearest, the even one
// of two; instruction sets have the same bits.
#include "engine/native_net.h"

#include "engine/native/kernel_bf16.h"

enum { LAYERS = 400, CHAINS = 60 };

// Eight significant bits, by the definition of rounding.
static float nearest(double value) {
    int exponent = 0;
    double mantissa = frexp(value, &exponent);
    return (float)ldexp(rint(ldexp(mantissa, 8)), exponent - 8);
}

static void round_all(float *values, int64_t count) {
    for (int64_t i = 0; i < count; i++) {
        values[i] = nearest(values[i]);
    }
}

// --- elements

static float element_of(const dogb_kernel16 *kernel, const void *elements, int at) {
    uint32_t bits = 0;
    if (kernel->bytes == 4) {
        memcpy(&bits, (const char *)elements + 4 * at, 4);
    } else {
        uint16_t half = 0;
        memcpy(&half, (const char *)elements + 2 * at, 2);
        bits = (uint32_t)half << 16;
    }
    float value = 0;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static void test_rounding(void **state) {
    (void)state;
    static const struct {
        uint32_t from;
        uint32_t to;
    } cases[] = {{0x3f800000, 0x3f800000}, {0x3f808000, 0x3f800000}, // a tie: the even one
                 {0x3f818000, 0x3f820000}, {0x3f807fff, 0x3f800000}, {0x3f808001, 0x3f810000},
                 {0xbf808001, 0xbf810000}, {0x3fffffff, 0x40000000}, // carries into the exponent
                 {0x7f7fffff, 0x7f800000}, {0x7f7f7fff, 0x7f7f0000}, {0x7f800000, 0x7f800000},
                 {0xff800000, 0xff800000}, {0x80000000, 0x80000000}, {0x00800000, 0x00800000},
                 {0x00000000, 0x00000000}, {0x42c60001, 0x42c60000}};
    enum { CASES = sizeof cases / sizeof cases[0], NOT_NUMBERS = 4, ALL = CASES + NOT_NUMBERS };
    static const uint32_t not_numbers[NOT_NUMBERS] = {0x7fc00000, 0x7f800001, 0xffffffff,
                                                      0x7fffffff};
    float in[ALL];
    for (int i = 0; i < ALL; i++) {
        memcpy(&in[i], i < CASES ? &cases[i].from : &not_numbers[i - CASES], sizeof in[i]);
    }
    for (int set = 0; set < instruction_set_count; set++) {
        assert_int_equal(setenv("DOGBREED_CPU", instruction_sets[set], 1), 0);
        const dogb_kernel16 *kernel = dogb_kernel16_choose();
        float out[ALL] = {0};
        const dogb_rows rows = {.in = in, .out = out, .pixels = 1, .channels = ALL};
        kernel->elements(&rows);
        for (int i = 0; i < ALL; i++) {
            float found = element_of(kernel, out, i);
            float expected = 0;
            memcpy(&expected, &cases[i < CASES ? i : 0].to, sizeof expected);
            assert_true(i < CASES ? memcmp(&found, &expected, 4) == 0 : found != found);
        }
    }
}

static void test_rounding_of_any_number(void **state) {
    (void)state;
    enum { COUNT = 10007 };
    static float in[COUNT];
    static float out[COUNT];
    dogb_rng rng;
    dogb_rng_init(&rng, 1, DOGB_RNG_SYNTH, 0, 0);
    for (int i = 0; i < COUNT; i++) {
        in[i] = (float)ldexp(dogb_rng_normal(&rng), pick(&rng, -100, 100));
    }
    for (int set = 0; set < instruction_set_count; set++) {
        assert_int_equal(setenv("DOGBREED_CPU", instruction_sets[set], 1), 0);
        const dogb_kernel16 *kernel = dogb_kernel16_choose();
        const dogb_rows rows = {.in = in, .out = out, .pixels = 1, .channels = COUNT};
        kernel->elements(&rows);
        for (int i = 0; i < COUNT; i++) {
            assert_true(element_of(kernel, out, i) == nearest(in[i]));
        }
    }
}

// --- layers

static void compare_layer(const char *what, dogb_graph *graph, uint64_t seed) {
    assert_ok(dogb_graph_finish(graph, graph->node_count - 1));
    void **weights = nets_weights(graph, seed);
    const int64_t *shape = graph->nodes[0].shape;
    float *input = nets_input(graph, NET_BATCH, seed);
    for (int32_t i = 0; i < graph->param_count; i++) {
        if (graph->params[i].role == DOGB_ROLE_WEIGHT) {
            round_all(weights[i], graph->params[i].count);
        }
    }
    round_all(input, NET_BATCH * shape[0] * shape[1] * shape[2]);
    dogb_batch batch = {input, NET_BATCH, DOGB_DATA_F32};
    compare_batch(what, graph, weights, &batch, 2e-5); // float32's sums in another order
    free(input);
    nets_free(graph, weights);
    dogb_graph_destroy(graph);
}

static void test_layers_of_rounded_values(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed <= LAYERS; seed++) {
        char name[32];
        draw d = {0};
        dogb_rng_init(&d.rng, seed, DOGB_RNG_SYNTH, 4, 0);
        assert_ok(dogb_graph_create(&d.graph, "layer"));
        if (pick(&d.rng, 0, 4) == 0) {
            int32_t from = dogb_graph_input_vector(d.graph, pick_channels(&d.rng));
            (void)dogb_graph_linear(d.graph, from, "linear", pick_channels(&d.rng), DOGB_INIT_ONE,
                                    0, DOGB_INIT_ONE);
        } else {
            int32_t channels = pick(&d.rng, 0, 1) ? 3 : pick_channels(&d.rng);
            int32_t from =
                dogb_graph_input(d.graph, channels, pick(&d.rng, 1, 20), pick(&d.rng, 1, 20));
            // The picture itself, or what a layer of floats has made.
            from = pick(&d.rng, 0, 1) ? from : dogb_graph_relu(d.graph, from, draw_name(&d));
            draw_conv(&d, from);
            (void)dogb_graph_relu6(d.graph, d.graph->node_count - 1, draw_name(&d));
        }
        (void)snprintf(name, sizeof name, "layer %d", (int)seed);
        compare_layer(name, d.graph, seed);
    }
}

// --- instruction sets

// Convolutions, additions, pools and concatenations: sums whose order is one for all sets.
static dogb_graph *draw_chain(uint64_t seed) {
    draw d = {0};
    dogb_rng_init(&d.rng, seed, DOGB_RNG_SYNTH, 5, 0);
    assert_ok(dogb_graph_create(&d.graph, "chain"));
    int32_t at = dogb_graph_input(d.graph, pick(&d.rng, 0, 1) ? 3 : pick_channels(&d.rng), 19, 14);
    for (int32_t i = pick(&d.rng, 1, 4); i > 0; i--) {
        dogb_conv conv = {.out = pick_channels(&d.rng),
                          .kernel = 2 * pick(&d.rng, 0, 1) + 1,
                          .stride = pick(&d.rng, 1, 2),
                          .bias = 1};
        conv.padding = conv.kernel / 2;
        at = draw_small_conv(&d, at, conv, 0);
        int32_t before = at;
        conv.stride = 1;
        at = draw_small_conv(&d, at, conv, 0);
        switch (pick(&d.rng, 0, 3)) {
        case 0:
            at = dogb_graph_add(d.graph, before, at, draw_name(&d));
            break;
        case 1:
            at = dogb_graph_cat(d.graph, (int32_t[]){before, at}, 2, draw_name(&d));
            break;
        case 2:
            at = dogb_graph_max_pool(d.graph, at, draw_name(&d), 1, 2, 0, 0);
            break;
        default:
            break;
        }
    }
    at = dogb_graph_adaptive_avg_pool(d.graph, at, draw_name(&d), 1, 1);
    at = dogb_graph_flatten(d.graph, at, draw_name(&d));
    at = dogb_graph_linear(d.graph, at, draw_name(&d), 33, DOGB_INIT_ONE, 0, DOGB_INIT_ONE);
    at = dogb_graph_linear(d.graph, at, draw_name(&d), 9, DOGB_INIT_ONE, 0, DOGB_INIT_ONE);
    assert_ok(dogb_graph_finish(d.graph, at));
    return d.graph;
}

static void test_sets_have_the_same_bits(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed <= CHAINS; seed++) {
        dogb_graph *graph = draw_chain(seed);
        void **weights = nets_weights(graph, seed);
        float *input = nets_input(graph, NET_BATCH, seed);
        dogb_batch batch = {input, NET_BATCH, DOGB_DATA_F32};
        float first[NET_BATCH * 9];
        dogb_net *plain = native_net(graph, weights, "c", 1);
        assert_ok(dogb_engine_native()->infer(plain, &batch, first));
        dogb_engine_native()->net_destroy(plain);
        for (int set = 0; set < instruction_set_count; set++) {
            float out[NET_BATCH * 9];
            dogb_net *net = native_net(graph, weights, instruction_sets[set], 2);
            assert_ok(dogb_engine_native()->infer(net, &batch, out));
            dogb_engine_native()->net_destroy(net);
            assert_memory_equal(out, first, sizeof out);
        }
        free(input);
        nets_free(graph, weights);
        dogb_graph_destroy(graph);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rounding),
        cmocka_unit_test(test_rounding_of_any_number),
        cmocka_unit_test(test_layers_of_rounded_values),
        cmocka_unit_test(test_sets_have_the_same_bits),
    };
    net_dtype = DOGB_DTYPE_BF16;
    return cmocka_run_group_tests(tests, native_sets, NULL);
}
