// mhd.h - the functions of libmicrohttpd that are used here, as a table that is filled by dlopen: a
// program that serves nothing needs no HTTP library. The interface is the one of
// libmicrohttpd.so.12; a test compares these types with microhttpd.h.
#ifndef DOGB_SERVE_MHD_H
#define DOGB_SERVE_MHD_H

#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

struct MHD_Daemon;
struct MHD_Connection;
struct MHD_Response;
union MHD_ConnectionInfo;

// Enumerations come as the unsigned numbers they are.
typedef unsigned (*dogb_mhd_accept)(void *, const struct sockaddr *, socklen_t);
typedef unsigned (*dogb_mhd_handler)(void *, struct MHD_Connection *, const char *url,
                                     const char *method, const char *version, const char *data,
                                     size_t *data_size, void **request);
typedef unsigned (*dogb_mhd_value)(void *, unsigned kind, const char *name, size_t name_size,
                                   const char *value, size_t value_size);
typedef void *(*dogb_mhd_uri)(void *, const char *uri, struct MHD_Connection *);
typedef void (*dogb_mhd_completed)(void *, struct MHD_Connection *, void **request, unsigned why);
typedef void (*dogb_mhd_notify)(void *, struct MHD_Connection *, void **socket, unsigned what);

enum { DOGB_MHD_NO = 0, DOGB_MHD_YES = 1 };
enum { DOGB_MHD_HEADER = 1 };                      // kind of values
enum { DOGB_MHD_PERSISTENT = 0 };                  // memory of a response that outlives it
enum { DOGB_MHD_STARTED = 0, DOGB_MHD_ENDED = 1 }; // of a connection
enum { DOGB_MHD_INFO_DESCRIPTOR = 6, DOGB_MHD_INFO_SOCKET_CONTEXT = 7 };
enum { DOGB_MHD_COMPLETED = 0 }; // why a request is over: its reply was sent
enum { DOGB_MHD_FEATURE_TLS = 2 };

enum {
    DOGB_MHD_TLS = 2,
    DOGB_MHD_INTERNAL_THREAD = 8,
    DOGB_MHD_NO_LISTENER = 256,
    DOGB_MHD_EPOLL = 512,
    DOGB_MHD_SUSPEND_RESUME = 8192 | 1024
};

enum {
    DOGB_MHD_OPTION_END = 0,
    DOGB_MHD_OPTION_MEMORY_LIMIT = 1,
    DOGB_MHD_OPTION_CONNECTION_LIMIT = 2,
    DOGB_MHD_OPTION_TIMEOUT = 3,
    DOGB_MHD_OPTION_COMPLETED = 4,
    DOGB_MHD_OPTION_PER_IP_LIMIT = 5,
    DOGB_MHD_OPTION_URI = 7,
    DOGB_MHD_OPTION_KEY = 8,
    DOGB_MHD_OPTION_CERTIFICATE = 9,
    DOGB_MHD_OPTION_THREADS = 14,
    DOGB_MHD_OPTION_ARRAY = 15,
    DOGB_MHD_OPTION_NOTIFY = 27
};

// An element of DOGB_MHD_OPTION_ARRAY: a number or a function, and a pointer.
typedef struct dogb_mhd_option {
    int option;
    intptr_t value;
    void *pointer;
} dogb_mhd_option;

// FUNCTION(result, name, arguments).
#define DOGB_MHD(FUNCTION)                                                                         \
    FUNCTION(struct MHD_Daemon *, MHD_start_daemon,                                                \
             (unsigned, uint16_t, dogb_mhd_accept, void *, dogb_mhd_handler, void *, ...))         \
    FUNCTION(unsigned, MHD_add_connection,                                                         \
             (struct MHD_Daemon *, int, const struct sockaddr *, socklen_t))                       \
    FUNCTION(void, MHD_stop_daemon, (struct MHD_Daemon *))                                         \
    FUNCTION(int, MHD_get_connection_values_n,                                                     \
             (struct MHD_Connection *, unsigned, dogb_mhd_value, void *))                          \
    FUNCTION(const union MHD_ConnectionInfo *, MHD_get_connection_info,                            \
             (struct MHD_Connection *, unsigned, ...))                                             \
    FUNCTION(struct MHD_Response *, MHD_create_response_from_buffer, (size_t, void *, unsigned))   \
    FUNCTION(unsigned, MHD_add_response_header,                                                    \
             (struct MHD_Response *, const char *, const char *))                                  \
    FUNCTION(unsigned, MHD_queue_response,                                                         \
             (struct MHD_Connection *, unsigned, struct MHD_Response *))                           \
    FUNCTION(void, MHD_destroy_response, (struct MHD_Response *))                                  \
    FUNCTION(void, MHD_suspend_connection, (struct MHD_Connection *))                              \
    FUNCTION(void, MHD_resume_connection, (struct MHD_Connection *))                               \
    FUNCTION(unsigned, MHD_is_feature_supported, (unsigned))

#define DOGB_MHD_MEMBER(RESULT, NAME, ARGUMENTS) RESULT(*NAME) ARGUMENTS;
typedef struct dogb_mhd {
    DOGB_MHD(DOGB_MHD_MEMBER)
} dogb_mhd;

// Loaded once per process. UNSUPPORTED: it is not installed.
int dogb_mhd_load(const dogb_mhd **out);

#endif
