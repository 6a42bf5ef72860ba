// test_native_int8.c - quantised networks on the native engine: layers of all sizes have the same
// bits on every instruction set, for any batch and number of threads, and come close to the same
// network in f32; what cannot be is refused.
#include "engine/native_net.h"

#include "out_of_memory.h"

enum { NETS = 90, INT8_IMAGES = 33, INT8_THREADS = 4 };

// A quantised network of random layers; its weights are multiples of their scales.
typedef struct quantised {
    dogb_graph *graph;
    void **weights;
} quantised;

static int32_t draw_layer(draw *d, int32_t from) {
    const int64_t *shape = d->graph->nodes[from].shape;
    int32_t channels = (int32_t)shape[0];
    int32_t side = (int32_t)(shape[1] < shape[2] ? shape[1] : shape[2]);
    int32_t kernel = pick(&d->rng, 1, 3);
    int32_t groups = channels % 2 == 0 && channels > 2 && pick(&d->rng, 0, 3) == 0 ? 2 : 1;
    dogb_conv conv = {.out = groups == 1 ? pick_channels(&d->rng) : 2 * pick(&d->rng, 1, 20),
                      .kernel = kernel,
                      .stride = pick(&d->rng, 1, 2),
                      .padding = kernel / 2,
                      .groups = groups,
                      .bias = 1};
    switch (pick(&d->rng, 0, 6)) {
    case 0:
        return side >= 2 ? dogb_graph_max_pool(d->graph, from, draw_name(d), 2, 1, 0, 0) : from;
    case 1:
        return dogb_graph_cat(d->graph, (int32_t[]){from, from}, channels < 200 ? 2 : 1,
                              draw_name(d));
    case 2:
    case 3: {
        int32_t wide = pick_channels(&d->rng);
        int32_t last =
            draw_small_conv(d, from, (dogb_conv){.out = wide, .kernel = 1, .bias = 1}, 0);
        const int32_t depth = pick(&d->rng, 0, 1) ? 3 : pick(&d->rng, 1, 5);
        const int32_t dilation = pick(&d->rng, 0, 3) > 0 ? 1 : 2;
        const int32_t stride = pick(&d->rng, 0, 3) > 0 ? conv.stride : 3;
        last = draw_small_conv(d, last,
                               (dogb_conv){.out = wide,
                                           .kernel = depth,
                                           .stride = stride,
                                           .padding = (dilation * (depth - 1) + 1) / 2,
                                           .dilation = dilation,
                                           .groups = wide,
                                           .bias = 1},
                               0);
        const int same = stride == 1 && dilation * (depth - 1) % 2 == 0;
        last = dogb_graph_conv(
            d->graph, last, draw_name(d),
            &(dogb_conv){.out = same ? channels : conv.out, .kernel = 1, .bias = 1});
        return same ? dogb_graph_add(d->graph, from, last, draw_name(d)) : last;
    }
    default:
        return draw_small_conv(d, from, conv, 0);
    }
}

static dogb_graph *draw_layers(uint64_t seed) {
    draw d = {0};
    dogb_rng_init(&d.rng, seed, DOGB_RNG_SYNTH, 1, 0);
    assert_ok(dogb_graph_create(&d.graph, "random"));
    int32_t last = dogb_graph_input(d.graph, pick(&d.rng, 0, 1) ? 3 : pick_channels(&d.rng),
                                    pick(&d.rng, 1, 17), pick(&d.rng, 1, 17));
    for (int32_t i = pick(&d.rng, 1, 5); i > 0; i--) {
        last = draw_layer(&d, last);
    }
    last = dogb_graph_conv(d.graph, last, draw_name(&d), &(dogb_conv){.out = 9, .kernel = 1});
    assert_ok(dogb_graph_finish(d.graph, last));
    return d.graph;
}

// Folded, with steps for values of about +-6 and random zero points (0 behind an activation).
static quantised make_quantised(const dogb_graph *graph, uint64_t seed) {
    quantised q = {0};
    dogb_graph *folded = NULL;
    const void *const *unused = NULL;
    dogb_rng rng;
    dogb_rng_init(&rng, seed, DOGB_RNG_SYNTH, 2, 0);
    void **weights = nets_weights(graph, seed);
    assert_ok(dogb_graph_fold(&folded, &unused, graph, (const void *const *)weights));
    nets_free(graph, weights);
    for (int32_t i = 0; i < folded->node_count; i++) {
        dogb_node *node = &folded->nodes[i];
        node->int8 = node->op == DOGB_OP_CONV2D;
        node->step = 12.0 / 255 * (0.5 + dogb_rng_uniform(&rng));
        node->zero = node->activation != 0 ? 0 : pick(&rng, 100, 150);
    }
    assert_ok(dogb_graph_copy(&q.graph, folded));
    dogb_graph_destroy(folded);
    q.weights = nets_weights(q.graph, seed);
    for (int32_t i = 0; i < q.graph->param_count; i++) {
        const dogb_param *param = &q.graph->params[i];
        float *values = q.weights[i];
        if (param->role == DOGB_ROLE_WEIGHT_SCALE) { // the layer's weights come before it
            float *rows = q.weights[q.graph->nodes[param->node].first_param];
            int64_t each =
                q.graph->params[q.graph->nodes[param->node].first_param].count / param->count;
            for (int64_t c = 0; c < param->count; c++) {
                float most = 0;
                for (int64_t k = 0; k < each; k++) {
                    most = fmaxf(most, fabsf(rows[c * each + k]));
                }
                values[c] = most > 0 ? most / 127.0f : 1.0f;
                for (int64_t k = 0; k < each; k++) {
                    rows[c * each + k] = rintf(rows[c * each + k] / values[c]) * values[c];
                }
            }
        }
    }
    return q;
}

static void destroy_quantised(quantised *q) {
    nets_free(q->graph, q->weights);
    dogb_graph_destroy(q->graph);
}

static dogb_net *int8_net(const quantised *q, const char *set, int32_t threads) {
    dogb_net *net = NULL;
    dogb_net_conf conf = {
        .device = "cpu", .mode = DOGB_NET_INFER, .dtype = DOGB_DTYPE_INT8, .threads = threads};
    assert_int_equal(setenv("DOGBREED_CPU", set, 1), 0);
    assert_ok(dogb_engine_net(&net, dogb_engine_native(), q->graph, (const void *const *)q->weights,
                              &conf));
    return net;
}

static float *int8_infer(const quantised *q, const char *set, int32_t threads,
                         const dogb_batch *batch) {
    dogb_net *net = int8_net(q, set, threads);
    float *out = calloc(output_size(q->graph) * (size_t)batch->count, sizeof *out);
    assert_non_null(out);
    assert_ok(dogb_engine_native()->infer(net, batch, out));
    dogb_engine_native()->net_destroy(net);
    return out;
}

static void same_bits(const char *what, const float *a, const float *b, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (memcmp(&a[i], &b[i], sizeof *a) != 0) {
            fail_msg("%s: [%zu] is %.9g and %.9g", what, i, (double)a[i], (double)b[i]);
        }
    }
}

static void check_sets(const char *what, dogb_graph *graph, uint64_t seed) {
    quantised q = make_quantised(graph, seed);
    float *input = nets_input(q.graph, NET_BATCH, seed);
    dogb_batch batch = {input, NET_BATCH, DOGB_DATA_F32};
    size_t count = output_size(q.graph) * NET_BATCH;
    float *first = int8_infer(&q, "c", 1, &batch);
    for (int i = 0; i < instruction_set_count; i++) {
        float *other = int8_infer(&q, instruction_sets[i], 2, &batch);
        same_bits(what, first, other, count);
        free(other);
    }
    free(first);
    free(input);
    destroy_quantised(&q);
    dogb_graph_destroy(graph);
}

static void test_sets_have_the_same_bits(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed <= (uint64_t)test_rounds(NETS); seed++) {
        char what[64];
        (void)snprintf(what, sizeof what, "net %d", (int)seed);
        check_sets(what, draw_layers(seed), seed);
    }
}

static void test_every_tile(void **state) {
    (void)state;
    for (int32_t channels = 8; channels <= TILE_CHANNELS; channels += 8) {
        for (int32_t points = 1; points < TILE_POINTS; points++) {
            char what[48];
            dogb_graph *graph = tile_graph(points, channels);
            assert_ok(dogb_graph_finish(graph, graph->node_count - 1));
            (void)snprintf(what, sizeof what, "%d points, %d channels", points, channels);
            check_sets(what, graph, 3);
        }
    }
}

// One layer differs from f32 by the rounding of its inputs and nothing else.
static void test_a_layer_is_close_to_f32(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed <= (uint64_t)test_rounds(20); seed++) {
        draw d = {0};
        dogb_rng_init(&d.rng, seed, DOGB_RNG_SYNTH, 3, 0);
        assert_ok(dogb_graph_create(&d.graph, "layer"));
        int32_t channels = pick_channels(&d.rng);
        int32_t last = dogb_graph_input(d.graph, channels, 9, 7);
        dogb_conv conv = {.out = pick_channels(&d.rng), .kernel = 3, .padding = 1, .bias = 1};
        last = dogb_graph_conv(d.graph, last, "conv", &conv);
        assert_ok(dogb_graph_finish(d.graph, last));
        quantised q = make_quantised(d.graph, seed);
        q.graph->nodes[0].step = 12.0 / 255;
        q.graph->nodes[0].zero = 128;
        float *input = nets_input(q.graph, NET_BATCH, seed);
        dogb_batch batch = {input, NET_BATCH, DOGB_DATA_F32};
        size_t count = output_size(q.graph) * NET_BATCH;
        float *expected = calloc(count, sizeof *expected);
        assert_non_null(expected);
        dogb_net *ref = native_net(q.graph, q.weights, NULL, 1);
        assert_ok(dogb_engine_ref()->infer(ref, &batch, expected));
        dogb_engine_ref()->net_destroy(ref);
        float *found = int8_infer(&q, best_set, 1, &batch);
        // Half a step of each of 9 x channels inputs, with weights of deviation 1.4 / sqrt(inputs):
        // five deviations of the sum.
        double bound = 5 * 1.4 * q.graph->nodes[0].step / sqrt(12.0) + 1e-4;
        for (size_t i = 0; i < count; i++) {
            if (fabs((double)found[i] - (double)expected[i]) > bound) {
                fail_msg("layer %d: [%zu] is %g, f32 has %g", (int)seed, i, (double)found[i],
                         (double)expected[i]);
            }
        }
        free(found);
        free(expected);
        free(input);
        destroy_quantised(&q);
        dogb_graph_destroy(d.graph);
    }
}

static void test_batches_and_threads(void **state) {
    (void)state;
    dogb_graph *graph = draw_layers(7);
    quantised q = make_quantised(graph, 7);
    size_t size = output_size(q.graph);
    const int64_t *shape = q.graph->nodes[0].shape;
    size_t image = (size_t)(shape[0] * shape[1] * shape[2]);
    float *input = nets_input(q.graph, INT8_IMAGES, 8);
    dogb_batch all = {input, INT8_IMAGES, DOGB_DATA_F32};
    float *expected = int8_infer(&q, best_set, 1, &all);
    float *found = calloc(size * INT8_IMAGES, sizeof *found);
    assert_non_null(found);
    for (int32_t threads = 1; threads <= INT8_THREADS; threads++) {
        dogb_net *net = int8_net(&q, best_set, threads);
        for (int32_t count = 1; count <= INT8_IMAGES; count += test_part()) {
            size_t first = (size_t)(INT8_IMAGES - count);
            dogb_batch batch = {input + first * image, count, DOGB_DATA_F32};
            assert_ok(dogb_engine_native()->infer(net, &batch, found));
            same_bits("batch", found, expected + first * size, (size_t)count * size);
        }
        dogb_engine_native()->net_destroy(net);
    }
    free(found);
    free(expected);
    free(input);
    destroy_quantised(&q);
    dogb_graph_destroy(graph);
}

// What is not a number becomes the least value, the same in every set; nothing is read or written
// outside.
static void test_not_a_number(void **state) {
    (void)state;
    dogb_graph *graph = draw_layers(3);
    quantised q = make_quantised(graph, 3);
    float *input = nets_input(q.graph, 1, 8);
    const int64_t *shape = q.graph->nodes[0].shape;
    for (int64_t i = 0; i < shape[0] * shape[1] * shape[2]; i += 3) {
        input[i] = i % 2 ? NAN : INFINITY;
    }
    dogb_batch batch = {input, 1, DOGB_DATA_F32};
    float *a = int8_infer(&q, "c", 1, &batch);
    float *b = int8_infer(&q, best_set, 1, &batch);
    same_bits("NaN", a, b, output_size(q.graph));
    free(a);
    free(b);
    free(input);
    destroy_quantised(&q);
    dogb_graph_destroy(graph);
}

static void test_refusals(void **state) {
    (void)state;
    dogb_graph *graph = draw_layers(2);
    quantised q = make_quantised(graph, 2);
    dogb_net *net = NULL;
    dogb_net_conf conf = {
        .device = "cpu", .mode = DOGB_NET_INFER, .dtype = DOGB_DTYPE_INT8, .threads = 1};
    const void *const *weights = (const void *const *)q.weights;
    assert_fails(dogb_engine_net(&net, dogb_engine_ref(), q.graph, weights, &conf),
                 DOGBREED_ERROR_UNSUPPORTED, "does not offer int8");
    conf.mode = DOGB_NET_TRAIN;
    assert_fails(dogb_engine_net(&net, dogb_engine_native(), q.graph, weights, &conf),
                 DOGBREED_ERROR_UNSUPPORTED, "training in int8");
    conf.mode = DOGB_NET_INFER;
    void **plain = nets_weights(graph, 2);
    assert_fails(
        dogb_engine_net(&net, dogb_engine_native(), graph, (const void *const *)plain, &conf),
        DOGBREED_ERROR_INVALID_ARGUMENT, "int8 needs a quantised network");
    nets_free(graph, plain);
    // Who reads a file checks the scales; here they are numbers like others.
    const int64_t *in = graph->nodes[0].shape;
    const int64_t *out = graph->nodes[graph->output].shape;
    float *input = calloc((size_t)(in[0] * in[1] * in[2]), sizeof *input);
    float *logits = calloc((size_t)(out[0] * out[1] * out[2]), sizeof *logits);
    const dogb_batch batch = {.data = input, .count = 1, .dtype = DOGB_DATA_F32};
    static const float bad[] = {0.0f, -1.0f, NAN, INFINITY, 1e-30f};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        for (int32_t p = 0; p < q.graph->param_count; p++) {
            if (q.graph->params[p].role == DOGB_ROLE_WEIGHT_SCALE) {
                *(float *)q.weights[p] = bad[i];
            }
        }
        assert_int_equal(dogb_engine_net(&net, dogb_engine_native(), q.graph, weights, &conf), 0);
        assert_int_equal(dogb_engine_native()->infer(net, &batch, logits), 0);
        dogb_engine_native()->net_destroy(net);
    }
    free(logits);
    free(input);
    destroy_quantised(&q);
    dogb_graph_destroy(graph);
}

static void test_out_of_memory_everywhere(void **state) {
    (void)state;
    dogb_graph *graph = draw_layers(5);
    quantised q = make_quantised(graph, 5);
    dogb_net_conf conf = {
        .device = "cpu", .mode = DOGB_NET_INFER, .dtype = DOGB_DTYPE_INT8, .threads = 1};
    int failed = 1;
    int rc = 0;
    for (int count = 0; failed; count++) {
        dogb_net *net = NULL;
        memory_fail_after(count);
        rc = dogb_engine_net(&net, dogb_engine_native(), q.graph, (const void *const *)q.weights,
                             &conf);
        failed = memory_restore();
        assert_int_equal(rc, failed ? DOGBREED_ERROR_NO_MEMORY : DOGBREED_OK);
        dogb_engine_native()->net_destroy(net);
    }
    destroy_quantised(&q);
    dogb_graph_destroy(graph);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sets_have_the_same_bits),
        cmocka_unit_test(test_every_tile),
        cmocka_unit_test(test_a_layer_is_close_to_f32),
        cmocka_unit_test(test_batches_and_threads),
        cmocka_unit_test(test_not_a_number),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_out_of_memory_everywhere),
    };
    return cmocka_run_group_tests(tests, native_sets, NULL);
}
