// v2_read.c - the body of an infer request; see v2.h. JSON, and behind it the bytes of the input
// whose parameters name their number.
#include "serve/v2.h"

#include "core/error.h"
#include "serve/failure.h"
#include "serve/tensor.h"

#include <stdlib.h>
#include <string.h>

typedef struct job {
    dogb_v2 *out;
    dogb_request *r;
    const dogb_model_facts *facts;
    dogb_document document;
    dogb_span tail; // behind the JSON
    // the input
    const json_t *data; // NULL: its bytes are the tail
    int64_t dims[4];
    int32_t rank;
    int32_t binary; // default of the outputs
} job;

static int broken(const char *what) {
    return dogb_fail(DOGBREED_ERROR_FORMAT, "infer request: %s", what);
}

static int mismatch(const char *what) {
    return dogb_fail(DOGBREED_ERROR_MISMATCH, "infer request: %s", what);
}

// Length of the JSON, which a header gives where bytes follow.
static int split_body(job *in, size_t *json) {
    const char *text = in->r->header(in->r, "Inference-Header-Content-Length");
    uint64_t length = 0;
    *json = in->r->size;
    if (text == NULL) {
        return DOGBREED_OK;
    }
    const char *at = text;
    for (; *at >= '0' && *at <= '9' && length <= in->r->size; at++) {
        length = length * 10 + (uint64_t)(*at - '0');
    }
    if (at == text || *at != '\0' || length > in->r->size) {
        return broken("Inference-Header-Content-Length is no length within the body");
    }
    *json = (size_t)length;
    in->tail = (dogb_span){(const uint8_t *)in->r->body + length, in->r->size - (size_t)length};
    return DOGBREED_OK;
}

// --- inputs

// Each element has its length in front of it.
static int read_elements(const job *in) {
    dogb_input *out = &in->out->input;
    dogb_span rest = in->tail;
    for (int32_t i = 0; i < out->count; i++) {
        uint64_t size = rest.size < 4 ? UINT64_MAX : dogb_wire_load(rest.data, 4);
        if (size == UINT64_MAX || size > rest.size - 4) {
            return mismatch("the bytes of the input end inside of an element");
        }
        out->items[i].bytes = rest.data + 4;
        out->items[i].size = (size_t)size;
        rest = (dogb_span){rest.data + 4 + size, rest.size - 4 - (size_t)size};
    }
    return rest.size == 0 ? DOGBREED_OK : mismatch("there are more bytes than the shape says");
}

static int read_texts(const job *in) {
    dogb_input *out = &in->out->input;
    int rc = json_array_size(in->data) == (size_t)out->count
                 ? DOGBREED_OK
                 : mismatch("data has not as many elements as the shape says");
    for (int32_t i = 0; rc == DOGBREED_OK && i < out->count; i++) {
        rc = dogb_input_text(&out->items[i], in->r, json_array_get(in->data, (size_t)i));
    }
    return rc;
}

static int read_image(const job *in) {
    int shaped = in->rank == 1 || (in->rank == 2 && in->dims[1] == 1);
    if (!shaped || in->dims[0] < 1) {
        return mismatch("the shape of input image is not [N]");
    }
    int rc = dogb_input_start(&in->out->input, in->r, in->facts, (uint64_t)in->dims[0]);
    if (rc < 0) {
        return rc;
    }
    return in->data == NULL ? read_elements(in) : read_texts(in);
}

// 1: the numbers are written in a row, or nested as the shape says.
static int fits(const job *in, const dogb_numbers *numbers) {
    int same = numbers->rank == in->rank;
    for (int32_t i = 0; same && i < in->rank; i++) {
        same = numbers->dims[i] == (uint64_t)in->dims[i];
    }
    return same || numbers->rank == 1;
}

static int read_tensor(const job *in) {
    const dogb_numbers *numbers = dogb_document_numbers(&in->document, in->data);
    const size_t size = dogb_tensor_size(in->facts->side);
    dogb_input *out = &in->out->input;
    int32_t count = 0;
    int rc = dogb_tensor_count(&count, in->dims, in->rank, in->facts->side, in->facts->items_max);
    if (rc < 0) {
        return rc;
    }
    if (in->data != NULL) {
        if (numbers == NULL || numbers->count != (size_t)count * size || !fits(in, numbers)) {
            return mismatch("data has not as many numbers as the shape says");
        }
        return dogb_input_numbers(out, in->r, numbers, count, in->facts);
    }
    if (in->tail.size != (size_t)count * size * sizeof(float)) {
        return mismatch("binary_data_size does not fit the shape");
    }
    rc = dogb_input_start(out, in->r, in->facts, (size_t)count);
    return rc < 0 ? rc : dogb_input_tensors(out, in->tail.data, in->facts);
}

static const struct {
    const char *name;
    const char *datatype;
    int (*read)(const job *in);
} inputs[] = {{"image", "BYTES", read_image}, {"tensor", "FP32", read_tensor}};

static int is(const json_t *value, const char *text) {
    return json_is_string(value) && strcmp(json_string_value(value), text) == 0;
}

// Either data, or as many bytes behind the JSON as there are.
static int find_data(job *in, const json_t *input) {
    const json_t *size = json_object_get(json_object_get(input, "parameters"), "binary_data_size");
    in->data = json_object_get(input, "data");
    if ((in->data == NULL) == (size == NULL)) {
        return broken("the input has not either data or binary_data_size");
    }
    if (size != NULL && (!json_is_integer(size) || json_integer_value(size) < 0 ||
                         (uint64_t)json_integer_value(size) != in->tail.size)) {
        return mismatch("binary_data_size is not the number of bytes behind the JSON");
    }
    if (size == NULL && in->tail.size > 0) {
        return mismatch("there are bytes behind the JSON that belong to no input");
    }
    return DOGBREED_OK;
}

static int read_inputs(job *in) {
    const json_t *all = json_object_get(in->document.root, "inputs");
    const json_t *input = json_array_get(all, 0);
    if (json_array_size(all) != 1 || !json_is_object(input)) {
        return broken("inputs is not an array with one input");
    }
    in->rank = dogb_document_sizes(in->dims, 4, &in->document, json_object_get(input, "shape"));
    if (in->rank < 1) {
        return broken("the shape of the input is no array of one to four integers");
    }
    for (size_t i = 0; i < sizeof inputs / sizeof inputs[0]; i++) {
        if (!is(json_object_get(input, "name"), inputs[i].name)) {
            continue;
        }
        if (!is(json_object_get(input, "datatype"), inputs[i].datatype)) {
            return mismatch("the datatype is not that of the input: image BYTES, tensor FP32");
        }
        int rc = find_data(in, input);
        return rc < 0 ? rc : inputs[i].read(in);
    }
    return broken("the input is neither image nor tensor");
}

// --- parameters and outputs

// A member that is true or false; `standard` when it is not there. -1: something else.
static int read_flag(const json_t *parameters, const char *name, int standard) {
    const json_t *value = json_object_get(parameters, name);
    return value == NULL ? standard : json_is_boolean(value) ? json_is_true(value) : -1;
}

static int read_parameters(job *in) {
    const json_t *parameters = json_object_get(in->document.root, "parameters");
    const json_t *id = json_object_get(in->document.root, "id");
    const json_t *top = json_object_get(parameters, "top_k");
    if (parameters != NULL && !json_is_object(parameters)) {
        return broken("parameters is no object");
    }
    if (id != NULL && !json_is_string(id) && !json_is_null(id)) {
        return broken("id is no text");
    }
    in->out->id = json_string_value(id);
    in->binary = read_flag(parameters, "binary_data_output", 0);
    if (in->binary < 0) {
        return broken("binary_data_output is neither true nor false");
    }
    if (top != NULL && (!json_is_integer(top) || json_integer_value(top) < 1)) {
        return dogb_fail(DOGBREED_ERROR_INVALID_ARGUMENT, "top_k: expected an integer from 1 on");
    }
    json_int_t wanted = top == NULL ? 1 : json_integer_value(top);
    in->out->input.top = wanted < in->facts->classes ? (int32_t)wanted : in->facts->classes;
    return DOGBREED_OK;
}

static int read_output(job *in, const json_t *output, int *seen) {
    const json_t *name = json_object_get(output, "name");
    int binary = read_flag(json_object_get(output, "parameters"), "binary_data", in->binary);
    if (binary < 0) {
        return broken("binary_data is neither true nor false");
    }
    for (int32_t i = 0; i < DOGB_V2_OUTPUTS; i++) {
        if (is(name, dogb_v2_outputs[i].name) && !seen[i]) {
            seen[i] = 1;
            in->out->outputs[in->out->output_count++] = (dogb_v2_output){i, binary};
            return DOGBREED_OK;
        }
    }
    return broken("an output is none of logits, probabilities, label, or there twice");
}

static int read_outputs(job *in) {
    const json_t *all = json_object_get(in->document.root, "outputs");
    const dogb_numbers *numbers = dogb_document_numbers(&in->document, all);
    const json_t *output = NULL;
    int seen[DOGB_V2_OUTPUTS] = {0};
    size_t i = 0;
    if (all == NULL || (numbers != NULL && numbers->count == 0)) {
        for (int32_t kind = 0; kind < DOGB_V2_OUTPUTS; kind++) {
            in->out->outputs[in->out->output_count++] = (dogb_v2_output){kind, in->binary};
        }
        return DOGBREED_OK;
    }
    if (!json_is_array(all)) {
        return broken("outputs is no array");
    }
    json_array_foreach(all, i, output) {
        int rc = read_output(in, output, seen);
        if (rc < 0) {
            return rc;
        }
    }
    return DOGBREED_OK;
}

static int read_body(job *in) {
    size_t json = 0;
    int rc = split_body(in, &json);
    rc = rc < 0 ? rc : dogb_document_read(&in->document, &in->r->arena, in->r->body, json);
    if (rc == DOGBREED_OK && !json_is_object(in->document.root)) {
        rc = broken("the body is no object");
    }
    rc = rc < 0 ? rc : read_parameters(in);
    rc = rc < 0 ? rc : read_outputs(in);
    return rc < 0 ? rc : read_inputs(in);
}

int dogb_v2_is_long(const dogb_request *r) {
    const char *text = r->header(r, "Inference-Header-Content-Length");
    // What is no length is refused at once.
    return r->size > DOGB_LONG_TEXT && (text == NULL || strtoull(text, NULL, 10) > DOGB_LONG_TEXT);
}

int dogb_v2_read(dogb_v2 *out, dogb_reply *reply, dogb_request *r, const dogb_model_facts *facts) {
    job in = {.out = out, .r = r, .facts = facts};
    *out = (dogb_v2){.id = NULL};
    int rc = read_body(&in);
    return rc < 0 ? dogb_failure_reply(reply, r, rc) : rc;
}
