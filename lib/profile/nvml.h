// nvml.h - GPUs through libnvidia-ml.so.1, opened when it is first asked for. That it is not there
// is normal. DOGBREED_NVML in the environment names another file.
#ifndef DOGB_PROFILE_NVML_H
#define DOGB_PROFILE_NVML_H

#include "core/arena.h"

#include <stdint.h>

typedef struct dogb_nvml dogb_nvml;

typedef struct dogb_gpu_use {
    double utilization; // percent of the time since the driver's last look that a kernel ran
    double memory;      // percent in use
    double bytes;       // in use
} dogb_gpu_use;

// *out NULL: no library, no driver or no GPU. Closed by the arena. NO_MEMORY.
int dogb_nvml_open(dogb_nvml **out, dogb_arena *arena);
int32_t dogb_nvml_count(const dogb_nvml *nvml); // NULL: 0
const char *dogb_nvml_name(const dogb_nvml *nvml, int32_t gpu);
int dogb_nvml_use(dogb_gpu_use *out, const dogb_nvml *nvml, int32_t gpu); // 0: it does not say

#endif
