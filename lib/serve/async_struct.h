// async_struct.h - the table; for async.c, async_table.c and async_call.c alone.
#ifndef DOGB_SERVE_ASYNC_STRUCT_H
#define DOGB_SERVE_ASYNC_STRUCT_H

#include "serve/async.h"
#include "serve/callback.h"

#include <pthread.h>
#include <stdatomic.h>

enum { BUCKETS = 1024, DOGB_ASYNC_LOOK_MS = 250 };

// States of a job.
enum { DOGB_ASYNC_WAITING = 0, DOGB_ASYNC_RUNNING = 1, DOGB_ASYNC_READY = 2 };

struct dogb_http; // a connection of store/http.h

struct dogb_async {
    dogb_server *server;
    dogb_callbacks *callbacks; // NULL: none are made, as the rest of the caller's
    struct dogb_http *http;
    dogb_chores *chores;
    dogb_arena arena;
    atomic_int cancel; // of the call that is going on
    pthread_t feeder;
    int32_t feeds;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    // under the lock:
    dogb_async_job *buckets[BUCKETS];
    dogb_async_job *first; // of those that wait
    dogb_async_job *last;
    size_t bytes;
    uint64_t next_look;
    uint64_t call_until; // 0: there is no call
    int32_t count;
    int32_t waiting;
    int32_t running;
    int32_t ended;
};

// What option callbacks asks for: the list, a connection, a thread.
int dogb_async_caller_open(dogb_async *async);
void dogb_async_caller_close(dogb_async *async);

// --- the table (async_table.c)

void dogb_async_lock(dogb_async *async);
void dogb_async_unlock(dogb_async *async); // and wakes who waits for a change
void dogb_async_event(dogb_async *async, int32_t which);
uint64_t dogb_async_expiry(const dogb_async *async); // of what is kept from now on

// All others are called with the lock. Waits for a change, so long at most.
void dogb_async_wait(dogb_async *async, int milliseconds);

void dogb_async_put(dogb_async *async, dogb_async_job *job); // it waits, as the last one
dogb_async_job **dogb_async_find(dogb_async *async, const char *id);
// `at` is its place in the table. What the batcher has of it ends soon.
void dogb_async_take_out(dogb_async *async, dogb_async_job **at);
void dogb_async_forget_old(dogb_async *async);
void dogb_async_release(dogb_async_job *job); // one holder less

void dogb_async_stop_waiting(dogb_async *async, const dogb_async_job *job);
void dogb_async_wait_first(dogb_async *async, dogb_async_job *job);

// The result in place of the request. A result that would not fit is a failure of its own.
void dogb_async_keep(dogb_async_job *job);

#endif
