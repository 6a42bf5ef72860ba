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
    const char *multi_model;     /* folder whose models requests may load; "": none */
    const char *accept;          /* media type of replies to requests that do not choose one */
    int64_t body_max;            /* bytes */
    int64_t invocations_max;     /* bytes, of /invocations */
    int64_t multi_model_memory;  /* bytes that all of them take */
    double batch_delay_ms;       /* a batch that is not full waits so long at most */
    double deadline_s;           /* of a request that is whole, to its reply */
    double header_s;             /* for the header of a request to arrive */
    double body_s;               /* for its body; and for the reply to be taken */
    double idle_s;               /* a connection without a request */
    double drain_s;              /* wait: for the requests in flight */
    int32_t port;                /* 0: any that is free */
    int32_t batch_size;          /* pictures computed together, at most */
    int32_t queue_max;           /* requests that wait; more are refused with 429 */
    int32_t workers;             /* threads that decode and compute; 0: the predictor's */
    int32_t http_threads;        /* threads that read and write */
    int32_t items_max;           /* pictures of one request */
    int32_t connections_max;     /* in all */
    int32_t connections_per_ip;  /* 0: no limit */
    const char *callbacks;       /* file of URLs that results may be sent to; "": none are sent */
    int64_t async_bytes;         /* of requests and results that are fetched later, all of them */
    double async_expiry_s;       /* until such a request has to be computed, then its result read */
    double callback_timeout_s;   /* of one try of three */
    int32_t async_max;           /* such requests and results; 0: there are none */
    int32_t listen_first;        /* start listens, then loads; until then requests get 503 */
    int64_t bodies_max;          /* bytes, of the bodies of all requests at one time */
} dogbreed_serve_options;

DOGBREED_API int dogbreed_serve_options_init(dogbreed_serve_options *options, size_t struct_size);

/* Loads a model file or run directory; nothing listens yet. With listen_first only the options are
 * checked here: dogbreed_server_start loads it, and dogbreed_server_ready says what became of it.
 * With multi_model it may be NULL or "": only what requests load is served then. `predictor` says
 * how it computes (its batch_size is replaced by that of `options`); both may be NULL. Returns
 * NOT_FOUND, FORMAT, MISMATCH, UNSUPPORTED, DEVICE, INVALID_ARGUMENT. */
DOGBREED_API int dogbreed_server_create(dogbreed_server **out, const char *model,
                                        const dogbreed_serve_options *options,
                                        const dogbreed_predictor_options *predictor);

/* The body that /invocations answers for pictures with these scores (dogbreed_predictor_scores,
 * row after row): "[[0.5,-2.0],[1.0,3.0]]", byte for byte. *json is released with dogbreed_free.
 * Returns NUMERIC for scores that are not finite. */
DOGBREED_API int dogbreed_scores_json(char **json, const float *scores, int32_t pictures,
                                      int32_t classes);

/* --- functions of your own, for /invocations: SageMaker's model_fn, input_fn, predict_fn,
 * output_fn and transform_fn. The other addresses go on with the model itself. */

/* One request, as functions see it; valid until they return. */
typedef struct dogbreed_call {
    uint32_t struct_size;
    int32_t rank;             /* dimensions of `values`; 0: there are none */
    const void *body;         /* as it came */
    size_t size;              /* of it, bytes */
    const char *content_type; /* "": none */
    const char *accept;       /* "": none */
    const char *request_id;
    /* What the step before left: for predict [n, 3, side, side], normalised as the model wants it;
     * for output [n, classes]. */
    const float *values;
    int64_t shape[4];
    void *model;   /* what the function `model` made; NULL without one */
    void *object;  /* the functions' own, from one to the next of this request; NULL at first */
    void *context; /* the library's */
} dogbreed_call;

/* What a function leaves for the next step; copied. rank 1..4; dimensions from 1 on. */
DOGBREED_API int dogbreed_call_values(dogbreed_call *call, const float *values,
                                      const int64_t *shape, int32_t rank);
/* The reply; copied. Steps behind this one are left out. status 200..599. */
DOGBREED_API int dogbreed_call_reply(dogbreed_call *call, int32_t status, const char *content_type,
                                     const void *body, size_t size);
/* One line for the log, of a function that is about to return a negative number. */
DOGBREED_API void dogbreed_call_fail(dogbreed_call *call, const char *text);

/* Both return 0, or a negative number for a failure: of `model` it ends dogbreed_server_functions,
 * of the others the client sees 500 and nothing of why. */
typedef int (*dogbreed_model_fn)(void **model, const char *path, void *userdata);
typedef int (*dogbreed_call_fn)(dogbreed_call *call, void *userdata);

/* NULL: what the library does by itself. */
typedef struct dogbreed_functions {
    uint32_t struct_size;
    int32_t reserved;
    dogbreed_model_fn model; /* called once, by dogbreed_server_functions */
    void *model_userdata;
    dogbreed_call_fn input; /* body to values, or to an object for a predict of your own */
    void *input_userdata;
    dogbreed_call_fn predict; /* values to values: logits */
    void *predict_userdata;
    dogbreed_call_fn output; /* values to the reply */
    void *output_userdata;
    dogbreed_call_fn transform; /* all three at once */
    void *transform_userdata;
    dogbreed_call_fn end; /* last of each request, whatever became of it: frees its object */
    void *end_userdata;
} dogbreed_functions;

/* Before start, once. The functions are called on one thread of the server, one request after the
 * other; the library's own steps between them go on as always. One that does not return keeps the
 * server from ending. With listen_first `model` is called behind the loading, on its thread, and a
 * failure of it is one of loading. Returns INVALID_ARGUMENT (transform together with input, predict
 * or output), STATE (started, or called before), NO_MEMORY, what `model` returned. */
DOGBREED_API int dogbreed_server_functions(dogbreed_server *server,
                                           const dogbreed_functions *functions);

/* Listens and serves, on threads of its own. Once per server. Returns NETWORK (the address cannot
 * be had), UNSUPPORTED (no libmicrohttpd, or one without TLS), STATE. */
DOGBREED_API int dogbreed_server_start(dogbreed_server *server);

/* Blocks until the model is loaded, which it is at once without listen_first. Returns what loading
 * returned, as dogbreed_server_create does without it; CANCELLED when stop was asked for before;
 * STATE before start. Concurrent. */
DOGBREED_API int dogbreed_server_ready(dogbreed_server *server);

/* Where it listens: "http://127.0.0.1:8080" and 8080; "" and 0 before start. Borrowed. */
DOGBREED_API const char *dogbreed_server_url(const dogbreed_server *server);
DOGBREED_API int32_t dogbreed_server_port(const dogbreed_server *server);

/* Blocks until stop is asked for, then lets no new connection in, answers what has been accepted
 * and ends: within drain_s. Returns 0, or CANCELLED when requests were cut off because that time
 * was over. Also ends when listen_first's loading fails, and returns what that returned. When it is
 * stopped while the model is being loaded it does not wait for that; dogbreed_server_destroy does.
 * Once per start; STATE when the server is not running. */
DOGBREED_API int dogbreed_server_wait(dogbreed_server *server);

/* Asks the server to end; returns at once. */
DOGBREED_API void dogbreed_server_stop(dogbreed_server *server);

/* Of a running server too: stops it as stop and wait do. */
DOGBREED_API void dogbreed_server_destroy(dogbreed_server *server);

#ifdef __cplusplus
}
#endif
#endif
