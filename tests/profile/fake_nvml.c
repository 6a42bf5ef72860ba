// fake_nvml.c - stands in for libnvidia-ml.so.1: two GPUs whose use follows FAKE_NVML ("use0,use1",
// percent) in the environment; a third one that answers nothing.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXPORT __attribute__((visibility("default")))

enum { SUCCESS = 0, NOT_FOUND = 6, NAME = 1 };

static int devices[3];
static int started;

EXPORT int nvmlInit_v2(void);
EXPORT int nvmlShutdown(void);
EXPORT int nvmlDeviceGetCount_v2(unsigned int *count);
EXPORT int nvmlDeviceGetHandleByIndex_v2(unsigned int index, void **device);
EXPORT int nvmlDeviceGetName(void *device, char *name, unsigned int length);
EXPORT int nvmlDeviceGetUtilizationRates(void *device, unsigned int *rates);
EXPORT int nvmlDeviceGetMemoryInfo(void *device, unsigned long long *memory);

int nvmlInit_v2(void) {
    started++;
    return getenv("FAKE_NVML") == NULL ? NOT_FOUND : SUCCESS;
}

int nvmlShutdown(void) {
    return --started >= 0 ? SUCCESS : NOT_FOUND;
}

int nvmlDeviceGetCount_v2(unsigned int *count) {
    *count = 3;
    return SUCCESS;
}

int nvmlDeviceGetHandleByIndex_v2(unsigned int index, void **device) {
    if (index > 1) {
        return NOT_FOUND;
    }
    *device = &devices[index];
    return SUCCESS;
}

int nvmlDeviceGetName(void *device, char *name, unsigned int length) {
    (void)snprintf(name, length, "Fake GPU %d", (int)((int *)device - devices));
    return SUCCESS;
}

int nvmlDeviceGetUtilizationRates(void *device, unsigned int *rates) {
    unsigned int use[2] = {0, 0};
    (void)sscanf(getenv("FAKE_NVML"), "%u,%u", &use[0], &use[1]);
    rates[0] = use[(int *)device - devices];
    rates[1] = 1;
    return SUCCESS;
}

int nvmlDeviceGetMemoryInfo(void *device, unsigned long long *memory) {
    (void)device;
    memory[0] = 8000000000ull;
    memory[1] = 6000000000ull;
    memory[2] = 2000000000ull;
    return SUCCESS;
}
