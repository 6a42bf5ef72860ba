// cpu.c - the CPU as a device: what engines that know no other one tell about it.
#include "engine/engine_internal.h"

#include "core/error.h"

#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

int32_t dogb_cpu_count(void) {
    return 1;
}

int dogb_cpu_info(dogb_device *out, int32_t index) {
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

// Of the process: a CPU has no memory of its own.
int dogb_cpu_memory(const char *device, int64_t *used, int64_t *peak) {
    struct rusage usage;
    long long pages = 0;
    int rc = dogb_device_check(device);
    if (rc < 0) {
        return rc;
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
