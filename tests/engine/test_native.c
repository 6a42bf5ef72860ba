// test_native.c - the native engine's values against the reference engine, on each instruction set
// that this machine has: layers of all sizes, blocks, pooling, joins, and networks at random. The
// argument bf16 checks that number format.
#include "engine/native_net.h"

enum { NETWORKS = 500 };

static const int32_t channel_counts[] = {1, 2, 3, 7, 8, 15, 16, 17, 31, 33, 48, 100, 130};
enum { CHANNEL_COUNTS = sizeof channel_counts / sizeof channel_counts[0] };

static dogb_graph *start(int32_t channels, int32_t height, int32_t width) {
    dogb_graph *graph = NULL;
    assert_ok(dogb_graph_create(&graph, "test"));
    assert_int_equal(dogb_graph_input(graph, channels, height, width), 0);
    return graph;
}

static void test_networks_at_random(void **state) {
    (void)state;
    for (uint64_t seed = 0; seed < NETWORKS; seed++) {
        char name[32];
        (void)snprintf(name, sizeof name, "seed %d", (int)seed);
        check_in_turn(name, draw_net(seed), seed);
    }
}

static void test_every_tile(void **state) {
    (void)state;
    for (int32_t channels = 8; channels <= TILE_CHANNELS; channels += 8) {
        for (int32_t points = 1; points < TILE_POINTS; points++) {
            char name[48];
            (void)snprintf(name, sizeof name, "%d points, %d channels", points, channels);
            check_net(name, tile_graph(points, channels), 3);
        }
    }
}

// One convolution, as the first layer (`inner` 0) or behind another.
static void check_conv(dogb_conv conv, int32_t in, int32_t height, int32_t width, int inner) {
    char name[96];
    dogb_graph *graph = start(in, height, width);
    int32_t from = inner ? dogb_graph_relu(graph, 0, "before") : 0;
    int32_t to = dogb_graph_conv(graph, from, "conv", &conv);
    if (conv.bias) {
        int32_t other = dogb_graph_conv(graph, from, "other", &conv);
        to = dogb_graph_add(graph, to, other, "add");
        (void)dogb_graph_relu(graph, to, "after");
    }
    (void)snprintf(name, sizeof name, "%d-%d k%d s%d p%d d%d g%d, %dx%d, inner %d", in, conv.out,
                   conv.kernel, conv.stride, conv.padding, conv.dilation, conv.groups, height,
                   width, inner);
    check_in_turn(name, graph, 5);
}

static void test_convolutions(void **state) {
    (void)state;
    dogb_rng rng;
    dogb_rng_init(&rng, 1, DOGB_RNG_SYNTH, 1, 0);
    for (int32_t kernel = 1; kernel <= 7; kernel++) {
        for (int32_t stride = 1; stride <= 3; stride++) {
            for (int32_t i = 0; i < CHANNEL_COUNTS; i++) {
                int32_t in = channel_counts[i];
                int32_t dilation = kernel < 4 ? pick(&rng, 1, 2) : 1;
                int32_t span = dilation * (kernel - 1) + 1;
                int32_t padding = pick(&rng, 0, span / 2);
                int32_t least = span - 2 * padding > 1 ? span - 2 * padding : 1;
                int32_t most = kernel * kernel * in > 1000 ? least + 3 : 20;
                dogb_conv conv = {.out = channel_counts[(i * 5 + kernel + stride) % CHANNEL_COUNTS],
                                  .kernel = kernel,
                                  .stride = stride,
                                  .padding = padding,
                                  .dilation = dilation,
                                  .groups = 1,
                                  .bias = pick(&rng, 0, 1)};
                check_conv(conv, in, pick(&rng, least, most), pick(&rng, least, most), i % 2);
            }
        }
    }
}

static void test_groups(void **state) {
    (void)state;
    static const int32_t cases[][3] = {// groups, in and out of each
                                       {2, 3, 5}, {3, 1, 1},  {4, 8, 16}, {7, 1, 2},
                                       {5, 4, 3}, {2, 33, 7}, {3, 16, 8}, {33, 1, 1}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        for (int32_t kernel = 1; kernel <= 5; kernel += 2) {
            dogb_conv conv = {.out = cases[i][0] * cases[i][2],
                              .kernel = kernel,
                              .stride = 1 + (int32_t)i % 2,
                              .padding = kernel / 2,
                              .dilation = 1,
                              .groups = cases[i][0],
                              .bias = (int32_t)i % 3 == 0};
            check_conv(conv, cases[i][0] * cases[i][1], 9, 6, (int)i % 2);
        }
    }
}

// --- inverted residuals

typedef struct shape {
    int32_t expansion; // channels; 0: none
    int32_t channels;
    int32_t out;
    int32_t kernel;
    int32_t stride;
} shape;

static int32_t add_block(dogb_graph *graph, int32_t from, int32_t number, const shape *s) {
    char names[6][16];
    for (int i = 0; i < 6; i++) {
        (void)snprintf(names[i], sizeof names[i], "b%d.%d", number, i);
    }
    int32_t start = from;
    int32_t wide = s->expansion > 0 ? s->expansion : s->channels;
    dogb_conv expand = {.out = wide, .kernel = 1, .bias = 1};
    dogb_conv depth = {.out = wide,
                       .kernel = s->kernel,
                       .stride = s->stride,
                       .padding = s->kernel / 2,
                       .groups = wide,
                       .bias = 1};
    dogb_conv project = {.out = s->out, .kernel = 1, .bias = 1};
    if (s->expansion > 0) {
        from = dogb_graph_conv(graph, from, names[0], &expand);
        from = dogb_graph_relu6(graph, from, names[1]);
    }
    from = dogb_graph_conv(graph, from, names[2], &depth);
    from = dogb_graph_relu6(graph, from, names[3]);
    from = dogb_graph_conv(graph, from, names[4], &project);
    return s->out == s->channels && s->stride == 1 ? dogb_graph_add(graph, start, from, names[5])
                                                   : from;
}

static void test_inverted_residuals(void **state) {
    (void)state;
    static const shape shapes[] = {{48, 8, 8, 3, 1},   {48, 8, 8, 5, 1},  {48, 8, 16, 3, 2},
                                   {17, 3, 3, 3, 1},   {17, 3, 7, 5, 2},  {0, 33, 33, 3, 1},
                                   {0, 16, 8, 3, 2},   {0, 15, 15, 5, 1}, {100, 2, 2, 3, 1},
                                   {130, 31, 1, 3, 2}, {2, 2, 2, 3, 1},   {3, 130, 130, 3, 1},
                                   {600, 16, 16, 3, 1}};
    static const int32_t sides[][2] = {{1, 1}, {2, 3}, {7, 7}, {13, 20}, {20, 5}};
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
        for (size_t side = 0; side < 5; side++) {
            char name[64];
            dogb_graph *graph = start(shapes[i].channels, sides[side][0], sides[side][1]);
            int32_t from = side % 2 ? dogb_graph_relu(graph, 0, "before") : 0;
            (void)add_block(graph, from, 0, &shapes[i]);
            (void)snprintf(name, sizeof name, "block %zu, sides %zu", i, side);
            check_in_turn(name, graph, 6);
        }
    }
}

// A depthwise convolution right behind a projection: no expansion may be seen in the projection.
static void test_chains_of_blocks(void **state) {
    (void)state;
    const shape first = {0, 8, 16, 3, 1};
    const shape second = {0, 16, 33, 3, 2};
    const shape third = {0, 33, 33, 5, 1};
    dogb_graph *graph = start(8, 12, 9);
    int32_t at = add_block(graph, 0, 0, &first);
    at = add_block(graph, at, 1, &second);
    at = add_block(graph, at, 2, &third);
    (void)add_block(graph, at, 3, &third);
    check_in_turn("chain", graph, 7);
}

// --- pooling

static void test_pooling(void **state) {
    (void)state;
    static const int32_t sides[][2] = {{1, 1}, {3, 3}, {5, 8}, {11, 6}, {20, 19}};
    for (int32_t i = 0; i < 5 * 4 * 3 * 2 * 2; i++) {
        int32_t kernel = i / 12 % 4 + 1;
        int32_t stride = i / 4 % 3 + 1;
        int32_t height = sides[i / 48][0];
        int32_t width = sides[i / 48][1];
        int32_t padding = i % 3 == 0 ? 0 : kernel / 2;
        int32_t over = i & 1 ? stride - 1 : 0; // ceil_mode: windows reach over the edge
        if (kernel > height + 2 * padding + over || kernel > width + 2 * padding + over) {
            continue;
        }
        for (int kind = 0; kind < 2; kind++) {
            char name[64];
            dogb_graph *graph = start(channel_counts[i % CHANNEL_COUNTS], height, width);
            if (kind == 0) {
                (void)dogb_graph_max_pool(graph, 0, "pool", kernel, stride, padding, i & 1);
            } else {
                (void)dogb_graph_avg_pool(graph, 0, "pool", kernel, stride, padding, i & 1,
                                          i >> 1 & 1);
            }
            (void)snprintf(name, sizeof name, "pool %d, kind %d", (int)i, kind);
            check_in_turn(name, graph, 8);
        }
    }
    for (int32_t out = 1; out <= 7; out++) {
        dogb_graph *graph = start(channel_counts[out + 5], 1 + out * 5 % 8, 13);
        (void)dogb_graph_adaptive_avg_pool(graph, 0, "pool", out, 8 - out);
        check_in_turn("adaptive", graph, 9);
    }
}

// --- joins

static int32_t layer(dogb_graph *graph, int32_t from, const char *name, int32_t out) {
    dogb_conv conv = {.out = out, .kernel = 3, .padding = 1, .bias = 1};
    return dogb_graph_conv(graph, from, name, &conv);
}

static void test_concatenations(void **state) {
    (void)state;
    for (int kind = 0; kind < 6; kind++) {
        char name[32];
        dogb_graph *graph = start(5, 6, 7);
        int32_t a = layer(graph, 0, "a", 7);
        int32_t b = dogb_graph_max_pool(graph, a, "b", 3, 1, 1, 0);
        int32_t c = layer(graph, a, "c", 16);
        int32_t lists[][3] = {{b, c, c},  // one written in place, one twice
                              {b, c, a},  // one that others read, too
                              {c, 0, b},  // the input
                              {0, 0, 0},  // nothing else
                              {b, c, -1}, // all in place
                              {a, b, -1}};
        int32_t count = lists[kind][2] < 0 ? 2 : 3;
        int32_t joined = dogb_graph_cat(graph, lists[kind], count, "cat");
        int32_t d = layer(graph, joined, "d", 3);
        int32_t outer[] = {d, joined, dogb_graph_relu(graph, joined, "e")};
        int32_t nested = dogb_graph_cat(graph, outer, 3, "nested");
        if (kind % 2 == 0) {
            nested = dogb_graph_flatten(graph, nested, "flatten");
            nested = dogb_graph_linear(graph, nested, "hidden", 31, 0, 0, 0);
            nested = dogb_graph_relu(graph, nested, "relu");
            (void)dogb_graph_linear(graph, nested, "last", 9, 0, 0, 0);
        }
        (void)snprintf(name, sizeof name, "cat %d", kind);
        check_in_turn(name, graph, 10);
    }
}

// Vectors from end to end: linear layers in the middle, joined and added, and a head behind.
static void test_vectors(void **state) {
    (void)state;
    dogb_graph *graph = NULL;
    assert_ok(dogb_graph_create(&graph, "vectors"));
    int32_t input = dogb_graph_input_vector(graph, 37);
    int32_t a = dogb_graph_linear(graph, input, "a", 17, 0, 0, 0);
    int32_t b = dogb_graph_linear(graph, input, "b", 17, 0, 0, 0);
    int32_t sum = dogb_graph_add(graph, a, b, "sum");
    int32_t inputs[] = {sum, input, b};
    int32_t all = dogb_graph_cat(graph, inputs, 3, "all");
    int32_t norm = dogb_graph_batch_norm(graph, all, "norm", 1e-5, 0.1, DOGB_INIT_ONE);
    int32_t hidden = dogb_graph_linear(graph, norm, "hidden", 100, 0, 0, 0);
    hidden = dogb_graph_relu(graph, hidden, "relu");
    (void)dogb_graph_linear(graph, hidden, "last", 130, 0, 0, 0);
    check_in_turn("vectors", graph, 11);
}

// --- what is not a number

static void check_strange(const char *what, dogb_graph *graph, const float *values) {
    assert_ok(dogb_graph_finish(graph, graph->node_count - 1));
    void **weights = nets_weights(graph, 1);
    float *input = nets_input(graph, NET_BATCH, 2);
    for (int i = 0; i < 24; i++) {
        input[i * 19] = values[i % 4];
    }
    dogb_batch batch = {input, NET_BATCH, DOGB_DATA_F32};
    compare_batch(what, graph, weights, &batch, net_tolerance(graph));
    free(input);
    nets_free(graph, weights);
    dogb_graph_destroy(graph);
}

static void test_not_a_number_passes(void **state) {
    (void)state;
    const float values[] = {NAN, INFINITY, -INFINITY, -0.0f};
    for (int kind = 0; kind < 8; kind++) {
        char name[32];
        dogb_graph *graph = start(9, 5, 6);
        int32_t inputs[] = {0, 0};
        dogb_conv depth = {.out = 9, .kernel = 3, .padding = 1, .groups = 9};
        switch (kind) {
        case 0:
            (void)dogb_graph_relu(graph, 0, "op");
            break;
        case 1:
            (void)dogb_graph_relu6(graph, 0, "op");
            break;
        case 2:
            (void)dogb_graph_max_pool(graph, 0, "op", 3, 2, 1, 1);
            break;
        case 3:
            (void)dogb_graph_avg_pool(graph, 0, "op", 2, 2, 0, 1, 1);
            break;
        case 4:
            (void)dogb_graph_add(graph, 0, 0, "op");
            break;
        case 5:
            (void)dogb_graph_cat(graph, inputs, 2, "op");
            break;
        case 6:
            (void)dogb_graph_relu6(graph, layer(graph, 0, "conv", 17), "op");
            break;
        default:
            (void)dogb_graph_relu(graph, dogb_graph_conv(graph, 0, "depth", &depth), "op");
            break;
        }
        (void)snprintf(name, sizeof name, "strange values, kind %d", kind);
        check_strange(name, graph, values);
    }
}

int main(int argc, char **argv) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_tile),
        cmocka_unit_test(test_convolutions),
        cmocka_unit_test(test_groups),
        cmocka_unit_test(test_inverted_residuals),
        cmocka_unit_test(test_chains_of_blocks),
        cmocka_unit_test(test_pooling),
        cmocka_unit_test(test_concatenations),
        cmocka_unit_test(test_vectors),
        cmocka_unit_test(test_not_a_number_passes),
        cmocka_unit_test(test_networks_at_random),
    };
    take_dtype(argc, argv);
    return cmocka_run_group_tests(tests, native_sets, NULL);
}
