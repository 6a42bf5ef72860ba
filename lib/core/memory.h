// memory.h - how much memory this process may still take, and giving back what it no longer needs.
#ifndef DOGB_CORE_MEMORY_H
#define DOGB_CORE_MEMORY_H

#include <stdint.h>

// Bytes: what the system calls available, and no more than the cgroup's limit leaves. 0: unknown.
int64_t dogb_memory_free(void);

// Gives memory that was freed back to the system, which an allocator otherwise keeps tens of
// megabytes of. Milliseconds; behind work that needed much more than it leaves.
void dogb_memory_trim(void);

#endif
