// train.h - training nets of the native engine: heads on features, step by step as a bank of one
// head has them, so both have the same bits. Gradients of weights are not stored: the step of the
// optimiser sums them in its tiles, and who asks for one gets it from the same kernel.
#ifndef DOGB_ENGINE_NATIVE_TRAIN_H
#define DOGB_ENGINE_NATIVE_TRAIN_H

#include "engine/native/heads.h"
#include "engine/native/native.h"

struct dogb_head_net {
    dogb_arena arena;  // tables
    dogb_arena memory; // for batches
    dogb_heads *bank;  // of one head: weights and memory for its steps; it has no optimiser
    dogb_head_nodes nodes;
    uint8_t *trainable; // by parameter
    uint8_t *has_grad;  // by parameter, by the last backward
    float *smooth;      // [classes]: of label smoothing
    float *delta;       // gradient of the logits, rows apart as they are
    float **kept;       // by node: activations of the last forward, while they are watched
    float *summed;      // one gradient as the kernels sum it; NULL: nobody has asked yet
    float *shown;       // the gradient or weight that a view shows; NULL likewise
    const float *masks[DOGB_HEADS_LAYERS]; // of the last forward
    int64_t capacity;                      // rows that delta holds
    int64_t kept_capacity;                 // rows that kept holds
    int64_t count;                         // rows of the last forward; 0: none
    int32_t training;                      // its mode
    int32_t has_loss;                      // delta belongs to it
    int32_t graded;                        // backward has run since
    int32_t kept_now;                      // its activations are in kept
    uint32_t watch;
    int32_t threads; // that share a product
};

// train.c
int dogb_native_train_create(dogb_net *net, const void *const *weights, const dogb_net_conf *conf);
void dogb_native_train_destroy(dogb_head_net *head);
// The training part of a net; STATE: it has none.
int dogb_native_train(dogb_head_net **out, const dogb_net *net);
// Where a parameter of the graph is: its layer, and 1 for a bias.
typedef struct dogb_head_place {
    int32_t layer;
    int32_t is_bias;
} dogb_head_place;
dogb_head_place dogb_native_place(const dogb_net *net, int32_t param);
int dogb_native_param_read(dogb_net *net, int32_t param, void *out, size_t size);
int dogb_native_param_write(dogb_net *net, int32_t param, const void *data, size_t size);
int dogb_native_param_trainable(dogb_net *net, int32_t param, int32_t trainable);
int dogb_native_forward(dogb_net *net, const dogb_batch *batch, int32_t mode, uint64_t seed,
                        int64_t step);
int dogb_native_output_read(dogb_net *net, float *out, size_t size);
int dogb_native_loss(dogb_net *net, const dogb_target *target, dogb_loss *out);
int dogb_native_backward(dogb_net *net);

// train_optim.c
int dogb_native_grad_read(dogb_net *net, int32_t param, float *out, size_t size);
int dogb_native_optim_create(dogb_optim **out, dogb_net *net, const dogb_optim_conf *conf);
void dogb_native_optim_destroy(dogb_optim *optim);
int dogb_native_optim_step(dogb_optim *optim, double learning_rate);
int32_t dogb_native_optim_slots(dogb_optim *optim);
int dogb_native_optim_read(dogb_optim *optim, int32_t param, int32_t slot, float *out, size_t size);
int dogb_native_optim_write(dogb_optim *optim, int32_t param, int32_t slot, const float *data,
                            size_t size);
int64_t dogb_native_optim_steps(dogb_optim *optim);
int dogb_native_optim_set_steps(dogb_optim *optim, int64_t steps);

// train_view.c
int dogb_native_keep(dogb_net *net, const dogb_batch *batch); // activations, when watched
int dogb_native_watch(dogb_net *net, uint32_t mask);
int32_t dogb_native_tensor_count(dogb_net *net, int32_t what);
int dogb_native_tensor_describe(dogb_net *net, int32_t what, int32_t index, dogbreed_tensor *out);
int dogb_native_tensor_read(dogb_net *net, int32_t what, int32_t index, float *out, size_t count);
int dogb_native_tensor_stats(dogb_net *net, int32_t what, int32_t index,
                             dogbreed_tensor_stats *out);

#endif
