// route.h - the table of addresses and methods. HEAD is looked up as GET.
#ifndef DOGB_SERVE_ROUTE_H
#define DOGB_SERVE_ROUTE_H

#include "serve/request.h"

struct dogb_server;

enum { DOGB_ROUTE_NOW = 0, DOGB_ROUTE_LATER = 1 };

// Bodies: none, up to body_max, up to invocations_max.
enum { DOGB_BODY_NONE = 0, DOGB_BODY_ANY = 1, DOGB_BODY_INVOCATION = 2 };

enum {
    DOGB_ROUTE_OPEN =
        1, // answered without a token: says nothing that is not known, or how the server is
    DOGB_ROUTE_INFERENCE = 2, // counts as an invocation
    // What a server needs for it to be there:
    DOGB_ROUTE_MODEL = 4,  // a model of its own
    DOGB_ROUTE_MODELS = 8, // those that requests load
    DOGB_ROUTE_ASYNC = 16, // results that are fetched later
    DOGB_ROUTE_NEEDS = DOGB_ROUTE_MODEL | DOGB_ROUTE_MODELS | DOGB_ROUTE_ASYNC
};

typedef struct dogb_route {
    const char *method; // "GET", "POST", "DELETE"
    const char *path;   // "/v2/models/{m}/infer"; {x} is one part of the path, not empty
    // DOGB_ROUTE_NOW: the reply is ready. DOGB_ROUTE_LATER: a dogb_work was handed over
    // (serve/exchange.h); what it leads to is written when it is done.
    int (*begin)(struct dogb_server *s, dogb_request *r, dogb_reply *reply);
    int32_t body;  // DOGB_BODY_
    int32_t flags; // DOGB_ROUTE_OPEN ...
} dogb_route;

// 1: it needs the own model to be loaded. The page does not, nor does what says how the server is.
int dogb_route_waits(const dogb_route *route);

extern const dogb_route dogb_routes[];
extern const size_t dogb_route_count;

typedef struct dogb_route_set {
    const dogb_route *rows;
    size_t count;
    int32_t has; // rows that need more are not there
} dogb_route_set;

// The row for a method and a decoded path, or NULL with *allow: NULL, there is no such address;
// else the methods that it has ("GET, HEAD"). Parts that stand for {x} go into params, in the
// arena. NULL and *allow "": no memory.
const dogb_route *dogb_route_find(const char **allow, const char *params[DOGB_REQUEST_PARAMS_MAX],
                                  dogb_arena *arena, const dogb_route_set *routes,
                                  const char *method, const char *path);

#endif
