// infer.cpp - inference with a folded graph.
#include "engine/torch/internal.h"

#include <c10/core/InferenceMode.h>

namespace dogb_torch {

struct InferNet {};

int net_infer(dogb_net *net, const dogb_batch *batch, float *out) noexcept {
    return guard([&]() -> int {
        if (net->mode != DOGB_NET_INFER) {
            return fail(DOGBREED_ERROR_STATE, "infer: the net was made for training");
        }
        accel_use(net);
        c10::InferenceMode inference;
        at::Tensor x;
        int rc = batch_tensor(x, net, batch, false);
        if (rc < 0) {
            return rc;
        }
        Pass pass = {net, false, 0, 0, {}};
        tensor_to_host(out, interpret(pass, x));
        return DOGBREED_OK;
    });
}

} // namespace dogb_torch
