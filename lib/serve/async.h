// async.h - requests whose results are fetched later: a table of them, a thread that gives them to
// the batcher a few at a time and forgets those that nobody fetched. Bounded in number and bytes.
#ifndef DOGB_SERVE_ASYNC_H
#define DOGB_SERVE_ASYNC_H

#include "serve/chore.h"
#include "serve/server.h"

enum { DOGB_ASYNC_ID = 32 }; // digits: 128 random bits

typedef struct dogb_async dogb_async;

// One request. From `next` on it is the table's, under its lock.
typedef struct dogb_async_job {
    dogb_chore calling; // first
    dogb_async *async;
    dogb_arena kept;      // of the callback's address and the result
    dogb_request request; // its arena goes when it is computed
    dogb_input input;
    dogb_work work;
    dogb_reply reply;
    const char *callback; // NULL: none
    const char *top;      // queries
    const char *crop;
    char id[DOGB_ASYNC_ID + 1];

    struct dogb_async_job *next;   // of its bucket
    struct dogb_async_job *behind; // of those that wait
    uint64_t until;                // monotonic ns, when it is forgotten
    size_t bytes;                  // of body, then result
    int32_t state;
    int32_t submitted; // the batcher has or had it
    int32_t removed;   // no longer in the table
    int32_t holders;
} dogb_async_job;

// Options async_max, async_bytes, async_expiry_s, callbacks. What the file of callbacks says wrong,
// UNSUPPORTED (no libcurl), NO_MEMORY.
int dogb_async_create(dogb_async **out, dogb_server *server);

// Nothing more is computed or called; returns when what is being computed is done. NULL: nothing.
void dogb_async_end(dogb_async *async);
void dogb_async_destroy(dogb_async *async);

// --- for the routes

// A copy of the request that outlives it, with an id; the caller's until it is added. NULL: no
// memory.
dogb_async_job *dogb_async_new(dogb_async *async, const dogb_request *r, const char *callback);
void dogb_async_drop(dogb_async_job *job);

// 1: the URL is one that this server may call.
int dogb_async_may_call(const dogb_async *async, const char *url);

// The table has it from now on, and may forget it at any time. BUSY: no room; STATE: the server
// ends.
int dogb_async_add(dogb_async_job *job);

// The result with its status, or 202. NOT_FOUND: unknown, removed or forgotten.
int dogb_async_show(dogb_reply *reply, dogb_request *r, dogb_async *async, const char *id);
int dogb_async_remove(dogb_async *async, const char *id); // NOT_FOUND

typedef struct dogb_async_counts {
    int64_t waiting;
    int64_t kept; // waiting ones too
    int64_t bytes;
} dogb_async_counts;

void dogb_async_count(dogb_async_counts *out, dogb_async *async); // NULL: zeros

// --- for the caller (async_call.c)

// On the thread of callbacks, for a job that is done; the job is held until the call.
void dogb_async_deliver(dogb_chore *chore);

// Sleeps, or until the server ends; 1: it ends.
int dogb_async_pause(dogb_async *async, double seconds);

// A try begins and ends; while it lasts *cancel becomes 1 when its time is over or the server ends.
void dogb_async_call_begin(dogb_async *async);
void dogb_async_call_end(dogb_async *async);

// The last of it: delivered results are forgotten.
void dogb_async_called(dogb_async_job *job, int delivered);

#endif
