// infer.cpp - inference with a folded graph. On the CPU the batch is cut into pieces of a few
// images, and each piece runs through the whole net on one thread: activations stay in that core's
// cache and threads meet once per batch. A single image uses all threads inside its operations.
// Logits of an image do not depend on the batch it comes in: see fused.cpp.
#include "engine/torch/internal.h"

#include <c10/core/InferenceMode.h>

#include <algorithm>
#include <condition_variable>
#include <mutex>

namespace dogb_torch {

// More images per piece amortise the cost of calls, fewer keep activations in the cache; measured
// best on cores with 1 MB of L2.
static const int64_t piece_max = 4;

// Compute threads that calls share. One call alone gets all of its net's threads; calls that come
// while others run get one each, so that the cores are never oversubscribed.
static std::mutex gate_lock;
static std::condition_variable gate_open;
static int32_t gate_used;    // threads at work, guarded by gate_lock
static int32_t gate_waiting; // calls that wait, guarded by gate_lock

static int32_t enter_gate(int32_t threads, int64_t count) {
    std::unique_lock<std::mutex> hold(gate_lock);
    gate_waiting++;
    gate_open.wait(hold, [&] { return gate_used < threads; });
    gate_waiting--;
    int32_t take = gate_waiting > 0 || gate_used > 0 ? 1 : threads;
    if (count > 1 && count < take) {
        take = (int32_t)count;
    }
    gate_used += take;
    return take;
}

static void leave_gate(int32_t taken) {
    std::lock_guard<std::mutex> hold(gate_lock);
    gate_used -= taken;
    gate_open.notify_all();
}

struct Gate {
    explicit Gate(const dogb_net *net, int64_t count) : taken(enter_gate(net->threads, count)) {
    }
    ~Gate() {
        leave_gate(taken);
    }
    int32_t taken;
};

static int64_t elements(const dogb_node &node) {
    int64_t count = 1;
    for (int32_t i = 0; i < node.rank; i++) {
        count *= node.shape[i];
    }
    return count;
}

// Samples [first, first + count) of the batch, on the calling thread.
static int run_piece(dogb_net *net, const dogb_batch *batch, int64_t first, int64_t count,
                     bool alone, float *out) {
    c10::InferenceMode inference;
    size_t size = batch->dtype == DOGB_DATA_U8 ? 1 : sizeof(float);
    const char *data = (const char *)batch->data;
    dogb_batch piece = {data + (size_t)(first * elements(net->graph.nodes[0])) * size,
                        (int32_t)count, batch->dtype};
    at::Tensor x;
    int rc = batch_tensor(x, net, &piece, false);
    if (rc < 0) {
        return rc;
    }
    Pass pass = {net, false, 0, 0, {}};
    at::Tensor y = net->fast ? fused_run(pass, x, alone) : interpret(pass, x);
    tensor_to_host(out + first * elements(net->graph.nodes[(size_t)net->graph.output]), y);
    return DOGBREED_OK;
}

static int run_pieces(dogb_net *net, const dogb_batch *batch, int32_t threads, float *out) {
    int64_t rounds = (batch->count + piece_max * threads - 1) / (piece_max * threads);
    int64_t pieces = std::min<int64_t>(rounds * threads, batch->count);
    return share(threads, pieces, [=](int64_t i) -> int {
        int64_t first = i * batch->count / pieces;
        int64_t end = (i + 1) * batch->count / pieces;
        return run_piece(net, batch, first, end - first, false, out);
    });
}

static int check_infer(const dogb_net *net, const dogb_batch *batch) {
    if (net->mode != DOGB_NET_INFER) {
        return fail(DOGBREED_ERROR_STATE, "infer: the net was made for training");
    }
    return check_batch(net, batch);
}

int net_infer(dogb_net *net, const dogb_batch *batch, float *out) noexcept {
    return guard([&]() -> int {
        int rc = check_infer(net, batch);
        if (rc < 0) {
            return rc;
        }
        if (!net->device.is_cpu() || !net->fast) {
            accel_use(net);
            return run_piece(net, batch, 0, batch->count, false, out);
        }
        Gate gate(net, batch->count);
        if (batch->count == 1) {
            accel_threads(gate.taken);
            return run_piece(net, batch, 0, 1, gate.taken > 1, out);
        }
        return run_pieces(net, batch, gate.taken, out);
    });
}

} // namespace dogb_torch
