// sigv4.h - signatures of requests to Amazon S3, "AWS Signature Version 4": pure functions from a
// request to its signature. They know no network and no clock.
#ifndef DOGB_STORE_SIGV4_H
#define DOGB_STORE_SIGV4_H

#include "core/arena.h"
#include "store/credentials.h"

#include <stddef.h>
#include <stdint.h>

#define DOGB_SIGN_UNSIGNED "UNSIGNED-PAYLOAD"
#define DOGB_SIGN_EMPTY "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

typedef struct dogb_sign_field {
    const char *name;
    const char *value; // of the query: NULL is ""
} dogb_sign_field;

// Nothing in it is encoded. Every header given is signed, so give those that are sent and must not
// change: `host` (with the port when the URL has one), `x-amz-date` (equal to time),
// `x-amz-security-token` when the credentials have a token, every other x-amz-*, and for service
// "s3" `x-amz-content-sha256` (equal to payload_hash).
typedef struct dogb_sign_request {
    const char *method; // "GET"
    const char *path;   // "/bucket/a key"; begins with '/', is not normalised
    const dogb_sign_field *query;
    size_t query_count;
    const dogb_sign_field *headers;
    size_t header_count;
    const char *payload_hash; // SHA-256 of the body in hexadecimal, or DOGB_SIGN_UNSIGNED
    const char *time;         // "20130524T000000Z", UTC
    const char *region;
    const char *service; // "s3"
} dogb_sign_request;

// The value of the header Authorization, and path and query as they must be sent ("" without a
// query). Anonymous credentials: *authorization is NULL. INVALID_ARGUMENT: what cannot be sent or
// would be refused for sure (a line break in a header, no host, a date that differs ...).
int dogb_sign(char **authorization, char **encoded_path, char **encoded_query, dogb_arena *arena,
              const dogb_sign_request *request, const dogb_credentials *credentials);

// A presigned request: "/path?query", to be put behind "https://host". headers: `host` and what the
// user of the link will have to send too; payload_hash NULL is DOGB_SIGN_UNSIGNED. expires: seconds
// from `time`, 1 to 604800.
int dogb_sign_url(char **target, dogb_arena *arena, const dogb_sign_request *request,
                  const dogb_credentials *credentials, int32_t expires);

// What is hashed and signed.
typedef struct dogb_canonical {
    char *path;
    char *query;
    char *names; // "host;x-amz-date"
    char *text;
} dogb_canonical;
int dogb_sign_canonical(dogb_canonical *out, dogb_arena *arena, const dogb_sign_request *request);

// The value of a header; NULL: not given.
const char *dogb_sign_header(const dogb_sign_request *request, const char *name);

// The key of one day, region and service. The caller wipes it.
int dogb_sign_key(uint8_t key[32], const char *secret, const dogb_sign_request *request);

#endif
