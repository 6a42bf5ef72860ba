// server.h - what handlers know of the server they belong to.
#ifndef DOGB_SERVE_SERVER_H
#define DOGB_SERVE_SERVER_H

#include "serve/batcher.h"
#include "serve/input.h"
#include "serve/metrics.h"
#include "serve/reaper.h"
#include "serve/request.h"
#include "serve/tokens.h"

#include <dogbreed/serve.h>

// The server's own model. Without one it is ready from the beginning.
enum { DOGB_MODEL_LOADING = 0, DOGB_MODEL_READY = 1, DOGB_MODEL_FAILED = 2 };

typedef struct dogb_server {
    dogbreed_serve_options options;               // checked
    dogbreed_predictor_options predictor_options; // the same
    _Atomic int32_t state;                        // DOGB_MODEL_
    // Of the own model, from DOGB_MODEL_READY on, as `functions`:
    dogb_model_facts facts;
    dogbreed_predictor *predictor;
    dogb_batcher *batcher;            // NULL: there is no own model
    dogb_reaper *reaper;              // of the connections
    struct dogb_functions *functions; // of the caller, for /invocations; NULL: none
    struct dogb_models *models;       // loaded by requests; NULL: there are no such routes
    struct dogb_async *async;         // requests with later results; NULL: the same
    dogb_tokens *tokens;              // NULL: everybody is served
    dogb_metrics metrics;
    _Atomic int64_t bodies;   // bytes that are held for bodies
    int32_t has;              // DOGB_ROUTE_MODEL ...: which routes there are
    _Atomic int32_t draining; // no new connections; those that are there are closed after a reply
    _Atomic int32_t ended;    // nothing is computed any more
} dogb_server;

// For a handler that returns DOGB_ROUTE_LATER: `work` is computed (its deadline, done and userdata
// are set here), then `finish` fills the reply on the connection's thread. Everything lives in the
// request's arena. When the queue is full, finish is not called.
typedef void (*dogb_finish_fn)(dogb_server *server, dogb_request *r, dogb_reply *reply,
                               void *userdata);
void dogb_answer_later(dogb_request *r, dogb_work *work, dogb_finish_fn finish, void *userdata);

// The same for work that is not the batcher's alone: `start` is called when the connection waits,
// and hands the request to who calls dogb_answer_done, once. <0: refused, the queue is full.
typedef int (*dogb_start_fn)(dogb_server *server, void *userdata);
void dogb_answer_elsewhere(dogb_request *r, dogb_start_fn start, dogb_finish_fn finish,
                           void *userdata);
void dogb_answer_done(dogb_request *r); // r may be gone behind it

#endif
