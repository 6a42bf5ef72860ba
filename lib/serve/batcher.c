// batcher.c - what others call: a batcher's making, its queue's entry, its end.
#include "serve/batcher.h"
#include "core/error.h"
#include "core/span.h"
#include "core/thread.h"
#include "serve/batcher_struct.h"

#include <time.h>

enum { DECODER = 3 << 20 }; // bytes for a photo of a million pixels

static void free_condition(void *condition) {
    (void)pthread_cond_destroy(condition);
}

static void free_lock(void *lock) {
    (void)pthread_mutex_destroy(lock);
}

// Its times are those of dogb_span_now.
static int make_condition(dogb_batcher *b, pthread_cond_t *condition) {
    pthread_condattr_t attributes;
    int failed = pthread_condattr_init(&attributes);
    if (failed == 0) {
        failed = pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) ||
                 pthread_cond_init(condition, &attributes);
        (void)pthread_condattr_destroy(&attributes);
    }
    return failed ? dogb_fail(DOGBREED_ERROR_NO_MEMORY, "batcher: a condition cannot be made")
                  : dogb_defer(&b->arena, free_condition, condition);
}

static int make_lock(dogb_batcher *b) {
    if (pthread_mutex_init(&b->lock, NULL) != 0) {
        return dogb_fail(DOGBREED_ERROR_NO_MEMORY, "batcher: a lock cannot be made");
    }
    int rc = dogb_defer(&b->arena, free_lock, &b->lock);
    return rc < 0 ? rc : make_condition(b, &b->empty);
}

static int start_worker(dogb_batcher *b, dogb_worker *own) {
    own->batcher = b;
    own->items = dogb_alloc(&b->arena, (size_t)b->conf.batch_size, sizeof(dogb_item *));
    int rc = own->items == NULL ? DOGBREED_ERROR_NO_MEMORY : make_condition(b, &own->wake);
    return rc < 0 ? rc : dogb_thread_start(&own->thread, dogb_batcher_run, own);
}

static int start_workers(dogb_batcher *b) {
    int rc = DOGBREED_OK;
    while (b->worker_count < b->conf.workers &&
           (rc = start_worker(b, &b->workers[b->worker_count])) == DOGBREED_OK) {
        b->worker_count++;
    }
    return rc;
}

int dogb_batcher_create(dogb_batcher **out, dogbreed_predictor *predictor,
                        const dogb_batcher_conf *conf) {
    DOGB_CHECK(out != NULL, "batcher: out is NULL");
    *out = NULL;
    DOGB_CHECK(predictor != NULL && conf != NULL, "batcher: predictor or conf is NULL");
    DOGB_CHECK(conf->batch_size >= 1 && conf->batch_size <= 4096,
               "batcher: batch_size %d, expected 1 to 4096", (int)conf->batch_size);
    DOGB_CHECK(conf->queue_max >= 1, "batcher: queue_max %d, expected 1 or more",
               (int)conf->queue_max);
    DOGB_CHECK(conf->delay_s >= 0.0 && conf->delay_s <= 60.0,
               "batcher: a delay of %g s, expected 0 to 60", conf->delay_s);
    dogb_batcher *b = dogb_malloc(1, sizeof *b);
    if (b == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    b->predictor = predictor;
    b->conf = *conf;
    b->delay = (uint64_t)(conf->delay_s * 1e9);
    b->ready_end = &b->ready;
    dogb_predictor_facts_get(&b->facts, predictor);
    b->conf.workers = dogb_thread_count(conf->workers > 0 ? conf->workers : b->facts.threads);
    b->lanes = b->facts.shares ? b->conf.workers : 1;
    b->workers = dogb_alloc(&b->arena, (size_t)b->conf.workers, sizeof *b->workers);
    int rc = b->workers == NULL ? DOGBREED_ERROR_NO_MEMORY : make_lock(b);
    if (rc == DOGBREED_OK) {
        rc = start_workers(b);
    }
    if (rc < 0) {
        dogb_batcher_destroy(b);
        return rc;
    }
    *out = b;
    return DOGBREED_OK;
}

int dogb_batcher_submit(dogb_batcher *b, dogb_work *work) {
    DOGB_CHECK(b != NULL && work != NULL && work->done != NULL, "submit: no batcher, work or done");
    DOGB_CHECK(work->items != NULL && work->count >= 1, "submit: there are no pictures");
    uint64_t now = dogb_span_now();
    DOGB_CHECK(work->items->kind != DOGB_ITEM_BODY || (work->prepare != NULL && work->count == 1),
               "submit: a body without prepare, or with other pictures");
    dogb_work_begin(work, now);
    work->cancelled = 0;
    (void)pthread_mutex_lock(&b->lock);
    int rc = b->draining                           ? DOGBREED_ERROR_STATE
             : b->queue.works >= b->conf.queue_max ? DOGBREED_ERROR_BUSY
                                                   : DOGBREED_OK;
    if (rc == DOGBREED_OK) {
        dogb_queue_add(&b->queue, work);
        b->unanswered++;
        dogb_batcher_wake_useful(b, now); // it wakes the next
    }
    (void)pthread_mutex_unlock(&b->lock);
    return rc == DOGBREED_OK ? rc
           : rc == DOGBREED_ERROR_STATE
               ? dogb_fail(rc, "submit: no more work is taken")
               : dogb_fail(rc, "submit: %d requests are waiting already", (int)b->conf.queue_max);
}

void dogb_batcher_cancel(dogb_batcher *b, dogb_work *work) {
    (void)pthread_mutex_lock(&b->lock);
    if (work->left > 0) {
        work->cancelled = 1;
        b->queue.cancelled = 1;
        dogb_batcher_wake(b);
    }
    (void)pthread_mutex_unlock(&b->lock);
}

int64_t dogb_batcher_bytes(const dogb_batcher *b) {
    const int64_t batch = b->conf.batch_size;
    const int64_t picture = (int64_t)dogb_predictor_picture(b->predictor);
    const int64_t logits = b->facts.classes * (int64_t)sizeof(float);
    return dogb_predictor_bytes(b->predictor, b->conf.batch_size, b->lanes) +
           b->conf.workers * (batch * (logits + picture * (int64_t)sizeof(float)) + DECODER) +
           b->lanes * batch * picture; // decoded ones
}

int32_t dogb_batcher_waiting(dogb_batcher *b) {
    (void)pthread_mutex_lock(&b->lock);
    int32_t works = b->queue.works;
    (void)pthread_mutex_unlock(&b->lock);
    return works;
}

void dogb_batcher_drain(dogb_batcher *b) {
    (void)pthread_mutex_lock(&b->lock);
    b->draining = 1;
    while (b->unanswered > 0) {
        (void)pthread_cond_wait(&b->empty, &b->lock);
    }
    (void)pthread_mutex_unlock(&b->lock);
}

void dogb_batcher_destroy(dogb_batcher *b) {
    if (b == NULL) {
        return;
    }
    if (b->worker_count > 0) {
        (void)pthread_mutex_lock(&b->lock);
        b->draining = 1;
        b->stopping = 1;
        while (b->sleepers != NULL) {
            dogb_batcher_wake(b);
        }
        (void)pthread_mutex_unlock(&b->lock);
    }
    for (int32_t i = 0; i < b->worker_count; i++) {
        (void)pthread_join(b->workers[i].thread, NULL);
    }
    for (uint8_t *picture = NULL; (picture = dogb_batcher_spare(b)) != NULL;) {
        dogb_free(picture);
    }
    dogb_arena_free(&b->arena);
    dogb_free(b);
}
