// native.c - the engine's table and its nets. Built in, pure C, CPUs only.
#include "engine/native/native.h"

#include "engine/engine_internal.h"
#include "engine/native/heads.h"
#include "engine/native/train.h"

#include "core/error.h"
#include "core/log.h"

#include <stdio.h>
#include <string.h>

static const int64_t PACKED_BYTES_MAX = (int64_t)1 << 30; // of all nets in the cache

// --- nets

static void net_destroy(dogb_net *net) {
    if (net == NULL) {
        return;
    }
    while (net->spaces != NULL) {
        dogb_space *space = net->spaces;
        net->spaces = space->next;
        dogb_arena arena = space->arena; // space itself lies in it
        dogb_arena_free(&arena);
    }
    (void)pthread_mutex_destroy(&net->lock);
    dogb_native_train_destroy(net->head);
    dogb_graph_destroy(net->graph);
    dogb_arena_free(&net->arena);
    dogb_free(net);
}

// For the next start. Nothing depends on it.
static void keep(const dogb_net *net, const dogb_net_conf *conf) {
    if (dogb_packfile_write(&net->packing, conf->cache_dir, conf->cache_key, net->kernel->name,
                            PACKED_BYTES_MAX) < 0) {
        dogb_log(DOGBREED_LOG_DEBUG, "packed weights are not kept: %s", dogbreed_error_message());
    }
}

static void choose_kernels(dogb_net *net, int32_t dtype) {
    net->int8 = dtype == DOGB_DTYPE_INT8 ? dogb_kernel8_choose() : NULL;
    net->bf16 = dtype == DOGB_DTYPE_BF16 ? dogb_kernel16_choose() : NULL;
    net->kernel = net->int8 != NULL   ? net->int8->floats
                  : net->bf16 != NULL ? net->bf16->floats
                                      : dogb_kernel_choose();
    net->element_bytes = net->int8 != NULL   ? net->int8->bytes
                         : net->bf16 != NULL ? net->bf16->bytes
                                             : 0;
}

static int net_create(dogb_net **out, const dogb_graph *graph, const void *const *weights,
                      const dogb_net_conf *conf) {
    *out = NULL;
    int rc = dogb_device_check(conf->device);
    if (rc < 0) {
        return rc;
    }
    if (conf->dtype != DOGB_DTYPE_F32 && conf->mode != DOGB_NET_INFER) {
        return dogb_fail(DOGBREED_ERROR_UNSUPPORTED,
                         "dtype %s: only for inference here; engine torch trains in bf16 where the "
                         "device has it, f32 works everywhere",
                         dogb_engine_dtype(conf->dtype));
    }
    dogb_net *net = dogb_malloc(1, sizeof *net);
    if (net == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    (void)pthread_mutex_init(&net->lock, NULL);
    choose_kernels(net, conf->dtype);
    net->observed = conf->mode == DOGB_NET_OBSERVE;
    net->threads = conf->threads;
    rc = dogb_graph_copy(&net->graph, graph);
    if (rc == DOGBREED_OK && weights == NULL) {
        rc = dogb_packfile_open(&net->packing, &net->arena, conf->cache_dir, conf->cache_key,
                                net->kernel->name);
    }
    if (rc == DOGBREED_OK) {
        rc = conf->mode == DOGB_NET_TRAIN ? dogb_native_train_create(net, weights, conf)
                                          : dogb_native_plan(net, weights);
    }
    if (rc == DOGBREED_OK && weights == NULL && net->packing.used != net->packing.floats) {
        rc = dogb_fail(DOGBREED_ERROR_FORMAT, "packed weights: the file is too long");
    }
    if (rc == DOGBREED_OK && weights != NULL && conf->cache_key != NULL) {
        keep(net, conf);
    }
    if (rc < 0) {
        net_destroy(net);
        return rc;
    }
    *out = net;
    return DOGBREED_OK;
}

static int infer_on(dogb_net *net, const dogb_batch *batch, float *out, int32_t threads) {
    return net->head == NULL
               ? dogb_native_infer(net, batch, out, threads)
               : dogb_fail(DOGBREED_ERROR_STATE, "infer: the net was made for training");
}

// Weights that are mapped take memory as those that were packed do. Spaces are kept from call to
// call: as many as threads have been at work at once.
static int64_t net_bytes(const dogb_net *net, const dogb_net_use *use) {
    int64_t weights = net->packing.mapped == NULL ? 0 : (int64_t)net->packing.floats;
    int64_t spaces = use->threads > use->calls ? use->threads : use->calls;
    int64_t space = net->value_floats + net->scratch_floats;
    int64_t tail = 0;
    int64_t widest = 0;
    for (int32_t s = net->tail; s < net->step_count; s++) {
        int64_t channels = net->steps[s].packed[0].channels;
        tail = s == net->tail ? net->steps[s].packed[0].inputs : tail;
        widest = channels > widest ? channels : widest;
    }
    return (int64_t)dogb_arena_bytes(&net->arena) +
           (int64_t)sizeof(float) *
               (weights + spaces * space + use->calls * use->batch * (tail + 2 * widest));
}

static int infer(dogb_net *net, const dogb_batch *batch, float *out) {
    return infer_on(net, batch, out, net->threads);
}

// --- the table

// The instruction set: sums are rounded in its way, so it is part of what decides the numbers.
static const char *version(void) {
    return dogb_kernel_choose()->name;
}

static int start(dogbreed_log_fn log, void *userdata) {
    (void)log;
    (void)userdata;
    return DOGBREED_OK;
}

static void finish(void) {
}

static uint32_t capabilities(void) {
    return DOGB_CAN_INFER | DOGB_CAN_HEADS | DOGB_CAN_TRAIN_HEAD | DOGB_CAN_BF16 | DOGB_CAN_INT8 |
           DOGB_CAN_CACHE;
}

static int device_info(dogb_device *out, int32_t index) {
    int rc = dogb_cpu_info(out, index);
    out->bf16 = rc < 0                           ? DOGB_BF16_NONE
                : dogb_kernel16_choose()->native ? DOGB_BF16_NATIVE
                                                 : DOGB_BF16_AS_F32;
    return rc;
}

static int synchronize(dogb_net *net) {
    (void)net;
    return DOGBREED_OK;
}

const dogb_engine *dogb_engine_native(void) {
    static const dogb_engine table = {
        .abi = DOGB_ENGINE_ABI,
        .size = sizeof(dogb_engine),
        .name = "native",
        .version = version,
        .error = dogbreed_error_message,
        .open = start,
        .close = finish,
        .capabilities = capabilities,
        .device_count = dogb_cpu_count,
        .device_info = device_info,
        .net_create = net_create,
        .net_destroy = net_destroy,
        .infer = infer,
        .param_read = dogb_native_param_read,
        .param_write = dogb_native_param_write,
        .param_trainable = dogb_native_param_trainable,
        .grad_read = dogb_native_grad_read,
        .forward = dogb_native_forward,
        .output_read = dogb_native_output_read,
        .loss = dogb_native_loss,
        .backward = dogb_native_backward,
        .watch = dogb_native_watch,
        .tensor_count = dogb_native_tensor_count,
        .tensor_describe = dogb_native_tensor_describe,
        .tensor_read = dogb_native_tensor_read,
        .tensor_stats = dogb_native_tensor_stats,
        .optim_create = dogb_native_optim_create,
        .optim_destroy = dogb_native_optim_destroy,
        .optim_step = dogb_native_optim_step,
        .optim_slots = dogb_native_optim_slots,
        .optim_read = dogb_native_optim_read,
        .optim_write = dogb_native_optim_write,
        .optim_steps = dogb_native_optim_steps,
        .optim_set_steps = dogb_native_optim_set_steps,
        .synchronize = synchronize,
        .memory = dogb_cpu_memory,
        .heads_create = dogb_native_heads_create,
        .heads_destroy = dogb_native_heads_destroy,
        .heads_step = dogb_native_heads_step,
        .heads_eval = dogb_native_heads_eval,
        .heads_read = dogb_native_heads_read,
        .heads_write = dogb_native_heads_write,
        .heads_run = dogb_native_heads_run,
        .heads_end = dogb_native_heads_end,
        .heads_slot_read = dogb_native_heads_slot_read,
        .heads_slot_write = dogb_native_heads_slot_write,
        .heads_steps = dogb_native_heads_steps,
        .heads_set_steps = dogb_native_heads_set_steps,
        .net_describe = dogb_native_describe,
        .peak = dogb_native_peak,
        .observe = dogb_native_observe,
        .heads_bytes = dogb_native_heads_bytes,
        .infer_on = infer_on,
        .net_bytes = net_bytes,
    };
    return &table;
}
