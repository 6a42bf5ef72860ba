// ping.c - what SageMaker asks of an endpoint before it sends requests to it.
#include "serve/handler.h"

// 200 with nothing in it when pictures can be computed; never waits for them.
int dogb_handle_ping(dogb_server *server, dogb_request *r, dogb_reply *reply) {
    if (!dogb_not_ready(server, r, reply)) {
        dogb_reply_text(reply, 200, "text/plain", "");
    }
    return DOGB_ROUTE_NOW;
}

// How a batch transform should send its requests.
int dogb_handle_parameters(dogb_server *server, dogb_request *r, dogb_reply *reply) {
    const dogbreed_serve_options *options = &server->options;
    const char *text =
        dogb_format(&r->arena,
                    "{\"MaxConcurrentTransforms\":%d,\"BatchStrategy\":"
                    "\"SINGLE_RECORD\",\"MaxPayloadInMB\":%lld}",
                    (int)options->batch_size, (long long)(options->invocations_max >> 20));
    if (text == NULL) {
        dogb_reply_error(reply, r, 503, "NO_MEMORY", "out of memory");
    } else {
        dogb_reply_text(reply, 200, "application/json", text);
    }
    return DOGB_ROUTE_NOW;
}
