// store.c - one feature set on disk: its folder and lock, its segments. Knows nothing of images.
//
// The lock file is held shared while a set is open and exclusively by whoever removes files. A set
// is removed by renaming its folder, so whoever waited for the lock looks again whether the file it
// has locked is still the one under the path.
#include "feature/store.h"
#include "core/error.h"
#include "core/log.h"
#include "core/thread.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { OPEN_TRIES = 100, DIGITS = 64 };
static const char ending[] = ".seg";

int dogb_store_is_set(const char *name) {
    return strlen(name) == DIGITS && strspn(name, "0123456789abcdef") == DIGITS;
}

static int is_segment(const char *name) {
    size_t length = strlen(name);
    return length > sizeof ending - 1 && strcmp(name + length - (sizeof ending - 1), ending) == 0;
}

static int lock_file(int descriptor, int how) {
    int rc = flock(descriptor, how);
    while (rc != 0 && errno == EINTR) {
        rc = flock(descriptor, how);
    }
    return rc;
}

// Removes what a killed process left: files on their way to a name. The lock is held exclusively.
static void clean(dogb_store *store) {
    DIR *directory = opendir(store->directory);
    for (struct dirent *e = directory == NULL ? NULL : readdir(directory); e != NULL;
         e = readdir(directory)) {
        if (strstr(e->d_name, ".seg.") != NULL || strstr(e->d_name, ".json.") != NULL) {
            (void)unlinkat(dirfd(directory), e->d_name, 0);
        }
    }
    if (directory != NULL) {
        (void)closedir(directory);
    }
}

// 1: locked; 0: the folder was taken away meanwhile, try again.
static int try_lock(dogb_store *store) {
    dogb_arena scratch = {0};
    struct stat mine;
    struct stat there;
    int rc = dogb_directory_make(store->directory);
    char *path = rc < 0 ? NULL : dogb_path_join(&scratch, store->directory, "lock");
    if (rc < 0 || path == NULL) {
        rc = rc < 0 ? rc : DOGBREED_ERROR_NO_MEMORY;
        goto out;
    }
    store->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (store->lock < 0) {
        rc = errno == ENOENT ? 0 : dogb_fail_errno(DOGBREED_ERROR_IO, "%s: cannot be opened", path);
        goto out;
    }
    if (lock_file(store->lock, LOCK_EX | LOCK_NB) == 0) {
        clean(store); // nobody else has the set
    }
    if (lock_file(store->lock, LOCK_SH) != 0) {
        rc = dogb_fail_errno(DOGBREED_ERROR_IO, "%s: cannot be locked", path);
        goto out;
    }
    rc = fstat(store->lock, &mine) == 0 && stat(path, &there) == 0 && mine.st_ino == there.st_ino &&
         mine.st_dev == there.st_dev;
out:
    if (rc != 1 && store->lock >= 0) {
        (void)close(store->lock);
        store->lock = -1;
    }
    dogb_arena_free(&scratch);
    return rc;
}

static int write_key(const dogb_store *store, const json_t *key) {
    dogb_arena scratch = {0};
    char *path = dogb_path_join(&scratch, store->directory, "key.json");
    int rc = path == NULL ? DOGBREED_ERROR_NO_MEMORY : DOGBREED_OK;
    if (rc == DOGBREED_OK && !dogb_file_exists(path)) {
        rc = dogb_json_write(path, key);
    }
    dogb_arena_free(&scratch);
    return rc;
}

int dogb_store_open(dogb_store *store, dogb_arena *arena, const char *root, const json_t *key,
                    uint32_t floats, int64_t bytes_max) {
    char name[65];
    memset(store, 0, sizeof *store);
    store->arena = arena;
    store->lock = -1;
    store->floats = floats;
    store->bytes_max = bytes_max;
    store->root = dogb_strdup(arena, root);
    char *text = dogb_json_text_in(arena, key, 0);
    if (store->root == NULL || text == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    int rc = dogb_sha256_of(&store->set, text, strlen(text));
    if (rc < 0) {
        return rc;
    }
    dogb_sha256_text(&store->set, name);
    store->directory = dogb_path_join(arena, root, name);
    if (store->directory == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    for (int i = 0; i < OPEN_TRIES && (rc = try_lock(store)) == 0; i++) {
    }
    if (rc < 0) {
        return rc;
    }
    if (rc == 0) {
        return dogb_fail(DOGBREED_ERROR_IO, "%s: is removed again and again by somebody else",
                         store->directory);
    }
    (void)futimens(store->lock, NULL); // used now
    if ((rc = write_key(store, key)) < 0) {
        return rc;
    }
    return bytes_max > 0 ? dogb_store_evict(&store->bytes, root, bytes_max) : DOGBREED_OK;
}

static int add_mapped(dogb_store *store, const char *path, dogb_mapped **out) {
    int rc = dogb_grow(store->arena, &store->mapped, &store->mapped_capacity, store->mapped_count,
                       sizeof(dogb_mapped *));
    dogb_mapped *mapped = rc < 0 ? NULL : dogb_alloc(store->arena, 1, sizeof *mapped);
    if (mapped == NULL || (mapped->path = dogb_strdup(store->arena, path)) == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    store->mapped[store->mapped_count++] = mapped;
    *out = mapped;
    return DOGBREED_OK;
}

static int map_one(dogb_store *store, dogb_mapped *mapped) {
    dogb_map map;
    int rc = dogb_map_open(&map, &mapped->arena, mapped->path, SIZE_MAX / 2);
    if (rc == DOGBREED_OK) {
        rc = dogb_segment_read(&mapped->segment, map.data, map.size, &store->set, store->floats,
                               mapped->path);
    }
    if (rc < 0) {
        dogb_arena_free(&mapped->arena);
        memset(&mapped->segment, 0, sizeof mapped->segment);
    }
    return rc;
}

// Removes segments that were found torn or foreign and still are. Only when nobody else has the set
// open: another process may be replacing one of them.
static void drop_bad(dogb_store *store) {
    int locked = 0;
    for (size_t i = 0; i < store->mapped_count; i++) {
        dogb_mapped *mapped = store->mapped[i];
        if (mapped->segment.count > 0 || mapped->path == NULL) {
            continue;
        }
        if (!locked && lock_file(store->lock, LOCK_EX | LOCK_NB) != 0) {
            return;
        }
        locked = 1;
        if (map_one(store, mapped) == DOGBREED_ERROR_FORMAT) {
            (void)unlink(mapped->path);
        }
    }
}

void dogb_store_close(dogb_store *store) {
    if (store->lock >= 0) {
        drop_bad(store);
    }
    for (size_t i = 0; i < store->mapped_count; i++) {
        dogb_arena_free(&store->mapped[i]->arena);
    }
    store->mapped_count = 0;
    if (store->lock >= 0) {
        (void)futimens(store->lock, NULL);
        (void)close(store->lock);
        store->lock = -1;
    }
}

static int map_indexed(int64_t index, void *userdata) {
    dogb_store *store = userdata;
    int rc = map_one(store, store->mapped[index]);
    if (rc == DOGBREED_ERROR_NO_MEMORY) {
        return rc;
    }
    if (rc < 0) { // torn or foreign: its rows are computed again
        dogb_log(DOGBREED_LOG_WARNING, "feature store: %s", dogbreed_error_message());
    }
    return DOGBREED_OK;
}

static int compare_paths(const void *a, const void *b) {
    const dogb_mapped *const *x = a;
    const dogb_mapped *const *y = b;
    return strcmp((*x)->path, (*y)->path);
}

int dogb_store_map(dogb_store *store, int32_t threads) {
    dogb_arena scratch = {0};
    dogb_mapped *ignored = NULL;
    int rc = DOGBREED_OK;
    DIR *directory = opendir(store->directory);
    if (directory == NULL) {
        return dogb_fail_errno(DOGBREED_ERROR_IO, "%s: cannot be read", store->directory);
    }
    for (struct dirent *e = readdir(directory); rc == DOGBREED_OK && e != NULL;
         e = readdir(directory)) {
        if (is_segment(e->d_name)) {
            char *path = dogb_path_join(&scratch, store->directory, e->d_name);
            rc = path == NULL ? DOGBREED_ERROR_NO_MEMORY : add_mapped(store, path, &ignored);
        }
    }
    (void)closedir(directory);
    dogb_arena_free(&scratch);
    if (rc < 0 || store->mapped_count == 0) {
        return rc;
    }
    qsort(store->mapped, store->mapped_count, sizeof(dogb_mapped *), compare_paths);
    return dogb_parallel(threads, (int64_t)store->mapped_count, map_indexed, store);
}

int dogb_store_commit(dogb_store *store, dogb_segment *out, const dogb_row_key *keys,
                      const float *rows, size_t count) {
    dogb_arena scratch = {0};
    char name[72];
    uint8_t *bytes = NULL;
    size_t size = 0;
    dogb_mapped *mapped = NULL;
    int64_t room = store->bytes_max - (int64_t)dogb_segment_size(store->floats, count);
    int rc = DOGBREED_OK;
    if (store->bytes_max > 0 && store->bytes > room) {
        if (room <= 0 || (rc = dogb_store_evict(&store->bytes, store->root, room)) < 0 ||
            store->bytes > room) {
            return rc; // 0: no room
        }
    }
    rc = dogb_segment_build(&bytes, &size, name, &scratch, &store->set, store->floats, keys, rows,
                            count);
    char *path = rc < 0 ? NULL : dogb_path_join(&scratch, store->directory, name);
    if (rc < 0 || path == NULL) {
        rc = rc < 0 ? rc : DOGBREED_ERROR_NO_MEMORY;
        goto out;
    }
    if ((rc = dogb_file_write(path, bytes, size)) < 0 ||
        (rc = add_mapped(store, path, &mapped)) < 0 || (rc = map_one(store, mapped)) < 0) {
        goto out;
    }
    store->bytes += (int64_t)size;
    *out = mapped->segment;
    rc = 1;
out:
    dogb_arena_free(&scratch);
    return rc;
}
