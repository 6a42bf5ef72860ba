// call.h - a request without a connection, for tests of formats and handlers.
#ifndef DOGB_TEST_SERVE_CALL_H
#define DOGB_TEST_SERVE_CALL_H

#include "core/span.h"
#include "serve/input.h"

#include <stdio.h>
#include <string.h>

// Names and values, ended by NULL.
typedef struct call_fields {
    const char *const *headers;
    const char *const *query;
} call_fields;

static inline const char *call_find(const char *const *pairs, const char *name) {
    for (; pairs != NULL && *pairs != NULL; pairs += 2) {
        if (strcmp(*pairs, name) == 0) {
            return pairs[1];
        }
    }
    return NULL;
}

static inline const char *call_header(const dogb_request *r, const char *name) {
    return call_find(((const call_fields *)r->owner)->headers, name);
}

static inline const char *call_query(const dogb_request *r, const char *name) {
    return call_find(((const call_fields *)r->owner)->query, name);
}

static inline dogb_request call_request(call_fields *fields, const char *type, const void *body,
                                        size_t size) {
    return (dogb_request){.method = "POST",
                          .path = "/",
                          .type = type,
                          .accept = "",
                          .body = body,
                          .size = size,
                          .header = call_header,
                          .query = call_query,
                          .received = dogb_span_now(),
                          .id = "test",
                          .owner = fields};
}

// The body as text; static buffer.
static inline const char *call_body(const dogb_reply *reply) {
    static char body[4096];
    size_t size = reply->size < sizeof body ? reply->size : sizeof body - 1;
    memcpy(body, reply->body, size);
    body[size] = '\0';
    return body;
}

// 1: an error with this status and code, whose text has `part` in it.
static inline int call_is_error(const dogb_reply *reply, int32_t status, const char *code,
                                const char *part) {
    const char *body = call_body(reply);
    char wanted[80];
    (void)snprintf(wanted, sizeof wanted, "\"code\":\"%s\"", code);
    return reply->status == status && strstr(body, "\"error\":\"") != NULL &&
           strstr(body, wanted) != NULL && strstr(body, part) != NULL &&
           strcmp(reply->type, "application/json") == 0;
}

// Fails unless it is.
#define call_refused(given, wanted, name, part)                                                    \
    do {                                                                                           \
        const dogb_reply *call_given = (given);                                                    \
        if (!call_is_error(call_given, wanted, name, part)) {                                      \
            fail_msg("expected %d %s with \"%s\", got %d %s", (int)(wanted), name, part,           \
                     (int)call_given->status, call_body(call_given));                              \
        }                                                                                          \
    } while (0)

#endif
