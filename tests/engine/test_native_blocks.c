// test_native_blocks.c - inverted residuals drawn at random, against the reference engine: windows,
// strides and dilations that differ by axis, outputs of few rows (panels are shared out, the
// projection is a step of its own) and of many, whose expansion passes through a ring of rows.
#include "engine/native_net.h"

#include "engine/native/native.h"

enum { BLOCKS = 250 };

typedef struct seen {
    int fronts;
    int rings; // blocks of several groups
    int whole;
    int adds;
} seen;

static void look(const dogb_graph *graph, void **weights, seen *s) {
    dogb_net *net = native_net(graph, weights, "c", 1);
    for (int32_t i = 0; i < net->step_count; i++) {
        const dogb_step *step = &net->steps[i];
        int block = step->run == dogb_step_block;
        int parts = block && step->group < step->part[1]->shape[1];
        s->fronts += step->run == dogb_step_front;
        s->rings += parts;
        s->whole += block && !parts;
        s->adds += block && step->residual >= 0;
    }
    dogb_engine_native()->net_destroy(net);
}

static int32_t draw_activation(draw *d, int32_t from) {
    int which = pick(&d->rng, 0, 2);
    return which == 0   ? from
           : which == 1 ? dogb_graph_relu(d->graph, from, draw_name(d))
                        : dogb_graph_relu6(d->graph, from, draw_name(d));
}

// Kernel 3 or 5, stride and dilation 1 or 2, padding 0 to 2; more where the window would not
// fit or the size is kept.
static int32_t draw_depthwise(draw *d, int32_t from) {
    const dogb_node *wide = &d->graph->nodes[from];
    int32_t channels = (int32_t)wide->shape[0];
    dogb_node node = {.name = draw_name(d), .op = DOGB_OP_CONV2D, .groups = channels};
    node.channels_out = channels;
    node.has_bias = pick(&d->rng, 0, 1);
    int square = pick(&d->rng, 0, 2) > 0;
    int keeps = pick(&d->rng, 0, 2) == 0; // the size
    for (int axis = 0; axis < 2; axis++) {
        int copy = axis == 1 && square;
        node.kernel[axis] = copy ? node.kernel[0] : 3 + 2 * pick(&d->rng, 0, 1);
        node.stride[axis] = copy ? node.stride[0] : pick(&d->rng, 1, 2);
        node.dilation[axis] = copy ? node.dilation[0] : pick(&d->rng, 0, 3) / 3 + 1;
        int32_t span = node.dilation[axis] * (node.kernel[axis] - 1) + 1;
        int32_t lacking = span - (int32_t)wide->shape[axis + 1];
        int32_t least = lacking > 0 ? (lacking + 1) / 2 : 0;
        node.padding[axis] = pick(&d->rng, 0, 2);
        node.padding[axis] = node.padding[axis] < least ? least : node.padding[axis];
        if (keeps) {
            node.stride[axis] = 1;
            node.padding[axis] = span / 2;
        }
    }
    return dogb_graph_append(d->graph, &node, &from, 1, NULL);
}

static dogb_graph *draw_residual(uint64_t seed) {
    draw d = {0};
    dogb_rng_init(&d.rng, seed, DOGB_RNG_SYNTH, 3, 0);
    assert_ok(dogb_graph_create(&d.graph, "test"));
    int large = pick(&d.rng, 0, 3) == 0;
    int32_t channels = pick(&d.rng, 1, 33);
    int32_t height = large ? pick(&d.rng, 24, 40) : pick(&d.rng, 1, 20);
    int32_t width = large ? pick(&d.rng, 24, 37) : pick(&d.rng, 1, 20);
    int32_t input = dogb_graph_input(d.graph, channels, height, width);
    int32_t from = pick(&d.rng, 0, 1) ? input : dogb_graph_relu(d.graph, input, draw_name(&d));
    dogb_conv wide = {.out = pick(&d.rng, 1, large ? 140 : 70), .bias = pick(&d.rng, 0, 1)};
    wide.kernel = pick(&d.rng, 0, 3) == 0 ? 3 : 1;
    wide.stride = wide.kernel == 3 ? pick(&d.rng, 1, 2) : 1;
    wide.padding = wide.kernel / 2;
    int32_t at = dogb_graph_conv(d.graph, from, draw_name(&d), &wide);
    at = draw_depthwise(&d, draw_activation(&d, at));
    dogb_conv narrow = {.out = pick(&d.rng, 0, 1) ? channels : pick(&d.rng, 1, 40),
                        .kernel = 1,
                        .bias = pick(&d.rng, 0, 1)};
    at = draw_activation(&d, at);
    at = dogb_graph_conv(d.graph, at, draw_name(&d), &narrow);
    const int64_t *shape = d.graph->nodes[at].shape;
    if (memcmp(shape, d.graph->nodes[from].shape, 3 * sizeof *shape) == 0) {
        at = dogb_graph_add(d.graph, at, from, draw_name(&d));
    }
    (void)draw_activation(&d, at);
    return d.graph;
}

static void test_blocks_at_random(void **state) {
    (void)state;
    seen s = {0};
    for (uint64_t seed = 0; seed < (uint64_t)test_rounds(BLOCKS); seed++) {
        char name[32];
        dogb_graph *graph = draw_residual(seed);
        assert_ok(dogb_graph_finish(graph, graph->node_count - 1));
        void **weights = nets_weights(graph, seed);
        look(graph, weights, &s);
        nets_free(graph, weights);
        (void)snprintf(name, sizeof name, "seed %d", (int)seed);
        check_net(name, graph, seed);
    }
    print_message("# %d of few rows, %d by rows in a ring, %d whole, %d with addition\n", s.fronts,
                  s.rings, s.whole, s.adds);
    assert_true(test_rounds(BLOCKS) < BLOCKS ||
                (s.fronts > 0 && s.rings > 0 && s.whole > 0 && s.adds > 0));
}

int main(int argc, char **argv) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_blocks_at_random)};
    take_dtype(argc, argv);
    return cmocka_run_group_tests(tests, native_sets, NULL);
}
