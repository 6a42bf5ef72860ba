// linger.h - connections that this side has ended while the client may still be sending. Closing
// a socket with something unread in it makes the system send a reset, which can take a reply away
// from the client that has not read it yet. So a copy of the descriptor is kept for a while, and
// what comes is read and dropped. Calls are made one at a time.
#ifndef DOGB_SERVE_LINGER_H
#define DOGB_SERVE_LINGER_H

#include <stdint.h>

enum { DOGB_LINGER_MAX = 256 };

typedef struct dogb_linger {
    struct {
        int descriptor;
        double until;
    } kept[DOGB_LINGER_MAX];
    int32_t count;
} dogb_linger;

// Ends our side of the connection and keeps a copy of it. There is no room: nothing is done.
void dogb_linger_add(dogb_linger *linger, int descriptor);

// Reads what is there and closes those whose client has ended it, or whose time is over.
void dogb_linger_look(dogb_linger *linger);
void dogb_linger_close(dogb_linger *linger); // all of them

#endif
