// mirror.c - local copies of objects for whoever wants a path. A copy has a folder of its own in
// the cache: files/ with the files, list.jsonl with the ETag that each of them came with. The next
// call lists the store, and reads what has another ETag or is not here as it was left.
#include "core/buffer.h"
#include "core/error.h"
#include "core/file.h"
#include "store/copies.h"
#include "store/kept.h"
#include "store/sync.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LIST_MAX = 1 << 30, PENDING_MAX = 256 }; // lines

typedef struct mirror {
    dogbreed_store *store;
    dogb_arena *arena;
    char *folder;
    char *files;
    char *list;
    int lock;
    dogb_uri prefix;
    dogb_objects remote;
    int single; // one object, not a folder
    dogb_kept_list kept;
    int changed;
    pthread_mutex_t guard; // of what follows, while files arrive
    dogb_buffer pending;   // lines of files that are not synced yet
    int pending_count;
} mirror;

static void unlock(void *pointer) {
    const mirror *m = pointer;
    if (m->lock >= 0) {
        (void)close(m->lock);
    }
}

// The folder of this URI at this endpoint, for this process alone.
static int open_folder(mirror *m, const dogb_uri *uri) {
    int rc = dogb_copies_open(&m->folder, &m->lock, m->arena, m->store, uri);
    if (rc < 0) {
        return rc;
    }
    m->files = dogb_path_join(m->arena, m->folder, "files");
    m->list = dogb_path_join(m->arena, m->folder, "list.jsonl");
    return m->files == NULL || m->list == NULL ? DOGBREED_ERROR_NO_MEMORY
                                               : dogb_directory_make(m->files);
}

static int read_list(mirror *m) {
    void *data = NULL;
    size_t size = 0;
    int rc = dogb_file_read(&data, &size, m->arena, m->list, LIST_MAX);
    if (rc == DOGBREED_ERROR_NOT_FOUND) {
        return DOGBREED_OK;
    }
    return rc < 0 ? rc : dogb_kept_read(&m->kept, m->arena, data, size, m->list);
}

static int look_at(int64_t *size, int64_t *time, const mirror *m, const char *key) {
    dogb_arena scratch = {0};
    struct stat info;
    char *path = dogb_path_join(&scratch, m->files, key);
    int found = path != NULL && lstat(path, &info) == 0 && S_ISREG(info.st_mode);
    if (found) {
        *size = info.st_size;
        *time = (int64_t)info.st_mtim.tv_sec * 1000000000 + info.st_mtim.tv_nsec;
    }
    dogb_arena_free(&scratch);
    return found;
}

static int is_here(const mirror *m, const dogb_object *object) {
    int64_t size = 0;
    int64_t time = 0;
    return look_at(&size, &time, m, object->key) && dogb_kept_has(&m->kept, object, size, time);
}

static char *line_of(dogb_arena *arena, const mirror *m, const dogb_object *object) {
    dogb_kept kept = {.key = object->key, .etag = object->etag};
    return look_at(&kept.size, &kept.time, m, object->key) ? dogb_kept_line(arena, &kept) : NULL;
}

// Files are on the disk before the list says so.
static int write_pending(mirror *m) {
    int rc = m->pending.rc;
    if (rc == DOGBREED_OK && m->pending_count > 0 &&
        (rc = dogb_file_system_sync(m->files)) == DOGBREED_OK) {
        rc = dogb_file_append(m->list, m->pending.data, m->pending.length);
    }
    m->pending_count = 0;
    m->pending.length = 0;
    return rc;
}

// Files are written down while others arrive: what is killed goes on from there.
static int got(const dogb_object *object, void *userdata) {
    mirror *m = userdata;
    dogb_arena scratch = {0};
    char *line = line_of(&scratch, m, object);
    int rc =
        line == NULL ? dogb_fail(DOGBREED_ERROR_IO, "%s: cannot be written", m->list) : DOGBREED_OK;
    (void)pthread_mutex_lock(&m->guard);
    if (rc == DOGBREED_OK) {
        dogb_buffer_add(&m->pending, line);
        rc = ++m->pending_count == PENDING_MAX ? write_pending(m) : m->pending.rc;
    }
    (void)pthread_mutex_unlock(&m->guard);
    dogb_arena_free(&scratch);
    return rc;
}

// The message of a lack of room has in front what it is for. A folder that was made for nothing
// goes; one with a part of what an earlier call has read stays.
static int make_room(const mirror *m, int64_t all, int64_t missing) {
    dogb_error_state state;
    int rc = dogb_copies_room(m->store, m->folder, all, missing);
    if (rc == DOGBREED_OK || rc == DOGBREED_ERROR_NO_MEMORY) {
        return rc;
    }
    dogb_error_save(&state, rc);
    if (rmdir(m->files) == 0) {
        (void)dogb_directory_remove(m->folder);
    }
    return dogb_fail(rc, "s3://%s/%s%s: %s", m->prefix.bucket, m->prefix.key,
                     m->single ? m->remote.items[0].key : "", state.text);
}

static int fetch_missing(mirror *m) {
    const dogb_object **wanted = dogb_alloc(m->arena, m->remote.count + 1, sizeof *wanted);
    size_t count = 0;
    int64_t bytes = 0;
    int64_t all = 0;
    if (wanted == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    for (size_t i = 0; i < m->remote.count; i++) {
        int64_t size = m->remote.items[i].size;
        if (size < 0 || size > INT64_MAX - all) {
            return dogb_fail(DOGBREED_ERROR_FORMAT, "s3://%s/%s: sizes of objects make no sense",
                             m->prefix.bucket, m->prefix.key);
        }
        all += size;
        if (!is_here(m, &m->remote.items[i])) {
            wanted[count++] = &m->remote.items[i];
            bytes += size;
        }
    }
    m->changed = count > 0 || m->kept.count != m->remote.count;
    int rc = make_room(m, all, bytes);
    if (rc < 0) {
        return rc;
    }
    dogb_store_begin(m->store, (int64_t)count, bytes);
    rc = dogb_store_download_all(m->store, &m->prefix, m->files, wanted, count, got, m);
    dogb_error_state state; // what has come stays, also of a fetch that failed
    dogb_error_save(&state, rc);
    int written = write_pending(m);
    return rc < 0 ? dogb_error_restore(&state) : written;
}

// Files that the store has no more.
static int drop_extras(mirror *m) {
    dogb_objects local = {.arena = m->arena};
    int rc = dogb_store_scan(&local, m->files);
    size_t r = 0;
    for (size_t i = 0; rc == DOGBREED_OK && i < local.count; i++) {
        while (r < m->remote.count && strcmp(m->remote.items[r].key, local.items[i].key) < 0) {
            r++;
        }
        if (r < m->remote.count && strcmp(m->remote.items[r].key, local.items[i].key) == 0) {
            continue;
        }
        char *path = dogb_path_join(m->arena, m->files, local.items[i].key);
        if (path == NULL) {
            return DOGBREED_ERROR_NO_MEMORY;
        }
        m->changed = 1;
        if (unlink(path) != 0) {
            rc = dogb_fail_errno(DOGBREED_ERROR_IO, "%s: cannot be removed", path);
        }
        // Its folder too, when nothing is left: an empty class would be an error.
        for (char *slash = strrchr(path, '/'); slash != NULL && slash > path + strlen(m->files);
             slash = strrchr(path, '/')) {
            *slash = '\0';
            if (rmdir(path) != 0) {
                break;
            }
        }
    }
    return rc;
}

static int write_list(mirror *m) {
    dogb_buffer text = {.arena = m->arena};
    for (size_t i = 0; i < m->remote.count; i++) {
        dogb_arena scratch = {0};
        char *line = line_of(&scratch, m, &m->remote.items[i]);
        dogb_buffer_add(&text, line == NULL ? "" : line);
        dogb_arena_free(&scratch);
    }
    return text.rc < 0 ? text.rc : dogb_file_replace(m->list, text.data, text.length);
}

// What the URI means: all below KEY/, else the object KEY itself.
static int find_remote(mirror *m, const dogb_uri *uri) {
    int rc = dogb_store_scan_objects(&m->remote, &m->prefix, m->store, uri);
    if (rc < 0 || m->remote.count > 0) {
        return rc;
    }
    size_t length = strlen(uri->key);
    if (length == 0 || uri->key[length - 1] == '/') {
        return dogb_fail(DOGBREED_ERROR_NOT_FOUND, "s3://%s/%s: there is nothing below",
                         uri->bucket, uri->key);
    }
    dogb_object object;
    if ((rc = dogb_store_head(&object, m->arena, m->store, uri)) < 0) {
        return rc;
    }
    const char *name = dogb_path_name(uri->key);
    m->single = 1;
    object.key = dogb_strdup(m->arena, name);
    m->prefix.key = dogb_strndup(m->arena, uri->key, (size_t)(name - uri->key));
    return object.key == NULL || m->prefix.key == NULL ? DOGBREED_ERROR_NO_MEMORY
                                                       : dogb_objects_add(&object, &m->remote);
}

static int fetch(char **path, mirror *m, const dogb_uri *uri) {
    int rc = find_remote(m, uri);
    rc = rc < 0 ? rc : dogb_store_check_names(&m->remote, &m->prefix);
    rc = rc < 0 ? rc : open_folder(m, uri);
    rc = rc < 0 ? rc : read_list(m);
    rc = rc < 0 ? rc : fetch_missing(m);
    rc = rc < 0 ? rc : drop_extras(m);
    rc = rc < 0 || !m->changed ? rc : write_list(m);
    rc = rc < 0 ? rc : dogb_copies_hold(m->store, m->folder);
    if (rc < 0) {
        return rc;
    }
    const char *local =
        m->single ? dogb_path_join(m->arena, m->files, m->remote.items[0].key) : m->files;
    return local == NULL ? DOGBREED_ERROR_NO_MEMORY : dogb_text_out(path, local);
}

static int check(char **path, const dogbreed_store *store, const char *uri) {
    DOGB_CHECK(path != NULL, "store: path is NULL, expected where to put it");
    *path = NULL;
    DOGB_CHECK(store != NULL, "store: NULL, expected a handle");
    DOGB_CHECK(uri != NULL, "store: uri must not be NULL");
    return DOGBREED_OK;
}

int dogbreed_store_fetch(char **path, dogbreed_store *store, const char *uri) {
    dogb_arena scratch = {0};
    int rc = check(path, store, uri);
    if (rc < 0) {
        return rc;
    }
    dogb_uri parsed;
    mirror m = {.store = store, .arena = &scratch, .lock = -1};
    m.remote.arena = m.pending.arena = &scratch;
    if (pthread_mutex_init(&m.guard, NULL) != 0) {
        return dogb_fail(DOGBREED_ERROR_NO_MEMORY, "a lock cannot be made");
    }
    rc = dogb_defer(&scratch, unlock, &m);
    rc = rc < 0 ? rc : dogb_uri_parse(&parsed, &scratch, uri);
    dogb_store_begin(store, 0, 0);
    rc = rc < 0 ? rc : fetch(path, &m, &parsed);
    dogb_arena_free(&scratch);
    (void)pthread_mutex_destroy(&m.guard);
    return rc;
}

int dogbreed_store_work(char **path, dogbreed_store *store, const char *uri) {
    dogb_arena scratch = {0};
    dogb_uri parsed;
    int rc = check(path, store, uri);
    if (rc < 0 || (rc = dogb_uri_parse(&parsed, &scratch, uri)) < 0) {
        dogb_arena_free(&scratch);
        return rc;
    }
    char *parent = dogb_path_join(&scratch, store->cache, "work");
    char *folder = parent == NULL ? NULL : dogb_path_join(&scratch, parent, "XXXXXX");
    rc = folder == NULL ? DOGBREED_ERROR_NO_MEMORY : dogb_directory_make(parent);
    if (rc == DOGBREED_OK && mkdtemp(folder) == NULL) {
        rc = dogb_fail_errno(DOGBREED_ERROR_IO, "%s: cannot make a folder", parent);
    }
    rc = rc < 0 ? rc : dogb_text_out(path, folder);
    dogb_arena_free(&scratch);
    return rc;
}
