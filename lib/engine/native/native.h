// native.h - the native engine: inference on CPUs in plain C. A folded graph becomes a plan: a list
// of steps over NHWC values in one block of scratch memory, with weights packed for the kernels of
// this CPU. Training nets, which are heads on features, have a dogb_head_net instead (train.h).
#ifndef DOGB_ENGINE_NATIVE_NATIVE_H
#define DOGB_ENGINE_NATIVE_NATIVE_H

#include "core/arena.h"
#include "engine/engine.h"
#include "engine/native/kernel.h"
#include "engine/native/kernel_bf16.h"
#include "engine/native/kernel_int8.h"
#include "engine/native/packfile.h"

#include <pthread.h>

// Where a node's value lives: in the scratch block of one image, NHWC.
typedef struct dogb_value {
    int64_t offset; // items from the start of the block to pixel (0, 0)
    int64_t stride; // items from pixel to pixel: more than channels inside a concatenation
    int64_t pitch;  // items from row to row
    int32_t channels;
    int32_t height;
    int32_t width;
    int32_t border;   // rows and columns of zeros around it: the picture in front of a convolution
    int32_t bytes;    // of an item
    int32_t zero;     // of elements
    int32_t elements; // items are elements (kernel_int8.h, kernel_bf16.h); else floats
    int32_t reserved;
} dogb_value;

// What a layer computed with integers has more. Its packed weights are words of 32 bits.
typedef struct dogb_int8 {
    const int32_t *start; // by output channel: minus the input's zero point times the weights
    int64_t words;        // of a tap
    dogb_finish finish;   // scale and bias by output channel
} dogb_int8;

// Weights of a convolution or linear layer: for each group, panels of output channels.
typedef struct dogb_packed {
    const dogb_int8 *int8; // NULL: floats
    const float *weights;
    const float *bias;
    int64_t group_weights; // floats of one group
    int64_t group_bias;
    int64_t inputs;     // weights of one output channel
    int64_t floats;     // of weights and bias together
    int32_t panels;     // of one group
    int32_t channels;   // output channels of one group
    int32_t most;       // vectors of a panel at most; 0: as the kernels like it
    int32_t points;     // outputs of a tile at most, for every panel
    int32_t bf16;       // reads elements, weights are pairs
    int32_t floats_out; // it makes floats
    int32_t reserved;
    int64_t words; // of weights of a tap: its inputs, or half of them
} dogb_packed;

typedef struct dogb_step dogb_step;
typedef struct dogb_pass dogb_pass;

// Units [from, to) of a step's work: rows of its output, or panels of its channels. scratch: the
// calling thread's own.
typedef void (*dogb_step_fn)(const dogb_pass *pass, const dogb_step *step, int64_t from, int64_t to,
                             float *scratch);

enum { DOGB_POINTER = (int)(sizeof(void *) / sizeof(float)) }; // floats of a pointer's size
enum { DOGB_POOL_TAPS = 256 }; // inputs of an average that are added one after the other
enum { DOGB_PARTS = 3 };       // expansion, depthwise, projection of an inverted residual

struct dogb_step {
    dogb_step_fn run;
    const dogb_node *part[DOGB_PARTS]; // part[0] is the node of a simple step; NULL: not there
    dogb_packed packed[DOGB_PARTS];
    const float *bias;  // of a Winograd convolution
    const float *scale; // of a batch norm that could not be folded
    const float *shift;
    const void *zeros; // a pixel of zeros as the first part reads it
    int32_t input;     // value that is read
    int32_t residual;  // value that is added; -1: none
    int32_t output;    // value that is written
    int32_t joined;    // the columns of one kernel row lie side by side in memory: one tap
    int32_t winograd;  // size of its tiles; 0: another way
    int32_t by_panels; // units are panels: an output of few rows divides better so
    int32_t elements;  // computed with them: integers or bf16
    int32_t units;
    int64_t group;   // output rows (inverted residual) or pixels that are worked on together
    int64_t sums;    // where they lie in the scratch
    int64_t scratch; // floats
};

// Memory of one thread at work.
typedef struct dogb_space {
    struct dogb_space *next;
    dogb_arena arena;
    float *values;  // one image's
    float *scratch; // of steps
} dogb_space;

typedef struct dogb_head_net dogb_head_net;

struct dogb_net {
    dogb_arena arena;
    dogb_graph *graph;   // own copy; of inference folded
    dogb_head_net *head; // of a training net, which has no plan: nothing below; NULL: inference
    const dogb_kernel *kernel;
    const dogb_kernel8 *int8;  // of a net with integers, else NULL
    const dogb_kernel16 *bf16; // of one in bf16, else NULL
    dogb_step *steps;
    dogb_value *values;     // by node; then by node the elements that are made of its floats
    const float *zeros;     // a pixel of zeros, as wide as any
    const uint16_t *lookup; // the picture's bytes as elements: [256][3]; NULL: they are floats
    float levels[3][256];   // what a byte of each colour becomes
    int64_t value_floats;
    int64_t scratch_floats;
    int32_t step_count;
    int32_t tail; // first of the linear layers that end the net: they run over whole batches
    int32_t threads;
    int32_t observed;      // every node has a step of its own
    int32_t element_bytes; // 0: there are none
    int32_t reserved;
    pthread_mutex_t lock; // guards spaces
    dogb_space *spaces;   // free ones
    dogb_packing packing;
};

// One image on its way through the steps.
struct dogb_pass {
    const dogb_net *net;
    float *values;
};

// pack.c
typedef struct dogb_layer {
    const dogb_node *node;
    const float *weights;
    const float *bias;  // NULL: none
    int64_t taps;       // in which a tile reads its inputs
    int32_t most;       // vectors of a panel at most; 0: as the kernels like it
    int32_t bf16;       // it reads elements of bf16
    int32_t floats_out; // and makes floats
    int32_t reserved;
} dogb_layer;
int dogb_native_pack(dogb_packed *out, dogb_net *net, const dogb_layer *layer);
int dogb_native_pack_depthwise(dogb_packed *out, dogb_net *net, const dogb_node *node,
                               const float *weights, const float *bias);
// Panel `index` of `channels` output channels: returns its vectors, and its first channel and the
// valid lanes of its last vector. 0: there are no more.
int32_t dogb_native_panel(const dogb_kernel *kernel, int32_t channels, int32_t most, int32_t index,
                          int32_t *first, int32_t *tail);

// int8_pack.c and int8.c: layers computed with integers
// 1 when the layer can be, as far as weights and sums go.
int dogb_int8_fits(const dogb_node *node);
// Fills packed->int8 behind dogb_native_pack(_depthwise). in: the node that is read (its step and
// zero point), other: that is added, or NULL; store: DOGB_STORE_.
typedef struct dogb_int8_layer {
    const dogb_node *node;
    const dogb_node *in;
    const dogb_node *other;
    const float *weights;
    const float *bias;
    const float *scales; // of the weights, by output channel
    int32_t store;
    int32_t reserved;
} dogb_int8_layer;
int dogb_int8_pack(dogb_packed *out, dogb_net *net, const dogb_int8_layer *layer, int64_t taps,
                   int32_t most);
// wide: the layer in front, by whose panels the channels are worked on.
int dogb_int8_pack_depthwise(dogb_packed *out, dogb_net *net, const dogb_int8_layer *layer,
                             const dogb_packed *wide);
int dogb_int8_pack_elements(dogb_packed *out, dogb_net *net, const dogb_node *value);
// A pixel of zeros: `count` elements of integers.
void *dogb_int8_zeros(dogb_net *net, int64_t count, int32_t zero);
int32_t dogb_int8_element(const dogb_node *node, float value);
void dogb_int8_put(const dogb_net *net, void *row, int64_t at, int32_t value);

// elements.c: values that are held as elements of integers or bf16
// How a byte of the picture becomes one: fills net->lookup, or rounds net->levels.
int dogb_native_lookup(dogb_net *net);
// An element of value 0 of a float.
void dogb_native_put(const dogb_net *net, void *row, int64_t at, float value);
// The upper half of a float, rounded; what is below 2^-126 is 0.
uint16_t dogb_bf16_of(float value);
// Floats become elements; rows->finish is this function's affair. first: the first channel.
void dogb_native_elements(const dogb_net *net, const dogb_packed *packed, dogb_rows *rows,
                          int64_t first);
void dogb_step_elements(const dogb_pass *pass, const dogb_step *step, int64_t from, int64_t to,
                        float *scratch);

// plan.c
int dogb_native_plan(dogb_net *net, const void *const *weights);

// conv.c, block.c, simple.c: kinds of steps
void dogb_step_conv(const dogb_pass *pass, const dogb_step *step, int64_t from, int64_t to,
                    float *scratch);
void dogb_step_depthwise(const dogb_pass *pass, const dogb_step *step, int64_t from, int64_t to,
                         float *scratch);
void dogb_step_block(const dogb_pass *pass, const dogb_step *step, int64_t from, int64_t to,
                     float *scratch);
void dogb_step_front(const dogb_pass *pass, const dogb_step *step, int64_t from, int64_t to,
                     float *scratch);
void dogb_step_winograd(const dogb_pass *pass, const dogb_step *step, int64_t from, int64_t to,
                        float *scratch);
void dogb_step_pool(const dogb_pass *pass, const dogb_step *step, int64_t from, int64_t to,
                    float *scratch);
void dogb_step_simple(const dogb_pass *pass, const dogb_step *step, int64_t from, int64_t to,
                      float *scratch);

// Outputs of a convolution at `pixels` points, panel by panel. The points are cut into nearly equal
// tiles of at most packed->points; rows: for each tile [taps][points of the tile].
typedef struct dogb_points {
    const void *const *rows;
    const void *residual;
    void *out;
    float *sums; // [pixels][panel] between two parts of the taps
    int64_t taps;
    int64_t channels; // of a tap
    int64_t pixels;
    int64_t out_stride;
    int64_t residual_stride;
    int32_t whole; // out has room for, and gets, all lanes of a panel; it begins with panel_from
    int32_t panel_from; // panels [from, to) of the group
    int32_t panel_to;
} dogb_points;
void dogb_native_points(const dogb_net *net, const dogb_packed *packed, int32_t group,
                        const dogb_points *points, int32_t activation);
void dogb_int8_lines(const dogb_net *net, const dogb_packed *packed, const dogb_lines *lines,
                     int32_t first);
void dogb_int8_points(const dogb_net *net, const dogb_packed *packed, int32_t group,
                      const dogb_points *points);
// A table of pointers to the inputs of the outputs [from, from + count) of a convolution, counted
// row by row: for each tile of at most `most`, each place of the kernel, each output. Returns its
// end.
typedef struct dogb_window {
    const dogb_node *node;
    const dogb_value *in;
    const void *zeros; // a pixel of zeros
    int64_t width;     // of the output
    int32_t joined;    // as in dogb_step
    int32_t reserved;
} dogb_window;
const void **dogb_native_table(const void **rows, const dogb_pass *pass, const dogb_window *window,
                               int64_t from, int64_t count, int64_t most);
// Item `at` of a value.
static inline void *dogb_native_at(const dogb_pass *pass, const dogb_value *value, int64_t at) {
    return (char *)pass->values + (value->offset + at) * value->bytes;
}
void dogb_native_limits(int32_t activation, float *low, float *high);

// Floats of a block's scratch: pointers, rows of the expansion, rows behind the depthwise part.
typedef struct dogb_block_memory {
    int64_t pointers;
    int64_t expanded;
    int64_t convolved;
    int64_t line; // sums of a row before they are elements
} dogb_block_memory;
dogb_block_memory dogb_native_block_memory(const dogb_net *net, const dogb_step *step);

// peak.c: the peak of the seam
double dogb_native_peak(void);

// describe.c: the net_describe of the seam
int dogb_native_describe(const dogb_net *net, json_t *object);

// winograd.c
// Size of the tiles that cost least; 0: the plain way.
int32_t dogb_native_winograd_size(const dogb_kernel *kernel, const dogb_node *node);
int dogb_native_winograd_plan(dogb_step *step, dogb_net *net, const dogb_node *node,
                              const float *weights, const float *bias, int32_t size);

// infer.c
int dogb_native_infer(dogb_net *net, const dogb_batch *batch, float *out, int32_t threads);
int dogb_native_observe(dogb_net *net, const dogb_batch *batch, dogb_observe_fn fn, void *userdata);

#endif
