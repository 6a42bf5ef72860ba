// sample.h - what the system does now: cores, memory, disks, network and this process from /proc,
// GPUs from NVML. A sample is a list of values, each with the three names under which it stands in
// system.jsonl.
#ifndef DOGB_PROFILE_SAMPLE_H
#define DOGB_PROFILE_SAMPLE_H

#include "core/arena.h"

#include <stdint.h>

typedef struct dogb_probe_value {
    const char *type;      // "cpu"
    char name[24];         // "cpu0"
    const char *dimension; // "CPUUtilization"
    double value;
} dogb_probe_value;

typedef struct dogb_probe dogb_probe; // holds the counters of the last sample

// root: "" for the real /proc; tests have their own. gpus: whether NVML is asked.
int dogb_probe_open(dogb_probe **out, dogb_arena *arena, const char *root, int gpus);
int32_t dogb_probe_cores(const dogb_probe *probe);
int32_t dogb_probe_gpus(const dogb_probe *probe);
const char *dogb_probe_gpu_name(const dogb_probe *probe, int32_t gpu);
// Rates are those since the last call; what cannot be read is left out. *metrics is valid until
// the next call. Returns how many there are.
size_t dogb_probe_take(dogb_probe *probe, const dogb_probe_value **metrics, double now);

#endif
