// async.c - see async.h: the thread that computes, what the routes and callbacks ask, the life of
// it.
#include "core/error.h"
#include "core/span.h"
#include "core/thread.h"
#include "serve/async_struct.h"
#include "serve/failure.h"
#include "serve/handler.h"
#include "serve/output.h"

#include <stdatomic.h>
#include <string.h>

enum { FULL_MS = 20 };

// --- computing

// The reply is there.
static void settle(dogb_async_job *job) {
    dogb_async *async = job->async;
    dogb_async_lock(async);
    dogb_async_keep(job);
    dogb_arena_free(&job->request.arena);
    async->running--;
    int ok = job->reply.status == 200;
    dogb_async_event(async, job->removed ? DOGB_ASYNC_CANCELLED
                            : ok         ? DOGB_ASYNC_DONE
                                         : DOGB_ASYNC_FAILED);
    if (job->callback != NULL && !job->removed && !async->ended) {
        job->calling.run = dogb_async_deliver;
        dogb_chores_add(async->chores, &job->calling); // holds it on
    } else {
        dogb_async_release(job);
    }
    dogb_async_unlock(async);
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
    dogb_async_stop_waiting(async, job);
    job->state = DOGB_ASYNC_RUNNING;
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
    dogb_async_lock(async);
    if (rc == DOGBREED_ERROR_BUSY) {
        async->running--;
        if (!job->removed) {
            dogb_async_wait_first(async, job);
        }
        dogb_async_release(job);
        dogb_async_wait(async, FULL_MS); // others came first
    } else if (rc == DOGBREED_OK) {
        job->submitted = 1;
        if (job->removed && job->state == DOGB_ASYNC_RUNNING) {
            dogb_batcher_cancel(async->server->batcher, &job->work);
        }
    }
    dogb_async_release(job);
}

static void *feed(void *userdata) {
    dogb_async *async = userdata;
    dogb_async_lock(async);
    while (!async->ended) {
        dogb_async_forget_old(async);
        if (async->call_until != 0 && dogb_span_now() >= async->call_until) {
            atomic_store(&async->cancel, 1);
        }
        if (async->first != NULL && async->running < async->server->options.batch_size) {
            begin(async, async->first);
        } else {
            dogb_async_wait(async, DOGB_ASYNC_LOOK_MS);
        }
    }
    dogb_async_unlock(async);
    return NULL;
}

// --- for the routes

int dogb_async_add(dogb_async_job *job) {
    dogb_async *async = job->async;
    const dogbreed_serve_options *options = &async->server->options;
    int rc = DOGBREED_OK;
    dogb_async_lock(async);
    job->until = dogb_async_expiry(async);
    if (async->ended || atomic_load(&async->server->draining)) {
        rc = dogb_fail(DOGBREED_ERROR_STATE, "the server is stopping");
    } else if (async->count >= options->async_max ||
               async->bytes + job->bytes > (size_t)options->async_bytes) {
        rc = dogb_fail(DOGBREED_ERROR_BUSY, "async_max or async_bytes");
    } else {
        dogb_async_put(async, job);
        dogb_async_event(async, DOGB_ASYNC_ACCEPTED);
    }
    dogb_async_unlock(async);
    return rc;
}

static int unknown(void) {
    return dogb_fail(DOGBREED_ERROR_NOT_FOUND,
                     "there is no such request, or it has been forgotten");
}

int dogb_async_show(dogb_reply *reply, dogb_request *r, dogb_async *async, const char *id) {
    int rc = DOGBREED_OK;
    dogb_async_lock(async);
    const dogb_async_job *job = *dogb_async_find(async, id);
    if (job == NULL || dogb_span_now() >= job->until) {
        rc = unknown();
    } else if (job->state != DOGB_ASYNC_READY) {
        dogb_reply_text(reply, 202, "application/json",
                        job->state == DOGB_ASYNC_WAITING ? "{\"status\":\"waiting\"}"
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
    dogb_async_unlock(async);
    return rc;
}

int dogb_async_remove(dogb_async *async, const char *id) {
    dogb_async_lock(async);
    dogb_async_job **at = dogb_async_find(async, id);
    int rc = *at == NULL ? unknown() : DOGBREED_OK;
    if (rc == DOGBREED_OK) {
        if ((*at)->state == DOGB_ASYNC_WAITING) {
            dogb_async_event(async, DOGB_ASYNC_CANCELLED);
        }
        dogb_async_take_out(async, at);
    }
    dogb_async_unlock(async);
    return rc;
}

void dogb_async_count(dogb_async_counts *out, dogb_async *async) {
    *out = (dogb_async_counts){0};
    if (async != NULL) {
        dogb_async_lock(async);
        *out = (dogb_async_counts){async->waiting, async->count, (int64_t)async->bytes};
        dogb_async_unlock(async);
    }
}

// --- for callbacks

int dogb_async_pause(dogb_async *async, double seconds) {
    uint64_t until = dogb_span_now() + (uint64_t)(seconds * 1e9);
    dogb_async_lock(async);
    while (!async->ended && dogb_span_now() < until) {
        dogb_async_wait(async, DOGB_ASYNC_LOOK_MS);
    }
    int ended = async->ended;
    dogb_async_unlock(async);
    return ended;
}

void dogb_async_call_begin(dogb_async *async) {
    dogb_async_lock(async);
    async->call_until =
        dogb_span_now() + (uint64_t)(async->server->options.callback_timeout_s * 1e9);
    atomic_store(&async->cancel, async->ended);
    dogb_async_unlock(async);
}

void dogb_async_call_end(dogb_async *async) {
    dogb_async_lock(async);
    async->call_until = 0;
    dogb_async_unlock(async);
}

void dogb_async_called(dogb_async_job *job, int delivered) {
    dogb_async *async = job->async;
    dogb_async_lock(async);
    dogb_async_event(async, delivered ? DOGB_ASYNC_DELIVERED : DOGB_ASYNC_UNDELIVERED);
    if (delivered && !job->removed) {
        dogb_async_take_out(async, dogb_async_find(async, job->id));
    }
    dogb_async_release(job);
    dogb_async_unlock(async);
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
    dogb_async_lock(async);
    async->ended = 1;
    atomic_store(&async->cancel, 1);
    dogb_async_unlock(async);
    (void)pthread_join(async->feeder, NULL);
    async->feeds = 0;
    dogb_async_lock(async);
    while (async->running > 0) {
        (void)pthread_cond_wait(&async->changed, &async->lock);
    }
    dogb_async_unlock(async);
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
            dogb_async_take_out(async, &async->buckets[i]);
        }
    }
    dogb_async_caller_close(async);
    (void)pthread_cond_destroy(&async->changed);
    (void)pthread_mutex_destroy(&async->lock);
    dogb_free(async);
}
