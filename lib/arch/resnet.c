// resnet.c - ResNet v1.5 (He et al. 2016; the stride of a bottleneck sits in its 3x3 convolution),
// with torchvision's module names, initialisation and batch-norm constants.
#include "arch/arch_internal.h"

#include "core/error.h"

typedef struct resnet_row {
    int32_t depth;
    int32_t bottleneck;
    int32_t blocks[4];
} resnet_row;

static const resnet_row rows[] = {
    {18, 0, {2, 2, 2, 2}},   {34, 0, {3, 4, 6, 3}},   {50, 1, {3, 4, 6, 3}},
    {101, 1, {3, 4, 23, 3}}, {152, 1, {3, 8, 36, 3}},
};

static int32_t conv_bn(dogb_graph *graph, int32_t x, const char *conv_name, const char *bn_name,
                       int32_t out, int32_t kernel, int32_t stride) {
    dogb_conv conv = {.out = out,
                      .kernel = kernel,
                      .stride = stride,
                      .padding = kernel / 2,
                      .init = DOGB_INIT_KAIMING_NORMAL_FAN_OUT};
    x = dogb_graph_conv(graph, x, conv_name, &conv);
    return dogb_graph_batch_norm(graph, x, bn_name, 1e-5, 0.1, DOGB_INIT_ONE);
}

// One block of `width` planes; a bottleneck widens its output four times.
static int32_t block(dogb_graph *graph, int32_t x, const char *name, const resnet_row *row,
                     int32_t width, int32_t stride, int32_t project) {
    int32_t identity = x;
    int32_t out = row->bottleneck ? width * 4 : width;
    if (row->bottleneck) {
        x = conv_bn(graph, x, dogb_arch_join(name, "conv1").text, dogb_arch_join(name, "bn1").text,
                    width, 1, 1);
        x = dogb_graph_relu(graph, x, dogb_arch_join(name, "relu").text);
        x = conv_bn(graph, x, dogb_arch_join(name, "conv2").text, dogb_arch_join(name, "bn2").text,
                    width, 3, stride);
        x = dogb_graph_relu(graph, x, dogb_arch_join(name, "relu_1").text);
        x = conv_bn(graph, x, dogb_arch_join(name, "conv3").text, dogb_arch_join(name, "bn3").text,
                    out, 1, 1);
    } else {
        x = conv_bn(graph, x, dogb_arch_join(name, "conv1").text, dogb_arch_join(name, "bn1").text,
                    width, 3, stride);
        x = dogb_graph_relu(graph, x, dogb_arch_join(name, "relu").text);
        x = conv_bn(graph, x, dogb_arch_join(name, "conv2").text, dogb_arch_join(name, "bn2").text,
                    out, 3, 1);
    }
    if (project) {
        identity = conv_bn(graph, identity, dogb_arch_join(name, "downsample.0").text,
                           dogb_arch_join(name, "downsample.1").text, out, 1, stride);
    }
    x = dogb_graph_add(graph, x, identity, dogb_arch_join(name, "add").text);
    // The module `relu` of a block is called more than once; later calls get a number.
    return dogb_graph_relu(graph, x,
                           dogb_arch_join(name, row->bottleneck ? "relu_2" : "relu_1").text);
}

int dogb_arch_resnet(dogb_graph *graph, const dogb_arch *arch, const dogb_arch_options *options) {
    static const char *const layers[4] = {"layer1", "layer2", "layer3", "layer4"};
    const resnet_row *row = NULL;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (rows[i].depth == arch->variant) {
            row = &rows[i];
        }
    }
    if (row == NULL) {
        return dogb_fail(DOGBREED_ERROR_INTERNAL, "resnet: no row for depth %d", arch->variant);
    }
    int32_t x = conv_bn(graph, 0, "conv1", "bn1", 64, 7, 2);
    x = dogb_graph_relu(graph, x, "relu");
    x = dogb_graph_max_pool(graph, x, "maxpool", 3, 2, 1, 0);
    int32_t width = 64;
    for (int32_t layer = 0; layer < 4; layer++, width *= 2) {
        for (int32_t i = 0; i < row->blocks[layer]; i++) {
            int32_t stride = layer > 0 && i == 0 ? 2 : 1;
            int32_t project = i == 0 && (layer > 0 || row->bottleneck);
            x = block(graph, x, dogb_arch_join_index(layers[layer], i).text, row, width, stride,
                      project);
        }
    }
    x = dogb_graph_adaptive_avg_pool(graph, x, "avgpool", 1, 1);
    x = dogb_graph_flatten(graph, x, "flatten");
    x = dogb_arch_head(graph, x, "fc", 0, options, DOGB_INIT_UNIFORM_FAN_IN, 0,
                       DOGB_INIT_UNIFORM_FAN_IN);
    return dogb_graph_finish(graph, x);
}
