// log.c - the log sink. The default writes warnings and errors to stderr, the one place in lib/
// that may.
#include "core/log.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

static void to_stderr(int32_t level, const char *line, void *userdata) {
    (void)userdata;
    char text[1200];
    int length = snprintf(text, sizeof text, "dogbreed: %s%s\n",
                          level == DOGBREED_LOG_WARNING ? "warning: " : "", line);
    if (length > 0) {
        size_t size = (size_t)length < sizeof text ? (size_t)length : sizeof text - 1;
        ssize_t written =
            write(STDERR_FILENO, text, size); // one call, so that lines of threads do not mix
        (void)written;
    }
}

// Guarded by `lock`; `sink_level` is also read without it (atomic) so that a silent level costs
// nothing.
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static dogbreed_log_fn sink = to_stderr;
static void *sink_userdata;
static _Atomic int32_t sink_level = DOGBREED_LOG_WARNING;

void dogbreed_log_set(dogbreed_log_fn fn, void *userdata, int32_t level) {
    (void)pthread_mutex_lock(&lock);
    sink = fn;
    sink_userdata = userdata;
    sink_level = level;
    (void)pthread_mutex_unlock(&lock);
}

void dogb_log(int32_t level, const char *format, ...) {
    if (level > sink_level) {
        return;
    }
    char line[1100];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(line, sizeof line, format, args);
    va_end(args);
    for (char *c = line; *c != '\0'; c++) {
        if ((unsigned char)*c < 0x20 || *c == 0x7f) {
            *c = '?';
        }
    }
    (void)pthread_mutex_lock(&lock);
    if (sink != NULL) {
        sink(level, line, sink_userdata);
    }
    (void)pthread_mutex_unlock(&lock);
}
