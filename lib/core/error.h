// error.h - one way to make an error: a code and a one-line message, together.
#ifndef DOGB_CORE_ERROR_H
#define DOGB_CORE_ERROR_H

#include <dogbreed/common.h>

// Sets the calling thread's message and returns `code`. The message names the input (file, option,
// tensor) and what was expected; control characters in it are replaced, it is cut at 1 kB.
int dogb_fail(int code, const char *format, ...) __attribute__((format(printf, 2, 3)));

// The same with the text of errno appended.
int dogb_fail_errno(int code, const char *format, ...) __attribute__((format(printf, 2, 3)));

// For the first lines of public functions.
#define DOGB_CHECK(condition, ...)                                                                 \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            return dogb_fail(DOGBREED_ERROR_INVALID_ARGUMENT, __VA_ARGS__);                        \
        }                                                                                          \
    } while (0)

// Saves and restores the message around clean-up that may itself fail.
typedef struct dogb_error_state {
    int code;
    char text[1024];
} dogb_error_state;
void dogb_error_save(dogb_error_state *state, int code);
int dogb_error_restore(const dogb_error_state *state); // returns the saved code

#endif
