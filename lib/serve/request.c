// request.c - see request.h.
#include "serve/request.h"

#include <string.h>

void dogb_reply_error(dogb_reply *reply, dogb_request *r, int32_t status, const char *code,
                      const char *text) {
    static const char none[] = "{\"error\":\"out of memory\",\"code\":\"NO_MEMORY\"}";
    const char *body = dogb_format(&r->arena, "{\"error\":\"%s\",\"code\":\"%s\"}", text, code);
    *reply = (dogb_reply){.status = body == NULL ? 503 : status,
                          .type = "application/json",
                          .body = body == NULL ? none : body};
    reply->size = strlen(reply->body);
}
