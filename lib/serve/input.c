// input.c - see input.h.
#include "serve/input.h"

#include "core/base64.h"
#include "core/error.h"
#include "serve/failure.h"
#include "serve/media.h"
#include "serve/multipart.h"
#include "serve/npy.h"
#include "serve/tensor.h"

#include <stdlib.h>

// --- for every format

int dogb_input_start(dogb_input *out, dogb_request *r, const dogb_model_facts *facts,
                     size_t count) {
    const size_t classes = (size_t)facts->classes;
    if (count == 0) {
        return dogb_fail(DOGBREED_ERROR_FORMAT, "there is no picture in the body");
    }
    if (count > (size_t)facts->items_max) {
        return dogb_fail(DOGBREED_ERROR_INDEX, "more than %d pictures", (int)facts->items_max);
    }
    float *logits = dogb_alloc(&r->arena, count, classes * sizeof *logits);
    out->items = dogb_alloc(&r->arena, count, sizeof *out->items);
    if (logits == NULL || out->items == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    out->count = (int32_t)count;
    for (size_t i = 0; i < count; i++) {
        out->items[i].logits = logits + i * classes;
    }
    return DOGBREED_OK;
}

int dogb_input_tensors(dogb_input *out, const void *numbers, const dogb_model_facts *facts) {
    const size_t size = dogb_tensor_size(facts->side) * sizeof(float);
    const uint8_t *bytes = numbers;
    out->tensor = 1;
    for (int32_t i = 0; i < out->count; i++) {
        out->items[i].kind = DOGB_ITEM_TENSOR;
        out->items[i].bytes = bytes + (size_t)i * size;
        out->items[i].size = size;
    }
    return dogb_tensor_finite(bytes, (size_t)out->count * dogb_tensor_size(facts->side));
}

int dogb_input_numbers(dogb_input *out, dogb_request *r, const dogb_numbers *numbers, int32_t count,
                       const dogb_model_facts *facts) {
    int rc = dogb_input_start(out, r, facts, (size_t)count);
    if (rc < 0) {
        return rc;
    }
    float *floats = dogb_alloc_raw(&r->arena, numbers->count, sizeof *floats);
    rc = floats == NULL ? DOGBREED_ERROR_NO_MEMORY : dogb_numbers_read(floats, numbers);
    return rc < 0 ? rc : dogb_input_tensors(out, floats, facts);
}

int dogb_input_text(dogb_item *out, dogb_request *r, const json_t *value) {
    const json_t *text = json_is_object(value) ? json_object_get(value, "b64") : value;
    dogb_span bytes;
    if (!json_is_string(text)) {
        return dogb_fail(DOGBREED_ERROR_FORMAT, "a picture is no text in base64");
    }
    int rc = dogb_base64_read(&bytes, &r->arena, json_string_value(text), json_string_length(text));
    if (rc == DOGBREED_OK) {
        out->bytes = bytes.data;
        out->size = bytes.size;
    }
    return rc;
}

// --- each format

typedef struct job {
    dogb_input *out;
    dogb_request *r;
    const dogb_model_facts *facts;
    dogb_span body; // not empty
} job;

static int read_picture(const job *in) {
    int rc = dogb_input_start(in->out, in->r, in->facts, 1);
    if (rc == DOGBREED_OK) {
        in->out->items->bytes = in->body.data;
        in->out->items->size = in->body.size;
    }
    return rc;
}

static int read_multipart(const job *in) {
    dogb_multipart parts;
    int rc =
        dogb_multipart_read(&parts, &in->r->arena, in->r->type, in->body, in->facts->items_max);
    rc = rc < 0 ? rc : dogb_input_start(in->out, in->r, in->facts, (size_t)parts.count);
    for (int32_t i = 0; rc == DOGBREED_OK && i < parts.count; i++) {
        in->out->items[i].bytes = parts.parts[i].data;
        in->out->items[i].size = parts.parts[i].size;
    }
    return rc;
}

static int read_npy(const job *in) {
    dogb_npy npy;
    int32_t count = 0;
    int rc = dogb_npy_read(&npy, in->body);
    if (rc < 0 || (rc = dogb_tensor_count(&count, npy.dims, npy.rank, in->facts->side,
                                          in->facts->items_max)) < 0) {
        return rc;
    }
    const void *numbers = npy.data.data;
    if (npy.width == 8) {
        float *narrow = dogb_alloc_raw(&in->r->arena, npy.count, sizeof *narrow);
        rc = narrow == NULL ? DOGBREED_ERROR_NO_MEMORY
                            : dogb_tensor_narrow(narrow, numbers, npy.count);
        numbers = narrow;
    }
    rc = rc < 0 ? rc : dogb_input_start(in->out, in->r, in->facts, (size_t)count);
    return rc < 0 ? rc : dogb_input_tensors(in->out, numbers, in->facts);
}

static int read_csv(const job *in) {
    float *numbers = NULL;
    int32_t count = 0;
    int rc = dogb_tensor_csv(&numbers, &count, &in->r->arena, in->body, in->facts->side,
                             in->facts->items_max);
    rc = rc < 0 ? rc : dogb_input_start(in->out, in->r, in->facts, (size_t)count);
    return rc < 0 ? rc : dogb_input_tensors(in->out, numbers, in->facts);
}

static int read_numbers(const job *in, const dogb_numbers *numbers) {
    int64_t dims[DOGB_NUMBERS_RANK_MAX];
    int32_t count = 0;
    for (int32_t i = 0; i < numbers->rank; i++) {
        dims[i] = (int64_t)numbers->dims[i];
    }
    int rc = dogb_tensor_count(&count, dims, numbers->rank, in->facts->side, in->facts->items_max);
    return rc < 0 ? rc : dogb_input_numbers(in->out, in->r, numbers, count, in->facts);
}

// {"instances": [{"b64": text}, ...]}, or an array of numbers.
static int read_json(const job *in) {
    dogb_document document;
    int rc = dogb_document_read(&document, &in->r->arena, in->body.data, in->body.size);
    if (rc < 0) {
        return rc;
    }
    const dogb_numbers *numbers = dogb_document_numbers(&document, document.root);
    if (numbers != NULL) {
        return read_numbers(in, numbers);
    }
    const json_t *instances = json_object_get(document.root, "instances");
    if (json_object_size(document.root) != 1 || !json_is_array(instances)) {
        return dogb_fail(DOGBREED_ERROR_FORMAT,
                         "expected an array of numbers, or an object with an array of instances");
    }
    rc = dogb_input_start(in->out, in->r, in->facts, json_array_size(instances));
    for (int32_t i = 0; rc == DOGBREED_OK && i < in->out->count; i++) {
        const json_t *instance = json_array_get(instances, (size_t)i);
        rc = dogb_input_text(&in->out->items[i], in->r, instance);
    }
    return rc;
}

static const struct {
    const char *type;
    int (*read)(const job *in);
    int text;
} formats[] = {
    {"image/jpeg", read_picture, 0},
    {"image/jpg", read_picture, 0},
    {"image/png", read_picture, 0},
    {"application/x-image", read_picture, 0},
    {"application/octet-stream", read_picture, 0},
    {"", read_picture, 0},
    {"multipart/form-data", read_multipart, 0},
    {"application/json", read_json, 1},
    {"text/csv", read_csv, 1},
    {"application/x-npy", read_npy, 0},
};

int dogb_input_is_long(const dogb_request *r) {
    for (size_t i = 0; r->size > DOGB_LONG_TEXT && i < sizeof formats / sizeof formats[0]; i++) {
        if (formats[i].text && dogb_media_is(r->type, formats[i].type)) {
            return 1;
        }
    }
    return 0;
}

static int read_body(const job *in) {
    if (in->body.size == 0) {
        return dogb_fail(DOGBREED_ERROR_FORMAT, "the body is empty");
    }
    for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++) {
        if (dogb_media_is(in->r->type, formats[i].type)) {
            return formats[i].read(in);
        }
    }
    return dogb_fail(DOGBREED_ERROR_UNSUPPORTED,
                     "the Content-Type is none of image/jpeg, image/png, application/x-image, "
                     "application/octet-stream, multipart/form-data, application/json, text/csv, "
                     "application/x-npy");
}

// The digits at *at, which goes behind them. -1: there are none, or too many.
static int32_t take_number(const char **at) {
    char *end = NULL;
    long number = **at >= '0' && **at <= '9' ? strtol(*at, &end, 10) : -1;
    if (number < 0 || number > INT32_MAX) {
        return -1;
    }
    *at = end;
    return (int32_t)number;
}

static int read_top(dogb_input *out, const dogb_request *r, const dogb_model_facts *facts) {
    const char *at = r->query(r, "top_k");
    if (at == NULL) {
        return DOGBREED_OK;
    }
    int32_t top = take_number(&at);
    if (top < 1 || *at != '\0') {
        return dogb_fail(DOGBREED_ERROR_INVALID_ARGUMENT, "top_k: expected an integer from 1 on");
    }
    out->top = top < facts->classes ? top : facts->classes;
    return DOGBREED_OK;
}

// "left,top,right,bottom"
static int read_crop(dogb_input *out, const dogb_request *r) {
    const char *at = r->query(r, "crop");
    int32_t sides[4] = {0};
    if (at == NULL) {
        return DOGBREED_OK;
    }
    if (out->tensor) {
        return dogb_fail(DOGBREED_ERROR_INVALID_ARGUMENT, "crop: a tensor cannot be cropped");
    }
    for (int i = 0; i < 4; i++) {
        sides[i] = take_number(&at);
        if (sides[i] < 0 || *at != (i < 3 ? ',' : '\0')) {
            return dogb_fail(DOGBREED_ERROR_INVALID_ARGUMENT,
                             "crop: expected four integers as left,top,right,bottom");
        }
        at++;
    }
    if (sides[0] >= sides[2] || sides[1] >= sides[3]) {
        return dogb_fail(DOGBREED_ERROR_INVALID_ARGUMENT,
                         "crop: right and bottom lie behind left and top");
    }
    for (int32_t i = 0; i < out->count; i++) {
        out->items[i].crop = (dogbreed_rectangle){sides[0], sides[1], sides[2], sides[3]};
    }
    return DOGBREED_OK;
}

int dogb_input_read(dogb_input *out, dogb_reply *reply, dogb_request *r,
                    const dogb_model_facts *facts) {
    const job in = {out, r, facts, {r->body, r->size}};
    *out = (dogb_input){.items = NULL};
    int rc = read_body(&in);
    rc = rc < 0 ? rc : read_crop(out, r);
    rc = rc < 0 ? rc : read_top(out, r, facts);
    return rc < 0 ? dogb_failure_reply(reply, r, rc) : rc;
}
