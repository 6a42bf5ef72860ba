// graph.h - a network is data: a list of operations with torchvision's own names. Engines interpret
// it; shapes, parameters and FLOPs are known without one. A graph is immutable once
// dogb_graph_finish has run.
#ifndef DOGB_GRAPH_GRAPH_H
#define DOGB_GRAPH_GRAPH_H

#include "core/arena.h"
#include "core/json.h"

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum dogb_op {
    DOGB_OP_INPUT = 0, // node 0, always
    DOGB_OP_CONV2D = 1,
    DOGB_OP_LINEAR = 2,
    DOGB_OP_BATCH_NORM = 3,
    DOGB_OP_RELU = 4,
    DOGB_OP_RELU6 = 5,
    DOGB_OP_MAX_POOL = 6,
    DOGB_OP_AVG_POOL = 7,
    DOGB_OP_ADAPTIVE_AVG_POOL = 8,
    DOGB_OP_FLATTEN = 9,
    DOGB_OP_ADD = 10,
    DOGB_OP_CAT = 11, // along channels
    DOGB_OP_DROPOUT = 12,
    DOGB_OP_COUNT = 13
} dogb_op;

const char *dogb_op_name(int32_t op); // "conv2d"

typedef enum dogb_role {
    DOGB_ROLE_WEIGHT = 0,       // conv2d [out, in/groups, kh, kw]; linear [out, in]; batch norm [c]
    DOGB_ROLE_BIAS = 1,         // [out]
    DOGB_ROLE_RUNNING_MEAN = 2, // [c]
    DOGB_ROLE_RUNNING_VAR = 3,  // [c], unbiased
    DOGB_ROLE_COUNTER = 4,      // num_batches_tracked: int64, rank 0
    DOGB_ROLE_WEIGHT_SCALE = 5  // [out] of an int8 layer: see dogb_node
} dogb_role;

typedef enum dogb_init {
    DOGB_INIT_ZERO = 0,
    DOGB_INIT_ONE = 1,
    DOGB_INIT_KAIMING_NORMAL_FAN_OUT = 2, // normal, deviation sqrt(2 / fan_out)
    DOGB_INIT_KAIMING_UNIFORM = 3,        // uniform +- sqrt(6 / fan_in)
    DOGB_INIT_NORMAL = 4,                 // normal, deviation `scale`
    DOGB_INIT_UNIFORM_FAN_IN = 5 // torch's default of linear and conv biases: +- 1 / sqrt(fan_in)
} dogb_init;

typedef struct dogb_param {
    const char *name; // state-dict key: "layer1.0.conv1.weight"
    int32_t node;
    int32_t role;
    int32_t init;
    int32_t rank;
    int64_t shape[4];
    int64_t count; // elements
    double scale;  // of DOGB_INIT_NORMAL
} dogb_param;

typedef struct dogb_node {
    const char *name; // module path ("layer1.0.conv1"); made up for operations without a module
                      // ("layer1.0.add")
    const int32_t *inputs;
    int32_t input_count;
    int32_t op;
    int32_t first_param; // its parameters are params[first_param .. +param_count), in the order of
                         // dogb_role
    int32_t param_count;
    // Geometry of conv2d and pooling; out size of adaptive pooling in kernel.
    int32_t kernel[2]; // height, width
    int32_t stride[2];
    int32_t padding[2];
    int32_t dilation[2];
    int32_t groups;
    int32_t channels_in; // features of linear
    int32_t channels_out;
    int32_t has_bias;
    int32_t ceil_mode;  // pooling
    int32_t count_pad;  // avg_pool: zeros of the padding count (torch's count_include_pad)
    int32_t activation; // conv2d, linear: DOGB_OP_RELU / RELU6 fused by a rewrite, else 0
    int32_t residual;   // conv2d: inputs[1] is added before the activation (fused by a rewrite)
    double eps;         // batch norm
    double momentum;    // batch norm
    double p;           // dropout: probability of zero
    // A quantised network (dogb_graph_quantised): step > 0 says that the value may be held as
    // whole numbers q of 0 to 255 and means (q - zero) * step. int8: every weight of the layer is
    // -127 to 127 times its output channel's scale, the parameter DOGB_ROLE_WEIGHT_SCALE.
    double step;
    int32_t zero;
    int32_t int8;
    // Output of one sample: rank 3 (channels, height, width) or rank 1 (features).
    int32_t rank;
    int32_t reserved;
    int64_t shape[3];
} dogb_node;

typedef struct dogb_graph {
    dogb_arena arena;
    const char *architecture; // "resnet18"
    dogb_node *nodes;
    dogb_param *params;
    size_t node_capacity;
    size_t param_capacity;
    int32_t node_count;
    int32_t param_count;
    int32_t output;  // node with the result: logits, or features of a slice
    int32_t feature; // node with the features in front of the head (rank 1); -1: none
    int32_t status;  // of the builder: the first error sticks
    int32_t reserved;
    // Normalisation of uint8 input: (x / 255 - mean) / deviation, in float32. Rank-3 inputs only.
    float mean[3];
    float deviation[3];
} dogb_graph;

// --- building. Calls return the new node's index. After a failure they return -1 and do nothing;
// dogb_graph_finish reports it. Names are formatted by the caller and copied.
int dogb_graph_create(dogb_graph **out, const char *architecture);
int32_t dogb_graph_input(dogb_graph *graph, int32_t channels, int32_t height,
                         int32_t width);                              // rank 3
int32_t dogb_graph_input_vector(dogb_graph *graph, int32_t features); // rank 1

typedef struct dogb_conv {
    int32_t out;
    int32_t kernel;
    int32_t stride; // 0: 1
    int32_t padding;
    int32_t dilation; // 0: 1
    int32_t groups;   // 0: 1
    int32_t bias;
    int32_t init; // of the weight; biases get DOGB_INIT_ZERO unless init is KAIMING_UNIFORM's torch
                  // default
    double scale;
    int32_t init_bias;
    int32_t reserved;
} dogb_conv;
int32_t dogb_graph_conv(dogb_graph *graph, int32_t input, const char *name, const dogb_conv *conv);
int32_t dogb_graph_linear(dogb_graph *graph, int32_t input, const char *name, int32_t out,
                          int32_t init, double scale, int32_t init_bias);
int32_t dogb_graph_batch_norm(dogb_graph *graph, int32_t input, const char *name, double eps,
                              double momentum, int32_t init_weight);
int32_t dogb_graph_relu(dogb_graph *graph, int32_t input, const char *name);
int32_t dogb_graph_relu6(dogb_graph *graph, int32_t input, const char *name);
int32_t dogb_graph_max_pool(dogb_graph *graph, int32_t input, const char *name, int32_t kernel,
                            int32_t stride, int32_t padding, int32_t ceil_mode);
int32_t dogb_graph_avg_pool(dogb_graph *graph, int32_t input, const char *name, int32_t kernel,
                            int32_t stride, int32_t padding, int32_t ceil_mode, int32_t count_pad);
int32_t dogb_graph_adaptive_avg_pool(dogb_graph *graph, int32_t input, const char *name,
                                     int32_t height, int32_t width);
int32_t dogb_graph_flatten(dogb_graph *graph, int32_t input, const char *name);
int32_t dogb_graph_add(dogb_graph *graph, int32_t a, int32_t b, const char *name);
int32_t dogb_graph_cat(dogb_graph *graph, const int32_t *inputs, int32_t count, const char *name);
int32_t dogb_graph_dropout(dogb_graph *graph, int32_t input, const char *name, double p);

// Ends building: sets the output, infers and checks shapes, names and sizes (FORMAT names the
// node), bounds sizes.
int dogb_graph_finish(dogb_graph *graph, int32_t output);
void dogb_graph_destroy(dogb_graph *graph); // NULL is fine

// --- looking
int32_t dogb_graph_find_node(const dogb_graph *graph, const char *name);  // -1: none
int32_t dogb_graph_find_param(const dogb_graph *graph, const char *name); // -1: none
int64_t dogb_graph_parameter_total(const dogb_graph *graph); // trainable kinds, buffers not counted
int64_t dogb_graph_multiply_adds(const dogb_graph *graph,
                                 int32_t node);    // of one sample; -1: all nodes
int dogb_graph_is_buffer(const dogb_param *param); // running statistics, counter, scales
int dogb_graph_quantised(const dogb_graph *graph); // a layer of it is int8
// Last node whose module path is `prefix` or starts with "prefix."; -1: none. What `freeze =
// <stage>` means.
int32_t dogb_graph_stage_end(const dogb_graph *graph, const char *prefix);

// A head on features: [dropout] linear, or [dropout] linear, ReLU, [dropout] linear, on a vector.
typedef struct dogb_head_nodes {
    int32_t layers;     // linear ones, 1 or 2
    int32_t dropout[2]; // node in front of each; 0: none
    int32_t linear[2];
    int32_t relu; // between them; 0: one layer
} dogb_head_nodes;
int dogb_graph_head(dogb_head_nodes *out, const dogb_graph *graph); // 1: it is one; 0: not

// --- rewriting: each makes a new graph; the old one stays.
int dogb_graph_copy(dogb_graph **out, const dogb_graph *graph); // node and parameter indices stay
// Nodes (from, to] with the output of `from` as input (rank kept). params keep their names. from 0:
// the input itself.
int dogb_graph_slice(dogb_graph **out, const dogb_graph *graph, int32_t from, int32_t to);

// For inference: batch norm folded into the convolution before it, dropout dropped, activation and
// residual addition fused into convolutions and linears (node->activation, node->residual).
// `weights` (host data by parameter index, float32) gives the new values, which live in the new
// graph's arena, in *out_weights by new parameter index; both NULL: the network alone.
int dogb_graph_fold(dogb_graph **out, const void *const **out_weights, const dogb_graph *graph,
                    const void *const *weights);

// --- JSON (the "dogbreed.graph" member of model files). Reading checks everything as
// dogb_graph_finish does.
int dogb_graph_to_json(json_t **out, dogb_arena *arena, const dogb_graph *graph);
int dogb_graph_from_json(dogb_graph **out, const json_t *value, const char *what);

#ifdef __cplusplus
}
#endif
#endif
