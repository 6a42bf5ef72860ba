// unpack.c - see unpack.h.
#include "core/unpack.h"
#include "core/entry.h"
#include "core/error.h"
#include "core/file.h"
#include "core/tar.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

enum {
    PIECE = 1 << 16,
    RATIO_MAX = 200 // bytes out for one byte in
};
static const int64_t RATIO_FREE = 1 << 20; // bytes out that are always allowed

enum { KIND_UNKNOWN, KIND_PLAIN, KIND_GZIP, KIND_GZIP_END };

struct dogb_unpack {
    dogb_arena *arena;
    dogb_unpack_conf conf;
    dogb_unpack_counts counts;
    dogb_tar *tar;
    dogb_entry_set seen;
    int kind;
    uint8_t first[2]; // until the kind is known
    size_t first_count;
    z_stream stream;
    int64_t in;
    int64_t out;
    int root;     // folder; -1: closed
    int parent;   // of the last file; -1: none
    char *folder; // of the last file
    int file;     // being written; -1: none
    char *name;   // of it
    uint8_t piece[PIECE];
};

static void close_all(void *pointer) {
    dogb_unpack *unpack = pointer;
    const int all[] = {unpack->root, unpack->parent, unpack->file};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        if (all[i] >= 0) {
            (void)close(all[i]);
        }
    }
    if (unpack->kind == KIND_GZIP || unpack->kind == KIND_GZIP_END) {
        (void)inflateEnd(&unpack->stream);
    }
}

static int failed(const dogb_unpack *unpack, const char *name) {
    if (errno == EEXIST || errno == ELOOP || errno == ENOTDIR || errno == EISDIR) {
        return dogb_fail(DOGBREED_ERROR_FORMAT,
                         "%s: entry \"%.200s\": something else has this place", unpack->conf.what,
                         name);
    }
    return dogb_fail_errno(DOGBREED_ERROR_IO, "%s/%.200s: cannot be written",
                           unpack->conf.directory, name);
}

// Goes down one folder after the other, making those that are missing; no link is followed. Returns
// a descriptor, or an error.
static int walk(const dogb_unpack *unpack, char *path) {
    int at = dup(unpack->root);
    for (char *part = path; at >= 0 && *part != '\0';) {
        size_t length = strcspn(part, "/");
        char end = part[length];
        part[length] = '\0';
        int next = -1;
        if (mkdirat(at, part, 0777) == 0 || errno == EEXIST) {
            next = openat(at, part, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        }
        int why = errno;
        (void)close(at);
        errno = why;
        at = next;
        part[length] = end;
        part += length + (end == '/');
    }
    return at < 0 ? failed(unpack, path) : at;
}

// Makes unpack->parent the folder of a file.
static int enter(dogb_unpack *unpack, const char *name, size_t length) {
    if (unpack->parent >= 0 && strlen(unpack->folder) == length &&
        memcmp(unpack->folder, name, length) == 0) {
        return DOGBREED_OK;
    }
    if (unpack->parent >= 0) {
        (void)close(unpack->parent);
        unpack->parent = -1;
    }
    dogb_release(unpack->arena, unpack->folder);
    unpack->folder = dogb_strndup(unpack->arena, name, length);
    if (unpack->folder == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    unpack->parent = walk(unpack, unpack->folder);
    return unpack->parent < 0 ? unpack->parent : DOGBREED_OK;
}

static int begin_folder(dogb_unpack *unpack, char *name) {
    int descriptor = walk(unpack, name);
    if (descriptor < 0) {
        return descriptor;
    }
    (void)close(descriptor);
    return DOGBREED_OK;
}

static int begin_file(dogb_unpack *unpack, const dogb_tar_entry *entry) {
    const char *slash = strrchr(unpack->name, '/');
    const char *base = slash == NULL ? unpack->name : slash + 1;
    int64_t left = unpack->conf.bytes_max - unpack->counts.bytes;
    if (entry->size > left) {
        return dogb_fail(DOGBREED_ERROR_FORMAT, "%s: more than %lld bytes of files",
                         unpack->conf.what, (long long)unpack->conf.bytes_max);
    }
    int rc = dogb_entry_set_add(&unpack->seen, unpack->arena, unpack->conf.what, unpack->name);
    rc = rc < 0 ? rc
                : enter(unpack, unpack->name, slash == NULL ? 0 : (size_t)(slash - unpack->name));
    if (rc < 0) {
        return rc;
    }
    unpack->file =
        openat(unpack->parent, base, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
    return unpack->file < 0 ? failed(unpack, unpack->name) : DOGBREED_OK;
}

static int begin(const dogb_tar_entry *entry, void *userdata) {
    dogb_unpack *unpack = userdata;
    dogb_release(unpack->arena, unpack->name);
    int rc = dogb_entry_name(&unpack->name, unpack->arena, unpack->conf.what, entry->name,
                             entry->length);
    if (rc < 0) {
        return rc;
    }
    if (unpack->counts.files++ >= unpack->conf.files_max) {
        return dogb_fail(DOGBREED_ERROR_FORMAT, "%s: more than %lld files and folders",
                         unpack->conf.what, (long long)unpack->conf.files_max);
    }
    if (entry->directory) {
        return begin_folder(unpack, unpack->name);
    }
    if (*unpack->name == '\0') {
        return dogb_fail(DOGBREED_ERROR_FORMAT, "%s: a file without a name", unpack->conf.what);
    }
    return begin_file(unpack, entry);
}

static int data(const void *bytes, size_t size, void *userdata) {
    dogb_unpack *unpack = userdata;
    const uint8_t *at = bytes;
    unpack->counts.bytes += (int64_t)size;
    while (size > 0) {
        ssize_t count = write(unpack->file, at, size);
        if (count < 0 && errno != EINTR) {
            return failed(unpack, unpack->name);
        }
        at += count > 0 ? count : 0;
        size -= count > 0 ? (size_t)count : 0;
    }
    return DOGBREED_OK;
}

static int end(void *userdata) {
    dogb_unpack *unpack = userdata;
    int closed = close(unpack->file);
    unpack->file = -1;
    return closed != 0 ? failed(unpack, unpack->name) : DOGBREED_OK;
}

static int inflate_piece(dogb_unpack *unpack, const void *bytes, size_t size) {
    int rc = DOGBREED_OK;
    unpack->in += (int64_t)size;
    unpack->stream.next_in = (Bytef *)(uintptr_t)bytes; // zlib does not write there
    unpack->stream.avail_in = (uInt)size;
    do {
        if (unpack->kind == KIND_GZIP_END) {
            return dogb_fail(DOGBREED_ERROR_FORMAT, "%s: gzip: something behind its end",
                             unpack->conf.what);
        }
        unpack->stream.next_out = unpack->piece;
        unpack->stream.avail_out = sizeof unpack->piece;
        int status = inflate(&unpack->stream, Z_NO_FLUSH);
        if (status != Z_OK && status != Z_STREAM_END && status != Z_BUF_ERROR) {
            return dogb_fail(DOGBREED_ERROR_FORMAT, "%s: gzip: damaged", unpack->conf.what);
        }
        size_t count = sizeof unpack->piece - unpack->stream.avail_out;
        unpack->out += (int64_t)count;
        if (unpack->out > RATIO_FREE + unpack->in * RATIO_MAX) {
            return dogb_fail(DOGBREED_ERROR_FORMAT, "%s: gzip: more than %d bytes for each byte",
                             unpack->conf.what, (int)RATIO_MAX);
        }
        rc = dogb_tar_feed(unpack->tar, unpack->piece, count);
        unpack->kind = status == Z_STREAM_END ? KIND_GZIP_END : KIND_GZIP;
        // A full piece: there may be more of the same bytes.
    } while (rc == DOGBREED_OK && (unpack->stream.avail_in > 0 ||
                                   (unpack->stream.avail_out == 0 && unpack->kind == KIND_GZIP)));
    return rc;
}

static int feed_known(dogb_unpack *unpack, const void *bytes, size_t size) {
    const uint8_t *at = bytes;
    int rc = DOGBREED_OK;
    if (unpack->kind == KIND_PLAIN) {
        return dogb_tar_feed(unpack->tar, bytes, size);
    }
    while (rc == DOGBREED_OK && size > 0) { // zlib counts with 32 bits
        size_t count = size < PIECE ? size : PIECE;
        rc = inflate_piece(unpack, at, count);
        at += count;
        size -= count;
    }
    return rc;
}

int dogb_unpack_feed(dogb_unpack *unpack, const void *bytes, size_t size) {
    static const uint8_t gzip[] = {0x1F, 0x8B};
    const uint8_t *at = bytes;
    while (unpack->kind == KIND_UNKNOWN && size > 0) {
        unpack->first[unpack->first_count++] = *at++;
        size--;
        if (unpack->first_count < sizeof unpack->first) {
            continue;
        }
        if (memcmp(unpack->first, gzip, sizeof gzip) == 0) {
            if (inflateInit2(&unpack->stream, 15 + 16) != Z_OK) {
                return dogb_fail(DOGBREED_ERROR_NO_MEMORY, "out of memory for gzip");
            }
            unpack->kind = KIND_GZIP;
        } else {
            unpack->kind = KIND_PLAIN;
        }
        int rc = feed_known(unpack, unpack->first, unpack->first_count);
        if (rc < 0) {
            return rc;
        }
    }
    return size == 0 ? DOGBREED_OK : feed_known(unpack, at, size);
}

int dogb_unpack_end(dogb_unpack *unpack, dogb_unpack_counts *counts) {
    if (unpack->kind == KIND_UNKNOWN) {
        return dogb_fail(DOGBREED_ERROR_FORMAT, "%s: empty, expected a tar file",
                         unpack->conf.what);
    }
    if (unpack->kind == KIND_GZIP) {
        return dogb_fail(DOGBREED_ERROR_FORMAT, "%s: gzip: cut short", unpack->conf.what);
    }
    if (counts != NULL) {
        *counts = unpack->counts;
    }
    return dogb_tar_end(unpack->tar);
}

int dogb_unpack_create(dogb_unpack **out, dogb_arena *arena, const dogb_unpack_conf *conf) {
    dogb_unpack *unpack = dogb_alloc(arena, 1, sizeof *unpack);
    *out = NULL;
    if (unpack == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    unpack->arena = arena;
    unpack->conf = *conf;
    unpack->parent = -1;
    unpack->file = -1;
    const dogb_tar_calls calls = {begin, data, end, unpack};
    int rc = dogb_tar_create(&unpack->tar, arena, conf->what, &calls);
    if (rc < 0) {
        return rc;
    }
    unpack->root = open(conf->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (unpack->root < 0) {
        return dogb_fail_errno(DOGBREED_ERROR_IO, "%s: cannot be opened", conf->directory);
    }
    rc = dogb_defer(arena, close_all, unpack);
    *out = rc < 0 ? NULL : unpack;
    return rc;
}

int dogb_unpack_file(const char *path, const dogb_unpack_conf *conf, dogb_unpack_counts *counts) {
    dogb_arena scratch = {0};
    dogb_map map;
    dogb_unpack *unpack = NULL;
    int rc = dogb_map_open(&map, &scratch, path, SIZE_MAX);
    if (rc == DOGBREED_OK && (rc = dogb_unpack_create(&unpack, &scratch, conf)) == DOGBREED_OK &&
        (rc = dogb_unpack_feed(unpack, map.data, map.size)) == DOGBREED_OK) {
        rc = dogb_unpack_end(unpack, counts);
    }
    dogb_arena_free(&scratch);
    return rc;
}
