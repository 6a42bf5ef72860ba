// health.c - for balancers and orchestrators: the process lives; it takes more work; its counters.
#include "serve/async.h"
#include "serve/handler.h"
#include "serve/models.h"

#include <stdatomic.h>
#include <string.h>

int dogb_handle_health(dogb_server *server, dogb_request *r, dogb_reply *reply) {
    (void)server;
    (void)r;
    dogb_reply_text(reply, 200, "application/json", "{\"status\":\"ok\"}");
    return DOGB_ROUTE_NOW;
}

static const dogb_batcher *own_batcher(const dogb_server *server) {
    return atomic_load(&server->state) == DOGB_MODEL_READY ? server->batcher : NULL;
}

static int32_t waiting(const dogb_server *server) {
    return own_batcher(server) == NULL ? 0 : dogb_batcher_waiting(server->batcher);
}

static void later(dogb_request *r, dogb_reply *reply, const char *code, const char *text) {
    dogb_reply_error(reply, r, 503, code, text);
    dogb_reply_header(reply, "Retry-After", "1");
}

int dogb_not_ready(const dogb_server *server, dogb_request *r, dogb_reply *reply) {
    int32_t draining = atomic_load(&server->draining);
    if (draining) {
        later(r, reply, "STOPPING", "the server is stopping");
    } else if (atomic_load(&server->state) != DOGB_MODEL_READY) {
        later(r, reply, "LOADING", "the model is being loaded");
    } else {
        return 0;
    }
    return 1;
}

int dogb_handle_ready(dogb_server *server, dogb_request *r, dogb_reply *reply) {
    if (dogb_not_ready(server, r, reply)) {
        return DOGB_ROUTE_NOW;
    }
    if (waiting(server) >= server->options.queue_max) {
        later(r, reply, "QUEUE_FULL", "too many requests wait");
    } else {
        dogb_reply_text(reply, 200, "application/json", "{\"status\":\"ready\"}");
    }
    return DOGB_ROUTE_NOW;
}

int dogb_handle_metrics(dogb_server *server, dogb_request *r, dogb_reply *reply) {
    const char *format = r->query(r, "format");
    int json = format != NULL && strcmp(format, "json") == 0;
    dogb_buffer text = {.arena = &r->arena};
    dogb_async_counts later;
    dogb_async_count(&later, server->async);
    const dogb_gauges gauges = {.queue_depth = waiting(server),
                                .models = (own_batcher(server) != NULL) +
                                          dogb_models_count(server->models),
                                .models_bytes = dogb_models_bytes(server->models),
                                .async_waiting = later.waiting,
                                .async_kept = later.kept,
                                .async_bytes = later.bytes,
                                .connections = dogb_reaper_count(server->reaper),
                                .slow = dogb_reaper_closed(server->reaper)};
    if (format != NULL && !json && strcmp(format, "text") != 0) {
        dogb_reply_error(reply, r, 400, "BAD_QUERY", "format: expected text or json");
        return DOGB_ROUTE_NOW;
    }
    (json ? dogb_metrics_json : dogb_metrics_text)(&text, &server->metrics, &gauges);
    if (text.rc < 0) {
        dogb_reply_error(reply, r, 503, "NO_MEMORY", "out of memory");
    } else {
        dogb_reply_text(reply, 200, json ? "application/json" : "text/plain; version=0.0.4",
                        text.data);
    }
    return DOGB_ROUTE_NOW;
}
