// batcher.h - many callers, one network: pictures of requests are decoded and computed together by
// worker threads. Bounded, fair between requests, with deadlines. Knows nothing of HTTP.
//
// A picture's logits have the same bits whatever else was computed with it (on engines whose sums
// do not depend on the batch: native and ref).
#ifndef DOGB_SERVE_BATCHER_H
#define DOGB_SERVE_BATCHER_H

#include <dogbreed/predictor.h>

#include <stddef.h>
#include <stdint.h>

typedef struct dogb_batcher dogb_batcher;
struct dogb_work;

enum {                     // dogb_item.kind
    DOGB_ITEM_ENCODED = 0, // a JPEG or PNG
    DOGB_ITEM_TENSOR = 1,  // float32 [3][side][side] of this machine's byte order, normalised
    // What its work's prepare makes pictures of; the only one of its work.
    DOGB_ITEM_BODY = 2
};
enum { DOGB_ITEM_EXIF_IGNORED = 1 }; // bits of dogb_item.warnings
enum { DOGB_ITEM_MESSAGE_MAX = 200 };

// One picture of a request.
typedef struct dogb_item {
    int32_t kind;
    // Result: 0, FORMAT, UNSUPPORTED, INVALID_ARGUMENT (crop outside, size of a tensor), NUMERIC,
    // NO_MEMORY, TIMEOUT, CANCELLED ...
    int32_t rc;
    char message[DOGB_ITEM_MESSAGE_MAX]; // of rc < 0: one line
    const void *bytes;                   // borrowed until done
    size_t size;
    dogbreed_rectangle crop; // of an encoded picture; all zero: whole
    float *logits;           // [classes], the caller's; written when rc is 0
    uint32_t warnings;       // DOGB_ITEM_EXIF_IGNORED
    int32_t batch;           // pictures that were computed with it, itself included
    uint64_t decode_ns;
    uint64_t queue_ns; // waiting: for a worker, then for the network
    uint64_t model_ns; // of the whole batch

    // the batcher's
    struct dogb_work *work;
    struct dogb_item *next;
    uint8_t *picture;
    uint64_t since; // when its present wait began
} dogb_item;

// All pictures of one request. The caller's memory, which stays where it is until done has been
// called; new ones are all zeros.
typedef struct dogb_work {
    dogb_item *items;
    int32_t count;     // >= 1
    int32_t cancelled; // the batcher's
    uint64_t deadline; // on dogb_span_now's clock; what has not begun then is TIMEOUT; 0: none
    // Called once, on a thread of the batcher, without its lock: `work` may be freed in it, and
    // more may be submitted. Not allowed in it: drain, destroy.
    void (*done)(struct dogb_work *work, void *userdata);
    void *userdata;
    // Of a work that begins with a DOGB_ITEM_BODY: sets items and count. On a thread of the
    // batcher, without its lock. <0: that is the item's result, and there is nothing more to do.
    int (*prepare)(struct dogb_work *work);

    // the batcher's
    struct dogb_work *next;
    int32_t taken; // pictures that a worker has taken
    int32_t left;  // pictures without a result
} dogb_work;

typedef struct dogb_batcher_conf {
    int32_t batch_size; // pictures computed at once, at most; 1..4096
    int32_t queue_max;  // requests that wait, at most: with pictures that no worker has taken
    double delay_s;     // that a decoded picture waits for others that are being decoded
    int32_t workers;    // threads; 0: as many as the predictor's
    int32_t reserved;
} dogb_batcher_conf;

// The predictor is borrowed until destroy.
int dogb_batcher_create(dogb_batcher **out, dogbreed_predictor *predictor,
                        const dogb_batcher_conf *conf);

// 0: done will be called. BUSY: the queue is full; STATE: it drains; INVALID_ARGUMENT. Then nothing
// is called. Concurrent.
int dogb_batcher_submit(dogb_batcher *batcher, dogb_work *work);

// Pictures of the work that no worker has taken become CANCELLED; done is called as always, soon.
// `work` is submitted, or done has been called and its memory is still there. Concurrent.
void dogb_batcher_cancel(dogb_batcher *batcher, dogb_work *work);

// Memory that it and its predictor take when it is busy with full batches: weights as the engine
// holds them, what computing needs, decoded pictures, a decoder for each worker. Photos of more
// than a million pixels need more, 3 bytes a pixel and worker: up to 16 million are kept.
int64_t dogb_batcher_bytes(const dogb_batcher *batcher);

int32_t dogb_batcher_waiting(dogb_batcher *batcher); // requests, as queue_max counts. Concurrent

// Takes no more work; returns when everything accepted is answered. Concurrent.
void dogb_batcher_drain(dogb_batcher *batcher);

// Takes no more work; what no worker has taken is CANCELLED; returns when everything is answered.
void dogb_batcher_destroy(dogb_batcher *batcher);

#endif
