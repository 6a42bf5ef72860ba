// acceptor.h - a thread that takes connections and gives them to the HTTP library. The library
// could do that itself, but then nobody could tell at the end whether a connection is on its way
// between the system and the first that is heard of it.
#ifndef DOGB_SERVE_ACCEPTOR_H
#define DOGB_SERVE_ACCEPTOR_H

#include "serve/connection.h"

typedef struct dogb_acceptor dogb_acceptor;

// The daemon runs. Takes over `listener`, which does not block, unless it fails. NO_MEMORY, IO.
int dogb_acceptor_create(dogb_acceptor **out, dogb_http *http, int listener);

// From now on nobody who begins to connect is answered. Those that the system has accepted, or is
// about to, are taken by calls of _rest for a little while; 1: there may be more, so call again
// soon.
void dogb_acceptor_end(dogb_acceptor *acceptor);
int dogb_acceptor_rest(dogb_acceptor *acceptor);
void dogb_acceptor_destroy(dogb_acceptor *acceptor); // NULL is fine

#endif
