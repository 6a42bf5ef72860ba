// tiny.c - a small residual network for 32x32 pictures: what tests and first trials train in
// milliseconds. 14,416 weights and 33 per class. Modules are named as in resnet.
#include "arch/arch_internal.h"

static int32_t conv_bn(dogb_graph *graph, int32_t x, const char *conv_name, const char *bn_name,
                       int32_t out, int32_t stride) {
    dogb_conv conv = {.out = out,
                      .kernel = 3,
                      .stride = stride,
                      .padding = 1,
                      .init = DOGB_INIT_KAIMING_NORMAL_FAN_OUT};
    x = dogb_graph_conv(graph, x, conv_name, &conv);
    return dogb_graph_batch_norm(graph, x, bn_name, 1e-5, 0.1, DOGB_INIT_ONE);
}

int dogb_arch_tiny(dogb_graph *graph, const dogb_arch *arch, const dogb_arch_options *options) {
    (void)arch;
    int32_t x = conv_bn(graph, 0, "conv1", "bn1", 16, 1);
    x = dogb_graph_relu(graph, x, "relu1");
    x = dogb_graph_max_pool(graph, x, "maxpool", 2, 2, 0, 0);
    x = conv_bn(graph, x, "conv2", "bn2", 32, 2);
    x = dogb_graph_relu(graph, x, "relu2");
    int32_t identity = x;
    x = conv_bn(graph, x, "conv3", "bn3", 32, 1);
    x = dogb_graph_add(graph, x, identity, "add");
    x = dogb_graph_relu(graph, x, "relu3");
    x = dogb_graph_adaptive_avg_pool(graph, x, "avgpool", 1, 1);
    x = dogb_graph_flatten(graph, x, "flatten");
    x = dogb_arch_head(graph, x, "fc", 0, options, DOGB_INIT_UNIFORM_FAN_IN, 0,
                       DOGB_INIT_UNIFORM_FAN_IN);
    return dogb_graph_finish(graph, x);
}
