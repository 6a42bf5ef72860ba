// entry.cpp - the table of the plug-in, its error text and the translation of exceptions.
#include "engine/torch/heads.h"

#include <c10/util/Exception.h>

#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <mutex>

namespace dogb_torch {

static thread_local char error_text[1024];

// The log function of the last open; guarded by log_lock.
static std::mutex log_lock;
static dogbreed_log_fn log_function;
static void *log_userdata;

// One line: the first one of what libtorch says, without control characters.
static void set_text(const char *text) noexcept {
    size_t length = 0;
    while (text[length] != 0 && text[length] != '\n' && length + 1 < sizeof error_text) {
        error_text[length] = (unsigned char)text[length] < 32 ? ' ' : text[length];
        length++;
    }
    error_text[length] = 0;
}

int fail(int code, const char *format, ...) noexcept {
    char text[sizeof error_text];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    set_text(text);
    return code;
}

const char *last_error() noexcept {
    return error_text;
}

void log_line(int32_t level, const char *format, ...) noexcept {
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    std::lock_guard<std::mutex> hold(log_lock);
    if (log_function != nullptr) {
        log_function(level, text, log_userdata);
    }
}

// Out of memory has a code of its own: the trainer reacts to it. CUDA has a type for it, the CPU's
// allocator only a text.
static int libtorch_code(const c10::Error &error) noexcept {
    const char *text = error.what_without_backtrace();
    if (dynamic_cast<const c10::OutOfMemoryError *>(&error) != nullptr ||
        strstr(text, "DefaultCPUAllocator") != nullptr ||
        strstr(text, "out of memory") != nullptr) {
        return DOGBREED_ERROR_DEVICE_MEMORY;
    }
    if (dynamic_cast<const c10::NotImplementedError *>(&error) != nullptr) {
        return DOGBREED_ERROR_UNSUPPORTED;
    }
    if (dynamic_cast<const c10::AcceleratorError *>(&error) != nullptr) {
        return DOGBREED_ERROR_DEVICE;
    }
    return DOGBREED_ERROR_INTERNAL;
}

int exception_code() noexcept {
    try {
        throw;
    } catch (const c10::Error &error) {
        set_text(error.what_without_backtrace());
        return libtorch_code(error);
    } catch (const std::bad_alloc &) {
        return fail(DOGBREED_ERROR_NO_MEMORY, "out of memory");
    } catch (const std::exception &error) {
        set_text(error.what());
        return DOGBREED_ERROR_INTERNAL;
    } catch (...) {
        return fail(DOGBREED_ERROR_INTERNAL, "unknown exception inside libtorch");
    }
}

// Read by engine.c in the file, before it is opened.
extern const char needs[];
__attribute__((used)) const char needs[] = DOGB_ENGINE_NEEDS "libtorch_cpu " TORCH_VERSION ";";

static const char *version() noexcept {
    return TORCH_VERSION;
}

static int open_engine(dogbreed_log_fn log, void *userdata) noexcept {
    {
        std::lock_guard<std::mutex> hold(log_lock);
        log_function = log;
        log_userdata = userdata;
    }
    return accel_open();
}

// Nothing to release: nets belong to their owners, and libtorch stays loaded until the process
// ends.
static void close_engine() noexcept {
    std::lock_guard<std::mutex> hold(log_lock);
    log_function = nullptr;
    log_userdata = nullptr;
}

const dogb_engine_listener *listener;

// Before any net is made.
static void listen(const dogb_engine_listener *to) noexcept {
    listener = to;
}

static uint32_t capabilities() noexcept {
    uint32_t bits = DOGB_CAN_INFER | DOGB_CAN_TRAIN | DOGB_CAN_TRAIN_HEAD | DOGB_CAN_HEADS;
    if (accel_has_cuda()) {
        bits |= DOGB_CAN_CUDA | DOGB_CAN_BF16 | DOGB_CAN_TRAIN_BF16;
    }
    if (accel_cpu_bf16()) {
        bits |= DOGB_CAN_BF16 | DOGB_CAN_TRAIN_BF16;
    }
    return bits;
}

static dogb_engine make_table() noexcept {
    dogb_engine table = {};
    table.abi = DOGB_ENGINE_ABI;
    table.size = sizeof table;
    table.name = "torch";
    table.listen = listen;
    table.version = version;
    table.error = last_error;
    table.open = open_engine;
    table.close = close_engine;
    table.capabilities = capabilities;
    table.device_count = device_count;
    table.device_info = device_info;
    table.net_create = net_create;
    table.net_destroy = net_destroy;
    table.infer = net_infer;
    table.param_read = param_read;
    table.param_write = param_write;
    table.param_trainable = param_trainable;
    table.grad_read = grad_read;
    table.forward = net_forward;
    table.output_read = output_read;
    table.loss = net_loss;
    table.backward = net_backward;
    table.watch = net_watch;
    table.tensor_count = tensor_count;
    table.tensor_describe = tensor_describe;
    table.tensor_read = tensor_read;
    table.tensor_stats = tensor_stats;
    table.optim_create = optim_create;
    table.optim_destroy = optim_destroy;
    table.optim_step = optim_step;
    table.optim_slots = optim_slots;
    table.optim_read = optim_read;
    table.optim_write = optim_write;
    table.optim_steps = optim_steps;
    table.optim_set_steps = optim_set_steps;
    table.synchronize = net_synchronize;
    table.memory = device_memory;
    table.heads_create = heads_create;
    table.heads_destroy = heads_destroy;
    table.heads_step = heads_step;
    table.heads_eval = heads_eval;
    table.heads_read = heads_read;
    table.heads_write = heads_write;
    table.heads_run = heads_run;
    table.heads_end = heads_end;
    table.heads_slot_read = heads_slot_read;
    table.heads_slot_write = heads_slot_write;
    table.heads_steps = heads_steps;
    table.heads_set_steps = heads_set_steps;
    table.heads_bytes = heads_bytes;
    table.activities_begin = activities_begin;
    table.activities_end = activities_end;
    return table;
}

} // namespace dogb_torch

extern "C" __attribute__((visibility("default"))) const dogb_engine *dogb_engine_v1(void) {
    static const dogb_engine table = dogb_torch::make_table();
    return &table;
}
