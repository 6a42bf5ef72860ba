// batcher.c - the worker threads. Each does what is most useful now: computes a batch of decoded
// pictures, decodes one more, or sleeps. Nobody waits for more pictures while none is on its way.
//
// Lanes are calls of the network side by side. Where the engine lets calls share the cores there is
// one for each worker, on a core of its own: nothing has to wait for anything. Elsewhere there is
// one, and the pictures of the next batch are decoded meanwhile.
#include "serve/batcher.h"
#include "core/error.h"
#include "core/span.h"
#include "core/thread.h"
#include "predictor/predictor_infer.h"
#include "serve/queue.h"

#include <errno.h>
#include <math.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>

// Decoders keep their memory for the next picture, but not that of a huge one.
enum { PIXELS_KEPT = 16 * 1000 * 1000 };

static const char *const item_name = "picture";

// Workers at work, of all batchers: they share the cores.
static atomic_int busy;

typedef struct worker {
    struct dogb_batcher *batcher;
    pthread_t thread;
    dogb_arena decoder;
    dogb_arena arena;
    dogb_item **items; // [batch_size] of the present batch
    char *memory;      // logits and inputs of a batch
    size_t size;
} worker;

struct dogb_batcher {
    dogb_arena arena;
    dogbreed_predictor *predictor;
    dogb_batcher_conf conf;
    dogb_predictor_facts facts;
    uint64_t delay; // ns
    int32_t lanes;
    int32_t worker_count; // started
    worker *workers;

    pthread_mutex_t lock; // guards what follows, and the works that are in here
    pthread_cond_t wake;  // workers
    pthread_cond_t empty; // who drains
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

// --- what is to be done; all with the lock

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

// One more worker, when there is something to do for it.
static void wake_one(dogb_batcher *b, uint64_t now) {
    uint64_t until = UINT64_MAX;
    if (b->sleeping > 0 && (may_decode(b) || batch_now(b, now, &until) > 0)) {
        (void)pthread_cond_signal(&b->wake);
    }
}

static void sleep_until(dogb_batcher *b, uint64_t until) {
    b->sleeping++;
    (void)atomic_fetch_sub(&busy, 1);
    if (until == UINT64_MAX) {
        (void)pthread_cond_wait(&b->wake, &b->lock);
    } else {
        struct timespec at = {.tv_sec = (time_t)(until / 1000000000U),
                              .tv_nsec = (int32_t)(until % 1000000000U)};
        (void)pthread_cond_timedwait(&b->wake, &b->lock, &at);
    }
    (void)atomic_fetch_add(&busy, 1);
    b->sleeping--;
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

// A picture has its result.
static void settle(dogb_batcher *b, dogb_item *item) {
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

// --- one picture

static int check_tensor(const dogb_batcher *b, const dogb_item *item) {
    size_t side = (size_t)b->facts.side;
    size_t size = side * side * 3 * sizeof(float);
    DOGB_CHECK(item->size == size, "tensor: %zu bytes, expected %zu (float32, 3 x %zu x %zu)",
               item->size, size, side, side);
    return DOGBREED_OK;
}

static int decode_picture(worker *own, dogb_item *item) {
    dogb_batcher *b = own->batcher;
    const dogb_encoded in = {item->bytes, item->size, &item->crop, item_name};
    dogb_decoded facts = {0};
    if (item->picture == NULL) {
        item->picture = dogb_malloc(dogb_predictor_picture(b->predictor), 1);
        if (item->picture == NULL) {
            return DOGBREED_ERROR_NO_MEMORY;
        }
    }
    int rc = dogb_predictor_decode(item->picture, &facts, b->predictor, &own->decoder, &in);
    if (facts.pixels > PIXELS_KEPT) {
        dogb_arena_free(&own->decoder);
    }
    item->warnings = facts.turned ? DOGB_ITEM_EXIF_IGNORED : 0;
    return rc;
}

// Memory of decoded pictures is kept for the next ones: a list through its first bytes.
static uint8_t *take_spare(dogb_batcher *b) {
    uint8_t *picture = b->spare;
    if (picture != NULL) {
        memcpy(&b->spare, picture, sizeof b->spare);
    }
    return picture;
}

static void give_spare(dogb_batcher *b, dogb_item *item) {
    if (item->picture != NULL) {
        memcpy(item->picture, &b->spare, sizeof b->spare);
        b->spare = item->picture;
        item->picture = NULL;
    }
}

static void decode(worker *own, uint64_t now) {
    dogb_batcher *b = own->batcher;
    dogb_item *item = dogb_queue_take(&b->queue);
    int rc = dogb_item_dropped(item, now);
    if (rc == DOGBREED_OK) {
        b->decoding++;
        item->picture = item->kind == DOGB_ITEM_TENSOR ? NULL : take_spare(b);
        wake_one(b, now);
        (void)pthread_mutex_unlock(&b->lock);
        item->queue_ns = now - item->since;
        rc = item->kind == DOGB_ITEM_TENSOR ? check_tensor(b, item) : decode_picture(own, item);
        if (rc < 0) {
            dogb_item_result(item, rc);
        }
        item->since = dogb_span_now();
        item->decode_ns = item->since - now;
        (void)pthread_mutex_lock(&b->lock);
        b->decoding--;
    }
    if (rc < 0) {
        give_spare(b, item);
        settle(b, item);
        return;
    }
    item->next = NULL;
    *b->ready_end = item;
    b->ready_end = &item->next;
    b->ready_count++;
}

// --- one batch

// Up to `count` decoded pictures of one kind, the oldest first.
static int32_t take_batch(worker *own, int32_t count) {
    dogb_batcher *b = own->batcher;
    const int32_t kind = b->ready->kind;
    int32_t taken = 0;
    dogb_item **link = &b->ready;
    while (*link != NULL && taken < count) {
        dogb_item *item = *link;
        if (item->kind == kind) {
            *link = item->next;
            own->items[taken++] = item;
        } else {
            link = &item->next;
        }
    }
    if (*link == NULL) {
        b->ready_end = link;
    }
    b->ready_count -= taken;
    return taken;
}

// Brings those that are still wanted to the front; returns how many.
static int32_t keep_wanted(dogb_item **items, int32_t count, uint64_t now) {
    int32_t wanted = 0;
    for (int32_t i = 0; i < count; i++) {
        dogb_item *item = items[i];
        item->queue_ns += now - item->since;
        if (dogb_item_dropped(item, now) == DOGBREED_OK) {
            items[i] = items[wanted];
            items[wanted++] = item;
        }
    }
    return wanted;
}

static int reserve(worker *own, size_t size) {
    if (size > own->size) {
        dogb_release(&own->arena, own->memory);
        own->memory = dogb_alloc_raw(&own->arena, size, 1);
        own->size = own->memory == NULL ? 0 : size;
    }
    return own->memory == NULL ? DOGBREED_ERROR_NO_MEMORY : DOGBREED_OK;
}

static void give_logits(dogb_item *item, const float *logits, int32_t classes) {
    for (int32_t i = 0; i < classes; i++) {
        if (!isfinite(logits[i])) {
            dogb_item_result(item, dogb_fail(DOGBREED_ERROR_NUMERIC,
                                             "the network's output for class %d is not a number",
                                             (int)i));
            return;
        }
    }
    memcpy(item->logits, logits, (size_t)classes * sizeof *logits);
    dogb_item_result(item, DOGBREED_OK);
}

static int infer(worker *own, int32_t count, int32_t threads) {
    dogb_batcher *b = own->batcher;
    const int tensor = own->items[0]->kind == DOGB_ITEM_TENSOR;
    size_t picture = dogb_predictor_picture(b->predictor) * (tensor ? sizeof(float) : 1);
    size_t logits = ((size_t)count * (size_t)b->facts.classes * sizeof(float) + 63) / 64 * 64;
    int rc = reserve(own, logits + (size_t)count * picture);
    if (rc < 0) {
        return rc;
    }
    dogb_batch batch = {.count = count, .dtype = tensor ? DOGB_DATA_F32 : DOGB_DATA_U8};
    batch.data = own->items[0]->picture;
    if (count > 1 || tensor) { // side by side, and aligned
        batch.data = own->memory + logits;
        for (int32_t i = 0; i < count; i++) {
            const dogb_item *item = own->items[i];
            memcpy(own->memory + logits + (size_t)i * picture, tensor ? item->bytes : item->picture,
                   picture);
        }
    }
    return dogb_predictor_logits((float *)(void *)own->memory, b->predictor, &batch, threads);
}

static void compute_batch(worker *own, int32_t count, int32_t threads) {
    const dogb_batcher *b = own->batcher;
    uint64_t begin = dogb_span_now();
    int rc = infer(own, count, threads);
    uint64_t end = dogb_span_now();
    for (int32_t i = 0; i < count; i++) {
        dogb_item *item = own->items[i];
        item->model_ns = end - begin;
        item->batch = count;
        if (rc < 0) {
            dogb_item_result(item, rc);
        } else {
            give_logits(item,
                        (const float *)(const void *)own->memory +
                            (size_t)i * (size_t)b->facts.classes,
                        b->facts.classes);
        }
    }
}

// Threads of a call: the cores, shared with the workers that are at work and those that will be.
static int32_t share(const dogb_batcher *b) {
    int64_t more = b->queue.pictures + b->ready_count;
    more = more < b->sleeping ? more : b->sleeping;
    int64_t threads = b->facts.threads / (atomic_load(&busy) + more);
    return threads < 1 ? 1 : (int32_t)threads;
}

static void compute(worker *own, int32_t count, uint64_t now) {
    dogb_batcher *b = own->batcher;
    count = take_batch(own, count);
    int32_t wanted = keep_wanted(own->items, count, now);
    b->computing++;
    wake_one(b, now);
    int32_t threads = share(b);
    (void)pthread_mutex_unlock(&b->lock);
    if (wanted > 0) {
        compute_batch(own, wanted, threads);
    }
    (void)pthread_mutex_lock(&b->lock);
    b->computing--;
    for (int32_t i = 0; i < count; i++) {
        give_spare(b, own->items[i]);
    }
    wake_one(b, now);
    for (int32_t i = 0; i < count; i++) {
        settle(b, own->items[i]);
    }
}

// --- workers

static void *run(void *userdata) {
    worker *own = userdata;
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
            compute(own, count, now);
        } else if (may_decode(b)) {
            decode(own, now);
        } else if (b->stopping && b->queue.works == 0 && b->ready_count == 0) {
            break;
        } else {
            if (b->queue.works > 0 && b->queue.deadline < until) {
                until = b->queue.deadline;
            }
            sleep_until(b, until);
        }
    }
    (void)atomic_fetch_sub(&busy, 1);
    (void)pthread_mutex_unlock(&b->lock);
    dogb_arena_free(&own->decoder);
    dogb_arena_free(&own->arena);
    return NULL;
}

// --- what others call

static void free_lock(void *pointer) {
    dogb_batcher *b = pointer;
    (void)pthread_cond_destroy(&b->empty);
    (void)pthread_cond_destroy(&b->wake);
    (void)pthread_mutex_destroy(&b->lock);
}

static int make_lock(dogb_batcher *b) {
    pthread_condattr_t attributes;
    int failed = pthread_condattr_init(&attributes);
    if (failed == 0) {
        failed = pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) ||
                 pthread_mutex_init(&b->lock, NULL) || pthread_cond_init(&b->wake, &attributes) ||
                 pthread_cond_init(&b->empty, NULL);
        (void)pthread_condattr_destroy(&attributes);
    }
    return failed ? dogb_fail(DOGBREED_ERROR_NO_MEMORY, "batcher: a lock cannot be made")
                  : dogb_defer(&b->arena, free_lock, b);
}

static int start_workers(dogb_batcher *b) {
    for (int32_t i = 0; i < b->conf.workers; i++) {
        worker *own = &b->workers[i];
        own->batcher = b;
        own->items = dogb_alloc(&b->arena, (size_t)b->conf.batch_size, sizeof(dogb_item *));
        int rc = own->items == NULL ? DOGBREED_ERROR_NO_MEMORY
                                    : dogb_thread_start(&own->thread, run, own);
        if (rc < 0) {
            return rc;
        }
        b->worker_count++;
    }
    return DOGBREED_OK;
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
    for (int32_t i = 0; i < work->count; i++) {
        work->items[i].work = work;
        work->items[i].since = now;
    }
    work->taken = 0;
    work->left = work->count;
    work->cancelled = 0;
    (void)pthread_mutex_lock(&b->lock);
    int rc = b->draining                           ? DOGBREED_ERROR_STATE
             : b->queue.works >= b->conf.queue_max ? DOGBREED_ERROR_BUSY
                                                   : DOGBREED_OK;
    if (rc == DOGBREED_OK) {
        dogb_queue_add(&b->queue, work);
        b->unanswered++;
        wake_one(b, now); // it wakes the next
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
        (void)pthread_cond_signal(&b->wake);
    }
    (void)pthread_mutex_unlock(&b->lock);
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
        (void)pthread_cond_broadcast(&b->wake);
        (void)pthread_mutex_unlock(&b->lock);
    }
    for (int32_t i = 0; i < b->worker_count; i++) {
        (void)pthread_join(b->workers[i].thread, NULL);
    }
    for (uint8_t *picture = NULL; (picture = take_spare(b)) != NULL;) {
        dogb_free(picture);
    }
    dogb_arena_free(&b->arena);
    dogb_free(b);
}
