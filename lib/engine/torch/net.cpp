// net.cpp - nets: creation, and the phases of a training step except loss and optimiser.
#include "engine/torch/internal.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty.h>

#include <algorithm>

// Conv, linear and pooling geometry comes checked by dogb_graph_finish.
dogb_net::dogb_net(const dogb_graph *from, const dogb_net_conf *conf, at::Device where)
    : graph(from), device(where), mode(conf->mode), threads(std::max(conf->threads, 1)),
      deterministic(conf->deterministic), batch_norm(conf->batch_norm), batch_max(conf->batch_max),
      dtype(conf->dtype == DOGB_DTYPE_BF16 ? at::kBFloat16 : at::kFloat), watch(0), count(0),
      training(false), has_loss(false) {
    // (x / 255 - mean) / deviation in float32: each byte has one result, so a table holds them all.
    for (int32_t channel = 0; channel < 3; channel++) {
        for (int32_t value = 0; value < 256; value++) {
            normalise.push_back(((float)value / 255.0f - graph.mean[channel]) /
                                graph.deviation[channel]);
        }
    }
}

namespace dogb_torch {

static int check_conf(const dogb_graph *graph, const dogb_net_conf *conf,
                      const at::Device &device) {
    if (conf->mode != DOGB_NET_INFER && conf->mode != DOGB_NET_TRAIN) {
        return fail(DOGBREED_ERROR_INVALID_ARGUMENT, "net mode %d is not known", conf->mode);
    }
    if (conf->dtype != DOGB_DTYPE_F32 && conf->dtype != DOGB_DTYPE_BF16) {
        return fail(DOGBREED_ERROR_INVALID_ARGUMENT, "dtype %d is not known", conf->dtype);
    }
    if (conf->dtype == DOGB_DTYPE_BF16 && device_bf16(device) == 0) {
        return fail(DOGBREED_ERROR_UNSUPPORTED,
                    "dtype bf16: %s has no native bf16 arithmetic (AVX512_BF16 on CPUs, compute "
                    "capability 8.0 on GPUs); use f32",
                    conf->device);
    }
    for (int32_t i = 1; i < graph->node_count; i++) {
        if (graph->nodes[i].op <= DOGB_OP_INPUT || graph->nodes[i].op >= DOGB_OP_COUNT) {
            return fail(DOGBREED_ERROR_UNSUPPORTED, "%s: operation %d is not known to engine torch",
                        graph->nodes[i].name, graph->nodes[i].op);
        }
    }
    return DOGBREED_OK;
}

int net_create(dogb_net **out, const dogb_graph *graph, const void *const *weights,
               const dogb_net_conf *conf) noexcept {
    *out = nullptr;
    return guard([&]() -> int {
        at::Device device(at::kCPU);
        int rc = device_parse(device, conf->device);
        if (rc < 0 || (rc = check_conf(graph, conf, device)) < 0) {
            return rc;
        }
        std::unique_ptr<dogb_net> net(new dogb_net(graph, conf, device));
        accel_use(net.get());
        for (size_t i = 0; i < net->graph.params.size(); i++) {
            const dogb_param &param = net->graph.params[i];
            at::Tensor tensor = param_tensor(param, weights[i], device);
            if (conf->mode == DOGB_NET_TRAIN && is_trainable_kind(param)) {
                tensor.set_requires_grad(true);
            }
            net->params.push_back(tensor);
        }
        if (conf->mode == DOGB_NET_INFER) {
            for (at::Tensor &tensor : net->params) {
                tensor = tensor.is_floating_point() ? tensor.to(net->dtype) : tensor;
            }
            if ((rc = fused_create(net.get())) < 0) {
                return rc;
            }
        } else {
            head_create(net.get());
        }
        *out = net.release();
        return DOGBREED_OK;
    });
}

void net_destroy(dogb_net *net) noexcept {
    (void)guard([&]() -> int {
        delete net;
        return DOGBREED_OK;
    });
}

int check_training(const dogb_net *net) {
    if (net->mode != DOGB_NET_TRAIN) {
        return fail(DOGBREED_ERROR_STATE, "an inference net cannot be trained or watched");
    }
    return DOGBREED_OK;
}

static int forward_graph(dogb_net *net, const dogb_batch *batch, bool training, uint64_t seed,
                         int64_t step) {
    at::AutoGradMode record(training);
    at::Tensor x;
    int rc = batch_tensor(x, net, batch, training);
    if (rc < 0) {
        return rc;
    }
    layers_begin(net, training);
    Pass pass = {net, training, seed, step, {}};
    net->logits = interpret(pass, x).to(at::kFloat);
    if ((net->watch & (1u << DOGBREED_TENSOR_ACTIVATION)) != 0) {
        net->values.swap(pass.values);
    }
    return DOGBREED_OK;
}

int net_forward(dogb_net *net, const dogb_batch *batch, int32_t mode, uint64_t seed,
                int64_t step) noexcept {
    return guard([&]() -> int {
        int rc = check_training(net);
        if (rc < 0 || (rc = check_batch(net, batch)) < 0) {
            return rc;
        }
        accel_use(net);
        net->loss.reset();
        net->has_loss = false;
        net->logits.reset();
        net->values.clear();
        net->count = 0;
        bool training = mode == DOGB_MODE_TRAIN;
        if (net->head) {
            head_forward(net, batch, training, seed, step);
        } else if ((rc = forward_graph(net, batch, training, seed, step)) < 0) {
            return rc;
        }
        net->count = batch->count;
        net->training = training;
        return DOGBREED_OK;
    });
}

int output_read(dogb_net *net, float *out, size_t size) noexcept {
    return guard([&]() -> int {
        if (!net->logits.defined()) {
            return fail(DOGBREED_ERROR_STATE, "no output yet: forward has not run");
        }
        if (size != net->logits.nbytes()) {
            return fail(DOGBREED_ERROR_MISMATCH, "output: %zu bytes given, it has %zu", size,
                        (size_t)net->logits.nbytes());
        }
        tensor_to_host(out, net->logits);
        return DOGBREED_OK;
    });
}

int net_backward(dogb_net *net) noexcept {
    return guard([&]() -> int {
        if (!net->has_loss || !net->training) {
            return fail(DOGBREED_ERROR_STATE,
                        "backward: a forward in training mode and its loss must come first");
        }
        accel_use(net);
        net->has_loss = false; // it is used up
        if (net->head) {
            head_backward(net);
            return DOGBREED_OK;
        }
        for (at::Tensor &param : net->params) {
            param.mutable_grad().reset();
        }
        at::Tensor loss;
        std::swap(loss, net->loss);
        if (loss.requires_grad()) {
            loss.backward();
            layers_tell(net);
        }
        return DOGBREED_OK;
    });
}

int net_synchronize(dogb_net *net) noexcept {
    return guard([&]() -> int {
        device_synchronize(net->device);
        return DOGBREED_OK;
    });
}

} // namespace dogb_torch
