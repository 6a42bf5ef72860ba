// write.c - see write.h.
#include "serve/write.h"

#include "core/error.h"

int dogb_write_reply(dogb_reply *reply, const dogb_buffer *out, const char *type) {
    if (out->rc < 0) {
        return out->rc;
    }
    reply->status = 200;
    reply->type = type;
    reply->body = out->data;
    reply->size = out->length;
    return DOGBREED_OK;
}
