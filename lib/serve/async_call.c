// async_call.c - results of requests that asked for a callback: sent where the server may send
// them, three times at most.
#include "serve/async_struct.h"
#include "core/error.h"
#include "core/log.h"
#include "store/http.h"

enum { TRIES = 3, ANSWER_MAX = 64 << 10 };

static int send(dogb_async_job *job, dogb_arena *scratch) {
    dogb_async *async = job->async;
    dogb_http_answer answer;
    const char *const headers[] = {
        dogb_format(scratch, "Content-Type: %s", job->reply.type),
        dogb_format(scratch, "X-Dogbreed-Id: %s", job->id),
        dogb_format(scratch, "X-Dogbreed-Status: %d", (int)job->reply.status),
        dogb_format(scratch, "X-Request-Id: %s", job->request.id)};
    enum { COUNT = sizeof headers / sizeof headers[0] };
    for (size_t i = 0; i < COUNT; i++) {
        if (headers[i] == NULL) {
            return DOGBREED_ERROR_NO_MEMORY;
        }
    }
    const double timeout = async->server->options.callback_timeout_s;
    const dogb_http_request request = {.method = "POST",
                                       .url = job->callback,
                                       .headers = headers,
                                       .header_count = COUNT,
                                       .body = job->reply.body,
                                       .size = (int64_t)job->reply.size,
                                       .into = -1,
                                       .memory_max = ANSWER_MAX,
                                       .connect_timeout = timeout,
                                       .timeout = timeout,
                                       .cancel = &async->cancel};
    dogb_async_call_begin(async);
    int rc = dogb_http_send(&answer, async->http, scratch, &request);
    dogb_async_call_end(async);
    return rc < 0 ? rc
           : answer.status >= 200 && answer.status < 300
               ? DOGBREED_OK
               : dogb_fail(DOGBREED_ERROR_NETWORK, "the answer is %d", (int)answer.status);
}

void dogb_async_deliver(dogb_chore *chore) {
    dogb_async_job *job = (dogb_async_job *)chore;
    int rc = DOGBREED_ERROR_NETWORK;
    int ended = dogb_async_pause(job->async, 0);
    for (int i = 0; rc < 0 && i < TRIES && !ended; i++) {
        dogb_arena scratch = {0};
        ended = i > 0 && dogb_async_pause(job->async, i);
        rc = ended ? rc : send(job, &scratch);
        dogb_arena_free(&scratch);
    }
    if (rc < 0) {
        dogb_log(DOGBREED_LOG_ERROR, "serve: %s: the callback was not delivered: %s",
                 job->request.id, ended ? "the server ended" : dogbreed_error_message());
    }
    dogb_async_called(job, rc == DOGBREED_OK);
}

int dogb_async_may_call(const dogb_async *async, const char *url) {
    return dogb_callbacks_allow(async->callbacks, url);
}

int dogb_async_caller_open(dogb_async *async) {
    const char *path = async->server->options.callbacks;
    if (*path == '\0') {
        return DOGBREED_OK;
    }
    int rc = dogb_callbacks_read(&async->callbacks, &async->arena, path);
    rc = rc < 0 ? rc : dogb_http_open(&async->http);
    return rc < 0 ? rc : dogb_chores_create(&async->chores);
}

void dogb_async_caller_close(dogb_async *async) {
    dogb_chores_destroy(async->chores);
    dogb_http_close(async->http);
    dogb_arena_free(&async->arena);
}
