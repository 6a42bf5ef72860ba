// failure.c - see failure.h.
#include "serve/failure.h"

#include "core/error.h"

typedef struct failure {
    int rc;
    int32_t request; // HTTP status
    int32_t picture;
    const char *text; // NULL: the message was made for clients
} failure;

static const failure failures[] = {
    {DOGBREED_ERROR_FORMAT, 400, 422, NULL},
    {DOGBREED_ERROR_MISMATCH, 400, 422, NULL},
    {DOGBREED_ERROR_INVALID_ARGUMENT, 400, 422, NULL},
    {DOGBREED_ERROR_UNSUPPORTED, 415, 422, NULL},
    {DOGBREED_ERROR_INDEX, 413, 422, NULL},
    {DOGBREED_ERROR_NUMERIC, 422, 422, "the network's output is not a number"},
    {DOGBREED_ERROR_BUSY, 429, 429, "too many requests wait, try again later"},
    {DOGBREED_ERROR_TIMEOUT, 503, 503, "the deadline of the request has passed"},
    {DOGBREED_ERROR_CANCELLED, 503, 503, "the server is stopping"},
    {DOGBREED_ERROR_STATE, 503, 503, "the server is stopping"},
    {DOGBREED_ERROR_NO_MEMORY, 503, 503, "out of memory"},
    {DOGBREED_ERROR_INTERNAL, 500, 500, "internal error"},
};

// The last row also stands for all codes that clients know nothing of.
static const failure *find(int rc) {
    const size_t last = sizeof failures / sizeof failures[0] - 1;
    size_t i = 0;
    while (i < last && failures[i].rc != rc) {
        i++;
    }
    return &failures[i];
}

int dogb_failure_reply(dogb_reply *reply, dogb_request *r, int rc) {
    const failure *f = find(rc);
    dogb_reply_error(reply, r, f->request, dogbreed_error_name(f->rc),
                     f->text == NULL ? dogbreed_error_message() : f->text);
    return rc;
}

const char *dogb_failure_text(const dogb_item *item) {
    const failure *f = find(item->rc);
    return f->text == NULL ? item->message : f->text;
}

int dogb_failure_picture(dogb_reply *reply, dogb_request *r, const dogb_item *item) {
    const failure *f = find(item->rc);
    dogb_reply_error(reply, r, f->picture, dogbreed_error_name(f->rc), dogb_failure_text(item));
    return item->rc;
}
