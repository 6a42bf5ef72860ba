// v2_write.c - the reply to an infer request; see v2.h.
#include "serve/v2.h"

#include "predictor/topk.h"
#include "serve/failure.h"
#include "serve/write.h"

#include <string.h>

typedef struct job {
    dogb_buffer json;
    dogb_buffer tail; // bytes behind the JSON
    const dogb_v2 *in;
    const dogb_model_facts *facts;
    float *probabilities;      // [classes]
    dogbreed_prediction *best; // [top]
} job;

// --- rows of an output

static int add_floats(job *out, const float *values, int binary) {
    const size_t count = (size_t)out->facts->classes;
    if (binary) {
        dogb_buffer_put(&out->tail, (const char *)values, count * sizeof *values);
    } else {
        dogb_write_floats(&out->json, values, count);
    }
    return DOGBREED_OK;
}

static int add_logits(job *out, const dogb_item *item, int binary) {
    int rc = dogb_logits_check(item->logits, out->facts->classes);
    return rc < 0 ? rc : add_floats(out, item->logits, binary);
}

static int add_probabilities(job *out, const dogb_item *item, int binary) {
    int rc = dogb_probabilities(out->probabilities, item->logits, out->facts->classes);
    return rc < 0 ? rc : add_floats(out, out->probabilities, binary);
}

static int add_labels(job *out, const dogb_item *item, int binary) {
    const int32_t top = out->in->input.top;
    int rc = dogb_top(out->best, top, item->logits, out->facts->classes);
    for (int32_t i = 0; rc == DOGBREED_OK && i < top; i++) {
        const char *label = out->facts->labels[out->best[i].index];
        if (binary) {
            dogb_wire_put32(&out->tail, (uint32_t)strlen(label));
            dogb_buffer_add(&out->tail, label);
        } else {
            dogb_buffer_add(&out->json, i > 0 ? "," : "");
            dogb_write_text(&out->json, label);
        }
    }
    return rc;
}

static int (*const rows[DOGB_V2_OUTPUTS])(job *out, const dogb_item *item, int binary) = {
    [DOGB_V2_LOGITS] = add_logits,
    [DOGB_V2_PROBABILITIES] = add_probabilities,
    [DOGB_V2_LABEL] = add_labels,
};

// --- outputs

static void add_head(job *out, const dogb_v2_output *output) {
    dogb_buffer_add(&out->json, "{\"name\":");
    dogb_write_text(&out->json, dogb_v2_outputs[output->kind].name);
    dogb_buffer_add(&out->json, ",\"datatype\":");
    dogb_write_text(&out->json, dogb_v2_outputs[output->kind].datatype);
    dogb_buffer_add(&out->json, ",\"shape\":[");
    dogb_buffer_integer(&out->json, out->in->input.count);
    dogb_buffer_add(&out->json, ",");
    dogb_buffer_integer(&out->json,
                        output->kind == DOGB_V2_LABEL ? out->in->input.top : out->facts->classes);
    dogb_buffer_add(&out->json,
                    output->binary ? "],\"parameters\":{\"binary_data_size\":" : "],\"data\":[");
}

static int add_output(job *out, const dogb_v2_output *output) {
    const dogb_input *input = &out->in->input;
    const size_t before = out->tail.length;
    int rc = DOGBREED_OK;
    add_head(out, output);
    for (int32_t i = 0; rc == DOGBREED_OK && i < input->count; i++) {
        dogb_buffer_add(&out->json, i > 0 && !output->binary ? "," : "");
        rc = rows[output->kind](out, &input->items[i], output->binary);
    }
    if (output->binary) {
        dogb_buffer_integer(&out->json, (int64_t)(out->tail.length - before));
    }
    dogb_buffer_add(&out->json, output->binary ? "}}" : "]}");
    return rc;
}

static int add_outputs(job *out) {
    int rc = DOGBREED_OK;
    dogb_buffer_add(&out->json, "{\"model_name\":");
    dogb_write_text(&out->json, out->facts->name);
    dogb_buffer_add(&out->json, ",\"model_version\":");
    dogb_write_text(&out->json, out->facts->version);
    if (out->in->id != NULL) {
        dogb_buffer_add(&out->json, ",\"id\":");
        dogb_write_text(&out->json, out->in->id);
    }
    dogb_buffer_add(&out->json, ",\"outputs\":[");
    for (int32_t i = 0; rc == DOGBREED_OK && i < out->in->output_count; i++) {
        dogb_buffer_add(&out->json, i > 0 ? "," : "");
        rc = add_output(out, &out->in->outputs[i]);
    }
    dogb_buffer_add(&out->json, "]}");
    return rc;
}

// The tail goes behind the JSON, whose length is then said in a header.
static int join(job *out, dogb_reply *reply, dogb_request *r) {
    if (out->tail.rc < 0) {
        return out->tail.rc;
    }
    if (out->tail.length == 0) {
        return dogb_write_reply(reply, &out->json, "application/json");
    }
    const char *length = dogb_format(&r->arena, "%zu", out->json.length);
    if (length == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    dogb_buffer_put(&out->json, out->tail.data, out->tail.length);
    dogb_reply_header(reply, "Inference-Header-Content-Length", length);
    return dogb_write_reply(reply, &out->json, "application/octet-stream");
}

int dogb_v2_write(dogb_reply *reply, dogb_request *r, const dogb_v2 *in,
                  const dogb_model_facts *facts) {
    job out = {
        .json = {.arena = &r->arena}, .tail = {.arena = &r->arena}, .in = in, .facts = facts};
    for (int32_t i = 0; i < in->input.count; i++) {
        if (in->input.items[i].rc < 0) {
            return dogb_failure_picture(reply, r, &in->input.items[i]);
        }
    }
    out.probabilities = dogb_alloc(&r->arena, (size_t)facts->classes, sizeof(float));
    out.best = dogb_alloc(&r->arena, (size_t)in->input.top, sizeof *out.best);
    int rc = out.probabilities == NULL || out.best == NULL ? DOGBREED_ERROR_NO_MEMORY
                                                           : add_outputs(&out);
    rc = rc < 0 ? rc : join(&out, reply, r);
    return rc < 0 ? dogb_failure_reply(reply, r, rc) : rc;
}
