// Rewrites keep the meaning: a folded network, and two slices in a row, give the whole network's
// output. Values are computed by the reference engine.
#include "test.h"

#include "arch/arch.h"
#include "graph/nets.h"
#include "out_of_memory.h"

#include <math.h>

static dogb_graph *build(const char *name, const char *head, int32_t side) {
    const dogb_arch *arch = NULL;
    dogb_graph *graph = NULL;
    dogb_arch_options options = {head, 6, side};
    assert_ok(dogb_arch_find(&arch, name));
    assert_ok(dogb_arch_build(&graph, arch, &options));
    return graph;
}

static float *evaluate(const dogb_graph *graph, const void *const *weights, const float *input,
                       int32_t count) {
    const dogb_engine *engine = dogb_engine_ref();
    dogb_net_conf conf = {.device = "cpu", .mode = DOGB_NET_TRAIN, .threads = 1};
    dogb_net *net = NULL;
    dogb_batch batch = {input, count, DOGB_DATA_F32};
    size_t size = (size_t)(graph->nodes[graph->output].shape[0] * count) * sizeof(float);
    float *out = malloc(size);
    assert_non_null(out);
    assert_ok(engine->net_create(&net, graph, weights, &conf));
    assert_ok(engine->forward(net, &batch, DOGB_MODE_EVAL, 0, 0));
    assert_ok(engine->output_read(net, out, size));
    engine->net_destroy(net);
    return out;
}

static void assert_close(const float *a, const float *b, int64_t count) {
    for (int64_t i = 0; i < count; i++) {
        double scale = fmax(1, fabs((double)b[i]));
        assert_true(fabs((double)a[i] - (double)b[i]) < 2e-5 * scale);
    }
}

static int32_t count_ops(const dogb_graph *graph, int32_t op) {
    int32_t count = 0;
    for (int32_t i = 0; i < graph->node_count; i++) {
        count += graph->nodes[i].op == op;
    }
    return count;
}

static void test_folded_networks_compute_the_same(void **state) {
    (void)state;
    static const struct {
        const char *name;
        const char *head;
        int32_t side;
        int32_t nodes; // left after folding
        int32_t adds;
    } rows[] = {
        // input, 20 convolutions, max pool, average pool, flatten, fc; every addition fused
        {"resnet18", "linear", 48, 1 + 20 + 4, 0},
        {"resnet50", "linear", 32, 1 + 53 + 4, 0},
        {"mobilenet_v2", "mlp:8:0.5", 32, 1 + 52 + 4, 0},
        // nothing but dropout and activations to take away
        {"squeezenet1_1", "original", 48, 1 + 26 + 3 + 8 + 2, 0},
        {"tiny", "linear", 16, 1 + 3 + 4, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        dogb_graph *graph = build(rows[i].name, rows[i].head, rows[i].side);
        dogb_graph *folded = NULL;
        const void *const *folded_weights = NULL;
        void **weights = nets_weights(graph, 3);
        float *input = nets_input(graph, 2, 4);
        const void *const *given = (const void *const *)weights;
        assert_ok(dogb_graph_fold(&folded, &folded_weights, graph, given));
        float *expected = evaluate(graph, given, input, 2);
        float *found = evaluate(folded, folded_weights, input, 2);
        assert_close(found, expected, 12);
        assert_int_equal(folded->node_count, rows[i].nodes);
        assert_int_equal(count_ops(folded, DOGB_OP_BATCH_NORM), 0);
        assert_int_equal(count_ops(folded, DOGB_OP_DROPOUT), 0);
        assert_int_equal(count_ops(folded, DOGB_OP_RELU), 0);
        assert_int_equal(count_ops(folded, DOGB_OP_RELU6), 0);
        assert_int_equal(count_ops(folded, DOGB_OP_ADD), rows[i].adds);
        assert_int_equal(folded->feature >= 0, graph->feature >= 0);
        // Folding again changes nothing.
        dogb_graph *again = NULL;
        const void *const *again_weights = NULL;
        assert_ok(dogb_graph_fold(&again, &again_weights, folded, folded_weights));
        assert_int_equal(again->node_count, folded->node_count);
        float *twice = evaluate(again, again_weights, input, 2);
        assert_memory_equal(twice, found, 12 * sizeof *twice);
        free(twice);
        free(found);
        free(expected);
        free(input);
        nets_free(graph, weights);
        dogb_graph_destroy(again);
        dogb_graph_destroy(folded);
        dogb_graph_destroy(graph);
    }
}

// Where a value is read twice, or has something between convolution and batch norm, nothing may be
// fused.
static void test_folding_stops_where_a_value_is_shared(void **state) {
    (void)state;
    dogb_graph *graph = NULL;
    dogb_graph *folded = NULL;
    const void *const *folded_weights = NULL;
    dogb_conv conv = {.out = 4, .kernel = 3, .padding = 1, .bias = 1};
    assert_ok(dogb_graph_create(&graph, "test"));
    int32_t x = dogb_graph_input(graph, 3, 8, 8);
    int32_t a = dogb_graph_conv(graph, x, "a", &conv); // read by bn and by the sum
    int32_t bn = dogb_graph_batch_norm(graph, a, "bn", 1e-3, 0.1, DOGB_INIT_ONE);
    int32_t b = dogb_graph_conv(graph, bn, "b", &conv);
    int32_t relu = dogb_graph_relu(graph, b, "relu"); // joins b
    int32_t late = dogb_graph_batch_norm(graph, relu, "late", 1e-3, 0.1, DOGB_INIT_ONE);
    int32_t sum = dogb_graph_add(graph, a, late, "sum"); // neither operand is a convolution's
    int32_t own = dogb_graph_add(graph, sum, sum, "own");
    int32_t c = dogb_graph_conv(graph, own, "c", &conv);
    int32_t twice = dogb_graph_add(graph, c, c, "twice");
    int32_t drop = dogb_graph_dropout(graph, twice, "drop", 0.5);
    int32_t six = dogb_graph_relu6(graph, drop, "six");
    int32_t flat = dogb_graph_flatten(graph, six, "flat");
    assert_ok(dogb_graph_finish(graph, flat));
    void **weights = nets_weights(graph, 5);
    float *input = nets_input(graph, 1, 6);
    assert_ok(dogb_graph_fold(&folded, &folded_weights, graph, (const void *const *)weights));
    assert_int_equal(count_ops(folded, DOGB_OP_BATCH_NORM), 2);
    assert_int_equal(count_ops(folded, DOGB_OP_ADD), 3);
    assert_int_equal(count_ops(folded, DOGB_OP_RELU), 0);
    assert_int_equal(count_ops(folded, DOGB_OP_RELU6), 1);
    float *expected = evaluate(graph, (const void *const *)weights, input, 1);
    float *found = evaluate(folded, folded_weights, input, 1);
    assert_close(found, expected, 256);
    free(found);
    free(expected);
    free(input);
    nets_free(graph, weights);
    dogb_graph_destroy(folded);
    dogb_graph_destroy(graph);
}

static void test_two_slices_make_the_whole(void **state) {
    (void)state;
    static const char *const names[] = {"tiny", "mobilenet_v2", "squeezenet1_1"};
    for (size_t i = 0; i < 3; i++) {
        dogb_graph *graph = build(names[i], "mlp:5", 32);
        dogb_graph *prefix = NULL;
        dogb_graph *head = NULL;
        void **weights = nets_weights(graph, 8);
        float *input = nets_input(graph, 2, 9);
        assert_ok(dogb_graph_slice(&prefix, graph, 0, graph->feature));
        assert_ok(dogb_graph_slice(&head, graph, graph->feature, graph->output));
        assert_int_equal(prefix->feature, prefix->output);
        assert_int_equal(head->nodes[0].rank, 1);
        assert_int_equal(head->nodes[0].shape[0], graph->nodes[graph->feature].shape[0]);
        assert_int_equal(prefix->param_count + head->param_count, graph->param_count);
        const void *parts[2][400];
        for (int32_t k = 0; k < prefix->param_count; k++) {
            parts[0][k] = weights[dogb_graph_find_param(graph, prefix->params[k].name)];
        }
        for (int32_t k = 0; k < head->param_count; k++) {
            int32_t at = dogb_graph_find_param(graph, head->params[k].name);
            assert_int_equal(head->params[k].init, graph->params[at].init);
            parts[1][k] = weights[at];
        }
        float *expected = evaluate(graph, (const void *const *)weights, input, 2);
        float *features = evaluate(prefix, parts[0], input, 2);
        float *found = evaluate(head, parts[1], features, 2);
        assert_memory_equal(found, expected, 12 * sizeof *found);
        free(found);
        free(features);
        free(expected);
        free(input);
        nets_free(graph, weights);
        dogb_graph_destroy(head);
        dogb_graph_destroy(prefix);
        dogb_graph_destroy(graph);
    }
}

static void test_inner_slices(void **state) {
    (void)state;
    dogb_graph *graph = build("tiny", "linear", 0);
    dogb_graph *part = NULL;
    int32_t relu2 = dogb_graph_find_node(graph, "relu2");
    int32_t add = dogb_graph_find_node(graph, "add");
    assert_ok(dogb_graph_slice(&part, graph, relu2, add));
    assert_int_equal(part->node_count, 4); // input, conv3, bn3, add
    assert_int_equal(part->nodes[0].rank, 3);
    assert_true(part->mean[0] == 0.0f && part->deviation[2] == 1.0f);
    assert_int_equal(part->feature, -1);
    dogb_graph_destroy(part);
    // bn3 is no cut: the addition also reads relu2.
    int32_t bn3 = dogb_graph_find_node(graph, "bn3");
    assert_fails(dogb_graph_slice(&part, graph, bn3, add), DOGBREED_ERROR_INVALID_ARGUMENT,
                 "relu2");
    assert_null(part);
    assert_fails(dogb_graph_slice(&part, graph, add, add), DOGBREED_ERROR_INVALID_ARGUMENT,
                 "slice");
    assert_fails(dogb_graph_slice(&part, graph, -1, add), DOGBREED_ERROR_INVALID_ARGUMENT, "slice");
    assert_fails(dogb_graph_slice(&part, graph, 0, 9999), DOGBREED_ERROR_INVALID_ARGUMENT, "slice");
    dogb_graph_destroy(graph);
}

static void test_copies_are_equal(void **state) {
    (void)state;
    dogb_graph *graph = build("squeezenet1_0", "linear", 64);
    dogb_graph *copy = NULL;
    assert_ok(dogb_graph_copy(&copy, graph));
    assert_int_equal(copy->node_count, graph->node_count);
    assert_int_equal(copy->output, graph->output);
    assert_int_equal(copy->feature, graph->feature);
    for (int32_t i = 0; i < graph->param_count; i++) {
        assert_string_equal(copy->params[i].name, graph->params[i].name);
        assert_int_equal(copy->params[i].init, graph->params[i].init);
    }
    dogb_graph_destroy(copy);
    dogb_graph_destroy(graph);
}

// Runs `make` with the 1st, 2nd, ... allocation failing until it gets through.
static void test_out_of_memory_everywhere(void **state) {
    (void)state;
    dogb_graph *graph = build("tiny", "mlp:4", 16);
    void **weights = nets_weights(graph, 1);
    for (int what = 0; what < 3; what++) {
        int rc = -1;
        for (int at = 0; rc < 0 && at < 2000; at++) {
            dogb_graph *out = NULL;
            const void *const *out_weights = NULL;
            memory_fail_after(at);
            if (what == 0) {
                rc = dogb_graph_slice(&out, graph, 0, graph->output);
            } else if (what == 1) {
                rc = dogb_graph_fold(&out, &out_weights, graph, (const void *const *)weights);
            } else {
                const dogb_arch *arch = dogb_arch_at(0);
                dogb_arch_options options = {"linear", 3, 32};
                rc = dogb_arch_build(&out, arch, &options);
            }
            (void)memory_restore();
            if (rc < 0) {
                assert_int_equal(rc, DOGBREED_ERROR_NO_MEMORY);
                assert_null(out);
            }
            dogb_graph_destroy(out);
        }
        assert_int_equal(rc, 0);
    }
    nets_free(graph, weights);
    dogb_graph_destroy(graph);
}

static void heads_are_known(void **state) {
    (void)state;
    static const struct {
        const char *architecture;
        const char *head;
        dogb_head_nodes nodes;
    } rows[] = {
        {"resnet18", "original", {1, {0, 0}, {1, 0}, 0}},
        {"mobilenet_v2", "linear", {1, {1, 0}, {2, 0}, 0}},
        {"resnet18", "mlp:5", {2, {0, 3}, {1, 4}, 2}},
        {"mobilenet_v2", "mlp:5:0.3", {2, {1, 4}, {2, 5}, 3}},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const dogb_arch *arch = NULL;
        dogb_graph *graph = NULL;
        dogb_graph *head = NULL;
        dogb_head_nodes found;
        dogb_arch_options options = {rows[i].head, 4, 64};
        assert_ok(dogb_arch_find(&arch, rows[i].architecture));
        assert_ok(dogb_arch_build(&graph, arch, &options));
        assert_false(dogb_graph_head(&found, graph));
        assert_ok(dogb_graph_slice(&head, graph, graph->feature, graph->output));
        assert_true(dogb_graph_head(&found, head));
        assert_memory_equal(&found, &rows[i].nodes, sizeof found);
        dogb_graph_destroy(head);
        dogb_graph_destroy(graph);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(heads_are_known),
        cmocka_unit_test(test_folded_networks_compute_the_same),
        cmocka_unit_test(test_folding_stops_where_a_value_is_shared),
        cmocka_unit_test(test_two_slices_make_the_whole),
        cmocka_unit_test(test_inner_slices),
        cmocka_unit_test(test_copies_are_equal),
        cmocka_unit_test(test_out_of_memory_everywhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
