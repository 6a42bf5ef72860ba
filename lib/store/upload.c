// upload.c - a file in parts. The object appears when the upload is completed; parts of one that
// never is cost money, so a journal in the cache folder says what to abort. The process that makes
// the upload holds a lock on it (flock): who gets the lock knows that process to be dead.
#include "core/buffer.h"
#include "core/error.h"
#include "core/file.h"
#include "core/hash.h"
#include "core/log.h"
#include "store/digest.h"
#include "store/journal.h"
#include "store/transfer.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

enum { JOURNAL_MAX = 1 << 16 };

typedef struct upload {
    dogbreed_store *store;
    const dogb_uri *uri;
    dogb_arena *arena;
    int descriptor;
    int64_t size;
    int64_t part_size;
    char *id;
    char *journal;
    int lock; // descriptor of the journal
    int32_t parts;
    dogb_sent *sent; // of each part
} upload;

static char *journal_folder(dogb_arena *arena, const dogbreed_store *store) {
    return dogb_path_join(arena, store->cache, "uploads");
}

static const char *endpoint_of(const dogbreed_store *store) {
    return store->endpoint == NULL ? "" : store->endpoint;
}

static int write_journal(upload *u) {
    dogb_sha256 sum;
    char name[65];
    char *folder = journal_folder(u->arena, u->store);
    int rc = folder == NULL ? DOGBREED_ERROR_NO_MEMORY : dogb_directory_make(folder);
    if (rc < 0 || (rc = dogb_sha256_of(&sum, u->id, strlen(u->id))) < 0) {
        return rc;
    }
    dogb_sha256_text(&sum, name);
    u->journal = dogb_format(u->arena, "%s/%.32s.json", folder, name);
    const dogb_upload_journal journal = {endpoint_of(u->store), u->uri->bucket, u->uri->key, u->id};
    char *text = dogb_upload_journal_text(u->arena, &journal);
    if (u->journal == NULL || text == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    u->lock = open(u->journal, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (u->lock < 0 || flock(u->lock, LOCK_EX) != 0 ||
        pwrite(u->lock, text, strlen(text), 0) != (ssize_t)strlen(text) || fsync(u->lock) != 0) {
        return dogb_fail_errno(DOGBREED_ERROR_IO, "%s: cannot be written", u->journal);
    }
    return DOGBREED_OK;
}

static int start(upload *u) {
    dogb_http_answer answer;
    static const dogb_sign_field query[] = {{"uploads", ""}};
    dogb_sign_field headers[DOGB_ENCRYPTION_FIELDS];
    const dogb_call call = {.method = "POST",
                            .uri = *u->uri,
                            .query = query,
                            .query_count = 1,
                            .headers = headers,
                            .header_count = dogb_store_encryption(headers, u->store)};
    int rc = dogb_store_call(&answer, u->arena, u->store, &call);
    rc = rc < 0 ? rc
                : dogb_store_text_of(&u->id, u->arena, &answer,
                                     "InitiateMultipartUploadResult/UploadId");
    if (rc == DOGBREED_OK && (u->id == NULL || *u->id == '\0')) {
        rc = dogb_fail(DOGBREED_ERROR_FORMAT, "s3://%s/%s: the server names no upload",
                       u->uri->bucket, u->uri->key);
    }
    return rc;
}

static int send_part(int64_t index, void *userdata) {
    upload *u = userdata;
    dogb_arena scratch = {0};
    int64_t begin = index * u->part_size;
    int64_t size = begin + u->part_size < u->size ? u->part_size : u->size - begin;
    char *number = dogb_format(&scratch, "%d", (int)index + 1);
    const dogb_sign_field query[] = {{"partNumber", number}, {"uploadId", u->id}};
    const dogb_call call = {.method = "PUT",
                            .uri = *u->uri,
                            .query = query,
                            .query_count = 2,
                            .from = u->descriptor,
                            .from_offset = begin,
                            .size = size};
    int rc = number == NULL ? DOGBREED_ERROR_NO_MEMORY
                            : dogb_store_send_part(&u->sent[index], u->store, &call);
    if (rc == DOGBREED_OK) {
        (void)atomic_fetch_add(&u->store->bytes, size);
    }
    dogb_arena_free(&scratch);
    return rc;
}

static char *completion(const upload *u) {
    dogb_buffer text = {.arena = u->arena};
    dogb_buffer_add(&text, "<CompleteMultipartUpload>");
    for (int32_t i = 0; i < u->parts; i++) {
        dogb_buffer_add(&text, "<Part><PartNumber>");
        dogb_buffer_integer(&text, i + 1);
        dogb_buffer_add(&text, "</PartNumber><ETag>&quot;");
        dogb_buffer_escaped(&text, u->sent[i].etag);
        dogb_buffer_add(&text, "&quot;</ETag></Part>");
    }
    dogb_buffer_add(&text, "</CompleteMultipartUpload>");
    return text.rc < 0 ? NULL : text.data;
}

// The object is there and has the size; the sums of its parts have been compared.
static int check_size(const upload *u, dogb_object *object) {
    int rc = dogb_store_head(object, u->arena, u->store, u->uri);
    if (rc == DOGBREED_OK && object->size != u->size) {
        rc = dogb_fail(DOGBREED_ERROR_MISMATCH,
                       "s3://%s/%s: the server has %lld bytes, %lld were sent", u->uri->bucket,
                       u->uri->key, (long long)object->size, (long long)u->size);
    }
    return rc;
}

// An attempt whose answer was lost may have completed it: then the object has our ETag.
static int is_complete(const upload *u) {
    dogb_object object;
    char etag[DOGB_ETAG_TEXT];
    return check_size(u, &object) == DOGBREED_OK &&
           dogb_digest_of_parts(etag, u->sent, u->parts) == DOGBREED_OK &&
           strcmp(etag, object.etag) == 0;
}

static int complete(upload *u) {
    dogb_http_answer answer;
    char *body = completion(u);
    const dogb_sign_field query[] = {{"uploadId", u->id}};
    static const dogb_sign_field headers[] = {{"content-type", "application/xml"}};
    if (body == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    const dogb_call call = {.method = "POST",
                            .uri = *u->uri,
                            .query = query,
                            .query_count = 1,
                            .headers = headers,
                            .header_count = 1,
                            .body = body,
                            .size = (int64_t)strlen(body),
                            .checked = 1};
    int rc = dogb_store_call(&answer, u->arena, u->store, &call);
    if (rc == DOGBREED_ERROR_NOT_FOUND) {
        dogb_error_state state;
        dogb_error_save(&state, rc);
        return is_complete(u) ? DOGBREED_OK : dogb_error_restore(&state);
    }
    dogb_object object;
    return rc < 0 ? rc : check_size(u, &object);
}

static int abort_upload(dogbreed_store *store, const dogb_uri *uri, const char *id) {
    dogb_arena scratch = {0};
    dogb_http_answer answer;
    const dogb_sign_field query[] = {{"uploadId", id}};
    const dogb_call call = {
        .method = "DELETE", .uri = *uri, .query = query, .query_count = 1, .last = 1};
    int rc = dogb_store_call(&answer, &scratch, store, &call);
    dogb_arena_free(&scratch);
    return rc == DOGBREED_ERROR_NOT_FOUND ? DOGBREED_OK : rc;
}

// The journal stays when the server cannot be told: the next run tells it.
static void give_up(upload *u) {
    dogb_error_state state;
    dogb_error_save(&state, DOGBREED_OK);
    if (abort_upload(u->store, u->uri, u->id) == DOGBREED_OK) {
        if (u->journal != NULL) {
            (void)unlink(u->journal);
        }
    } else {
        dogb_log(DOGBREED_LOG_WARNING, "s3://%s/%s: its parts stay on the server for now: %s",
                 u->uri->bucket, u->uri->key, dogbreed_error_message());
    }
    (void)dogb_error_restore(&state);
}

int dogb_store_upload_parts(dogbreed_store *store, const dogb_uri *uri, int descriptor,
                            int64_t size, const char *path) {
    dogb_arena scratch = {0};
    upload u = {
        .store = store,
        .uri = uri,
        .arena = &scratch,
        .descriptor = descriptor,
        .size = size,
        .part_size = dogb_store_part_size(store, size),
        .parts = dogb_store_parts(store, size),
        .lock = -1,
    };
    u.sent = dogb_alloc(&scratch, (size_t)u.parts, sizeof *u.sent);
    int rc = u.sent == NULL ? DOGBREED_ERROR_NO_MEMORY : start(&u);
    if (rc == DOGBREED_OK) {
        rc = write_journal(&u);
        rc = rc < 0 ? rc : dogb_store_each(store, u.parts, send_part, &u);
        rc = rc < 0 ? rc : complete(&u);
        if (rc < 0) {
            give_up(&u);
        } else {
            (void)unlink(u.journal);
        }
    }
    if (rc < 0) {
        dogb_log(DOGBREED_LOG_DEBUG, "%s: was not uploaded", path);
    }
    if (u.lock >= 0) {
        (void)close(u.lock);
    }
    dogb_arena_free(&scratch);
    return rc;
}

// One journal of another process that is dead.
static void sweep_one(dogbreed_store *store, const char *path) {
    dogb_arena scratch = {0};
    void *text = NULL;
    size_t size = 0;
    dogb_upload_journal j;
    int lock = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    if (lock < 0) {
        return;
    }
    if (flock(lock, LOCK_EX | LOCK_NB) == 0 &&
        dogb_file_read(&text, &size, &scratch, path, JOURNAL_MAX) == DOGBREED_OK &&
        dogb_upload_journal_read(&j, &scratch, text, size, path) == DOGBREED_OK &&
        strcmp(j.endpoint, endpoint_of(store)) == 0) {
        const dogb_uri uri = {dogb_strdup(&scratch, j.bucket), dogb_strdup(&scratch, j.key)};
        if (uri.bucket != NULL && uri.key != NULL &&
            abort_upload(store, &uri, j.id) == DOGBREED_OK) {
            dogb_log(DOGBREED_LOG_INFO, "s3://%s/%s: an upload that was cut off is aborted",
                     j.bucket, j.key);
            (void)unlink(path);
        }
    }
    (void)close(lock);
    dogb_arena_free(&scratch);
}

int dogb_store_sweep(dogbreed_store *store) {
    dogb_arena scratch = {0};
    if (store->swept) {
        return DOGBREED_OK;
    }
    store->swept = 1;
    char *folder = journal_folder(&scratch, store);
    DIR *directory = folder == NULL ? NULL : opendir(folder);
    dogb_error_state state;
    dogb_error_save(&state, DOGBREED_OK);
    for (struct dirent *entry = directory == NULL ? NULL : readdir(directory); entry != NULL;
         entry = readdir(directory)) {
        size_t length = strlen(entry->d_name);
        char *path = length > 5 && strcmp(entry->d_name + length - 5, ".json") == 0
                         ? dogb_path_join(&scratch, folder, entry->d_name)
                         : NULL;
        if (path != NULL) {
            sweep_one(store, path);
        }
    }
    (void)dogb_error_restore(&state);
    if (directory != NULL) {
        (void)closedir(directory);
    }
    dogb_arena_free(&scratch);
    return DOGBREED_OK;
}
