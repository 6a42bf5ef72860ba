// curl.c - opens libcurl.
#include "store/curl.h"
#include "core/error.h"
#include "core/plugin.h"

#include <pthread.h>
#include <string.h>

static dogb_curl library;
static char problem[256]; // "": loaded
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void load(void) {
    static const char *const names[] = {
#define NAME(RESULT, FUNCTION, ARGUMENTS) #FUNCTION,
        DOGB_CURL(NAME)
#undef NAME
    };
    dogb_library_open(&library, names, sizeof names / sizeof names[0], "libcurl.so.4", problem);
    if (problem[0] == '\0' && library.curl_global_init(DOGB_CURL_GLOBAL_DEFAULT) != DOGB_CURLE_OK) {
        strncpy(problem, "it does not start", sizeof problem - 1);
    }
}

int dogb_curl_load(const dogb_curl **out) {
    (void)pthread_once(&once, load);
    *out = problem[0] == '\0' ? &library : NULL;
    if (*out == NULL) {
        return dogb_fail(DOGBREED_ERROR_UNSUPPORTED,
                         "s3:// and callbacks need libcurl (Debian: libcurl4): %s", problem);
    }
    return DOGBREED_OK;
}
