// squeezenet.c - SqueezeNet 1.0 and 1.1 (Iandola et al. 2016), with torchvision's module names and
// initialisation. Its own classifier is a convolution ("original"); other heads stand on the pooled
// features.
#include "arch/arch_internal.h"

#include <string.h>

// Squeeze channels of each fire module (it expands to 8 times as many); 0: a max pool in between.
static const int32_t fires_1_0[] = {16, 16, 32, 0, 32, 48, 48, 64, 0, 64, -1};
static const int32_t fires_1_1[] = {16, 16, 0, 32, 32, 0, 48, 48, 64, 64, -1};

static int32_t conv_relu(dogb_graph *graph, int32_t x, const char *name, const char *relu_name,
                         int32_t out, int32_t kernel, int32_t stride, int32_t padding) {
    dogb_conv conv = {.out = out,
                      .kernel = kernel,
                      .stride = stride,
                      .padding = padding,
                      .bias = 1,
                      .init = DOGB_INIT_KAIMING_UNIFORM,
                      .init_bias = DOGB_INIT_ZERO};
    x = dogb_graph_conv(graph, x, name, &conv);
    return dogb_graph_relu(graph, x, relu_name);
}

static int32_t fire(dogb_graph *graph, int32_t x, const char *name, int32_t squeeze) {
    x = conv_relu(graph, x, dogb_arch_join(name, "squeeze").text,
                  dogb_arch_join(name, "squeeze_activation").text, squeeze, 1, 1, 0);
    int32_t parts[2];
    parts[0] = conv_relu(graph, x, dogb_arch_join(name, "expand1x1").text,
                         dogb_arch_join(name, "expand1x1_activation").text, squeeze * 4, 1, 1, 0);
    parts[1] = conv_relu(graph, x, dogb_arch_join(name, "expand3x3").text,
                         dogb_arch_join(name, "expand3x3_activation").text, squeeze * 4, 3, 1, 1);
    return dogb_graph_cat(graph, parts, 2, dogb_arch_join(name, "cat").text);
}

int dogb_arch_squeezenet(dogb_graph *graph, const dogb_arch *arch,
                         const dogb_arch_options *options) {
    const int32_t *fires = arch->variant == 0 ? fires_1_0 : fires_1_1;
    int32_t x = arch->variant == 0 ? conv_relu(graph, 0, "features.0", "features.1", 96, 7, 2, 0)
                                   : conv_relu(graph, 0, "features.0", "features.1", 64, 3, 2, 0);
    x = dogb_graph_max_pool(graph, x, "features.2", 3, 2, 0, 1);
    for (int32_t i = 0; fires[i] >= 0; i++) {
        dogb_arch_name name = dogb_arch_join_index("features", 3 + i);
        x = fires[i] == 0 ? dogb_graph_max_pool(graph, x, name.text, 3, 2, 0, 1)
                          : fire(graph, x, name.text, fires[i]);
    }
    if (strcmp(options->head, "original") == 0) {
        dogb_conv conv = {.out = options->classes,
                          .kernel = 1,
                          .bias = 1,
                          .init = DOGB_INIT_NORMAL,
                          .scale = 0.01,
                          .init_bias = DOGB_INIT_ZERO};
        x = dogb_graph_dropout(graph, x, "classifier.0", 0.5);
        x = dogb_graph_conv(graph, x, "classifier.1", &conv);
        x = dogb_graph_relu(graph, x, "classifier.2");
        x = dogb_graph_adaptive_avg_pool(graph, x, "classifier.3", 1, 1);
        x = dogb_graph_flatten(graph, x, "flatten");
        return dogb_graph_finish(graph, x);
    }
    x = dogb_graph_adaptive_avg_pool(graph, x, "avgpool", 1, 1);
    x = dogb_graph_flatten(graph, x, "flatten");
    x = dogb_arch_head(graph, x, "classifier.1", 0.5, options, DOGB_INIT_UNIFORM_FAN_IN, 0,
                       DOGB_INIT_UNIFORM_FAN_IN);
    return dogb_graph_finish(graph, x);
}
