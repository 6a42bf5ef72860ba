// reaper.h - closes connections that are too slow. The HTTP library's own time limit begins anew
// with every byte; here each part of a request has one limit in all. A thread looks at the list of
// connections and shuts down the descriptors of those that are over theirs.
#ifndef DOGB_SERVE_REAPER_H
#define DOGB_SERVE_REAPER_H

#include "core/arena.h"

#include <stdint.h>

// What a connection is waiting for.
enum {
    DOGB_PHASE_HEADER = 0, // the rest of a request's header
    DOGB_PHASE_BODY = 1,
    DOGB_PHASE_WORK = 2, // its result: no limit here
    DOGB_PHASE_REPLY = 3,
    DOGB_PHASE_IDLE = 4, // the next request
    DOGB_PHASE_COUNT = 5
};

typedef struct dogb_reaper dogb_reaper;
typedef struct dogb_watch dogb_watch; // a connection

// limits: seconds of each phase, 0 none. silent: never says 408 before closing (TLS).
int dogb_reaper_create(dogb_reaper **out, const double limits[DOGB_PHASE_COUNT], int silent);
void dogb_reaper_destroy(dogb_reaper *reaper); // nothing is watched any more

// From the moment it is accepted until before its descriptor is closed. NULL: no memory; such a
// connection is not to be served.
dogb_watch *dogb_reaper_add(dogb_reaper *reaper, int descriptor);
void dogb_reaper_remove(dogb_reaper *reaper, dogb_watch *watch); // NULL is fine
void dogb_reaper_phase(dogb_reaper *reaper, dogb_watch *watch, int32_t phase);

// It is answered before its request is whole: its client may go on sending for a while.
void dogb_reaper_early(dogb_reaper *reaper, dogb_watch *watch);

int32_t dogb_reaper_count(dogb_reaper *reaper);
int64_t dogb_reaper_closed(dogb_reaper *reaper); // how many were too slow so far
// For the end, to be called again and again: shuts down connections that have been idle for that
// long, for several calls, and of whose next request nothing has arrived; how many others there
// are.
int32_t dogb_reaper_drain(dogb_reaper *reaper, double seconds);
void dogb_reaper_end_all(dogb_reaper *reaper); // shuts all of them down

// Connections that were removed while their clients were, or may be, still sending, and once the
// end has begun all, are kept until the client has ended them too (linger.h): waits for that, for
// so long at most.
void dogb_reaper_wait(dogb_reaper *reaper, double seconds);

#endif
