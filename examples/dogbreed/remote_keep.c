// remote_keep.c - what a command has written beside a copy of a run goes to the store too.
#include "remote.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

// The URI of what lies at the path, to be freed; NULL: it is no copy's (or no memory).
static char *uri_of(const tool *t, const char *path) {
    const char *name = remote_name(t, path);
    return name == path ? NULL : strdup(name);
}

int remote_keep(tool *t, const char *path) {
    dogbreed_store *store = NULL;
    struct stat info;
    char *uri = uri_of(t, path);
    int rc = DOGBREED_OK;
    if (uri != NULL && stat(path, &info) == 0) {
        rc = remote_store(&store, t) != TOOL_OK ? DOGBREED_ERROR_STATE
             : S_ISDIR(info.st_mode)            ? dogbreed_store_sync(NULL, store, path, uri, 0)
                                                : dogbreed_store_put(store, path, uri);
        progress_clear();
    }
    free(uri);
    return rc;
}

int remote_again(tool *t, const char *path) {
    dogbreed_store *store = NULL;
    char *local = NULL;
    char *uri = uri_of(t, path);
    int exit_code = uri == NULL ? TOOL_OK : remote_store(&store, t);
    if (uri != NULL && exit_code == TOOL_OK) {
        int rc = dogbreed_store_fetch(&local, store, uri);
        progress_clear();
        exit_code = rc < 0 ? remote_failed(t, rc) : TOOL_OK;
        dogbreed_free(local);
    }
    free(uri);
    return exit_code;
}
