// client.c - see client.h: one request to S3 with its attempts.
#include "store/client.h"
#include "core/clock.h"
#include "core/error.h"
#include "core/hash.h"
#include "core/log.h"
#include "store/attempt.h"
#include "store/digest.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

enum { FIELDS_MAX = 16, HEX = DOGB_SHA256_TEXT };
static const double CONNECT_TIMEOUT = 10.0; // seconds

static char *name_of(dogb_arena *arena, const dogb_uri *uri) {
    return dogb_format(arena, "s3://%s%s%s", uri->bucket, *uri->key == '\0' ? "" : "/", uri->key);
}

// SHA-256 of the body, from memory or file.
static int hash_body(char out[HEX], const dogb_call *call) {
    dogb_sha256 sum;
    if (call->body == NULL && call->size > 0) {
        return dogb_digest_part(out, NULL, call->from, call->from_offset, call->size);
    }
    int rc = dogb_sha256_of(&sum, call->body == NULL ? "" : call->body, (size_t)call->size);
    dogb_sha256_text(&sum, out);
    return rc;
}

// What a request needs of the handle's changing part.
typedef struct view {
    dogb_credentials credentials;
    const char *region;
    double now;
} view;

static int look(view *out, dogbreed_store *store, const char *bucket) {
    int rc = DOGBREED_OK;
    (void)pthread_mutex_lock(&store->lock);
    double now = dogb_clock_wall();
    if (!store->has_credentials || dogb_credentials_due(&store->credentials, now)) {
        rc = dogb_credentials_find(&store->credentials, &store->arena, &store->credentials_conf);
        store->has_credentials = rc == DOGBREED_OK;
    }
    *out =
        (view){store->credentials, dogb_attempt_region(store, bucket), now + store->clock_offset};
    (void)pthread_mutex_unlock(&store->lock);
    return rc;
}

// Host and path by the style of addressing.
static int address(char **host, char **path, const dogb_attempt *a, const view *v) {
    const dogbreed_store *s = a->store;
    const dogb_uri *uri = &a->call->uri;
    int own = s->endpoint != NULL && !s->options.virtual_host;
    int in_path = own || s->options.path_style || strchr(uri->bucket, '.') != NULL;
    const char *base =
        s->endpoint != NULL ? s->endpoint : dogb_format(a->arena, "s3.%s.amazonaws.com", v->region);
    if (base == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    *host =
        in_path ? dogb_strdup(a->arena, base) : dogb_format(a->arena, "%s.%s", uri->bucket, base);
    *path = in_path ? dogb_format(a->arena, "/%s%s%s", uri->bucket, *uri->key == '\0' ? "" : "/",
                                  uri->key)
                    : dogb_format(a->arena, "/%s", uri->key);
    return *host == NULL || *path == NULL ? DOGBREED_ERROR_NO_MEMORY : DOGBREED_OK;
}

typedef struct fields {
    dogb_sign_field items[FIELDS_MAX];
    size_t count;
} fields;

static void add(fields *f, const char *name, const char *value) {
    if (value != NULL && f->count < FIELDS_MAX) {
        f->items[f->count++] = (dogb_sign_field){name, value};
    }
}

// "Name: value" of each field but host, which curl sends.
static int lines_of(const char **lines, size_t *count, dogb_arena *arena, const fields *f) {
    *count = 0;
    for (size_t i = 0; i < f->count; i++) {
        if (strcmp(f->items[i].name, "host") != 0) {
            lines[*count] = dogb_format(arena, "%s: %s", f->items[i].name, f->items[i].value);
            if (lines[(*count)++] == NULL) {
                return DOGBREED_ERROR_NO_MEMORY;
            }
        }
    }
    return DOGBREED_OK;
}

// Not signed: what proxies may change.
static void add_conditions(fields *f, const dogb_attempt *a) {
    const dogb_call *call = a->call;
    if (call->into != NULL && (!call->whole || a->received > 0)) {
        add(f, "Range",
            dogb_format(a->arena, "bytes=%lld-%lld", (long long)(call->begin + a->received),
                        (long long)call->end - 1));
    }
    if (call->etag != NULL) {
        add(f, "If-Match", dogb_format(a->arena, "\"%s\"", call->etag));
    }
}

static int send_signed(dogb_attempt *a, const view *v) {
    dogbreed_store *store = a->store;
    const dogb_call *call = a->call;
    fields f = {0};
    char stamp[20];
    char *host = NULL;
    char *path = NULL;
    char *query = NULL;
    char *authorization = NULL;
    const char *lines[FIELDS_MAX];
    size_t line_count = 0;
    dogb_http *http = NULL;
    time_t seconds = (time_t)v->now;
    struct tm parts;
    int rc = address(&host, &path, a, v);
    if (rc < 0) {
        return rc;
    }
    (void)strftime(stamp, sizeof stamp, "%Y%m%dT%H%M%SZ", gmtime_r(&seconds, &parts));
    add(&f, "host", host);
    add(&f, "x-amz-content-sha256", a->hash);
    add(&f, "x-amz-date", stamp);
    add(&f, "x-amz-security-token", v->credentials.token);
    for (size_t i = 0; i < call->header_count; i++) {
        add(&f, call->headers[i].name, call->headers[i].value);
    }
    const dogb_sign_request request = {
        .method = call->method,
        .path = path,
        .query = call->query,
        .query_count = call->query_count,
        .headers = f.items,
        .header_count = f.count,
        .payload_hash = a->hash,
        .time = stamp,
        .region = v->region,
        .service = "s3",
    };
    char *encoded = NULL;
    rc = dogb_sign(&authorization, &encoded, &query, a->arena, &request, &v->credentials);
    if (rc < 0) {
        return rc;
    }
    add(&f, "Authorization", authorization);
    add_conditions(&f, a);
    if ((rc = lines_of(lines, &line_count, a->arena, &f)) < 0 ||
        (rc = dogb_store_connection(&http, store)) < 0) {
        return rc;
    }
    const char *url = dogb_format(a->arena, "%s://%s%s%s%s", store->scheme, host, encoded,
                                  *query == '\0' ? "" : "?", query);
    int ranged = !call->whole || a->received > 0;
    const dogb_http_request sent = {
        .method = call->method,
        .url = url,
        .headers = lines,
        .header_count = line_count,
        .body = call->body,
        .from = call->from,
        .from_offset = call->from_offset,
        .size = call->size,
        .into = call->into == NULL ? -1 : *call->into,
        .into_status = ranged ? 206 : 200,
        .into_offset = call->begin + a->received,
        .into_max = call->end - call->begin - a->received,
        .memory_max = DOGB_ANSWER_MAX,
        .connect_timeout = CONNECT_TIMEOUT,
        .timeout = store->options.network_timeout,
        .ca_bundle = store->ca_bundle,
        .cancel = call->last ? NULL : &store->cancel,
    };
    rc = url == NULL ? DOGBREED_ERROR_NO_MEMORY : dogb_http_send(a->answer, http, a->arena, &sent);
    a->received += a->answer->received;
    dogb_store_give_back(store, http);
    return rc;
}

static int refused(const dogb_attempt *a) {
    char *name = name_of(a->arena, &a->call->uri);
    int32_t status = a->answer->status;
    const char *code = a->error.code == NULL ? "" : a->error.code;
    const char *text = a->error.message == NULL ? "" : a->error.message;
    const char *space = *code == '\0' ? "" : " ";
    if (name == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    if (status == 404) {
        return dogb_fail(DOGBREED_ERROR_NOT_FOUND, "%s: %s (404%s%s)", name,
                         strcmp(code, "NoSuchBucket") == 0 ? "no such bucket" : "no such object",
                         space, code);
    }
    if (status == 412 && a->call->etag != NULL) {
        return dogb_fail(DOGBREED_ERROR_MISMATCH, "%s: the object has changed meanwhile (412%s%s)",
                         name, space, code);
    }
    if (status >= 300 && status < 400) {
        const char *where = dogb_http_header_of(a->answer, "location");
        return dogb_fail(DOGBREED_ERROR_NETWORK,
                         "%s: the server sends us elsewhere (%d%s%s)%s%s; redirects are not "
                         "followed, give the right --endpoint or --region",
                         name, (int)status, space, code, where == NULL ? "" : ", to ",
                         where == NULL ? "" : where);
    }
    if (status == 403 || status == 401) {
        return dogb_fail(DOGBREED_ERROR_NETWORK,
                         "%s: refused (%d%s%s)%s%s; are access key and secret right?", name,
                         (int)status, space, code, *text == '\0' ? "" : ": ", text);
    }
    return dogb_fail(DOGBREED_ERROR_NETWORK, "%s: the server answered %d%s%s%s%s", name,
                     (int)status, space, code, *text == '\0' ? "" : ": ", text);
}

// The message of a failed transfer, with the object in front.
static int named(const dogb_attempt *a, int rc) {
    dogb_error_state state;
    dogb_error_save(&state, rc);
    char *name = name_of(a->arena, &a->call->uri);
    if (name == NULL || rc == DOGBREED_ERROR_NO_MEMORY) {
        return rc;
    }
    return dogb_fail(rc, "%s: %s", name, state.text);
}

// 206 with the bytes that were asked for; a server that knows no ranges sends 200.
static int check_range(const dogb_attempt *a) {
    const dogb_call *call = a->call;
    char *name = name_of(a->arena, &call->uri);
    if (call->into == NULL || a->received == call->end - call->begin) {
        return DOGBREED_OK;
    }
    return dogb_fail(DOGBREED_ERROR_MISMATCH,
                     "%s: %lld bytes arrived (status %d), %lld were expected",
                     name == NULL ? "" : name, (long long)a->received, (int)a->answer->status,
                     (long long)(call->end - call->begin));
}

// One attempt. *again: another one may succeed.
static int try_once(dogb_attempt *a, int *again) {
    view v;
    int rc = look(&v, a->store, a->call->uri.bucket);
    *again = 0;
    a->error = (dogb_store_error){0};
    if (rc < 0) {
        return rc;
    }
    if ((rc = send_signed(a, &v)) < 0) {
        *again = a->answer->again;
        return named(a, rc);
    }
    int32_t status = a->answer->status;
    if (a->answer->size > 0 && (status >= 300 || a->call->checked)) {
        dogb_store_error_read(&a->error, a->arena, a->answer->body, a->answer->size);
    }
    if (status >= 200 && status < 300 && a->error.code == NULL) {
        return check_range(a);
    }
    *again = dogb_attempt_may_pass(a);
    return refused(a);
}

int dogb_store_call(dogb_http_answer *out, dogb_arena *arena, dogbreed_store *store,
                    const dogb_call *call) {
    dogb_attempt a = {.store = store, .call = call, .arena = arena, .answer = out, .number = 1};
    int rc = DOGBREED_OK;
    *out = (dogb_http_answer){0};
    if (call->body_hash != NULL) {
        (void)snprintf(a.hash, sizeof a.hash, "%s", call->body_hash);
    } else if ((rc = hash_body(a.hash, call)) < 0) {
        return named(&a, rc);
    }
    for (;;) {
        int again = 0;
        rc = try_once(&a, &again);
        if (rc == DOGBREED_OK || rc == DOGBREED_ERROR_NO_MEMORY) {
            return rc;
        }
        dogb_error_state state;
        dogb_error_save(&state, rc);
        if (out->status != 0 && dogb_attempt_mend(&a)) {
            continue;
        }
        if (!again || a.number >= store->options.network_attempts) {
            return dogb_error_restore(&state);
        }
        dogb_log(DOGBREED_LOG_DEBUG, "attempt %d failed: %s", (int)a.number, state.text);
        dogb_attempt_wait(&a);
        a.number++;
    }
}
