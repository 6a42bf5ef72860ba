// internal.h - what the files of the plug-in share: the fence around every entry point, the copy of
// a graph, nets and optimisers. Not seen by C.
#ifndef DOGB_ENGINE_TORCH_INTERNAL_H
#define DOGB_ENGINE_TORCH_INTERNAL_H

#include "core/span_kind.h"
#include "engine/engine.h"
#include "engine/torch/compat.h"

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace dogb_torch {

// --- entry.cpp
// Sets the calling thread's message (one line, cut at 1 kB) and returns `code`.
int fail(int code, const char *format, ...) noexcept __attribute__((format(printf, 2, 3)));
const char *last_error() noexcept;

// Who is told of phases and layers; nullptr: nobody.
extern const dogb_engine_listener *listener;
// Inside a catch block: turns the exception in flight into a message and a code.
int exception_code() noexcept;
void log_line(int32_t level, const char *format, ...) noexcept
    __attribute__((format(printf, 2, 3)));

// No exception crosses the seam.
template <typename Body> int guard(const Body &body) noexcept {
    try {
        return body();
    } catch (...) {
        return exception_code();
    }
}

// --- graph.cpp
// An own copy of a graph: the caller's one may go after net_create.
struct Graph {
    Graph(const Graph &) = delete;
    Graph &operator=(const Graph &) = delete;
    explicit Graph(const dogb_graph *from);

    std::vector<dogb_node> nodes;
    std::vector<dogb_param> params;
    std::vector<int32_t> consumers; // per node; the output counts as one
    std::vector<int32_t>
        last_use; // per node: index of its last consumer; node_count for the output
    int32_t output;
    float mean[3];
    float deviation[3];

  private:
    std::deque<std::string> names_;
    std::deque<std::vector<int32_t>> inputs_;
};

// --- nets
struct HeadNet;    // head.cpp
struct InferNet;   // fused.cpp
struct LayerTimes; // layer.cpp

} // namespace dogb_torch

// The objects of the seam live outside the namespace, where engine.h declares them.
struct dogb_net {
    dogb_net(const dogb_graph *graph, const dogb_net_conf *conf, at::Device where);

    dogb_torch::Graph graph;
    at::Device device;
    int32_t mode;
    int32_t threads;
    int32_t deterministic;
    int32_t batch_norm;
    int32_t batch_max;
    at::ScalarType dtype;
    std::vector<float> normalise; // [3][256]: the normalised value of each byte, per channel

    std::vector<at::Tensor> params; // by parameter index; conv weights are channels_last
    std::shared_ptr<dogb_torch::HeadNet> head;
    std::shared_ptr<dogb_torch::InferNet> fast;

    // State of the last forward.
    uint32_t watch;
    int32_t count;                  // of the batch; 0: no forward yet
    bool training;                  // it ran with DOGB_MODE_TRAIN
    at::Tensor logits;              // float32
    bool has_loss;                  // and backward has not used it up
    at::Tensor loss;                // with autograd's record; not for heads
    std::vector<at::Tensor> values; // by node; kept only when activations are watched
    std::shared_ptr<dogb_torch::LayerTimes> times; // of its backward; empty: nobody wants them
};

struct dogb_optim {
    dogb_net *net;
    dogb_optim_conf conf;
    int64_t steps;
    std::vector<int32_t> params;                // those that were trainable at creation
    std::vector<std::vector<at::Tensor>> slots; // [slot][position in params]
};

namespace dogb_torch {

// --- tensor.cpp
// The batch as a tensor on the net's device; rank 3 is channels_last and normalised. `keep`: the
// values must outlive the caller's buffer.
// The batch must have been checked.
int check_batch(const dogb_net *net, const dogb_batch *batch);
int batch_tensor(at::Tensor &out, const dogb_net *net, const dogb_batch *batch, bool keep);
// Host data of a parameter as a tensor of its own, as the interpreter wants it.
at::Tensor param_tensor(const dogb_param &param, const void *data, at::Device device);
// Copies `tensor` as C-ordered float32 (int64 stays).
void tensor_to_host(void *out, const at::Tensor &tensor);
int param_read(dogb_net *net, int32_t param, void *out, size_t size) noexcept;
int param_write(dogb_net *net, int32_t param, const void *data, size_t size) noexcept;
int param_trainable(dogb_net *net, int32_t param, int32_t trainable) noexcept;
int grad_read(dogb_net *net, int32_t param, float *out, size_t size) noexcept;
int check_param(const dogb_net *net, int32_t param);
bool is_trainable_kind(const dogb_param &param);

// --- net.cpp
int net_create(dogb_net **out, const dogb_graph *graph, const void *const *weights,
               const dogb_net_conf *conf) noexcept;
void net_destroy(dogb_net *net) noexcept;
int net_forward(dogb_net *net, const dogb_batch *batch, int32_t mode, uint64_t seed,
                int64_t step) noexcept;
int output_read(dogb_net *net, float *out, size_t size) noexcept;
int net_backward(dogb_net *net) noexcept;
int net_synchronize(dogb_net *net) noexcept;
int check_training(const dogb_net *net);

// --- layer.cpp: the time of each node, on request
bool layers_wanted() noexcept;
// From a forward of a training net to the end of its backward, through autograd.
void layers_begin(dogb_net *net, bool training);
void layer_watch(dogb_net *net, int32_t node, const at::Tensor &output);
void layers_tell(dogb_net *net);
// Of a node that the calling thread computes on the CPU: as long as this lives.
struct LayerSpan {
    LayerSpan(int32_t of, const dogb_node &which)
        : node(which), begin(layers_wanted() ? listener->begin(of) : 0), kind(of) {
    }
    ~LayerSpan() {
        if (begin != 0) {
            listener->layer_end(kind, begin, &node);
        }
    }
    LayerSpan(const LayerSpan &) = delete;
    LayerSpan &operator=(const LayerSpan &) = delete;

    const dogb_node &node;
    uint64_t begin;
    int32_t kind;
};

// --- interpreter.cpp: one pass over the graph with ATen's functions.
struct Pass {
    dogb_net *net;
    bool training;
    uint64_t seed;
    int64_t step;
    std::vector<at::Tensor> values;
};
void run_node(Pass &pass, const dogb_node &node, int32_t index);
at::Tensor interpret(Pass &pass, const at::Tensor &input);
// The multipliers of a dropout node for a whole batch, shaped like `like`.
at::Tensor dropout_mask(const dogb_node &node, int32_t index, const Pass &pass,
                        const at::Tensor &like);

// --- fused.cpp
// Prepares a net for fused_run; leaves net->fast empty when this build or device cannot.
int fused_create(dogb_net *net);
// `alone`: the only piece of its batch, on several threads.
at::Tensor fused_run(Pass &pass, const at::Tensor &input, bool alone);

// --- head.cpp: chains of linear layers without autograd. Nothing is made for other nets.
void head_create(dogb_net *net);
void head_forward(dogb_net *net, const dogb_batch *batch, bool training, uint64_t seed,
                  int64_t step);
double head_loss(dogb_net *net, const dogb_target *target);
void head_backward(dogb_net *net);

// --- share.cpp
// Runs piece(0), piece(1) ... on up to `threads` threads, each piece on one; the first failure ends
// it.
int share(int32_t threads, int64_t pieces, const std::function<int(int64_t)> &piece);

// --- infer.cpp
int net_infer(dogb_net *net, const dogb_batch *batch, float *out) noexcept;

// --- loss.cpp
int net_loss(dogb_net *net, const dogb_target *target, dogb_loss *out) noexcept;

// --- optim.cpp
int32_t optim_slot_count(const dogb_optim_conf &conf); // state tensors of each parameter
int optim_create(dogb_optim **out, dogb_net *net, const dogb_optim_conf *conf) noexcept;
void optim_destroy(dogb_optim *optim) noexcept;
int optim_step(dogb_optim *optim, double learning_rate) noexcept;
int32_t optim_slots(dogb_optim *optim) noexcept;
int optim_read(dogb_optim *optim, int32_t param, int32_t slot, float *out, size_t size) noexcept;
int optim_write(dogb_optim *optim, int32_t param, int32_t slot, const float *data,
                size_t size) noexcept;
int64_t optim_steps(dogb_optim *optim) noexcept;
int optim_set_steps(dogb_optim *optim, int64_t steps) noexcept;

// --- optim_cpu.cpp
// SGD's step of one tensor in one pass; false: not possible here, nothing was done.
bool optim_sgd_cpu(const dogb_optim_conf &conf, double rate, const at::Tensor &param,
                   const at::Tensor &grad, const at::Tensor *momentum);

// --- heads.cpp
int heads_create(dogb_heads **out, const dogb_heads_conf *conf) noexcept;
void heads_destroy(dogb_heads *heads) noexcept;
int64_t heads_bytes(const dogb_heads_conf *conf, const int32_t *batches, int64_t rows) noexcept;
int heads_end(dogb_heads *heads, int32_t head) noexcept;
int heads_read(dogb_heads *heads, int32_t head, int32_t param, float *out, size_t size) noexcept;
int heads_write(dogb_heads *heads, int32_t head, int32_t param, const float *data,
                size_t size) noexcept;
int heads_slot_read(dogb_heads *heads, int32_t head, int32_t param, int32_t slot, float *out,
                    size_t size) noexcept;
int heads_slot_write(dogb_heads *heads, int32_t head, int32_t param, int32_t slot,
                     const float *data, size_t size) noexcept;
int64_t heads_steps(dogb_heads *heads, int32_t head) noexcept;
int heads_set_steps(dogb_heads *heads, int32_t head, int64_t steps) noexcept;

// --- observe.cpp
int net_watch(dogb_net *net, uint32_t mask) noexcept;
int32_t tensor_count(dogb_net *net, int32_t what) noexcept;
int tensor_describe(dogb_net *net, int32_t what, int32_t index, dogbreed_tensor *out) noexcept;
int tensor_read(dogb_net *net, int32_t what, int32_t index, float *out, size_t count) noexcept;
int tensor_stats(dogb_net *net, int32_t what, int32_t index, dogbreed_tensor_stats *out) noexcept;

// --- activity.cpp
int activities_begin() noexcept;
int activities_end(dogb_activity_fn fn, void *userdata) noexcept;

// --- accel.cpp
// Loads libtorch_cuda when a driver is there: before anything asks libtorch about CUDA.
int accel_open() noexcept;
bool accel_has_cuda() noexcept;
bool accel_cpu_bf16() noexcept;
int32_t device_count() noexcept;
int device_info(dogb_device *out, int32_t index) noexcept;
int device_memory(const char *device, int64_t *used, int64_t *peak) noexcept;
// "cpu" or "cuda:N" that exists.
int device_parse(at::Device &out, const char *text);
int device_bf16(const at::Device &device);
// The calling thread computes with this number of threads and determinism from here on.
void accel_use(const at::Device &device, int32_t threads, bool deterministic);
void accel_use(const dogb_net *net);
void accel_threads(int32_t threads);
void device_synchronize(const at::Device &device);

} // namespace dogb_torch

#endif
