// exchange.h - a request without a connection, for tests of formats and handlers.
#ifndef DOGB_TEST_SERVE_EXCHANGE_H
#define DOGB_TEST_SERVE_EXCHANGE_H

#include "core/span.h"
#include "serve/input.h"

#include <stdio.h>
#include <string.h>

// Names and values, ended by NULL.
typedef struct exchange_fields {
    const char *const *headers;
    const char *const *query;
} exchange_fields;

static inline const char *exchange_find(const char *const *pairs, const char *name) {
    for (; pairs != NULL && *pairs != NULL; pairs += 2) {
        if (strcmp(*pairs, name) == 0) {
            return pairs[1];
        }
    }
    return NULL;
}

static inline const char *exchange_header(const dogb_request *r, const char *name) {
    return exchange_find(((const exchange_fields *)r->owner)->headers, name);
}

static inline const char *exchange_query(const dogb_request *r, const char *name) {
    return exchange_find(((const exchange_fields *)r->owner)->query, name);
}

static inline dogb_request exchange_request(exchange_fields *fields, const char *type,
                                            const void *body, size_t size) {
    return (dogb_request){.method = "POST",
                          .path = "/",
                          .type = type,
                          .accept = "",
                          .body = body,
                          .size = size,
                          .header = exchange_header,
                          .query = exchange_query,
                          .received = dogb_span_now(),
                          .id = "test",
                          .owner = fields};
}

// The body as text; static buffer.
static inline const char *exchange_body(const dogb_reply *reply) {
    static char body[4096];
    size_t size = reply->size < sizeof body ? reply->size : sizeof body - 1;
    memcpy(body, reply->body, size);
    body[size] = '\0';
    return body;
}

// 1: an error with this status and code, whose text has `part` in it.
static inline int exchange_is_error(const dogb_reply *reply, int32_t status, const char *code,
                                    const char *part) {
    const char *body = exchange_body(reply);
    char wanted[80];
    (void)snprintf(wanted, sizeof wanted, "\"code\":\"%s\"", code);
    return reply->status == status && strstr(body, "\"error\":\"") != NULL &&
           strstr(body, wanted) != NULL && strstr(body, part) != NULL &&
           strcmp(reply->type, "application/json") == 0;
}

// Fails unless it is.
#define exchange_refused(given, wanted, name, part)                                                \
    do {                                                                                           \
        const dogb_reply *exchange_given = (given);                                                \
        if (!exchange_is_error(exchange_given, wanted, name, part)) {                              \
            fail_msg("expected %d %s with \"%s\", got %d %s", (int)(wanted), name, part,           \
                     (int)exchange_given->status, exchange_body(exchange_given));                  \
        }                                                                                          \
    } while (0)

#endif
