// http.c - see http.h; libcurl does the work.
#include "store/http.h"
#include "core/error.h"
#include "store/curl.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { HEADERS_MAX = 64, HEADER_SIZE_MAX = 8192, ERROR_SIZE = 256 };

struct dogb_http {
    const dogb_curl *curl;
    dogb_curl_handle *handle;
};

// One request on its way; what curl calls back gets it.
typedef struct exchange {
    const dogb_http_request *request;
    dogb_http_answer *answer;
    dogb_arena *arena;
    size_t capacity; // of answer->body
    int header_count;
    int64_t sent;
    int local_errno; // the file could not be read or written
    int rc;          // a failure of ours that curl only knows as "aborted"
    char error[ERROR_SIZE];
} exchange;

const char *dogb_http_header_of(const dogb_http_answer *answer, const char *name) {
    for (const dogb_http_header *h = answer->headers; h != NULL; h = h->next) {
        if (strcmp(h->name, name) == 0) {
            return h->value;
        }
    }
    return NULL;
}

// "HTTP/1.1 206 Partial Content" begins an answer; one of 100 may have come before it.
static void on_status(exchange *e, const char *line, size_t size) {
    char text[64] = "";
    memcpy(text, line, size < sizeof text - 1 ? size : sizeof text - 1);
    const char *space = strchr(text, ' ');
    e->answer->status = space == NULL ? 0 : (int32_t)strtol(space + 1, NULL, 10);
    e->answer->headers = NULL;
    e->header_count = 0;
}

static size_t on_header(char *line, size_t one, size_t size, void *userdata) {
    exchange *e = userdata;
    (void)one;
    if (size >= 5 && memcmp(line, "HTTP/", 5) == 0) {
        on_status(e, line, size);
        return size;
    }
    const char *colon = memchr(line, ':', size);
    if (colon == NULL || size > HEADER_SIZE_MAX || e->header_count >= HEADERS_MAX) {
        return size; // the rest is not needed
    }
    const char *value = colon + 1;
    const char *end = line + size;
    while (value < end && isspace((unsigned char)*value)) {
        value++;
    }
    while (end > value && isspace((unsigned char)end[-1])) {
        end--;
    }
    dogb_http_header *header = dogb_alloc(e->arena, 1, sizeof *header);
    char *name = dogb_strndup(e->arena, line, (size_t)(colon - line));
    char *copy = dogb_strndup(e->arena, value, (size_t)(end - value));
    if (header == NULL || name == NULL || copy == NULL) {
        e->rc = DOGBREED_ERROR_NO_MEMORY;
        return 0;
    }
    for (char *c = name; *c != '\0'; c++) {
        *c = (char)tolower((unsigned char)*c);
    }
    *header = (dogb_http_header){name, copy, e->answer->headers};
    e->answer->headers = header;
    e->header_count++;
    return size;
}

static size_t to_memory(exchange *e, const char *data, size_t size) {
    dogb_http_answer *answer = e->answer;
    if (size > e->request->memory_max - answer->size) {
        e->rc = dogb_fail(DOGBREED_ERROR_NETWORK, "the answer has more than %zu bytes",
                          e->request->memory_max);
        return 0;
    }
    if (dogb_grow(e->arena, &answer->body, &e->capacity, answer->size + size, 1) < 0) {
        e->rc = DOGBREED_ERROR_NO_MEMORY;
        return 0;
    }
    memcpy(answer->body + answer->size, data, size);
    answer->size += size;
    answer->body[answer->size] = '\0';
    return size;
}

static size_t to_file(exchange *e, const char *data, size_t size) {
    const dogb_http_request *r = e->request;
    dogb_http_answer *answer = e->answer;
    if ((int64_t)size > r->into_max - answer->received) {
        e->rc =
            dogb_fail(DOGBREED_ERROR_NETWORK, "the answer has more than the expected %lld bytes",
                      (long long)r->into_max);
        return 0;
    }
    for (size_t done = 0; done < size;) {
        ssize_t count =
            pwrite(r->into, data + done, size - done, (off_t)(r->into_offset + answer->received));
        if (count < 0 && errno == EINTR) {
            continue;
        }
        if (count < 0) {
            e->local_errno = errno;
            return 0;
        }
        done += (size_t)count;
        answer->received += count;
    }
    return size;
}

static size_t on_body(char *data, size_t one, size_t size, void *userdata) {
    exchange *e = userdata;
    (void)one;
    return e->request->into >= 0 && e->answer->status == e->request->into_status
               ? to_file(e, data, size)
               : to_memory(e, data, size);
}

static size_t on_read(char *data, size_t one, size_t room, void *userdata) {
    exchange *e = userdata;
    const dogb_http_request *r = e->request;
    int64_t left = r->size - e->sent;
    size_t size = (int64_t)(room * one) < left ? room * one : (size_t)left;
    if (r->body != NULL) {
        memcpy(data, (const char *)r->body + e->sent, size);
    } else if (size > 0) {
        ssize_t count = 0;
        do {
            count = pread(r->from, data, size, (off_t)(r->from_offset + e->sent));
        } while (count < 0 && errno == EINTR);
        if (count <= 0) { // 0: it shrank while it was sent
            e->local_errno = count < 0 ? errno : ENODATA;
            return 0x10000000; // CURL_READFUNC_ABORT
        }
        size = (size_t)count;
    }
    e->sent += (int64_t)size;
    return size;
}

// A kept connection that the server had closed makes curl begin anew.
static int on_seek(void *userdata, int64_t offset, int origin) {
    exchange *e = userdata;
    if (origin != SEEK_SET || offset < 0 || offset > e->request->size) {
        return 1;
    }
    e->sent = offset;
    return 0;
}

static int on_progress(void *userdata, int64_t all, int64_t now, int64_t up_all, int64_t up_now) {
    const exchange *e = userdata;
    (void)all, (void)now, (void)up_all, (void)up_now;
    return e->request->cancel != NULL && atomic_load(e->request->cancel) != 0;
}

int dogb_http_open(dogb_http **out) {
    const dogb_curl *curl = NULL;
    int rc = dogb_curl_load(&curl);
    *out = NULL;
    if (rc < 0) {
        return rc;
    }
    dogb_http *http = dogb_malloc(1, sizeof *http);
    dogb_curl_handle *handle = http == NULL ? NULL : curl->curl_easy_init();
    if (handle == NULL) {
        dogb_free(http);
        return dogb_fail(DOGBREED_ERROR_NO_MEMORY, "out of memory for a connection");
    }
    *http = (dogb_http){curl, handle};
    *out = http;
    return DOGBREED_OK;
}

void dogb_http_close(dogb_http *http) {
    if (http != NULL) {
        http->curl->curl_easy_cleanup(http->handle);
        dogb_free(http);
    }
}

static void list_free(void *list) {
    const dogb_curl *curl = NULL;
    if (dogb_curl_load(&curl) == DOGBREED_OK) {
        curl->curl_slist_free_all(list);
    }
}

// *out is released by the scratch arena.
static int header_list(struct curl_slist **out, dogb_arena *scratch, const dogb_curl *curl,
                       const dogb_http_request *r) {
    // Not to wait for "100 Continue"; curl's own type for bodies would not be ours.
    struct curl_slist *list = curl->curl_slist_append(NULL, "Expect:");
    int failed = list == NULL;
    for (size_t i = 0; !failed && i < r->header_count; i++) {
        struct curl_slist *longer = curl->curl_slist_append(list, r->headers[i]);
        failed = longer == NULL;
        list = failed ? list : longer;
    }
    if (failed) {
        curl->curl_slist_free_all(list);
        return dogb_fail(DOGBREED_ERROR_NO_MEMORY, "out of memory for a request");
    }
    *out = list;
    return dogb_defer(scratch, list_free, list);
}

// Everything but the method's own options.
static unsigned set_all(dogb_http *http, exchange *e, struct curl_slist *headers) {
    const dogb_curl *c = http->curl;
    const dogb_http_request *r = e->request;
    const struct {
        unsigned option;
        long value;
    } numbers[] = {
        {DOGB_CURLOPT_NOSIGNAL, 1},
        {DOGB_CURLOPT_FOLLOWLOCATION, 0},
        {DOGB_CURLOPT_PATH_AS_IS, 1},
        {DOGB_CURLOPT_NOPROGRESS, 0},
        {DOGB_CURLOPT_LOW_SPEED_LIMIT, 1},
        {DOGB_CURLOPT_LOW_SPEED_TIME, (long)(r->timeout + 0.999)},
        {DOGB_CURLOPT_CONNECTTIMEOUT_MS, (long)(r->connect_timeout * 1000.0)},
    };
    const struct {
        unsigned option;
        const void *value;
    } pointers[] = {
        {DOGB_CURLOPT_PROTOCOLS_STR, "http,https"},
        {DOGB_CURLOPT_URL, r->url},
        {DOGB_CURLOPT_HTTPHEADER, headers},
        {DOGB_CURLOPT_ERRORBUFFER, e->error},
        {DOGB_CURLOPT_WRITEDATA, e},
        {DOGB_CURLOPT_READDATA, e},
        {DOGB_CURLOPT_HEADERDATA, e},
        {DOGB_CURLOPT_SEEKDATA, e},
        {DOGB_CURLOPT_XFERINFODATA, e},
    };
    unsigned code = DOGB_CURLE_OK;
    for (size_t i = 0; code == DOGB_CURLE_OK && i < sizeof numbers / sizeof numbers[0]; i++) {
        code = c->curl_easy_setopt(http->handle, numbers[i].option, numbers[i].value);
    }
    for (size_t i = 0; code == DOGB_CURLE_OK && i < sizeof pointers / sizeof pointers[0]; i++) {
        code = c->curl_easy_setopt(http->handle, pointers[i].option, pointers[i].value);
    }
    if (code == DOGB_CURLE_OK && r->direct) {
        code = c->curl_easy_setopt(http->handle, DOGB_CURLOPT_PROXY, "");
    }
    if (code == DOGB_CURLE_OK && r->ca_bundle != NULL) {
        code = c->curl_easy_setopt(http->handle, DOGB_CURLOPT_CAINFO, r->ca_bundle);
    }
    if (code == DOGB_CURLE_OK &&
        (code = c->curl_easy_setopt(http->handle, DOGB_CURLOPT_WRITEFUNCTION, on_body)) == 0 &&
        (code = c->curl_easy_setopt(http->handle, DOGB_CURLOPT_HEADERFUNCTION, on_header)) == 0 &&
        (code = c->curl_easy_setopt(http->handle, DOGB_CURLOPT_READFUNCTION, on_read)) == 0 &&
        (code = c->curl_easy_setopt(http->handle, DOGB_CURLOPT_SEEKFUNCTION, on_seek)) == 0) {
        code = c->curl_easy_setopt(http->handle, DOGB_CURLOPT_XFERINFOFUNCTION, on_progress);
    }
    return code;
}

static unsigned set_method(dogb_http *http, const dogb_http_request *r) {
    const dogb_curl *c = http->curl;
    unsigned code = DOGB_CURLE_OK;
    if (strcmp(r->method, "HEAD") == 0) {
        return c->curl_easy_setopt(http->handle, DOGB_CURLOPT_NOBODY, 1L);
    }
    if (strcmp(r->method, "GET") == 0) {
        return c->curl_easy_setopt(http->handle, DOGB_CURLOPT_HTTPGET, 1L);
    }
    if (strcmp(r->method, "PUT") == 0 || strcmp(r->method, "POST") == 0) {
        code = c->curl_easy_setopt(http->handle, DOGB_CURLOPT_UPLOAD, 1L);
        if (code == DOGB_CURLE_OK) {
            code =
                c->curl_easy_setopt(http->handle, DOGB_CURLOPT_INFILESIZE_LARGE, (int64_t)r->size);
        }
    }
    return code == DOGB_CURLE_OK
               ? c->curl_easy_setopt(http->handle, DOGB_CURLOPT_CUSTOMREQUEST, r->method)
               : code;
}

static int outcome(exchange *e, const dogb_curl *curl, unsigned code) {
    const dogb_http_request *r = e->request;
    if (code == DOGB_CURLE_OK) {
        return DOGBREED_OK;
    }
    if (e->rc < 0) {
        return e->rc;
    }
    if (e->local_errno != 0) {
        errno = e->local_errno;
        return dogb_fail_errno(DOGBREED_ERROR_IO, "the local file cannot be %s",
                               r->into >= 0 ? "written" : "read");
    }
    if (r->cancel != NULL && atomic_load(r->cancel) != 0) {
        return dogb_fail(DOGBREED_ERROR_CANCELLED, "the transfer was stopped");
    }
    if (code == DOGB_CURLE_OUT_OF_MEMORY) {
        return dogb_fail(DOGBREED_ERROR_NO_MEMORY, "out of memory for a transfer");
    }
    const char *ca = r->ca_bundle == NULL ? "the system's authorities" : r->ca_bundle;
    if (code == DOGB_CURLE_PEER_FAILED_VERIFICATION) {
        return dogb_fail(DOGBREED_ERROR_NETWORK,
                         "the server's certificate is not accepted (%s): %s; --ca-bundle or "
                         "AWS_CA_BUNDLE names other authorities",
                         ca, e->error[0] != '\0' ? e->error : curl->curl_easy_strerror(code));
    }
    if (code == DOGB_CURLE_SSL_CACERT_BADFILE) {
        return dogb_fail(DOGBREED_ERROR_NETWORK,
                         "ca_bundle %s: cannot be read as a PEM file of certificates", ca);
    }
    e->answer->again = 1;
    return dogb_fail(DOGBREED_ERROR_NETWORK, "%s",
                     e->error[0] != '\0' ? e->error : curl->curl_easy_strerror(code));
}

int dogb_http_send(dogb_http_answer *out, dogb_http *http, dogb_arena *arena,
                   const dogb_http_request *request) {
    dogb_arena scratch = {0};
    const dogb_curl *curl = http->curl;
    struct curl_slist *headers = NULL;
    exchange e = {.request = request, .answer = out, .arena = arena};
    *out = (dogb_http_answer){0};
    int rc = dogb_grow(arena, &out->body, &e.capacity, 0, 1);
    if (rc < 0 || (rc = header_list(&headers, &scratch, curl, request)) < 0) {
        goto out;
    }
    out->body[0] = '\0';
    curl->curl_easy_reset(http->handle); // the connection stays open
    if (set_all(http, &e, headers) != DOGB_CURLE_OK || set_method(http, request) != DOGB_CURLE_OK) {
        rc = dogb_fail(DOGBREED_ERROR_UNSUPPORTED, "s3:// needs libcurl 7.85 or newer; this is %s",
                       curl->curl_version());
        goto out;
    }
    rc = outcome(&e, curl, curl->curl_easy_perform(http->handle));
    curl->curl_easy_reset(http->handle); // nothing points into this frame any more
out:
    dogb_arena_free(&scratch);
    return rc;
}
