// heads.h - banks of heads on libtorch. Heads of one shape, batch size and kind of optimiser are
// stacked along a first dimension and take their steps as one: batched matrix products and
// element-wise operations with a column of values, one per head, all on the device. On the CPU a
// stack is one head on one thread, which keeps its bits the same in any bank.
#ifndef DOGB_ENGINE_TORCH_HEADS_H
#define DOGB_ENGINE_TORCH_HEADS_H

#include "engine/heads.h"
#include "engine/torch/internal.h"

#include <ATen/TensorOperators.h>

#include <functional>

namespace dogb_torch {

static const int32_t head_layers = 2;
static const int32_t head_states = 2; // of an optimiser, at most

struct Head {
    dogb_optim_conf optim;
    int32_t slots;
    double smoothing;
    double dropout[head_layers]; // in front of each layer
    uint64_t seed;
    int64_t steps;
    // By parameter: [0] its values, [1] and [2] the optimiser's state. Empty: the head has left.
    std::vector<at::Tensor> tensors[1 + head_states];
};

} // namespace dogb_torch

struct dogb_heads {
    dogb_heads(const dogb_heads_conf *conf, at::Device where);

    dogb_heads_shape shape;
    std::vector<uint8_t> ended;
    at::Device device;
    int32_t threads;
    int32_t nodes[dogb_torch::head_layers]; // of dropout
    bool stacked;
    std::vector<dogb_torch::Head> heads;
    at::Tensor class_weights; // float64 on the device, or undefined
    at::Tensor classes;       // 0, 1, 2 ...
    // The data of the last run that had a key, on the device.
    int64_t key;
    at::Tensor features;
    at::Tensor labels;
};

namespace dogb_torch {

// --- heads_stack.cpp: heads side by side
struct Stack {
    Stack(dogb_heads *of, std::vector<Head *> members);
    void store(); // into the heads
    int64_t count() const {
        return (int64_t)heads.size();
    }
    int32_t layers() const {
        return bank->shape.hidden > 0 ? 2 : 1;
    }
    // One value per head, [K, 1, 1] on the device.
    at::Tensor column(const std::function<double(const Head &)> &value,
                      at::ScalarType type = at::kFloat) const;
    // Logits [K, B, classes] of x [K, B, inputs]. mask: of the hidden layer, or undefined.
    at::Tensor forward(const at::Tensor &x, const at::Tensor &mask);
    // Gradients of the parameters, from that of the logits of the last forward of x.
    std::vector<at::Tensor> backward(const at::Tensor &x, const at::Tensor &mask,
                                     const at::Tensor &gradient);

    dogb_heads *bank;
    std::vector<Head *> heads;
    // As in Head: weights [K, outputs, inputs], biases [K, outputs, 1]. Of one head they are its
    // own.
    std::vector<at::Tensor> tensors[1 + head_states];

  private:
    at::Tensor hidden_; // values of the hidden layer
    at::Tensor input_;  // of the last layer
    at::Tensor weight_gradients_[head_layers];
};

// Cross-entropy with class weights and each head's label smoothing.
struct Entropy {
    explicit Entropy(const Stack &stack);
    // Of logits [K, B, classes] and labels [K, B]: the gradient of the mean loss, and the losses
    // [K] unless null.
    at::Tensor gradient(const at::Tensor &logits, const at::Tensor &labels, at::Tensor *losses);
    // Losses [K] that are not yet divided by the labels' weights [K].
    void sums(const at::Tensor &logs, const at::Tensor &labels, at::Tensor &loss,
              at::Tensor &weight);

  private:
    void weigh(const at::Tensor &labels, at::Tensor &own, at::Tensor &weight);

    const dogb_heads *bank_;
    at::Tensor keep_;      // [K, 1] 1 - smoothing
    at::Tensor share_;     // [K, 1, classes] what smoothing asks of each class; undefined: nothing
    at::Tensor share_sum_; // [K, 1]
};

// --- heads_optim.cpp: steps of the optimisers of a stack, all of them SGD or none
struct Rules {
    Rules(const Stack &stack, const std::vector<const dogb_heads_work *> &work, int64_t steps);
    // Step number `index` of the run; gradients are used up.
    void step(Stack &stack, std::vector<at::Tensor> &gradients, int64_t index);

  private:
    void sgd(Stack &stack, size_t param, at::Tensor &gradient, int64_t index) const;
    void adam(Stack &stack, size_t param, at::Tensor &gradient, int64_t index) const;

    std::vector<const dogb_heads_work *> work_;
    bool decays_, keeps_, nesterov_; // of any head
    at::Tensor rates_;               // [steps, K, 1, 1]; adam: with the bias correction
    at::Tensor corrections_;         // adam: 1 / sqrt(1 - beta2^steps)
    at::Tensor keep_;                // adamw: what the decay leaves of a weight
    at::Tensor decay_, momentum_, of_gradient_, of_momentum_;
    at::Tensor first_, second_, second_rest_, epsilon_;
};

// --- heads_mask.cpp: dropout in front of one layer
struct Masks {
    Masks(const Stack &stack, const std::vector<const dogb_heads_work *> &work, int32_t layer);
    // [K, rows, inputs] factors for step `index` of the run; undefined: no head drops anything.
    at::Tensor draw(int64_t rows, int64_t index) const;

  private:
    const dogb_heads *bank_;
    const Head *alone_; // of a stack of one head: masks come from the CPU
    bool drops_;
    int32_t node_;
    int64_t inputs_;
    int64_t step_;
    int32_t layer_;
    at::Tensor keys_[2], steps_, limit_, scale_; // [K, 1]
};

// --- heads_run.cpp
int heads_step(dogb_heads *heads, const float *features, const int32_t *labels, int32_t count,
               const double *learning_rates, int64_t step, double *losses) noexcept;
int heads_eval(dogb_heads *heads, const float *features, const int32_t *labels, int32_t count,
               dogb_loss *out) noexcept;
int heads_run(dogb_heads *heads, const dogb_heads_data *data, const dogb_heads_work *work,
              int32_t count) noexcept;

} // namespace dogb_torch

#endif
