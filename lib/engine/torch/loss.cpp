// loss.cpp - cross-entropy of the last forward, and how many labels were hit.
#include "engine/torch/internal.h"

#include <ATen/core/grad_mode.h>
#include <ATen/core/Reduction.h>
#include <ATen/ops/cross_entropy_loss.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>

namespace dogb_torch {

// The place of the label's logit among all, the lowest index first among equals: 0 is the argmax.
// A label whose logit is not a number is never among the first.
static int64_t label_rank(const float *row, int64_t classes, int32_t label) {
    float own = row[label];
    int64_t rank = 0;
    for (int64_t i = 0; i < classes; i++) {
        bool ahead = !(row[i] <= own) || (row[i] == own && i < label);
        rank += ahead && i != label ? 1 : 0;
    }
    return own != own ? classes : rank;
}

static void count_hits(dogb_loss *out, const at::Tensor &logits, const dogb_target *target) {
    at::Tensor host = logits.detach().to(at::kCPU).contiguous();
    const float *rows = host.const_data_ptr<float>();
    int64_t classes = host.size(1);
    out->correct = 0;
    out->correct5 = 0;
    for (int32_t i = 0; i < target->count; i++) {
        int64_t rank = label_rank(rows + i * classes, classes, target->labels[i]);
        out->correct += rank < 1 ? 1 : 0;
        out->correct5 += rank < 5 ? 1 : 0;
    }
}

static int check_target(const dogb_net *net, const dogb_target *target) {
    if (net->count == 0) {
        return fail(DOGBREED_ERROR_STATE, "loss: forward has not run");
    }
    if (net->logits.dim() != 2) {
        return fail(DOGBREED_ERROR_MISMATCH, "loss: the net's output is not a row of logits");
    }
    if (target->count != net->count) {
        return fail(DOGBREED_ERROR_MISMATCH, "loss: %d labels for a batch of %d", target->count,
                    net->count);
    }
    if (!(target->label_smoothing >= 0 && target->label_smoothing <= 1)) {
        return fail(DOGBREED_ERROR_INVALID_ARGUMENT, "label_smoothing: %g, expected 0 to 1",
                    target->label_smoothing);
    }
    int64_t classes = net->logits.size(1);
    for (int32_t i = 0; i < target->count; i++) {
        if (target->labels[i] < 0 || target->labels[i] >= classes) {
            return fail(DOGBREED_ERROR_INVALID_ARGUMENT,
                        "loss: label %d of sample %d, expected 0 to %lld", target->labels[i], i,
                        (long long)classes - 1);
        }
    }
    return DOGBREED_OK;
}

int net_loss(dogb_net *net, const dogb_target *target, dogb_loss *out) noexcept {
    return guard([&]() -> int {
        int rc = check_target(net, target);
        if (rc < 0) {
            return rc;
        }
        accel_use(net);
        net->has_loss = true;
        if (net->head) {
            out->loss = head_loss(net, target);
            count_hits(out, net->logits, target);
            return DOGBREED_OK;
        }
        at::AutoGradMode record(net->training);
        at::Tensor labels =
            at::from_blob(const_cast<int32_t *>(target->labels), {target->count}, at::kInt)
                .to(at::kLong)
                .to(net->device);
        at::Tensor weights;
        if (target->class_weights != nullptr) {
            weights = at::from_blob(const_cast<float *>(target->class_weights),
                                    {net->logits.size(1)}, at::kFloat)
                          .clone()
                          .to(net->device);
        }
        net->loss = at::cross_entropy_loss(net->logits, labels, weights, at::Reduction::Mean, -100,
                                           target->label_smoothing);
        out->loss = net->loss.item<double>();
        count_hits(out, net->logits, target);
        return DOGBREED_OK;
    });
}

} // namespace dogb_torch
