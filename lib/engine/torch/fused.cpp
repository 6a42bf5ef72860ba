// fused.cpp - a folded graph on the CPU with oneDNN's fused operations: bias, residual addition and
// activation run inside the convolution, on weights that were reordered once. The functions are
// those that torch.compile generates calls to; they are reached through the dispatcher because
// libtorch does not export oneDNN itself.
//
// Logits of an image do not depend on the number of images beside it: a convolution's result does
// not depend on the batch, and linear layers always see blocks of `row_block` rows, on one thread.
#include "engine/torch/internal.h"

#include <ATen/Context.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/ops/hardtanh.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/relu.h>
#include <ATen/ops/zeros.h>
#include <c10/core/InferenceMode.h>

#include <mutex>

namespace dogb_torch {

static const int64_t row_block = 4;

typedef c10::List<std::optional<at::Scalar>> scalars;
typedef std::optional<at::Tensor> maybe_tensor;
typedef std::optional<std::string_view> maybe_text;

// mkldnn::_convolution_pointwise(X, W, B, padding, stride, dilation, groups, attr, scalars,
// algorithm)
typedef at::Tensor conv_fn(const at::Tensor &, const at::Tensor &, const maybe_tensor &,
                           at::IntArrayRef, at::IntArrayRef, at::IntArrayRef, int64_t,
                           std::string_view, scalars, maybe_text);
// mkldnn::_convolution_pointwise_.binary(other, X, W, B, padding, stride, dilation, groups,
// binary_attr, alpha, unary_attr, unary_scalars, unary_algorithm): adds into `other`
typedef at::Tensor &conv_add_in_fn(at::Tensor &, const at::Tensor &, const at::Tensor &,
                                   const maybe_tensor &, at::IntArrayRef, at::IntArrayRef,
                                   at::IntArrayRef, int64_t, std::string_view,
                                   std::optional<at::Scalar>, maybe_text, scalars, maybe_text);
// mkldnn::_convolution_pointwise.binary(X, other, W, ...): the sum is a new tensor
typedef at::Tensor conv_add_fn(const at::Tensor &, const at::Tensor &, const at::Tensor &,
                               const maybe_tensor &, at::IntArrayRef, at::IntArrayRef,
                               at::IntArrayRef, int64_t, std::string_view,
                               std::optional<at::Scalar>, maybe_text, scalars, maybe_text);
// mkldnn::_reorder_convolution_weight(self, padding, stride, dilation, groups, input_size)
typedef at::Tensor reorder_fn(const at::Tensor &, at::IntArrayRef, at::IntArrayRef, at::IntArrayRef,
                              int64_t, at::OptionalIntArrayRef);

struct Conv {
    at::Tensor weight; // reordered for pieces on one thread
    at::Tensor alone;  // reordered for one image on all threads; made when first needed
    maybe_tensor bias;
    std::vector<int64_t> padding, stride, dilation, input;
    std::string activation;
    scalars bounds;
    bool add_in_place; // the residual is not read by anybody else any more
};

struct InferNet {
    InferNet(c10::OperatorHandle conv_op, c10::OperatorHandle add_op, c10::OperatorHandle add_in_op,
             c10::OperatorHandle reorder_op)
        : conv(conv_op.typed<conv_fn>()), conv_add(add_op.typed<conv_add_fn>()),
          conv_add_in(add_in_op.typed<conv_add_in_fn>()), reorder(reorder_op.typed<reorder_fn>()) {
    }
    c10::TypedOperatorHandle<conv_fn> conv;
    c10::TypedOperatorHandle<conv_add_fn> conv_add;
    c10::TypedOperatorHandle<conv_add_in_fn> conv_add_in;
    c10::TypedOperatorHandle<reorder_fn> reorder;
    std::vector<Conv> convs; // by node; empty for other operations
    std::once_flag alone_once;
};

static std::vector<int64_t> wide(const int32_t (&from)[2]) {
    return std::vector<int64_t>(from, from + 2);
}

static Conv make_conv(dogb_net *net, InferNet *fast, int32_t index) {
    const dogb_node &node = net->graph.nodes[(size_t)index];
    const dogb_node &from = net->graph.nodes[(size_t)node.inputs[0]];
    Conv conv;
    conv.padding = wide(node.padding);
    conv.stride = wide(node.stride);
    conv.dilation = wide(node.dilation);
    conv.input = {row_block, from.shape[0], from.shape[1], from.shape[2]};
    at::Tensor &weight = net->params[(size_t)node.first_param];
    conv.weight = fast->reorder.call(weight.to(net->dtype), conv.padding, conv.stride,
                                     conv.dilation, node.groups, conv.input);
    weight.reset(); // the reordered copy is enough
    if (node.has_bias != 0) {
        conv.bias = net->params[(size_t)node.first_param + 1].to(net->dtype);
    }
    conv.activation = "none";
    if (node.activation == DOGB_OP_RELU) {
        conv.activation = "relu";
    } else if (node.activation == DOGB_OP_RELU6) {
        conv.activation = "hardtanh";
        conv.bounds.push_back(at::Scalar(0.0));
        conv.bounds.push_back(at::Scalar(6.0));
    }
    // Not over the convolution's own input.
    conv.add_in_place = node.residual != 0 && node.inputs[1] != 0 &&
                        node.inputs[1] != node.inputs[0] &&
                        net->graph.last_use[(size_t)node.inputs[1]] == index;
    return conv;
}

int fused_create(dogb_net *net) {
    c10::Dispatcher &dispatcher = c10::Dispatcher::singleton();
    auto conv = dispatcher.findSchema({"mkldnn::_convolution_pointwise", ""});
    auto add = dispatcher.findSchema({"mkldnn::_convolution_pointwise", "binary"});
    auto add_in = dispatcher.findSchema({"mkldnn::_convolution_pointwise_", "binary"});
    auto reorder = dispatcher.findSchema({"mkldnn::_reorder_convolution_weight", ""});
    if (!net->device.is_cpu() || !at::hasMKLDNN() || !conv || !add || !add_in || !reorder) {
        return DOGBREED_OK; // the interpreter does it
    }
    c10::InferenceMode inference;
    auto fast = std::make_shared<InferNet>(*conv, *add, *add_in, *reorder);
    accel_threads(1); // oneDNN's choice of layout depends on the number of threads
    fast->convs.resize(net->graph.nodes.size());
    for (size_t i = 1; i < net->graph.nodes.size(); i++) {
        if (net->graph.nodes[i].op == DOGB_OP_CONV2D) {
            fast->convs[i] = make_conv(net, fast.get(), (int32_t)i);
        }
    }
    net->fast = fast;
    return DOGBREED_OK;
}

// The second layout, for one image on all threads.
static void make_alone(dogb_net *net) {
    InferNet *fast = net->fast.get();
    std::call_once(fast->alone_once, [&] {
        for (size_t i = 1; i < fast->convs.size(); i++) {
            Conv &conv = fast->convs[i];
            if (!conv.weight.defined()) {
                continue;
            }
            std::vector<int64_t> input = conv.input;
            input[0] = 1;
            conv.alone = fast->reorder.call(
                conv.weight.to_dense().contiguous(at::MemoryFormat::ChannelsLast), conv.padding,
                conv.stride, conv.dilation, net->graph.nodes[i].groups, input);
        }
    });
}

static at::Tensor run_conv(Pass &pass, const dogb_node &node, int32_t index, bool alone) {
    InferNet *fast = pass.net->fast.get();
    const Conv &conv = fast->convs[(size_t)index];
    const at::Tensor &x = pass.values[(size_t)node.inputs[0]];
    const at::Tensor &weight = alone ? conv.alone : conv.weight;
    if (node.residual == 0) {
        return fast->conv.call(x, weight, conv.bias, conv.padding, conv.stride, conv.dilation,
                               node.groups, conv.activation, conv.bounds, std::nullopt);
    }
    at::Tensor &other = pass.values[(size_t)node.inputs[1]];
    maybe_text unary;
    if (node.activation != 0) {
        unary = conv.activation;
    }
    if (conv.add_in_place) {
        return fast->conv_add_in.call(other, x, weight, conv.bias, conv.padding, conv.stride,
                                      conv.dilation, node.groups, "add", at::Scalar(1.0), unary,
                                      conv.bounds, std::nullopt);
    }
    return fast->conv_add.call(x, other, weight, conv.bias, conv.padding, conv.stride,
                               conv.dilation, node.groups, "add", at::Scalar(1.0), unary,
                               conv.bounds, std::nullopt);
}

// In blocks of row_block rows, the last one filled up with zeros: the kernel that a matrix product
// gets, and with it the order of its sums, depends on the number of rows.
static at::Tensor run_linear(Pass &pass, const dogb_node &node) {
    const at::Tensor &x = pass.values[(size_t)node.inputs[0]];
    const at::Tensor &weight = pass.net->params[(size_t)node.first_param];
    maybe_tensor bias;
    if (node.has_bias != 0) {
        bias = pass.net->params[(size_t)node.first_param + 1];
    }
    int64_t rows = x.size(0);
    at::Tensor y = at::zeros({rows, weight.size(0)}, weight.options());
    for (int64_t first = 0; first < rows; first += row_block) {
        int64_t count = rows - first < row_block ? rows - first : row_block;
        at::Tensor block = x.narrow(0, first, count);
        if (count < row_block) {
            at::Tensor filled = at::zeros({row_block, x.size(1)}, x.options());
            filled.narrow(0, 0, count).copy_(block);
            block = filled;
        }
        y.narrow(0, first, count).copy_(at::linear(block, weight, bias).narrow(0, 0, count));
    }
    if (node.activation == DOGB_OP_RELU) {
        return at::relu_(y);
    }
    return node.activation == DOGB_OP_RELU6 ? at::hardtanh_(y, 0.0, 6.0) : y;
}

at::Tensor fused_run(Pass &pass, const at::Tensor &from, bool alone) {
    const Graph &graph = pass.net->graph;
    if (alone) {
        make_alone(pass.net);
    }
    pass.values.assign(graph.nodes.size(), at::Tensor());
    pass.values[0] = from;
    for (size_t i = 1; i < graph.nodes.size(); i++) {
        const dogb_node &node = graph.nodes[i];
        if (node.op == DOGB_OP_CONV2D) {
            LayerSpan span(DOGB_SPAN_LAYER_FORWARD, node);
            pass.values[i] = run_conv(pass, node, (int32_t)i, alone);
        } else if (node.op == DOGB_OP_LINEAR) {
            LayerSpan span(DOGB_SPAN_LAYER_FORWARD, node);
            accel_threads(1);
            pass.values[i] = run_linear(pass, node);
        } else {
            run_node(pass, node, (int32_t)i);
        }
        for (int32_t j = 0; j < node.input_count; j++) {
            size_t input = (size_t)node.inputs[j];
            if (graph.last_use[input] == (int32_t)i) {
                pass.values[input].reset();
            }
        }
    }
    return pass.values[(size_t)graph.output];
}

} // namespace dogb_torch
