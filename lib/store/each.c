// each.c - many transfers at a time, and telling of their progress: workers never call the
// program's functions, so the calling thread does nothing but that.
#include "core/error.h"
#include "store/client.h"

#include <time.h>

typedef struct crew {
    dogbreed_store *store;
    int64_t count;
    dogb_loop_fn fn;
    void *userdata;
    pthread_mutex_t lock; // guards what follows
    pthread_cond_t ended;
    int is_done;
    dogb_error_state state;
} crew;

void dogb_store_begin(dogbreed_store *store, int64_t files, int64_t bytes) {
    atomic_store(&store->cancel, 0);
    atomic_store(&store->files, 0);
    atomic_store(&store->bytes, 0);
    store->files_total = files;
    store->bytes_total = bytes;
}

static int one(int64_t index, void *userdata) {
    crew *c = userdata;
    if (atomic_load(&c->store->cancel) != 0) {
        return dogb_fail(DOGBREED_ERROR_CANCELLED, "the transfer was stopped");
    }
    return c->fn(index, c->userdata);
}

static void *work(void *userdata) {
    crew *c = userdata;
    dogb_error_state state;
    int rc = dogb_parallel(c->store->options.transfers, c->count, one, c);
    dogb_error_save(&state, rc);
    (void)pthread_mutex_lock(&c->lock);
    c->state = state;
    c->is_done = 1;
    (void)pthread_cond_signal(&c->ended);
    (void)pthread_mutex_unlock(&c->lock);
    return NULL;
}

static void tell(dogbreed_store *store) {
    const dogbreed_store_progress progress = {
        .struct_size = sizeof progress,
        .files = atomic_load(&store->files),
        .files_total = store->files_total,
        .bytes = atomic_load(&store->bytes),
        .bytes_total = store->bytes_total,
    };
    if (store->progress != NULL && store->progress(&progress, store->userdata) != DOGBREED_OK) {
        atomic_store(&store->cancel, 1);
    }
}

static void watch(crew *c) {
    enum { TENTH = 100000000 }; // ns
    (void)pthread_mutex_lock(&c->lock);
    while (!c->is_done) {
        struct timespec until;
        (void)clock_gettime(CLOCK_REALTIME, &until);
        until.tv_nsec += TENTH;
        until.tv_sec += until.tv_nsec / 1000000000;
        until.tv_nsec %= 1000000000;
        (void)pthread_cond_timedwait(&c->ended, &c->lock, &until);
        (void)pthread_mutex_unlock(&c->lock);
        tell(c->store);
        (void)pthread_mutex_lock(&c->lock);
    }
    (void)pthread_mutex_unlock(&c->lock);
}

int dogb_store_each(dogbreed_store *store, int64_t count, dogb_loop_fn fn, void *userdata) {
    crew c = {.store = store, .count = count, .fn = fn, .userdata = userdata};
    pthread_t thread;
    if (count == 0) {
        return DOGBREED_OK;
    }
    if (pthread_mutex_init(&c.lock, NULL) != 0) {
        return dogb_fail(DOGBREED_ERROR_NO_MEMORY, "a lock cannot be made");
    }
    if (pthread_cond_init(&c.ended, NULL) != 0) {
        (void)pthread_mutex_destroy(&c.lock);
        return dogb_fail(DOGBREED_ERROR_NO_MEMORY, "a lock cannot be made");
    }
    int rc = dogb_thread_start(&thread, work, &c);
    if (rc == DOGBREED_OK) {
        watch(&c);
        (void)pthread_join(thread, NULL);
        rc = c.state.code < 0 ? dogb_error_restore(&c.state) : DOGBREED_OK;
    }
    (void)pthread_cond_destroy(&c.ended);
    (void)pthread_mutex_destroy(&c.lock);
    return rc;
}
