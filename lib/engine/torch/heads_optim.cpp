// heads_optim.cpp - SGD, or Adam and AdamW, of stacked heads: each value of an optimiser is a
// column with one number per head.
#include "engine/torch/heads.h"

#include <ATen/ops/addcdiv.h>
#include <ATen/ops/addcmul.h>
#include <ATen/ops/from_blob.h>

#include <cmath>

namespace dogb_torch {

// value(head, work, step of the run) for all steps, [steps, K, 1, 1] on the device.
static at::Tensor table(const Stack &stack, int64_t steps,
                        const std::function<double(size_t head, int64_t step)> &value) {
    std::vector<float> values;
    for (int64_t i = 0; i < steps; i++) {
        for (size_t k = 0; k < stack.heads.size(); k++) {
            values.push_back((float)value(k, i));
        }
    }
    return at::from_blob(values.data(), {steps, stack.count(), 1, 1}, at::kFloat)
        .to(stack.bank->device, at::kFloat, false, true);
}

// 1 - beta^steps, this step counted.
static double correction(const Head &head, double beta, int64_t step) {
    return 1.0 - std::pow(beta, (double)(head.steps + step + 1));
}

Rules::Rules(const Stack &stack, const std::vector<const dogb_heads_work *> &work, int64_t steps)
    : work_(work), decays_(false), keeps_(false), nesterov_(false) {
    const std::vector<Head *> &heads = stack.heads;
    for (const Head *head : heads) {
        bool decoupled = head->optim.kind == DOGB_OPTIM_ADAMW;
        bool decays = head->optim.weight_decay != 0.0;
        keeps_ = keeps_ || (decays && decoupled);
        decays_ = decays_ || (decays && !decoupled);
        nesterov_ = nesterov_ || head->optim.nesterov != 0;
    }
    decay_ = stack.column([](const Head &head) {
        return head.optim.kind == DOGB_OPTIM_ADAMW ? 0.0 : head.optim.weight_decay;
    });
    if (heads[0]->optim.kind == DOGB_OPTIM_SGD) {
        rates_ = table(stack, steps, [&](size_t k, int64_t i) { return work[k]->rates[i]; });
        momentum_ = stack.column([](const Head &head) { return head.optim.momentum; });
        of_gradient_ =
            stack.column([](const Head &head) { return head.optim.nesterov != 0 ? 1.0 : 0.0; });
        of_momentum_ = stack.column(
            [](const Head &head) { return head.optim.nesterov != 0 ? head.optim.momentum : 1.0; });
        return;
    }
    rates_ = table(stack, steps, [&](size_t k, int64_t i) {
        return work[k]->rates[i] / correction(*heads[k], heads[k]->optim.beta1, i);
    });
    corrections_ = table(stack, steps, [&](size_t k, int64_t i) {
        return 1.0 / std::sqrt(correction(*heads[k], heads[k]->optim.beta2, i));
    });
    keep_ = table(stack, steps, [&](size_t k, int64_t i) {
        bool decoupled = heads[k]->optim.kind == DOGB_OPTIM_ADAMW;
        return decoupled ? 1.0 - work[k]->rates[i] * heads[k]->optim.weight_decay : 1.0;
    });
    first_ = stack.column([](const Head &head) { return 1.0 - head.optim.beta1; });
    second_ = stack.column([](const Head &head) { return head.optim.beta2; });
    second_rest_ = stack.column([](const Head &head) { return 1.0 - head.optim.beta2; });
    epsilon_ = stack.column([](const Head &head) { return head.optim.epsilon; });
}

void Rules::sgd(Stack &stack, size_t param, at::Tensor &gradient, int64_t index) const {
    at::Tensor &value = stack.tensors[0][param];
    at::Tensor *momentum = stack.tensors[1].empty() ? nullptr : &stack.tensors[1][param];
    if (stack.count() == 1 &&
        optim_sgd_cpu(stack.heads[0]->optim, work_[0]->rates[index], value, gradient, momentum)) {
        return;
    }
    if (decays_) {
        gradient.addcmul_(value, decay_);
    }
    if (momentum != nullptr) {
        momentum->mul_(momentum_).add_(gradient);
        if (nesterov_) {
            gradient.mul_(of_gradient_).addcmul_(*momentum, of_momentum_);
        } else {
            gradient = *momentum;
        }
    }
    value.addcmul_(gradient, rates_.select(0, index), -1.0);
}

void Rules::adam(Stack &stack, size_t param, at::Tensor &gradient, int64_t index) const {
    at::Tensor &value = stack.tensors[0][param];
    at::Tensor &first = stack.tensors[1][param];
    at::Tensor &second = stack.tensors[2][param];
    if (keeps_) {
        value.mul_(keep_.select(0, index));
    }
    if (decays_) {
        gradient.addcmul_(value, decay_);
    }
    first.addcmul_(gradient - first, first_);
    second.mul_(second_).addcmul_(gradient * second_rest_, gradient);
    at::Tensor size = second.sqrt().mul_(corrections_.select(0, index)).add_(epsilon_);
    value.addcdiv_(first * rates_.select(0, index), size, -1.0);
}

void Rules::step(Stack &stack, std::vector<at::Tensor> &gradients, int64_t index) {
    bool is_sgd = stack.heads[0]->optim.kind == DOGB_OPTIM_SGD;
    for (size_t param = 0; param < gradients.size(); param++) {
        if (is_sgd) {
            sgd(stack, param, gradients[param], index);
        } else {
            adam(stack, param, gradients[param], index);
        }
    }
}

} // namespace dogb_torch
