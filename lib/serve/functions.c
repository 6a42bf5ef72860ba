// functions.c - see functions.h: the thread that the caller's functions run on, and its queue.
// While the batcher has a request, the thread goes on with others.
#include "core/error.h"
#include "core/thread.h"
#include "serve/functions_task.h"

void dogb_task_enqueue(dogb_task *t) {
    dogb_functions *all = t->all;
    (void)pthread_mutex_lock(&all->lock);
    t->next = NULL;
    *(all->first == NULL ? &all->first : &all->last->next) = t;
    all->last = t;
    (void)pthread_cond_broadcast(&all->changed);
    (void)pthread_mutex_unlock(&all->lock);
}

// The next task, or NULL at the end.
static dogb_task *next_task(dogb_functions *all) {
    (void)pthread_mutex_lock(&all->lock);
    while (all->first == NULL && !all->ended) {
        (void)pthread_cond_wait(&all->changed, &all->lock);
    }
    dogb_task *t = all->first;
    if (t != NULL) {
        all->first = t->next;
        all->waiting -= t->step == 0;
    }
    (void)pthread_mutex_unlock(&all->lock);
    return t;
}

static void answer(dogb_functions *all, dogb_task *t) {
    dogb_answer_done(t->r); // t is gone behind it
    (void)pthread_mutex_lock(&all->lock);
    all->tasks--;
    (void)pthread_cond_broadcast(&all->changed);
    (void)pthread_mutex_unlock(&all->lock);
}

static void *work(void *userdata) {
    dogb_functions *all = userdata;
    for (dogb_task *t = next_task(all); t != NULL; t = next_task(all)) {
        if (dogb_task_run(t) == DOGB_TASK_DONE) {
            answer(all, t);
        }
    }
    return NULL;
}

static int start(dogb_server *server, void *userdata) {
    dogb_task *t = userdata;
    dogb_functions *all = t->all;
    (void)pthread_mutex_lock(&all->lock);
    int full = all->waiting >= server->options.queue_max;
    all->waiting += !full;
    all->tasks += !full;
    (void)pthread_mutex_unlock(&all->lock);
    if (full) {
        return DOGBREED_ERROR_BUSY;
    }
    dogb_task_enqueue(t);
    return DOGBREED_OK;
}

static void give(dogb_server *server, dogb_request *r, dogb_reply *reply, void *userdata) {
    (void)server;
    (void)r;
    *reply = ((const dogb_task *)userdata)->reply;
}

int dogb_functions_begin(dogb_server *server, dogb_request *r, dogb_reply *reply) {
    dogb_task *t = dogb_alloc(&r->arena, 1, sizeof *t);
    if (t == NULL) {
        dogb_reply_error(reply, r, 503, "NO_MEMORY", "out of memory");
        return DOGB_ROUTE_NOW;
    }
    t->all = server->functions;
    t->r = r;
    t->call = (dogbreed_call){.struct_size = (uint32_t)sizeof t->call,
                              .body = r->body,
                              .size = r->size,
                              .content_type = r->type,
                              .accept = r->accept,
                              .request_id = r->id,
                              .model = server->functions->model,
                              .context = t};
    dogb_answer_elsewhere(r, start, give, t);
    return DOGB_ROUTE_LATER;
}

void dogb_functions_drain(dogb_functions *all) {
    if (all == NULL) {
        return;
    }
    (void)pthread_mutex_lock(&all->lock);
    while (all->tasks > 0) {
        (void)pthread_cond_wait(&all->changed, &all->lock);
    }
    (void)pthread_mutex_unlock(&all->lock);
}

void dogb_functions_destroy(dogb_functions *all) {
    if (all == NULL) {
        return;
    }
    (void)pthread_mutex_lock(&all->lock);
    all->ended = 1;
    (void)pthread_cond_broadcast(&all->changed);
    (void)pthread_mutex_unlock(&all->lock);
    (void)pthread_join(all->thread, NULL);
    (void)pthread_cond_destroy(&all->changed);
    (void)pthread_mutex_destroy(&all->lock);
    dogb_free(all);
}

static int check(const dogbreed_functions *functions) {
    DOGB_CHECK(functions->struct_size == sizeof *functions,
               "functions: struct_size %u is none that this library knows, set it to "
               "sizeof(dogbreed_functions)",
               (unsigned)functions->struct_size);
    DOGB_CHECK(
        functions->transform == NULL ||
            (functions->input == NULL && functions->predict == NULL && functions->output == NULL),
        "functions: transform stands for input, predict and output: expected it alone");
    return DOGBREED_OK;
}

int dogb_functions_create(dogb_functions **out, dogb_server *server,
                          const dogbreed_functions *functions, const char *model) {
    void *made = NULL;
    int rc = check(functions);
    if (rc == DOGBREED_OK && functions->model != NULL) {
        rc = functions->model(&made, model, functions->model_userdata);
    }
    if (rc < 0) {
        return rc;
    }
    dogb_functions *all = dogb_malloc(1, sizeof *all);
    if (all == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    all->own = *functions;
    all->server = server;
    all->model = made;
    (void)pthread_mutex_init(&all->lock, NULL);
    (void)pthread_cond_init(&all->changed, NULL);
    rc = dogb_thread_start(&all->thread, work, all);
    if (rc < 0) {
        (void)pthread_cond_destroy(&all->changed);
        (void)pthread_mutex_destroy(&all->lock);
        dogb_free(all);
        return rc;
    }
    *out = all;
    return DOGBREED_OK;
}
