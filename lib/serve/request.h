// request.h - what handlers see of HTTP: a whole request that the guard let through, and the reply
// that they fill. They know neither sockets nor the HTTP library.
#ifndef DOGB_SERVE_REQUEST_H
#define DOGB_SERVE_REQUEST_H

#include "core/arena.h"

#include <stddef.h>
#include <stdint.h>

enum { DOGB_REQUEST_PARAMS_MAX = 2, DOGB_REPLY_HEADERS_MAX = 8 };

// Owned by the connection until the reply is given.
typedef struct dogb_request {
    const char *method; // "GET", "POST", ...
    const char *path;   // decoded, no NUL, no ".."
    const char *type;   // Content-Type, "" none
    const char *accept; // Accept, "" none
    const void *body;
    size_t size;
    // NULL: absent.
    const char *(*header)(const struct dogb_request *r, const char *name);
    const char *(*query)(const struct dogb_request *r, const char *name); // decoded
    uint64_t received; // monotonic ns, when the last byte was there
    uint64_t deadline; // monotonic ns
    char id[64];       // X-Request-Id of the client if it is sane, else ours
    dogb_arena arena;  // of the request: parsing and reply live here
    void *owner;
    // What stood for the {m} and {v} of the route, in their order; "" none.
    const char *params[DOGB_REQUEST_PARAMS_MAX];
} dogb_request;

// Filled by handlers.
typedef struct dogb_reply {
    int32_t status;   // HTTP
    const char *type; // Content-Type
    const void *body; // in the request's arena or static
    size_t size;
    const char *headers[DOGB_REPLY_HEADERS_MAX][2];
    int32_t header_count;
} dogb_reply;

// {"error": text, "code": code}; texts never hold paths, addresses, internal names or input bytes.
void dogb_reply_error(dogb_reply *reply, dogb_request *r, int32_t status, const char *code,
                      const char *text);

// Static text as the body.
void dogb_reply_text(dogb_reply *reply, int32_t status, const char *type, const char *text);

// One more header; it has to live as long as the request. Too many are left out.
void dogb_reply_header(dogb_reply *reply, const char *name, const char *value);

#endif
