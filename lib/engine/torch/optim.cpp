// optim.cpp - SGD, Adam and AdamW. Results equal Python's to the last bit: those of
// torch.optim.SGD, and of torch.optim.Adam and AdamW with fused=True.
#include "engine/torch/internal.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/_foreach_add.h>
#include <ATen/ops/_foreach_mul.h>
#include <ATen/ops/_fused_adam.h>
#include <ATen/ops/_fused_adamw.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/full.h>
#include <ATen/ops/zeros_like.h>

#include <algorithm>

namespace dogb_torch {

int32_t optim_slot_count(const dogb_optim_conf &conf) {
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
        optim->slots.resize((size_t)optim_slot_count(*conf));
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
static void step_sgd_foreach(const dogb_optim_conf &conf, double rate, Lists &lists) {
    std::vector<at::Tensor> grads = lists.grads;
    if (conf.weight_decay != 0.0) {
        grads = at::_foreach_add(grads, lists.params, conf.weight_decay);
    }
    if (conf.momentum != 0.0) {
        at::_foreach_mul_(lists.slots[0], conf.momentum);
        at::_foreach_add_(lists.slots[0], grads, 1.0);
        grads = conf.nesterov != 0 ? at::_foreach_add(grads, lists.slots[0], conf.momentum)
                                   : lists.slots[0];
    }
    at::_foreach_add_(lists.params, grads, -rate);
}

// In one pass over each tensor where this CPU can; all together on GPUs, where the foreach
// functions are few kernels.
static void step_sgd(const dogb_optim *optim, double rate, Lists &lists) {
    Lists rest;
    for (size_t i = 0; i < lists.params.size(); i++) {
        bool moves = !lists.slots[0].empty();
        if (optim_sgd_cpu(optim->conf, rate, lists.params[i], lists.grads[i],
                          moves ? &lists.slots[0][i] : nullptr)) {
            continue;
        }
        rest.params.push_back(lists.params[i]);
        rest.grads.push_back(lists.grads[i]);
        if (moves) {
            rest.slots[0].push_back(lists.slots[0][i]);
        }
    }
    if (!rest.params.empty()) {
        step_sgd_foreach(optim->conf, rate, rest);
    }
}

// The kernel walks memory: a gradient must lie as its parameter does.
static at::Tensor laid_as(const at::Tensor &param, const at::Tensor &grad) {
    return grad.strides() == param.strides() ? grad : at::empty_like(param).copy_(grad);
}

// torch.optim.Adam and AdamW with fused=True: one kernel for all tensors.
static void step_adam(const dogb_optim *optim, double rate, Lists &lists) {
    const dogb_optim_conf &conf = optim->conf;
    for (size_t i = 0; i < lists.params.size(); i++) {
        lists.grads[i] = laid_as(lists.params[i], lists.grads[i]);
    }
    at::Tensor step = at::full({}, (double)optim->steps, lists.params[0].options());
    std::vector<at::Tensor> steps(lists.params.size(), step);
    auto call = conf.kind == DOGB_OPTIM_ADAMW ? at::_ops::_fused_adamw_::call
                                              : at::_ops::_fused_adam_::call;
    call(lists.params, lists.grads, lists.slots[0], lists.slots[1], {}, steps, rate, conf.beta1,
         conf.beta2, conf.weight_decay, conf.epsilon, false, false, std::nullopt, std::nullopt);
}

// What has a gradient now.
static Lists gather(const dogb_optim *optim) {
    Lists lists;
    for (size_t i = 0; i < optim->params.size(); i++) {
        const at::Tensor &param = optim->net->params[(size_t)optim->params[i]];
        if (!param.requires_grad() || !param.grad().defined()) {
            continue;
        }
        lists.params.push_back(param);
        lists.grads.push_back(param.grad());
        for (size_t slot = 0; slot < optim->slots.size(); slot++) {
            lists.slots[slot].push_back(optim->slots[slot][i]);
        }
    }
    return lists;
}

int optim_step(dogb_optim *optim, double learning_rate) noexcept {
    return guard([&]() -> int {
        accel_use(optim->net);
        at::NoGradGuard no_grad;
        optim->steps++;
        Lists lists = gather(optim);
        if (!lists.params.empty()) {
            bool sgd = optim->conf.kind == DOGB_OPTIM_SGD;
            (sgd ? step_sgd : step_adam)(optim, learning_rate, lists);
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
