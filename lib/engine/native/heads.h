// heads.h - banks of heads of the native engine: linear or one-hidden-layer networks that train on
// the same features, each on its own. Products run over a batch packed in groups of 16 inputs (a
// cache line), [inputs / 16][rows + spare][16]: a forward tile reads lines of its rows side by
// side, and the gradient of a group reads all rows in one stream. Weights lie in panels of output
// vectors, [panel][inputs][width], so that a tile of gradients is added to them where it was
// summed.
#ifndef DOGB_ENGINE_NATIVE_HEADS_H
#define DOGB_ENGINE_NATIVE_HEADS_H

#include "core/arena.h"
#include "engine/engine.h"
#include "engine/heads.h"

enum {
    DOGB_HEADS_GROUP = 16,  // inputs of one group of a packed batch
    DOGB_HEADS_LINE = 16,   // floats of a cache line
    DOGB_HEADS_VECTORS = 5, // of one panel, at most
    DOGB_HEADS_SPARE = 4,   // rows more than a packed batch has: no strides of 4 kB
    DOGB_HEADS_SLOTS = 2,   // state tensors of an optimiser, at most
    DOGB_HEADS_LAYERS = 2,
};

// One step of an optimiser, with all that does not depend on the weight.
typedef struct dogb_heads_rule {
    int32_t kind; // DOGB_OPTIM_
    int32_t nesterov;
    int32_t slots;
    float rate;
    float momentum;
    float decay; // of the weight, added to the gradient
    float keep;  // adamw: what the decay leaves of a weight
    float beta1; // 1 - beta1: share of the new gradient
    float beta2;
    float beta2_rest; // 1 - beta2
    float size;       // adam: step size with its bias correction
    float correction; // adam: 1 / sqrt(1 - beta2^steps)
    float epsilon;
} dogb_heads_rule;

// out += packed * weights, for `rows` rows and one panel.
typedef struct dogb_heads_forward {
    const float *packed;  // first group and row of the tile
    const float *weights; // [groups * 16][width]
    const float *bias;    // NULL: the sum goes on from what is in `out`
    float *out;
    int64_t pitch;  // floats from group to group of `packed`
    int64_t stride; // floats from row to row of `out`
    int64_t groups;
    int32_t rows; // <= the kernel's limit
    int32_t reserved;
} dogb_heads_forward;

// weights: one optimiser step with the gradient packed^T * delta, for groups and one panel.
typedef struct dogb_heads_update {
    const float *packed;
    const float *delta; // [rows][stride], first column of the panel
    float *weights;     // [groups * 16][width]
    float *slot[DOGB_HEADS_SLOTS];
    const dogb_heads_rule *rule;
    int64_t pitch;
    int64_t stride;
    int64_t rows;
    int64_t groups;
} dogb_heads_update;

// A row of logits becomes exp(logit - largest); the caller gets the largest and the sum.
typedef struct dogb_heads_row {
    float *row;     // [vectors * lanes]
    int64_t count;  // classes
    int64_t padded; // whole vectors
    float top;
    float sum;
} dogb_heads_row;

typedef struct dogb_heads_kernel dogb_heads_kernel;
struct dogb_heads_kernel {
    const char *name;
    const dogb_heads_kernel *half; // of vectors of half the size, for what is left over; or NULL
    int32_t lanes;
    int32_t vectors;                      // of a panel, at most
    int32_t rows[DOGB_HEADS_VECTORS + 1]; // of a forward tile, by vectors of the panel
    void (*forward[DOGB_HEADS_VECTORS + 1])(const dogb_heads_forward *f);
    void (*update[DOGB_HEADS_VECTORS + 1])(const dogb_heads_update *u);
    // One step for `padded` biases with the column sums of delta.
    void (*bias)(const dogb_heads_update *u, int64_t padded);
    void (*exponents)(dogb_heads_row *row);
    // row = row * scale - smooth * smooth_scale (smooth NULL: nothing)
    void (*gradient)(float *row, const float *smooth, float scale, float smooth_scale,
                     int64_t padded);
};

extern const dogb_heads_kernel dogb_heads_kernel_c;
#if defined(__x86_64__)
extern const dogb_heads_kernel dogb_heads_kernel_avx2;
extern const dogb_heads_kernel dogb_heads_kernel_avx512;
extern const dogb_heads_kernel dogb_heads_kernel_avx512_half;
#endif

// heads_layer.c: a linear layer, its panels and its products

typedef struct dogb_heads_layer {
    float *weights;
    float *bias; // [padded]
    float *weight_slot[DOGB_HEADS_SLOTS];
    float *bias_slot[DOGB_HEADS_SLOTS];
    int64_t inputs;
    int64_t outputs;
    int64_t groups; // of inputs, the last filled up with zeros
    int64_t width;  // of all panels: outputs in whole vectors, or half ones
    int64_t padded; // outputs in whole vectors
    int64_t stride; // floats from row to row of values
} dogb_heads_layer;

int dogb_heads_layer_make(dogb_heads_layer *layer, dogb_arena *arena,
                          const dogb_heads_kernel *kernel, int64_t inputs, int64_t outputs,
                          int32_t slots);
// Floats that it takes.
int64_t dogb_heads_layer_floats(const dogb_heads_kernel *kernel, int64_t inputs, int64_t outputs,
                                int32_t slots);
// Between weights, biases or their state as a layer holds them and torch's: [outputs][inputs], or
// [outputs].
void dogb_heads_layer_read(const dogb_heads_layer *layer, const dogb_heads_kernel *kernel,
                           int32_t is_bias, const float *from, float *out);
void dogb_heads_layer_write(const dogb_heads_layer *layer, const dogb_heads_kernel *kernel,
                            int32_t is_bias, float *to, const float *data);
void dogb_heads_layer_forward(const dogb_heads_layer *layer, const dogb_heads_kernel *kernel,
                              const float *packed, int64_t rows, float *out, int32_t threads);
// weights or bias NULL: they stay as they are.
void dogb_heads_layer_update(const dogb_heads_layer *layer, const dogb_heads_kernel *kernel,
                             const dogb_heads_rule *rule, const float *packed, const float *delta,
                             int64_t rows, int32_t threads);
// to: a layer from outputs to inputs, without bias.
void dogb_heads_layer_transpose(dogb_heads_layer *to, const dogb_heads_layer *from,
                                const dogb_heads_kernel *kernel);
size_t dogb_heads_layer_weights(const dogb_heads_layer *layer); // floats that they take
// Floats from row to row of so many values.
int64_t dogb_heads_stride(const dogb_heads_kernel *kernel, int64_t values);
int64_t dogb_heads_packed_floats(int64_t inputs, int64_t rows);
// Rows of values that are to be packed.
typedef struct dogb_heads_rows {
    const float *values;
    const int64_t *order; // which rows, or NULL: the first ones
    const float *mask;    // [rows][inputs] factors, or NULL
    int64_t stride;       // floats from row to row of values
} dogb_heads_rows;

void dogb_heads_pack(float *packed, int64_t inputs, int64_t rows, const dogb_heads_rows *from);

// heads_loss.c: cross-entropy

typedef struct dogb_heads_target {
    const float *class_weights; // or NULL
    const float *smooth;        // [padded] what smoothing asks of each class, or NULL
    double smooth_sum;
    double smoothing;
    int64_t classes;
    int64_t padded;
    int64_t stride; // of logits
} dogb_heads_target;

// What smoothing asks of each class, into out; returns the sum.
double dogb_heads_smooth(float *out, const float *class_weights, int64_t classes, double smoothing);
// Mean loss of rows of logits, which become its gradient.
double dogb_heads_loss(const dogb_heads_kernel *kernel, const dogb_heads_target *target,
                       float *logits, const int32_t *labels, int64_t rows);
// Adds a batch to *sum (loss: not yet divided by *weights); logits are overwritten.
void dogb_heads_judge(const dogb_heads_kernel *kernel, const dogb_heads_target *target,
                      float *logits, const int32_t *labels, int64_t rows, dogb_loss *sum,
                      double *weights);

// heads.c: the bank

typedef struct dogb_head {
    dogb_arena arena;
    dogb_heads_layer layers[DOGB_HEADS_LAYERS];
    dogb_optim_conf optim;
    dogb_heads_target target;
    double dropout[DOGB_HEADS_LAYERS]; // in front of each layer
    uint64_t seed;
    int64_t steps; // of the optimiser
    int32_t slots;
} dogb_head;

// Memory of one thread at work.
typedef struct dogb_heads_space {
    float *packed[DOGB_HEADS_LAYERS]; // inputs of each layer
    float *values[DOGB_HEADS_LAYERS]; // outputs of each layer, then their gradients
    float *mask[DOGB_HEADS_LAYERS];
    float *delta;        // gradient of the hidden layer's sums
    float *packed_delta; // of the logits
    dogb_heads_layer transposed;
    int32_t *labels;
    int32_t threads; // that share its products; of a bank 1, whose heads are shared out
    int32_t reserved;
} dogb_heads_space;

struct dogb_heads {
    dogb_arena arena;
    const dogb_heads_kernel *kernel;
    dogb_head *heads;
    uint8_t *ended; // [count]
    int64_t features;
    int64_t classes;
    int64_t hidden;
    int32_t count;
    int32_t layers;
    int32_t threads;
    int32_t nodes[DOGB_HEADS_LAYERS]; // of dropout
    int32_t drops[DOGB_HEADS_LAYERS]; // 1: some head drops inputs of that layer
    int32_t reserved;
    dogb_arena memory;        // of spaces
    dogb_heads_space *spaces; // [threads]
    int64_t batch;            // rows that they hold
};

int dogb_native_heads_create(dogb_heads **out, const dogb_heads_conf *conf);
void dogb_native_heads_destroy(dogb_heads *heads);
int64_t dogb_native_heads_bytes(const dogb_heads_conf *conf, const int32_t *batches, int64_t rows);
dogb_heads_shape dogb_native_heads_shape(const dogb_heads *heads);
int dogb_native_heads_end(dogb_heads *heads, int32_t head);
int dogb_native_heads_read(dogb_heads *heads, int32_t head, int32_t param, float *out, size_t size);
int dogb_native_heads_write(dogb_heads *heads, int32_t head, int32_t param, const float *data,
                            size_t size);
int dogb_native_heads_slot_read(dogb_heads *heads, int32_t head, int32_t param, int32_t slot,
                                float *out, size_t size);
int dogb_native_heads_slot_write(dogb_heads *heads, int32_t head, int32_t param, int32_t slot,
                                 const float *data, size_t size);
int64_t dogb_native_heads_steps(dogb_heads *heads, int32_t head);
int dogb_native_heads_set_steps(dogb_heads *heads, int32_t head, int64_t steps);

// heads_step.c: phases of a step

// Memory for batches of that many rows on each thread; what is large enough stays.
int dogb_heads_prepare(dogb_heads *heads, int64_t batch);
int64_t dogb_heads_space_bytes(const dogb_heads *heads, int64_t batch); // of one thread
// steps: the optimiser's, this one counted.
dogb_heads_rule dogb_head_rule(const dogb_optim_conf *optim, int64_t steps, double rate);
// The factors of dropout in front of a layer; NULL: there is none.
const float *dogb_head_draw(dogb_heads_space *space, const dogb_heads *heads, const dogb_head *head,
                            int32_t layer, int64_t rows, int64_t step);
// Rows of the batch that starts at sample `first`, packed, with their labels if there are any.
void dogb_head_gather(dogb_heads_space *space, const dogb_heads *heads, const dogb_heads_data *data,
                      const int64_t *order, int64_t first, int64_t rows, const float *mask);
// One linear layer on its packed inputs, into space->values.
void dogb_head_product(dogb_heads_space *space, const dogb_heads *heads, const dogb_head *head,
                       int32_t layer, int64_t rows);
// What lies between two: ReLU and dropout of the hidden layer, packed. mask: its factors, or NULL.
void dogb_head_hidden(dogb_heads_space *space, const dogb_heads *heads, const dogb_head *head,
                      int64_t rows, const float *mask);
// All of it: logits of the packed batch; returns where they lie.
float *dogb_head_forward(dogb_heads_space *space, const dogb_heads *heads, const dogb_head *head,
                         int64_t rows, const float *mask);
// Back through the last layer, from the gradient of the logits into space->delta.
void dogb_head_product_back(dogb_heads_space *space, const dogb_heads *heads, const dogb_head *head,
                            int64_t rows, const float *gradient);
// And through ReLU and dropout, in place.
void dogb_head_hidden_back(dogb_heads_space *space, const dogb_heads *heads, const dogb_head *head,
                           int64_t rows, const float *mask);
// Both: gradient of the hidden layer's sums into space->delta, from that of the logits.
void dogb_head_backward(dogb_heads_space *space, const dogb_heads *heads, const dogb_head *head,
                        int64_t rows, const float *mask, const float *gradient);

// heads_run.c
int dogb_native_heads_run(dogb_heads *heads, const dogb_heads_data *data,
                          const dogb_heads_work *work, int32_t count);
int dogb_native_heads_step(dogb_heads *heads, const float *features, const int32_t *labels,
                           int32_t count, const double *learning_rates, int64_t step,
                           double *losses);
int dogb_native_heads_eval(dogb_heads *heads, const float *features, const int32_t *labels,
                           int32_t count, dogb_loss *out);

#endif
