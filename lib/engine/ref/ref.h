// ref.h - what the files of the reference engine share: plain C, float32, one row of two functions
// per operation. It is what other engines are compared with, so it prefers plain loops; sums run in
// a fixed order, so results do not depend on the number of threads.
#ifndef DOGB_ENGINE_REF_REF_H
#define DOGB_ENGINE_REF_REF_H

#include "core/arena.h"
#include "engine/engine.h"

// One walk over a graph: forward, and backward over what forward left.
typedef struct dogb_ref_pass {
    const dogb_graph *graph;
    void *const *params; // by parameter index: float32, int64 counter
    float **grads_param; // by parameter index; NULL: not wanted. Backward adds to them.
    float **values;      // by node: [count, node's shape]
    float **grads;       // by node; NULL: not wanted. Backward adds to them.
    float **saved;       // by node: what forward keeps for backward (batch norm), or NULL
    dogb_arena *arena;   // of values and saved
    int64_t count;       // samples
    uint64_t seed;       // of dropout
    int64_t step;
    int32_t training; // dropout is active
    int32_t norm;     // batch norms use and update the batch's statistics
    int32_t threads;
    int32_t reserved;
} dogb_ref_pass;

typedef struct dogb_ref_op {
    int (*forward)(dogb_ref_pass *pass, int32_t node);
    int (*backward)(dogb_ref_pass *pass, int32_t node); // NULL: nothing flows back (input)
} dogb_ref_op;
extern const dogb_ref_op dogb_ref_ops[DOGB_OP_COUNT];

int dogb_ref_conv_forward(dogb_ref_pass *pass, int32_t node);
int dogb_ref_conv_backward(dogb_ref_pass *pass, int32_t node);
int dogb_ref_linear_forward(dogb_ref_pass *pass, int32_t node);
int dogb_ref_linear_backward(dogb_ref_pass *pass, int32_t node);
int dogb_ref_norm_forward(dogb_ref_pass *pass, int32_t node);
int dogb_ref_norm_backward(dogb_ref_pass *pass, int32_t node);
int dogb_ref_max_pool_forward(dogb_ref_pass *pass, int32_t node);
int dogb_ref_max_pool_backward(dogb_ref_pass *pass, int32_t node);
int dogb_ref_avg_pool_forward(dogb_ref_pass *pass, int32_t node);
int dogb_ref_avg_pool_backward(dogb_ref_pass *pass, int32_t node);
int dogb_ref_adaptive_forward(dogb_ref_pass *pass, int32_t node);
int dogb_ref_adaptive_backward(dogb_ref_pass *pass, int32_t node);

// The value or gradient of a node's input, and the parameter of a role (NULL: it has none).
float *dogb_ref_input(const dogb_ref_pass *pass, int32_t node, int32_t input);
float *dogb_ref_input_grad(const dogb_ref_pass *pass, int32_t node, int32_t input);
float *dogb_ref_param(const dogb_ref_pass *pass, int32_t node, int32_t role);
float *dogb_ref_param_grad(const dogb_ref_pass *pass, int32_t node, int32_t role);
int64_t dogb_ref_size(const dogb_node *node); // elements of one sample

// Activation fused into a convolution or linear layer: applied to its value, and, going back,
// to its gradient in place.
void dogb_ref_activate(const dogb_ref_pass *pass, int32_t node);
void dogb_ref_activate_backward(const dogb_ref_pass *pass, int32_t node);

// Runs the loop on the pass's threads when `work` steps in all are worth it.
int dogb_ref_loop(const dogb_ref_pass *pass, int64_t count, double work,
                  int (*fn)(int64_t index, void *userdata), void *userdata);

// convolution's inner loops (kernel.c): `lanes` output channels side by side.
enum { REF_LANES = 8, REF_PIXELS = 4 };
typedef struct dogb_ref_window {
    const float *input;     // padded planes of one sample and group
    const int64_t *offsets; // of each step of the sum into `input`, relative to a pixel's corner
    int64_t steps;          // input channels * kernel height * kernel width
    int64_t row;            // floats per row of the padded planes
    int64_t height;         // of the output
    int64_t width;
    int64_t stride[2];
} dogb_ref_window;
// out[lane][pixel] (lanes planes, `plane` floats apart) = bias[lane] + sum of input * weights;
// weights: [steps][REF_LANES]. add: adds to what is there instead of the bias.
void dogb_ref_window_forward(const dogb_ref_window *window, const float *weights, const float *bias,
                             float *out, int64_t plane, int32_t lanes, int32_t add);
// sums[step][lane] += sum over pixels of input * gradient; gradient: [pixel][REF_LANES].
void dogb_ref_window_weights(const dogb_ref_window *window, const float *gradient, double *sums);
float dogb_ref_dot(const float *a, const float *b, int64_t count);
void dogb_ref_axpy(float *to, float factor, const float *from, int64_t count);

// --- nets
struct dogb_net {
    dogb_arena arena;   // parameters, tables
    dogb_arena buffers; // values and gradients; made anew when a batch is larger
    dogb_graph *graph;  // own copy
    dogb_net_conf conf; // device is not kept
    void **params;
    float **grads_param; // NULL until backward, or where not trainable
    uint8_t *trainable;  // by parameter
    int32_t *last_use;   // by node: the last node that reads it
    float **values;
    float **grads;
    float **saved;
    uint8_t *wanted;    // by node: a gradient must pass it
    float *output_grad; // of the loss, [count, outputs]
    int64_t capacity;   // samples that the buffers hold
    int64_t count;      // samples of the last forward; 0: none
    uint64_t seed;      // of the last forward
    int64_t step;
    int32_t training; // mode of the last forward
    int32_t has_loss; // output_grad belongs to the last forward
    uint32_t watch;
    int32_t reserved;
};

int dogb_ref_net_create(dogb_net **out, const dogb_graph *graph, const void *const *weights,
                        const dogb_net_conf *conf);
void dogb_ref_net_destroy(dogb_net *net);
int dogb_ref_infer(dogb_net *net, const dogb_batch *batch, float *out);
int dogb_ref_infer_on(dogb_net *net, const dogb_batch *batch, float *out, int32_t threads);
int dogb_ref_param_read(dogb_net *net, int32_t param, void *out, size_t size);
int dogb_ref_param_write(dogb_net *net, int32_t param, const void *data, size_t size);
int dogb_ref_param_trainable(dogb_net *net, int32_t param, int32_t trainable);
int dogb_ref_grad_read(dogb_net *net, int32_t param, float *out, size_t size);
int dogb_ref_forward(dogb_net *net, const dogb_batch *batch, int32_t mode, uint64_t seed,
                     int64_t step);
int dogb_ref_output_read(dogb_net *net, float *out, size_t size);
int dogb_ref_loss(dogb_net *net, const dogb_target *target, dogb_loss *out);
int dogb_ref_backward(dogb_net *net);

int dogb_ref_watch(dogb_net *net, uint32_t mask);
int32_t dogb_ref_tensor_count(dogb_net *net, int32_t what);
int dogb_ref_tensor_describe(dogb_net *net, int32_t what, int32_t index, dogbreed_tensor *out);
int dogb_ref_tensor_read(dogb_net *net, int32_t what, int32_t index, float *out, size_t count);
int dogb_ref_tensor_stats(dogb_net *net, int32_t what, int32_t index, dogbreed_tensor_stats *out);

int dogb_ref_optim_create(dogb_optim **out, dogb_net *net, const dogb_optim_conf *conf);
void dogb_ref_optim_destroy(dogb_optim *optim);
int dogb_ref_optim_step(dogb_optim *optim, double learning_rate);
int32_t dogb_ref_optim_slots(dogb_optim *optim);
int dogb_ref_optim_read(dogb_optim *optim, int32_t param, int32_t slot, float *out, size_t size);
int dogb_ref_optim_write(dogb_optim *optim, int32_t param, int32_t slot, const float *data,
                         size_t size);
int64_t dogb_ref_optim_steps(dogb_optim *optim);
int dogb_ref_optim_set_steps(dogb_optim *optim, int64_t steps);

// A check that several calls share.
int dogb_ref_check_train(const dogb_net *net);
// Samples [first, first + count) of a batch as the input node's values, normalised.
void dogb_ref_load(const dogb_net *net, float *out, const dogb_batch *batch, int64_t first,
                   int64_t count);

#endif
