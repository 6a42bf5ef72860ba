// queue.h - requests that wait for a worker. Their pictures are handed out in turn, one of each
// request, so that a long request does not keep short ones waiting. Not locked: the batcher is.
#ifndef DOGB_SERVE_QUEUE_H
#define DOGB_SERVE_QUEUE_H

#include "serve/batcher.h"

typedef struct dogb_queue { // starts as zeros
    dogb_work *first;
    dogb_work *last;
    int64_t pictures;  // that can be taken
    uint64_t deadline; // no request is late before; UINT64_MAX: none will be
    int32_t works;
    int32_t cancelled; // some are
} dogb_queue;

// Makes a work's pictures new ones.
void dogb_work_begin(dogb_work *work, uint64_t now);

void dogb_queue_add(dogb_queue *queue, dogb_work *work);

// The next picture; NULL: there is none.
dogb_item *dogb_queue_take(dogb_queue *queue);

// Takes out requests that are late or cancelled, or all: what is left of them becomes TIMEOUT or
// CANCELLED. Returns those that have no picture without a result, linked by `next`.
dogb_work *dogb_queue_drop(dogb_queue *queue, uint64_t now, int all);

// TIMEOUT or CANCELLED when the picture's request is no longer wanted: it has that result then.
int dogb_item_dropped(dogb_item *item, uint64_t now);

// The result of a call on this thread becomes the picture's.
void dogb_item_result(dogb_item *item, int rc);

#endif
