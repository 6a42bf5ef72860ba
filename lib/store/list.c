// list.c - ListObjectsV2, page by page.
#include "core/error.h"
#include "store/client.h"
#include "store/xml.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

typedef struct page {
    dogb_arena *arena;
    dogb_objects objects;
    dogb_object next; // being read
    char *token;
    int is_root;
    int more;
    int encoded;
    int rc;
} page;

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

static int bad(page *p, const char *what) {
    return p->rc = dogb_fail(DOGBREED_ERROR_FORMAT, "list of objects: %s", what);
}

static int set_text(page *p, char **slot, const char *text) {
    *slot = dogb_strdup(p->arena, text);
    return p->rc = *slot == NULL ? DOGBREED_ERROR_NO_MEMORY : DOGBREED_OK;
}

static int set_size(page *p, const char *text) {
    char *end = NULL;
    errno = 0;
    long long size = strtoll(text, &end, 10);
    if (end == text || *end != '\0' || errno != 0 || size < 0) {
        return bad(p, "a size that is no number");
    }
    p->next.size = size;
    return 0;
}

static int end_object(page *p) {
    if (p->next.key == NULL || p->next.etag == NULL || p->next.size < 0) {
        return bad(p, "an object without key, size or ETag");
    }
    p->rc = dogb_objects_add(&p->next, &p->objects);
    p->next = (dogb_object){.size = -1};
    return p->rc;
}

static int end_folder(page *p) {
    if (p->next.key == NULL) {
        return bad(p, "a folder without a name");
    }
    p->rc = dogb_objects_add(&(dogb_object){.key = p->next.key}, &p->objects);
    p->next.key = NULL;
    return p->rc;
}

static int on_element(const char *path, const char *text, void *userdata) {
    static const char root[] = "ListBucketResult";
    page *p = userdata;
    if (strncmp(path, root, sizeof root - 1) != 0) {
        return bad(p, "another document came");
    }
    const char *name = path + sizeof root - 1;
    if (*name == '\0') {
        p->is_root = 1;
        return 0;
    }
    if (strcmp(name, "/Contents/Key") == 0 || strcmp(name, "/CommonPrefixes/Prefix") == 0) {
        return set_text(p, &p->next.key, text);
    }
    if (strcmp(name, "/Contents/ETag") == 0) {
        p->next.etag = dogb_store_etag(p->arena, text);
        return p->rc = p->next.etag == NULL ? DOGBREED_ERROR_NO_MEMORY : DOGBREED_OK;
    }
    if (strcmp(name, "/Contents/Size") == 0) {
        return set_size(p, text);
    }
    if (strcmp(name, "/Contents/LastModified") == 0) {
        p->next.modified = dogb_store_time(text);
    } else if (strcmp(name, "/Contents") == 0) {
        return end_object(p);
    } else if (strcmp(name, "/CommonPrefixes") == 0) {
        return end_folder(p);
    } else if (strcmp(name, "/NextContinuationToken") == 0) {
        return set_text(p, &p->token, text);
    } else if (strcmp(name, "/IsTruncated") == 0) {
        p->more = strcmp(text, "true") == 0;
    } else if (strcmp(name, "/EncodingType") == 0) {
        p->encoded = strcmp(text, "url") == 0;
    }
    return 0;
}

static int hand_out(page *p, dogb_list_fn fn, void *userdata) {
    int rc = DOGBREED_OK;
    for (size_t i = 0; p->encoded && rc == DOGBREED_OK && i < p->objects.count; i++) {
        rc = dogb_uri_decode(p->objects.items[i].key);
    }
    if (rc == DOGBREED_OK) { // folders come behind the objects of a page
        dogb_objects_sort(&p->objects);
    }
    for (size_t i = 0; rc == DOGBREED_OK && i < p->objects.count; i++) {
        rc = fn(&p->objects.items[i], userdata);
    }
    return rc;
}

static int read_page(page *p, dogbreed_store *store, const dogb_uri *uri, int32_t level,
                     const char *token) {
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
    int rc = dogb_store_call(&answer, p->arena, store, &call);
    if (rc < 0) {
        return rc;
    }
    rc = dogb_xml_read(answer.body, answer.size, on_element, p);
    if (rc == DOGBREED_OK && !p->is_root) {
        rc = bad(p, "another document came");
    }
    if (rc == DOGBREED_OK && p->more &&
        (p->token == NULL || *p->token == '\0' ||
         (token != NULL && strcmp(token, p->token) == 0))) {
        rc = bad(p, "it goes on, but does not say where");
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
        page p = {.arena = &arenas[at], .next = {.size = -1}, .objects = {.arena = &arenas[at]}};
        rc = read_page(&p, store, uri, level, token);
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
