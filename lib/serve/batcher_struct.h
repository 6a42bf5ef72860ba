// batcher_struct.h - shared by the files of the batcher: batcher.c (what others call), schedule.c
// (what a worker does next), worker.c (how it does it).
#ifndef DOGB_SERVE_BATCHER_STRUCT_H
#define DOGB_SERVE_BATCHER_STRUCT_H

#include "core/arena.h"
#include "predictor/predictor_infer.h"
#include "serve/queue.h"

#include <pthread.h>

typedef struct dogb_worker {
    struct dogb_batcher *batcher;
    pthread_t thread;
    pthread_cond_t wake;       // with the batcher's lock, as the next two
    struct dogb_worker *below; // in the pile of sleepers
    int32_t asleep;
    int32_t reserved;
    dogb_arena decoder;
    dogb_arena arena;
    dogb_item **items; // [batch_size] of the present batch
    char *memory;      // logits and inputs of a batch
    size_t size;
} dogb_worker;

struct dogb_batcher {
    dogb_arena arena;
    dogbreed_predictor *predictor;
    dogb_batcher_conf conf;
    dogb_predictor_facts facts;
    uint64_t delay; // ns
    int32_t lanes;
    int32_t worker_count; // started
    dogb_worker *workers;

    pthread_mutex_t lock;  // guards what follows, and the works that are in here
    pthread_cond_t empty;  // who drains
    dogb_worker *sleepers; // a pile: the last one to sleep, whose caches are warm, is woken first
    dogb_queue queue;
    dogb_item *ready; // decoded, oldest first
    dogb_item **ready_end;
    int32_t ready_count;
    int32_t decoding;  // pictures
    int32_t computing; // lanes in use
    int32_t sleeping;  // workers
    int32_t unanswered;
    int32_t draining;
    int32_t stopping;
    uint8_t *spare;
};

// --- schedule.c; all but run with the lock

void *dogb_batcher_run(void *worker);

// The worker that has slept least; nobody when none sleeps.
void dogb_batcher_wake(dogb_batcher *b);

// The same when there is something to do for one more.
void dogb_batcher_wake_useful(dogb_batcher *b, uint64_t now);

// Threads of a call: the cores, shared with the workers that are at work and those that will be.
int32_t dogb_batcher_threads(const dogb_batcher *b);

// A picture has its result. Gives the lock away meanwhile.
void dogb_batcher_settle(dogb_batcher *b, dogb_item *item);

// --- worker.c; with the lock, which they give away meanwhile

// The next picture of the queue, which has one.
void dogb_worker_decode(dogb_worker *own, uint64_t now);

// Up to `count` decoded pictures, of which there are some.
void dogb_worker_compute(dogb_worker *own, int32_t count, uint64_t now);

// Memory of a decoded picture that is free; NULL: there is none.
uint8_t *dogb_batcher_spare(dogb_batcher *b);

#endif
