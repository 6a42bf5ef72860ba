#define _GNU_SOURCE // dladdr
// plugin.c - see plugin.h.
#include "core/plugin.h"

#include "core/error.h"
#include "core/file.h"
#include "core/log.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char anchor = 0; // an address in the file that this code lies in

// Folder of the library, or of the program that has it inside. NULL: no memory.
static char *own_folder(dogb_arena *arena) {
    Dl_info info;
    if (dladdr(&anchor, &info) == 0 || info.dli_fname == NULL) {
        return dogb_strdup(arena, ".");
    }
    const char *slash = strrchr(info.dli_fname, '/');
    return slash == NULL ? dogb_strdup(arena, ".")
                         : dogb_strndup(arena, info.dli_fname, (size_t)(slash - info.dli_fname));
}

static char *search_path(dogb_arena *arena) {
    const char *given = getenv("DOGBREED_ENGINE_PATH");
    char *own = own_folder(arena);
    if (own == NULL) {
        return NULL;
    }
    return dogb_format(arena, "%s%s%s:%s/dogbreed", given == NULL ? "" : given,
                       given == NULL || *given == '\0' ? "" : ":", own, own);
}

int dogb_plugin_path(char **out, char **folders, dogb_arena *arena, const char *file) {
    *out = NULL;
    *folders = search_path(arena);
    if (*folders == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    for (const char *at = *folders; *at != '\0';) {
        size_t length = strcspn(at, ":");
        char *path = dogb_format(arena, "%.*s/%s", (int)length, at, file);
        if (path == NULL) {
            return DOGBREED_ERROR_NO_MEMORY;
        }
        if (length > 0 && dogb_file_exists(path)) {
            *out = path;
            return DOGBREED_OK;
        }
        at += length + (at[length] == ':');
    }
    return DOGBREED_OK;
}

int dogb_plugin_function(void **out, const char *path, const char *what, const char *function) {
    dogb_log(DOGBREED_LOG_DEBUG, "opening %s", path);
    void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (handle == NULL) {
        return dogb_fail(DOGBREED_ERROR_IO, "%s: %s", what, dlerror());
    }
    *out = dlsym(handle, function);
    if (*out == NULL) {
        (void)dlclose(handle);
        return dogb_fail(DOGBREED_ERROR_FORMAT, "%s: is no plug-in for %s: it has no function %s",
                         path, what, function);
    }
    return DOGBREED_OK;
}

void dogb_library_open(void *table, const char *const *names, size_t count, const char *file,
                       char why[256]) {
    why[0] = '\0';
    void *handle = dlopen(file, RTLD_NOW | RTLD_LOCAL);
    if (handle == NULL) {
        const char *text = dlerror();
        (void)snprintf(why, 256, "%s", text == NULL ? "not found" : text);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        void *function = dlsym(handle, names[i]);
        if (function == NULL) {
            (void)snprintf(why, 256, "%s has no function %s", file, names[i]);
            (void)dlclose(handle);
            return;
        }
        memcpy((char *)table + i * sizeof function, &function, sizeof function);
    }
}
