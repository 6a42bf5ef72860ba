// reply.c - the replies that every handler gives.
#include "core/json.h"
#include "serve/request.h"

#include <string.h>

void dogb_reply_text(dogb_reply *reply, int32_t status, const char *type, const char *text) {
    reply->status = status;
    reply->type = type;
    reply->body = text;
    reply->size = strlen(text);
}

void dogb_reply_error(dogb_reply *reply, dogb_request *r, int32_t status, const char *code,
                      const char *text) {
    json_t *object = dogb_json_object(&r->arena);
    char *body = NULL;
    if (object != NULL && dogb_json_set_text(object, "error", text) == 0 &&
        dogb_json_set_text(object, "code", code) == 0) {
        body = dogb_json_text_in(&r->arena, object, 0);
    }
    dogb_reply_text(reply, status, "application/json",
                    body == NULL ? "{\"error\":\"out of memory\",\"code\":\"NO_MEMORY\"}" : body);
}

void dogb_reply_header(dogb_reply *reply, const char *name, const char *value) {
    if (reply->header_count < DOGB_REPLY_HEADERS_MAX) {
        reply->headers[reply->header_count][0] = name;
        reply->headers[reply->header_count][1] = value;
        reply->header_count++;
    }
}
