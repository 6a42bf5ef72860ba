// body.c - see body.h.
#include "serve/body.h"
#include "core/error.h"
#include "serve/failure.h"

static int prepare(dogb_work *work) {
    dogb_body *body = (dogb_body *)work;
    return body->read(body, &body->refused);
}

int dogb_body_begin(dogb_body *body, dogb_reply *reply, int is_long) {
    if (!is_long) {
        return body->read(body, reply);
    }
    body->whole.kind = DOGB_ITEM_BODY;
    body->work.items = &body->whole;
    body->work.count = 1;
    body->work.prepare = prepare;
    return DOGBREED_OK;
}

int dogb_body_failed(dogb_body *body, dogb_reply *reply) {
    if (body->work.items != &body->whole) {
        return 0;
    }
    if (body->refused.status != 0) {
        *reply = body->refused;
        return 1;
    }
    (void)dogb_failure_reply(reply, body->request, body->whole.rc);
    return -1;
}
