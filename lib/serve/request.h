// request.h - what a connection hands to the handlers, and what they hand back. Knows no socket and
// no HTTP library.
#ifndef DOGB_SERVE_REQUEST_H
#define DOGB_SERVE_REQUEST_H

#include "core/arena.h"

#include <stdint.h>

// A request as handlers see it: whole, checked by the guard, owned by the connection until the
// reply is given.
typedef struct dogb_request {
    const char *method; // "GET", "POST", ...
    const char *path;   // decoded, no NUL, no ".."
    const char *type;   // Content-Type, "" none
    const char *accept; // Accept, "" none
    const void *body;
    size_t size;
    const char *(*header)(const struct dogb_request *r, const char *name); // NULL: absent
    const char *(*query)(const struct dogb_request *r, const char *name);  // NULL: absent; decoded
    uint64_t received; // monotonic ns, when the last byte was there
    uint64_t deadline; // monotonic ns
    char id[64];       // X-Request-Id of the client if it is sane, else ours
    dogb_arena arena;  // of the request: parsing and reply live here
    void *owner;
} dogb_request;

typedef struct dogb_reply { // filled by handlers
    int32_t status;         // HTTP
    const char *type;       // Content-Type
    const void *body;
    size_t size; // in the request's arena or static
    const char *headers[8][2];
    int32_t header_count;
} dogb_reply;

// {"error": text, "code": code}; texts never hold paths, addresses, internal names or input bytes.
void dogb_reply_error(dogb_reply *reply, dogb_request *r, int32_t status, const char *code,
                      const char *text);

#endif
