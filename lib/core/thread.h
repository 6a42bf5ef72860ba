// thread.h - worker threads: usable cores, a parallel loop over indices, and the plain helpers
// around pthread.
#ifndef DOGB_CORE_THREAD_H
#define DOGB_CORE_THREAD_H

#include <pthread.h>
#include <stdint.h>

// Cores this process may use: affinity mask, then the cgroup's CPU quota; at least 1.
int32_t dogb_core_count(void);

// requested > 0: that; else dogb_core_count(). At most 256.
int32_t dogb_thread_count(int32_t requested);

// Runs fn(index, userdata) for every index of [0, count) on up to `threads` threads (the caller is
// one of them). Indices are handed out in order. The first negative result, by lowest index, stops
// the hand-out and is returned with its message, also when it came from another thread. Worker
// threads block all signals.
typedef int (*dogb_loop_fn)(int64_t index, void *userdata);
int dogb_parallel(int32_t threads, int64_t count, dogb_loop_fn fn, void *userdata);

// pthread_create with all signals blocked in the new thread, which is listened to (core/span.h) by
// who listens to this one. NO_MEMORY when there is no thread to be had.
int dogb_thread_start(pthread_t *out, void *(*fn)(void *), void *userdata);

#endif
