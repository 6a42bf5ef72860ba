// engine.h - the seam: everything that the C side may ask of a compute engine. A table of C
// functions; objects are opaque; every function returns a dogbreed code and leaves one clean line
// for error(); nothing throws across. Valid C17 and C++20. A plug-in exports one symbol,
// dogb_engine_v1.
//
// Threads: open, close and net creation from one thread at a time (engine.c holds a lock); a
// training net belongs to one thread at a time; `infer` on one net may run in many threads at once.
#ifndef DOGB_ENGINE_ENGINE_H
#define DOGB_ENGINE_ENGINE_H

#include "graph/graph.h"

#include <dogbreed/event.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define DOGB_ENGINE_ABI 4

typedef struct dogb_net dogb_net;
typedef struct dogb_optim dogb_optim;
typedef struct dogb_heads dogb_heads;

enum { // capabilities
    DOGB_CAN_INFER = 1,
    DOGB_CAN_TRAIN = 2,
    DOGB_CAN_HEADS = 4,
    DOGB_CAN_BF16 = 8,  // inference in bf16, on this machine
    DOGB_CAN_CUDA = 16, // a usable device is present
    // Trains nets that are heads (dogb_graph_head): linear layers on features. Engines with
    // DOGB_CAN_TRAIN have it too.
    DOGB_CAN_TRAIN_HEAD = 32,
    DOGB_CAN_INT8 = 64,       // quantised networks with integers
    DOGB_CAN_CACHE = 128,     // keeps what it makes of weights in conf->cache_dir
    DOGB_CAN_TRAIN_BF16 = 256 // on this machine
};

enum { DOGB_DATA_F32 = 0, DOGB_DATA_U8 = 1 };
// The values of DOGBREED_DTYPE_ and DOGBREED_OPTIMIZER_, whose headers lie above this layer.
enum { DOGB_DTYPE_F32 = 0, DOGB_DTYPE_BF16 = 1, DOGB_DTYPE_INT8 = 2 };
enum { DOGB_OPTIM_SGD = 0, DOGB_OPTIM_ADAM = 1, DOGB_OPTIM_ADAMW = 2 };
// DOGB_NET_OBSERVE: inference whose every node can be seen (the engine's `observe`).
enum { DOGB_NET_INFER = 0, DOGB_NET_TRAIN = 1, DOGB_NET_OBSERVE = 2 };
enum { DOGB_MODE_EVAL = 0, DOGB_MODE_TRAIN = 1 };
enum { DOGB_BN_FROZEN = 0, DOGB_BN_TRAIN = 1 };

// bf16 of a device: not offered, with its own instructions, or with those of float32.
enum { DOGB_BF16_NONE = 0, DOGB_BF16_NATIVE = 1, DOGB_BF16_AS_F32 = 2 };

typedef struct dogb_device {
    char name[120];       // "cpu", "NVIDIA H100 80GB HBM3"
    char id[16];          // "cpu", "cuda:0"
    int64_t memory_total; // bytes; 0: unknown
    int64_t memory_free;
    int32_t bf16; // DOGB_BF16_
    int32_t reserved;
} dogb_device;

typedef struct dogb_net_conf {
    const char *device; // "cpu", "cuda:0"; never "auto"
    int32_t mode;       // DOGB_NET_
    int32_t dtype;      // DOGBREED_DTYPE_ of activations
    int32_t threads;    // compute threads, >= 1
    int32_t deterministic;
    int32_t batch_norm; // DOGB_BN_: of training forwards
    int32_t batch_max;  // largest batch that will come (a hint for buffers)
    // Folder where packed weights are kept for the next start; NULL or "": none. A folder that
    // cannot be used costs time alone.
    const char *cache_dir;
    // What dogb_engine_key says of network and weights, where it is known; NULL: computed if
    // needed.
    const struct dogb_sha256 *cache_key;
} dogb_net_conf;

// One batch in host memory. Image input: U8 is NHWC and normalised on the device with graph->mean
// and deviation; F32 is NCHW, already normalised. Vector input: F32 [count, features].
typedef struct dogb_batch {
    const void *data;
    int32_t count;
    int32_t dtype; // DOGB_DATA_
} dogb_batch;

// Cross-entropy as torch.nn.functional.cross_entropy(reduction="mean").
typedef struct dogb_target {
    const int32_t *labels;      // [count], class indices
    const float *class_weights; // [classes], or NULL
    int32_t count;
    int32_t reserved;
    double label_smoothing;
} dogb_target;

typedef struct dogb_loss {
    double loss;      // mean (weighted mean with class weights) over the batch
    int64_t correct;  // argmax equals label (the lowest index wins ties)
    int64_t correct5; // label among the five largest
} dogb_loss;

typedef struct dogb_optim_conf {
    int32_t kind; // DOGBREED_OPTIMIZER_
    int32_t nesterov;
    double momentum;
    double
        weight_decay; // sgd, adam: L2 added to the gradient; adamw: decoupled (torch's semantics)
    double beta1;
    double beta2;
    double epsilon;
} dogb_optim_conf;

// K heads trained at once on the same features (optional group).
typedef struct dogb_heads_conf {
    int32_t count;
    int32_t features;
    int32_t classes;
    int32_t hidden; // 0: linear
    int32_t threads;
    int32_t reserved;
    const dogb_optim_conf *optim;  // [count]
    const double *label_smoothing; // [count]
    const double *dropout;         // [count]
    const uint64_t *seeds;         // [count]
    const float *class_weights;    // [classes] of all heads, or NULL
    // [count], or NULL: dropout of the features. `dropout` is the one behind the hidden layer's
    // ReLU.
    const double *dropout_features;
    // Graph nodes whose masks (dogb_dropout_mask) are meant: of the features, of the hidden layer.
    int32_t dropout_nodes[2];
    const char *device; // as in dogb_net_conf; NULL: "cpu"
} dogb_heads_conf;

// What the heads of a bank share.
typedef struct dogb_heads_data {
    const float *features; // [rows][stride]
    const int32_t *labels; // [rows]
    int64_t rows;
    int64_t stride; // floats from row to row, >= features
    // Not 0: calls of a bank with the same key have the same values, and a device keeps its copy.
    int64_t key;
} dogb_heads_data;

// What one head does in one heads_run: steps over mini-batches of `batch` rows, the last smaller.
// Heads may differ in all of it; several orders of the same head are several runs.
typedef struct dogb_heads_work {
    int32_t head;
    int32_t batch;
    const int64_t *order; // [samples] rows in the order of their use; NULL: 0, 1, 2 ...
    int64_t samples;
    const double *rates; // [steps] learning rates; steps = samples / batch, rounded up
    double *losses;      // [steps], or NULL
    int64_t step;        // number of the first one, for dropout masks
    // [steps][2], or NULL: rows whose label has the largest logit, and is among the five largest
    int32_t *hits;
} dogb_heads_work;

// The values of one node for one picture: `count` rows of `channels` floats, `stride` floats apart.
typedef struct dogb_observed {
    const char *node;
    const float *data;
    int64_t count;
    int64_t channels;
    int64_t stride;
} dogb_observed;
// Returns 0, or a negative code that ends the run.
typedef int (*dogb_observe_fn)(const dogb_observed *value, void *userdata);

// Who records phases (core/span.h), for engines that are plug-ins. begin returns 0 when nobody
// listens to the thread; end and layer_end take that too. Layers: only when `layers` says so.
typedef struct dogb_engine_listener {
    uint64_t (*begin)(int32_t kind); // DOGB_SPAN_
    void (*end)(int32_t kind, uint64_t begin, int64_t value);
    int (*layers)(void);
    void (*layer_end)(int32_t kind, uint64_t begin, const dogb_node *node);
    uint64_t (*now)(void); // the clock of phases, from any thread
    // A layer whose times were taken before, on whatever thread; told on the calling one.
    void (*layer)(int32_t kind, uint64_t begin, uint64_t end, const dogb_node *node);
} dogb_engine_listener;

// What a device did while the engine recorded it.
enum { DOGB_ACTIVITY_OPERATOR = 0, DOGB_ACTIVITY_KERNEL = 1, DOGB_ACTIVITY_COPY = 2 };
typedef struct dogb_activity {
    const char *name; // "aten::addmm", "ampere_sgemm_128x64_nn": for the call
    int32_t kind;     // DOGB_ACTIVITY_
    int32_t device;   // number of a GPU; -1: the CPU
    int64_t lane;     // stream of a GPU, thread of the CPU
    uint64_t begin;   // monotonic nanoseconds, the clock of phases
    uint64_t end;
} dogb_activity;
// Returns 0, or a negative code that ends the telling.
typedef int (*dogb_activity_fn)(const dogb_activity *activity, void *userdata);

// How an inference net is used.
typedef struct dogb_net_use {
    int32_t batch;   // samples of a call, at most
    int32_t calls;   // side by side, at most
    int32_t threads; // of all of them together
    int32_t reserved;
} dogb_net_use;

typedef struct dogb_engine {
    uint32_t abi;  // DOGB_ENGINE_ABI
    uint32_t size; // of this struct; missing tail members are NULL
    const char *name;
    const char *(*version)(void); // "2.15.0"; native: "avx2"; ref: ""
    const char *(*error)(void);   // message of the last failure on this thread
    // Starts the engine. Idempotent. log may be NULL.
    int (*open)(dogbreed_log_fn log, void *userdata);
    void (*close)(void);
    uint32_t (*capabilities)(void); // DOGB_CAN_ bits; after open

    // devices: index 0 is the CPU
    int32_t (*device_count)(void);
    int (*device_info)(dogb_device *out, int32_t index);

    // nets. `weights`: host data by parameter index (float32; int64 counter), copied. The graph is
    // copied too: it may go after the call. DOGB_NET_INFER nets get a folded graph and are
    // immutable. Engines that can cache: weights NULL makes the net of conf->cache_key out of
    // conf->cache_dir, or fails (NOT_FOUND, FORMAT); with weights it puts it there.
    int (*net_create)(dogb_net **out, const dogb_graph *graph, const void *const *weights,
                      const dogb_net_conf *conf);
    void (*net_destroy)(dogb_net *net);
    // logits or features, float32 [count, outputs]. Concurrent calls allowed.
    int (*infer)(dogb_net *net, const dogb_batch *batch, float *out);

    // training nets only, one phase per call
    int (*param_read)(dogb_net *net, int32_t param, void *out, size_t size);
    int (*param_write)(dogb_net *net, int32_t param, const void *data, size_t size);
    int (*param_trainable)(dogb_net *net, int32_t param,
                           int32_t trainable); // default: 1 for weights and biases
    int (*grad_read)(dogb_net *net, int32_t param, float *out,
                     size_t size); // of the last forward's backward; STATE when it has none
    // Dropout masks come from dogb_dropout_mask(seed, step), so they are equal on every engine and
    // device.
    int (*forward)(dogb_net *net, const dogb_batch *batch, int32_t mode, uint64_t seed,
                   int64_t step);
    int (*output_read)(dogb_net *net, float *out, size_t size); // of the last forward
    int (*loss)(dogb_net *net, const dogb_target *target, dogb_loss *out);
    int (*backward)(dogb_net *net); // gradients replace the previous ones

    // views for events; nothing is kept unless watched
    int (*watch)(dogb_net *net, uint32_t mask); // 1 << DOGBREED_TENSOR_
    int32_t (*tensor_count)(dogb_net *net, int32_t what);
    int (*tensor_describe)(dogb_net *net, int32_t what, int32_t index, dogbreed_tensor *out);
    int (*tensor_read)(dogb_net *net, int32_t what, int32_t index, float *out, size_t count);
    int (*tensor_stats)(dogb_net *net, int32_t what, int32_t index, dogbreed_tensor_stats *out);

    // optimisers over the trainable parameters of a net
    int (*optim_create)(dogb_optim **out, dogb_net *net, const dogb_optim_conf *conf);
    void (*optim_destroy)(dogb_optim *optim);
    // With the gradients of a backward: a later forward may have dropped them (STATE).
    int (*optim_step)(dogb_optim *optim, double learning_rate);
    // state tensors by (parameter, slot): sgd slot 0 momentum; adam slots 0 exp_avg, 1 exp_avg_sq.
    // float32, shaped like the parameter. The step count is global.
    int32_t (*optim_slots)(dogb_optim *optim); // per parameter; 0 for plain sgd
    int (*optim_read)(dogb_optim *optim, int32_t param, int32_t slot, float *out, size_t size);
    int (*optim_write)(dogb_optim *optim, int32_t param, int32_t slot, const float *data,
                       size_t size);
    int64_t (*optim_steps)(dogb_optim *optim);
    int (*optim_set_steps)(dogb_optim *optim, int64_t steps);

    int (*synchronize)(dogb_net *net);
    int (*memory)(const char *device, int64_t *used, int64_t *peak); // bytes

    // (optional) heads; engine/heads.h has what all of them refuse. New ones are all zeros.
    int (*heads_create)(dogb_heads **out, const dogb_heads_conf *conf);
    void (*heads_destroy)(dogb_heads *heads);
    int (*heads_step)(dogb_heads *heads, const float *features, const int32_t *labels,
                      int32_t count, const double *learning_rates, int64_t step, double *losses);
    int (*heads_eval)(dogb_heads *heads, const float *features, const int32_t *labels,
                      int32_t count, dogb_loss *out);
    int (*heads_read)(dogb_heads *heads, int32_t head, int32_t param, float *out, size_t size);
    int (*heads_write)(dogb_heads *heads, int32_t head, int32_t param, const float *data,
                       size_t size);
    // (optional) page-locked staging memory
    int (*staging_create)(void **out, size_t size);
    void (*staging_destroy)(void *memory);
    // (optional) named ranges for profilers: push with a name, pop with NULL
    int (*range)(const char *name);

    // (optional, beside the other heads_ functions) many steps in one call, each head with its own
    // batches: weights stay in a core's cache. A head has the same bits alone or beside others.
    int (*heads_run)(dogb_heads *heads, const dogb_heads_data *data, const dogb_heads_work *work,
                     int32_t count);
    // Frees a head that leaves the bank; heads_step and heads_eval pass it over (results 0).
    int (*heads_end)(dogb_heads *heads, int32_t head);
    // The optimiser's state of a parameter, slots as in optim_read, and its steps so far.
    int (*heads_slot_read)(dogb_heads *heads, int32_t head, int32_t param, int32_t slot, float *out,
                           size_t size);
    int (*heads_slot_write)(dogb_heads *heads, int32_t head, int32_t param, int32_t slot,
                            const float *data, size_t size);
    int64_t (*heads_steps)(dogb_heads *heads, int32_t head);
    int (*heads_set_steps)(dogb_heads *heads, int32_t head, int64_t steps);

    // (optional) what the engine made of an inference net: members of a JSON object
    int (*net_describe)(const dogb_net *net, json_t *object);

    // (optional) measures what one core does at most in float32, in GFLOP/s (a multiply-add is
    // two): some 20 ms.
    double (*peak)(void);

    // (optional) A batch through a DOGB_NET_OBSERVE net; fn sees each node of the folded graph
    // but the input and the linear layers at the end, picture by picture, on the calling thread.
    int (*observe)(dogb_net *net, const dogb_batch *batch, dogb_observe_fn fn, void *userdata);

    // (optional, beside the other heads_ functions) bytes that a bank will take on its device, at
    // most, while it runs batches of batches[head] rows of a table of `rows`: weights, state,
    // gradients, what its threads work in, a device's copy of the table.
    int64_t (*heads_bytes)(const dogb_heads_conf *conf, const int32_t *batches, int64_t rows);

    // (optional) Where phases and layers are told from now on; it lives as long as the process.
    void (*listen)(const dogb_engine_listener *listener);

    // (optional) Records the operators that calls of this thread run, and the kernels and copies
    // that they start on GPUs; activities_end waits for those and tells all, lane by lane in order
    // of begin. fn NULL: they are dropped. One recording at a time in a process (STATE).
    int (*activities_begin)(void);
    int (*activities_end)(dogb_activity_fn fn, void *userdata);

    // (optional) infer on at most `threads` threads, for callers who run several calls side by side
    // and share out the cores themselves. The bits are those of infer.
    int (*infer_on)(dogb_net *net, const dogb_batch *batch, float *out, int32_t threads);

    // (optional) bytes that an inference net takes: what it keeps, and the memory of `use`.
    int64_t (*net_bytes)(const dogb_net *net, const dogb_net_use *use);
} dogb_engine;

// A plug-in that brings a library of which one process can hold only one version keeps this text,
// filled in, somewhere in its file ("dogbreed-engine-needs libtorch_cpu 2.15.0;"): engine.c reads
// it before opening the plug-in, and refuses when another version is mapped already.
#define DOGB_ENGINE_NEEDS "dogbreed-engine-needs "

typedef const dogb_engine *(*dogb_engine_entry)(void);
const dogb_engine *dogb_engine_v1(void); // the plug-in's only exported symbol

// --- engine.c: choosing and calling. These are what lib/ uses; they check arguments once,
// translate the engine's message into dogb_fail's, and hold the lock around creation.

// "auto": the first engine of the preference order that has the capabilities and the device; a
// name: that one. NOT_FOUND names what was tried and why it failed. The result lives as long as the
// process.
int dogb_engine_open(const dogb_engine **out, const char *name, uint32_t capabilities,
                     const char *device);

// What "auto" would be, without the warning that it may be slow: for doctor.
int dogb_engine_auto(const dogb_engine **out, uint32_t capabilities, const char *device);

// "auto" -> "cuda:0" when the engine has one, else "cpu"; checks the others. Text is static or in
// the arena.
int dogb_engine_device(const char **out, dogb_arena *arena, const dogb_engine *engine,
                       const char *device);

// Turns a negative result of `call` into this thread's error with the engine's own line behind
// `what`.
int dogb_engine_result(const dogb_engine *engine, int rc, const char *what);

const char *dogb_engine_dtype(int32_t dtype); // name of a DOGB_DTYPE_: "f32"

// Hash of a network and every byte of its weights: what packed weights are found by.
int dogb_engine_key(struct dogb_sha256 *out, const dogb_graph *graph, const void *const *weights,
                    int32_t threads);

// Creates a net. For DOGB_NET_INFER it folds the graph first.
int dogb_engine_net(dogb_net **out, const dogb_engine *engine, const dogb_graph *graph,
                    const void *const *weights, const dogb_net_conf *conf);

// For estimates of memory: bytes of all weights, and of the two largest values of one sample, which
// is about what is alive at once.
size_t dogb_engine_weight_bytes(const dogb_graph *graph);
size_t dogb_engine_value_bytes(const dogb_graph *graph);

// Makes a bank of heads; UNSUPPORTED when the engine has none.
int dogb_engine_heads(dogb_heads **out, const dogb_engine *engine, const dogb_heads_conf *conf);

// Names and states of all engines this build knows, for info and doctor:
// [{"name","available","version","reason"}]. open != 0: really opens each.
int dogb_engine_list(json_t *array, int open);

const dogb_engine *dogb_engine_ref(void);    // engine/ref: plain C, always there
const dogb_engine *dogb_engine_native(void); // engine/native: inference and heads on CPUs, fast

// Multiplier per element (0 or 1/(1-p)) of dropout node `node` at `step`. Compiled into every
// engine.
void dogb_dropout_mask(float *out, int64_t count, double p, uint64_t seed, int32_t node,
                       int64_t step);

#ifdef __cplusplus
}
#endif
#endif
