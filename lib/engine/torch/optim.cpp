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
struct Step {
    std::vector<at::Tensor> params;
    std::vector<at::Tensor> grads;
    std::vector<at::Tensor> slots[2];
};

static Step gather(const dogb_optim *optim) {
    Step step;
    for (size_t i = 0; i < optim->params.size(); i++) {
        const at::Tensor &param = optim->net->params[(size_t)optim->params[i]];
        if (!param.requires_grad() || !param.grad().defined()) {
            continue;
        }
        step.params.push_back(param);
        step.grads.push_back(param.grad());
        for (size_t slot = 0; slot < optim->slots.size(); slot++) {
            step.slots[slot].push_back(optim->slots[slot][i]);
        }
    }
    return step;
}

// torch/optim/sgd.py, _single_tensor_sgd with dampening 0. A momentum buffer of zeros makes the
// first step equal to torch's, which copies the gradient into the buffer.
static void step_sgd(const dogb_optim_conf &conf, Step &step, double rate) {
    std::vector<at::Tensor> grads = step.grads;
    if (conf.weight_decay != 0.0) {
        grads = at::_foreach_add(grads, step.params, conf.weight_decay);
    }
    if (conf.momentum != 0.0) {
        at::_foreach_mul_(step.slots[0], conf.momentum);
        at::_foreach_add_(step.slots[0], grads, 1.0);
        grads = conf.nesterov != 0 ? at::_foreach_add(grads, step.slots[0], conf.momentum)
                                   : step.slots[0];
    }
    at::_foreach_add_(step.params, grads, -rate);
}

// torch/optim/adam.py, _single_tensor_adam (amsgrad and capturable off); AdamW decouples the decay.
static void step_adam(const dogb_optim_conf &conf, Step &step, double rate, int64_t number) {
    std::vector<at::Tensor> grads = step.grads;
    if (conf.weight_decay != 0.0) {
        if (conf.kind == DOGB_OPTIM_ADAMW) {
            at::_foreach_mul_(step.params, 1.0 - rate * conf.weight_decay);
        } else {
            grads = at::_foreach_add(grads, step.params, conf.weight_decay);
        }
    }
    at::_foreach_lerp_(step.slots[0], grads, 1.0 - conf.beta1);
    at::_foreach_mul_(step.slots[1], conf.beta2);
    at::_foreach_addcmul_(step.slots[1], grads, grads, 1.0 - conf.beta2);
    double correction1 = 1.0 - std::pow(conf.beta1, (double)number);
    double correction2 = 1.0 - std::pow(conf.beta2, (double)number);
    std::vector<at::Tensor> denominator = at::_foreach_sqrt(step.slots[1]);
    at::_foreach_div_(denominator, std::sqrt(correction2));
    at::_foreach_add_(denominator, conf.epsilon);
    at::_foreach_addcdiv_(step.params, step.slots[0], denominator, -(rate / correction1));
}

int optim_step(dogb_optim *optim, double learning_rate) noexcept {
    return guard([&]() -> int {
        accel_use(optim->net);
        at::NoGradGuard no_grad;
        Step step = gather(optim);
        optim->steps++;
        if (step.params.empty()) {
            return DOGBREED_OK;
        }
        if (optim->conf.kind == DOGB_OPTIM_SGD) {
            step_sgd(optim->conf, step, learning_rate);
        } else {
            step_adam(optim->conf, step, learning_rate, optim->steps);
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
