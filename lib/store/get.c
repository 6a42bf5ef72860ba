// get.c - one object to a file. It is written aside, into a file of a fixed name beside its place,
// and renamed when it is whole; what large ones have so far is written down in a journal, and the
// next call goes on from there. One process at a time does it (flock).
#include "core/error.h"
#include "core/file.h"
#include "core/hash.h"
#include "core/log.h"
#include "store/digest.h"
#include "store/journal.h"
#include "store/transfer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { JOURNAL_MAX = 1 << 20 };

typedef struct download {
    dogbreed_store *store;
    const dogb_uri *uri;
    const dogb_object *object;
    const dogb_target *target;
    dogb_arena *arena;
    char aside[48];
    char journal[48];
    int descriptor;
    int64_t part_size;
    int32_t parts;
    int64_t *missing; // indices of parts that are not there
    int64_t missing_count;
    pthread_mutex_t lock; // guards what follows
    char *done;           // '1' for each part that is there
    int is_plain;         // the ETag is an MD5
} download;

int dogb_store_head(dogb_object *out, dogb_arena *arena, dogbreed_store *store,
                    const dogb_uri *uri) {
    dogb_http_answer answer;
    const dogb_call call = {.method = "HEAD", .uri = *uri};
    *out = (dogb_object){0};
    int rc = dogb_store_call(&answer, arena, store, &call);
    if (rc < 0) {
        return rc;
    }
    const char *size = dogb_http_header_of(&answer, "content-length");
    const char *etag = dogb_http_header_of(&answer, "etag");
    const char *modified = dogb_http_header_of(&answer, "last-modified");
    char *end = NULL;
    long long bytes = size == NULL ? -1 : strtoll(size, &end, 10);
    if (bytes < 0 || *end != '\0' || etag == NULL) {
        return dogb_fail(DOGBREED_ERROR_FORMAT, "s3://%s/%s: the server says no size or no ETag",
                         uri->bucket, uri->key);
    }
    out->key = uri->key;
    out->size = bytes;
    out->modified = modified == NULL ? 0.0 : dogb_store_time(modified);
    out->etag = dogb_store_etag(arena, etag);
    return out->etag == NULL ? DOGBREED_ERROR_NO_MEMORY : DOGBREED_OK;
}

int32_t dogb_store_parts(const dogbreed_store *store, int64_t size) {
    int64_t part_size = dogb_store_part_size(store, size);
    return size <= part_size ? 1 : (int32_t)((size + part_size - 1) / part_size);
}

// Names in the folder that do not depend on how long the file's own is.
static int name_aside(download *d) {
    dogb_sha256 sum;
    char text[65];
    int rc = dogb_sha256_of(&sum, d->target->name, strlen(d->target->name));
    if (rc == DOGBREED_OK) {
        dogb_sha256_text(&sum, text);
        (void)snprintf(d->aside, sizeof d->aside, ".dogbreed-%.16s.part", text);
        (void)snprintf(d->journal, sizeof d->journal, ".dogbreed-%.16s.json", text);
    }
    return rc;
}

static void close_aside(void *pointer) {
    const download *d = pointer;
    if (d->descriptor >= 0) {
        (void)close(d->descriptor); // with its lock
    }
}

// Opens and locks it. Whoever held the lock may have renamed the file meanwhile: then anew.
static int open_aside(download *d) {
    for (;;) {
        struct stat ours;
        struct stat there;
        int descriptor =
            openat(d->target->folder, d->aside, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666);
        if (descriptor < 0) {
            return dogb_fail_errno(DOGBREED_ERROR_IO, "%s: cannot be created", d->target->shown);
        }
        int rc = flock(descriptor, LOCK_EX);
        while (rc != 0 && errno == EINTR) {
            rc = flock(descriptor, LOCK_EX);
        }
        if (fstat(descriptor, &ours) == 0 &&
            fstatat(d->target->folder, d->aside, &there, AT_SYMLINK_NOFOLLOW) == 0 &&
            ours.st_ino == there.st_ino && ours.st_dev == there.st_dev) {
            d->descriptor = descriptor;
            return DOGBREED_OK;
        }
        (void)close(descriptor);
    }
}

// The journal's text if it speaks of this object in these parts; else nothing is there yet.
static int read_journal(download *d) {
    char text[JOURNAL_MAX / 16];
    dogb_download_journal j;
    int descriptor = openat(d->target->folder, d->journal, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    ssize_t size = descriptor < 0 ? -1 : read(descriptor, text, sizeof text);
    if (descriptor >= 0) {
        (void)close(descriptor);
    }
    char *own = dogb_format(d->arena, "s3://%s/%s", d->uri->bucket, d->uri->key);
    if (size <= 0 || own == NULL ||
        dogb_download_journal_read(&j, d->arena, text, (size_t)size, d->journal) < 0 ||
        strcmp(j.uri, own) != 0 || strcmp(j.etag, d->object->etag) != 0 ||
        strlen(j.done) != (size_t)d->parts || j.size != d->object->size ||
        j.part_size != d->part_size) {
        return 0;
    }
    memcpy(d->done, j.done, (size_t)d->parts);
    return 1;
}

// The part's bytes are on the disk before the journal says so.
static int write_journal(download *d) {
    dogb_arena scratch = {0};
    char *uri = dogb_format(&scratch, "s3://%s/%s", d->uri->bucket, d->uri->key);
    const dogb_download_journal journal = {uri, d->object->etag, d->done, d->object->size,
                                           d->part_size};
    char *text = uri == NULL ? NULL : dogb_download_journal_text(&scratch, &journal);
    int rc = text == NULL ? DOGBREED_ERROR_NO_MEMORY : DOGBREED_OK;
    if (rc == DOGBREED_OK) {
        size_t size = strlen(text);
        int descriptor = openat(d->target->folder, d->journal,
                                O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666);
        // In place, and always of the same length: a torn one is not valid or says less.
        if (descriptor < 0 || pwrite(descriptor, text, size, 0) != (ssize_t)size) {
            rc = dogb_fail_errno(DOGBREED_ERROR_IO, "%s: its journal cannot be written",
                                 d->target->shown);
        }
        if (descriptor >= 0) {
            (void)close(descriptor);
        }
    }
    dogb_arena_free(&scratch);
    return rc;
}

static int get_part(int64_t index, void *userdata) {
    download *d = userdata;
    dogb_arena scratch = {0};
    dogb_http_answer answer;
    int64_t part = d->missing[index];
    int64_t begin = part * d->part_size;
    int64_t end = begin + d->part_size < d->object->size ? begin + d->part_size : d->object->size;
    const dogb_call call = {.method = "GET",
                            .uri = *d->uri,
                            .into = &d->descriptor,
                            .begin = begin,
                            .end = end,
                            .whole = d->parts == 1,
                            .etag = d->object->etag};
    int rc = dogb_store_call(&answer, &scratch, d->store, &call);
    if (rc == DOGBREED_OK && d->parts > 1 && fdatasync(d->descriptor) != 0) {
        rc = dogb_fail_errno(DOGBREED_ERROR_IO, "%s: cannot be written", d->target->shown);
    }
    if (rc == DOGBREED_OK) {
        (void)atomic_fetch_add(&d->store->bytes, end - begin);
        (void)pthread_mutex_lock(&d->lock);
        d->is_plain &= dogb_store_is_plain(&answer);
        d->done[part] = '1';
        rc = d->parts > 1 ? write_journal(d) : DOGBREED_OK;
        (void)pthread_mutex_unlock(&d->lock);
    }
    dogb_arena_free(&scratch);
    return rc;
}

static int prepare(download *d) {
    d->done = dogb_alloc(d->arena, (size_t)d->parts + 1, 1);
    d->missing = dogb_alloc(d->arena, (size_t)d->parts, sizeof *d->missing);
    if (d->done == NULL || d->missing == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    struct stat info; // the journal of a file that is not there any more says nothing
    memset(d->done, '0', (size_t)d->parts);
    int goes_on = d->parts > 1 && fstat(d->descriptor, &info) == 0 &&
                  info.st_size == d->object->size && read_journal(d);
    if (!goes_on) {
        (void)unlinkat(d->target->folder, d->journal, 0);
    }
    if ((!goes_on && ftruncate(d->descriptor, 0) != 0) ||
        ftruncate(d->descriptor, (off_t)d->object->size) != 0) {
        return dogb_fail_errno(DOGBREED_ERROR_IO, "%s: cannot be written", d->target->shown);
    }
    for (int32_t i = 0; i < d->parts; i++) {
        if (d->done[i] == '0') {
            d->missing[d->missing_count++] = i;
        } else {
            (void)atomic_fetch_add(&d->store->bytes, d->part_size);
        }
    }
    if (goes_on) {
        dogb_log(DOGBREED_LOG_DEBUG, "%s: goes on, %lld of %d parts are missing", d->target->shown,
                 (long long)d->missing_count, (int)d->parts);
    }
    return DOGBREED_OK;
}

static void discard(const download *d) {
    (void)unlinkat(d->target->folder, d->aside, 0);
    (void)unlinkat(d->target->folder, d->journal, 0);
}

// What came is what the ETag says, as far as it says it; then it gets its name.
static int finish(download *d) {
    int same = -1;
    int rc = d->is_plain ? dogb_digest_compare(&same, d->descriptor, d->object->size,
                                               d->object->etag, d->part_size)
                         : DOGBREED_OK;
    if (rc == DOGBREED_OK && same == 0) {
        discard(d);
        return dogb_fail(DOGBREED_ERROR_MISMATCH,
                         "s3://%s/%s: what arrived is not what its ETag %s says", d->uri->bucket,
                         d->uri->key, d->object->etag);
    }
    if (rc == DOGBREED_OK &&
        ((!d->target->hasty && fsync(d->descriptor) != 0) ||
         renameat(d->target->folder, d->aside, d->target->folder, d->target->name) != 0)) {
        rc = dogb_fail_errno(DOGBREED_ERROR_IO, "%s: cannot be written", d->target->shown);
    }
    if (rc == DOGBREED_OK) {
        (void)unlinkat(d->target->folder, d->journal, 0);
        if (!d->target->hasty) {
            (void)fsync(d->target->folder); // some file systems cannot: nothing more to be done
        }
        (void)atomic_fetch_add(&d->store->files, 1);
    }
    return rc;
}

int dogb_store_download(dogbreed_store *store, const dogb_uri *uri, const dogb_object *object,
                        const dogb_target *target) {
    dogb_arena scratch = {0};
    download d = {
        .store = store,
        .uri = uri,
        .object = object,
        .target = target,
        .arena = &scratch,
        .descriptor = -1,
        .part_size = dogb_store_part_size(store, object->size),
        .parts = dogb_store_parts(store, object->size),
        .is_plain = 1,
    };
    if (pthread_mutex_init(&d.lock, NULL) != 0) {
        return dogb_fail(DOGBREED_ERROR_NO_MEMORY, "a lock cannot be made");
    }
    int rc = name_aside(&d);
    rc = rc < 0 ? rc : open_aside(&d);
    rc = rc < 0 ? rc : dogb_defer(&scratch, close_aside, &d);
    rc = rc < 0 ? rc : prepare(&d);
    if (rc == DOGBREED_OK) {
        rc = d.parts == 1 ? get_part(0, &d) : dogb_store_each(store, d.missing_count, get_part, &d);
        // A part of a large one stays for the next call, unless it is of no use any more.
        if (rc < 0 && (d.parts == 1 || rc == DOGBREED_ERROR_MISMATCH)) {
            discard(&d);
        }
    }
    rc = rc < 0 ? rc : finish(&d);
    dogb_arena_free(&scratch);
    (void)pthread_mutex_destroy(&d.lock);
    return rc;
}

typedef struct getting {
    dogbreed_store *store;
    const dogb_uri *uri;
    const dogb_object *object;
    const dogb_target *target;
} getting;

static int get_whole(int64_t index, void *userdata) {
    const getting *g = userdata;
    (void)index;
    return dogb_store_download(g->store, g->uri, g->object, g->target);
}

int dogbreed_store_get(dogbreed_store *store, const char *uri, const char *path) {
    DOGB_CHECK(store != NULL, "store: NULL, expected a handle");
    DOGB_CHECK(uri != NULL && path != NULL, "store: uri and path must not be NULL");
    dogb_arena scratch = {0};
    dogb_uri from;
    dogb_object object;
    dogb_target target;
    getting g = {store, &from, &object, &target};
    int rc = dogb_uri_parse(&from, &scratch, uri);
    if (rc == DOGBREED_OK && *from.key == '\0') {
        rc = dogb_fail(DOGBREED_ERROR_INVALID_ARGUMENT, "%s: expected s3://BUCKET/KEY", uri);
    }
    dogb_store_begin(store, 1, 0);
    rc = rc < 0 ? rc : dogb_target_of(&target, &scratch, path);
    rc = rc < 0 ? rc : dogb_store_head(&object, &scratch, store, &from);
    if (rc == DOGBREED_OK) {
        dogb_store_begin(store, 1, object.size);
        rc = dogb_store_parts(store, object.size) == 1 ? dogb_store_each(store, 1, get_whole, &g)
                                                       : get_whole(0, &g);
    }
    dogb_arena_free(&scratch);
    return rc;
}
