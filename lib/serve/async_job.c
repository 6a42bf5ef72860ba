// async_job.c - a request that outlives its connection: a copy with an id of its own.
#include "serve/async.h"

#include <openssl/rand.h>
#include <stdio.h>
#include <string.h>

static const char *query(const dogb_request *r, const char *name) {
    const dogb_async_job *job = r->owner;
    return strcmp(name, "top_k") == 0 ? job->top : strcmp(name, "crop") == 0 ? job->crop : NULL;
}

static const char *header(const dogb_request *r, const char *name) {
    (void)r;
    (void)name;
    return NULL;
}

static const char *copy(int *failed, dogb_arena *arena, const char *text) {
    char *made = text == NULL ? NULL : dogb_strdup(arena, text);
    *failed |= text != NULL && made == NULL;
    return made;
}

static int make_id(char id[DOGB_ASYNC_ID + 1]) {
    unsigned char bytes[DOGB_ASYNC_ID / 2];
    if (RAND_bytes(bytes, sizeof bytes) != 1) {
        return -1;
    }
    for (size_t i = 0; i < sizeof bytes; i++) {
        (void)snprintf(id + 2 * i, 3, "%02x", (unsigned)bytes[i]);
    }
    return 0;
}

static int copy_request(dogb_async_job *job, const dogb_request *r, const char *callback) {
    dogb_request *own = &job->request;
    int failed = 0;
    own->method = r->method;
    own->path = "";
    own->type = copy(&failed, &own->arena, r->type);
    own->accept = copy(&failed, &own->arena, r->accept);
    own->header = header;
    own->query = query;
    own->owner = job;
    own->params[0] = own->params[1] = "";
    (void)snprintf(own->id, sizeof own->id, "%s", r->id);
    job->top = copy(&failed, &own->arena, r->query(r, "top_k"));
    job->crop = copy(&failed, &own->arena, r->query(r, "crop"));
    job->callback = copy(&failed, &job->kept, callback);
    void *body = dogb_alloc_raw(&own->arena, r->size + 1, 1);
    if (body != NULL) {
        memcpy(body, r->body, r->size);
    }
    own->body = body;
    own->size = r->size;
    job->bytes = r->size;
    return failed || body == NULL ? -1 : 0;
}

dogb_async_job *dogb_async_new(dogb_async *async, const dogb_request *r, const char *callback) {
    dogb_async_job *job = dogb_malloc(1, sizeof *job);
    if (job != NULL) {
        job->async = async;
        job->holders = 1;
        if (copy_request(job, r, callback) == 0 && make_id(job->id) == 0) {
            return job;
        }
        dogb_async_drop(job);
    }
    return NULL;
}

void dogb_async_drop(dogb_async_job *job) {
    dogb_arena_free(&job->request.arena);
    dogb_arena_free(&job->kept);
    dogb_free(job);
}
