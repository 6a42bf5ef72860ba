// list.c - ListObjectsV2, page by page.
#include "core/error.h"
#include "store/list_page.h"

#include <stdlib.h>
#include <string.h>

int dogb_objects_add(const dogb_object *object, void *userdata) {
    dogb_objects *list = userdata;
    dogb_object copy = *object;
    copy.key = dogb_strdup(list->arena, object->key);
    copy.etag = object->etag == NULL ? NULL : dogb_strdup(list->arena, object->etag);
    if (copy.key == NULL || (object->etag != NULL && copy.etag == NULL) ||
        dogb_grow(list->arena, &list->items, &list->capacity, list->count, sizeof copy) < 0) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    list->items[list->count++] = copy;
    return DOGBREED_OK;
}

static int by_key(const void *a, const void *b) {
    return strcmp(((const dogb_object *)a)->key, ((const dogb_object *)b)->key);
}

void dogb_objects_sort(dogb_objects *list) {
    if (list->count > 0) {
        qsort(list->items, list->count, sizeof *list->items, by_key);
    }
}

static int hand_out(const dogb_list_page *p, dogb_list_fn fn, void *userdata) {
    int rc = DOGBREED_OK;
    for (size_t i = 0; rc == DOGBREED_OK && i < p->objects.count; i++) {
        rc = fn(&p->objects.items[i], userdata);
    }
    return rc;
}

static int read_page(dogb_list_page *p, dogb_arena *arena, dogbreed_store *store,
                     const dogb_uri *uri, int32_t level, const char *token) {
    dogb_http_answer answer;
    dogb_sign_field query[5] = {{"list-type", "2"}, {"encoding-type", "url"}, {"prefix", uri->key}};
    size_t count = 3;
    if (level) {
        query[count++] = (dogb_sign_field){"delimiter", "/"};
    }
    if (token != NULL) {
        query[count++] = (dogb_sign_field){"continuation-token", token};
    }
    const dogb_call call = {
        .method = "GET", .uri = {uri->bucket, (char[]){""}}, .query = query, .query_count = count};
    int rc = dogb_store_call(&answer, arena, store, &call);
    if (rc < 0) {
        return rc;
    }
    rc = dogb_list_page_read(p, arena, answer.body, answer.size);
    if (rc == DOGBREED_OK && p->more && token != NULL && strcmp(token, p->token) == 0) {
        rc = dogb_fail(DOGBREED_ERROR_FORMAT, "list of objects: it goes on where it was");
    }
    if (rc == DOGBREED_ERROR_FORMAT) {
        dogb_error_state state;
        dogb_error_save(&state, rc);
        rc = dogb_fail(rc, "s3://%s: %s", uri->bucket, state.text);
    }
    return rc;
}

int dogb_store_walk(dogbreed_store *store, const dogb_uri *uri, int32_t level, dogb_list_fn fn,
                    void *userdata) {
    dogb_arena arenas[2] = {{0}, {0}}; // a page lives until its token is used
    const char *token = NULL;
    int rc = DOGBREED_OK;
    for (int at = 0; rc == DOGBREED_OK; at = 1 - at) {
        dogb_arena_free(&arenas[at]);
        dogb_list_page p;
        rc = read_page(&p, &arenas[at], store, uri, level, token);
        rc = rc < 0 ? rc : hand_out(&p, fn, userdata);
        if (rc != DOGBREED_OK || !p.more) {
            break;
        }
        token = p.token;
    }
    dogb_arena_free(&arenas[0]);
    dogb_arena_free(&arenas[1]);
    return rc;
}

typedef struct caller {
    dogbreed_store_list_fn fn;
    void *userdata;
} caller;

static int to_caller(const dogb_object *object, void *userdata) {
    const caller *c = userdata;
    const dogbreed_store_object shown = {
        .struct_size = sizeof shown,
        .folder = object->etag == NULL,
        .key = object->key,
        .etag = object->etag == NULL ? "" : object->etag,
        .size = object->size,
        .modified = object->modified,
    };
    int rc = c->fn(&shown, c->userdata);
    return rc < 0 ? dogb_fail(DOGBREED_ERROR_CALLBACK, "the list function returned %d", rc) : rc;
}

int dogbreed_store_list(dogbreed_store *store, const char *uri, int32_t recursive,
                        dogbreed_store_list_fn fn, void *userdata) {
    DOGB_CHECK(store != NULL, "store: NULL, expected a handle");
    DOGB_CHECK(uri != NULL && fn != NULL, "store: uri and fn must not be NULL");
    dogb_arena scratch = {0};
    dogb_uri parsed;
    caller c = {fn, userdata};
    int rc = dogb_uri_parse(&parsed, &scratch, uri);
    if (rc == DOGBREED_OK) {
        dogb_store_begin(store, 0, 0);
        rc = dogb_store_walk(store, &parsed, !recursive, to_caller, &c);
    }
    dogb_arena_free(&scratch);
    return rc > 0 ? DOGBREED_OK : rc;
}
