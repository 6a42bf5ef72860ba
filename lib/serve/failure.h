// failure.h - what a client hears of a failure: the status that goes with its code, and its text
// where that was made for clients.
#ifndef DOGB_SERVE_FAILURE_H
#define DOGB_SERVE_FAILURE_H

#include "serve/batcher.h"
#include "serve/request.h"

// A request that cannot be read or taken: `rc` and the thread's message come from a call of this
// folder. Returns rc.
int dogb_failure_reply(dogb_reply *reply, dogb_request *r, int rc);

// A picture that failed.
int dogb_failure_picture(dogb_reply *reply, dogb_request *r, const dogb_item *item);
const char *dogb_failure_text(const dogb_item *item);

#endif
