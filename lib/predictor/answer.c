// answer.c - see answer.h. Nothing in an answer of a file depends on when or where it was computed.
#include "predictor/answer.h"

#include "core/error.h"
#include "core/float.h"
#include "core/json.h"
#include "core/write.h"
#include "predictor/topk.h"

#include <string.h>

void dogb_answer_predictions(dogb_buffer *out, const dogbreed_prediction *best, int32_t count,
                             const char *const *labels) {
    for (int32_t i = 0; i < count; i++) {
        dogb_buffer_add(out, i == 0 ? "[{\"label\":" : ",{\"label\":");
        dogb_write_text(out, labels[best[i].index]);
        dogb_buffer_add(out, ",\"index\":");
        dogb_buffer_integer(out, best[i].index);
        dogb_buffer_add(out, ",\"probability\":");
        dogb_write_float(out, best[i].probability);
        dogb_buffer_add(out, "}");
    }
    dogb_buffer_add(out, "]");
}

void dogb_answer_warnings(dogb_buffer *out, int32_t turned) {
    dogb_buffer_add(out, turned ? "[\"exif_orientation_ignored\"]" : "[]");
}

// --- forms

typedef struct format {
    const char *type;
    const char *before; // the scores; NULL: predictions always
    const char *after;
    const char *end; // behind predictions; NULL: it cannot hold them
} format;

static const format formats[] = {
    [DOGBREED_ACCEPT_JSON] = {"application/json", "[[", "]]", ""},
    [DOGBREED_ACCEPT_JSONLINES] = {"application/jsonlines", "[", "]\n", "\n"},
    [DOGBREED_ACCEPT_CSV] = {"text/csv", "", "\n", NULL},
    [DOGBREED_ACCEPT_PREDICTIONS] = {"application/vnd.dogbreed+json", NULL, NULL, ""},
};

int dogb_answer_form_settle(dogb_answer_form *form) {
    const format *f = &formats[form->accept];
    DOGB_CHECK(form->top == 0 || f->end != NULL,
               "top_k: %s has no labels; accept application/vnd.dogbreed+json or "
               "application/jsonlines",
               f->type);
    if (form->top > 0 && form->accept == DOGBREED_ACCEPT_JSON) {
        form->accept = DOGBREED_ACCEPT_PREDICTIONS; // as an endpoint does
    }
    if (form->top == 0 && f->before == NULL) {
        form->top = DOGB_ANSWER_TOP;
    }
    form->top = form->top > form->classes ? form->classes : form->top;
    return DOGBREED_OK;
}

const char *dogb_answer_type(const dogb_answer_form *form) {
    return formats[form->accept].type;
}

int dogb_answer_write(dogb_buffer *out, const dogb_answer_form *form, const float *logits,
                      int32_t turned, dogbreed_prediction *best) {
    const format *f = &formats[form->accept];
    if (form->top == 0) {
        int rc = dogb_logits_check(logits, form->classes);
        if (rc == DOGBREED_OK) {
            dogb_buffer_add(out, f->before);
            dogb_write_floats(out, logits, (size_t)form->classes);
            dogb_buffer_add(out, f->after);
        }
        return rc;
    }
    int rc = dogb_top(best, form->top, logits, form->classes);
    if (rc == DOGBREED_OK) {
        dogb_buffer_add(out, "{\"predictions\":");
        dogb_answer_predictions(out, best, form->top, form->labels);
        dogb_buffer_add(out, ",\"warnings\":");
        dogb_answer_warnings(out, turned);
        dogb_buffer_add(out, "}");
        dogb_buffer_add(out, f->end);
    }
    return rc;
}

// --- whole answers

// Where `word` ends at `at`; NULL: it is not there.
static const char *skip(const char *at, const char *end, const char *word) {
    size_t length = strlen(word);
    return at != NULL && (size_t)(end - at) >= length && memcmp(at, word, length) == 0 ? at + length
                                                                                       : NULL;
}

static int is_row(const format *f, const char *text, size_t size, int32_t classes) {
    const char *end = text + size;
    const char *at = skip(text, end, f->before);
    for (int32_t i = 0; at != NULL && i < classes; i++) {
        at = i == 0 ? at : skip(at, end, ",");
        at = at == NULL ? NULL : dogb_float_skip(at, end, 1);
    }
    return at != NULL && skip(at, end, f->after) == end;
}

static int is_list(const format *f, const char *text, size_t size, int32_t count,
                   dogb_arena *scratch) {
    json_t *value = NULL;
    size_t tail = strlen(f->end);
    if (size <= tail || memcmp(text + size - tail, f->end, tail) != 0 ||
        dogb_json_parse(&value, scratch, text, size - tail, "a result") < 0) {
        return 0;
    }
    const json_t *list = json_object_get(value, "predictions");
    return json_array_size(list) == (size_t)count && json_object_get(value, "warnings") != NULL;
}

int dogb_answer_is_whole(const dogb_answer_form *form, const char *text, size_t size,
                         dogb_arena *scratch) {
    const format *f = &formats[form->accept];
    return form->top == 0 ? is_row(f, text, size, form->classes)
                          : is_list(f, text, size, form->top, scratch);
}
