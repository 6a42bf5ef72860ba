// schedule.c - what a worker does next, whatever is most useful now: it computes a batch of decoded
// pictures, decodes one more, or sleeps. Nobody waits for more pictures while none is on its way.
//
// Lanes are calls of the network side by side. Where the engine lets calls share the cores there is
// one for each worker, on a core of its own: nothing has to wait for anything. Elsewhere there is
// one, and the pictures of the next batch are decoded meanwhile.
#include "serve/batcher_struct.h"
#include "core/span.h"

#include <stdatomic.h>
#include <time.h>

// Workers at work, of all batchers: they share the cores.
static atomic_int busy;

// Pictures to compute now; 0: none yet. *until: when that changes by itself.
static int32_t batch_now(const dogb_batcher *b, uint64_t now, uint64_t *until) {
    if (b->ready_count == 0 || b->computing >= b->lanes) {
        return 0;
    }
    int64_t all = b->queue.pictures + b->decoding + b->ready_count;
    int64_t goal = (all + b->lanes - 1) / b->lanes; // a fair share
    goal = goal < b->conf.batch_size ? goal : b->conf.batch_size;
    if (b->ready_count >= goal) {
        return (int32_t)goal;
    }
    uint64_t end = b->ready->since + b->delay;
    if (now >= end) {
        return b->ready_count;
    }
    *until = end < *until ? end : *until;
    return 0;
}

static int may_decode(const dogb_batcher *b) {
    return b->queue.pictures > 0 &&
           b->ready_count + b->decoding < (int64_t)b->conf.batch_size * b->lanes;
}

void dogb_batcher_wake(dogb_batcher *b) {
    dogb_worker *own = b->sleepers;
    if (own != NULL) {
        b->sleepers = own->below;
        own->asleep = 0;
        b->sleeping--;
        (void)pthread_cond_signal(&own->wake);
    }
}

// One more worker, when there is something to do for it.
void dogb_batcher_wake_useful(dogb_batcher *b, uint64_t now) {
    uint64_t until = UINT64_MAX;
    if (b->sleepers != NULL && (may_decode(b) || batch_now(b, now, &until) > 0)) {
        dogb_batcher_wake(b);
    }
}

static void sleep_until(dogb_worker *own, uint64_t until) {
    dogb_batcher *b = own->batcher;
    int rc = 0;
    own->below = b->sleepers;
    b->sleepers = own;
    own->asleep = 1;
    b->sleeping++;
    (void)atomic_fetch_sub(&busy, 1);
    struct timespec at = {.tv_sec = (time_t)(until / 1000000000U),
                          .tv_nsec = (int32_t)(until % 1000000000U)};
    while (own->asleep && rc == 0) {
        rc = until == UINT64_MAX ? pthread_cond_wait(&own->wake, &b->lock)
                                 : pthread_cond_timedwait(&own->wake, &b->lock, &at);
    }
    if (own->asleep) { // by itself: it leaves the pile wherever it is in it
        dogb_worker **link = &b->sleepers;
        while (*link != own) {
            link = &(*link)->below;
        }
        *link = own->below;
        own->asleep = 0;
        b->sleeping--;
    }
    (void)atomic_fetch_add(&busy, 1);
}

int32_t dogb_batcher_threads(const dogb_batcher *b) {
    int64_t more = b->queue.pictures + b->ready_count;
    more = more < b->sleeping ? more : b->sleeping;
    int64_t threads = b->facts.threads / (atomic_load(&busy) + more);
    return threads < 1 ? 1 : (int32_t)threads;
}

// Gives the lock away meanwhile.
static void answer(dogb_batcher *b, dogb_work *work) {
    (void)pthread_mutex_unlock(&b->lock);
    work->done(work, work->userdata);
    (void)pthread_mutex_lock(&b->lock);
    if (--b->unanswered == 0) {
        (void)pthread_cond_broadcast(&b->empty);
    }
}

void dogb_batcher_settle(dogb_batcher *b, dogb_item *item) {
    dogb_work *work = item->work;
    if (--work->left == 0) {
        answer(b, work);
    }
}

static void drop(dogb_batcher *b, uint64_t now) {
    dogb_work *next = NULL;
    for (dogb_work *work = dogb_queue_drop(&b->queue, now, b->stopping); work != NULL;
         work = next) {
        next = work->next;
        answer(b, work);
    }
}

void *dogb_batcher_run(void *userdata) {
    dogb_worker *own = userdata;
    dogb_batcher *b = own->batcher;
    (void)pthread_mutex_lock(&b->lock);
    (void)atomic_fetch_add(&busy, 1);
    for (;;) {
        uint64_t now = dogb_span_now();
        uint64_t until = UINT64_MAX;
        int32_t count = 0;
        if (b->queue.works > 0 && (b->stopping || b->queue.cancelled || now >= b->queue.deadline)) {
            drop(b, now);
        } else if ((count = batch_now(b, now, &until)) > 0) {
            dogb_worker_compute(own, count, now);
        } else if (may_decode(b)) {
            dogb_worker_decode(own, now);
        } else if (b->stopping && b->queue.works == 0 && b->ready_count == 0) {
            break;
        } else {
            if (b->queue.works > 0 && b->queue.deadline < until) {
                until = b->queue.deadline;
            }
            sleep_until(own, until);
        }
    }
    (void)atomic_fetch_sub(&busy, 1);
    (void)pthread_mutex_unlock(&b->lock);
    dogb_arena_free(&own->decoder);
    dogb_arena_free(&own->arena);
    return NULL;
}
