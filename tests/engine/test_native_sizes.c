// test_native_sizes.c - single layers of the native engine at the ends of what sizes can be,
// against the reference engine: pictures of 1x1 to 600x600, lines, and 1 to 2000 channels.
#include "engine/native_net.h"

typedef struct size_case {
    int32_t in;
    int32_t height;
    int32_t width;
    int32_t out;
    int32_t kernel;
    int32_t stride;
    int32_t depthwise;
} size_case;

// A picture in front of the layer, or another layer when `inner`.
static void check_layer(const size_case *c, int inner) {
    char name[96];
    dogb_graph *graph = NULL;
    assert_ok(dogb_graph_create(&graph, "test"));
    int32_t from = dogb_graph_input(graph, c->in, c->height, c->width);
    from = inner ? dogb_graph_relu(graph, from, "before") : from;
    dogb_conv conv = {.out = c->out,
                      .kernel = c->kernel,
                      .stride = c->stride,
                      .padding = c->kernel / 2,
                      .groups = c->depthwise ? c->in : 1,
                      .bias = 1};
    from = dogb_graph_conv(graph, from, "conv", &conv);
    (void)dogb_graph_relu6(graph, from, "after");
    (void)snprintf(name, sizeof name, "%dx%d, %d to %d channels, kernel %d, stride %d, inner %d",
                   c->height, c->width, c->in, c->out, c->kernel, c->stride, inner);
    check_in_turn(name, graph, 12);
}

static void test_convolutions_of_odd_sizes(void **state) {
    (void)state;
    static const size_case cases[] = {
        {64, 65, 3, 64, 5, 3, 0},    {3, 600, 600, 2, 1, 1, 0},   {1, 600, 599, 1, 5, 1, 0},
        {1, 1, 600, 5, 3, 1, 0},     {5, 600, 1, 9, 7, 2, 0},     {3, 1, 1, 2000, 7, 2, 0},
        {2000, 1, 1, 1, 1, 1, 0},    {1, 1, 1, 1, 1, 1, 0},       {2000, 1, 1, 1999, 1, 1, 0},
        {1999, 2, 3, 17, 3, 1, 0},   {17, 3, 2, 1999, 3, 2, 0},   {777, 7, 7, 130, 1, 1, 0},
        {100, 31, 33, 40, 3, 1, 0},  {1, 299, 301, 11, 3, 2, 0},  {3, 600, 600, 3, 3, 2, 0},
        {2000, 1, 1, 2000, 3, 1, 1}, {1999, 5, 4, 1999, 3, 2, 1}, {3, 600, 600, 3, 3, 1, 1},
        {33, 160, 1, 33, 5, 1, 1},   {7, 1, 299, 7, 3, 2, 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        check_layer(&cases[i], (int)i % 2);
    }
}

// The block of a mobile network on a picture of every size, in one and in many groups of rows.
static void test_blocks_of_odd_sizes(void **state) {
    (void)state;
    static const int32_t cases[][4] = {// height, width, channels, expanded
                                       {1, 1, 320, 1999},
                                       {600, 5, 3, 18},
                                       {3, 600, 4, 24},
                                       {150, 151, 2, 17},
                                       {7, 7, 160, 960}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        for (int32_t stride = 1; stride <= 2; stride++) {
            char name[64];
            dogb_graph *graph = NULL;
            dogb_conv wide = {.out = cases[i][3], .kernel = 1, .bias = 1};
            dogb_conv depth = {.out = cases[i][3],
                               .kernel = 3,
                               .stride = stride,
                               .padding = 1,
                               .groups = cases[i][3]};
            dogb_conv project = {.out = cases[i][2], .kernel = 1, .bias = 1};
            assert_ok(dogb_graph_create(&graph, "test"));
            int32_t input = dogb_graph_input(graph, cases[i][2], cases[i][0], cases[i][1]);
            int32_t at = dogb_graph_conv(graph, input, "wide", &wide);
            at = dogb_graph_conv(graph, dogb_graph_relu6(graph, at, "a"), "depth", &depth);
            at = dogb_graph_conv(graph, dogb_graph_relu6(graph, at, "b"), "project", &project);
            if (stride == 1) {
                (void)dogb_graph_add(graph, at, input, "add");
            }
            (void)snprintf(name, sizeof name, "block %zu, stride %d", i, stride);
            check_in_turn(name, graph, 13);
        }
    }
}

static void test_pools_and_vectors_of_odd_sizes(void **state) {
    (void)state;
    static const int32_t sides[][3] = {{1, 1, 2000}, {600, 600, 3}, {599, 1, 1}, {2, 600, 17}};
    for (size_t i = 0; i < sizeof sides / sizeof sides[0]; i++) {
        for (int kind = 0; kind < 4; kind++) {
            char name[32];
            dogb_graph *graph = NULL;
            assert_ok(dogb_graph_create(&graph, "test"));
            int32_t at = dogb_graph_input(graph, sides[i][2], sides[i][0], sides[i][1]);
            at = kind == 0   ? dogb_graph_max_pool(graph, at, "pool", 3, 2, 1, 1)
                 : kind == 1 ? dogb_graph_avg_pool(graph, at, "pool", 2, 2, 1, 1, 0)
                 : kind == 2 ? dogb_graph_adaptive_avg_pool(graph, at, "pool", 1, 1)
                             : dogb_graph_adaptive_avg_pool(graph, at, "pool", 13, 7);
            if (kind == 2) {
                at = dogb_graph_flatten(graph, at, "flatten");
                (void)dogb_graph_linear(graph, at, "linear", 1999, 0, 0, 0);
            }
            (void)snprintf(name, sizeof name, "pool %d, sides %zu", kind, i);
            check_in_turn(name, graph, 14);
        }
    }
}

int main(int argc, char **argv) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_convolutions_of_odd_sizes),
        cmocka_unit_test(test_blocks_of_odd_sizes),
        cmocka_unit_test(test_pools_and_vectors_of_odd_sizes),
    };
    take_dtype(argc, argv);
    return cmocka_run_group_tests(tests, native_sets, NULL);
}
