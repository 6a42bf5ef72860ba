/* dogbreed/common.h - version, errors, log, memory, devices: what every other header needs.
 *
 * Conventions that hold in all headers:
 *  - Functions return 0 (DOGBREED_OK) or a negative DOGBREED_ERROR_ code; the message of the last
 * failure on the calling thread is dogbreed_error_message().
 *  - Out parameters come first and are NULL (handles, strings) after a failure. `void *userdata`
 * comes last.
 *  - Option structs start with struct_size and kind, are filled by their _init function, and NULL
 * means defaults. Strings in them are copied by the callee.
 *  - Handles are destroyed in any order; NULL is fine. One handle, one thread at a time, unless its
 * typedef says more.
 *  - A `char **json` result is UTF-8 JSON text owned by the caller: release it with
 * dogbreed_free().
 */
#ifndef DOGBREED_COMMON_H
#define DOGBREED_COMMON_H

#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__)
#define DOGBREED_API __attribute__((visibility("default")))
#else
#define DOGBREED_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

#define DOGBREED_VERSION_MAJOR 0
#define DOGBREED_VERSION_MINOR 1
#define DOGBREED_VERSION_PATCH 0
#define DOGBREED_ABI 0 /* equals the number in the SONAME */

/* Results. Values never change. */
enum {
    DOGBREED_OK = 0,
    DOGBREED_STOP = 1, /* returned by an event callback: finish cleanly */
    DOGBREED_ERROR_INVALID_ARGUMENT = -1,
    DOGBREED_ERROR_NO_MEMORY = -2,
    DOGBREED_ERROR_NOT_FOUND = -3,
    DOGBREED_ERROR_EXISTS = -4,
    DOGBREED_ERROR_IO = -5,
    DOGBREED_ERROR_NETWORK = -6,
    DOGBREED_ERROR_FORMAT = -7,
    DOGBREED_ERROR_MISMATCH = -8,
    DOGBREED_ERROR_UNSUPPORTED = -9,
    DOGBREED_ERROR_DEVICE = -10,
    DOGBREED_ERROR_DEVICE_MEMORY = -11,
    DOGBREED_ERROR_NUMERIC = -12,
    DOGBREED_ERROR_STATE = -13,
    DOGBREED_ERROR_CANCELLED = -14,
    DOGBREED_ERROR_CALLBACK = -15,
    DOGBREED_ERROR_INTERNAL = -16,
    /* Of stored tensors (record.h) and rules over them. */
    DOGBREED_ERROR_TENSOR_UNAVAILABLE = -17,
    DOGBREED_ERROR_TENSOR_UNAVAILABLE_FOR_STEP = -18,
    DOGBREED_ERROR_STEP_UNAVAILABLE = -19,
    DOGBREED_ERROR_STEP_NOT_YET_AVAILABLE = -20,
    DOGBREED_ERROR_NO_MORE_DATA = -21,
    DOGBREED_ERROR_INDEX = -22,
    DOGBREED_ERROR_INVALID_WORKER = -23,
    DOGBREED_ERROR_INSUFFICIENT_INFORMATION = -24, /* a rule cannot run: returned by custom rules */
    DOGBREED_ERROR_CONDITION_MET = -25,            /* a rule has fired: returned by custom rules */
    DOGBREED_ERROR_BUSY = -26,                     /* a queue is full: try again later */
    DOGBREED_ERROR_TIMEOUT = -27                   /* a deadline has passed */
};

enum {
    DOGBREED_LOG_ERROR = 0,
    DOGBREED_LOG_WARNING = 1,
    DOGBREED_LOG_INFO = 2,
    DOGBREED_LOG_DEBUG = 3
};

/* Version of the library that is running, "major.minor.patch". Static storage. Any thread. */
DOGBREED_API const char *dogbreed_version(void);

/* ABI number of the library that is running; compare with DOGBREED_ABI. Any thread. */
DOGBREED_API int32_t dogbreed_abi(void);

/* Build information: version, ABI, compiler, engines, image and JSON libraries with their versions,
 * as JSON. Opens no engine. Returns NO_MEMORY. Any thread. */
DOGBREED_API int dogbreed_build_info(char **json);

/* Looks at this machine: CPU and its flags, usable cores, memory, engines (opens each that is
 * installed), devices, data types, self-test of the decoders, the engines that "auto" takes for
 * inference, for training heads and for training deeper layers. One object per finding with
 * "status": ok|warning|error, as JSON. Returns NO_MEMORY. Any thread. */
DOGBREED_API int dogbreed_doctor(char **json);

/* The same, and findings of group "speed" with "number" and "unit": what one core does at most in
 * float32 (GFLOP/s, a multiply-add is two), and mobilenet_v2 at 224 pixels with random weights on
 * the engine that "auto" takes, all usable cores (images/s, batches of 1 and of 16). Takes about a
 * second of all cores. Returns NO_MEMORY. Any thread. */
DOGBREED_API int dogbreed_doctor_measure(char **json);

/* Message of the last failed call on this thread: one line, no newline, never NULL ("" before any
 * failure). Valid until the next failure on this thread. */
DOGBREED_API const char *dogbreed_error_message(void);

/* Name of a result code, for example "NOT_FOUND"; "UNKNOWN" for other values. Static storage. Any
 * thread. */
DOGBREED_API const char *dogbreed_error_name(int code);

/* Receives one whole line, without newline. Called under a lock, from any thread of the library. */
typedef void (*dogbreed_log_fn)(int32_t level, const char *line, void *userdata);

/* Sends messages up to `level` to fn. NULL: nobody hears anything. Default: warnings to stderr.
 * Process-wide. */
DOGBREED_API void dogbreed_log_set(dogbreed_log_fn fn, void *userdata, int32_t level);

/* Releases what the library returned through a `char **`. NULL is fine. Any thread. */
DOGBREED_API void dogbreed_free(void *pointer);

#ifdef __cplusplus
}
#endif
#endif
