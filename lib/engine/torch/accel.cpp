// accel.cpp - devices, threads, determinism and memory. CUDA is reached through libtorch_cpu alone:
// no CUDA header is needed, and a machine without a driver never loads libtorch_cuda.
#include "engine/torch/internal.h"

#include <ATen/Context.h>
#include <ATen/DeviceAccelerator.h>
#include <ATen/Parallel.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <mutex>
#include <sys/resource.h>
#include <unistd.h>

namespace dogb_torch {

// What the driver's own library says about its devices (names; libtorch needs CUDA headers for it).
struct Driver {
    int (*device_get)(int *device, int index);
    int (*device_name)(char *name, int size, int device);
    int (*device_memory)(size_t *bytes, int device);
    int (*device_attribute)(int *value, int attribute, int device);
};

static std::once_flag opened;
static bool cuda;
static Driver driver;

#ifdef DOGB_TORCH_CUDA
// CUDA must be there before the first question about it: libtorch asks its hooks once and
// remembers.
static void open_cuda() {
    void *library = dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr) {
        return;
    }
    int (*init)(unsigned) = (int (*)(unsigned))dlsym(library, "cuInit");
    driver.device_get = (int (*)(int *, int))dlsym(library, "cuDeviceGet");
    driver.device_name = (int (*)(char *, int, int))dlsym(library, "cuDeviceGetName");
    driver.device_memory = (int (*)(size_t *, int))dlsym(library, "cuDeviceTotalMem_v2");
    driver.device_attribute = (int (*)(int *, int, int))dlsym(library, "cuDeviceGetAttribute");
    if (init == nullptr || driver.device_get == nullptr || driver.device_name == nullptr ||
        driver.device_memory == nullptr || driver.device_attribute == nullptr || init(0) != 0) {
        return;
    }
    if (dlopen("libtorch_cuda.so", RTLD_NOW | RTLD_LOCAL) == nullptr) {
        log_line(DOGBREED_LOG_WARNING,
                 "torch: there is a GPU, but libtorch's CUDA part does not load: %s", dlerror());
        return;
    }
    cuda = at::hasCUDA() && at::accelerator::deviceCount() > 0;
}
#else
static void open_cuda() {
}
#endif

int accel_open() noexcept {
    return guard([&]() -> int {
        std::call_once(opened, open_cuda);
        return DOGBREED_OK;
    });
}

bool accel_has_cuda() noexcept {
    return cuda;
}

bool accel_cpu_bf16() noexcept {
#if defined(__x86_64__)
    return __builtin_cpu_supports("avx512bf16") != 0;
#else
    return false;
#endif
}

int32_t device_count() noexcept {
    return 1 + (cuda ? (int32_t)at::accelerator::deviceCount() : 0);
}

static const int attribute_major = 75; // CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR

static int cuda_major(int32_t index) {
    int device = 0, major = 0;
    if (driver.device_get(&device, index) != 0 ||
        driver.device_attribute(&major, attribute_major, device) != 0) {
        return 0;
    }
    return major;
}

static void cuda_info(dogb_device *out, int32_t index) {
    int device = 0;
    size_t total = 0;
    (void)snprintf(out->id, sizeof out->id, "cuda:%d", index);
    if (driver.device_get(&device, index) == 0) {
        (void)driver.device_name(out->name, (int)sizeof out->name, device);
        (void)driver.device_memory(&total, device);
    }
    out->memory_total = (int64_t)total;
    out->memory_free = (int64_t)at::accelerator::getMemoryInfo((c10::DeviceIndex)index).first;
    out->bf16 = cuda_major(index) >= 8 ? 1 : 0;
}

int device_info(dogb_device *out, int32_t index) noexcept {
    return guard([&]() -> int {
        *out = dogb_device();
        if (index < 0 || index >= device_count()) {
            return fail(DOGBREED_ERROR_NOT_FOUND, "device %d: engine torch sees %d", index,
                        device_count());
        }
        if (index > 0) {
            cuda_info(out, index - 1);
            return DOGBREED_OK;
        }
        (void)snprintf(out->name, sizeof out->name, "cpu");
        (void)snprintf(out->id, sizeof out->id, "cpu");
        int64_t page = sysconf(_SC_PAGESIZE);
        out->memory_total = (int64_t)sysconf(_SC_PHYS_PAGES) * page;
        out->memory_free = (int64_t)sysconf(_SC_AVPHYS_PAGES) * page;
        out->bf16 = accel_cpu_bf16() ? 1 : 0;
        return DOGBREED_OK;
    });
}

int device_parse(at::Device &out, const char *text) {
    if (text != nullptr && strcmp(text, "cpu") == 0) {
        out = at::Device(at::kCPU);
        return DOGBREED_OK;
    }
    if (text != nullptr && strncmp(text, "cuda:", 5) == 0 && text[5] >= '0' && text[5] <= '9') {
        char *end = nullptr;
        long index = strtol(text + 5, &end, 10);
        if (*end == 0 && index + 1 < device_count()) {
            out = at::Device(at::kCUDA, (c10::DeviceIndex)index);
            return DOGBREED_OK;
        }
    }
    return fail(DOGBREED_ERROR_DEVICE, "device %s: engine torch has cpu%s",
                text == nullptr ? "(null)" : text,
                cuda ? " and cuda:0 and so on up to the number of GPUs" : " only");
}

int device_bf16(const at::Device &device) {
    return device.is_cuda() ? cuda_major(device.index()) >= 8 : accel_cpu_bf16();
}

// libtorch keeps the number of threads per calling thread; asking it costs more than remembering.
// Inside a parallel region a thread is alone already.
void accel_threads(int32_t threads) {
    static thread_local int32_t current;
    if (current != threads && !at::in_parallel_region()) {
        at::set_num_threads(threads);
        current = threads;
    }
}

// These switches are the process's: a net sets what it needs before it computes. On the CPU every
// operation in use is deterministic for a given number of threads.
static void use_determinism(bool on) {
    at::Context &context = at::globalContext();
    context.setDeterministicAlgorithms(on, true);
    context.setDeterministicFillUninitializedMemory(false);
    context.setDeterministicCuDNN(on);
    context.setBenchmarkCuDNN(!on);
    context.setAllowTF32CuDNN(!on);
    context.setAllowTF32CuBLAS(!on);
}

void accel_use(const at::Device &device, int32_t threads, bool deterministic) {
    accel_threads(threads);
    if (device.is_cuda()) {
        use_determinism(deterministic);
    }
}

void accel_use(const dogb_net *net) {
    accel_use(net->device, net->threads, net->deterministic != 0);
}

void device_synchronize(const at::Device &device) {
    if (device.is_cuda()) {
        at::accelerator::synchronizeDevice(device.index());
    }
}

int device_memory(const char *text, int64_t *used, int64_t *peak) noexcept {
    return guard([&]() -> int {
        at::Device device(at::kCPU);
        int rc = device_parse(device, text);
        if (rc < 0) {
            return rc;
        }
        if (device.is_cuda()) {
            auto stats = at::accelerator::getDeviceStats(device.index());
            *used = stats.allocated_bytes[0].current;
            *peak = stats.allocated_bytes[0].peak;
            return DOGBREED_OK;
        }
        // The CPU's memory is the process's: resident pages now and at most.
        int64_t pages = 0, resident = 0;
        FILE *file = fopen("/proc/self/statm", "r");
        if (file != nullptr) {
            long long total = 0, held = 0;
            if (fscanf(file, "%lld %lld", &total, &held) == 2) {
                pages = total;
                resident = held;
            }
            (void)fclose(file);
        }
        (void)pages;
        struct rusage usage;
        (void)getrusage(RUSAGE_SELF, &usage);
        *used = resident * (int64_t)sysconf(_SC_PAGESIZE);
        *peak = (int64_t)usage.ru_maxrss * 1024;
        return DOGBREED_OK;
    });
}

} // namespace dogb_torch
