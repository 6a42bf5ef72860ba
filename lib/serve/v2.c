// v2.c - see v2.h: what the protocol says of a server and of a model.
#include "serve/v2.h"

#include "core/error.h"
#include "serve/failure.h"
#include "serve/write.h"

#include <string.h>

const dogb_v2_tensor dogb_v2_outputs[DOGB_V2_OUTPUTS] = {
    [DOGB_V2_LOGITS] = {"logits", "FP32"},
    [DOGB_V2_PROBABILITIES] = {"probabilities", "FP32"},
    [DOGB_V2_LABEL] = {"label", "BYTES"},
};

static int give(dogb_reply *reply, dogb_request *r, const dogb_buffer *out) {
    int rc = dogb_write_reply(reply, out, "application/json");
    return rc < 0 ? dogb_failure_reply(reply, r, rc) : rc;
}

int dogb_v2_server(dogb_reply *reply, dogb_request *r) {
    dogb_buffer out = {.arena = &r->arena};
    dogb_buffer_add(&out, "{\"name\":\"libdogbreed\",\"version\":");
    dogb_write_text(&out, dogbreed_version());
    dogb_buffer_add(&out, ",\"extensions\":[\"binary_tensor_data\"]}");
    return give(reply, r, &out);
}

// -1 in a shape: any number.
static void add_tensor(dogb_buffer *out, const char *name, const char *datatype) {
    dogb_buffer_add(out, "{\"name\":");
    dogb_write_text(out, name);
    dogb_buffer_add(out, ",\"datatype\":");
    dogb_write_text(out, datatype);
    dogb_buffer_add(out, ",\"shape\":[-1");
}

int dogb_v2_model(dogb_reply *reply, dogb_request *r, const dogb_model_facts *facts) {
    dogb_buffer out = {.arena = &r->arena};
    dogb_buffer_add(&out, "{\"name\":");
    dogb_write_text(&out, facts->name);
    dogb_buffer_add(&out, ",\"versions\":[");
    dogb_write_text(&out, facts->version);
    dogb_buffer_add(&out, "],\"platform\":\"libdogbreed_safetensors\",\"inputs\":[");
    add_tensor(&out, "image", "BYTES");
    dogb_buffer_add(&out, "]},");
    add_tensor(&out, "tensor", "FP32");
    dogb_buffer_add(&out, ",3,");
    dogb_buffer_integer(&out, facts->side);
    dogb_buffer_add(&out, ",");
    dogb_buffer_integer(&out, facts->side);
    dogb_buffer_add(&out, "]}],\"outputs\":[");
    for (int32_t i = 0; i < DOGB_V2_OUTPUTS; i++) {
        dogb_buffer_add(&out, i > 0 ? "," : "");
        add_tensor(&out, dogb_v2_outputs[i].name, dogb_v2_outputs[i].datatype);
        dogb_buffer_add(&out, ",");
        dogb_buffer_integer(&out, i == DOGB_V2_LABEL ? -1 : facts->classes);
        dogb_buffer_add(&out, "]}");
    }
    dogb_buffer_add(&out, "]}");
    return give(reply, r, &out);
}

int dogb_v2_find(dogb_reply *reply, dogb_request *r, const dogb_model_facts *facts,
                 const char *name, const char *version) {
    if (strcmp(name, facts->name) != 0) {
        dogb_reply_error(reply, r, 404, "NOT_FOUND", "there is no model of this name");
        return DOGBREED_ERROR_NOT_FOUND;
    }
    if (*version != '\0' && strcmp(version, facts->version) != 0) {
        dogb_reply_error(reply, r, 404, "NOT_FOUND", "the model has no such version");
        return DOGBREED_ERROR_NOT_FOUND;
    }
    return DOGBREED_OK;
}
