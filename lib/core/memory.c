// memory.c - available memory, of the machine and of the cgroup (v2) that the process is in.
#include "core/memory.h"

#include <malloc.h>
#include <stdio.h>
#include <string.h>

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

// Of the line that begins with a name and a space; 0: there is none.
static int64_t line_of(const char *path, const char *name) {
    char line[128];
    size_t length = strlen(name);
    long long value = 0;
    FILE *file = fopen(path, "re");
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        if (strncmp(line, name, length) == 0 && line[length] == ' ') {
            value = sscanf(line + length, "%lld", &value) == 1 ? value : 0;
            break;
        }
    }
    if (file != NULL) {
        (void)fclose(file);
    }
    return value;
}

int64_t dogb_memory_free(void) {
    int64_t free = line_of("/proc/meminfo", "MemAvailable:") * 1024;
    int64_t limit = number_of("/sys/fs/cgroup/memory.max");
    // What files have in memory and was not used lately counts as used there, but gives way.
    int64_t used = number_of("/sys/fs/cgroup/memory.current") -
                   line_of("/sys/fs/cgroup/memory.stat", "inactive_file");
    int64_t left = limit - (used < 0 ? 0 : used);
    return limit < 0 || left > free ? free : left > 0 ? left : 1;
}

void dogb_memory_trim(void) {
#ifdef __GLIBC__
    (void)malloc_trim(0);
#endif
}
