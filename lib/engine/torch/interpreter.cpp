// interpreter.cpp - one pass over a graph with ATen's functions, for training (autograd records it)
// and for inference where no faster way exists. One function per operation, in a table.
#include "engine/torch/internal.h"

#include <ATen/ops/adaptive_avg_pool2d.h>
#include <ATen/ops/add.h>
#include <ATen/ops/avg_pool2d.h>
#include <ATen/ops/batch_norm.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/conv2d.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/flatten.h>
#include <ATen/ops/hardtanh.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/max_pool2d.h>
#include <ATen/ops/mul.h>
#include <ATen/ops/relu.h>
#include <c10/core/InferenceMode.h>

namespace dogb_torch {

// The parameter of `role` of a node, in the type of the activations. Undefined: it has none.
static at::Tensor parameter(const Pass &pass, const dogb_node &node, int32_t role) {
    for (int32_t i = 0; i < node.param_count; i++) {
        size_t index = (size_t)(node.first_param + i);
        if (pass.net->graph.params[index].role == role) {
            return pass.net->params[index];
        }
    }
    return at::Tensor();
}

static at::Tensor cast_parameter(const Pass &pass, const dogb_node &node, int32_t role) {
    at::Tensor tensor = parameter(pass, node, role);
    return tensor.defined() && tensor.scalar_type() != pass.net->dtype ? tensor.to(pass.net->dtype)
                                                                       : tensor;
}

static at::IntArrayRef pair(int64_t (&out)[2], const int32_t (&from)[2]) {
    out[0] = from[0];
    out[1] = from[1];
    return at::IntArrayRef(out, 2);
}

static const at::Tensor &input(const Pass &pass, const dogb_node &node, int32_t index) {
    return pass.values[(size_t)node.inputs[index]];
}

// Whether the node may write into its input: nobody else reads it, and what made it keeps no
// reference for the backward pass.
static bool may_overwrite(const Pass &pass, const dogb_node &node) {
    size_t from = (size_t)node.inputs[0];
    int32_t maker = pass.net->graph.nodes[from].op;
    return pass.net->graph.consumers[from] == 1 &&
           (pass.net->watch & (1u << DOGBREED_TENSOR_ACTIVATION)) == 0 &&
           (maker == DOGB_OP_CONV2D || maker == DOGB_OP_BATCH_NORM || maker == DOGB_OP_ADD ||
            maker == DOGB_OP_LINEAR);
}

static at::Tensor activate(const at::Tensor &x, int32_t activation, bool overwrite) {
    if (activation == DOGB_OP_RELU) {
        return overwrite ? at::relu_(const_cast<at::Tensor &>(x)) : at::relu(x);
    }
    if (activation == DOGB_OP_RELU6) {
        return overwrite ? at::hardtanh_(const_cast<at::Tensor &>(x), 0.0, 6.0)
                         : at::hardtanh(x, 0.0, 6.0);
    }
    return x;
}

static at::Tensor run_conv2d(Pass &pass, const dogb_node &node, int32_t) {
    int64_t stride[2], padding[2], dilation[2];
    at::Tensor y =
        at::conv2d(input(pass, node, 0), cast_parameter(pass, node, DOGB_ROLE_WEIGHT),
                   cast_parameter(pass, node, DOGB_ROLE_BIAS), pair(stride, node.stride),
                   pair(padding, node.padding), pair(dilation, node.dilation), node.groups);
    if (node.residual != 0) {
        y = y.add_(input(pass, node, 1));
    }
    return activate(y, node.activation, true);
}

static at::Tensor run_linear(Pass &pass, const dogb_node &node, int32_t) {
    at::Tensor y = at::linear(input(pass, node, 0), cast_parameter(pass, node, DOGB_ROLE_WEIGHT),
                              cast_parameter(pass, node, DOGB_ROLE_BIAS));
    return activate(y, node.activation, true);
}

static at::Tensor run_batch_norm(Pass &pass, const dogb_node &node, int32_t) {
    bool batch_statistics = pass.training && pass.net->batch_norm == DOGB_BN_TRAIN;
    if (batch_statistics) {
        at::Tensor counter = parameter(pass, node, DOGB_ROLE_COUNTER);
        if (counter.defined()) {
            *counter.mutable_data_ptr<int64_t>() += 1;
        }
    }
    return at::batch_norm(input(pass, node, 0), parameter(pass, node, DOGB_ROLE_WEIGHT),
                          parameter(pass, node, DOGB_ROLE_BIAS),
                          parameter(pass, node, DOGB_ROLE_RUNNING_MEAN),
                          parameter(pass, node, DOGB_ROLE_RUNNING_VAR), batch_statistics,
                          node.momentum, node.eps, true);
}

static at::Tensor run_relu(Pass &pass, const dogb_node &node, int32_t) {
    return activate(input(pass, node, 0), node.op, may_overwrite(pass, node));
}

static at::Tensor run_max_pool(Pass &pass, const dogb_node &node, int32_t) {
    int64_t kernel[2], stride[2], padding[2];
    return at::max_pool2d(input(pass, node, 0), pair(kernel, node.kernel),
                          pair(stride, node.stride), pair(padding, node.padding), {1, 1},
                          node.ceil_mode != 0);
}

static at::Tensor run_avg_pool(Pass &pass, const dogb_node &node, int32_t) {
    int64_t kernel[2], stride[2], padding[2];
    return at::avg_pool2d(input(pass, node, 0), pair(kernel, node.kernel),
                          pair(stride, node.stride), pair(padding, node.padding),
                          node.ceil_mode != 0, node.count_pad != 0);
}

static at::Tensor run_adaptive_avg_pool(Pass &pass, const dogb_node &node, int32_t) {
    int64_t size[2];
    return at::adaptive_avg_pool2d(input(pass, node, 0), pair(size, node.kernel));
}

static at::Tensor run_flatten(Pass &pass, const dogb_node &node, int32_t) {
    return at::flatten(input(pass, node, 0), 1);
}

static at::Tensor run_add(Pass &pass, const dogb_node &node, int32_t) {
    return at::add(input(pass, node, 0), input(pass, node, 1));
}

static at::Tensor run_cat(Pass &pass, const dogb_node &node, int32_t) {
    std::vector<at::Tensor> parts;
    for (int32_t i = 0; i < node.input_count; i++) {
        parts.push_back(input(pass, node, i));
    }
    return at::cat(parts, 1);
}

at::Tensor dropout_mask(const dogb_node &node, int32_t index, const Pass &pass,
                        const at::Tensor &like) {
    at::Tensor mask = at::empty(like.sizes(), at::kFloat);
    dogb_dropout_mask(mask.mutable_data_ptr<float>(), mask.numel(), node.p, pass.seed, index,
                      pass.step);
    return mask.to(like.options());
}

static at::Tensor run_dropout(Pass &pass, const dogb_node &node, int32_t index) {
    const at::Tensor &x = input(pass, node, 0);
    if (!pass.training || node.p <= 0.0) {
        return x;
    }
    return at::mul(x, dropout_mask(node, index, pass, x));
}

typedef at::Tensor (*run_fn)(Pass &pass, const dogb_node &node, int32_t index);

static const run_fn operations[DOGB_OP_COUNT] = {
    nullptr,               // input
    run_conv2d,            //
    run_linear,            //
    run_batch_norm,        //
    run_relu,              //
    run_relu,              // relu6
    run_max_pool,          //
    run_avg_pool,          //
    run_adaptive_avg_pool, //
    run_flatten,           //
    run_add,               //
    run_cat,               //
    run_dropout,           //
};

// A device works on while the host goes on: the time of a layer is known when it has ended.
static void run_timed(Pass &pass, const dogb_node &node, int32_t index) {
    device_synchronize(pass.net->device);
    uint64_t span = listener->begin(DOGB_SPAN_LAYER_FORWARD);
    pass.values[(size_t)index] = operations[node.op](pass, node, index);
    device_synchronize(pass.net->device);
    listener->layer_end(DOGB_SPAN_LAYER_FORWARD, span, &node);
    if (pass.training) {
        layer_watch(pass.net, index, pass.values[(size_t)index]);
    }
}

void run_node(Pass &pass, const dogb_node &node, int32_t index) {
    if (layers_wanted()) {
        run_timed(pass, node, index);
        return;
    }
    pass.values[(size_t)index] = operations[node.op](pass, node, index);
}

at::Tensor interpret(Pass &pass, const at::Tensor &from) {
    const Graph &graph = pass.net->graph;
    bool keep = (pass.net->watch & (1u << DOGBREED_TENSOR_ACTIVATION)) != 0;
    pass.values.assign(graph.nodes.size(), at::Tensor());
    pass.values[0] = from;
    for (size_t i = 1; i < graph.nodes.size(); i++) {
        const dogb_node &node = graph.nodes[i];
        run_node(pass, node, (int32_t)i);
        for (int32_t j = 0; !keep && j < node.input_count; j++) {
            size_t from_node = (size_t)node.inputs[j];
            if (graph.last_use[from_node] == (int32_t)i) {
                pass.values[from_node].reset(); // its memory serves the next nodes
            }
        }
    }
    return pass.values[(size_t)graph.output];
}

} // namespace dogb_torch
