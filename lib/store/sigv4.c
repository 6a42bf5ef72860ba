// sigv4.c - AWS Signature Version 4 of a canonical request: keys, signatures, where they are put.
#include "store/sigv4.h"
#include "core/error.h"
#include "core/hash.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <string.h>

enum { SECRET_MAX = 1024, EXPIRES_MAX = 7 * 24 * 3600, URL_FIELDS = 6 };

static int hmac(uint8_t out[32], const void *key, size_t key_size, const char *text) {
    unsigned size = 32;
    if (HMAC(EVP_sha256(), key, (int)key_size, (const uint8_t *)text, strlen(text), out, &size) ==
        NULL) {
        return dogb_fail(DOGBREED_ERROR_INTERNAL, "libcrypto refused to compute HMAC-SHA-256");
    }
    return DOGBREED_OK;
}

int dogb_sign_key(uint8_t key[32], const char *secret, const dogb_sign_request *request) {
    int rc = DOGBREED_OK;
    uint8_t first[4 + SECRET_MAX] = "AWS4", second[32];
    char date[9] = "";
    size_t size = strlen(secret);
    DOGB_CHECK(size <= SECRET_MAX, "the secret key has %zu bytes, at most %d are allowed", size,
               SECRET_MAX);
    memcpy(first + 4, secret, size);
    memcpy(date, request->time, 8);
    if ((rc = hmac(second, first, size + 4, date)) == DOGBREED_OK &&
        (rc = hmac(key, second, 32, request->region)) == DOGBREED_OK &&
        (rc = hmac(second, key, 32, request->service)) == DOGBREED_OK) {
        rc = hmac(key, second, 32, "aws4_request");
    }
    OPENSSL_cleanse(first, sizeof first);
    OPENSSL_cleanse(second, sizeof second);
    return rc;
}

// "20130524/us-east-1/s3/aws4_request"
static char *scope_of(dogb_arena *arena, const dogb_sign_request *request) {
    return dogb_format(arena, "%.8s/%s/%s/aws4_request", request->time, request->region,
                       request->service);
}

// What is signed is the scope, as it stands, and the hash of the canonical request.
static int signature_of(char out[65], dogb_arena *arena, const dogb_sign_request *request,
                        const char *canonical, const dogb_credentials *credentials) {
    int rc = DOGBREED_OK;
    dogb_sha256 hash;
    uint8_t key[32];
    if ((rc = dogb_sha256_of(&hash, canonical, strlen(canonical))) < 0) {
        return rc;
    }
    dogb_sha256_text(&hash, out);
    char *scope = scope_of(arena, request);
    char *text = scope == NULL ? NULL
                               : dogb_format(arena, "AWS4-HMAC-SHA256\n%s\n%s\n%s", request->time,
                                             scope, out);
    if (text == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    if ((rc = dogb_sign_key(key, credentials->secret, request)) == DOGBREED_OK &&
        (rc = hmac(hash.bytes, key, sizeof key, text)) == DOGBREED_OK) {
        dogb_sha256_text(&hash, out);
    }
    OPENSSL_cleanse(key, sizeof key);
    return rc;
}

// "id/20130524/us-east-1/s3/aws4_request"
static char *credential_of(dogb_arena *arena, const dogb_sign_request *request,
                           const dogb_credentials *credentials) {
    char *scope = scope_of(arena, request);
    return scope == NULL ? NULL : dogb_format(arena, "%s/%s", credentials->id, scope);
}

// A header that repeats what the request says.
static int check_copy(const dogb_sign_request *request, const char *name, const char *value) {
    const char *given = dogb_sign_header(request, name);
    DOGB_CHECK(given != NULL && strcmp(given, value) == 0,
               "header %s: missing or not what is signed", name);
    return DOGBREED_OK;
}

static int check_headers(const dogb_sign_request *request, const dogb_credentials *credentials) {
    int rc = check_copy(request, "x-amz-date", request->time);
    if (rc == DOGBREED_OK && strcmp(request->service, "s3") == 0) {
        rc = check_copy(request, "x-amz-content-sha256", request->payload_hash);
    }
    if (rc == DOGBREED_OK && credentials->token != NULL) {
        rc = check_copy(request, "x-amz-security-token", credentials->token);
    }
    return rc;
}

static int authorize(char **out, dogb_arena *arena, const dogb_sign_request *request,
                     const dogb_canonical *canonical, const dogb_credentials *credentials) {
    int rc = DOGBREED_OK;
    char signature[65];
    if ((rc = dogb_credentials_check(credentials, "the signature")) < 0 ||
        (rc = check_headers(request, credentials)) < 0 ||
        (rc = signature_of(signature, arena, request, canonical->text, credentials)) < 0) {
        return rc;
    }
    char *credential = credential_of(arena, request, credentials);
    if (credential != NULL) {
        *out = dogb_format(arena, "AWS4-HMAC-SHA256 Credential=%s,SignedHeaders=%s,Signature=%s",
                           credential, canonical->names, signature);
    }
    return *out == NULL ? DOGBREED_ERROR_NO_MEMORY : DOGBREED_OK;
}

int dogb_sign(char **authorization, char **encoded_path, char **encoded_query, dogb_arena *arena,
              const dogb_sign_request *request, const dogb_credentials *credentials) {
    int rc = DOGBREED_OK;
    dogb_canonical canonical;
    *authorization = *encoded_path = *encoded_query = NULL;
    if ((rc = dogb_sign_canonical(&canonical, arena, request)) < 0 ||
        (!credentials->anonymous &&
         (rc = authorize(authorization, arena, request, &canonical, credentials)) < 0)) {
        return rc;
    }
    *encoded_path = canonical.path;
    *encoded_query = canonical.query;
    return DOGBREED_OK;
}

// The request with what a presigned one says about itself in its query.
static int add_fields(dogb_sign_request *out, dogb_arena *arena, const char *names,
                      const dogb_credentials *credentials, int32_t expires) {
    dogb_sign_field *query = dogb_alloc(arena, out->query_count + URL_FIELDS, sizeof *query);
    char *credential = credential_of(arena, out, credentials);
    char *seconds = dogb_format(arena, "%d", (int)expires);
    if (query == NULL || credential == NULL || seconds == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    const dogb_sign_field added[URL_FIELDS] = {
        {"X-Amz-Algorithm", "AWS4-HMAC-SHA256"},
        {"X-Amz-Credential", credential},
        {"X-Amz-Date", out->time},
        {"X-Amz-Expires", seconds},
        {"X-Amz-SignedHeaders", names},
        {"X-Amz-Security-Token", credentials->token},
    };
    for (size_t i = 0; i < out->query_count; i++) {
        query[i] = out->query[i];
    }
    memcpy(query + out->query_count, added, sizeof added);
    out->query = query;
    out->query_count += credentials->token == NULL ? URL_FIELDS - 1 : URL_FIELDS;
    return DOGBREED_OK;
}

int dogb_sign_url(char **target, dogb_arena *arena, const dogb_sign_request *request,
                  const dogb_credentials *credentials, int32_t expires) {
    int rc = DOGBREED_OK;
    dogb_canonical canonical;
    dogb_sign_request whole = *request;
    char signature[65];
    *target = NULL;
    DOGB_CHECK(expires >= 1 && expires <= EXPIRES_MAX, "expires: %d seconds, expected 1 to %d",
               (int)expires, EXPIRES_MAX);
    if (whole.payload_hash == NULL) {
        whole.payload_hash = DOGB_SIGN_UNSIGNED;
    }
    // Twice: the list of headers' names is part of the query.
    if ((rc = dogb_credentials_check(credentials, "the signature")) < 0 ||
        (rc = dogb_sign_canonical(&canonical, arena, &whole)) < 0 ||
        (rc = add_fields(&whole, arena, canonical.names, credentials, expires)) < 0 ||
        (rc = dogb_sign_canonical(&canonical, arena, &whole)) < 0 ||
        (rc = signature_of(signature, arena, &whole, canonical.text, credentials)) < 0) {
        return rc;
    }
    *target =
        dogb_format(arena, "%s?%s&X-Amz-Signature=%s", canonical.path, canonical.query, signature);
    return *target == NULL ? DOGBREED_ERROR_NO_MEMORY : DOGBREED_OK;
}
