// async.c - see async.h.
#include "serve/async_struct.h"
#include "core/error.h"
#include "core/span.h"
#include "core/thread.h"
#include "serve/failure.h"
#include "serve/handler.h"
#include "serve/output.h"

#include <openssl/crypto.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>

enum { STATE_WAITING = 0, STATE_RUNNING = 1, STATE_DONE = 2 };
enum { FULL_MS = 20, LOOK_MS = 250 };

static void lock(dogb_async *async) {
    (void)pthread_mutex_lock(&async->lock);
}

static void unlock(dogb_async *async) {
    (void)pthread_cond_broadcast(&async->changed);
    (void)pthread_mutex_unlock(&async->lock);
}

static void event(dogb_async *async, int32_t which) {
    (void)atomic_fetch_add(&async->server->metrics.async[which], 1);
}

static uint64_t expiry(const dogb_async *async) {
    return dogb_span_now() + (uint64_t)(async->server->options.async_expiry_s * 1e9);
}

// --- under the lock

static void wait_ms(dogb_async *async, int milliseconds) {
    struct timespec until;
    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += milliseconds * 1000000L;
    until.tv_sec += until.tv_nsec / 1000000000L;
    until.tv_nsec %= 1000000000L;
    (void)pthread_cond_timedwait(&async->changed, &async->lock, &until);
}

static size_t bucket_of(const char *id) {
    return (((size_t)(unsigned char)id[0] << 4) ^ (size_t)(unsigned char)id[1]) % BUCKETS;
}

static dogb_async_job **find(dogb_async *async, const char *id) {
    static dogb_async_job *none;
    if (strlen(id) != DOGB_ASYNC_ID) {
        return &none;
    }
    dogb_async_job **at = &async->buckets[bucket_of(id)];
    while (*at != NULL && CRYPTO_memcmp((*at)->id, id, DOGB_ASYNC_ID) != 0) {
        at = &(*at)->next;
    }
    return at;
}

static void release(dogb_async_job *job) {
    if (--job->holders == 0) {
        job->async->bytes -= job->bytes;
        dogb_async_drop(job);
    }
}

static void stop_waiting(dogb_async *async, const dogb_async_job *job) {
    dogb_async_job *before = NULL;
    dogb_async_job *at = async->first;
    while (at != NULL && at != job) {
        before = at;
        at = at->behind;
    }
    if (at != NULL) {
        *(before == NULL ? &async->first : &before->behind) = at->behind;
        async->last = async->last == job ? before : async->last;
        async->waiting--;
    }
}

static void wait_last(dogb_async *async, dogb_async_job *job) {
    job->behind = NULL;
    *(async->first == NULL ? &async->first : &async->last->behind) = job;
    async->last = job;
    async->waiting++;
}

static void wait_first(dogb_async *async, dogb_async_job *job) {
    job->state = STATE_WAITING;
    job->behind = async->first;
    async->last = async->first == NULL ? job : async->last;
    async->first = job;
    async->waiting++;
}

// `at` is its place in the table. What the batcher has of it ends soon.
static void take_out(dogb_async *async, dogb_async_job **at) {
    dogb_async_job *job = *at;
    *at = job->next;
    job->removed = 1;
    async->count--;
    if (job->state == STATE_WAITING) {
        stop_waiting(async, job);
    } else if (job->state == STATE_RUNNING && job->submitted) {
        dogb_batcher_cancel(async->server->batcher, &job->work); // takes its lock; calls nothing
    }
    release(job);
}

static void forget_old(dogb_async *async) {
    uint64_t now = dogb_span_now();
    if (now < async->next_look) {
        return;
    }
    async->next_look = now + LOOK_MS * UINT64_C(1000000);
    for (size_t i = 0; i < BUCKETS; i++) {
        for (dogb_async_job **at = &async->buckets[i]; *at != NULL;) {
            if (now >= (*at)->until) {
                event(async, DOGB_ASYNC_EXPIRED);
                take_out(async, at);
            } else {
                at = &(*at)->next;
            }
        }
    }
}

// The result in place of the request. A result that would not fit is a failure of its own.
static void keep(dogb_async_job *job) {
    dogb_async *async = job->async;
    const int64_t most = async->server->options.async_bytes;
    char *body = dogb_alloc_raw(&job->kept, job->reply.size + 1, 1);
    size_t others = async->bytes - job->bytes;
    if (body == NULL || others + job->reply.size > (size_t)most) {
        dogb_reply_text(&job->reply, 503, "application/json",
                        "{\"error\":\"no room for the result\",\"code\":\"NO_MEMORY\"}");
        others = async->bytes - job->bytes;
        job->bytes = 0;
    } else {
        memcpy(body, job->reply.body, job->reply.size);
        job->reply.body = body;
        job->bytes = job->reply.size;
    }
    async->bytes = others + job->bytes;
    job->until = expiry(async);
    job->state = STATE_DONE;
}

// --- computing

// The reply is there.
static void settle(dogb_async_job *job) {
    dogb_async *async = job->async;
    lock(async);
    keep(job);
    dogb_arena_free(&job->request.arena);
    async->running--;
    int ok = job->reply.status == 200;
    event(async, job->removed ? DOGB_ASYNC_CANCELLED : ok ? DOGB_ASYNC_DONE : DOGB_ASYNC_FAILED);
    if (job->callback != NULL && !job->removed && !async->ended) {
        job->calling.run = dogb_async_deliver;
        dogb_chores_add(async->chores, &job->calling); // holds it on
    } else {
        release(job);
    }
    unlock(async);
}

static void computed(dogb_work *work, void *userdata) {
    dogb_async_job *job = userdata;
    dogb_server *server = job->async->server;
    (void)work;
    (void)dogb_output_write(&job->reply, &job->request, &job->input, &server->facts);
    dogb_infer_count(server, &job->request, &job->input);
    settle(job);
}

// Called and returns with the lock.
static void begin(dogb_async *async, dogb_async_job *job) {
    stop_waiting(async, job);
    job->state = STATE_RUNNING;
    job->holders++;
    async->running++;
    job->request.received = dogb_span_now();
    job->work = (dogb_work){.items = job->input.items,
                            .count = job->input.count,
                            .deadline = job->until,
                            .done = computed,
                            .userdata = job};
    job->holders++; // for the lines below
    (void)pthread_mutex_unlock(&async->lock);
    int rc = dogb_batcher_submit(async->server->batcher, &job->work);
    if (rc < 0 && rc != DOGBREED_ERROR_BUSY) {
        (void)dogb_failure_reply(&job->reply, &job->request, rc);
        settle(job);
    }
    lock(async);
    if (rc == DOGBREED_ERROR_BUSY) {
        async->running--;
        if (!job->removed) {
            wait_first(async, job);
        }
        release(job);
        wait_ms(async, FULL_MS); // others came first
    } else if (rc == DOGBREED_OK) {
        job->submitted = 1;
        if (job->removed && job->state == STATE_RUNNING) {
            dogb_batcher_cancel(async->server->batcher, &job->work);
        }
    }
    release(job);
}

static void *feed(void *userdata) {
    dogb_async *async = userdata;
    lock(async);
    while (!async->ended) {
        forget_old(async);
        if (async->call_until != 0 && dogb_span_now() >= async->call_until) {
            atomic_store(&async->cancel, 1);
        }
        if (async->first != NULL && async->running < async->server->options.batch_size) {
            begin(async, async->first);
        } else {
            wait_ms(async, LOOK_MS);
        }
    }
    unlock(async);
    return NULL;
}

// --- for the routes

int dogb_async_add(dogb_async_job *job) {
    dogb_async *async = job->async;
    const dogbreed_serve_options *options = &async->server->options;
    int rc = DOGBREED_OK;
    lock(async);
    job->until = expiry(async);
    if (async->ended || atomic_load(&async->server->draining)) {
        rc = dogb_fail(DOGBREED_ERROR_STATE, "the server is stopping");
    } else if (async->count >= options->async_max ||
               async->bytes + job->bytes > (size_t)options->async_bytes) {
        rc = dogb_fail(DOGBREED_ERROR_BUSY, "async_max or async_bytes");
    } else {
        dogb_async_job **bucket = &async->buckets[bucket_of(job->id)];
        job->next = *bucket;
        *bucket = job;
        async->count++;
        async->bytes += job->bytes;
        wait_last(async, job);
        event(async, DOGB_ASYNC_ACCEPTED);
    }
    unlock(async);
    return rc;
}

static int unknown(void) {
    return dogb_fail(DOGBREED_ERROR_NOT_FOUND,
                     "there is no such request, or it has been forgotten");
}

int dogb_async_show(dogb_reply *reply, dogb_request *r, dogb_async *async, const char *id) {
    int rc = DOGBREED_OK;
    lock(async);
    const dogb_async_job *job = *find(async, id);
    if (job == NULL || dogb_span_now() >= job->until) {
        rc = unknown();
    } else if (job->state != STATE_DONE) {
        dogb_reply_text(reply, 202, "application/json",
                        job->state == STATE_WAITING ? "{\"status\":\"waiting\"}"
                                                    : "{\"status\":\"computing\"}");
        dogb_reply_header(reply, "Retry-After", "1");
    } else {
        char *body = dogb_alloc_raw(&r->arena, job->reply.size + 1, 1);
        *reply = job->reply;
        reply->body = body;
        rc = body == NULL ? DOGBREED_ERROR_NO_MEMORY : DOGBREED_OK;
        if (body != NULL) {
            memcpy(body, job->reply.body, job->reply.size);
        }
    }
    unlock(async);
    return rc;
}

int dogb_async_remove(dogb_async *async, const char *id) {
    lock(async);
    dogb_async_job **at = find(async, id);
    int rc = *at == NULL ? unknown() : DOGBREED_OK;
    if (rc == DOGBREED_OK) {
        if ((*at)->state == STATE_WAITING) {
            event(async, DOGB_ASYNC_CANCELLED);
        }
        take_out(async, at);
    }
    unlock(async);
    return rc;
}

void dogb_async_count(dogb_async_counts *out, dogb_async *async) {
    *out = (dogb_async_counts){0};
    if (async != NULL) {
        lock(async);
        *out = (dogb_async_counts){async->waiting, async->count, (int64_t)async->bytes};
        unlock(async);
    }
}

// --- for callbacks

int dogb_async_pause(dogb_async *async, double seconds) {
    uint64_t until = dogb_span_now() + (uint64_t)(seconds * 1e9);
    lock(async);
    while (!async->ended && dogb_span_now() < until) {
        wait_ms(async, LOOK_MS);
    }
    int ended = async->ended;
    unlock(async);
    return ended;
}

void dogb_async_call_begin(dogb_async *async) {
    lock(async);
    async->call_until =
        dogb_span_now() + (uint64_t)(async->server->options.callback_timeout_s * 1e9);
    atomic_store(&async->cancel, async->ended);
    unlock(async);
}

void dogb_async_call_end(dogb_async *async) {
    lock(async);
    async->call_until = 0;
    unlock(async);
}

void dogb_async_called(dogb_async_job *job, int delivered) {
    dogb_async *async = job->async;
    lock(async);
    event(async, delivered ? DOGB_ASYNC_DELIVERED : DOGB_ASYNC_UNDELIVERED);
    if (delivered && !job->removed) {
        take_out(async, find(async, job->id));
    }
    release(job);
    unlock(async);
}

// --- life

int dogb_async_create(dogb_async **out, dogb_server *server) {
    pthread_condattr_t monotonic;
    dogb_async *async = dogb_malloc(1, sizeof *async);
    if (async == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    async->server = server;
    (void)pthread_condattr_init(&monotonic);
    (void)pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    (void)pthread_mutex_init(&async->lock, NULL);
    (void)pthread_cond_init(&async->changed, &monotonic);
    (void)pthread_condattr_destroy(&monotonic);
    int rc = dogb_async_caller_open(async);
    rc = rc < 0 ? rc : dogb_thread_start(&async->feeder, feed, async);
    async->feeds = rc == DOGBREED_OK;
    if (rc < 0) {
        dogb_async_destroy(async);
        return rc;
    }
    *out = async;
    return DOGBREED_OK;
}

void dogb_async_end(dogb_async *async) {
    if (async == NULL || !async->feeds) {
        return;
    }
    lock(async);
    async->ended = 1;
    atomic_store(&async->cancel, 1);
    unlock(async);
    (void)pthread_join(async->feeder, NULL);
    async->feeds = 0;
    lock(async);
    while (async->running > 0) {
        (void)pthread_cond_wait(&async->changed, &async->lock);
    }
    unlock(async);
    dogb_chores_destroy(async->chores);
    async->chores = NULL;
}

void dogb_async_destroy(dogb_async *async) {
    if (async == NULL) {
        return;
    }
    dogb_async_end(async);
    for (size_t i = 0; i < BUCKETS; i++) {
        while (async->buckets[i] != NULL) {
            take_out(async, &async->buckets[i]);
        }
    }
    dogb_async_caller_close(async);
    (void)pthread_cond_destroy(&async->changed);
    (void)pthread_mutex_destroy(&async->lock);
    dogb_free(async);
}
