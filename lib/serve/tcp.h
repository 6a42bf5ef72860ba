// tcp.h - what the system knows of a connection that the HTTP library does not say.
#ifndef DOGB_SERVE_TCP_H
#define DOGB_SERVE_TCP_H

#include <stdint.h>

// Bytes that have come so far, read or not; 0 where the system does not say.
int64_t dogb_tcp_received(int descriptor);

// 1: there is something to read now. The end of the connection is nothing.
int dogb_tcp_waiting(int descriptor);

// A listening socket answers nobody any more who begins to connect; connections that have begun are
// finished. The others try again, and hear that nobody listens once it is closed. Where the system
// does not do that nothing happens.
void dogb_tcp_begin_none(int listener);

#endif
