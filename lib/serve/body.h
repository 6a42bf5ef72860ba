// body.h - from a request's body to work for the batcher. Texts of numbers take milliseconds a
// megabyte to read: long ones are read on a thread of the batcher, as pictures are decoded, others
// at once.
#ifndef DOGB_SERVE_BODY_H
#define DOGB_SERVE_BODY_H

#include "serve/input.h"

typedef struct dogb_body {
    dogb_work work;  // first
    dogb_item whole; // stands for a body that is not read
    dogb_request *request;
    // Sets items and count of `work`. <0: the reply holds why.
    int (*read)(struct dogb_body *body, dogb_reply *reply);
    dogb_reply refused;
} dogb_body;

// Reads it, or, when it is long, prepares `work` so that the batcher will. <0: the reply holds why.
// Then deadline, done and userdata of `work` are the caller's to set.
int dogb_body_begin(dogb_body *body, dogb_reply *reply, int is_long);

// In done, or later. 0: it was read, its pictures have their results. Else the reply holds why not:
// it was refused (1), or dropped before it was read (-1).
int dogb_body_failed(dogb_body *body, dogb_reply *reply);

#endif
