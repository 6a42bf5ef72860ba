// libpq.c - opens PostgreSQL's client library.
#include "study/libpq.h"
#include "core/error.h"
#include "core/plugin.h"

#include <pthread.h>

static dogb_libpq library;
static char problem[256]; // "": loaded
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void load(void) {
    static const char *const names[] = {
#define NAME(RESULT, FUNCTION, ARGUMENTS) #FUNCTION,
        DOGB_LIBPQ(NAME)
#undef NAME
    };
    dogb_library_open(&library, names, sizeof names / sizeof names[0], "libpq.so.5", problem);
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
