// exchange.h - a request without a connection, for tests of formats and handlers.
#ifndef DOGB_TEST_SERVE_EXCHANGE_H
#define DOGB_TEST_SERVE_EXCHANGE_H

#include "core/span.h"
#include "serve/input.h"

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

#endif
