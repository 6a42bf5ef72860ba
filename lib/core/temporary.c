// temporary.c - folders that live as long as an arena.
#include "core/environment.h"
#include "core/error.h"
#include "core/file.h"

#include <stdlib.h>

static void remove_folder(void *path) {
    (void)dogb_directory_remove(path);
}

int dogb_directory_temporary(char **out, dogb_arena *arena, const char *name) {
    const char *place = dogb_environment("TMPDIR");
    *out = NULL;
    char *path = dogb_format(arena, "%s/%s-XXXXXX", place == NULL ? "/tmp" : place, name);
    if (path == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    if (mkdtemp(path) == NULL) {
        return dogb_fail_errno(DOGBREED_ERROR_IO, "%s: cannot make this folder", path);
    }
    int rc = dogb_defer(arena, remove_folder, path);
    *out = rc < 0 ? NULL : path;
    return rc;
}
