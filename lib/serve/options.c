// options.c - the table of dogbreed_serve_options.
#include "serve/serve_internal.h"

#include <dogbreed/serve.h>

static const dogb_option options[] = {
    DOGB_OPTION_STRING(dogbreed_serve_options, host, "127.0.0.1",
                       "Address to listen at; 0.0.0.0 is every one of this machine."),
    DOGB_OPTION_STRING(dogbreed_serve_options, model_name, "",
                       "Name of the model in replies and addresses; empty: from its path."),
    DOGB_OPTION_STRING(dogbreed_serve_options, model_version, "1",
                       "Version of the model in replies and addresses."),
    DOGB_OPTION_STRING(dogbreed_serve_options, tokens, "",
                       "File of bearer tokens, one a line; empty: everybody is served."),
    DOGB_OPTION_STRING(dogbreed_serve_options, tls_certificate, "",
                       "PEM file of the certificate and its chain; empty: plain HTTP."),
    DOGB_OPTION_STRING(dogbreed_serve_options, tls_key, "", "PEM file of the certificate's key."),
    DOGB_OPTION_STRING(dogbreed_serve_options, multi_model, "",
                       "Folder whose models requests may load and remove; empty: none."),
    DOGB_OPTION_INT64(dogbreed_serve_options, body_max, 1, 1073741824, "20971520", "bytes",
                      "Larger requests are refused."),
    DOGB_OPTION_INT64(dogbreed_serve_options, invocations_max, 1, 1073741824, "6291456", "bytes",
                      "Larger requests to /invocations are refused."),
    DOGB_OPTION_INT64(dogbreed_serve_options, multi_model_memory, 1, 1125899906842624, "4294967296",
                      "bytes", "Memory of all models that requests have loaded."),
    DOGB_OPTION_DOUBLE(dogbreed_serve_options, batch_delay_ms, 0, 1000, "2", "ms",
                       "A batch that is not full waits for more pictures so long at most."),
    DOGB_OPTION_DOUBLE(dogbreed_serve_options, deadline_s, 0.001, 3600, "30", "s",
                       "A request that has no result by then is answered with 503."),
    DOGB_OPTION_DOUBLE(dogbreed_serve_options, header_s, 0.05, 3600, "5", "s",
                       "Time for the header of a request to arrive."),
    DOGB_OPTION_DOUBLE(dogbreed_serve_options, body_s, 0.05, 3600, "30", "s",
                       "Time for the body of a request to arrive, and for its reply to be taken."),
    DOGB_OPTION_DOUBLE(dogbreed_serve_options, idle_s, 1, 3600, "15", "s",
                       "Connections without a request are closed after it."),
    DOGB_OPTION_DOUBLE(dogbreed_serve_options, drain_s, 0, 3600, "25", "s",
                       "When the server ends: time for the requests that it has accepted."),
    DOGB_OPTION_INT32(dogbreed_serve_options, port, 0, 65535, "8080", "",
                      "Port to listen at; 0: any that is free."),
    DOGB_OPTION_INT32(dogbreed_serve_options, batch_size, 1, 4096, "16", "images",
                      "Images computed at once."),
    DOGB_OPTION_INT32(dogbreed_serve_options, queue_max, 1, 1000000, "256", "requests",
                      "Requests that may wait; more are refused with 429."),
    DOGB_OPTION_INT32(dogbreed_serve_options, workers, 0, 256, "0", "threads",
                      "Threads that decode and compute; 0: as many as the predictor's."),
    DOGB_OPTION_INT32(dogbreed_serve_options, http_threads, 1, 64, "2", "threads",
                      "Threads that read requests and write replies."),
    DOGB_OPTION_INT32(dogbreed_serve_options, items_max, 1, 4096, "64", "images",
                      "Images of one request."),
    DOGB_OPTION_INT32(dogbreed_serve_options, connections_max, 1, 100000, "1024", "",
                      "Connections in all."),
    DOGB_OPTION_INT32(dogbreed_serve_options, connections_per_ip, 0, 100000, "64", "",
                      "Connections from one address; 0: no limit."),
    DOGB_OPTION_STRING(dogbreed_serve_options, accept, "",
                       "Reply of /invocations to requests without Accept, or with */*: a media "
                       "type; empty: application/json."),
    DOGB_OPTION_STRING(dogbreed_serve_options, callbacks, "",
                       "File of URLs, one a line, below which results may be sent; empty: none."),
    DOGB_OPTION_INT64(dogbreed_serve_options, async_bytes, 1, 1125899906842624, "268435456",
                      "bytes", "Bodies and results of all requests to /v1/async that are kept."),
    DOGB_OPTION_DOUBLE(dogbreed_serve_options, async_expiry_s, 0.1, 604800, "3600", "s",
                       "Time for a request to /v1/async to be computed, and then to be fetched."),
    DOGB_OPTION_DOUBLE(dogbreed_serve_options, callback_timeout_s, 0.1, 600, "10", "s",
                       "Time for one try of three to send a result."),
    DOGB_OPTION_INT32(dogbreed_serve_options, async_max, 0, 1000000, "0", "requests",
                      "Requests and results that /v1/async keeps; 0: there is no such address."),
    DOGB_OPTION_INT64(dogbreed_serve_options, bodies_max, 1, 1125899906842624, "536870912", "bytes",
                      "Bodies of all requests at one time; more are refused with 429."),
    DOGB_OPTION_SWITCH(dogbreed_serve_options, listen_first, "false",
                       "Listen before the model is loaded; until it is, requests are answered with "
                       "503. dogbreed serve: true."),
};

const dogb_table dogb_serve_table = {
    .name = "serve",
    .kind = DOGBREED_KIND_SERVE,
    .size = sizeof(dogbreed_serve_options),
    .options = options,
    .count = sizeof options / sizeof *options,
};

int dogbreed_serve_options_init(dogbreed_serve_options *out, size_t struct_size) {
    return dogb_table_init(&dogb_serve_table, out, struct_size);
}
