// Building: shapes as torch has them, and every wrong call named.
#include "test.h"

#include "graph/graph.h"

static dogb_graph *start(int32_t channels, int32_t height, int32_t width) {
    dogb_graph *graph = NULL;
    assert_ok(dogb_graph_create(&graph, "test"));
    assert_int_equal(dogb_graph_input(graph, channels, height, width), 0);
    return graph;
}

static void assert_shape(const dogb_graph *graph, int32_t node, int64_t c, int64_t h, int64_t w) {
    assert_true(node > 0);
    assert_int_equal(graph->nodes[node].shape[0], c);
    assert_int_equal(graph->nodes[node].shape[1], h);
    assert_int_equal(graph->nodes[node].shape[2], w);
}

static void test_shapes(void **state) {
    (void)state;
    dogb_graph *graph = start(3, 15, 10);
    dogb_conv conv = {.out = 8, .kernel = 3, .stride = 2, .padding = 1, .dilation = 2, .bias = 1};
    int32_t x = dogb_graph_conv(graph, 0, "conv", &conv);
    assert_shape(graph, x, 8, 7, 4);
    assert_shape(graph, dogb_graph_max_pool(graph, x, "floor", 2, 2, 0, 0), 8, 3, 2);
    assert_shape(graph, dogb_graph_max_pool(graph, x, "ceil", 2, 2, 0, 1), 8, 4, 2);
    // A last window that would start in the padding on the right is dropped.
    assert_shape(graph, dogb_graph_max_pool(graph, x, "pad", 2, 3, 1, 1), 8, 3, 2);
    // Even the first window may reach over the edge: 6 rows from 4 columns at stride 3.
    assert_shape(graph, dogb_graph_max_pool(graph, x, "wide", 6, 3, 0, 1), 8, 2, 1);
    assert_shape(graph, dogb_graph_avg_pool(graph, x, "avg", 3, 2, 1, 0, 1), 8, 4, 2);
    int32_t both[2] = {x, x};
    assert_shape(graph, dogb_graph_cat(graph, both, 2, "cat"), 16, 7, 4);
    x = dogb_graph_batch_norm(graph, x, "bn", 1e-5, 0.1, DOGB_INIT_ONE);
    x = dogb_graph_adaptive_avg_pool(graph, x, "pool", 2, 3);
    assert_shape(graph, x, 8, 2, 3);
    x = dogb_graph_flatten(graph, x, "flatten");
    assert_shape(graph, x, 48, 1, 1);
    assert_int_equal(graph->nodes[x].rank, 1);
    graph->feature = x;
    x = dogb_graph_linear(graph, x, "fc", 5, DOGB_INIT_NORMAL, 0.01, DOGB_INIT_ZERO);
    assert_ok(dogb_graph_finish(graph, x));
    assert_int_equal(graph->param_count, 2 + 5 + 2);
    assert_int_equal(dogb_graph_parameter_total(graph), 8 * 27 + 8 + 16 + 5 * 48 + 5);
    assert_int_equal(dogb_graph_multiply_adds(graph, x), 5 * 48);
    assert_int_equal(dogb_graph_multiply_adds(graph, -1), 5 * 48 + 8 * 28 * 27);
    assert_string_equal(graph->params[0].name, "conv.weight");
    int32_t counter = dogb_graph_find_param(graph, "bn.num_batches_tracked");
    assert_int_equal(graph->params[counter].role, DOGB_ROLE_COUNTER);
    assert_int_equal(graph->params[counter].rank, 0);
    assert_int_equal(graph->params[counter].count, 1);
    assert_true(dogb_graph_is_buffer(&graph->params[counter]));
    assert_false(dogb_graph_is_buffer(&graph->params[0]));
    assert_int_equal(dogb_graph_find_node(graph, "nothing"), -1);
    assert_int_equal(dogb_graph_find_param(graph, "bn"), -1);
    dogb_graph_destroy(graph);
    dogb_graph_destroy(NULL);
}

static void test_stage_end(void **state) {
    (void)state;
    dogb_graph *graph = start(3, 8, 8);
    int32_t a = dogb_graph_relu(graph, 0, "layer1.0.relu");
    int32_t b = dogb_graph_relu(graph, a, "layer1.1.relu");
    int32_t c = dogb_graph_relu(graph, b, "layer10.relu");
    assert_ok(dogb_graph_finish(graph, c));
    assert_int_equal(dogb_graph_stage_end(graph, "layer1"), b);
    assert_int_equal(dogb_graph_stage_end(graph, "layer1.0"), a);
    assert_int_equal(dogb_graph_stage_end(graph, "layer10.relu"), c);
    assert_int_equal(dogb_graph_stage_end(graph, "layer2"), -1);
    assert_int_equal(dogb_graph_stage_end(graph, ""), -1);
    dogb_graph_destroy(graph);
}

static const dogb_conv fine = {.out = 4, .kernel = 3};

static dogb_conv with(void (*change)(dogb_conv *conv)) {
    dogb_conv conv = fine;
    change(&conv);
    return conv;
}

static void no_output(dogb_conv *conv) {
    conv->out = 0;
}
static void huge_output(dogb_conv *conv) {
    conv->out = INT32_MAX;
}
static void negative_kernel(dogb_conv *conv) {
    conv->kernel = -1;
}
static void big_kernel(dogb_conv *conv) {
    conv->kernel = 9;
}
static void negative_stride(dogb_conv *conv) {
    conv->stride = -2;
}
static void negative_padding(dogb_conv *conv) {
    conv->padding = -1;
}
static void wide_dilation(dogb_conv *conv) {
    conv->dilation = 100000;
}
static void bad_groups(dogb_conv *conv) {
    conv->groups = 2;
}

// Each wrong convolution fails with its node's name; later calls do nothing and finish reports it.
static void test_wrong_convolutions(void **state) {
    (void)state;
    void (*const changes[])(dogb_conv *) = {no_output,     huge_output,     negative_kernel,
                                            big_kernel,    negative_stride, negative_padding,
                                            wide_dilation, bad_groups};
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        dogb_graph *graph = start(3, 8, 8);
        dogb_conv conv = with(changes[i]);
        assert_int_equal(dogb_graph_conv(graph, 0, "wrong.conv", &conv), -1);
        assert_int_equal(dogb_graph_relu(graph, 0, "relu"), -1);
        assert_fails(dogb_graph_finish(graph, 0), DOGBREED_ERROR_FORMAT, "wrong.conv");
        dogb_graph_destroy(graph);
    }
}

static void expect_failure(dogb_graph *graph, int32_t node, const char *part) {
    assert_int_equal(node, -1);
    assert_fails(dogb_graph_finish(graph, 1), DOGBREED_ERROR_FORMAT, part);
    dogb_graph_destroy(graph);
}

static void test_wrong_calls(void **state) {
    (void)state;
    dogb_graph *graph = start(3, 8, 8);
    expect_failure(graph, dogb_graph_linear(graph, 0, "fc", 4, 0, 0, 0), "fc");
    graph = start(3, 8, 8);
    expect_failure(graph, dogb_graph_relu(graph, 1, "ahead"), "ahead");
    graph = start(3, 8, 8);
    expect_failure(graph, dogb_graph_relu(graph, -5, "before"), "before");
    graph = start(3, 8, 8);
    expect_failure(graph, dogb_graph_relu(graph, 0, ""), "name");
    graph = start(3, 8, 8);
    expect_failure(graph, dogb_graph_relu(graph, 0, "a b"), "a b");
    graph = start(3, 8, 8);
    expect_failure(graph, dogb_graph_dropout(graph, 0, "drop", 1.0), "drop");
    graph = start(3, 8, 8);
    expect_failure(graph, dogb_graph_batch_norm(graph, 0, "bn", -1, 0.1, 1), "bn");
    graph = start(3, 8, 8);
    expect_failure(graph, dogb_graph_max_pool(graph, 0, "pool", 3, 2, 2, 0), "pool");
    graph = start(3, 8, 8);
    expect_failure(graph, dogb_graph_adaptive_avg_pool(graph, 0, "pool", 0, 1), "pool");
    graph = start(3, 8, 8);
    expect_failure(graph, dogb_graph_cat(graph, NULL, 0, "cat"), "cat");
    graph = start(3, 8, 8);
    int32_t flat = dogb_graph_flatten(graph, 0, "flat");
    expect_failure(graph, dogb_graph_add(graph, 0, flat, "sum"), "sum");
    graph = start(3, 8, 8);
    expect_failure(graph, dogb_graph_input(graph, 3, 8, 8), "input");
    assert_ok(dogb_graph_create(&graph, "test"));
    expect_failure(graph, dogb_graph_relu(graph, 0, "first"), "first");
    assert_ok(dogb_graph_create(&graph, "test"));
    expect_failure(graph, dogb_graph_input(graph, 3, 1 << 17, 8), "input");
    assert_ok(dogb_graph_create(&graph, "test"));
    expect_failure(graph, dogb_graph_input(graph, 1 << 20, 1 << 12, 8), "input");
    assert_ok(dogb_graph_create(&graph, "test"));
    expect_failure(graph, dogb_graph_input_vector(graph, 0), "input");
}

static void test_finish_checks_the_whole(void **state) {
    (void)state;
    dogb_graph *graph = start(3, 8, 8);
    int32_t a = dogb_graph_relu(graph, 0, "twice");
    int32_t b = dogb_graph_relu(graph, a, "twice");
    assert_fails(dogb_graph_finish(graph, b), DOGBREED_ERROR_FORMAT, "twice");
    dogb_graph_destroy(graph);
    graph = start(3, 8, 8);
    assert_fails(dogb_graph_finish(graph, 0), DOGBREED_ERROR_FORMAT, "output");
    dogb_graph_destroy(graph);
    graph = start(3, 8, 8);
    a = dogb_graph_relu(graph, 0, "relu");
    graph->feature = a;
    assert_fails(dogb_graph_finish(graph, a), DOGBREED_ERROR_FORMAT, "feature");
    dogb_graph_destroy(graph);
    // 2^16 x 2^12 pixels times a 2^12 x 2^12 window: far too much work for one sample.
    graph = start(1, 65536, 32767);
    a = dogb_graph_avg_pool(graph, 0, "slow", 4095, 1, 2047, 0, 0);
    assert_true(a > 0);
    assert_fails(dogb_graph_finish(graph, a), DOGBREED_ERROR_FORMAT, "too large");
    dogb_graph_destroy(graph);
    graph = start(1024, 1, 1);
    a = dogb_graph_flatten(graph, 0, "flat");
    a = dogb_graph_linear(graph, a, "wide", 1 << 22, 0, 0, 0);
    assert_int_equal(a, -1);
    assert_fails(dogb_graph_finish(graph, 1), DOGBREED_ERROR_FORMAT, "wide");
    dogb_graph_destroy(graph);
}

static void test_op_names(void **state) {
    (void)state;
    assert_string_equal(dogb_op_name(DOGB_OP_CONV2D), "conv2d");
    assert_string_equal(dogb_op_name(DOGB_OP_DROPOUT), "dropout");
    assert_string_equal(dogb_op_name(-1), "unknown");
    assert_string_equal(dogb_op_name(DOGB_OP_COUNT), "unknown");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shapes),
        cmocka_unit_test(test_stage_end),
        cmocka_unit_test(test_wrong_convolutions),
        cmocka_unit_test(test_wrong_calls),
        cmocka_unit_test(test_finish_checks_the_whole),
        cmocka_unit_test(test_op_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
