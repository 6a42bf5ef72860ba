// copies.c - see copies.h: which copies there are, room for one more, their removal.
#include "store/copies.h"
#include "core/entry.h"
#include "core/error.h"
#include "core/evict.h"
#include "core/file.h"
#include "core/hash.h"
#include "core/json.h"
#include "core/log.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum { NAME_LENGTH = 32, DOCUMENT_VERSION = 1, BLOCK = 512 };
static const char *const locks[] = {"lock", "used"};
enum { LOCK_COUNT = sizeof locks / sizeof locks[0] };
static const char document_name[] = "mirror.json";

typedef struct dogb_hold {
    const char *folder;
    int lock;
    struct dogb_hold *next;
} dogb_hold;

typedef struct copies {
    dogb_arena *arena;
    char *root;
    dogb_evictable *items;
    size_t count;
    size_t capacity;
    json_t *removed; // URIs, NULL: nobody asks
} copies;

static const char *endpoint_of(const dogbreed_store *store) {
    return store->endpoint == NULL ? "" : store->endpoint;
}

static int lock_it(int lock, int how) {
    int rc = flock(lock, how);
    while (rc != 0 && errno == EINTR) {
        rc = flock(lock, how);
    }
    return rc;
}

// 1: the descriptor is still that of the path: nobody has removed the folder meanwhile.
static int is_same(int descriptor, const char *path) {
    struct stat ours;
    struct stat there;
    return fstat(descriptor, &ours) == 0 && lstat(path, &there) == 0 &&
           ours.st_ino == there.st_ino && ours.st_dev == there.st_dev;
}

static int write_document(dogb_arena *arena, const dogbreed_store *store, const char *folder,
                          const dogb_uri *uri) {
    char *path = dogb_path_join(arena, folder, document_name);
    char *name = dogb_format(arena, "s3://%s/%s", uri->bucket, uri->key);
    json_t *document = dogb_json_document(arena, "mirror", DOCUMENT_VERSION);
    if (path == NULL || name == NULL || document == NULL ||
        dogb_json_set_text(document, "uri", name) < 0 ||
        dogb_json_set_text(document, "endpoint", endpoint_of(store)) < 0) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    char *text = dogb_json_text_in(arena, document, 0);
    if (text == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    return dogb_file_exists(path) ? DOGBREED_OK : dogb_file_replace(path, text, strlen(text));
}

int dogb_copies_open(char **folder, int *lock, dogb_arena *arena, const dogbreed_store *store,
                     const dogb_uri *uri) {
    dogb_sha256 sum;
    char name[65];
    char *id = dogb_format(arena, "%s %s/%s", endpoint_of(store), uri->bucket, uri->key);
    int rc = id == NULL ? DOGBREED_ERROR_NO_MEMORY : dogb_sha256_of(&sum, id, strlen(id));
    if (rc < 0) {
        return rc;
    }
    dogb_sha256_text(&sum, name);
    *folder = dogb_format(arena, "%s/mirror/%.*s", store->cache, NAME_LENGTH, name);
    char *path = *folder == NULL ? NULL : dogb_path_join(arena, *folder, locks[0]);
    if (path == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    for (;;) {
        if ((rc = dogb_directory_make(*folder)) < 0) {
            return rc;
        }
        *lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
        if (*lock < 0 && errno == ENOENT) {
            continue; // it was removed in this moment
        }
        if (*lock < 0 || lock_it(*lock, LOCK_EX) != 0) {
            return dogb_fail_errno(DOGBREED_ERROR_IO, "%s: cannot be locked", path);
        }
        if (is_same(*lock, path)) {
            return write_document(arena, store, *folder, uri);
        }
        (void)close(*lock);
        *lock = -1;
    }
}

int dogb_copies_hold(dogbreed_store *store, const char *folder) {
    dogb_arena scratch = {0};
    int rc = DOGBREED_OK;
    (void)pthread_mutex_lock(&store->lock);
    char *path = dogb_path_join(&scratch, folder, locks[1]);
    dogb_hold *hold = store->holds;
    // Whoever removed the cache by hand has removed the lock too.
    while (hold != NULL && path != NULL &&
           (strcmp(hold->folder, folder) != 0 || !is_same(hold->lock, path))) {
        hold = hold->next;
    }
    if (hold == NULL || path == NULL) {
        hold = dogb_alloc(&store->arena, 1, sizeof *hold);
        const char *copy = dogb_strdup(&store->arena, folder);
        int lock = path == NULL || hold == NULL || copy == NULL
                       ? -1
                       : open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
        if (lock < 0 || lock_it(lock, LOCK_SH) != 0) {
            rc = path == NULL || hold == NULL || copy == NULL
                     ? DOGBREED_ERROR_NO_MEMORY
                     : dogb_fail_errno(DOGBREED_ERROR_IO, "%s: cannot be locked", path);
            if (lock >= 0) {
                (void)close(lock);
            }
        } else {
            *hold = (dogb_hold){copy, lock, store->holds};
            store->holds = hold;
        }
    }
    if (rc == DOGBREED_OK) {
        (void)futimens(hold->lock, NULL); // used now
    }
    (void)pthread_mutex_unlock(&store->lock);
    dogb_arena_free(&scratch);
    return rc;
}

void dogb_copies_release(dogbreed_store *store) {
    for (const dogb_hold *hold = store->holds; hold != NULL; hold = hold->next) {
        (void)close(hold->lock);
    }
    store->holds = NULL;
}

// --- which there are

// Bytes of the files below a folder; links are not followed. What is being read counts as far as it
// has come, and goes to *parts too.
static int64_t bytes_below(int parent, const char *name, int64_t *parts, int depth) {
    int descriptor = depth > DOGB_TREE_DEPTH_MAX
                         ? -1
                         : openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *directory = descriptor < 0 ? NULL : fdopendir(descriptor);
    int64_t bytes = 0;
    if (directory == NULL) {
        if (descriptor >= 0) {
            (void)close(descriptor);
        }
        return 0; // gone meanwhile
    }
    for (struct dirent *e = readdir(directory); e != NULL; e = readdir(directory)) {
        struct stat info;
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0 ||
            fstatat(descriptor, e->d_name, &info, AT_SYMLINK_NOFOLLOW) != 0) {
            continue;
        }
        if (S_ISDIR(info.st_mode)) {
            bytes += bytes_below(descriptor, e->d_name, parts, depth + 1);
        } else if (S_ISREG(info.st_mode) && strncmp(e->d_name, ".dogbreed-", 10) == 0) {
            bytes += (int64_t)info.st_blocks * BLOCK;
            *parts += (int64_t)info.st_blocks * BLOCK;
        } else if (S_ISREG(info.st_mode)) {
            bytes += info.st_size;
        }
    }
    (void)closedir(directory);
    return bytes;
}

// Only what this file has made: the name is a sum's, and the lock is there.
static int is_copy(dogb_evictable *out, int root, const char *name) {
    struct stat info;
    struct stat lock;
    int64_t parts = 0;
    if (strlen(name) != NAME_LENGTH || strspn(name, "0123456789abcdef") != NAME_LENGTH ||
        fstatat(root, name, &info, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISDIR(info.st_mode)) {
        return 0;
    }
    int folder = openat(root, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    int found = folder >= 0 && fstatat(folder, locks[0], &lock, AT_SYMLINK_NOFOLLOW) == 0;
    if (found) {
        out->used = lock.st_mtim;
        if (fstatat(folder, locks[1], &info, AT_SYMLINK_NOFOLLOW) == 0) {
            out->used = info.st_mtim;
        }
        out->bytes = bytes_below(folder, "files", &parts, 0);
    }
    if (folder >= 0) {
        (void)close(folder);
    }
    return found;
}

static int find_copies(copies *c, const dogbreed_store *store, const char *but) {
    c->root = dogb_path_join(c->arena, store->cache, "mirror");
    DIR *directory = c->root == NULL ? NULL : opendir(c->root);
    int rc = c->root == NULL ? DOGBREED_ERROR_NO_MEMORY : DOGBREED_OK;
    if (directory == NULL) {
        return rc < 0 || errno == ENOENT
                   ? rc
                   : dogb_fail_errno(DOGBREED_ERROR_IO, "%s: cannot be read", c->root);
    }
    for (struct dirent *e = readdir(directory); rc == DOGBREED_OK && e != NULL;
         e = readdir(directory)) {
        dogb_evictable one = {0};
        if (dogb_evict_leftover(c->root, e->d_name) || strcmp(e->d_name, but) == 0 ||
            !is_copy(&one, dirfd(directory), e->d_name)) {
            continue;
        }
        one.name = dogb_strdup(c->arena, e->d_name);
        rc = one.name == NULL ? DOGBREED_ERROR_NO_MEMORY
                              : dogb_grow(c->arena, &c->items, &c->capacity, c->count, sizeof one);
        if (rc == DOGBREED_OK) {
            c->items[c->count++] = one;
        }
    }
    (void)closedir(directory);
    return rc;
}

// URI and endpoint of a copy; empty where its document cannot be read.
static int read_document(const char **uri, const char **endpoint, const copies *c,
                         const char *name) {
    dogb_error_state state;
    json_t *document = NULL;
    char *path = dogb_format(c->arena, "%s/%s/%s", c->root, name, document_name);
    *uri = *endpoint = "";
    if (path == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    dogb_error_save(&state, DOGBREED_OK);
    if (dogb_json_read(&document, c->arena, path, "mirror", DOCUMENT_VERSION) == DOGBREED_OK) {
        const char *texts[] = {json_string_value(json_object_get(document, "uri")),
                               json_string_value(json_object_get(document, "endpoint"))};
        *uri = texts[0] == NULL ? "" : texts[0];
        *endpoint = texts[1] == NULL ? "" : texts[1];
    }
    return dogb_error_restore(&state);
}

static int drop(const char *name, void *userdata) {
    const copies *c = userdata;
    const char *uri = "";
    const char *endpoint = "";
    (void)read_document(&uri, &endpoint, c, name);
    if (!dogb_evict_folder(c->root, name, locks, LOCK_COUNT)) {
        return 0;
    }
    dogb_log(DOGBREED_LOG_INFO, "%s: the local copy is removed", *uri == '\0' ? name : uri);
    if (c->removed != NULL) {
        (void)dogb_json_add(c->removed, dogb_json_text(uri));
    }
    return 1;
}

// --- room

static int keep_bound(const dogbreed_store *store, const char *folder, int64_t bytes) {
    dogb_arena scratch = {0};
    copies c = {.arena = &scratch};
    int64_t bound = store->options.store_cache_bytes;
    if (bound > 0 && bytes > bound) {
        return dogb_fail(DOGBREED_ERROR_IO,
                         "needs %.1f MB, but store_cache_bytes allows %.1f MB of local copies",
                         (double)bytes * 1e-6, (double)bound * 1e-6);
    }
    int rc = bound == 0 ? DOGBREED_OK : find_copies(&c, store, dogb_path_name(folder));
    if (rc == DOGBREED_OK && bound > 0) {
        int64_t left = dogb_evict(c.items, c.count, bound - bytes, drop, &c);
        if (left > bound - bytes) {
            rc = dogb_fail(DOGBREED_ERROR_IO,
                           "needs %.1f MB, but store_cache_bytes allows %.1f MB of local copies, "
                           "and %.1f MB of them are in use",
                           (double)bytes * 1e-6, (double)bound * 1e-6, (double)left * 1e-6);
        }
    }
    dogb_arena_free(&scratch);
    return rc;
}

int dogb_copies_room(const dogbreed_store *store, const char *folder, int64_t bytes,
                     int64_t missing) {
    struct statvfs disk;
    int64_t parts = 0;
    int rc = keep_bound(store, folder, bytes);
    if (rc < 0 || missing == 0) {
        return rc;
    }
    (void)bytes_below(AT_FDCWD, folder, &parts, 0); // what an earlier call has read of them
    if (statvfs(folder, &disk) != 0) {
        return dogb_fail_errno(DOGBREED_ERROR_IO, "%s: its file system cannot be asked", folder);
    }
    double free_bytes = (double)disk.f_bavail * (double)disk.f_frsize;
    if ((double)(missing - parts) > free_bytes) {
        return dogb_fail(DOGBREED_ERROR_IO,
                         "needs %.1f MB, but %s has %.1f MB free; store_dir names another folder, "
                         "dogbreed s3 cache --clear removes copies that nobody uses",
                         (double)(missing - parts) * 1e-6, store->cache, free_bytes * 1e-6);
    }
    return DOGBREED_OK;
}

// --- the report

static int is_free(const copies *c, const char *name) {
    int all = 1;
    for (size_t i = 0; i < LOCK_COUNT; i++) {
        char *path = dogb_format(c->arena, "%s/%s/%s", c->root, name, locks[i]);
        int lock = path == NULL ? -1 : open(path, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
        all &= lock < 0 || flock(lock, LOCK_EX | LOCK_NB) == 0;
        if (lock >= 0) {
            (void)close(lock);
        }
    }
    return all;
}

static int newest_first(const void *a, const void *b) {
    const dogb_evictable *x = a;
    const dogb_evictable *y = b;
    if (x->used.tv_sec != y->used.tv_sec) {
        return x->used.tv_sec > y->used.tv_sec ? -1 : 1;
    }
    return x->used.tv_nsec > y->used.tv_nsec ? -1 : x->used.tv_nsec < y->used.tv_nsec;
}

static int add_copy(json_t *list, const copies *c, const dogb_evictable *item) {
    const char *uri = "";
    const char *endpoint = "";
    json_t *row = dogb_json_object(c->arena);
    int rc = row == NULL ? DOGBREED_ERROR_NO_MEMORY : read_document(&uri, &endpoint, c, item->name);
    double used = (double)item->used.tv_sec + 1e-9 * (double)item->used.tv_nsec;
    rc = rc < 0 ? rc : dogb_json_set_text(row, "uri", uri);
    rc = rc < 0 ? rc : dogb_json_set_text(row, "endpoint", endpoint);
    rc = rc < 0 ? rc : dogb_json_set_text(row, "name", item->name);
    rc = rc < 0 ? rc : dogb_json_set_int(row, "bytes", item->bytes);
    rc = rc < 0 ? rc : dogb_json_set_real(row, "used", used);
    rc = rc < 0 ? rc : dogb_json_set_bool(row, "in_use", !is_free(c, item->name));
    return rc < 0 ? rc : dogb_json_add(list, json_incref(row));
}

static int report(char **json, const dogbreed_store *store, copies *c, int64_t keep) {
    json_t *root = dogb_json_object(c->arena);
    json_t *list = dogb_json_array(c->arena);
    c->removed = dogb_json_array(c->arena);
    int64_t bytes = 0;
    int rc =
        root == NULL || list == NULL || c->removed == NULL ? DOGBREED_ERROR_NO_MEMORY : DOGBREED_OK;
    rc = rc < 0 ? rc : find_copies(c, store, "");
    if (rc == DOGBREED_OK && keep >= 0) {
        (void)dogb_evict(c->items, c->count, keep, drop, c);
        c->count = 0;
        rc = find_copies(c, store, "");
    }
    if (c->count > 0) {
        qsort(c->items, c->count, sizeof *c->items, newest_first);
    }
    for (size_t i = 0; rc == DOGBREED_OK && i < c->count; i++) {
        bytes += c->items[i].bytes;
        rc = add_copy(list, c, &c->items[i]);
    }
    rc = rc < 0 ? rc : dogb_json_set_text(root, "folder", c->root);
    rc = rc < 0 ? rc : dogb_json_set_int(root, "bytes", bytes);
    rc = rc < 0 ? rc : dogb_json_set_int(root, "bytes_max", store->options.store_cache_bytes);
    rc = rc < 0 ? rc : dogb_json_set(root, "copies", json_incref(list));
    rc = rc < 0 ? rc : dogb_json_set(root, "removed", json_incref(c->removed));
    return rc < 0 ? rc : dogb_json_text_out(json, root, 0);
}

int dogbreed_store_cache(char **json, dogbreed_store *store, int64_t keep) {
    dogb_arena scratch = {0};
    char *unused = NULL;
    char **out = json == NULL ? &unused : json;
    *out = NULL;
    DOGB_CHECK(store != NULL, "store: NULL, expected a handle");
    copies c = {.arena = &scratch};
    int rc = report(out, store, &c, keep);
    dogb_free(unused);
    dogb_arena_free(&scratch);
    return rc;
}
