// mobilenet_v2.c - MobileNetV2 of width 1.0 (Sandler et al. 2018), with torchvision's module names,
// initialisation and batch-norm constants.
#include "arch/arch_internal.h"

// Expansion, output channels, repeats, stride of the first: table 2 of the paper. All channel
// counts are multiples of 8 already, so torchvision's rounding changes none.
static const int32_t settings[7][4] = {
    {1, 16, 1, 1}, {6, 24, 2, 2},  {6, 32, 3, 2},  {6, 64, 4, 2},
    {6, 96, 3, 1}, {6, 160, 3, 2}, {6, 320, 1, 1},
};

static int32_t conv_bn(dogb_graph *graph, int32_t x, const char *conv_name, const char *bn_name,
                       const dogb_conv *shape) {
    dogb_conv conv = *shape;
    conv.padding = (conv.kernel - 1) / 2;
    conv.init = DOGB_INIT_KAIMING_NORMAL_FAN_OUT;
    x = dogb_graph_conv(graph, x, conv_name, &conv);
    return dogb_graph_batch_norm(graph, x, bn_name, 1e-5, 0.1, DOGB_INIT_ONE);
}

// Conv2dNormActivation: convolution .0, batch norm .1, relu6 .2.
static int32_t conv_bn_relu6(dogb_graph *graph, int32_t x, const char *name,
                             const dogb_conv *shape) {
    x = conv_bn(graph, x, dogb_arch_join(name, "0").text, dogb_arch_join(name, "1").text, shape);
    return dogb_graph_relu6(graph, x, dogb_arch_join(name, "2").text);
}

static int32_t inverted_residual(dogb_graph *graph, int32_t x, const char *name, int32_t in,
                                 int32_t out, int32_t expansion, int32_t stride) {
    int32_t identity = x;
    int32_t hidden = in * expansion;
    int32_t part = 0;
    dogb_arch_name conv = dogb_arch_join(name, "conv");
    if (expansion != 1) {
        x = conv_bn_relu6(graph, x, dogb_arch_join_index(conv.text, part++).text,
                          &(dogb_conv){.out = hidden, .kernel = 1});
    }
    x = conv_bn_relu6(graph, x, dogb_arch_join_index(conv.text, part++).text,
                      &(dogb_conv){.out = hidden, .kernel = 3, .stride = stride, .groups = hidden});
    dogb_arch_name project = dogb_arch_join_index(conv.text, part++);
    x = conv_bn(graph, x, project.text, dogb_arch_join_index(conv.text, part).text,
                &(dogb_conv){.out = out, .kernel = 1});
    return stride == 1 && in == out
               ? dogb_graph_add(graph, identity, x, dogb_arch_join(name, "add").text)
               : x;
}

int dogb_arch_mobilenet_v2(dogb_graph *graph, const dogb_arch *arch,
                           const dogb_arch_options *options) {
    (void)arch;
    int32_t index = 0;
    int32_t channels = 32;
    int32_t x = conv_bn_relu6(graph, 0, dogb_arch_join_index("features", index++).text,
                              &(dogb_conv){.out = channels, .kernel = 3, .stride = 2});
    for (size_t row = 0; row < sizeof settings / sizeof settings[0]; row++) {
        const int32_t *s = settings[row];
        for (int32_t i = 0; i < s[2]; i++) {
            x = inverted_residual(graph, x, dogb_arch_join_index("features", index++).text,
                                  channels, s[1], s[0], i == 0 ? s[3] : 1);
            channels = s[1];
        }
    }
    x = conv_bn_relu6(graph, x, dogb_arch_join_index("features", index).text,
                      &(dogb_conv){.out = 1280, .kernel = 1});
    x = dogb_graph_adaptive_avg_pool(graph, x, "avgpool", 1, 1);
    x = dogb_graph_flatten(graph, x, "flatten");
    x = dogb_arch_head(graph, x, "classifier.1", 0.2, options, DOGB_INIT_NORMAL, 0.01,
                       DOGB_INIT_ZERO);
    return dogb_graph_finish(graph, x);
}
