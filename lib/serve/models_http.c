// models_http.c - SageMaker's addresses for many models behind one endpoint.
#include "core/error.h"
#include "core/json.h"
#include "core/log.h"
#include "core/span.h"
#include "serve/failure.h"
#include "serve/handler.h"
#include "serve/models.h"
#include "serve/output.h"

#include <stdatomic.h>
#include <stddef.h>

enum { BODY_MAX = 64 << 10, URL_MAX = 4096 };

typedef struct job {
    dogb_body body;   // first; of an invocation
    dogb_chore chore; // of a load
    dogb_server *server;
    dogb_request *r;
    dogb_reply reply;
    const char *name;
    const char *url;    // of a load
    dogb_loaded *model; // of an invocation
    dogb_input input;
} job;

static void give(dogb_server *server, dogb_request *r, dogb_reply *reply, void *userdata) {
    (void)server;
    (void)r;
    *reply = ((const job *)userdata)->reply;
}

static job *new_job(dogb_server *server, dogb_request *r, dogb_reply *reply) {
    job *j = dogb_alloc(&r->arena, 1, sizeof *j);
    if (j == NULL) {
        dogb_reply_error(reply, r, 503, "NO_MEMORY", "out of memory");
        return NULL;
    }
    j->server = server;
    j->r = r;
    j->name = r->params[0];
    return j;
}

static void answer(job *j) {
    dogb_models *models = j->server->models;
    dogb_answer_done(j->r); // j is gone behind it
    dogb_models_leave(models);
}

static void reply_status(dogb_reply *reply, dogb_request *r, const char *status) {
    const char *text = dogb_format(&r->arena, "{\"status\":\"%s\"}", status);
    dogb_reply_text(reply, 200, "application/json", text == NULL ? "{}" : text);
}

// What loading and removing say; files' own faults are for the log.
static void reply_failure(job *j, int rc) {
    static const struct {
        int rc;
        int32_t status;
    } told[] = {{DOGBREED_ERROR_INVALID_ARGUMENT, 400},
                {DOGBREED_ERROR_NOT_FOUND, 404},
                {DOGBREED_ERROR_EXISTS, 409},
                {DOGBREED_ERROR_NO_MEMORY, 507}};
    for (size_t i = 0; i < sizeof told / sizeof told[0]; i++) {
        if (told[i].rc == rc) {
            dogb_reply_error(&j->reply, j->r, told[i].status, dogbreed_error_name(rc),
                             dogbreed_error_message());
            return;
        }
    }
    dogb_log(DOGBREED_LOG_ERROR, "serve: %s: model %s: %s", j->r->id, j->name,
             dogbreed_error_message());
    dogb_reply_error(&j->reply, j->r, 422, dogbreed_error_name(rc), "the model cannot be loaded");
}

// --- loading

int dogb_models_read(const char **name, const char **url, dogb_request *r) {
    static const char wrong[] =
        "expected {\"model_name\": text, \"url\": text}, the name of letters, "
        "digits, '-', '_' and '.'";
    json_t *root = NULL;
    if (r->size > BODY_MAX || dogb_json_parse(&root, &r->arena, r->body, r->size, "body") < 0) {
        return dogb_fail(DOGBREED_ERROR_FORMAT, "%s", wrong);
    }
    const json_t *texts[] = {json_object_get(root, "model_name"), json_object_get(root, "url")};
    if (!json_is_string(texts[0]) || !json_is_string(texts[1]) ||
        json_string_length(texts[1]) > URL_MAX ||
        !dogb_served_is_name(json_string_value(texts[0]))) {
        return dogb_fail(DOGBREED_ERROR_FORMAT, "%s", wrong);
    }
    *name = json_string_value(texts[0]);
    *url = json_string_value(texts[1]);
    return DOGBREED_OK;
}

static void load(dogb_chore *chore) {
    job *j = (job *)(void *)((char *)chore - offsetof(job, chore));
    int rc = dogb_models_load(j->server->models, j->name, j->url);
    if (rc == DOGBREED_OK) {
        dogb_metrics_time(&j->server->metrics, DOGB_TIME_LOAD_WAIT,
                          dogb_span_now() - j->r->received);
    }
    if (rc < 0) {
        reply_failure(j, rc);
    } else {
        reply_status(&j->reply, j->r, "loaded");
    }
    answer(j);
}

static int start_load(dogb_server *server, void *userdata) {
    job *j = userdata;
    j->chore.run = load;
    dogb_models_enter(server->models);
    dogb_models_later(server->models, &j->chore);
    return DOGBREED_OK;
}

int dogb_handle_models_load(dogb_server *server, dogb_request *r, dogb_reply *reply) {
    const char *name = NULL;
    const char *url = NULL;
    if (dogb_models_read(&name, &url, r) < 0) {
        (void)dogb_failure_reply(reply, r, DOGBREED_ERROR_FORMAT);
        return DOGB_ROUTE_NOW;
    }
    job *j = new_job(server, r, reply);
    if (j == NULL) {
        return DOGB_ROUTE_NOW;
    }
    j->name = name;
    j->url = url;
    dogb_answer_elsewhere(r, start_load, give, j);
    return DOGB_ROUTE_LATER;
}

// --- the list

static json_t *describe(const dogb_loaded *model) {
    return json_pack("{s:s, s:s}", "modelName", model->name, "modelUrl", model->url);
}

static void add(const dogb_loaded *model, void *userdata) {
    (void)dogb_json_add(userdata, describe(model));
}

static int reply_json(dogb_reply *reply, dogb_request *r, const json_t *value) {
    const char *text = value == NULL ? NULL : dogb_json_text_in(&r->arena, value, 0);
    if (text == NULL) {
        dogb_reply_error(reply, r, 503, "NO_MEMORY", "out of memory");
    } else {
        dogb_reply_text(reply, 200, "application/json", text);
    }
    return DOGB_ROUTE_NOW;
}

// All at once: there is never a next page.
int dogb_handle_models(dogb_server *server, dogb_request *r, dogb_reply *reply) {
    json_t *root = dogb_json_object(&r->arena);
    json_t *list = json_array();
    if (root == NULL || list == NULL) {
        json_decref(list);
        return reply_json(reply, r, NULL);
    }
    dogb_models_each(server->models, add, list);
    return reply_json(reply, r, dogb_json_set(root, "models", list) < 0 ? NULL : root);
}

static int unknown(dogb_reply *reply, dogb_request *r) {
    dogb_reply_error(reply, r, 404, "NOT_FOUND", "there is no model of this name");
    return DOGB_ROUTE_NOW;
}

int dogb_handle_models_show(dogb_server *server, dogb_request *r, dogb_reply *reply) {
    dogb_loaded *model = dogb_models_take(server->models, r->params[0]);
    if (model == NULL) {
        return unknown(reply, r);
    }
    json_t *value = describe(model);
    (void)reply_json(reply, r, value);
    json_decref(value);
    dogb_models_give(server->models, model);
    return DOGB_ROUTE_NOW;
}

int dogb_handle_models_remove(dogb_server *server, dogb_request *r, dogb_reply *reply) {
    if (dogb_models_remove(server->models, r->params[0]) < 0) {
        return unknown(reply, r);
    }
    reply_status(reply, r, "removed");
    return DOGB_ROUTE_NOW;
}

// --- invocations

static void leave(job *j) {
    if (j->model != NULL) {
        dogb_models_give(j->server->models, j->model);
    }
    answer(j);
}

static int read_body(dogb_body *body, dogb_reply *reply) {
    job *j = (job *)body;
    int rc = dogb_input_read(&j->input, reply, j->r, &j->model->served.facts);
    body->work.items = rc < 0 ? body->work.items : j->input.items;
    body->work.count = rc < 0 ? body->work.count : j->input.count;
    return rc;
}

// Here, on a thread of the batcher, and not when the connection goes on: a client that went away
// has none, and its model would be used for ever.
static void computed(dogb_work *work, void *userdata) {
    job *j = userdata;
    (void)work;
    int failed = dogb_body_failed(&j->body, &j->reply);
    if (failed == 0) {
        (void)dogb_output_write(&j->reply, j->r, &j->input, &j->model->served.facts);
        dogb_infer_count(j->server, j->r, &j->input);
    } else if (failed < 0) {
        dogb_infer_dropped(j->server, &j->body);
    }
    leave(j);
}

static int start_invoke(dogb_server *server, void *userdata) {
    job *j = userdata;
    dogb_models_enter(server->models);
    j->model = dogb_models_take(server->models, j->name);
    (void)atomic_fetch_add(
        j->model == NULL ? &server->metrics.model_misses : &server->metrics.model_hits, 1);
    if (j->model == NULL) {
        (void)unknown(&j->reply, j->r);
        leave(j);
        return DOGBREED_OK;
    }
    j->body.request = j->r;
    j->body.read = read_body;
    int rc = dogb_body_begin(&j->body, &j->reply, dogb_input_is_long(j->r));
    if (rc == DOGBREED_OK) {
        j->body.work.deadline = j->r->deadline;
        j->body.work.done = computed;
        j->body.work.userdata = j;
        rc = dogb_batcher_submit(j->model->served.batcher, &j->body.work);
        if (rc == DOGBREED_OK) {
            return rc;
        }
        (void)dogb_failure_reply(&j->reply, j->r, rc);
        dogb_reply_header(&j->reply, "Retry-After", "1");
    }
    leave(j);
    return DOGBREED_OK;
}

int dogb_handle_models_invoke(dogb_server *server, dogb_request *r, dogb_reply *reply) {
    job *j = new_job(server, r, reply);
    if (j == NULL) {
        return DOGB_ROUTE_NOW;
    }
    dogb_answer_elsewhere(r, start_invoke, give, j);
    return DOGB_ROUTE_LATER;
}
