// page.c - the page for people and the description for programs. Neither says anything of this
// server, so neither asks for a token.
#include "serve/page.h"
#include "serve/handler.h"

int dogb_handle_page(dogb_server *server, dogb_request *r, dogb_reply *reply) {
    (void)server;
    (void)r;
    dogb_reply_text(reply, 200, "text/html; charset=utf-8", dogb_serve_page);
    dogb_reply_header(reply, "X-Content-Type-Options", "nosniff");
    dogb_reply_header(reply, "X-Frame-Options", "DENY");
    dogb_reply_header(reply, "Referrer-Policy", "no-referrer");
    return DOGB_ROUTE_NOW;
}

int dogb_handle_openapi(dogb_server *server, dogb_request *r, dogb_reply *reply) {
    (void)server;
    (void)r;
    dogb_reply_text(reply, 200, "application/json", dogb_serve_openapi);
    return DOGB_ROUTE_NOW;
}
