// predict_out.c - the reply of /v1/predict; see output.h.
#include "serve/output.h"

#include "core/error.h"
#include "core/span.h"
#include "predictor/answer.h"
#include "predictor/topk.h"
#include "serve/failure.h"
#include "serve/write.h"

typedef struct job {
    dogb_buffer out;
    const dogb_request *r;
    const dogb_model_facts *facts;
    dogbreed_prediction *best; // [top]
    int32_t top;
    uint64_t now; // monotonic ns
} job;

// Overhead is the whole time but that of the network.
static void write_times(job *in, const dogb_item *item) {
    uint64_t whole = in->now - in->r->received;
    const struct {
        const char *name;
        uint64_t time;
    } times[] = {{"{\"decode\":", item->decode_ns},
                 {",\"queue\":", item->queue_ns},
                 {",\"model\":", item->model_ns},
                 {",\"overhead\":", whole > item->model_ns ? whole - item->model_ns : 0}};
    for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
        dogb_buffer_add(&in->out, times[i].name);
        dogb_buffer_integer(&in->out, (int64_t)((times[i].time + 500) / 1000));
    }
}

// NUMERIC: an output is not a number.
static int write_item(job *in, const dogb_item *item) {
    int rc = dogb_top(in->best, in->top, item->logits, in->facts->classes);
    if (rc < 0) {
        return rc;
    }
    dogb_buffer_add(&in->out, "{\"predictions\":");
    dogb_answer_predictions(&in->out, in->best, in->top, in->facts->labels);
    dogb_buffer_add(&in->out, ",\"model\":{\"name\":");
    dogb_write_text(&in->out, in->facts->name);
    dogb_buffer_add(&in->out, ",\"version\":");
    dogb_write_text(&in->out, in->facts->version);
    dogb_buffer_add(&in->out, "},\"timing_us\":");
    write_times(in, item);
    dogb_buffer_add(&in->out, "},\"warnings\":");
    dogb_answer_warnings(&in->out, (item->warnings & DOGB_ITEM_EXIF_IGNORED) != 0);
    dogb_buffer_add(&in->out, "}");
    return DOGBREED_OK;
}

static void write_failure(job *in, const dogb_item *item) {
    dogb_buffer_add(&in->out, "{\"error\":");
    dogb_write_text(&in->out, dogb_failure_text(item));
    dogb_buffer_add(&in->out, ",\"code\":");
    dogb_write_text(&in->out, dogbreed_error_name(item->rc));
    dogb_buffer_add(&in->out, "}");
}

static int write_results(job *in, const dogb_input *input) {
    int rc = DOGBREED_OK;
    dogb_buffer_add(&in->out, "{\"results\":[");
    for (int32_t i = 0; rc == DOGBREED_OK && i < input->count; i++) {
        const dogb_item *item = &input->items[i];
        dogb_buffer_add(&in->out, i > 0 ? "," : "");
        if (item->rc < 0) {
            write_failure(in, item);
        } else {
            rc = write_item(in, item);
        }
    }
    dogb_buffer_add(&in->out, "]}");
    return rc;
}

static int all_failed(const dogb_input *in) {
    int32_t failed = 0;
    for (int32_t i = 0; i < in->count; i++) {
        failed += in->items[i].rc < 0;
    }
    return failed == in->count;
}

int dogb_predict_write(dogb_reply *reply, dogb_request *r, const dogb_input *in,
                       const dogb_model_facts *facts) {
    int32_t standard = facts->classes < DOGB_ANSWER_TOP ? facts->classes : DOGB_ANSWER_TOP;
    job work = {.out = {.arena = &r->arena},
                .r = r,
                .facts = facts,
                .top = in->top > 0 ? in->top : standard,
                .now = dogb_span_now()};
    if (all_failed(in)) {
        return dogb_failure_picture(reply, r, &in->items[0]);
    }
    work.best = dogb_alloc(&r->arena, (size_t)work.top, sizeof *work.best);
    int rc = work.best == NULL ? DOGBREED_ERROR_NO_MEMORY
             : in->count > 1   ? write_results(&work, in)
                               : write_item(&work, &in->items[0]);
    rc = rc < 0 ? rc : dogb_write_reply(reply, &work.out, "application/json");
    return rc < 0 ? dogb_failure_reply(reply, r, rc) : rc;
}
