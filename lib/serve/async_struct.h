// async_struct.h - the table; for async.c and async_call.c alone.
#ifndef DOGB_SERVE_ASYNC_STRUCT_H
#define DOGB_SERVE_ASYNC_STRUCT_H

#include "serve/async.h"
#include "serve/callback.h"

#include <pthread.h>
#include <stdatomic.h>

enum { BUCKETS = 1024 };

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

#endif
