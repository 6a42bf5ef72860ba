// memory.h - how much memory this process may still take.
#ifndef DOGB_CORE_MEMORY_H
#define DOGB_CORE_MEMORY_H

#include <stdint.h>

// Bytes: what the system calls available, and no more than the cgroup's limit leaves. 0: unknown.
int64_t dogb_memory_free(void);

#endif
