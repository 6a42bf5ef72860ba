// connection.h - requests and replies on the HTTP library's side: its four callbacks.
#ifndef DOGB_SERVE_CONNECTION_H
#define DOGB_SERVE_CONNECTION_H

#include "serve/mhd.h"
#include "serve/server.h"
#include "serve/spare.h"

typedef struct dogb_http {
    dogb_server server;
    const dogb_mhd *mhd;
    struct MHD_Daemon *daemon;
    struct dogb_acceptor *acceptor;
    // Connections that the library has and dogb_connection_notify does not know yet.
    _Atomic int32_t arriving;
    // Requests that are on their way into the batcher; see dogb_http_close.
    _Atomic int32_t entering;
    dogb_spare spare; // for bodies
} dogb_http;

// The first argument of each is a dogb_http.
void *dogb_connection_target(void *http, const char *target, struct MHD_Connection *connection);
unsigned dogb_connection_request(void *http, struct MHD_Connection *connection, const char *url,
                                 const char *method, const char *version, const char *data,
                                 size_t *data_size, void **request);
void dogb_connection_completed(void *http, struct MHD_Connection *connection, void **request,
                               unsigned why);
void dogb_connection_notify(void *http, struct MHD_Connection *connection, void **socket,
                            unsigned what);

// After it no request is suspended, nor will one be: the daemon may be stopped.
void dogb_connection_close(dogb_http *http);

#endif
