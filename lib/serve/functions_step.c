// functions_step.c - the steps of a request: input, predict and output, or transform alone, each
// the caller's or the library's; and what the caller's functions call.
#include "core/error.h"
#include "core/log.h"
#include "core/span.h"
#include "predictor/predictor_infer.h"
#include "serve/failure.h"
#include "serve/functions_task.h"
#include "serve/output.h"
#include "serve/queue.h"

#include <stdatomic.h>
#include <string.h>

enum { STEP_INPUT = 0, STEP_PREDICT = 1, STEP_OUTPUT = 2, STEP_COUNT = 3 };

// --- what functions call

static dogb_task *task_of(dogbreed_call *call) {
    return call == NULL ? NULL : call->context;
}

int dogbreed_call_values(dogbreed_call *call, const float *values, const int64_t *shape,
                         int32_t rank) {
    dogb_task *t = task_of(call);
    size_t count = 1;
    DOGB_CHECK(t != NULL && values != NULL && shape != NULL, "call values: an argument is NULL");
    DOGB_CHECK(rank >= 1 && rank <= 4, "call values: rank %d, expected 1 to 4", (int)rank);
    for (int32_t i = 0; i < rank; i++) {
        DOGB_CHECK(shape[i] > 0 && (uint64_t)shape[i] <= SIZE_MAX / sizeof *values / count,
                   "call values: dimension %d is %lld", (int)i, (long long)shape[i]);
        count *= (size_t)shape[i];
    }
    float *copy = dogb_alloc_raw(&t->r->arena, count, sizeof *copy);
    if (copy == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    memcpy(copy, values, count * sizeof *copy);
    memset(call->shape, 0, sizeof call->shape);
    memcpy(call->shape, shape, (size_t)rank * sizeof *shape);
    call->values = copy;
    call->rank = rank;
    return DOGBREED_OK;
}

// Goes into a header as it is.
static int is_type(const char *text) {
    size_t length = text == NULL ? 0 : strlen(text);
    for (size_t i = 0; i < length; i++) {
        if (text[i] < 0x20 || text[i] > 0x7E) {
            return 0;
        }
    }
    return length > 0 && length <= 200;
}

int dogbreed_call_reply(dogbreed_call *call, int32_t status, const char *content_type,
                        const void *body, size_t size) {
    dogb_task *t = task_of(call);
    DOGB_CHECK(t != NULL && (body != NULL || size == 0), "call reply: an argument is NULL");
    DOGB_CHECK(status >= 200 && status <= 599, "call reply: status %d, expected 200 to 599",
               (int)status);
    DOGB_CHECK(is_type(content_type), "call reply: content_type is no text of 1 to 200 characters");
    char *type = dogb_strdup(&t->r->arena, content_type);
    char *copy = dogb_alloc_raw(&t->r->arena, size + 1, 1);
    if (type == NULL || copy == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    if (size > 0) {
        memcpy(copy, body, size);
    }
    t->reply = (dogb_reply){.status = status, .type = type, .body = copy, .size = size};
    t->replied = 1;
    return DOGBREED_OK;
}

void dogbreed_call_fail(dogbreed_call *call, const char *text) {
    dogb_task *t = task_of(call);
    if (t != NULL && text != NULL) {
        strncpy(t->text, text, sizeof t->text - 1);
    }
}

// --- the library's steps. <0: the reply is there.

static int refuse(dogb_task *t, int rc) {
    t->replied = 1;
    return dogb_failure_reply(&t->reply, t->r, rc);
}

// Of a function before: not the client's fault.
static int wrong(dogb_task *t, const char *function, const char *what) {
    t->failed = function;
    dogbreed_call_fail(&t->call, what);
    return DOGBREED_ERROR_MISMATCH;
}

// Body to pictures; for a function that computes, to what it computes with.
static int picture_values(dogb_task *t, dogb_item *item, float *out) {
    dogbreed_predictor *predictor = t->all->server->predictor;
    uint8_t *pixels = dogb_alloc_raw(&t->r->arena, dogb_predictor_picture(predictor), 1);
    dogb_arena scratch = {0};
    const dogb_encoded encoded = {item->bytes, item->size, &item->crop, "picture"};
    int rc = pixels == NULL ? DOGBREED_ERROR_NO_MEMORY
                            : dogb_predictor_decode(pixels, NULL, predictor, &scratch, &encoded);
    if (rc == DOGBREED_OK) {
        dogb_predictor_normalize(out, predictor, pixels);
    }
    dogb_arena_free(&scratch);
    dogb_item_result(item, rc);
    return rc;
}

static int input_values(dogb_task *t) {
    const int64_t side = t->all->server->facts.side;
    const int64_t shape[] = {t->input.count, 3, side, side};
    const size_t size = (size_t)(3 * side * side);
    float *values = dogb_alloc_raw(&t->r->arena, (size_t)t->input.count, size * sizeof *values);
    if (values == NULL) {
        return refuse(t, DOGBREED_ERROR_NO_MEMORY);
    }
    for (int32_t i = 0; i < t->input.count; i++) {
        dogb_item *item = &t->input.items[i];
        if (item->kind == DOGB_ITEM_TENSOR) {
            memcpy(values + (size_t)i * size, item->bytes, item->size);
        } else if (picture_values(t, item, values + (size_t)i * size) < 0) {
            t->replied = 1;
            return dogb_failure_picture(&t->reply, t->r, item);
        }
    }
    memcpy(t->call.shape, shape, sizeof shape);
    t->call.values = values;
    t->call.rank = 4;
    return DOGBREED_OK;
}

static int own_input(dogb_task *t) {
    int rc = dogb_input_read(&t->input, &t->reply, t->r, &t->all->server->facts);
    t->replied = rc < 0;
    return rc < 0 || t->all->own.predict == NULL ? rc : input_values(t);
}

static void computed(dogb_work *work, void *userdata) {
    dogb_task *t = userdata;
    (void)work;
    dogb_chores_add(t->all->chores, &t->chore);
}

// Values of a function that read the body, as pictures.
static int pictures_of(dogb_task *t) {
    const dogb_model_facts *facts = &t->all->server->facts;
    const int64_t *shape = t->call.shape;
    if (t->call.rank != 4 || shape[1] != 3 || shape[2] != facts->side || shape[3] != facts->side ||
        shape[0] > facts->items_max) {
        return wrong(t, "input", "it left no values of the shape [n, 3, side, side]");
    }
    int rc = dogb_input_start(&t->input, t->r, facts, (size_t)shape[0]);
    if (rc < 0) {
        return refuse(t, rc);
    }
    return dogb_input_tensors(&t->input, t->call.values, facts) < 0
               ? wrong(t, "input", "a value that it left is not finite")
               : DOGBREED_OK;
}

static int own_predict(dogb_task *t) {
    int rc = t->all->own.input == NULL ? DOGBREED_OK : pictures_of(t);
    if (rc < 0) {
        return rc;
    }
    t->work = (dogb_work){.items = t->input.items,
                          .count = t->input.count,
                          .deadline = t->r->deadline,
                          .done = computed,
                          .userdata = t};
    rc = dogb_batcher_submit(t->all->server->batcher, &t->work);
    return rc < 0 ? refuse(t, rc) : DOGB_TASK_WAITS;
}

// Logits that the batcher computed, side by side for a function.
static int output_values(dogb_task *t) {
    const dogb_model_facts *facts = &t->all->server->facts;
    for (int32_t i = 0; i < t->input.count; i++) {
        if (t->input.items[i].rc < 0) {
            t->replied = 1;
            return dogb_failure_picture(&t->reply, t->r, &t->input.items[i]);
        }
    }
    t->call.values = t->input.items[0].logits; // one block, by dogb_input_start
    t->call.rank = 2;
    memset(t->call.shape, 0, sizeof t->call.shape);
    t->call.shape[0] = t->input.count;
    t->call.shape[1] = facts->classes;
    return DOGBREED_OK;
}

// Values of a function that computes, as logits of the library's output.
static int logits_of(dogb_task *t) {
    const dogb_model_facts *facts = &t->all->server->facts;
    const int64_t *shape = t->call.shape;
    if (t->call.rank != 2 || shape[1] != facts->classes || shape[0] > facts->items_max) {
        return wrong(t, "predict", "it left no values of the shape [n, classes]");
    }
    int32_t top = t->input.top;
    int rc = dogb_input_start(&t->input, t->r, facts, (size_t)shape[0]);
    if (rc < 0) {
        return refuse(t, rc);
    }
    t->input.top = top;
    memcpy(t->input.items[0].logits, t->call.values,
           (size_t)shape[0] * (size_t)facts->classes * sizeof(float));
    return DOGBREED_OK;
}

static int own_output(dogb_task *t) {
    int rc = t->all->own.predict == NULL ? DOGBREED_OK : logits_of(t);
    if (rc == DOGBREED_OK) {
        t->replied = 1;
        rc = dogb_output_write(&t->reply, t->r, &t->input, &t->all->server->facts);
    }
    return rc;
}

// --- a task's way

typedef struct step {
    const char *name;
    int (*own)(dogb_task *t);
    int (*prepare)(dogb_task *t); // for a function in this place; NULL: nothing
} step;

static const step steps[STEP_COUNT] = {
    [STEP_INPUT] = {"input", own_input, NULL},
    [STEP_PREDICT] = {"predict", own_predict, NULL},
    [STEP_OUTPUT] = {"output", own_output, output_values},
};

static int call(dogb_task *t, const char *name, dogbreed_call_fn fn, void *userdata) {
    int rc = fn(&t->call, userdata);
    t->failed = rc < 0 ? name : NULL;
    return rc < 0 ? rc : DOGBREED_OK;
}

static int run_step(dogb_task *t, int32_t index) {
    const dogbreed_functions *own = &t->all->own;
    const struct {
        dogbreed_call_fn fn;
        void *userdata;
    } functions[STEP_COUNT] = {{own->input, own->input_userdata},
                               {own->predict, own->predict_userdata},
                               {own->output, own->output_userdata}};
    if (functions[index].fn == NULL) {
        return steps[index].own(t);
    }
    // Values of the library's predict are in its items so far.
    int prepared = steps[index].prepare == NULL || own->predict != NULL ? DOGBREED_OK
                                                                        : steps[index].prepare(t);
    return prepared < 0
               ? prepared
               : call(t, steps[index].name, functions[index].fn, functions[index].userdata);
}

static int transform(dogb_task *t) {
    const dogbreed_functions *own = &t->all->own;
    t->step = STEP_COUNT;
    return call(t, "transform", own->transform, own->transform_userdata);
}

static int late(dogb_task *t) {
    return dogb_span_now() <= t->r->deadline ? DOGBREED_OK : refuse(t, DOGBREED_ERROR_TIMEOUT);
}

static void finish(dogb_task *t) {
    dogb_functions *all = t->all;
    if (t->failed == NULL && !t->replied) {
        (void)wrong(t, all->own.transform != NULL ? "transform" : "output", "it gave no reply");
    }
    if (t->failed != NULL) {
        (void)atomic_fetch_add(&all->server->metrics.model_errors, 1);
        dogb_log(DOGBREED_LOG_ERROR, "serve: %s: function %s: %s", t->r->id, t->failed,
                 *t->text == '\0' ? "it failed" : t->text);
        dogb_reply_error(&t->reply, t->r, 500, "FUNCTION", "a function of this endpoint failed");
    }
    if (all->own.end != NULL) {
        (void)all->own.end(&t->call, all->own.end_userdata);
    }
}

int dogb_task_run(dogb_task *t) {
    int rc = DOGBREED_OK;
    while (rc == DOGBREED_OK && !t->replied && t->step < STEP_COUNT) {
        rc = late(t);
        if (rc == DOGBREED_OK) {
            rc = t->all->own.transform != NULL ? transform(t) : run_step(t, t->step++);
        }
    }
    if (rc == DOGB_TASK_WAITS) {
        return DOGB_TASK_WAITS;
    }
    finish(t);
    return DOGB_TASK_DONE;
}
