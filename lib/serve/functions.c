// functions.c - see functions.h: requests on their way to the thread that the caller's functions
// run on. While the batcher has a request, the thread goes on with others.
#include "core/error.h"
#include "serve/functions_task.h"

static void count(dogb_functions *all, int32_t tasks, int32_t waiting) {
    (void)pthread_mutex_lock(&all->lock);
    all->tasks += tasks;
    all->waiting += waiting;
    (void)pthread_cond_broadcast(&all->changed);
    (void)pthread_mutex_unlock(&all->lock);
}

static void run(dogb_chore *chore) {
    dogb_task *t = (dogb_task *)chore;
    dogb_functions *all = t->all;
    count(all, 0, t->step == 0 ? -1 : 0);
    if (dogb_task_run(t) == DOGB_TASK_DONE) {
        dogb_answer_done(t->r); // t is gone behind it
        count(all, -1, 0);
    }
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
    dogb_chores_add(all->chores, &t->chore);
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
    t->chore.run = run;
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
    dogb_chores_destroy(all->chores);
    (void)pthread_cond_destroy(&all->changed);
    (void)pthread_mutex_destroy(&all->lock);
    dogb_free(all);
}

int dogb_functions_check(const dogbreed_functions *functions) {
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
    int rc = functions->model == NULL ? DOGBREED_OK
                                      : functions->model(&made, model, functions->model_userdata);
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
    rc = dogb_chores_create(&all->chores);
    if (rc < 0) {
        dogb_functions_destroy(all);
        return rc;
    }
    *out = all;
    return DOGBREED_OK;
}
