// nvml.c - see nvml.h. The few declarations that are needed stand here: the library's own header is
// not required to build.
#include "profile/nvml.h"

#include "core/error.h"
#include "core/log.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { GPUS_MAX = 64, NVML_SUCCESS = 0 };

typedef struct nvml_utilization { // nvmlUtilization_t
    unsigned int gpu;
    unsigned int memory;
} nvml_utilization;

typedef struct nvml_memory { // nvmlMemory_t
    unsigned long long total;
    unsigned long long free;
    unsigned long long used;
} nvml_memory;

struct dogb_nvml {
    void *library;
    int (*init)(void);
    int (*shutdown)(void);
    int (*count)(unsigned int *);
    int (*device)(unsigned int, void **);
    int (*name)(void *, char *, unsigned int);
    int (*utilization)(void *, nvml_utilization *);
    int (*memory)(void *, nvml_memory *);
    int32_t gpus;
    int32_t started;
    void *devices[GPUS_MAX];
    char names[GPUS_MAX][96];
};

static int load(dogb_nvml *nvml) {
    const struct {
        const char *symbol;
        void *place; // of a function pointer
    } functions[] = {
        {"nvmlInit_v2", &nvml->init},
        {"nvmlShutdown", &nvml->shutdown},
        {"nvmlDeviceGetCount_v2", &nvml->count},
        {"nvmlDeviceGetHandleByIndex_v2", &nvml->device},
        {"nvmlDeviceGetName", &nvml->name},
        {"nvmlDeviceGetUtilizationRates", &nvml->utilization},
        {"nvmlDeviceGetMemoryInfo", &nvml->memory},
    };
    const char *path = getenv("DOGBREED_NVML");
    path = path == NULL || *path == '\0' ? "libnvidia-ml.so.1" : path;
    nvml->library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (nvml->library == NULL) {
        dogb_log(DOGBREED_LOG_DEBUG, "profile: no GPU is watched: %s", dlerror());
        return 0;
    }
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
        void *found = dlsym(nvml->library, functions[i].symbol);
        if (found == NULL) {
            dogb_log(DOGBREED_LOG_DEBUG, "profile: no GPU is watched: %s has no %s", path,
                     functions[i].symbol);
            return 0;
        }
        memcpy(functions[i].place, &found, sizeof found);
    }
    return 1;
}

static void find_devices(dogb_nvml *nvml) {
    unsigned int count = 0;
    if (nvml->count(&count) != NVML_SUCCESS) {
        return;
    }
    for (unsigned int i = 0; i < count && nvml->gpus < GPUS_MAX; i++) {
        int32_t at = nvml->gpus;
        if (nvml->device(i, &nvml->devices[at]) != NVML_SUCCESS) {
            continue;
        }
        if (nvml->name(nvml->devices[at], nvml->names[at], sizeof nvml->names[at]) !=
            NVML_SUCCESS) {
            (void)snprintf(nvml->names[at], sizeof nvml->names[at], "gpu%d", (int)at);
        }
        nvml->gpus++;
    }
}

static void destroy(void *pointer) {
    dogb_nvml *nvml = pointer;
    if (nvml->started) {
        (void)nvml->shutdown();
    }
    if (nvml->library != NULL) {
        (void)dlclose(nvml->library);
    }
}

int dogb_nvml_open(dogb_nvml **out, dogb_arena *arena) {
    *out = NULL;
    dogb_nvml *nvml = dogb_alloc(arena, 1, sizeof *nvml);
    if (nvml == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    if (load(nvml)) {
        nvml->started = nvml->init() == NVML_SUCCESS;
        if (nvml->started) {
            find_devices(nvml);
        }
    }
    *out = nvml->gpus > 0 ? nvml : NULL;
    return dogb_defer(arena, destroy, nvml);
}

int32_t dogb_nvml_count(const dogb_nvml *nvml) {
    return nvml == NULL ? 0 : nvml->gpus;
}

const char *dogb_nvml_name(const dogb_nvml *nvml, int32_t gpu) {
    return nvml->names[gpu];
}

int dogb_nvml_use(dogb_gpu_use *out, const dogb_nvml *nvml, int32_t gpu) {
    nvml_utilization use;
    nvml_memory memory;
    if (nvml->utilization(nvml->devices[gpu], &use) != NVML_SUCCESS ||
        nvml->memory(nvml->devices[gpu], &memory) != NVML_SUCCESS || memory.total == 0) {
        return 0;
    }
    out->utilization = (double)use.gpu;
    out->memory = 100.0 * (double)memory.used / (double)memory.total;
    out->bytes = (double)memory.used;
    return 1;
}
