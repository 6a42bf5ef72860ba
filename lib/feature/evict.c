// evict.c - keeps the store within its bound: the set that was used longest ago goes first, and
// none that a living process has open.
//
// A set is first renamed, so that nobody opens a half of it, then removed. A process killed in
// between leaves a folder that starts with ".old-", which the next eviction removes.
#include "core/error.h"
#include "core/evict.h"
#include "feature/store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static const char trash[] = ".old-";

// Bytes of the files of one folder, and when its lock was last touched.
static void measure(dogb_evictable *out, int root) {
    int descriptor = openat(root, out->name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *directory = descriptor < 0 ? NULL : fdopendir(descriptor);
    struct stat info;
    if (directory == NULL) {
        if (descriptor >= 0) {
            (void)close(descriptor);
        }
        return; // gone meanwhile
    }
    for (struct dirent *e = readdir(directory); e != NULL; e = readdir(directory)) {
        if (fstatat(descriptor, e->d_name, &info, AT_SYMLINK_NOFOLLOW) != 0 ||
            !S_ISREG(info.st_mode)) {
            continue;
        }
        out->bytes += info.st_size;
        if (strcmp(e->d_name, "lock") == 0) {
            out->used = info.st_mtim;
        }
    }
    (void)closedir(directory);
}

// Removes a set unless somebody has it open. 1: removed.
static int remove_set(const char *name, void *userdata) {
    const char *root = userdata;
    dogb_arena scratch = {0};
    int removed = 0;
    char *from = dogb_path_join(&scratch, root, name);
    char *to = dogb_format(&scratch, "%s/%s%s-%ld", root, trash, name, (long)getpid());
    char *path = from == NULL ? NULL : dogb_path_join(&scratch, from, "lock");
    int lock = path == NULL || to == NULL ? -1 : open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (lock >= 0) {
        // Held until everything is gone, so that whoever waits for it finds another file.
        if (flock(lock, LOCK_EX | LOCK_NB) == 0 && rename(from, to) == 0) {
            removed = dogb_directory_remove(to) == DOGBREED_OK;
        }
        (void)close(lock);
    }
    dogb_arena_free(&scratch);
    return removed;
}

static int list(dogb_evictable **out, size_t *count, dogb_arena *arena, const char *root) {
    size_t capacity = 0;
    int rc = DOGBREED_OK;
    DIR *directory = opendir(root);
    *out = NULL;
    *count = 0;
    if (directory == NULL) {
        return dogb_fail_errno(DOGBREED_ERROR_IO, "%s: cannot be read", root);
    }
    for (struct dirent *e = readdir(directory); rc == DOGBREED_OK && e != NULL;
         e = readdir(directory)) {
        if (strncmp(e->d_name, trash, sizeof trash - 1) == 0) {
            char *path = dogb_path_join(arena, root, e->d_name);
            rc = path == NULL ? DOGBREED_ERROR_NO_MEMORY : DOGBREED_OK;
            if (path != NULL) {
                (void)dogb_directory_remove(path); // what is left of it is tried again next time
            }
        } else if (dogb_store_is_set(e->d_name)) {
            rc = dogb_grow(arena, out, &capacity, *count, sizeof **out);
            char *name = rc < 0 ? NULL : dogb_strdup(arena, e->d_name);
            rc = name == NULL ? DOGBREED_ERROR_NO_MEMORY : rc;
            if (name != NULL) {
                (*out)[*count] = (dogb_evictable){.name = name};
                measure(&(*out)[(*count)++], dirfd(directory));
            }
        }
    }
    (void)closedir(directory);
    return rc;
}

int dogb_store_evict(int64_t *bytes, const char *root, int64_t wanted) {
    dogb_arena scratch = {0};
    dogb_evictable *sets = NULL;
    size_t count = 0;
    int rc = list(&sets, &count, &scratch, root);
    *bytes = rc < 0 ? 0 : dogb_evict(sets, count, wanted, remove_set, (void *)root);
    dogb_arena_free(&scratch);
    return rc;
}
