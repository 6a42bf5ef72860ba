// ref.c - the reference engine's table. Built in, pure C, float32 on the CPU: correct before fast.
#include "engine/ref/ref.h"

#include "core/error.h"

#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

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
    return DOGB_CAN_INFER | DOGB_CAN_TRAIN;
}

static int32_t dogb_ref_device_count(void) {
    return 1;
}

static int dogb_ref_device_info(dogb_device *out, int32_t index) {
    if (index != 0) {
        return dogb_fail(DOGBREED_ERROR_NOT_FOUND, "device %d: this engine has only the CPU",
                         index);
    }
    memset(out, 0, sizeof *out);
    (void)snprintf(out->name, sizeof out->name, "cpu");
    (void)snprintf(out->id, sizeof out->id, "cpu");
    int64_t page = (int64_t)sysconf(_SC_PAGESIZE);
    // glibc has these two beside POSIX's.
#ifdef _SC_PHYS_PAGES
    out->memory_total = (int64_t)sysconf(_SC_PHYS_PAGES) * page;
#endif
#ifdef _SC_AVPHYS_PAGES
    out->memory_free = (int64_t)sysconf(_SC_AVPHYS_PAGES) * page;
#endif
    return DOGBREED_OK;
}

static int dogb_ref_synchronize(dogb_net *net) {
    (void)net;
    return DOGBREED_OK;
}

// Of the process: this engine has no memory of its own.
static int dogb_ref_memory(const char *device, int64_t *used, int64_t *peak) {
    struct rusage usage;
    long long pages = 0;
    if (strcmp(device, "cpu") != 0) {
        return dogb_fail(DOGBREED_ERROR_DEVICE, "device %s: this engine has only cpu", device);
    }
    FILE *file = fopen("/proc/self/statm", "re");
    if (file != NULL) {
        if (fscanf(file, "%*d %lld", &pages) != 1) {
            pages = 0;
        }
        (void)fclose(file);
    }
    *used = pages * (int64_t)sysconf(_SC_PAGESIZE);
    *peak = getrusage(RUSAGE_SELF, &usage) == 0 ? (int64_t)usage.ru_maxrss * 1024 : *used;
    return DOGBREED_OK;
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
    .device_count = dogb_ref_device_count,
    .device_info = dogb_ref_device_info,
    .net_create = dogb_ref_net_create,
    .net_destroy = dogb_ref_net_destroy,
    .infer = dogb_ref_infer,
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
    .memory = dogb_ref_memory,
};

const dogb_engine *dogb_engine_ref(void) {
    return &table;
}
