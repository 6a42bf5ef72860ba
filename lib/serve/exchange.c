// exchange.c - what handlers ask of a request, and how replies leave.
#include "serve/exchange.h"
#include "core/log.h"

#include <stdatomic.h>
#include <string.h>

enum { CUSTOM_MAX = 1024 };

const char *dogb_exchange_header(const dogb_request *r, const char *name) {
    const dogb_exchange *e = r->owner;
    for (size_t i = 0; i < e->field_count; i++) {
        if (dogb_field_is(&e->fields[i], name)) {
            return e->fields[i].value;
        }
    }
    return NULL;
}

const char *dogb_exchange_query(const dogb_request *r, const char *name) {
    const dogb_exchange *e = r->owner;
    for (size_t i = 0; i < e->target.query_count; i++) {
        if (strcmp(e->target.query[i].name, name) == 0) {
            return e->target.query[i].value;
        }
    }
    return NULL;
}

void dogb_answer_done(dogb_request *r) {
    dogb_exchange *e = r->owner;
    dogb_http *http = e->http;
    struct MHD_Connection *connection = e->connection;
    atomic_store(&e->done, 1);
    http->mhd->MHD_resume_connection(connection); // e may be gone behind this line
}

static void work_done(dogb_work *work, void *userdata) {
    (void)work;
    dogb_answer_done(userdata);
}

void dogb_answer_later(dogb_request *r, dogb_work *work, dogb_finish_fn finish, void *userdata) {
    dogb_exchange *e = r->owner;
    work->deadline = r->deadline;
    work->done = work_done;
    work->userdata = r;
    e->work = work;
    e->finish = finish;
    e->userdata = userdata;
}

void dogb_answer_elsewhere(dogb_request *r, dogb_start_fn start, dogb_finish_fn finish,
                           void *userdata) {
    dogb_exchange *e = r->owner;
    e->start = start;
    e->finish = finish;
    e->userdata = userdata;
}

void dogb_exchange_refuse(dogb_exchange *e, const dogb_refusal *refusal) {
    dogb_reply_error(&e->reply, &e->request, refusal->status, refusal->code, refusal->text);
    if (refusal->status == 405 && e->allow != NULL) {
        dogb_reply_header(&e->reply, "Allow", e->allow);
    } else if (refusal->status == 401) {
        dogb_reply_header(&e->reply, "WWW-Authenticate", "Bearer");
    } else if (refusal->status == 503 || refusal->status == 429) {
        dogb_reply_header(&e->reply, "Retry-After", "1");
    }
}

// What SageMaker's clients attach comes back as it was.
static const char *custom_attributes(const dogb_exchange *e) {
    const char *text = dogb_exchange_header(&e->request, "X-Amzn-SageMaker-Custom-Attributes");
    for (size_t i = 0; text != NULL && text[i] != '\0'; i++) {
        if (i == CUSTOM_MAX || text[i] < 0x20 || text[i] >= 0x7F) {
            return NULL;
        }
    }
    return text;
}

static void add_header(const dogb_exchange *e, struct MHD_Response *response, const char *name,
                       const char *value) {
    if (value != NULL) {
        (void)e->http->mhd->MHD_add_response_header(response, name, value);
    }
}

unsigned dogb_exchange_send(dogb_exchange *e) {
    dogb_http *http = e->http;
    const dogb_reply *reply = &e->reply;
    // The library only reads it, and is done with it when the request is completed.
    struct MHD_Response *response = http->mhd->MHD_create_response_from_buffer(
        reply->size, (void *)(uintptr_t)reply->body, DOGB_MHD_PERSISTENT);
    if (response == NULL) {
        return DOGB_MHD_NO;
    }
    int close_it = e->close || atomic_load(&http->server.draining);
    add_header(e, response, "Content-Type", reply->type);
    for (int32_t i = 0; i < reply->header_count; i++) {
        add_header(e, response, reply->headers[i][0], reply->headers[i][1]);
    }
    add_header(e, response, "X-Request-Id", *e->request.id == '\0' ? NULL : e->request.id);
    add_header(e, response, "traceparent", *e->trace == '\0' ? NULL : e->trace);
    add_header(e, response, "X-Amzn-SageMaker-Custom-Attributes", custom_attributes(e));
    add_header(e, response, "Connection", close_it ? "close" : NULL);
    dogb_reaper_phase(http->server.reaper, e->watch, DOGB_PHASE_REPLY);
    unsigned queued =
        http->mhd->MHD_queue_response(e->connection, (unsigned)reply->status, response);
    http->mhd->MHD_destroy_response(response);
    dogb_metrics_request(&http->server.metrics, e->route, reply->status);
    dogb_log(DOGBREED_LOG_DEBUG, "serve: %s %s %d%s%s", e->request.id,
             e->route == NULL ? "-" : e->route->path, (int)reply->status,
             *e->trace == '\0' ? "" : " ", e->trace);
    return queued;
}
