// native_net.h - networks for tests of the native engine: drawn at random over all operations, and
// compared with the reference engine on every instruction set.
#ifndef DOGB_TEST_NATIVE_NET_H
#define DOGB_TEST_NATIVE_NET_H

#include "engine/native_sets.h"

#include "graph/graph_internal.h"
#include "graph/nets.h"

#include <math.h>

enum { NET_BATCH = 3 };

// Number format of the native engine's nets: a test program's argument.
static int32_t net_dtype = DOGB_DTYPE_F32;

static inline void take_dtype(int argc, char **argv) {
    net_dtype = argc > 1 && strcmp(argv[1], "bf16") == 0 ? DOGB_DTYPE_BF16 : DOGB_DTYPE_F32;
}

// Largest error as a share of 1 + the largest value. In bf16 every layer with weights rounds them
// and what it reads, by 2^-9 at most; roundings know nothing of each other, so a sum's errors have
// a deviation of about 2^-10 of the sum's, and those of layers grow with the root of their number.
// The worst of tens of thousands of values is within five deviations; twice as much where a ReLU6
// hides how large the sums in front of it were.
static inline double net_tolerance(const dogb_graph *graph) {
    int layers = 1;
    int hidden = 0;
    for (int32_t i = 1; i < graph->node_count; i++) {
        int32_t op = graph->nodes[i].op;
        hidden |= op == DOGB_OP_RELU6;
        layers += op == DOGB_OP_CONV2D || op == DOGB_OP_LINEAR || op == DOGB_OP_BATCH_NORM;
    }
    return net_dtype == DOGB_DTYPE_F32 ? 2e-5 : (hidden ? 8.0 : 4.0) / 512.0 * sqrt(layers);
}

static inline int32_t pick(dogb_rng *rng, int32_t first, int32_t last) {
    return first + (int32_t)dogb_rng_below(rng, (uint64_t)(last - first + 1));
}

static inline int32_t pick_channels(dogb_rng *rng) {
    static const int32_t counts[] = {1, 2, 3, 7, 8, 15, 16, 17, 31, 33, 48, 100, 130};
    return counts[dogb_rng_below(rng, sizeof counts / sizeof counts[0])];
}

static inline size_t output_size(const dogb_graph *graph) {
    const int64_t *shape = graph->nodes[graph->output].shape;
    return (size_t)(shape[0] * shape[1] * shape[2]);
}

static inline dogb_net *native_net(const dogb_graph *graph, void **weights, const char *set,
                                   int32_t threads) {
    dogb_net *net = NULL;
    dogb_net_conf conf = {.device = "cpu",
                          .mode = DOGB_NET_INFER,
                          .dtype = set == NULL ? DOGB_DTYPE_F32 : net_dtype,
                          .threads = threads};
    const dogb_engine *engine = set == NULL ? dogb_engine_ref() : dogb_engine_native();
    if (set != NULL) {
        assert_int_equal(setenv("DOGBREED_CPU", set, 1), 0);
    }
    assert_ok(dogb_engine_net(&net, engine, graph, (const void *const *)weights, &conf));
    return net;
}

// Equal as sums in another order are; what is not a number stays so.
static inline void compare(const char *what, const float *found, const float *expected,
                           size_t count, double tolerance) {
    double largest = 0;
    for (size_t i = 0; i < count; i++) {
        double size = fabs((double)expected[i]);
        largest = isfinite(size) && size > largest ? size : largest;
    }
    for (size_t i = 0; i < count; i++) {
        double error = fabs((double)found[i] - (double)expected[i]);
        int same = isfinite(expected[i]) ? error <= tolerance * (1 + largest)
                   : isnan(expected[i])  ? isnan(found[i])
                                         : found[i] == expected[i];
        if (!same) {
            fail_msg("%s: [%zu] is %.9g, ref has %.9g (largest %g)", what, i, (double)found[i],
                     (double)expected[i], largest);
        }
    }
}

static inline void compare_batch(const char *what, const dogb_graph *graph, void **weights,
                                 const dogb_batch *batch, double tolerance) {
    size_t size = output_size(graph);
    float *expected = calloc(size * NET_BATCH, sizeof *expected);
    float *found = calloc(size * NET_BATCH, sizeof *found);
    assert_true(expected != NULL && found != NULL);
    dogb_net *ref = native_net(graph, weights, NULL, 1);
    assert_ok(dogb_engine_ref()->infer(ref, batch, expected));
    dogb_engine_ref()->net_destroy(ref);
    for (int i = 0; i < instruction_set_count; i++) {
        char name[160];
        dogb_batch one = {batch->data, 1, batch->dtype};
        dogb_net *net = native_net(graph, weights, instruction_sets[i], 2);
        (void)snprintf(name, sizeof name, "%s, %s", what, instruction_sets[i]);
        memset(found, 0xff, size * NET_BATCH * sizeof *found);
        assert_ok(dogb_engine_native()->infer(net, batch, found));
        compare(name, found, expected, size * NET_BATCH, tolerance);
        (void)snprintf(name, sizeof name, "%s, %s, one", what, instruction_sets[i]);
        memset(found, 0xff, size * sizeof *found);
        assert_ok(dogb_engine_native()->infer(net, &one, found)); // in parts by threads
        compare(name, found, expected, size, tolerance);
        dogb_engine_native()->net_destroy(net);
    }
    free(expected);
    free(found);
}

// Finishes the graph with its last node, compares, destroys it.
static inline void check_net(const char *what, dogb_graph *graph, uint64_t seed) {
    assert_ok(dogb_graph_finish(graph, graph->node_count - 1));
    void **weights = nets_weights(graph, seed);
    float *input = nets_input(graph, NET_BATCH, seed);
    dogb_batch batch = {input, NET_BATCH, DOGB_DATA_F32};
    compare_batch(what, graph, weights, &batch, net_tolerance(graph));
    if (graph->nodes[0].rank == 3 && graph->nodes[0].shape[0] == 3) {
        size_t size = (size_t)(3 * graph->nodes[0].shape[1] * graph->nodes[0].shape[2]);
        uint8_t *bytes = malloc(size * NET_BATCH);
        assert_non_null(bytes);
        for (size_t i = 0; i < size * NET_BATCH; i++) {
            bytes[i] = (uint8_t)(128 + (int)(input[i] * 40.0f) % 128);
        }
        batch = (dogb_batch){bytes, NET_BATCH, DOGB_DATA_U8};
        compare_batch(what, graph, weights, &batch, net_tolerance(graph));
        free(bytes);
    }
    free(input);
    nets_free(graph, weights);
    dogb_graph_destroy(graph);
}

static inline void check_in_turn(const char *what, dogb_graph *graph, uint64_t seed) {
    if (test_turn()) {
        check_net(what, graph, seed);
    } else {
        dogb_graph_destroy(graph);
    }
}

// --- tiles

enum { TILE_POINTS = 15, TILE_CHANNELS = 64 }; // no tile has as many points or more channels

// A small layer of each number of points and of panels of each size: each tile of the kernels.
static inline dogb_graph *tile_graph(int32_t points, int32_t channels) {
    dogb_graph *graph = NULL;
    dogb_conv conv = {.out = channels, .kernel = 1, .bias = 1};
    assert_ok(dogb_graph_create(&graph, "tile"));
    int32_t input = dogb_graph_input(graph, 5, 1, points);
    (void)dogb_graph_conv(graph, input, "conv", &conv);
    return graph;
}

// --- networks drawn at random

typedef struct draw {
    dogb_graph *graph;
    dogb_rng rng;
    char name[16];
} draw;

static inline const char *draw_name(draw *d) {
    (void)snprintf(d->name, sizeof d->name, "n%d", d->graph->node_count);
    return d->name;
}

// A node that has the shape of `like` (or, for a concatenation, its height and width).
static inline int32_t draw_like(draw *d, int32_t like, int first_axis) {
    const dogb_node *nodes = d->graph->nodes;
    int32_t start = pick(&d->rng, 0, d->graph->node_count - 1);
    for (int32_t i = 0; i < d->graph->node_count; i++) {
        int32_t at = (start + i) % d->graph->node_count;
        int same = nodes[at].rank == nodes[like].rank;
        for (int axis = first_axis; axis < 3; axis++) {
            same = same && nodes[at].shape[axis] == nodes[like].shape[axis];
        }
        if (same) {
            return at;
        }
    }
    return like;
}

// A convolution of any kind whose window fits and whose cost is small.
static inline void draw_conv(draw *d, int32_t from) {
    const int64_t *shape = d->graph->nodes[from].shape;
    dogb_node node = {.name = draw_name(d), .op = DOGB_OP_CONV2D, .groups = 1};
    int square = pick(&d->rng, 0, 3) > 0;
    for (int axis = 0; axis < 2; axis++) {
        int copy = axis == 1 && square;
        node.kernel[axis] = copy ? node.kernel[0] : pick(&d->rng, 1, 7);
        node.stride[axis] = copy ? node.stride[0] : pick(&d->rng, 1, 3);
        node.dilation[axis] = copy ? node.dilation[0] : pick(&d->rng, 1, 4) / 3 + 1;
        int32_t span = node.dilation[axis] * (node.kernel[axis] - 1) + 1;
        int32_t least = span > shape[axis + 1] ? (span - (int32_t)shape[axis + 1] + 1) / 2 : 0;
        node.padding[axis] = least + pick(&d->rng, 0, node.kernel[axis] / 2);
    }
    node.channels_out = pick_channels(&d->rng);
    if (pick(&d->rng, 0, 3) == 0) {
        int32_t groups = pick(&d->rng, 2, 4);
        node.groups = shape[0] % groups == 0 ? groups : (int32_t)shape[0];
        node.channels_out = node.groups * pick(&d->rng, 1, 9);
    }
    node.has_bias = pick(&d->rng, 0, 1);
    int64_t cost = shape[0] * shape[1] * shape[2] * node.kernel[0] * node.kernel[1] *
                   node.channels_out / node.groups;
    if (cost < 2000000 && node.channels_out < 300) {
        (void)dogb_graph_append(d->graph, &node, &from, 1, NULL);
    }
}

static inline int32_t draw_small_conv(draw *d, int32_t from, dogb_conv conv, int norm) {
    from = dogb_graph_conv(d->graph, from, draw_name(d), &conv);
    if (norm) {
        from = dogb_graph_batch_norm(d->graph, from, draw_name(d), 1e-5, 0.1, DOGB_INIT_ONE);
    }
    if (pick(&d->rng, 0, 2) > 0) {
        from = dogb_graph_relu6(d->graph, from, draw_name(d));
    }
    return from;
}

// [expansion,] depthwise, projection [, addition]; several in a row make the chains of MobileNetV1.
static inline void draw_block(draw *d, int32_t from) {
    int32_t channels = (int32_t)d->graph->nodes[from].shape[0];
    int32_t wide = channels;
    int32_t start = from;
    int norm = pick(&d->rng, 0, 1);
    if (channels > 130) {
        return;
    }
    if (pick(&d->rng, 0, 1)) {
        wide = pick_channels(&d->rng);
        from = draw_small_conv(d, from, (dogb_conv){.out = wide, .kernel = 1, .bias = !norm}, norm);
    }
    int32_t kernel = pick(&d->rng, 0, 1) ? 5 : 3;
    int32_t stride = pick(&d->rng, 1, 2);
    from = draw_small_conv(d, from,
                           (dogb_conv){.out = wide,
                                       .kernel = kernel,
                                       .stride = stride,
                                       .padding = kernel / 2,
                                       .groups = wide,
                                       .bias = !norm},
                           norm);
    int32_t out = pick(&d->rng, 0, 1) ? channels : pick_channels(&d->rng);
    from = draw_small_conv(d, from, (dogb_conv){.out = out, .kernel = 1, .bias = 1}, norm);
    const int64_t *shapes[] = {d->graph->nodes[start].shape, d->graph->nodes[from].shape};
    if (memcmp(shapes[0], shapes[1], 3 * sizeof(int64_t)) == 0 && pick(&d->rng, 0, 3) > 0) {
        (void)dogb_graph_add(d->graph, start, from, draw_name(d));
    }
}

static inline void draw_pool(draw *d, int32_t from) {
    const int64_t *shape = d->graph->nodes[from].shape;
    int64_t least = shape[1] < shape[2] ? shape[1] : shape[2];
    int32_t kernel = pick(&d->rng, 1, least < 4 ? (int32_t)least : 4);
    int32_t stride = pick(&d->rng, 1, 3);
    int32_t padding = pick(&d->rng, 0, kernel / 2);
    int32_t ceil_mode = pick(&d->rng, 0, 1);
    switch (pick(&d->rng, 0, 2)) {
    case 0:
        (void)dogb_graph_max_pool(d->graph, from, draw_name(d), kernel, stride, padding, ceil_mode);
        break;
    case 1:
        (void)dogb_graph_avg_pool(d->graph, from, draw_name(d), kernel, stride, padding, ceil_mode,
                                  pick(&d->rng, 0, 1));
        break;
    default:
        (void)dogb_graph_adaptive_avg_pool(d->graph, from, draw_name(d), pick(&d->rng, 1, 9),
                                           pick(&d->rng, 1, 9));
        break;
    }
}

static inline void draw_cat(draw *d, int32_t from) {
    int32_t inputs[4] = {from};
    int32_t count = pick(&d->rng, 2, 4);
    int64_t channels = d->graph->nodes[from].shape[0];
    for (int32_t i = 1; i < count; i++) {
        inputs[i] = draw_like(d, from, 1);
        channels += d->graph->nodes[inputs[i]].shape[0];
    }
    if (channels < 500) {
        (void)dogb_graph_cat(d->graph, inputs, count, draw_name(d));
    }
}

static inline void draw_node(draw *d) {
    int32_t last = d->graph->node_count - 1;
    int32_t from = pick(&d->rng, 0, 3) > 0 ? last : pick(&d->rng, 0, last);
    const dogb_node *node = &d->graph->nodes[from];
    int image = node->rank == 3;
    int64_t size = node->shape[0] * node->shape[1] * node->shape[2];
    switch (pick(&d->rng, 0, 13)) {
    case 0:
        (void)dogb_graph_batch_norm(d->graph, from, draw_name(d), 1e-3, 0.1, DOGB_INIT_ONE);
        break;
    case 1:
        (void)dogb_graph_relu(d->graph, from, draw_name(d));
        break;
    case 2:
        (void)dogb_graph_relu6(d->graph, from, draw_name(d));
        break;
    case 3:
        (void)dogb_graph_dropout(d->graph, from, draw_name(d), 0.5);
        break;
    case 4:
    case 5:
        (void)dogb_graph_add(d->graph, from, draw_like(d, from, 0), draw_name(d));
        break;
    case 6:
    case 7:
        draw_cat(d, from);
        break;
    default:
        if (!image) {
            (void)dogb_graph_linear(d->graph, from, draw_name(d), pick_channels(&d->rng),
                                    DOGB_INIT_ONE, 0, DOGB_INIT_ONE);
        } else if (pick(&d->rng, 0, 14) == 0 && size < 3000) {
            (void)dogb_graph_flatten(d->graph, from, draw_name(d));
        } else if (pick(&d->rng, 0, 4) == 0) {
            draw_pool(d, from);
        } else if (pick(&d->rng, 0, 2) == 0) {
            draw_block(d, from);
        } else {
            draw_conv(d, from);
        }
    }
}

// Not finished yet. The last node is the output: an image, a vector or the end of a small head.
static inline dogb_graph *draw_net(uint64_t seed) {
    draw d = {0};
    dogb_rng_init(&d.rng, seed, DOGB_RNG_SYNTH, 0, 0);
    assert_ok(dogb_graph_create(&d.graph, "random"));
    if (pick(&d.rng, 0, 7) == 0) {
        (void)dogb_graph_input_vector(d.graph, pick_channels(&d.rng));
    } else {
        int32_t channels = pick(&d.rng, 0, 1) ? 3 : pick_channels(&d.rng);
        (void)dogb_graph_input(d.graph, channels, pick(&d.rng, 1, 20), pick(&d.rng, 1, 20));
    }
    int32_t count = pick(&d.rng, 2, 14);
    for (int32_t i = 0; i < count * 2 && d.graph->node_count < count; i++) {
        draw_node(&d);
    }
    int32_t last = d.graph->node_count - 1;
    if (last == 0 || d.graph->nodes[last].op == DOGB_OP_DROPOUT) { // else nothing may be left
        (void)dogb_graph_relu(d.graph, last, draw_name(&d));
    }
    return d.graph;
}

#endif
