// optim.cpp - SGD, Adam and AdamW with the arithmetic of torch.optim, tensor by tensor in its order
// of operations, so that results equal Python's to the last bit.
#include "engine/torch/internal.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/_foreach_add.h>
#include <ATen/ops/_foreach_addcdiv.h>
#include <ATen/ops/_foreach_addcmul.h>
#include <ATen/ops/_foreach_div.h>
#include <ATen/ops/_foreach_lerp.h>
#include <ATen/ops/_foreach_mul.h>
#include <ATen/ops/_foreach_sqrt.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/zeros_like.h>

#include <algorithm>
#include <cmath>

namespace dogb_torch {

static int32_t slot_count(const dogb_optim_conf &conf) {
    if (conf.kind == DOGB_OPTIM_SGD) {
        return conf.momentum != 0.0 ? 1 : 0;
    }
    return 2;
}

int optim_create(dogb_optim **out, dogb_net *net, const dogb_optim_conf *conf) noexcept {
    *out = nullptr;
    return guard([&]() -> int {
        int rc = check_training(net);
        if (rc < 0) {
            return rc;
        }
        if (conf->kind != DOGB_OPTIM_SGD && conf->kind != DOGB_OPTIM_ADAM &&
            conf->kind != DOGB_OPTIM_ADAMW) {
            return fail(DOGBREED_ERROR_INVALID_ARGUMENT, "optimizer %d is not known", conf->kind);
        }
        at::NoGradGuard no_grad;
        std::unique_ptr<dogb_optim> optim(new dogb_optim{net, *conf, 0, {}, {}});
        optim->slots.resize((size_t)slot_count(*conf));
        for (size_t i = 0; i < net->params.size(); i++) {
            if (!net->params[i].requires_grad()) {
                continue;
            }
            optim->params.push_back((int32_t)i);
            for (std::vector<at::Tensor> &slot : optim->slots) {
                slot.push_back(at::zeros_like(net->params[i]));
            }
        }
        *out = optim.release();
        return DOGBREED_OK;
    });
}

void optim_destroy(dogb_optim *optim) noexcept {
    (void)guard([&]() -> int {
        delete optim;
        return DOGBREED_OK;
    });
}

// Parameters that have a gradient, with their gradients and slots: what one step works on.
struct Lists {
    std::vector<at::Tensor> params;
    std::vector<at::Tensor> grads;
    std::vector<at::Tensor> slots[2];
};

// torch/optim/sgd.py, _single_tensor_sgd with dampening 0. A momentum buffer of zeros makes the
// first step equal to torch's, which copies the gradient into the buffer.
static void step_sgd(const OptimStep &step, Lists &lists) {
    std::vector<at::Tensor> grads = lists.grads;
    if (step.weight_decay != 0.0) {
        grads = at::_foreach_add(grads, lists.params, step.weight_decay);
    }
    if (step.momentum != 0.0) {
        at::_foreach_mul_(lists.slots[0], step.momentum);
        at::_foreach_add_(lists.slots[0], grads, 1.0);
        grads =
            step.nesterov ? at::_foreach_add(grads, lists.slots[0], step.momentum) : lists.slots[0];
    }
    at::_foreach_add_(lists.params, grads, -step.rate);
}

// torch/optim/adam.py, _single_tensor_adam (amsgrad and capturable off); AdamW decouples the decay.
static void step_adam(const OptimStep &step, Lists &lists) {
    std::vector<at::Tensor> grads = lists.grads;
    if (step.weight_decay != 0.0 && step.decoupled) {
        at::_foreach_mul_(lists.params, 1.0 - step.rate * step.weight_decay);
    } else if (step.weight_decay != 0.0) {
        grads = at::_foreach_add(grads, lists.params, step.weight_decay);
    }
    at::_foreach_lerp_(lists.slots[0], grads, 1.0 - step.beta1);
    at::_foreach_mul_(lists.slots[1], step.beta2);
    at::_foreach_addcmul_(lists.slots[1], grads, grads, 1.0 - step.beta2);
    std::vector<at::Tensor> denominator = at::_foreach_sqrt(lists.slots[1]);
    at::_foreach_div_(denominator, std::sqrt(step.correction2));
    at::_foreach_add_(denominator, step.epsilon);
    at::_foreach_addcdiv_(lists.params, lists.slots[0], denominator,
                          -(step.rate / step.correction1));
}

static OptimStep make_step(const dogb_optim *optim, double rate) {
    const dogb_optim_conf &conf = optim->conf;
    OptimStep step = {};
    step.adam = conf.kind != DOGB_OPTIM_SGD;
    step.decoupled = conf.kind == DOGB_OPTIM_ADAMW;
    step.nesterov = conf.nesterov != 0;
    step.rate = rate;
    step.momentum = conf.momentum;
    step.weight_decay = conf.weight_decay;
    step.beta1 = conf.beta1;
    step.beta2 = conf.beta2;
    step.epsilon = conf.epsilon;
    step.correction1 = 1.0 - std::pow(conf.beta1, (double)optim->steps);
    step.correction2 = 1.0 - std::pow(conf.beta2, (double)optim->steps);
    return step;
}

// Steps what can be stepped in one pass and collects the rest: tensors on GPUs (where the foreach
// functions are few kernels), other layouts, other CPUs.
static Lists step_fast(const dogb_optim *optim, const OptimStep &step) {
    Lists rest;
    for (size_t i = 0; i < optim->params.size(); i++) {
        const at::Tensor &param = optim->net->params[(size_t)optim->params[i]];
        if (!param.requires_grad() || !param.grad().defined()) {
            continue;
        }
        const at::Tensor *slots[2] = {nullptr, nullptr};
        for (size_t slot = 0; slot < optim->slots.size(); slot++) {
            slots[slot] = &optim->slots[slot][i];
        }
        if (optim_cpu(step, param, param.grad(), slots)) {
            continue;
        }
        rest.params.push_back(param);
        rest.grads.push_back(param.grad());
        for (size_t slot = 0; slot < optim->slots.size(); slot++) {
            rest.slots[slot].push_back(optim->slots[slot][i]);
        }
    }
    return rest;
}

int optim_step(dogb_optim *optim, double learning_rate) noexcept {
    return guard([&]() -> int {
        accel_use(optim->net);
        at::NoGradGuard no_grad;
        optim->steps++;
        OptimStep step = make_step(optim, learning_rate);
        Lists rest = step_fast(optim, step);
        if (!rest.params.empty() && step.adam) {
            step_adam(step, rest);
        } else if (!rest.params.empty()) {
            step_sgd(step, rest);
        }
        return DOGBREED_OK;
    });
}

int32_t optim_slots(dogb_optim *optim) noexcept {
    return (int32_t)optim->slots.size();
}

static int find_state(at::Tensor &out, const dogb_optim *optim, int32_t param, int32_t slot,
                      size_t size) {
    int rc = check_param(optim->net, param);
    if (rc < 0) {
        return rc;
    }
    const char *name = optim->net->graph.params[(size_t)param].name;
    auto found = std::find(optim->params.begin(), optim->params.end(), param);
    if (slot < 0 || (size_t)slot >= optim->slots.size() || found == optim->params.end()) {
        return fail(DOGBREED_ERROR_NOT_FOUND, "%s: the optimiser has no state %d of it", name,
                    slot);
    }
    out = optim->slots[(size_t)slot][(size_t)(found - optim->params.begin())];
    if (size != out.nbytes()) {
        return fail(DOGBREED_ERROR_MISMATCH, "%s: state of %zu bytes given, it has %zu", name, size,
                    (size_t)out.nbytes());
    }
    return DOGBREED_OK;
}

int optim_read(dogb_optim *optim, int32_t param, int32_t slot, float *out, size_t size) noexcept {
    return guard([&]() -> int {
        at::Tensor state;
        int rc = find_state(state, optim, param, slot, size);
        if (rc == DOGBREED_OK) {
            tensor_to_host(out, state);
        }
        return rc;
    });
}

int optim_write(dogb_optim *optim, int32_t param, int32_t slot, const float *data,
                size_t size) noexcept {
    return guard([&]() -> int {
        at::Tensor state;
        int rc = find_state(state, optim, param, slot, size);
        if (rc == DOGBREED_OK) {
            at::NoGradGuard no_grad;
            state.copy_(at::from_blob(const_cast<float *>(data), state.sizes(), at::kFloat));
        }
        return rc;
    });
}

int64_t optim_steps(dogb_optim *optim) noexcept {
    return optim->steps;
}

int optim_set_steps(dogb_optim *optim, int64_t steps) noexcept {
    if (steps < 0) {
        return fail(DOGBREED_ERROR_INVALID_ARGUMENT, "optimiser steps: %lld, 0 or more expected",
                    (long long)steps);
    }
    optim->steps = steps;
    return DOGBREED_OK;
}

} // namespace dogb_torch
