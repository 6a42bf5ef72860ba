// tensor.cpp - host memory to tensors and back: batches, parameters, gradients.
#include "engine/torch/internal.h"

#include <ATen/Parallel.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/tensor.h>

#include <cstring>

namespace dogb_torch {

// Bytes, NHWC, to normalised floats in the same order, which is what channels_last means.
static at::Tensor normalise_host(const dogb_net *net, const uint8_t *bytes, int64_t count,
                                 const dogb_node &input) {
    at::Tensor out = at::empty({count, 3, input.shape[1], input.shape[2]},
                               at::TensorOptions().memory_format(at::MemoryFormat::ChannelsLast));
    float *to = out.mutable_data_ptr<float>();
    const float *table = net->normalise.data();
    int64_t pixels = count * input.shape[1] * input.shape[2];
    at::parallel_for(0, pixels, 16384, [&](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; i++) {
            to[3 * i] = table[bytes[3 * i]];
            to[3 * i + 1] = table[256 + bytes[3 * i + 1]];
            to[3 * i + 2] = table[512 + bytes[3 * i + 2]];
        }
    });
    return out;
}

// The same on a device: the bytes travel, the arithmetic happens there.
static at::Tensor normalise_device(const dogb_net *net, const uint8_t *bytes, int64_t count,
                                   const dogb_node &input) {
    at::Tensor host = at::from_blob(const_cast<uint8_t *>(bytes),
                                    {count, input.shape[1], input.shape[2], 3}, at::kByte);
    at::Tensor x = host.to(net->device).to(at::kFloat).div_(255.0f);
    at::Tensor mean = at::tensor(at::ArrayRef<float>(net->graph.mean, 3)).to(net->device);
    at::Tensor deviation = at::tensor(at::ArrayRef<float>(net->graph.deviation, 3)).to(net->device);
    return x.sub_(mean).div_(deviation).permute({0, 3, 1, 2});
}

int check_batch(const dogb_net *net, const dogb_batch *batch) {
    const dogb_node &input = net->graph.nodes[0];
    if (batch == nullptr || batch->data == nullptr || batch->count < 1) {
        return fail(DOGBREED_ERROR_INVALID_ARGUMENT, "batch: expected data and a count above 0");
    }
    if (batch->dtype != DOGB_DATA_U8 && batch->dtype != DOGB_DATA_F32) {
        return fail(DOGBREED_ERROR_INVALID_ARGUMENT, "batch: data type %d, expected f32 or u8",
                    batch->dtype);
    }
    if (batch->dtype == DOGB_DATA_U8 && (input.rank != 3 || input.shape[0] != 3)) {
        return fail(DOGBREED_ERROR_MISMATCH,
                    "batch: bytes go into a net with three channels, expected f32");
    }
    return DOGBREED_OK;
}

static void make_tensor(at::Tensor &out, const dogb_net *net, const dogb_batch *batch, bool keep) {
    const dogb_node &input = net->graph.nodes[0];
    int64_t count = batch->count;
    if (batch->dtype == DOGB_DATA_U8) {
        const uint8_t *bytes = (const uint8_t *)batch->data;
        out = net->device.is_cpu() ? normalise_host(net, bytes, count, input)
                                   : normalise_device(net, bytes, count, input);
    } else {
        std::vector<int64_t> shape(1, count);
        shape.insert(shape.end(), input.shape, input.shape + input.rank);
        out = at::from_blob(const_cast<void *>(batch->data), shape, at::kFloat).to(net->device);
        if (input.rank == 3) {
            out = out.contiguous(at::MemoryFormat::ChannelsLast);
        }
        if (keep && out.const_data_ptr() == batch->data) {
            out = out.clone();
        }
    }
    if (net->dtype != at::kFloat) {
        out = out.to(net->dtype);
    }
}

int batch_tensor(at::Tensor &out, const dogb_net *net, const dogb_batch *batch, bool keep) {
    uint64_t span = listener == nullptr ? 0 : listener->begin(DOGB_SPAN_COPY);
    make_tensor(out, net, batch, keep);
    if (span != 0) {
        listener->end(DOGB_SPAN_COPY, span, batch->count);
    }
    return DOGBREED_OK;
}

bool is_trainable_kind(const dogb_param &param) {
    return param.role == DOGB_ROLE_WEIGHT || param.role == DOGB_ROLE_BIAS;
}

at::Tensor param_tensor(const dogb_param &param, const void *data, at::Device device) {
    at::ScalarType type = param.role == DOGB_ROLE_COUNTER ? at::kLong : at::kFloat;
    at::Tensor host = at::from_blob(const_cast<void *>(data),
                                    at::IntArrayRef(param.shape, (size_t)param.rank), type);
    if (type == at::kLong) {
        return host.clone(); // counters stay on the host
    }
    at::Tensor own = host.to(device);
    if (param.rank == 4) {
        own = own.contiguous(at::MemoryFormat::ChannelsLast);
    }
    // A tensor that still looks into the caller's memory gets memory of its own.
    return own.const_data_ptr() == data ? own.clone() : own;
}

void tensor_to_host(void *out, const at::Tensor &tensor) {
    at::NoGradGuard no_grad;
    at::Tensor host = tensor.detach().to(at::kCPU);
    if (host.scalar_type() != at::kLong) {
        host = host.to(at::kFloat);
    }
    host = host.contiguous();
    memcpy(out, host.const_data_ptr(), host.nbytes());
}

int check_param(const dogb_net *net, int32_t param) {
    if (net == nullptr || param < 0 || (size_t)param >= net->graph.params.size()) {
        return fail(DOGBREED_ERROR_INVALID_ARGUMENT, "parameter %d: the net has %zu", param,
                    net == nullptr ? (size_t)0 : net->graph.params.size());
    }
    if (net->mode != DOGB_NET_TRAIN) {
        return fail(DOGBREED_ERROR_STATE, "%s: an inference net has no parameters to look at",
                    net->graph.params[(size_t)param].name);
    }
    return DOGBREED_OK;
}

static int check_size(const dogb_net *net, int32_t param, size_t size) {
    const at::Tensor &tensor = net->params[(size_t)param];
    if (size != tensor.nbytes()) {
        return fail(DOGBREED_ERROR_MISMATCH, "%s: %zu bytes given, it has %zu",
                    net->graph.params[(size_t)param].name, size, tensor.nbytes());
    }
    return DOGBREED_OK;
}

int param_read(dogb_net *net, int32_t param, void *out, size_t size) noexcept {
    return guard([&]() -> int {
        int rc = check_param(net, param);
        if (rc < 0 || (rc = check_size(net, param, size)) < 0) {
            return rc;
        }
        tensor_to_host(out, net->params[(size_t)param]);
        return DOGBREED_OK;
    });
}

int param_write(dogb_net *net, int32_t param, const void *data, size_t size) noexcept {
    return guard([&]() -> int {
        int rc = check_param(net, param);
        if (rc < 0 || (rc = check_size(net, param, size)) < 0) {
            return rc;
        }
        at::NoGradGuard no_grad;
        at::Tensor &tensor = net->params[(size_t)param];
        tensor.copy_(at::from_blob(const_cast<void *>(data), tensor.sizes(), tensor.scalar_type()));
        return DOGBREED_OK;
    });
}

int param_trainable(dogb_net *net, int32_t param, int32_t trainable) noexcept {
    return guard([&]() -> int {
        int rc = check_param(net, param);
        if (rc < 0) {
            return rc;
        }
        if (!is_trainable_kind(net->graph.params[(size_t)param])) {
            return fail(DOGBREED_ERROR_INVALID_ARGUMENT, "%s: a running statistic is not trainable",
                        net->graph.params[(size_t)param].name);
        }
        at::Tensor &tensor = net->params[(size_t)param];
        tensor.set_requires_grad(trainable != 0);
        if (trainable == 0) {
            tensor.mutable_grad().reset();
        }
        return DOGBREED_OK;
    });
}

int grad_read(dogb_net *net, int32_t param, float *out, size_t size) noexcept {
    return guard([&]() -> int {
        int rc = check_param(net, param);
        if (rc < 0 || (rc = check_size(net, param, size)) < 0) {
            return rc;
        }
        const at::Tensor &grad = net->params[(size_t)param].grad();
        if (!grad.defined()) {
            return fail(DOGBREED_ERROR_STATE, "%s has no gradient",
                        net->graph.params[(size_t)param].name);
        }
        tensor_to_host(out, grad);
        return DOGBREED_OK;
    });
}

} // namespace dogb_torch
