// kept.c - see kept.h.
#include "store/kept.h"
#include "core/json.h"

#include <stdlib.h>
#include <string.h>

static int by_key(const void *a, const void *b) {
    return strcmp(((const dogb_kept *)a)->key, ((const dogb_kept *)b)->key);
}

static int read_line(dogb_kept_list *out, dogb_arena *arena, const char *line, size_t length,
                     const char *what) {
    json_t *entry = NULL;
    if (dogb_json_parse(&entry, arena, line, length, what) < 0) {
        return DOGBREED_OK;
    }
    const dogb_kept one = {
        .key = json_string_value(json_object_get(entry, "key")),
        .etag = json_string_value(json_object_get(entry, "etag")),
        .size = json_integer_value(json_object_get(entry, "size")),
        .time = json_integer_value(json_object_get(entry, "time")),
    };
    if (one.key == NULL || one.etag == NULL) {
        return DOGBREED_OK;
    }
    if (dogb_grow(arena, &out->items, &out->capacity, out->count, sizeof one) < 0) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    out->items[out->count++] = one;
    return DOGBREED_OK;
}

int dogb_kept_read(dogb_kept_list *out, dogb_arena *arena, const char *text, size_t size,
                   const char *what) {
    int rc = DOGBREED_OK;
    *out = (dogb_kept_list){0};
    for (const char *at = text, *end = text + size; rc == DOGBREED_OK && at < end;) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));
        size_t length = (size_t)((stop == NULL ? end : stop) - at);
        rc = length == 0 ? DOGBREED_OK : read_line(out, arena, at, length, what);
        at += length + 1;
    }
    if (rc == DOGBREED_OK && out->count > 0) {
        qsort(out->items, out->count, sizeof *out->items, by_key);
    }
    return rc;
}

int dogb_kept_has(const dogb_kept_list *list, const dogb_object *object, int64_t size,
                  int64_t time) {
    const dogb_kept wanted = {.key = object->key};
    const dogb_kept *one =
        list->count == 0 ? NULL
                         : bsearch(&wanted, list->items, list->count, sizeof *list->items, by_key);
    // Any of its lines may be the one that holds.
    while (one != NULL && one > list->items && strcmp(one[-1].key, object->key) == 0) {
        one--;
    }
    for (; one != NULL && one < list->items + list->count && strcmp(one->key, object->key) == 0;
         one++) {
        if (strcmp(one->etag, object->etag) == 0 && one->size == object->size &&
            size == one->size && time == one->time) {
            return 1;
        }
    }
    return 0;
}

char *dogb_kept_line(dogb_arena *arena, const dogb_kept *kept) {
    json_t *entry = dogb_json_object(arena);
    if (entry == NULL || dogb_json_set_text(entry, "key", kept->key) < 0 ||
        dogb_json_set_text(entry, "etag", kept->etag) < 0 ||
        dogb_json_set_int(entry, "size", kept->size) < 0 ||
        dogb_json_set_int(entry, "time", kept->time) < 0) {
        return NULL;
    }
    char *text = dogb_json_text_in(arena, entry, 0);
    return text == NULL ? NULL : dogb_format(arena, "%s\n", text);
}
