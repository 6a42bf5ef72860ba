// build.c - the calls that architectures make: one per operation, square windows.
#include "graph/graph_internal.h"

int32_t dogb_graph_input(dogb_graph *graph, int32_t channels, int32_t height, int32_t width) {
    dogb_node node = {
        .name = "input", .op = DOGB_OP_INPUT, .rank = 3, .shape = {channels, height, width}};
    return dogb_graph_append(graph, &node, NULL, 0, NULL);
}

int32_t dogb_graph_input_vector(dogb_graph *graph, int32_t features) {
    dogb_node node = {.name = "input", .op = DOGB_OP_INPUT, .rank = 1, .shape = {features, 1, 1}};
    return dogb_graph_append(graph, &node, NULL, 0, NULL);
}

static int32_t or_one(int32_t value) {
    return value == 0 ? 1 : value;
}

int32_t dogb_graph_conv(dogb_graph *graph, int32_t input, const char *name, const dogb_conv *conv) {
    int32_t stride = or_one(conv->stride);
    int32_t dilation = or_one(conv->dilation);
    dogb_node node = {.name = name,
                      .op = DOGB_OP_CONV2D,
                      .kernel = {conv->kernel, conv->kernel},
                      .stride = {stride, stride},
                      .padding = {conv->padding, conv->padding},
                      .dilation = {dilation, dilation},
                      .groups = or_one(conv->groups),
                      .channels_out = conv->out,
                      .has_bias = conv->bias != 0};
    dogb_node_init init = {conv->init, conv->init_bias, conv->scale};
    return dogb_graph_append(graph, &node, &input, 1, &init);
}

int32_t dogb_graph_linear(dogb_graph *graph, int32_t input, const char *name, int32_t out,
                          int32_t init, double scale, int32_t init_bias) {
    dogb_node node = {.name = name, .op = DOGB_OP_LINEAR, .channels_out = out, .has_bias = 1};
    dogb_node_init start = {init, init_bias, scale};
    return dogb_graph_append(graph, &node, &input, 1, &start);
}

int32_t dogb_graph_batch_norm(dogb_graph *graph, int32_t input, const char *name, double eps,
                              double momentum, int32_t init_weight) {
    dogb_node node = {.name = name, .op = DOGB_OP_BATCH_NORM, .eps = eps, .momentum = momentum};
    dogb_node_init start = {init_weight, DOGB_INIT_ZERO, 0};
    return dogb_graph_append(graph, &node, &input, 1, &start);
}

static int32_t plain(dogb_graph *graph, int32_t input, const char *name, int32_t op) {
    dogb_node node = {.name = name, .op = op};
    return dogb_graph_append(graph, &node, &input, 1, NULL);
}

int32_t dogb_graph_relu(dogb_graph *graph, int32_t input, const char *name) {
    return plain(graph, input, name, DOGB_OP_RELU);
}

int32_t dogb_graph_relu6(dogb_graph *graph, int32_t input, const char *name) {
    return plain(graph, input, name, DOGB_OP_RELU6);
}

int32_t dogb_graph_flatten(dogb_graph *graph, int32_t input, const char *name) {
    return plain(graph, input, name, DOGB_OP_FLATTEN);
}

int32_t dogb_graph_max_pool(dogb_graph *graph, int32_t input, const char *name, int32_t kernel,
                            int32_t stride, int32_t padding, int32_t ceil_mode) {
    dogb_node node = {.name = name,
                      .op = DOGB_OP_MAX_POOL,
                      .kernel = {kernel, kernel},
                      .stride = {stride, stride},
                      .padding = {padding, padding},
                      .dilation = {1, 1},
                      .ceil_mode = ceil_mode != 0};
    return dogb_graph_append(graph, &node, &input, 1, NULL);
}

int32_t dogb_graph_avg_pool(dogb_graph *graph, int32_t input, const char *name, int32_t kernel,
                            int32_t stride, int32_t padding, int32_t ceil_mode, int32_t count_pad) {
    dogb_node node = {.name = name,
                      .op = DOGB_OP_AVG_POOL,
                      .kernel = {kernel, kernel},
                      .stride = {stride, stride},
                      .padding = {padding, padding},
                      .dilation = {1, 1},
                      .ceil_mode = ceil_mode != 0,
                      .count_pad = count_pad != 0};
    return dogb_graph_append(graph, &node, &input, 1, NULL);
}

int32_t dogb_graph_adaptive_avg_pool(dogb_graph *graph, int32_t input, const char *name,
                                     int32_t height, int32_t width) {
    dogb_node node = {.name = name, .op = DOGB_OP_ADAPTIVE_AVG_POOL, .kernel = {height, width}};
    return dogb_graph_append(graph, &node, &input, 1, NULL);
}

int32_t dogb_graph_add(dogb_graph *graph, int32_t a, int32_t b, const char *name) {
    int32_t inputs[2] = {a, b};
    dogb_node node = {.name = name, .op = DOGB_OP_ADD};
    return dogb_graph_append(graph, &node, inputs, 2, NULL);
}

int32_t dogb_graph_cat(dogb_graph *graph, const int32_t *inputs, int32_t count, const char *name) {
    dogb_node node = {.name = name, .op = DOGB_OP_CAT};
    return dogb_graph_append(graph, &node, inputs, count, NULL);
}

int32_t dogb_graph_dropout(dogb_graph *graph, int32_t input, const char *name, double p) {
    dogb_node node = {.name = name, .op = DOGB_OP_DROPOUT, .p = p};
    return dogb_graph_append(graph, &node, &input, 1, NULL);
}
