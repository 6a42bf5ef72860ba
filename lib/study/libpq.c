// libpq.c - opens PostgreSQL's client library.
#include "study/libpq.h"
#include "core/error.h"

#include <dlfcn.h>
#include <pthread.h>
#include <string.h>

static dogb_libpq library;
static char problem[256]; // "": loaded
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void load(void) {
    static const char *const names[] = {
#define NAME(RESULT, FUNCTION, ARGUMENTS) #FUNCTION,
        DOGB_LIBPQ(NAME)
#undef NAME
    };
    void *handle = dlopen("libpq.so.5", RTLD_NOW | RTLD_LOCAL);
    if (handle == NULL) {
        const char *why = dlerror();
        strncpy(problem, why == NULL ? "not found" : why, sizeof problem - 1);
        return;
    }
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        void *function = dlsym(handle, names[i]);
        if (function == NULL) {
            strncpy(problem, names[i], sizeof problem - 1);
            return;
        }
        memcpy((char *)&library + i * sizeof function, &function, sizeof function);
    }
}

int dogb_libpq_load(const dogb_libpq **out) {
    (void)pthread_once(&once, load);
    *out = problem[0] == '\0' ? &library : NULL;
    if (*out == NULL) {
        return dogb_fail(DOGBREED_ERROR_UNSUPPORTED,
                         "postgresql:// needs PostgreSQL's client library (Debian: libpq5): %s",
                         problem);
    }
    return DOGBREED_OK;
}
