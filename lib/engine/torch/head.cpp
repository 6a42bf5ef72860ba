// head.cpp - training of small heads on cached features, without autograd: a chain of linear
// layers, activations and dropout on the CPU in f32. A step of such a net takes 0.2 ms, of which
// recording and replaying an autograd graph would be the larger part. Buffers live from step to
// step.
#include "engine/torch/internal.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/_log_softmax.h>
#include <ATen/ops/addmm.h>
#include <ATen/ops/clamp.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/exp.h>
#include <ATen/ops/hardtanh_backward.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/mul.h>
#include <ATen/ops/sum.h>
#include <ATen/ops/threshold_backward.h>

#include <cmath>
#include <cstring>

namespace dogb_torch {

struct HeadNet {
    int64_t count = 0;              // rows the buffers are for
    std::vector<at::Tensor> values; // by node; node 0 is the own copy of the batch
    std::vector<at::Tensor> grads;  // by node, of its output
    std::vector<at::Tensor> masks;  // by node: multipliers of dropout
    std::vector<at::Tensor>
        weights; // by parameter: the net's memory, without a gradient of its own
    std::vector<at::Tensor> weight_grads; // by parameter
};

// Every node reads the one before it, and all are operations that this file knows.
static bool is_chain(const dogb_net *net) {
    const Graph &graph = net->graph;
    if (!net->device.is_cpu() || net->dtype != at::kFloat || graph.nodes[0].rank != 1 ||
        graph.output != (int32_t)graph.nodes.size() - 1 || graph.output < 1) {
        return false;
    }
    for (size_t i = 1; i < graph.nodes.size(); i++) {
        const dogb_node &node = graph.nodes[i];
        bool known = (node.op == DOGB_OP_LINEAR && node.activation == 0) ||
                     node.op == DOGB_OP_RELU || node.op == DOGB_OP_RELU6 ||
                     node.op == DOGB_OP_DROPOUT;
        if (!known || node.inputs[0] != (int32_t)i - 1) {
            return false;
        }
    }
    return true;
}

void head_create(dogb_net *net) {
    if (!is_chain(net)) {
        return;
    }
    auto head = std::make_shared<HeadNet>();
    for (const at::Tensor &param : net->params) {
        head->weights.push_back(param.detach());
        head->weight_grads.push_back(at::empty_like(param.detach()));
    }
    net->head = head;
}

static void make_room(const dogb_net *net, HeadNet *head, int64_t count) {
    if (head->count == count) {
        return;
    }
    size_t nodes = net->graph.nodes.size();
    head->values.assign(nodes, at::Tensor());
    head->grads.assign(nodes, at::Tensor());
    head->masks.assign(nodes, at::Tensor());
    for (size_t i = 0; i < nodes; i++) {
        const dogb_node &node = net->graph.nodes[i];
        head->values[i] = at::empty({count, node.shape[0]}, at::kFloat);
        head->grads[i] = at::empty({count, node.shape[0]}, at::kFloat);
        if (node.op == DOGB_OP_DROPOUT) {
            head->masks[i] = at::empty({count, node.shape[0]}, at::kFloat);
        }
    }
    head->count = count;
}

static void forward_node(dogb_net *net, size_t index, bool training, uint64_t seed, int64_t step) {
    HeadNet *head = net->head.get();
    const dogb_node &node = net->graph.nodes[index];
    const at::Tensor &x = head->values[index - 1];
    at::Tensor &y = head->values[index];
    if (node.op == DOGB_OP_LINEAR) {
        at::Tensor weight = head->weights[(size_t)node.first_param].t();
        if (node.has_bias != 0) {
            at::addmm_out(y, head->weights[(size_t)node.first_param + 1], x, weight);
        } else {
            at::mm_out(y, x, weight);
        }
    } else if (node.op == DOGB_OP_RELU) {
        at::clamp_out(y, x, at::Scalar(0.0), std::nullopt);
    } else if (node.op == DOGB_OP_RELU6) {
        at::clamp_out(y, x, at::Scalar(0.0), at::Scalar(6.0));
    } else if (training && node.p > 0.0) {
        at::Tensor &mask = head->masks[index];
        dogb_dropout_mask(mask.mutable_data_ptr<float>(), mask.numel(), node.p, seed,
                          (int32_t)index, step);
        at::mul_out(y, x, mask);
    } else {
        y.copy_(x);
    }
}

void head_forward(dogb_net *net, const dogb_batch *batch, bool training, uint64_t seed,
                  int64_t step) {
    at::NoGradGuard no_grad;
    HeadNet *head = net->head.get();
    make_room(net, head, batch->count);
    memcpy(head->values[0].mutable_data_ptr(), batch->data, head->values[0].nbytes());
    for (size_t i = 1; i < net->graph.nodes.size(); i++) {
        LayerSpan span(DOGB_SPAN_LAYER_FORWARD, net->graph.nodes[i]);
        forward_node(net, i, training, seed, step);
    }
    net->logits = head->values.back();
    if ((net->watch & (1u << DOGBREED_TENSOR_ACTIVATION)) != 0) {
        net->values = head->values;
    }
}

// The loss and its gradient. A sample's share of class c is w[c] * smoothing / classes, and
// w[label] * (1 - smoothing) more at its label; the loss is -sum(share * log p) over the weight of
// the labels, its gradient sum(share) * p - share.
double head_loss(dogb_net *net, const dogb_target *target) {
    at::NoGradGuard no_grad;
    HeadNet *head = net->head.get();
    int64_t classes = net->logits.size(1);
    at::Tensor logs = at::_log_softmax(net->logits, 1, false);
    at::Tensor &grad = head->grads.back();
    at::exp_out(grad, logs);
    const float *log_row = logs.const_data_ptr<float>();
    float *row = grad.mutable_data_ptr<float>();
    const float *weights = target->class_weights;
    double smooth = target->label_smoothing / (double)classes;
    double total = 0.0, norm = 0.0, weight_sum = 0.0, loss = 0.0;
    for (int64_t c = 0; c < classes; c++) {
        weight_sum += weights == nullptr ? 1.0 : (double)weights[c];
    }
    for (int32_t i = 0; i < target->count; i++) {
        norm += weights == nullptr ? 1.0 : (double)weights[target->labels[i]];
    }
    for (int32_t i = 0; i < target->count; i++, row += classes, log_row += classes) {
        int32_t label = target->labels[i];
        double own =
            (weights == nullptr ? 1.0 : (double)weights[label]) * (1.0 - target->label_smoothing);
        float scale = (float)((own + smooth * weight_sum) / norm);
        for (int64_t c = 0; smooth > 0.0 && c < classes; c++) {
            double share = smooth * (weights == nullptr ? 1.0 : (double)weights[c]);
            loss -= share == 0.0 ? 0.0 : share * (double)log_row[c];
            row[c] = row[c] * scale - (float)(share / norm);
        }
        for (int64_t c = 0; smooth <= 0.0 && c < classes; c++) {
            row[c] *= scale;
        }
        loss -= own == 0.0 ? 0.0 : own * (double)log_row[label];
        row[label] -= (float)(own / norm);
    }
    total = loss / norm;
    return total;
}

// Gradients of the parameters of a linear layer that are trained.
static void backward_params(dogb_net *net, const dogb_node &node, size_t index) {
    HeadNet *head = net->head.get();
    const at::Tensor &grad = head->grads[index];
    for (int32_t k = 0; k < node.param_count; k++) {
        size_t at = (size_t)(node.first_param + k);
        if (!net->params[at].requires_grad()) {
            net->params[at].mutable_grad().reset();
            continue;
        }
        at::Tensor &out = head->weight_grads[at];
        if (net->graph.params[at].role == DOGB_ROLE_WEIGHT) {
            at::mm_out(out, grad.t(), head->values[index - 1]);
        } else {
            at::sum_out(out, grad, 0);
        }
        net->params[at].mutable_grad() = out;
    }
}

static bool trained_below(const dogb_net *net, size_t index) {
    for (size_t i = 1; i < index; i++) {
        const dogb_node &node = net->graph.nodes[i];
        for (int32_t k = 0; k < node.param_count; k++) {
            if (net->params[(size_t)(node.first_param + k)].requires_grad()) {
                return true;
            }
        }
    }
    return false;
}

void head_backward(dogb_net *net) {
    at::NoGradGuard no_grad;
    HeadNet *head = net->head.get();
    for (size_t i = net->graph.nodes.size() - 1; i > 0; i--) {
        const dogb_node &node = net->graph.nodes[i];
        LayerSpan span(DOGB_SPAN_LAYER_BACKWARD, node);
        const at::Tensor &grad = head->grads[i];
        at::Tensor &below = head->grads[i - 1];
        if (node.op == DOGB_OP_LINEAR) {
            backward_params(net, node, i);
        }
        if (!trained_below(net, i)) {
            break;
        }
        if (node.op == DOGB_OP_LINEAR) {
            at::mm_out(below, grad, head->weights[(size_t)node.first_param]);
        } else if (node.op == DOGB_OP_RELU) {
            at::threshold_backward_out(below, grad, head->values[i], 0.0);
        } else if (node.op == DOGB_OP_RELU6) {
            at::hardtanh_backward_out(below, grad, head->values[i - 1], 0.0, 6.0);
        } else if (node.p > 0.0) {
            at::mul_out(below, grad, head->masks[i]);
        } else {
            below.copy_(grad);
        }
    }
}

} // namespace dogb_torch
