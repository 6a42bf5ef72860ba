// output.c - see output.h: the formats of /invocations.
#include "serve/output.h"

#include "core/error.h"
#include "predictor/topk.h"
#include "serve/failure.h"
#include "serve/media.h"
#include "serve/npy.h"
#include "serve/write.h"

#include <dogbreed/serve.h>

#include <string.h>

static void write_row(dogb_buffer *out, int32_t i, const float *logits, size_t classes) {
    dogb_buffer_add(out, i == 0 ? "[[" : ",[");
    dogb_write_floats(out, logits, classes);
    dogb_buffer_add(out, "]");
}

static void write_json(dogb_buffer *out, const dogb_input *in, size_t classes) {
    for (int32_t i = 0; i < in->count; i++) {
        write_row(out, i, in->items[i].logits, classes);
    }
    dogb_buffer_add(out, "]");
}

static void write_csv(dogb_buffer *out, const dogb_input *in, size_t classes) {
    for (int32_t i = 0; i < in->count; i++) {
        dogb_write_floats(out, in->items[i].logits, classes);
        dogb_buffer_add(out, "\n");
    }
}

static void write_npy(dogb_buffer *out, const dogb_input *in, size_t classes) {
    dogb_npy_begin(out, in->count, (int64_t)classes);
    for (int32_t i = 0; i < in->count; i++) {
        dogb_buffer_put(out, (const char *)in->items[i].logits, classes * sizeof(float));
    }
}

// The first of those that a client likes equally well is taken. write NULL: dogb_predict_write.
typedef struct format {
    const char *type;
    void (*write)(dogb_buffer *out, const dogb_input *in, size_t classes);
} format;

static const format formats[] = {
    {"application/json", write_json},
    {"application/vnd.dogbreed+json", NULL},
    {"text/csv", write_csv},
    {"application/x-npy", write_npy},
};

static const format *choose(const char *accept) {
    const format *best = formats;
    int32_t most = 0;
    for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++) {
        int32_t quality = dogb_media_quality(accept, formats[i].type);
        if (quality > most) {
            most = quality;
            best = &formats[i];
        }
    }
    return best;
}

static int write_predictions(dogb_reply *reply, dogb_request *r, const dogb_input *in,
                             const dogb_model_facts *facts) {
    int rc = dogb_predict_write(reply, r, in, facts);
    if (rc == DOGBREED_OK) {
        reply->type = "application/vnd.dogbreed+json";
    }
    return rc;
}

int dogb_output_write(dogb_reply *reply, dogb_request *r, const dogb_input *in,
                      const dogb_model_facts *facts) {
    const format *chosen = choose(r->accept);
    const size_t classes = (size_t)facts->classes;
    dogb_buffer out = {.arena = &r->arena};
    if (in->top > 0 || chosen->write == NULL) {
        return write_predictions(reply, r, in, facts);
    }
    for (int32_t i = 0; i < in->count; i++) {
        if (in->items[i].rc < 0) {
            return dogb_failure_picture(reply, r, &in->items[i]);
        }
        int rc = dogb_logits_check(in->items[i].logits, facts->classes);
        if (rc < 0) {
            return dogb_failure_reply(reply, r, rc);
        }
    }
    chosen->write(&out, in, classes);
    int rc = dogb_write_reply(reply, &out, chosen->type);
    return rc < 0 ? dogb_failure_reply(reply, r, rc) : rc;
}

int dogbreed_scores_json(char **json, const float *scores, int32_t pictures, int32_t classes) {
    dogb_arena scratch = {0};
    dogb_buffer out = {.arena = &scratch};
    DOGB_CHECK(json != NULL, "scores json: json is NULL");
    *json = NULL;
    DOGB_CHECK(scores != NULL && pictures >= 1 && classes >= 1,
               "scores json: scores is NULL, or there are none");
    int rc = DOGBREED_OK;
    for (int32_t i = 0; rc == DOGBREED_OK && i < pictures; i++) {
        const float *row = scores + (size_t)i * (size_t)classes;
        rc = dogb_logits_check(row, classes);
        write_row(&out, i, row, rc < 0 ? 0 : (size_t)classes);
    }
    dogb_buffer_add(&out, "]");
    rc = rc < 0 ? rc : out.rc;
    if (rc == DOGBREED_OK) {
        *json = dogb_malloc(out.length + 1, 1);
        rc = *json == NULL ? DOGBREED_ERROR_NO_MEMORY : DOGBREED_OK;
    }
    if (rc == DOGBREED_OK) {
        memcpy(*json, out.data, out.length); // the zero is there
    }
    dogb_arena_free(&scratch);
    return rc;
}
