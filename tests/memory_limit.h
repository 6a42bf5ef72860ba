// memory_limit.h - a process with little memory: allocations of the library beyond a limit fail.
// What is in use is the allocator's own number, with everything that was freed taken off.
#ifndef DOGB_TEST_MEMORY_LIMIT_H
#define DOGB_TEST_MEMORY_LIMIT_H

#include "test.h"

#include "core/arena.h"

#include <pthread.h>

#ifndef __has_feature // of clang
#define __has_feature(x) 0
#endif
// 0: the allocator's number runs ahead or behind by more than a small study takes.
#if defined(__SANITIZE_THREAD__) || __has_feature(thread_sanitizer)
enum { MEMORY_IS_EXACT = 0 };
#else
enum { MEMORY_IS_EXACT = 1 };
#endif
#if defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer)
size_t __sanitizer_get_current_allocated_bytes(void); // not every compiler brings the header
static inline size_t memory_live(void) {
    return __sanitizer_get_current_allocated_bytes();
}
#else
#include <malloc.h>
static inline size_t memory_live(void) {
    struct mallinfo2 info = mallinfo2();
    return info.uordblks + info.hblkhd;
}
#endif

typedef struct memory_watch {
    size_t limit; // bytes in use
    size_t peak;
    int32_t refused;
} memory_watch;

static pthread_mutex_t memory_lock = PTHREAD_MUTEX_INITIALIZER; // any thread may allocate

static inline int memory_look(size_t size, void *userdata) {
    memory_watch *watch = userdata;
    (void)pthread_mutex_lock(&memory_lock);
    size_t use = memory_live() + size;
    int refuses = use > watch->limit;
    watch->refused += refuses;
    watch->peak = !refuses && use > watch->peak ? use : watch->peak;
    (void)pthread_mutex_unlock(&memory_lock);
    return refuses;
}

// From now on `bytes` more than now can be had. SIZE_MAX: any number, the peak alone is wanted.
static inline void memory_limit(memory_watch *watch, size_t bytes) {
    size_t now = memory_live();
    *watch = (memory_watch){.limit = bytes > SIZE_MAX - now ? SIZE_MAX : now + bytes, .peak = now};
    dogb_alloc_test(memory_look, watch);
}

static inline void memory_unlimited(void) {
    dogb_alloc_test(NULL, NULL);
}

#endif
