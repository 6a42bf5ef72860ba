/* dogbreed/serve.h - a model behind HTTP: the two addresses of SageMaker endpoints (/ping,
 * /invocations), the Open Inference Protocol v2 of KServe, and /v1/predict with labels
 * (docs/serve.md). Needs libmicrohttpd, which is opened by dogbreed_server_start.
 */
#ifndef DOGBREED_SERVE_H
#define DOGBREED_SERVE_H

#include <dogbreed/predictor.h>

#ifdef __cplusplus
extern "C" {
#endif

/* dogbreed_server_stop may be called from any thread and from signal handlers. */
typedef struct dogbreed_server dogbreed_server;

typedef struct dogbreed_serve_options {
    uint32_t struct_size;
    uint32_t kind;
    const char *host;            /* address to listen at */
    const char *model_name;      /* in replies and addresses; "": from the path */
    const char *model_version;   /* the same */
    const char *tokens;          /* file of bearer tokens, one a line; "": everybody is served */
    const char *tls_certificate; /* PEM file; "": plain HTTP */
    const char *tls_key;         /* PEM file */
    int64_t body_max;            /* bytes */
    int64_t invocations_max;     /* bytes, of /invocations */
    double batch_delay_ms;       /* a batch that is not full waits so long at most */
    double deadline_s;           /* of a request that is whole, to its reply */
    double header_s;             /* for the header of a request to arrive */
    double body_s;               /* for its body; and for the reply to be taken */
    double idle_s;               /* a connection without a request */
    double drain_s;              /* wait: for the requests in flight */
    int32_t port;                /* 0: any that is free */
    int32_t batch_size;          /* pictures computed together, at most */
    int32_t queue_max;           /* requests that wait; more are refused with 429 */
    int32_t workers;             /* threads that decode; 0: usable cores */
    int32_t http_threads;        /* threads that read and write */
    int32_t items_max;           /* pictures of one request */
    int32_t connections_max;     /* in all */
    int32_t connections_per_ip;  /* 0: no limit */
} dogbreed_serve_options;

DOGBREED_API int dogbreed_serve_options_init(dogbreed_serve_options *options, size_t struct_size);

/* Loads a model file or run directory; nothing listens yet. `predictor` says how it computes (its
 * batch_size is replaced by that of `options`); both may be NULL. Returns NOT_FOUND, FORMAT,
 * MISMATCH, UNSUPPORTED, DEVICE, INVALID_ARGUMENT. */
DOGBREED_API int dogbreed_server_create(dogbreed_server **out, const char *model,
                                        const dogbreed_serve_options *options,
                                        const dogbreed_predictor_options *predictor);

/* Listens and serves, on threads of its own. Once per server. Returns NETWORK (the address cannot
 * be had), UNSUPPORTED (no libmicrohttpd, or one without TLS), STATE. */
DOGBREED_API int dogbreed_server_start(dogbreed_server *server);

/* Where it listens: "http://127.0.0.1:8080" and 8080; "" and 0 before start. Borrowed. */
DOGBREED_API const char *dogbreed_server_url(const dogbreed_server *server);
DOGBREED_API int32_t dogbreed_server_port(const dogbreed_server *server);

/* Blocks until stop is asked for, then lets no new connection in, answers what has been accepted
 * and ends: within drain_s. Returns 0, or CANCELLED when requests were cut off because that time
 * was over. Once per start; STATE when the server is not running. */
DOGBREED_API int dogbreed_server_wait(dogbreed_server *server);

/* Asks the server to end; returns at once. */
DOGBREED_API void dogbreed_server_stop(dogbreed_server *server);

/* Of a running server too: stops it as stop and wait do. */
DOGBREED_API void dogbreed_server_destroy(dogbreed_server *server);

#ifdef __cplusplus
}
#endif
#endif
