// guard.h - what is refused before a handler sees it: requests whose end two programs could see in
// two places, and addresses that mean to leave the table of routes. Pure functions over what was
// received: the raw target and the list of headers.
#ifndef DOGB_SERVE_GUARD_H
#define DOGB_SERVE_GUARD_H

#include "core/arena.h"

#include <stddef.h>
#include <stdint.h>

enum { DOGB_TARGET_MAX = 8192, DOGB_FIELDS_MAX = 100, DOGB_QUERY_MAX = 32 };
enum { DOGB_TRACE_SIZE = 56 }; // of a traceparent, with its NUL

// Static; NULL stands for "goes on".
typedef struct dogb_refusal {
    int32_t status;   // HTTP
    const char *code; // SNAKE_CASE
    const char *text; // holds nothing of the request
} dogb_refusal;

// A header as it came: names and values may hold any byte.
typedef struct dogb_field {
    const char *name;
    size_t name_size;
    const char *value;
    size_t value_size;
} dogb_field;

typedef struct dogb_pair {
    const char *name;
    const char *value;
} dogb_pair;

// The address, decoded; in the caller's arena.
typedef struct dogb_target {
    const char *path;
    dogb_pair query[DOGB_QUERY_MAX];
    size_t query_count;
} dogb_target;

// What stands between the method and the version: "/v1/predict?top_k=5".
const dogb_refusal *dogb_guard_target(dogb_target *out, dogb_arena *arena, const char *raw);

// *length: bytes of the body, 0 without one, -1 when it comes in chunks.
const dogb_refusal *dogb_guard_fields(int64_t *length, const char *version,
                                      const dogb_field *fields, size_t count);

// 1: the field has this name, in any case.
int dogb_field_is(const dogb_field *field, const char *name);

// 1: 1 to 63 letters, digits, '-', '_', '.': fit for logs and for sending back.
int dogb_guard_id(const char *id);

// The one traceparent among the fields, as W3C's Trace Context has it: "00-TRACE-SPAN-FLAGS" in
// lower-case hexadecimal. Of a later version what this one knows. "": none, two, a malformed one.
void dogb_guard_trace(char out[DOGB_TRACE_SIZE], const dogb_field *fields, size_t count);

#endif
