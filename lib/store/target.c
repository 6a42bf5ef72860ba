// target.c - where downloads go: see transfer.h.
#include "core/error.h"
#include "core/file.h"
#include "store/transfer.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void close_folder(void *pointer) {
    const dogb_target *target = pointer;
    if (target->folder >= 0) {
        (void)close(target->folder);
    }
}

// The arena keeps a copy that knows which descriptor to close.
static int keep(dogb_arena *arena, int descriptor) {
    dogb_target *kept = dogb_alloc(arena, 1, sizeof *kept);
    if (kept == NULL) {
        (void)close(descriptor);
        return DOGBREED_ERROR_NO_MEMORY;
    }
    kept->folder = descriptor;
    return dogb_defer(arena, close_folder, kept);
}

static int open_folder(int *out, int parent, const char *name, int follow, const char *shown) {
    *out = openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | (follow ? 0 : O_NOFOLLOW));
    if (*out >= 0) {
        return DOGBREED_OK;
    }
    return dogb_fail_errno(errno == ENOENT ? DOGBREED_ERROR_NOT_FOUND : DOGBREED_ERROR_IO,
                           "%s: the folder cannot be opened", shown);
}

int dogb_target_of(dogb_target *out, dogb_arena *arena, const char *path) {
    const char *name = dogb_path_name(path);
    *out = (dogb_target){.folder = -1};
    if (*name == '\0') {
        return dogb_fail(DOGBREED_ERROR_INVALID_ARGUMENT, "%s: expected the name of a file", path);
    }
    char *folder =
        name == path ? dogb_strdup(arena, ".") : dogb_strndup(arena, path, (size_t)(name - path));
    out->name = dogb_strdup(arena, name);
    out->shown = dogb_strdup(arena, path);
    if (folder == NULL || out->name == NULL || out->shown == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    int rc = open_folder(&out->folder, AT_FDCWD, folder, 1, folder);
    return rc < 0 ? rc : keep(arena, out->folder);
}

int dogb_target_below(dogb_target *out, dogb_arena *arena, const char *root, const char *relative) {
    *out = (dogb_target){.folder = -1, .shown = dogb_path_join(arena, root, relative)};
    char *rest = dogb_strdup(arena, relative);
    int rc = out->shown == NULL || rest == NULL
                 ? DOGBREED_ERROR_NO_MEMORY
                 : open_folder(&out->folder, AT_FDCWD, root, 1, root);
    rc = rc < 0 ? rc : keep(arena, out->folder);
    for (char *slash = NULL; rc == DOGBREED_OK && (slash = strchr(rest, '/')) != NULL;
         rest = slash + 1) {
        int parent = out->folder;
        *slash = '\0';
        if (mkdirat(parent, rest, 0777) != 0 && errno != EEXIST) {
            return dogb_fail_errno(DOGBREED_ERROR_IO, "%s: a folder cannot be made", out->shown);
        }
        rc = open_folder(&out->folder, parent, rest, 0, out->shown);
        rc = rc < 0 ? rc : keep(arena, out->folder);
    }
    out->name = rest;
    return rc;
}
