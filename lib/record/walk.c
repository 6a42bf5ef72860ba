// walk.c - see walk.h.
#include "record/walk.h"

#include "core/error.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

static DIR *open_folder(int parent, const char *name) {
    int descriptor = openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *folder = descriptor < 0 ? NULL : fdopendir(descriptor);
    if (folder == NULL && descriptor >= 0) {
        int number = errno;
        (void)close(descriptor);
        errno = number;
    }
    return folder;
}

static int walk_folder(int parent, const char *path, const char *name, dogb_walk_fn fn,
                       void *userdata) {
    DIR *folder = open_folder(parent, name);
    int rc = DOGBREED_OK;
    if (folder == NULL) {
        return errno == ENOENT || errno == ENOTDIR
                   ? DOGBREED_OK
                   : dogb_fail_errno(DOGBREED_ERROR_IO, "%s/%s: cannot be read", path, name);
    }
    const struct dirent *entry = NULL;
    while (rc >= 0 && (entry = readdir(folder)) != NULL) {
        dogb_walk_entry found = {
            .folder = name, .name = entry->d_name, .descriptor = dirfd(folder)};
        rc = *entry->d_name == '.' ? DOGBREED_OK : fn(&found, userdata);
    }
    (void)closedir(folder);
    return rc < 0 ? rc : DOGBREED_OK;
}

int dogb_record_walk(const char *path, dogb_walk_fn fn, void *userdata) {
    DIR *top = open_folder(AT_FDCWD, path);
    int rc = DOGBREED_OK;
    if (top == NULL) {
        int code = errno == ENOENT ? DOGBREED_ERROR_NOT_FOUND : DOGBREED_ERROR_IO;
        return dogb_fail_errno(code, "%s: cannot be read", path);
    }
    const struct dirent *entry = NULL;
    while (rc == DOGBREED_OK && (entry = readdir(top)) != NULL) {
        if (*entry->d_name != '.') {
            rc = walk_folder(dirfd(top), path, entry->d_name, fn, userdata);
        }
    }
    (void)closedir(top);
    return rc;
}
