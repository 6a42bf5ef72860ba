// heads_mask.cpp - dogb_dropout_mask for stacked heads. One head on the CPU has its masks from the
// function itself; for others the generator, Philox 4x32-10 (core/rng.c), runs on the device in
// whole numbers of 64 bits, and gives the same factors.
#include "engine/torch/heads.h"

extern "C" { // a header of C
#include "core/rng.h"
}

#include <ATen/ops/arange.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/full.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/tensor.h>

namespace dogb_torch {

static const int64_t word = 0xFFFFFFFF;

static at::Tensor whole_column(const std::vector<int64_t> &values, const at::Device &device) {
    return at::tensor(values, at::kLong).to(device).view({(int64_t)values.size(), 1});
}

Masks::Masks(const Stack &stack, const std::vector<const dogb_heads_work *> &work, int32_t layer)
    : bank_(stack.bank), alone_(stack.bank->stacked ? nullptr : stack.heads[0]), drops_(false),
      node_(stack.bank->nodes[layer]), inputs_(stack.tensors[0][2 * (size_t)layer].size(2)),
      step_(work[0]->step), layer_(layer) {
    std::vector<int64_t> keys[2], steps, limits;
    for (size_t k = 0; k < stack.heads.size(); k++) {
        const Head &head = *stack.heads[k];
        dogb_rng rng;
        dogb_rng_init(&rng, head.seed, DOGB_RNG_DROPOUT, 0, (uint32_t)node_);
        keys[0].push_back(rng.key[0]);
        keys[1].push_back(rng.key[1]);
        steps.push_back(work[k]->step);
        limits.push_back((int64_t)(head.dropout[layer] * 4294967296.0));
        drops_ = drops_ || head.dropout[layer] != 0.0;
    }
    if (!drops_ || alone_ != nullptr) {
        return;
    }
    keys_[0] = whole_column(keys[0], bank_->device);
    keys_[1] = whole_column(keys[1], bank_->device);
    steps_ = whole_column(steps, bank_->device);
    limit_ = whole_column(limits, bank_->device).unsqueeze(2);
    scale_ = stack.column([=](const Head &head) { return 1.0 / (1.0 - head.dropout[layer]); });
}

static at::Tensor high(const at::Tensor &product) {
    return product.bitwise_right_shift(32).bitwise_and_(word);
}

static at::Tensor low(const at::Tensor &product) {
    return product.bitwise_and(word);
}

at::Tensor Masks::draw(int64_t rows, int64_t index) const {
    if (!drops_) {
        return at::Tensor();
    }
    int64_t count = rows * inputs_;
    if (alone_ != nullptr) {
        at::Tensor mask = at::empty({1, rows, inputs_});
        dogb_dropout_mask(mask.mutable_data_ptr<float>(), count, alone_->dropout[layer_],
                          alone_->seed, node_, step_ + index);
        return mask;
    }
    at::TensorOptions whole = at::TensorOptions(at::kLong).device(bank_->device);
    at::Tensor item = steps_.add(index);
    at::Tensor c0 = at::arange((count + 3) / 4, whole).unsqueeze(0);
    at::Tensor c1 = at::full({1, 1}, (int64_t)DOGB_RNG_DROPOUT, whole);
    at::Tensor c2 = low(item), c3 = high(item);
    at::Tensor k0 = keys_[0], k1 = keys_[1];
    for (int round = 0; round < 10; round++) {
        at::Tensor p0 = c0.mul((int64_t)0xD2511F53), p1 = c2.mul((int64_t)0xCD9E8D57);
        c0 = high(p1).bitwise_xor(c1).bitwise_xor(k0);
        c2 = high(p0).bitwise_xor(c3).bitwise_xor(k1);
        c1 = low(p1);
        c3 = low(p0);
        k0 = low(k0.add((int64_t)0x9E3779B9));
        k1 = low(k1.add((int64_t)0xBB67AE85));
    }
    at::Tensor words =
        at::stack(at::TensorList({c0, c1, c2, c3}), 2).flatten(1).narrow(1, 0, count);
    at::Tensor mask = words.view({words.size(0), rows, inputs_}).ge(limit_).to(at::kFloat);
    return mask.mul_(scale_);
}

} // namespace dogb_torch
