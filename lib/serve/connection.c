// connection.c - see connection.h. A request goes through these steps, all on one thread of the
// HTTP library: its target is there; its header is (guard, route, token, size of the body); parts
// of its body; the whole of it. While it is computed the connection is suspended, and the last step
// is called once more.
#include "serve/connection.h"
#include "core/span.h"
#include "core/thread.h"
#include "serve/async.h"
#include "serve/exchange.h"
#include "serve/failure.h"
#include "serve/functions.h"
#include "serve/models.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { BODY_FIRST = 1 << 20 };

static const dogb_refusal not_found = {404, "NOT_FOUND", "there is no such address"};
static const dogb_refusal not_allowed = {405, "METHOD_NOT_ALLOWED",
                                         "this address has other methods"};
static const dogb_refusal no_token = {401, "UNAUTHORIZED", "expected a valid bearer token"};
static const dogb_refusal too_large = {413, "TOO_LARGE", "the body is too large"};
static const dogb_refusal bodies_full = {
    429, "BODIES_FULL", "the bodies of other requests leave no room, try again later"};
static const dogb_refusal no_memory = {503, "NO_MEMORY", "out of memory"};
static const dogb_refusal loading = {503, "LOADING", "the model is being loaded"};
static const dogb_refusal ended = {503, "STOPPING", "the server is stopping"};

// --- refusals

// At once; the rest of the request is not read, so the connection ends with it.
static unsigned refuse_now(dogb_exchange *e, const dogb_refusal *refusal) {
    e->close = 1;
    dogb_reaper_early(e->http->server.reaper, e->watch);
    dogb_exchange_refuse(e, refusal);
    return dogb_exchange_send(e);
}

static void count_rejected(dogb_exchange *e, int32_t why) {
    (void)atomic_fetch_add(&e->http->server.metrics.rejected[why], 1);
}

// --- the header

static unsigned collect(void *userdata, unsigned kind, const char *name, size_t name_size,
                        const char *value, size_t value_size) {
    dogb_exchange *e = userdata;
    (void)kind;
    if (e->field_count < DOGB_FIELDS_MAX + 1) {
        e->fields[e->field_count++] =
            (dogb_field){name, name_size, value == NULL ? "" : value, value_size};
    }
    return DOGB_MHD_YES;
}

static void set_id(dogb_exchange *e) {
    static _Atomic uint64_t count;
    const char *given = dogb_exchange_header(&e->request, "X-Request-Id");
    if (given != NULL && dogb_guard_id(given)) {
        (void)snprintf(e->request.id, sizeof e->request.id, "%s", given);
    } else {
        (void)snprintf(e->request.id, sizeof e->request.id, "%016llx-%06llx",
                       (unsigned long long)dogb_span_now(),
                       (unsigned long long)atomic_fetch_add(&count, 1) & 0xFFFFFF);
    }
}

static const char *header_or(const dogb_exchange *e, const char *name) {
    const char *value = dogb_exchange_header(&e->request, name);
    return value == NULL ? "" : value;
}

static const dogb_refusal *check_fields(dogb_exchange *e, const char *version) {
    e->fields = dogb_alloc_raw(&e->request.arena, DOGB_FIELDS_MAX + 1, sizeof *e->fields);
    if (e->fields == NULL) {
        return &no_memory;
    }
    (void)e->http->mhd->MHD_get_connection_values_n(e->connection, DOGB_MHD_HEADER, collect, e);
    return dogb_guard_fields(&e->announced, version, e->fields, e->field_count);
}

static const dogb_refusal *check_route(dogb_exchange *e, const char *method) {
    dogb_server *server = &e->http->server;
    dogb_request *r = &e->request;
    const int64_t limits[] = {[DOGB_BODY_NONE] = 0,
                              [DOGB_BODY_ANY] = server->options.body_max,
                              [DOGB_BODY_INVOCATION] = server->options.invocations_max};
    const dogb_route_set routes = {dogb_routes, dogb_route_count, server->has};
    e->route = dogb_route_find(&e->allow, r->params, &r->arena, &routes, method, r->path);
    if (e->route == NULL) {
        return e->allow == NULL ? &not_found : &not_allowed;
    }
    r->method = e->route->method;
    e->limit = limits[e->route->body];
    if (server->tokens != NULL && !(e->route->flags & DOGB_ROUTE_OPEN) &&
        !dogb_tokens_allow(server->tokens, dogb_exchange_header(r, "Authorization"))) {
        count_rejected(e, DOGB_REJECTED_TOKEN);
        return &no_token;
    }
    if (dogb_route_waits(e->route) && atomic_load(&server->state) != DOGB_MODEL_READY) {
        return &loading;
    }
    if (e->announced > e->limit) {
        count_rejected(e, DOGB_REJECTED_TOO_LARGE);
        return &too_large;
    }
    return NULL;
}

// Bodies of this size are read even when they are refused: a client that is still sending would
// not see the reply.
static int64_t drop_max(const dogb_exchange *e) {
    const dogbreed_serve_options *options = &e->http->server.options;
    return options->body_max > options->invocations_max ? options->body_max
                                                        : options->invocations_max;
}

static unsigned begin(dogb_exchange *e, const char *method, const char *version) {
    dogb_request *r = &e->request;
    const dogb_refusal *refusal = e->refusal;
    refusal = refusal == NULL ? check_fields(e, version) : refusal;
    if (refusal != NULL) {
        count_rejected(e, DOGB_REJECTED_GUARD);
        return refuse_now(e, refusal);
    }
    set_id(e);
    dogb_guard_trace(e->trace, e->fields, e->field_count);
    r->path = e->target.path;
    r->type = header_or(e, "Content-Type");
    r->accept = header_or(e, "Accept");
    if (*r->accept == '\0' || strcmp(r->accept, "*/*") == 0) {
        r->accept = e->http->server.options.accept;
    }
    e->refusal = check_route(e, method);
    if (e->refusal != NULL && e->announced != 0 &&
        (e->announced > drop_max(e) || dogb_exchange_header(r, "Expect") != NULL)) {
        return refuse_now(e, e->refusal);
    }
    dogb_reaper_phase(e->http->server.reaper, e->watch, DOGB_PHASE_BODY);
    return DOGB_MHD_YES;
}

// --- the body

// The bytes that count in bodies_max are those of e->capacity.
static int hold(dogb_exchange *e, size_t capacity) {
    dogb_server *server = &e->http->server;
    int64_t more = (int64_t)capacity - (int64_t)e->capacity;
    if (atomic_fetch_add(&server->bodies, more) + more > server->options.bodies_max && more > 0) {
        (void)atomic_fetch_sub(&server->bodies, more);
        return 0;
    }
    e->capacity = capacity;
    return 1;
}

static void give_back(dogb_exchange *e) {
    dogb_spare_give(&e->http->spare, e->lent);
    e->lent = NULL;
}

static int grow(dogb_exchange *e, size_t capacity) {
    dogb_arena *arena = &e->request.arena;
    if (e->body == NULL && capacity >= DOGB_SPARE_LEAST && capacity <= DOGB_SPARE_SIZE &&
        (e->lent = dogb_spare_take(&e->http->spare)) != NULL) {
        e->body = e->lent;
        return 1;
    }
    char *grown = e->lent == NULL ? dogb_realloc(arena, e->body, capacity, 1)
                                  : dogb_alloc_raw(arena, capacity, 1);
    if (grown == NULL) {
        return 0;
    }
    if (e->lent != NULL) {
        memcpy(grown, e->lent, e->request.size);
        give_back(e);
    }
    e->body = grown;
    return 1;
}

static void drop_body(dogb_exchange *e) {
    if (e->lent == NULL) {
        dogb_release(&e->request.arena, e->body);
    }
    give_back(e);
    e->body = NULL;
    (void)hold(e, 0);
}

static const dogb_refusal *reserve(dogb_exchange *e, size_t size) {
    size_t capacity = e->capacity == 0 ? BODY_FIRST : 2 * e->capacity;
    capacity = capacity < size ? size : capacity;
    // Never less than size: the library counts too, and take knows the limit.
    const size_t most = (size_t)(e->announced > 0 ? e->announced : e->limit);
    capacity = capacity > most ? most : capacity;
    if (!hold(e, capacity)) {
        count_rejected(e, DOGB_REJECTED_BODIES_FULL);
        return &bodies_full;
    }
    return grow(e, capacity) ? NULL : &no_memory;
}

static unsigned take(dogb_exchange *e, const char *data, size_t size) {
    dogb_request *r = &e->request;
    if (e->refusal == NULL && (int64_t)(r->size + size) > e->limit) {
        count_rejected(e, DOGB_REJECTED_TOO_LARGE);
        e->refusal = &too_large;
    }
    if (e->refusal == NULL && r->size + size > e->capacity) {
        e->refusal = reserve(e, r->size + size);
    }
    if (e->refusal != NULL) {
        drop_body(e);
        e->dropped += (int64_t)size;
        return e->dropped > drop_max(e) ? DOGB_MHD_NO : DOGB_MHD_YES;
    }
    memcpy(e->body + r->size, data, size);
    r->size += size;
    return DOGB_MHD_YES;
}

// --- the whole

static int hand_over(dogb_exchange *e) {
    dogb_server *server = &e->http->server;
    return e->start == NULL ? dogb_batcher_submit(server->batcher, e->work)
                            : e->start(server, e->userdata);
}

// The reply is there when the connection goes on.
static unsigned compute(dogb_exchange *e) {
    dogb_http *http = e->http;
    struct MHD_Connection *connection = e->connection;
    (void)atomic_fetch_add(&http->entering, 1);
    if (atomic_load(&http->server.ended)) {
        (void)atomic_fetch_sub(&http->entering, 1);
        dogb_exchange_refuse(e, &ended);
        return dogb_exchange_send(e);
    }
    http->mhd->MHD_suspend_connection(connection);
    int rc = hand_over(e);
    if (rc < 0) {
        count_rejected(e, DOGB_REJECTED_QUEUE_FULL);
        (void)dogb_failure_reply(&e->reply, &e->request, rc);
        dogb_reply_header(&e->reply, "Retry-After", "1");
        e->finish = NULL;
        dogb_answer_done(&e->request);
    }
    (void)atomic_fetch_sub(&http->entering, 1);
    return DOGB_MHD_YES;
}

static unsigned answer(dogb_exchange *e) {
    dogb_server *server = &e->http->server;
    dogb_request *r = &e->request;
    e->whole = 1;
    (void)atomic_fetch_add(&server->metrics.inflight, 1);
    dogb_reaper_phase(server->reaper, e->watch, DOGB_PHASE_WORK);
    if (e->refusal != NULL) {
        dogb_exchange_refuse(e, e->refusal);
        return dogb_exchange_send(e);
    }
    r->body = e->body == NULL ? "" : e->body;
    r->received = dogb_span_now();
    r->deadline = r->received + (uint64_t)(server->options.deadline_s * 1e9);
    return e->route->begin(server, r, &e->reply) == DOGB_ROUTE_LATER ? compute(e)
                                                                     : dogb_exchange_send(e);
}

static unsigned go_on(dogb_exchange *e) {
    if (e->finish != NULL) {
        e->finish(&e->http->server, &e->request, &e->reply, e->userdata);
    }
    return dogb_exchange_send(e);
}

// --- callbacks

void *dogb_connection_target(void *userdata, const char *target,
                             struct MHD_Connection *connection) {
    dogb_http *http = userdata;
    dogb_exchange *e = dogb_malloc(1, sizeof *e);
    if (e == NULL) {
        return NULL;
    }
    e->http = http;
    e->connection = connection;
    memcpy(&e->watch, http->mhd->MHD_get_connection_info(connection, DOGB_MHD_INFO_SOCKET_CONTEXT),
           sizeof e->watch);
    dogb_reaper_phase(http->server.reaper, e->watch, DOGB_PHASE_HEADER);
    e->request.owner = e;
    e->request.header = dogb_exchange_header;
    e->request.query = dogb_exchange_query;
    e->refusal = dogb_guard_target(&e->target, &e->request.arena, target);
    return e;
}

unsigned dogb_connection_request(void *userdata, struct MHD_Connection *connection, const char *url,
                                 const char *method, const char *version, const char *data,
                                 size_t *data_size, void **request) {
    dogb_exchange *e = *request;
    (void)userdata;
    (void)connection;
    (void)url; // decoded and cut at NUL: the target is read instead
    if (e == NULL) {
        return DOGB_MHD_NO; // no memory
    }
    if (!e->begun) {
        e->begun = 1;
        return begin(e, method, version);
    }
    if (*data_size > 0) {
        size_t size = *data_size;
        *data_size = 0;
        return take(e, data, size);
    }
    if (!e->whole) {
        return answer(e);
    }
    return atomic_load(&e->done) ? go_on(e) : DOGB_MHD_YES;
}

void dogb_connection_completed(void *userdata, struct MHD_Connection *connection, void **request,
                               unsigned why) {
    dogb_exchange *e = *request;
    (void)userdata;
    (void)connection;
    *request = NULL;
    if (e == NULL) {
        return;
    }
    dogb_server *server = &e->http->server;
    if (e->whole) {
        (void)atomic_fetch_sub(&server->metrics.inflight, 1);
    }
    if (why == DOGB_MHD_COMPLETED) {
        dogb_reaper_phase(server->reaper, e->watch, DOGB_PHASE_IDLE);
    } // else the connection ends
    drop_body(e);
    dogb_arena_free(&e->request.arena);
    dogb_free(e);
}

void dogb_connection_notify(void *userdata, struct MHD_Connection *connection, void **socket,
                            unsigned what) {
    dogb_http *http = userdata;
    int descriptor = -1;
    if (what != DOGB_MHD_STARTED) {
        dogb_reaper_remove(http->server.reaper, *socket);
        *socket = NULL;
        return;
    }
    memcpy(&descriptor, http->mhd->MHD_get_connection_info(connection, DOGB_MHD_INFO_DESCRIPTOR),
           sizeof descriptor);
    *socket = dogb_reaper_add(http->server.reaper, descriptor);
    if (*socket == NULL) {
        (void)shutdown(descriptor, SHUT_RDWR); // not served without a time limit
    }
    (void)atomic_fetch_sub(&http->arriving, 1);
}

void dogb_connection_close(dogb_http *http) {
    atomic_store(&http->server.ended, 1);
    while (atomic_load(&http->entering) > 0) {
        (void)nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
    dogb_async_end(http->server.async);
    if (atomic_load(&http->server.state) == DOGB_MODEL_READY) {
        dogb_functions_drain(http->server.functions);
    }
    dogb_models_drain(http->server.models);
    if (atomic_load(&http->server.state) == DOGB_MODEL_READY && http->server.batcher != NULL) {
        dogb_batcher_drain(http->server.batcher);
    }
}
