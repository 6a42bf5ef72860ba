#define _GNU_SOURCE // O_PATH
// models_file.c - from a url to an open file, without leaving a folder: part by part, no links, no
// "..".
#include "core/error.h"
#include "serve/models.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PART_MAX = 255, DEPTH_MAX = 32 };

static int outside(void) {
    return dogb_fail(DOGBREED_ERROR_INVALID_ARGUMENT,
                     "url: expected the path of a model below the folder of the models");
}

static int missing(void) {
    return dogb_fail(DOGBREED_ERROR_NOT_FOUND, "there is no model at this url");
}

// The part behind root_path of a url that begins with it; a url without a slash at its beginning is
// one already. NULL: neither.
static const char *below(const char *root_path, const char *url) {
    size_t length = strlen(root_path);
    while (length > 1 && root_path[length - 1] == '/') {
        length--;
    }
    if (*url != '/') {
        return url;
    }
    return strncmp(url, root_path, length) == 0 && url[length] == '/' ? url + length + 1 : NULL;
}

// Steps into `name`; *at becomes its descriptor. Folders are opened as places alone.
static int step(int *at, const char *name, int flags) {
    int next = openat(*at, name, flags | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    (void)close(*at);
    *at = next;
    return next < 0 ? missing() : DOGBREED_OK;
}

// The next part of *path as a text of its own; *path goes behind it. Several slashes are one.
static int take_part(char part[PART_MAX + 1], const char **path) {
    size_t length = strcspn(*path, "/");
    if (length == 0 || length > PART_MAX) {
        return outside();
    }
    memcpy(part, *path, length);
    part[length] = '\0';
    *path += length;
    *path += strspn(*path, "/");
    return strcmp(part, ".") == 0 || strcmp(part, "..") == 0 ? outside() : DOGBREED_OK;
}

static int is_folder(int descriptor) {
    struct stat info;
    return fstat(descriptor, &info) == 0 && S_ISDIR(info.st_mode);
}

static int walk(int *at, const char *path) {
    char part[PART_MAX + 1];
    int rc = DOGBREED_OK;
    for (int depth = 0; rc == DOGBREED_OK && *path != '\0'; depth++) {
        rc = depth == DEPTH_MAX ? outside() : take_part(part, &path);
        rc = rc < 0 ? rc : step(at, part, *path == '\0' ? O_RDONLY : O_PATH | O_DIRECTORY);
    }
    return rc < 0 || !is_folder(*at) ? rc : step(at, "model.safetensors", O_RDONLY);
}

int dogb_models_open(int *descriptor, int64_t *size, int root, const char *root_path,
                     const char *url) {
    struct stat info = {0};
    const char *path = below(root_path, url);
    if (path == NULL || *path == '\0') {
        return outside();
    }
    int at = openat(root, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
    int rc = at < 0 ? missing() : walk(&at, path);
    if (rc == DOGBREED_OK && (fstat(at, &info) != 0 || !S_ISREG(info.st_mode))) {
        rc = missing();
    }
    if (rc < 0 && at >= 0) {
        (void)close(at);
    }
    *descriptor = rc < 0 ? -1 : at;
    *size = info.st_size;
    return rc;
}
