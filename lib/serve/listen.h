// listen.h - the socket that a server listens at.
#ifndef DOGB_SERVE_LISTEN_H
#define DOGB_SERVE_LISTEN_H

#include "core/arena.h"

#include <stdint.h>

// Binds and listens; *port: the one it got. NETWORK.
int dogb_listen(int *descriptor, int32_t *port, const char *host, int32_t wanted);

// "http://host:port", with brackets around IPv6 addresses. NULL: no memory.
char *dogb_listen_url(dogb_arena *arena, const char *scheme, const char *host, int32_t port);

#endif
