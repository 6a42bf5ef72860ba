// daemon.h - the HTTP library's threads: started at a socket, and ended without losing a request.
#ifndef DOGB_SERVE_DAEMON_H
#define DOGB_SERVE_DAEMON_H

#include "serve/connection.h"

// Takes over `descriptor`, a listening socket, also when it fails. UNSUPPORTED, FORMAT (certificate
// or key), NETWORK.
int dogb_daemon_start(dogb_http *http, int descriptor);

// Lets no new connection in, answers what has been accepted, ends the threads. CANCELLED: `seconds`
// were not enough, and requests were cut off.
int dogb_daemon_end(dogb_http *http, double seconds);

#endif
