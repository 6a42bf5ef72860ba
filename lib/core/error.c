// error.c - thread-local message of the last failure, names of codes. Knows nothing of what failed.
#include "core/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { MESSAGE_SIZE = 1024 };

static _Thread_local char message[MESSAGE_SIZE];

static void clean(char *text) {
    // A message is one line and safe to print on a terminal, whatever a hostile file put into a
    // name.
    for (; *text != '\0'; text++) {
        unsigned char c = (unsigned char)*text;
        if (c < 0x20 || c == 0x7f) {
            *text = '?';
        }
    }
}

static void set(const char *format, va_list args) {
    // Through a second buffer: an argument may be the old message.
    char text[MESSAGE_SIZE];
    (void)vsnprintf(text, sizeof text, format, args);
    clean(text);
    memcpy(message, text, sizeof text);
}

int dogb_fail(int code, const char *format, ...) {
    va_list args;
    va_start(args, format);
    set(format, args);
    va_end(args);
    return code;
}

int dogb_fail_errno(int code, const char *format, ...) {
    char reason[128];
    int number = errno;
    if (strerror_r(number, reason, sizeof reason) != 0) {
        (void)snprintf(reason, sizeof reason, "error %d", number);
    }
    va_list args;
    va_start(args, format);
    set(format, args);
    va_end(args);
    size_t used = strlen(message);
    (void)snprintf(message + used, sizeof message - used, ": %s", reason);
    return code;
}

void dogb_error_save(dogb_error_state *state, int code) {
    state->code = code;
    memcpy(state->text, message, sizeof state->text);
}

int dogb_error_restore(const dogb_error_state *state) {
    memcpy(message, state->text, sizeof message);
    return state->code;
}

const char *dogbreed_error_message(void) {
    return message;
}

const char *dogbreed_error_name(int code) {
    static const char *const names[] = {"OK",
                                        "INVALID_ARGUMENT",
                                        "NO_MEMORY",
                                        "NOT_FOUND",
                                        "EXISTS",
                                        "IO",
                                        "NETWORK",
                                        "FORMAT",
                                        "MISMATCH",
                                        "UNSUPPORTED",
                                        "DEVICE",
                                        "DEVICE_MEMORY",
                                        "NUMERIC",
                                        "STATE",
                                        "CANCELLED",
                                        "CALLBACK",
                                        "INTERNAL",
                                        "TENSOR_UNAVAILABLE",
                                        "TENSOR_UNAVAILABLE_FOR_STEP",
                                        "STEP_UNAVAILABLE",
                                        "STEP_NOT_YET_AVAILABLE",
                                        "NO_MORE_DATA",
                                        "INDEX",
                                        "INVALID_WORKER",
                                        "INSUFFICIENT_INFORMATION",
                                        "CONDITION_MET",
                                        "BUSY",
                                        "TIMEOUT"};
    const int count = (int)(sizeof names / sizeof names[0]);
    if (code == DOGBREED_STOP) {
        return "STOP";
    }
    return code <= 0 && code > -count ? names[-code] : "UNKNOWN";
}
