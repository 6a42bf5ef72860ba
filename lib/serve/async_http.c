// async_http.c - the addresses of requests whose results are fetched later.
#include "core/error.h"
#include "serve/async.h"
#include "serve/failure.h"
#include "serve/handler.h"

#include <stdatomic.h>
#include <string.h>

static int no_memory(dogb_reply *reply, dogb_request *r) {
    dogb_reply_error(reply, r, 503, "NO_MEMORY", "out of memory");
    return DOGB_ROUTE_NOW;
}

// What a body is refused with, where the connection finds it.
static int refuse(dogb_reply *reply, dogb_request *r, const dogb_reply *refusal) {
    char *body = dogb_alloc_raw(&r->arena, refusal->size + 1, 1);
    if (body == NULL) {
        return no_memory(reply, r);
    }
    memcpy(body, refusal->body, refusal->size);
    *reply = *refusal;
    reply->body = body;
    return DOGB_ROUTE_NOW;
}

static int full(dogb_server *server, dogb_request *r, dogb_reply *reply, int rc) {
    if (rc == DOGBREED_ERROR_BUSY) {
        (void)atomic_fetch_add(&server->metrics.rejected[DOGB_REJECTED_QUEUE_FULL], 1);
    }
    (void)dogb_failure_reply(reply, r, rc);
    dogb_reply_header(reply, "Retry-After", "1");
    return DOGB_ROUTE_NOW;
}

// The job is in the table when the client gets its address.
static int take(dogb_server *server, dogb_request *r, dogb_reply *reply, dogb_async_job *job) {
    const char *place = dogb_format(&r->arena, "/v1/async/%s", job->id);
    const char *text = place == NULL ? NULL
                                     : dogb_format(&r->arena, "{\"id\":\"%s\",\"location\":\"%s\"}",
                                                   job->id, place);
    if (text == NULL) {
        dogb_async_drop(job);
        return no_memory(reply, r);
    }
    int rc = dogb_async_add(job);
    if (rc < 0) {
        dogb_async_drop(job);
        return full(server, r, reply, rc);
    }
    dogb_reply_text(reply, 202, "application/json", text);
    dogb_reply_header(reply, "Location", place);
    return DOGB_ROUTE_NOW;
}

// A request to /v1/async whose body is long.
typedef struct adding {
    dogb_body body; // first
    dogb_server *server;
    const char *callback; // NULL: none
    dogb_async_job *job;
    dogb_reply reply;
} adding;

static int add(dogb_server *server, dogb_request *r, dogb_reply *reply, dogb_async_job *job) {
    if (dogb_input_read(&job->input, &job->reply, &job->request, &server->facts) < 0) {
        (void)refuse(reply, r, &job->reply);
        dogb_async_drop(job);
        return DOGB_ROUTE_NOW;
    }
    return take(server, r, reply, job);
}

// There are no pictures for this work: the table has them, or nobody.
static int read_body(dogb_body *body, dogb_reply *reply) {
    adding *a = (adding *)body;
    (void)add(a->server, body->request, reply, a->job);
    return DOGBREED_ERROR_STATE;
}

// On the batcher's thread: a client that went away has no other.
static void added(dogb_work *work, void *userdata) {
    adding *a = userdata;
    (void)work;
    if (dogb_body_failed(&a->body, &a->reply) < 0) {
        dogb_infer_dropped(a->server, &a->body);
        dogb_async_drop(a->job);
    }
    dogb_answer_done(a->body.request);
}

// Not before: a server that ends never comes here, and nobody else would drop the job.
static int start(dogb_server *server, void *userdata) {
    adding *a = userdata;
    dogb_request *r = a->body.request;
    a->job = dogb_async_new(server->async, r, a->callback);
    if (a->job == NULL) {
        (void)no_memory(&a->reply, r);
        dogb_answer_done(r);
        return DOGBREED_OK;
    }
    int rc = dogb_batcher_submit(server->batcher, &a->body.work);
    if (rc < 0) {
        dogb_async_drop(a->job);
    }
    return rc;
}

static void give(dogb_server *server, dogb_request *r, dogb_reply *reply, void *userdata) {
    (void)server;
    (void)r;
    *reply = ((const adding *)userdata)->reply;
}

static int add_later(dogb_server *server, dogb_request *r, dogb_reply *reply,
                     const char *callback) {
    adding *a = dogb_alloc(&r->arena, 1, sizeof *a);
    if (a == NULL) {
        return no_memory(reply, r);
    }
    a->body.request = r;
    a->body.read = read_body;
    a->server = server;
    a->callback = callback;
    (void)dogb_body_begin(&a->body, reply, 1);
    a->body.work.deadline = r->deadline;
    a->body.work.done = added;
    a->body.work.userdata = a;
    dogb_answer_elsewhere(r, start, give, a);
    return DOGB_ROUTE_LATER;
}

int dogb_handle_async_add(dogb_server *server, dogb_request *r, dogb_reply *reply) {
    const char *callback = r->query(r, "callback");
    callback = callback == NULL ? r->header(r, "X-Dogbreed-Callback") : callback;
    if (callback != NULL && !dogb_async_may_call(server->async, callback)) {
        dogb_reply_error(reply, r, 403, "FORBIDDEN", "callback: this server does not call there");
        return DOGB_ROUTE_NOW;
    }
    if (dogb_input_is_long(r)) {
        return add_later(server, r, reply, callback);
    }
    dogb_async_job *job = dogb_async_new(server->async, r, callback);
    return job == NULL ? no_memory(reply, r) : add(server, r, reply, job);
}

int dogb_handle_async_show(dogb_server *server, dogb_request *r, dogb_reply *reply) {
    int rc = dogb_async_show(reply, r, server->async, r->params[0]);
    if (rc == DOGBREED_ERROR_NOT_FOUND) {
        dogb_reply_error(reply, r, 404, "NOT_FOUND", dogbreed_error_message());
    } else if (rc < 0) {
        return no_memory(reply, r);
    }
    return DOGB_ROUTE_NOW;
}

int dogb_handle_async_remove(dogb_server *server, dogb_request *r, dogb_reply *reply) {
    if (dogb_async_remove(server->async, r->params[0]) < 0) {
        dogb_reply_error(reply, r, 404, "NOT_FOUND", dogbreed_error_message());
    } else {
        dogb_reply_text(reply, 200, "application/json", "{\"status\":\"removed\"}");
    }
    return DOGB_ROUTE_NOW;
}
