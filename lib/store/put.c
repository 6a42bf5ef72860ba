// put.c - one file to an object: in one request when it is small, else in parts (upload.c).
#include "core/error.h"
#include "store/digest.h"
#include "store/transfer.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PARTS_MAX = 10000, MEGABYTE = 1 << 20 };
static const int64_t OBJECT_MAX = (int64_t)5 << 40;

int64_t dogb_store_part_size(const dogbreed_store *store, int64_t size) {
    int64_t least = (size + PARTS_MAX - 1) / PARTS_MAX;
    least = (least + MEGABYTE - 1) / MEGABYTE * MEGABYTE;
    return least > store->options.part_size ? least : store->options.part_size;
}

// The ETag of an answer, compared with the MD5 of what was sent, where it is one.
static int take_etag(dogb_sent *out, const dogb_uri *uri, const dogb_http_answer *answer,
                     dogb_arena *arena) {
    const char *header = dogb_http_header_of(answer, "etag");
    char *etag = dogb_store_etag(arena, header == NULL ? "" : header);
    if (etag == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    if (*etag == '\0' || strlen(etag) >= sizeof out->etag) {
        return dogb_fail(DOGBREED_ERROR_FORMAT, "s3://%s/%s: the server gives no ETag", uri->bucket,
                         uri->key);
    }
    memcpy(out->etag, etag, strlen(etag) + 1);
    if (*out->md5 == '\0' || !dogb_store_is_md5(etag) || !dogb_store_is_plain(answer) ||
        strcmp(etag, out->md5) == 0) {
        return DOGBREED_OK;
    }
    return dogb_fail(DOGBREED_ERROR_MISMATCH,
                     "s3://%s/%s: the server has other bytes (ETag %s) than were sent (MD5 %s)",
                     uri->bucket, uri->key, etag, out->md5);
}

int dogb_store_send_part(dogb_sent *out, dogbreed_store *store, const dogb_call *call) {
    dogb_arena scratch = {0};
    dogb_http_answer answer;
    char hash[DOGB_SHA256_TEXT];
    dogb_call hashed = *call;
    int rc = dogb_digest_part(hash, out->md5, call->from, call->from_offset, call->size);
    hashed.body_hash = hash;
    rc = rc < 0 ? rc : dogb_store_call(&answer, &scratch, store, &hashed);
    rc = rc < 0 ? rc : take_etag(out, &call->uri, &answer, &scratch);
    dogb_arena_free(&scratch);
    return rc;
}

size_t dogb_store_encryption(dogb_sign_field *out, const dogbreed_store *store) {
    const struct {
        const char *name, *value;
    } rows[DOGB_ENCRYPTION_FIELDS] = {
        {"x-amz-server-side-encryption", store->options.encryption},
        {"x-amz-server-side-encryption-aws-kms-key-id", store->options.encryption_key},
    };
    size_t count = 0;
    for (size_t i = 0; i < DOGB_ENCRYPTION_FIELDS; i++) {
        if (*rows[i].value != '\0') {
            out[count++] = (dogb_sign_field){rows[i].name, rows[i].value};
        }
    }
    return count;
}

static int put_whole(dogbreed_store *store, const dogb_uri *uri, int descriptor, int64_t size) {
    dogb_sent sent;
    dogb_sign_field headers[DOGB_ENCRYPTION_FIELDS];
    const dogb_call call = {.method = "PUT",
                            .uri = *uri,
                            .headers = headers,
                            .header_count = dogb_store_encryption(headers, store),
                            .from = descriptor,
                            .size = size};
    int rc = dogb_store_send_part(&sent, store, &call);
    if (rc == DOGBREED_OK) {
        (void)atomic_fetch_add(&store->bytes, size);
    }
    return rc;
}

static int open_file(int *out, int64_t *size, const char *path) {
    struct stat info;
    // NONBLOCK: a pipe must not hang us.
    *out = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (*out < 0) {
        return dogb_fail_errno(errno == ENOENT || errno == ENOTDIR ? DOGBREED_ERROR_NOT_FOUND
                                                                   : DOGBREED_ERROR_IO,
                               "%s: cannot be opened", path);
    }
    if (fstat(*out, &info) != 0 || !S_ISREG(info.st_mode) || info.st_size > OBJECT_MAX) {
        (void)close(*out);
        return dogb_fail(DOGBREED_ERROR_INVALID_ARGUMENT,
                         "%s: expected a regular file of at most 5 TiB", path);
    }
    *size = info.st_size;
    return DOGBREED_OK;
}

int dogb_store_upload(dogbreed_store *store, const dogb_uri *uri, const char *path) {
    int descriptor = -1;
    int64_t size = 0;
    int rc = open_file(&descriptor, &size, path);
    if (rc < 0) {
        return rc;
    }
    rc = dogb_store_parts(store, size) == 1
             ? put_whole(store, uri, descriptor, size)
             : dogb_store_upload_parts(store, uri, descriptor, size, path);
    (void)close(descriptor);
    if (rc == DOGBREED_OK) {
        (void)atomic_fetch_add(&store->files, 1);
    }
    return rc;
}

typedef struct putting {
    dogbreed_store *store;
    const dogb_uri *uri;
    const char *path;
} putting;

static int put_one(int64_t index, void *userdata) {
    const putting *p = userdata;
    (void)index;
    return dogb_store_upload(p->store, p->uri, p->path);
}

int dogbreed_store_put(dogbreed_store *store, const char *path, const char *uri) {
    DOGB_CHECK(store != NULL, "store: NULL, expected a handle");
    DOGB_CHECK(path != NULL && uri != NULL, "store: path and uri must not be NULL");
    dogb_arena scratch = {0};
    dogb_uri to;
    struct stat info;
    int rc = dogb_uri_parse(&to, &scratch, uri);
    putting p = {store, &to, path};
    if (rc == DOGBREED_OK && *to.key == '\0') {
        rc = dogb_fail(DOGBREED_ERROR_INVALID_ARGUMENT, "%s: expected s3://BUCKET/KEY", uri);
    }
    int64_t size = stat(path, &info) == 0 ? (int64_t)info.st_size : 0;
    dogb_store_begin(store, 1, size);
    rc = rc < 0 ? rc : dogb_store_sweep(store);
    if (rc == DOGBREED_OK) {
        rc = dogb_store_parts(store, size) == 1 ? dogb_store_each(store, 1, put_one, &p)
                                                : put_one(0, &p);
    }
    dogb_arena_free(&scratch);
    return rc;
}

int dogb_store_remove(dogbreed_store *store, const dogb_uri *uri) {
    dogb_arena scratch = {0};
    dogb_http_answer answer;
    const dogb_call call = {.method = "DELETE", .uri = *uri};
    int rc = dogb_store_call(&answer, &scratch, store, &call);
    dogb_arena_free(&scratch);
    // Amazon says 204 in either case; some servers say 404.
    return rc == DOGBREED_ERROR_NOT_FOUND ? DOGBREED_OK : rc;
}

int dogbreed_store_delete(dogbreed_store *store, const char *uri) {
    DOGB_CHECK(store != NULL, "store: NULL, expected a handle");
    DOGB_CHECK(uri != NULL, "store: uri must not be NULL");
    dogb_arena scratch = {0};
    dogb_uri at;
    int rc = dogb_uri_parse(&at, &scratch, uri);
    if (rc == DOGBREED_OK && *at.key == '\0') {
        rc = dogb_fail(DOGBREED_ERROR_INVALID_ARGUMENT,
                       "%s: expected s3://BUCKET/KEY; buckets are not deleted", uri);
    }
    dogb_store_begin(store, 1, 0);
    rc = rc < 0 ? rc : dogb_store_remove(store, &at);
    dogb_arena_free(&scratch);
    return rc;
}
