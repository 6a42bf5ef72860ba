// async_table.c - requests with later results: the table of them, the list of those that wait. See
// async_struct.h.
#include "core/span.h"
#include "serve/async_struct.h"
#include "serve/handler.h"

#include <openssl/crypto.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>

void dogb_async_lock(dogb_async *async) {
    (void)pthread_mutex_lock(&async->lock);
}

void dogb_async_unlock(dogb_async *async) {
    (void)pthread_cond_broadcast(&async->changed);
    (void)pthread_mutex_unlock(&async->lock);
}

void dogb_async_event(dogb_async *async, int32_t which) {
    (void)atomic_fetch_add(&async->server->metrics.async[which], 1);
}

uint64_t dogb_async_expiry(const dogb_async *async) {
    return dogb_span_now() + (uint64_t)(async->server->options.async_expiry_s * 1e9);
}

static size_t bucket_of(const char *id) {
    return (((size_t)(unsigned char)id[0] << 4) ^ (size_t)(unsigned char)id[1]) % BUCKETS;
}

void dogb_async_wait(dogb_async *async, int milliseconds) {
    struct timespec until;
    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += milliseconds * 1000000L;
    until.tv_sec += until.tv_nsec / 1000000000L;
    until.tv_nsec %= 1000000000L;
    (void)pthread_cond_timedwait(&async->changed, &async->lock, &until);
}

dogb_async_job **dogb_async_find(dogb_async *async, const char *id) {
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

void dogb_async_release(dogb_async_job *job) {
    if (--job->holders == 0) {
        job->async->bytes -= job->bytes;
        dogb_async_drop(job);
    }
}

void dogb_async_stop_waiting(dogb_async *async, const dogb_async_job *job) {
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

void dogb_async_wait_first(dogb_async *async, dogb_async_job *job) {
    job->state = DOGB_ASYNC_WAITING;
    job->behind = async->first;
    async->last = async->first == NULL ? job : async->last;
    async->first = job;
    async->waiting++;
}

void dogb_async_take_out(dogb_async *async, dogb_async_job **at) {
    dogb_async_job *job = *at;
    *at = job->next;
    job->removed = 1;
    async->count--;
    if (job->state == DOGB_ASYNC_WAITING) {
        dogb_async_stop_waiting(async, job);
    } else if (job->state == DOGB_ASYNC_RUNNING && job->submitted) {
        dogb_batcher_cancel(async->server->batcher, &job->work); // takes its lock; calls nothing
    }
    dogb_async_release(job);
}

void dogb_async_forget_old(dogb_async *async) {
    uint64_t now = dogb_span_now();
    if (now < async->next_look) {
        return;
    }
    async->next_look = now + DOGB_ASYNC_LOOK_MS * UINT64_C(1000000);
    for (size_t i = 0; i < BUCKETS; i++) {
        for (dogb_async_job **at = &async->buckets[i]; *at != NULL;) {
            if (now >= (*at)->until) {
                dogb_async_event(async, DOGB_ASYNC_EXPIRED);
                dogb_async_take_out(async, at);
            } else {
                at = &(*at)->next;
            }
        }
    }
}

void dogb_async_keep(dogb_async_job *job) {
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
    job->until = dogb_async_expiry(async);
    job->state = DOGB_ASYNC_READY;
}

void dogb_async_put(dogb_async *async, dogb_async_job *job) {
    dogb_async_job **bucket = &async->buckets[bucket_of(job->id)];
    job->next = *bucket;
    *bucket = job;
    async->count++;
    async->bytes += job->bytes;
    wait_last(async, job);
}
