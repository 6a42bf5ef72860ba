// infer.c - the addresses that compute: a body becomes pictures, the batcher computes them, a reply
// is made of them. Between the first step and the last the connection waits, no thread does.
#include "serve/handler.h"
#include "serve/body.h"
#include "serve/functions.h"
#include "serve/output.h"
#include "serve/v2.h"
#include "core/error.h"
#include "core/span.h"

#include <stdatomic.h>

typedef int (*write_fn)(dogb_reply *reply, dogb_request *r, const dogb_input *in,
                        const dogb_model_facts *facts);

typedef struct job {
    dogb_body body; // first
    const dogb_model_facts *facts;
    dogb_v2 v2;     // of v2 requests; of others its input alone
    write_fn write; // NULL: v2
} job;

// A picture's own fault; all else is the server's.
static int is_pictures_fault(int code) {
    return code == DOGBREED_ERROR_FORMAT || code == DOGBREED_ERROR_UNSUPPORTED ||
           code == DOGBREED_ERROR_INVALID_ARGUMENT || code == DOGBREED_ERROR_MISMATCH;
}

static uint64_t largest(uint64_t a, uint64_t b) {
    return a > b ? a : b;
}

// Pictures of a request are decoded and computed side by side: the longest of each step counts.
static void count_times(dogb_metrics *metrics, const dogb_request *r, const dogb_input *in) {
    uint64_t decode = 0;
    uint64_t queue = 0;
    uint64_t model = 0;
    int32_t good = 0;
    for (int32_t i = 0; i < in->count; i++) {
        const dogb_item *item = &in->items[i];
        if (item->rc == DOGBREED_OK) {
            decode = largest(decode, item->decode_ns);
            queue = largest(queue, item->queue_ns);
            model = largest(model, item->model_ns);
            good++;
        }
    }
    uint64_t total = dogb_span_now() - r->received;
    if (good > 0) {
        dogb_metrics_time(metrics, DOGB_TIME_DECODE, decode);
        dogb_metrics_time(metrics, DOGB_TIME_QUEUE, queue);
        dogb_metrics_time(metrics, DOGB_TIME_MODEL, model);
        dogb_metrics_time(metrics, DOGB_TIME_OVERHEAD, total > model ? total - model : 0);
        dogb_metrics_time(metrics, DOGB_TIME_TOTAL, total);
    }
}

static void count_items(dogb_metrics *metrics, const dogb_input *in) {
    int late = 0;
    int failed = 0;
    for (int32_t i = 0; i < in->count; i++) {
        const dogb_item *item = &in->items[i];
        late |= item->rc == DOGBREED_ERROR_TIMEOUT;
        if (item->rc == DOGBREED_OK) {
            dogb_metrics_batch(metrics, item->batch);
        } else if (is_pictures_fault(item->rc)) {
            dogb_metrics_decode_error(metrics, item->rc);
        } else if (item->rc != DOGBREED_ERROR_TIMEOUT && item->rc != DOGBREED_ERROR_CANCELLED) {
            failed = 1;
        }
        if (item->warnings & DOGB_ITEM_EXIF_IGNORED) {
            (void)atomic_fetch_add(&metrics->exif_ignored, 1);
        }
    }
    (void)atomic_fetch_add(&metrics->rejected[DOGB_REJECTED_DEADLINE], (uint64_t)late);
    (void)atomic_fetch_add(&metrics->model_errors, (uint64_t)failed);
}

void dogb_infer_count(dogb_server *server, const dogb_request *r, const dogb_input *in) {
    count_items(&server->metrics, in);
    count_times(&server->metrics, r, in);
}

void dogb_infer_dropped(dogb_server *server, dogb_body *body) {
    const dogb_input in = {.items = &body->whole, .count = 1};
    count_items(&server->metrics, &in);
}

static int read_body(dogb_body *body, dogb_reply *reply) {
    job *j = (job *)body;
    dogb_input *in = &j->v2.input;
    int rc = j->write == NULL ? dogb_v2_read(&j->v2, reply, body->request, j->facts)
                              : dogb_input_read(in, reply, body->request, j->facts);
    body->work.items = rc < 0 ? body->work.items : in->items;
    body->work.count = rc < 0 ? body->work.count : in->count;
    return rc;
}

static void finish(dogb_server *server, dogb_request *r, dogb_reply *reply, void *userdata) {
    job *j = userdata;
    int failed = dogb_body_failed(&j->body, reply);
    if (failed != 0) {
        if (failed < 0) {
            dogb_infer_dropped(server, &j->body);
        }
        return;
    }
    if (j->write == NULL) {
        (void)dogb_v2_write(reply, r, &j->v2, j->facts);
    } else {
        (void)j->write(reply, r, &j->v2.input, j->facts);
    }
    dogb_infer_count(server, r, &j->v2.input);
}

// write NULL: of v2.
static int compute(dogb_server *server, dogb_request *r, dogb_reply *reply, write_fn write) {
    job *j = dogb_alloc(&r->arena, 1, sizeof *j);
    if (j == NULL) {
        dogb_reply_error(reply, r, 503, "NO_MEMORY", "out of memory");
        return DOGB_ROUTE_NOW;
    }
    j->body.request = r;
    j->body.read = read_body;
    j->facts = &server->facts;
    j->write = write;
    int is_long = write == NULL ? dogb_v2_is_long(r) : dogb_input_is_long(r);
    if (dogb_body_begin(&j->body, reply, is_long) < 0) {
        return DOGB_ROUTE_NOW;
    }
    dogb_answer_later(r, &j->body.work, finish, j);
    return DOGB_ROUTE_LATER;
}

int dogb_handle_invocations(dogb_server *server, dogb_request *r, dogb_reply *reply) {
    return server->functions != NULL ? dogb_functions_begin(server, r, reply)
                                     : compute(server, r, reply, dogb_output_write);
}

int dogb_handle_predict(dogb_server *server, dogb_request *r, dogb_reply *reply) {
    return compute(server, r, reply, dogb_predict_write);
}

// --- with the name of the model: the Open Inference Protocol, SageMaker's runtime

static int is_ours(dogb_server *server, dogb_request *r, dogb_reply *reply) {
    return dogb_v2_find(reply, r, &server->facts, r->params[0], r->params[1]) == DOGBREED_OK;
}

int dogb_handle_endpoint(dogb_server *server, dogb_request *r, dogb_reply *reply) {
    return is_ours(server, r, reply) ? dogb_handle_invocations(server, r, reply) : DOGB_ROUTE_NOW;
}

int dogb_handle_v2(dogb_server *server, dogb_request *r, dogb_reply *reply) {
    (void)server;
    (void)dogb_v2_server(reply, r);
    return DOGB_ROUTE_NOW;
}

int dogb_handle_v2_model(dogb_server *server, dogb_request *r, dogb_reply *reply) {
    if (is_ours(server, r, reply)) {
        (void)dogb_v2_model(reply, r, &server->facts);
    }
    return DOGB_ROUTE_NOW;
}

int dogb_handle_v2_ready(dogb_server *server, dogb_request *r, dogb_reply *reply) {
    return is_ours(server, r, reply) ? dogb_handle_ready(server, r, reply) : DOGB_ROUTE_NOW;
}

int dogb_handle_v2_infer(dogb_server *server, dogb_request *r, dogb_reply *reply) {
    return is_ours(server, r, reply) ? compute(server, r, reply, NULL) : DOGB_ROUTE_NOW;
}
