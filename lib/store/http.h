// http.h - one request over one connection that is kept: method, headers, a body from memory or
// from a part of a file, the answer to memory or into a file. http and https only, redirects are
// never followed, nothing is tried twice. Knows nothing of S3.
#ifndef DOGB_STORE_HTTP_H
#define DOGB_STORE_HTTP_H

#include "core/arena.h"

#include <stdatomic.h>
#include <stdint.h>

typedef struct dogb_http_request {
    const char *method;
    const char *url;            // complete and encoded
    const char *const *headers; // "Name: value"
    size_t header_count;
    const void *body; // NULL: the part of `from`
    int from;         // descriptor
    int64_t from_offset;
    int64_t size; // of the body; 0: none
    int into;     // descriptor that gets the body of an answer with into_status; -1: memory
    int32_t into_status;
    int64_t into_offset;
    int64_t into_max;       // bytes; more is an error
    size_t memory_max;      // bytes of other answers
    double connect_timeout; // seconds
    double timeout;         // seconds without a byte
    int32_t direct;         // through no proxy
    const char *ca_bundle;  // PEM file in place of the system's authorities; NULL: those
    atomic_int *cancel;     // non-zero ends it; may be NULL
} dogb_http_request;

typedef struct dogb_http_header {
    char *name; // lower case
    char *value;
    struct dogb_http_header *next;
} dogb_http_header;

typedef struct dogb_http_answer {
    int32_t status;
    int32_t again;    // of a failure: another attempt may succeed
    char *body;       // in the arena, with a zero behind it; "" when it went into the file
    size_t size;      // of `body`
    int64_t received; // bytes written into the file, also of a failed request
    dogb_http_header *headers;
} dogb_http_answer;

// NULL when the answer has no such header. `name` in lower case.
const char *dogb_http_header_of(const dogb_http_answer *answer, const char *name);

// A connection belongs to one thread at a time.
typedef struct dogb_http dogb_http;
int dogb_http_open(dogb_http **out); // UNSUPPORTED: no libcurl
void dogb_http_close(dogb_http *http);

// OK: an answer of any status came whole. NETWORK, CANCELLED, IO (the file), UNSUPPORTED,
// NO_MEMORY.
int dogb_http_send(dogb_http_answer *out, dogb_http *http, dogb_arena *arena,
                   const dogb_http_request *request);

#endif
