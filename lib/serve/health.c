// health.c - for balancers and orchestrators: the process lives; it takes more work; its counters.
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

int dogb_handle_ready(dogb_server *server, dogb_request *r, dogb_reply *reply) {
    if (atomic_load(&server->draining)) {
        dogb_reply_error(reply, r, 503, "STOPPING", "the server is stopping");
    } else if (dogb_batcher_waiting(server->batcher) >= server->options.queue_max) {
        dogb_reply_error(reply, r, 503, "QUEUE_FULL", "too many requests wait");
    } else {
        dogb_reply_text(reply, 200, "application/json", "{\"status\":\"ready\"}");
    }
    return DOGB_ROUTE_NOW;
}

int dogb_handle_metrics(dogb_server *server, dogb_request *r, dogb_reply *reply) {
    const char *format = r->query(r, "format");
    int json = format != NULL && strcmp(format, "json") == 0;
    dogb_buffer text = {.arena = &r->arena};
    const dogb_gauges gauges = {.queue_depth = dogb_batcher_waiting(server->batcher),
                                .models = 1 + dogb_models_count(server->models),
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
