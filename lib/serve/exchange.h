// exchange.h - one request and its reply on the HTTP library's side; shared by connection.c and
// exchange.c only.
#ifndef DOGB_SERVE_EXCHANGE_H
#define DOGB_SERVE_EXCHANGE_H

#include "serve/connection.h"
#include "serve/guard.h"

typedef struct dogb_exchange {
    dogb_request request; // first: a request is found from it
    dogb_http *http;
    struct MHD_Connection *connection;
    dogb_watch *watch;
    const dogb_route *route;
    const dogb_refusal *refusal; // the body is read and dropped, then it is sent
    const char *allow;
    dogb_target target;
    dogb_field *fields;
    size_t field_count;
    char trace[DOGB_TRACE_SIZE]; // "" none
    char *body;
    void *lent; // the body, when it is in one of http->spare
    size_t capacity;
    int64_t announced; // bytes of the body; -1: in chunks
    int64_t limit;
    int64_t dropped;
    dogb_reply reply;
    dogb_work *work;       // for the batcher; NULL: start has it
    dogb_start_fn start;   // NULL: the batcher has it
    dogb_finish_fn finish; // NULL: the reply is there already
    void *userdata;
    _Atomic int32_t done;
    int32_t begun;
    int32_t whole;
    int32_t close;
} dogb_exchange;

// The functions of dogb_request.
const char *dogb_exchange_header(const dogb_request *r, const char *name);
const char *dogb_exchange_query(const dogb_request *r, const char *name);

// Makes the reply of a refusal.
void dogb_exchange_refuse(dogb_exchange *e, const dogb_refusal *refusal);

// Gives the reply to the library. The result is a handler's: DOGB_MHD_NO ends the connection.
unsigned dogb_exchange_send(dogb_exchange *e);

#endif
