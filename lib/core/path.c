// path.c - directories and names: the rest of file.h.
#include "core/entry.h"
#include "core/environment.h"
#include "core/error.h"
#include "core/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int dogb_file_exists(const char *path) {
    struct stat info;
    return stat(path, &info) == 0 && S_ISREG(info.st_mode);
}

int dogb_directory_exists(const char *path) {
    struct stat info;
    return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

int dogb_directory_make(const char *path) {
    dogb_arena scratch = {0};
    char *copy = dogb_strdup(&scratch, path);
    int rc = copy == NULL ? DOGBREED_ERROR_NO_MEMORY : DOGBREED_OK;
    for (char *c = copy; rc == DOGBREED_OK && c != NULL;) {
        c = strchr(c + (*c != '\0'), '/');
        if (c != NULL) {
            *c = '\0';
        }
        if (*copy != '\0' && mkdir(copy, 0777) != 0 && errno != EEXIST &&
            !dogb_directory_exists(copy)) {
            rc = dogb_fail_errno(DOGBREED_ERROR_IO, "%s: cannot make this folder", copy);
        }
        if (c != NULL) {
            *c = '/';
        }
    }
    if (rc == DOGBREED_OK && !dogb_directory_exists(path)) {
        rc = dogb_fail(DOGBREED_ERROR_IO, "%s: is not a folder", path);
    }
    dogb_arena_free(&scratch);
    return rc;
}

int dogb_directory_sync(const char *path) {
    int descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor < 0) {
        return dogb_fail_errno(DOGBREED_ERROR_IO, "%s: cannot be opened", path);
    }
    // Some file systems cannot sync a directory (EINVAL): nothing more can be done there.
    int rc = fsync(descriptor) != 0 && errno != EINVAL
                 ? dogb_fail_errno(DOGBREED_ERROR_IO, "%s: cannot be synced", path)
                 : DOGBREED_OK;
    (void)close(descriptor);
    return rc;
}

static int remove_at(int parent, const char *name, int depth) {
    if (unlinkat(parent, name, 0) == 0 || errno == ENOENT) {
        return 0;
    }
    if (depth > DOGB_TREE_DEPTH_MAX || (errno != EISDIR && errno != EPERM)) {
        return -1;
    }
    int descriptor = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *directory = descriptor < 0 ? NULL : fdopendir(descriptor);
    if (directory == NULL) {
        if (descriptor >= 0) {
            (void)close(descriptor);
        }
        return -1;
    }
    int rc = 0;
    for (struct dirent *entry = readdir(directory); entry != NULL; entry = readdir(directory)) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) {
            rc |= remove_at(dirfd(directory), entry->d_name, depth + 1);
        }
    }
    (void)closedir(directory);
    return rc | unlinkat(parent, name, AT_REMOVEDIR);
}

int dogb_directory_remove(const char *path) {
    if (remove_at(AT_FDCWD, path, 0) != 0) {
        return dogb_fail_errno(DOGBREED_ERROR_IO, "%s: cannot be removed", path);
    }
    return DOGBREED_OK;
}

char *dogb_path_join(dogb_arena *arena, const char *directory, const char *name) {
    size_t length = strlen(directory);
    if (length == 0) {
        return dogb_strdup(arena, name);
    }
    return dogb_format(arena, directory[length - 1] == '/' ? "%s%s" : "%s/%s", directory, name);
}

const char *dogb_path_name(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash == NULL ? path : slash + 1;
}

int dogb_cache_directory(char **out, dogb_arena *arena, const char *name) {
    const char *cache = dogb_environment("DOGBREED_CACHE");
    const char *xdg = dogb_environment("XDG_CACHE_HOME");
    const char *home = dogb_environment("HOME");
    char *base = NULL;
    int rc = DOGBREED_OK;
    *out = NULL;
    if (cache != NULL) {
        base = dogb_strdup(arena, cache);
    } else if (xdg != NULL && *xdg == '/') {
        base = dogb_format(arena, "%s/dogbreed", xdg);
    } else if (home != NULL) {
        base = dogb_format(arena, "%s/.cache/dogbreed", home);
    } else {
        return dogb_fail(DOGBREED_ERROR_NOT_FOUND,
                         "no cache folder: set DOGBREED_CACHE, XDG_CACHE_HOME or HOME");
    }
    char *path = base == NULL ? NULL : dogb_path_join(arena, base, name);
    if (path == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    if ((rc = dogb_directory_make(path)) == DOGBREED_OK) {
        *out = path;
    }
    return rc;
}
