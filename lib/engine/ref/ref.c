// ref.c - the reference engine's table. Built in, pure C, float32 on the CPU: correct before fast.
#include "engine/bank.h"
#include "engine/engine_internal.h"
#include "engine/ref/ref.h"

#include "core/error.h"

#include <stddef.h>

static const char *dogb_ref_version(void) {
    return "";
}

static int dogb_ref_open(dogbreed_log_fn log, void *userdata) {
    (void)log;
    (void)userdata;
    return DOGBREED_OK;
}

static void dogb_ref_close(void) {
}

static uint32_t dogb_ref_capabilities(void) {
    return DOGB_CAN_INFER | DOGB_CAN_TRAIN | DOGB_CAN_TRAIN_HEAD | DOGB_CAN_HEADS;
}

static int dogb_ref_synchronize(dogb_net *net) {
    (void)net;
    return DOGBREED_OK;
}

static int dogb_ref_heads_create(dogb_heads **out, const dogb_heads_conf *conf) {
    return dogb_bank_create(out, dogb_engine_ref(), conf);
}

// Pictures run one by one, each on a thread.
static int64_t net_bytes(const dogb_net *net, const dogb_net_use *use) {
    int64_t passes = use->threads > use->calls ? use->threads : use->calls;
    return (int64_t)(dogb_arena_bytes(&net->arena) +
                     (size_t)passes * dogb_engine_value_bytes(net->graph));
}

static const dogb_engine table = {
    .abi = DOGB_ENGINE_ABI,
    .size = sizeof(dogb_engine),
    .name = "ref",
    .version = dogb_ref_version,
    .error = dogbreed_error_message,
    .open = dogb_ref_open,
    .close = dogb_ref_close,
    .capabilities = dogb_ref_capabilities,
    .device_count = dogb_cpu_count,
    .device_info = dogb_cpu_info,
    .net_create = dogb_ref_net_create,
    .net_destroy = dogb_ref_net_destroy,
    .infer = dogb_ref_infer,
    .infer_on = dogb_ref_infer_on,
    .net_bytes = net_bytes,
    .param_read = dogb_ref_param_read,
    .param_write = dogb_ref_param_write,
    .param_trainable = dogb_ref_param_trainable,
    .grad_read = dogb_ref_grad_read,
    .forward = dogb_ref_forward,
    .output_read = dogb_ref_output_read,
    .loss = dogb_ref_loss,
    .backward = dogb_ref_backward,
    .watch = dogb_ref_watch,
    .tensor_count = dogb_ref_tensor_count,
    .tensor_describe = dogb_ref_tensor_describe,
    .tensor_read = dogb_ref_tensor_read,
    .tensor_stats = dogb_ref_tensor_stats,
    .optim_create = dogb_ref_optim_create,
    .optim_destroy = dogb_ref_optim_destroy,
    .optim_step = dogb_ref_optim_step,
    .optim_slots = dogb_ref_optim_slots,
    .optim_read = dogb_ref_optim_read,
    .optim_write = dogb_ref_optim_write,
    .optim_steps = dogb_ref_optim_steps,
    .optim_set_steps = dogb_ref_optim_set_steps,
    .synchronize = dogb_ref_synchronize,
    .memory = dogb_cpu_memory,
    .heads_create = dogb_ref_heads_create,
    .heads_destroy = dogb_bank_destroy,
    .heads_step = dogb_bank_step,
    .heads_eval = dogb_bank_eval,
    .heads_read = dogb_bank_read,
    .heads_write = dogb_bank_write,
    .heads_run = dogb_bank_run,
    .heads_end = dogb_bank_end,
    .heads_slot_read = dogb_bank_slot_read,
    .heads_slot_write = dogb_bank_slot_write,
    .heads_steps = dogb_bank_steps,
    .heads_set_steps = dogb_bank_set_steps,
    .heads_bytes = dogb_bank_bytes,
};

const dogb_engine *dogb_engine_ref(void) {
    return &table;
}
