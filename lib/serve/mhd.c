// mhd.c - opens libmicrohttpd.
#include "serve/mhd.h"
#include "core/error.h"
#include "core/plugin.h"

#include <pthread.h>

static dogb_mhd library;
static char problem[256]; // "": loaded
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void load(void) {
    static const char *const names[] = {
#define NAME(RESULT, FUNCTION, ARGUMENTS) #FUNCTION,
        DOGB_MHD(NAME)
#undef NAME
    };
    dogb_library_open(&library, names, sizeof names / sizeof names[0], "libmicrohttpd.so.12",
                      problem);
}

int dogb_mhd_load(const dogb_mhd **out) {
    (void)pthread_once(&once, load);
    *out = problem[0] == '\0' ? &library : NULL;
    if (*out == NULL) {
        return dogb_fail(DOGBREED_ERROR_UNSUPPORTED,
                         "serving needs libmicrohttpd (Debian: libmicrohttpd12): %s", problem);
    }
    return DOGBREED_OK;
}
