// heads_stack.cpp - heads side by side: their products.
#include "engine/torch/heads.h"

#include <ATen/ops/baddbmm.h>
#include <ATen/ops/bmm.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/threshold_backward.h>

namespace dogb_torch {

Stack::Stack(dogb_heads *of, std::vector<Head *> members) : bank(of), heads(std::move(members)) {
    for (size_t i = 0; i <= head_states; i++) {
        for (size_t param = 0; param < heads[0]->tensors[i].size(); param++) {
            if (heads.size() == 1) {
                tensors[i].push_back(heads[0]->tensors[i][param].unsqueeze(0));
                continue;
            }
            std::vector<at::Tensor> all;
            for (Head *head : heads) {
                all.push_back(head->tensors[i][param]);
            }
            tensors[i].push_back(at::stack(all));
        }
    }
}

void Stack::store() {
    for (size_t k = 0; heads.size() > 1 && k < heads.size(); k++) {
        for (size_t i = 0; i <= head_states; i++) {
            for (size_t param = 0; param < tensors[i].size(); param++) {
                heads[k]->tensors[i][param].copy_(tensors[i][param].select(0, (int64_t)k));
            }
        }
    }
}

at::Tensor Stack::column(const std::function<double(const Head &)> &value,
                         at::ScalarType type) const {
    std::vector<double> values;
    for (const Head *head : heads) {
        values.push_back(value(*head));
    }
    return at::tensor(values, at::kDouble).to(type).to(bank->device).view({count(), 1, 1});
}

at::Tensor Stack::forward(const at::Tensor &x, const at::Tensor &mask) {
    input_ = x;
    for (size_t layer = 0;; layer++) {
        const at::Tensor &weight = tensors[0][2 * layer];
        const at::Tensor &bias = tensors[0][2 * layer + 1];
        at::Tensor y = at::baddbmm(bias.transpose(1, 2), input_, weight.transpose(1, 2));
        if ((int32_t)layer + 1 == layers()) {
            return y;
        }
        hidden_ = y.clamp_min_(0.0);
        input_ = mask.defined() ? hidden_ * mask : hidden_;
    }
}

std::vector<at::Tensor> Stack::backward(const at::Tensor &x, const at::Tensor &mask,
                                        const at::Tensor &gradient) {
    std::vector<at::Tensor> gradients(tensors[0].size());
    at::Tensor delta = gradient;
    for (size_t layer = (size_t)layers() - 1;; layer--) {
        at::Tensor &weight = weight_gradients_[layer];
        if (!weight.defined()) {
            weight = at::empty_like(tensors[0][2 * layer]);
        }
        at::bmm_out(weight, delta.transpose(1, 2), layer == 0 ? x : input_);
        gradients[2 * layer] = weight;
        gradients[2 * layer + 1] = delta.sum(1).unsqueeze(2);
        if (layer == 0) {
            return gradients;
        }
        delta = at::bmm(delta, tensors[0][2 * layer]);
        if (mask.defined()) {
            delta.mul_(mask);
        }
        delta = at::threshold_backward(delta, hidden_, 0.0);
    }
}

} // namespace dogb_torch
