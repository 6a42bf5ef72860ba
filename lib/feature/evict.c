// evict.c - keeps the store within its bound: the set that was used longest ago goes first, and
// none that a living process has open.
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

static int remove_set(const char *name, void *userdata) {
    static const char *const locks[] = {"lock"};
    return dogb_evict_folder(userdata, name, locks, 1);
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
        if (!dogb_evict_leftover(root, e->d_name) && dogb_store_is_set(e->d_name)) {
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
