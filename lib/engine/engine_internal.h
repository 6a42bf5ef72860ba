// engine_internal.h - between engine.c (which engine, which device), plugin.c (finding and opening
// one's file) and the engines that are built in.
#ifndef DOGB_ENGINE_ENGINE_INTERNAL_H
#define DOGB_ENGINE_ENGINE_INTERNAL_H

#include "core/hash.h"
#include "engine/engine.h"

// Path of the plug-in of an engine. NOT_FOUND names the folders that were searched.
int dogb_plugin_find(char **out, dogb_arena *arena, const char *name);

// Opens the file and copies its table, checked, into *out: tail members that an older plug-in lacks
// are NULL. The plug-in stays in the process.
int dogb_plugin_open(dogb_engine *out, const char *path, const char *name);

// cpu.c: device_count, device_info and memory of engines that know only the CPU.
int32_t dogb_cpu_count(void);
int dogb_cpu_info(dogb_device *out, int32_t index);
int dogb_cpu_memory(const char *device, int64_t *used, int64_t *peak);

// What an engine with DOGB_CAN_TRAIN_HEAD alone says to other training.
#define DOGB_TRAINS_HEADS_ONLY                                                                     \
    "trains heads on features only; engine torch or ref trains deeper layers"

// How to come by the plug-in for libtorch.
#define DOGB_GET_TORCH "scripts/setup.sh --torch builds it"

// rules.c
int dogb_device_check(const char *device); // of engines that know only the CPU
int dogb_heads_result(int rc,
                      const char *line); // a refusal of engine/heads.h as this thread's error
int dogb_heads_conf_check(const dogb_heads_conf *conf); // the device too
int dogb_batch_check(const dogb_graph *graph, const dogb_batch *batch);
// Labels of a batch of `count` samples that forward has left; 0: it has not run.
int dogb_target_check(const dogb_graph *graph, const dogb_target *target, int64_t count);
// The output of `count` samples, as above, into `size` bytes.
int dogb_output_check(const dogb_graph *graph, int64_t count, size_t size);
int dogb_backward_check(int ready);
int dogb_param_check(const dogb_graph *graph, int32_t param);
// The same, and `size` is that of the parameter.
int dogb_param_check_size(const dogb_graph *graph, int32_t param, size_t size);
size_t dogb_param_bytes(const dogb_param *param);
// State of an optimiser: `there` says whether it has the slot.
int dogb_slot_check(const dogb_graph *graph, int32_t param, int32_t slot, int there, size_t size);
int dogb_steps_check(int64_t steps);
int32_t dogb_optim_slot_count(const dogb_optim_conf *conf); // of each parameter
int dogb_optim_check(const dogb_optim_conf *conf);

// Inputs [first, last) of a pooled output along one axis; `reach` is how long its window is with
// the padding that it touches, for averages that count padding.
typedef struct dogb_span {
    int64_t first;
    int64_t last;
    int64_t reach;
} dogb_span;
dogb_span dogb_pool_span(const dogb_node *node, int axis, int64_t size, int64_t out);

// Place of the label's logit among all, the lowest index first among equals. A label whose logit is
// not a number is last.
int64_t dogb_label_rank(const float *row, int64_t classes, int32_t label);

// view.c: views of a net for events. `has` and `data` take DOGBREED_TENSOR_ and the node of an
// activation, or the parameter of a gradient or weight.
typedef struct dogb_views {
    dogb_net *net;
    const dogb_graph *graph;
    uint32_t watch;
    int32_t reserved;
    int64_t samples; // of the last forward
    int (*has)(const dogb_net *net, int32_t what, int32_t place);
    int (*data)(const float **out, dogb_net *net, int32_t what, int32_t place);
} dogb_views;
int32_t dogb_views_count(const dogb_views *views, int32_t what);
int dogb_views_describe(const dogb_views *views, int32_t what, int32_t index, dogbreed_tensor *out);
int dogb_views_read(const dogb_views *views, int32_t what, int32_t index, float *out, size_t count);
int dogb_views_stats(const dogb_views *views, int32_t what, int32_t index,
                     dogbreed_tensor_stats *out);

#endif
