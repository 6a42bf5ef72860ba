// server.c - the life of a server: a model, a batcher, a daemon; the public functions.
#include "serve/daemon.h"
#include "core/error.h"
#include "core/table.h"
#include "predictor/predictor_internal.h"
#include "serve/async.h"
#include "serve/listen.h"
#include "serve/load.h"
#include "serve/models.h"
#include "serve/serve_internal.h"

#include <errno.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <string.h>

enum { STATE_NEW = 0, STATE_RUNNING = 1, STATE_ENDED = 2 };
#define UNLOADED_DRAIN_S 1.0

struct dogbreed_server {
    dogb_http http;
    dogb_arena arena;
    dogb_load load;
    const char *url;
    sem_t stop; // posted by stop, which may be a signal handler's
    int32_t port;
    _Atomic int32_t state;
};

static int check(const dogbreed_serve_options *options, const char *model) {
    DOGB_CHECK(*model != '\0' || *options->multi_model != '\0',
               "server create: expected a model, or a folder of them (multi_model)");
    DOGB_CHECK(*model != '\0' || options->async_max == 0,
               "async_max: expected with a model, 0 without one");
    DOGB_CHECK((*options->tls_certificate == '\0') == (*options->tls_key == '\0'),
               "tls_certificate and tls_key: expected both or none");
    DOGB_CHECK(options->bodies_max >= options->body_max &&
                   options->bodies_max >= options->invocations_max,
               "bodies_max: %lld, expected at least body_max (%lld) and invocations_max (%lld)",
               (long long)options->bodies_max, (long long)options->body_max,
               (long long)options->invocations_max);
    DOGB_CHECK(*options->callbacks == '\0' || options->async_max > 0,
               "callbacks: expected with async_max, 1 or more");
    return DOGBREED_OK;
}

static int build(dogbreed_server *server, const char *model, const dogbreed_serve_options *options,
                 const dogbreed_predictor_options *predictor) {
    dogb_server *s = &server->http.server;
    int rc = dogb_table_import(&s->options, &dogb_serve_table, options, &server->arena);
    rc = rc < 0 ? rc
                : dogb_table_import(&s->predictor_options, &dogb_predictor_table, predictor,
                                    &server->arena);
    if (rc < 0 || (rc = check(&s->options, model)) < 0) {
        return rc;
    }
    server->load.model = dogb_strdup(&server->arena, model);
    if (server->load.model == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    dogb_metrics_start(&s->metrics);
    if (*s->options.tokens != '\0' &&
        (rc = dogb_tokens_read(&s->tokens, &server->arena, s->options.tokens)) < 0) {
        return rc;
    }
    rc = *model != '\0' && s->options.listen_first ? DOGBREED_OK : dogb_load_now(&server->load);
    if (rc == DOGBREED_OK && *s->options.multi_model != '\0') {
        rc = dogb_models_create(&s->models, s);
    }
    if (rc == DOGBREED_OK && s->options.async_max > 0) {
        rc = dogb_async_create(&s->async, s);
    }
    s->has = (*model == '\0' ? 0 : DOGB_ROUTE_MODEL) | (s->models == NULL ? 0 : DOGB_ROUTE_MODELS) |
             (s->async == NULL ? 0 : DOGB_ROUTE_ASYNC);
    return rc;
}

int dogbreed_server_create(dogbreed_server **out, const char *model,
                           const dogbreed_serve_options *options,
                           const dogbreed_predictor_options *predictor) {
    DOGB_CHECK(out != NULL, "server create: out is NULL");
    *out = NULL;
    dogbreed_server *server = dogb_malloc(1, sizeof *server);
    if (server == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    server->url = "";
    (void)sem_init(&server->stop, 0, 0);
    dogb_load_init(&server->load, &server->http.server, "");
    int rc = build(server, model == NULL ? "" : model, options, predictor);
    if (rc < 0) {
        dogbreed_server_destroy(server);
        return rc;
    }
    *out = server;
    return DOGBREED_OK;
}

int dogbreed_server_functions(dogbreed_server *server, const dogbreed_functions *functions) {
    DOGB_CHECK(server != NULL && functions != NULL, "server functions: an argument is NULL");
    DOGB_CHECK(*server->load.model != '\0', "server functions: expected a server with a model");
    if (server->state != STATE_NEW) {
        return dogb_fail(DOGBREED_ERROR_STATE,
                         "server functions: expected once, before the server is started");
    }
    return dogb_load_functions(&server->load, functions);
}

int dogbreed_server_start(dogbreed_server *server) {
    int descriptor = -1;
    int32_t port = 0;
    DOGB_CHECK(server != NULL, "server start: server is NULL");
    if (server->state != STATE_NEW) {
        return dogb_fail(DOGBREED_ERROR_STATE, "server start: it has been started already");
    }
    const dogbreed_serve_options *options = &server->http.server.options;
    int rc = dogb_mhd_load(&server->http.mhd);
    if (rc < 0 || (rc = dogb_listen(&descriptor, &port, options->host, options->port)) < 0) {
        return rc;
    }
    const char *scheme = *options->tls_certificate == '\0' ? "http" : "https";
    const char *url = dogb_listen_url(&server->arena, scheme, options->host, port);
    rc = dogb_daemon_start(&server->http, descriptor);
    if (rc == DOGBREED_OK) {
        server->port = port;
        server->url = url == NULL ? "" : url;
        server->state = STATE_RUNNING;
        rc = dogb_load_begin(&server->load, &server->stop);
    }
    return rc;
}

int dogbreed_server_ready(dogbreed_server *server) {
    DOGB_CHECK(server != NULL, "server ready: server is NULL");
    if (server->state == STATE_NEW) {
        return dogb_fail(DOGBREED_ERROR_STATE, "server ready: it has not been started");
    }
    return dogb_load_wait(&server->load);
}

const char *dogbreed_server_url(const dogbreed_server *server) {
    return server == NULL ? "" : server->url;
}

int32_t dogbreed_server_port(const dogbreed_server *server) {
    return server == NULL ? 0 : server->port;
}

int dogbreed_server_wait(dogbreed_server *server) {
    DOGB_CHECK(server != NULL, "server wait: server is NULL");
    if (server->state != STATE_RUNNING) {
        return dogb_fail(DOGBREED_ERROR_STATE, "server wait: it is not running");
    }
    while (sem_wait(&server->stop) != 0 && errno == EINTR) {
    }
    server->state = STATE_ENDED;
    const dogb_server *s = &server->http.server;
    double drain_s = s->options.drain_s;
    // Nothing has been computed: those that are still sending would get 503.
    int unused = atomic_load(&s->state) != DOGB_MODEL_READY && s->models == NULL;
    if (unused && drain_s > UNLOADED_DRAIN_S) {
        drain_s = UNLOADED_DRAIN_S;
    }
    int rc = dogb_daemon_end(&server->http, drain_s);
    if (atomic_load(&s->state) == DOGB_MODEL_FAILED) {
        return dogb_load_wait(&server->load);
    }
    return unused ? DOGBREED_OK : rc;
}

void dogbreed_server_stop(dogbreed_server *server) {
    if (server != NULL) {
        dogb_load_stop(&server->load);
        (void)sem_post(&server->stop);
    }
}

void dogbreed_server_destroy(dogbreed_server *server) {
    if (server == NULL) {
        return;
    }
    if (server->state == STATE_RUNNING) {
        dogbreed_server_stop(server);
        (void)dogbreed_server_wait(server);
    }
    dogb_async_destroy(server->http.server.async);
    dogb_models_destroy(server->http.server.models);
    dogb_load_close(&server->load);
    dogb_spare_free(&server->http.spare);
    (void)sem_destroy(&server->stop);
    dogb_arena_free(&server->arena);
    dogb_free(server);
}
