// memory.c - available memory, of the machine and of the cgroup (v2) that the process is in.
#include "core/memory.h"

#include <stdio.h>

// Of a file that holds one number; -1: it is not there, or "max".
static int64_t number_of(const char *path) {
    long long value = -1;
    FILE *file = fopen(path, "re");
    if (file != NULL) {
        value = fscanf(file, "%lld", &value) == 1 ? value : -1;
        (void)fclose(file);
    }
    return value;
}

static int64_t available(void) {
    char line[128];
    long long kilobytes = 0;
    FILE *file = fopen("/proc/meminfo", "re");
    while (file != NULL && fgets(line, sizeof line, file) != NULL &&
           sscanf(line, "MemAvailable: %lld", &kilobytes) != 1) {
    }
    if (file != NULL) {
        (void)fclose(file);
    }
    return kilobytes * 1024;
}

int64_t dogb_memory_free(void) {
    int64_t free = available();
    int64_t limit = number_of("/sys/fs/cgroup/memory.max");
    int64_t used = number_of("/sys/fs/cgroup/memory.current");
    int64_t left = limit - (used < 0 ? 0 : used);
    return limit < 0 || left > free ? free : left > 0 ? left : 1;
}
