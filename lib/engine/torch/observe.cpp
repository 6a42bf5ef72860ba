// observe.cpp - views for events: activations by node, gradients and weights by parameter.
// Statistics are computed where the tensor lives.
#include "engine/torch/internal.h"

extern "C" { // a header of C
#include "core/stats.h"
}

#include <ATen/core/grad_mode.h>
#include <ATen/ops/abs.h>
#include <ATen/ops/isfinite.h>
#include <ATen/ops/isinf.h>
#include <ATen/ops/stack.h>

#include <cmath>
#include <cstring>

namespace dogb_torch {

int net_watch(dogb_net *net, uint32_t mask) noexcept {
    int rc = check_training(net);
    if (rc < 0) {
        return rc;
    }
    net->watch = mask;
    if ((mask & (1u << DOGBREED_TENSOR_ACTIVATION)) == 0) {
        net->values.clear();
    }
    return DOGBREED_OK;
}

// Tensor `index` of a kind with its name; false behind the last one. Gradients are those of the
// parameters that have one.
static bool find_view(dogb_net *net, int32_t what, int32_t index, at::Tensor &tensor,
                      const char *&name) {
    if (index < 0 || (net->watch & (1u << what)) == 0) {
        return false;
    }
    if (what == DOGBREED_TENSOR_ACTIVATION) {
        size_t node = (size_t)index + 1; // the input is no activation
        if (node >= net->values.size()) {
            return false;
        }
        tensor = net->values[node];
        name = net->graph.nodes[node].name;
        return true;
    }
    for (size_t i = 0; i < net->params.size(); i++) {
        if (!is_trainable_kind(net->graph.params[i])) {
            continue;
        }
        const at::Tensor &view =
            what == DOGBREED_TENSOR_GRADIENT ? net->params[i].grad() : net->params[i];
        if (view.defined() && index-- == 0) {
            tensor = view;
            name = net->graph.params[i].name;
            return true;
        }
    }
    return false;
}

int32_t tensor_count(dogb_net *net, int32_t what) noexcept {
    int32_t count = 0;
    (void)guard([&]() -> int {
        at::Tensor tensor;
        const char *name;
        if (what == DOGBREED_TENSOR_ACTIVATION) {
            bool watched = (net->watch & (1u << DOGBREED_TENSOR_ACTIVATION)) != 0;
            count = net->values.empty() || !watched ? 0 : (int32_t)net->values.size() - 1;
        } else {
            while (find_view(net, what, count, tensor, name)) {
                count++;
            }
        }
        return DOGBREED_OK;
    });
    return count;
}

static int need_view(dogb_net *net, int32_t what, int32_t index, at::Tensor &tensor,
                     const char *&name) {
    if (what < DOGBREED_TENSOR_ACTIVATION || what > DOGBREED_TENSOR_WEIGHT) {
        return fail(DOGBREED_ERROR_INVALID_ARGUMENT, "tensor kind %d is not known", what);
    }
    if (!find_view(net, what, index, tensor, name)) {
        return fail(DOGBREED_ERROR_NOT_FOUND, "tensor %d of kind %d: not there or not watched",
                    index, what);
    }
    return DOGBREED_OK;
}

int tensor_describe(dogb_net *net, int32_t what, int32_t index, dogbreed_tensor *out) noexcept {
    return guard([&]() -> int {
        at::Tensor tensor;
        const char *name = "";
        int rc = need_view(net, what, index, tensor, name);
        if (rc < 0) {
            return rc;
        }
        out->what = what;
        out->name = name;
        out->dtype = tensor.scalar_type() == at::kBFloat16 ? DOGB_DTYPE_BF16 : DOGB_DTYPE_F32;
        out->rank = (int32_t)tensor.dim();
        for (int32_t i = 0; i < 4; i++) {
            out->shape[i] = i < out->rank ? tensor.size(i) : 0;
        }
        return DOGBREED_OK;
    });
}

int tensor_read(dogb_net *net, int32_t what, int32_t index, float *out, size_t count) noexcept {
    return guard([&]() -> int {
        at::Tensor tensor;
        const char *name = "";
        int rc = need_view(net, what, index, tensor, name);
        if (rc < 0) {
            return rc;
        }
        if (count != (size_t)tensor.numel()) {
            return fail(DOGBREED_ERROR_MISMATCH, "%s: room for %zu values, it has %lld", name,
                        count, (long long)tensor.numel());
        }
        tensor_to_host(out, tensor);
        return DOGBREED_OK;
    });
}

// Reductions where the tensor lives; one small copy brings all results.
static void device_stats(dogbreed_tensor_stats *out, const at::Tensor &tensor) {
    at::Tensor all = tensor.reshape({-1}).to(at::kDouble);
    at::Tensor nan = all.isnan().sum().to(at::kDouble);
    at::Tensor infinite = all.isinf().sum().to(at::kDouble);
    at::Tensor values = all.masked_select(all.isfinite());
    if (values.numel() == 0) {
        dogb_stats(out, nullptr, 0); // what there is without values
        out->nan_count = nan.item<int64_t>();
        out->infinity_count = infinite.item<int64_t>();
        return;
    }
    at::Tensor size = values.abs();
    at::Tensor found = at::stack({nan, infinite, values.min(), values.max(), size.min(),
                                  values.mean(), size.mean(), values.var(false),
                                  values.square().sum(), values.eq(0).sum().to(at::kDouble)})
                           .cpu();
    const double *f = found.const_data_ptr<double>();
    out->nan_count = (int64_t)f[0];
    out->infinity_count = (int64_t)f[1];
    out->minimum = f[2];
    out->maximum = f[3];
    out->absolute_minimum = f[4];
    out->mean = f[5];
    out->absolute_mean = f[6];
    out->deviation = std::sqrt(f[7]);
    out->norm = std::sqrt(f[8]);
    out->zero_share = f[9] / (double)all.numel();
}

int tensor_stats(dogb_net *net, int32_t what, int32_t index, dogbreed_tensor_stats *out) noexcept {
    return guard([&]() -> int {
        at::Tensor tensor;
        const char *name = "";
        int rc = need_view(net, what, index, tensor, name);
        if (rc < 0) {
            return rc;
        }
        at::NoGradGuard no_grad;
        if (!tensor.device().is_cpu()) {
            device_stats(out, tensor.detach());
            return DOGBREED_OK;
        }
        at::Tensor host = tensor.detach().to(at::kFloat).contiguous();
        dogb_stats(out, host.const_data_ptr<float>(), (size_t)host.numel());
        return DOGBREED_OK;
    });
}

} // namespace dogb_torch
