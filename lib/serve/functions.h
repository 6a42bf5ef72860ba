// functions.h - /invocations with functions of the caller in place of the library's steps. They run
// on one thread of their own, since they may take long and need not be fit for many threads.
#ifndef DOGB_SERVE_FUNCTIONS_H
#define DOGB_SERVE_FUNCTIONS_H

#include "serve/server.h"

typedef struct dogb_functions dogb_functions;

// INVALID_ARGUMENT.
int dogb_functions_check(const dogbreed_functions *functions);

// Checked ones. Calls the function `model`. NO_MEMORY, what it returned.
int dogb_functions_create(dogb_functions **out, dogb_server *server,
                          const dogbreed_functions *functions, const char *model);

// Of a route.
int dogb_functions_begin(dogb_server *server, dogb_request *r, dogb_reply *reply);

// Returns when every request is answered; none may begin any more. The batcher still works. NULL:
// nothing.
void dogb_functions_drain(dogb_functions *functions);
void dogb_functions_destroy(dogb_functions *functions);

#endif
