// heads_loss.cpp - cross-entropy of stacked heads: a sample's share of class c is w[c] * smoothing
// / classes, and w[label] * (1 - smoothing) more at its label; the loss is -sum(share * log p) over
// the weight of the labels, its gradient sum(share) * p - share.
#include "engine/torch/heads.h"

#include <ATen/ops/full_like.h>
#include <ATen/ops/log_softmax.h>
#include <ATen/ops/zeros_like.h>

#include <limits>

namespace dogb_torch {

Entropy::Entropy(const Stack &stack) : bank_(stack.bank) {
    bool smooth = false;
    for (const Head *head : stack.heads) {
        smooth = smooth || head->smoothing != 0.0;
    }
    auto smoothing = [](const Head &head) { return head.smoothing; };
    at::Tensor column = stack.column(smoothing, at::kDouble);
    keep_ = column.squeeze(2).neg().add_(1.0);
    share_sum_ = at::zeros_like(keep_);
    if (smooth) {
        int64_t classes = bank_->shape.classes;
        share_ = bank_->class_weights.defined() ? column * bank_->class_weights
                                                : column.expand({stack.count(), 1, classes});
        share_ = share_ / (double)classes;
        share_sum_ = share_.sum(2);
    }
}

// own: what belongs to each label, [K, B] or [K, 1]. weight: of the labels, [K, 1].
void Entropy::weigh(const at::Tensor &labels, at::Tensor &own, at::Tensor &weight) {
    if (!bank_->class_weights.defined()) {
        own = keep_;
        weight = at::full_like(keep_, (double)labels.size(1));
        return;
    }
    own = bank_->class_weights.index_select(0, labels.reshape(-1)).view(labels.sizes());
    weight = own.sum(1, true);
    own = own * keep_;
}

// 0 * infinity is no loss.
static at::Tensor bounded(const at::Tensor &logs) {
    return logs.clamp_min((double)std::numeric_limits<float>::lowest());
}

static at::Tensor loss_of(const at::Tensor &logs, const at::Tensor &labels, const at::Tensor &own,
                          const at::Tensor &share) {
    at::Tensor finite = bounded(logs);
    at::Tensor hits = finite.gather(2, labels.unsqueeze(2)).squeeze(2).to(at::kDouble);
    at::Tensor loss = (hits * own).sum(1);
    if (share.defined()) {
        loss.add_((finite * share).sum(at::IntArrayRef({1, 2})));
    }
    return loss.neg_();
}

at::Tensor Entropy::gradient(const at::Tensor &logits, const at::Tensor &labels,
                             at::Tensor *losses) {
    at::Tensor own, weight;
    weigh(labels, own, weight);
    at::Tensor logs = at::log_softmax(logits, 2);
    if (losses != nullptr) {
        *losses = loss_of(logs, labels, own, share_).div_(weight.squeeze(1));
    }
    at::Tensor all = ((own + share_sum_) / weight).to(at::kFloat).unsqueeze(2);
    at::Tensor hit = labels.unsqueeze(2).eq(bank_->classes).to(at::kFloat);
    at::Tensor gradient = logs.exp().mul_(all);
    if (share_.defined()) {
        gradient.sub_((share_ / weight.unsqueeze(2)).to(at::kFloat));
    }
    return gradient.addcmul_(hit, (own / weight).to(at::kFloat).unsqueeze(2), -1.0);
}

void Entropy::sums(const at::Tensor &logs, const at::Tensor &labels, at::Tensor &loss,
                   at::Tensor &weight) {
    at::Tensor own;
    weigh(labels, own, weight);
    loss = loss_of(logs, labels, own, share_);
    weight = weight.squeeze(1);
}

} // namespace dogb_torch
