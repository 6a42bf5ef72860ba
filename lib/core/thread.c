#define _GNU_SOURCE // sched_getaffinity
// thread.c - usable cores and the parallel loop.
#include "core/thread.h"
#include "core/arena.h"
#include "core/error.h"
#include "core/span.h"

#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

enum { THREADS_MAX = 256 };

static int32_t quota_cores(void) {
    // cgroup v2: "max 100000" or "200000 100000" (microseconds per period).
    FILE *file = fopen("/sys/fs/cgroup/cpu.max", "re");
    double quota = 0.0;
    double period = 0.0;
    int fields = 0;
    if (file != NULL) {
        fields = fscanf(file, "%lf %lf", &quota, &period);
        (void)fclose(file);
    }
    return fields == 2 && quota > 0.0 && period > 0.0 ? (int32_t)(quota / period + 0.999) : 0;
}

int32_t dogb_core_count(void) {
    cpu_set_t set;
    CPU_ZERO(&set);
    int32_t count = 0;
    if (sched_getaffinity(0, sizeof set, &set) == 0) {
        count = CPU_COUNT(&set);
    } else {
        count = (int32_t)sysconf(_SC_NPROCESSORS_ONLN);
    }
    int32_t quota = quota_cores();
    if (quota > 0 && quota < count) {
        count = quota;
    }
    return count < 1 ? 1 : count;
}

int32_t dogb_thread_count(int32_t requested) {
    int32_t count = requested > 0 ? requested : dogb_core_count();
    return count > THREADS_MAX ? THREADS_MAX : count;
}

typedef struct heir { // a thread whose starter is listened to
    dogb_recorder *recorder;
    void *(*fn)(void *);
    void *userdata;
} heir;

static void *run_heir(void *pointer) {
    heir own = *(heir *)pointer;
    dogb_free(pointer);
    dogb_recorder_attach(own.recorder);
    dogb_recorder_release(own.recorder);
    void *result = own.fn(own.userdata);
    dogb_recorder_attach(NULL);
    return result;
}

static int start(pthread_t *out, void *(*fn)(void *), void *userdata) {
    sigset_t all;
    sigset_t old;
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all,
                          &old); // a new thread inherits the mask: signals go to the host's threads
    int failed = pthread_create(out, NULL, fn, userdata);
    (void)pthread_sigmask(SIG_SETMASK, &old, NULL);
    return failed ? dogb_fail(DOGBREED_ERROR_NO_MEMORY, "a worker thread cannot be started")
                  : DOGBREED_OK;
}

int dogb_thread_start(pthread_t *out, void *(*fn)(void *), void *userdata) {
    if (dogb_span_listener == NULL) {
        return start(out, fn, userdata);
    }
    heir *own = dogb_malloc(1, sizeof *own);
    if (own == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    *own = (heir){dogb_span_listener, fn, userdata};
    dogb_recorder_retain(own->recorder);
    int rc = start(out, run_heir, own);
    if (rc < 0) {
        dogb_recorder_release(own->recorder);
        dogb_free(own);
    }
    return rc;
}

typedef struct loop {
    pthread_mutex_t lock; // guards next, failed_index and error
    int64_t next;
    int64_t count;
    int64_t failed_index; // -1: none
    dogb_error_state error;
    dogb_loop_fn fn;
    void *userdata;
} loop;

static void *work(void *pointer) {
    loop *l = pointer;
    for (;;) {
        (void)pthread_mutex_lock(&l->lock);
        int64_t index = l->failed_index >= 0 ? l->count : l->next;
        if (index < l->count) {
            l->next++;
        }
        (void)pthread_mutex_unlock(&l->lock);
        if (index >= l->count) {
            return NULL;
        }
        int rc = l->fn(index, l->userdata);
        if (rc < 0) {
            (void)pthread_mutex_lock(&l->lock);
            if (l->failed_index < 0 || index < l->failed_index) {
                l->failed_index = index;
                dogb_error_save(&l->error, rc);
            }
            (void)pthread_mutex_unlock(&l->lock);
        }
    }
}

int dogb_parallel(int32_t threads, int64_t count, dogb_loop_fn fn, void *userdata) {
    loop l = {.count = count, .failed_index = -1, .fn = fn, .userdata = userdata};
    pthread_t handles[THREADS_MAX];
    int32_t wanted = dogb_thread_count(threads);
    int32_t started = 0;
    if (wanted > count) {
        wanted = (int32_t)count;
    }
    if (pthread_mutex_init(&l.lock, NULL) != 0) {
        return dogb_fail(DOGBREED_ERROR_NO_MEMORY, "a lock cannot be made");
    }
    // Fewer threads than asked for is slower, not wrong: the caller's own thread always works.
    while (started < wanted - 1 && dogb_thread_start(&handles[started], work, &l) == DOGBREED_OK) {
        started++;
    }
    (void)work(&l);
    for (int32_t i = 0; i < started; i++) {
        (void)pthread_join(handles[i], NULL);
    }
    (void)pthread_mutex_destroy(&l.lock);
    return l.failed_index >= 0 ? dogb_error_restore(&l.error) : DOGBREED_OK;
}
