// handler.h - the functions behind the table of routes.
#ifndef DOGB_SERVE_HANDLER_H
#define DOGB_SERVE_HANDLER_H

#include "serve/body.h"
#include "serve/server.h"

int dogb_handle_page(dogb_server *server, dogb_request *r, dogb_reply *reply);
int dogb_handle_openapi(dogb_server *server, dogb_request *r, dogb_reply *reply);
int dogb_handle_ping(dogb_server *server, dogb_request *r, dogb_reply *reply);
int dogb_handle_health(dogb_server *server, dogb_request *r, dogb_reply *reply);
int dogb_handle_ready(dogb_server *server, dogb_request *r, dogb_reply *reply);
int dogb_handle_metrics(dogb_server *server, dogb_request *r, dogb_reply *reply);
int dogb_handle_parameters(dogb_server *server, dogb_request *r, dogb_reply *reply);
int dogb_handle_invocations(dogb_server *server, dogb_request *r, dogb_reply *reply);
int dogb_handle_endpoint(dogb_server *server, dogb_request *r, dogb_reply *reply);
int dogb_handle_predict(dogb_server *server, dogb_request *r, dogb_reply *reply);
int dogb_handle_async_add(dogb_server *server, dogb_request *r, dogb_reply *reply);
int dogb_handle_async_show(dogb_server *server, dogb_request *r, dogb_reply *reply);
int dogb_handle_async_remove(dogb_server *server, dogb_request *r, dogb_reply *reply);
int dogb_handle_v2(dogb_server *server, dogb_request *r, dogb_reply *reply);
int dogb_handle_v2_model(dogb_server *server, dogb_request *r, dogb_reply *reply);
int dogb_handle_v2_ready(dogb_server *server, dogb_request *r, dogb_reply *reply);
int dogb_handle_v2_infer(dogb_server *server, dogb_request *r, dogb_reply *reply);
int dogb_handle_models(dogb_server *server, dogb_request *r, dogb_reply *reply);
int dogb_handle_models_load(dogb_server *server, dogb_request *r, dogb_reply *reply);
int dogb_handle_models_show(dogb_server *server, dogb_request *r, dogb_reply *reply);
int dogb_handle_models_remove(dogb_server *server, dogb_request *r, dogb_reply *reply);
int dogb_handle_models_invoke(dogb_server *server, dogb_request *r, dogb_reply *reply);

// 503 with why, while the own model is loaded or the server ends. 0: it takes requests.
int dogb_not_ready(const dogb_server *server, dogb_request *r, dogb_reply *reply);

// What a computed request adds to the counters.
void dogb_infer_count(dogb_server *server, const dogb_request *r, const dogb_input *in);
// One whose body was dropped before it was read.
void dogb_infer_dropped(dogb_server *server, dogb_body *body);

#endif
