// index.c - see index.h.
#include "record/index.h"

#include "core/error.h"
#include "core/json.h"
#include "record/layout.h"

#include <string.h>

// A file being read: where the next text and the next dimensions of a shape go.
typedef struct parser {
    dogb_index *out;
    dogb_arena *arena;
    const char *path;
    char *texts;
    int64_t *sizes;
    json_t *places; // name to number, to bring shape and values together
} parser;

static int broken(const parser *p, const char *what) {
    return dogb_fail(DOGBREED_ERROR_INDEX, "%s: no index file: %s", p->path, what);
}

static const char *keep_text(parser *p, const char *text) {
    size_t size = strlen(text) + 1;
    char *copy = p->texts;
    memcpy(copy, text, size);
    p->texts += size;
    return copy;
}

static int64_t whole(const json_t *object, const char *key) {
    const json_t *value = json_object_get(object, key);
    return json_is_integer(value) ? json_integer_value(value) : -1;
}

// --- what stands at its head

// A path from the store's folder on that stays below events/.
static int safe(const char *path) {
    static const char folder[] = "events/";
    return strncmp(path, folder, sizeof folder - 1) == 0 && strstr(path, "..") == NULL;
}

static int parse_meta(parser *p, const json_t *document) {
    const json_t *meta = json_object_get(document, "meta");
    const char *mode = json_string_value(json_object_get(meta, "mode"));
    const char *file = json_string_value(json_object_get(meta, "event_file_name"));
    if (!json_is_object(meta)) {
        return broken(p, "object \"meta\" is missing");
    }
    if (json_object_size(meta) == 0) {
        return broken(p, "\"meta\" is empty");
    }
    p->out->mode = mode == NULL ? 0 : dogb_record_mode_find(mode);
    if (p->out->mode == 0) {
        return broken(p, "\"mode\" is TRAIN, EVAL, PREDICT or GLOBAL");
    }
    p->out->mode_step = whole(meta, "mode_step");
    if (p->out->mode_step < 0) {
        return broken(p, "\"mode_step\" is a number from 0");
    }
    if (file != NULL && !safe(file)) {
        return broken(p, "\"event_file_name\" is a path below events/");
    }
    p->out->event_file = dogb_strdup(p->arena, file == NULL ? "" : file);
    return p->out->event_file == NULL ? DOGBREED_ERROR_NO_MEMORY : DOGBREED_OK;
}

// --- its lists

static int parse_location(parser *p, const json_t *entry) {
    const char *name = json_string_value(json_object_get(entry, "tensorname"));
    int64_t start = whole(entry, "start_idx");
    int64_t length = whole(entry, "length");
    if (name == NULL || start < 0 || length < 1) {
        return broken(p, "an entry of \"tensor_payload\" is tensorname, start_idx, length");
    }
    if (*p->out->event_file == '\0') {
        return broken(p, "\"event_file_name\" is missing");
    }
    dogb_index_tensor *tensor = &p->out->tensors[p->out->count];
    int rc = dogb_json_set_int(p->places, name, p->out->count);
    tensor->name = keep_text(p, name);
    tensor->original = tensor->name;
    tensor->start = start;
    tensor->length = length;
    tensor->rank = -1;
    p->out->count++;
    return rc;
}

static int parse_sizes(parser *p, dogb_index_tensor *tensor, const json_t *shape) {
    size_t rank = json_array_size(shape);
    int64_t *sizes = p->sizes;
    for (size_t i = 0; i < rank; i++) {
        const json_t *size = json_array_get(shape, i);
        if (!json_is_integer(size) || json_integer_value(size) < 0) {
            return broken(p, "a \"shape\" is a list of numbers from 0");
        }
        sizes[i] = json_integer_value(size);
    }
    if (rank > DOGB_RECORD_RANK_MAX) {
        return DOGBREED_OK; // of no use to us, and no reason to refuse the rest
    }
    tensor->shape = sizes;
    tensor->rank = (int32_t)rank;
    p->sizes += rank;
    return DOGBREED_OK;
}

static int parse_shape(parser *p, const json_t *entry) {
    const char *name = json_string_value(json_object_get(entry, "tensorname"));
    const char *original = json_string_value(json_object_get(entry, "originalname"));
    const json_t *shape = json_object_get(entry, "shape");
    if (name == NULL || !json_is_array(shape)) {
        return broken(p, "an entry of \"shape_payload\" is tensorname, originalname, shape");
    }
    const json_t *place = json_object_get(p->places, name);
    dogb_index_tensor *tensor =
        &p->out->tensors[place == NULL ? p->out->count : json_integer_value(place)];
    if (place == NULL) {
        tensor->name = keep_text(p, name);
        tensor->rank = -1;
        p->out->count++;
    }
    tensor->original = original == NULL ? tensor->name : keep_text(p, original);
    return parse_sizes(p, tensor, shape);
}

// What the lists need, so that each kind of thing is one block of memory.
static int make_room(parser *p, const json_t *locations, const json_t *shapes) {
    size_t count = json_array_size(locations) + json_array_size(shapes);
    size_t bytes = 1;
    size_t sizes = 1;
    for (size_t i = 0; i < count; i++) {
        size_t first = json_array_size(locations);
        const json_t *entry =
            i < first ? json_array_get(locations, i) : json_array_get(shapes, i - first);
        bytes += json_string_length(json_object_get(entry, "tensorname")) + 1;
        bytes += json_string_length(json_object_get(entry, "originalname")) + 1;
        sizes += json_array_size(json_object_get(entry, "shape"));
    }
    if (count > INT32_MAX) {
        return broken(p, "more tensors than can be counted");
    }
    p->out->tensors = dogb_alloc(p->arena, count + 1, sizeof *p->out->tensors);
    p->texts = dogb_alloc(p->arena, bytes, 1);
    p->sizes = dogb_alloc(p->arena, sizes, sizeof *p->sizes);
    p->places = dogb_json_object(p->arena);
    return p->out->tensors == NULL || p->texts == NULL || p->sizes == NULL || p->places == NULL
               ? DOGBREED_ERROR_NO_MEMORY
               : DOGBREED_OK;
}

static int parse_lists(parser *p, const json_t *document) {
    const json_t *locations = json_object_get(document, "tensor_payload");
    const json_t *shapes = json_object_get(document, "shape_payload");
    if (!json_is_array(locations) && !json_is_array(shapes)) {
        return broken(p, "neither \"tensor_payload\" nor \"shape_payload\" is there");
    }
    int rc = make_room(p, locations, shapes);
    for (size_t i = 0; rc == DOGBREED_OK && i < json_array_size(locations); i++) {
        rc = parse_location(p, json_array_get(locations, i));
    }
    for (size_t i = 0; rc == DOGBREED_OK && i < json_array_size(shapes); i++) {
        rc = parse_shape(p, json_array_get(shapes, i));
    }
    return rc;
}

int dogb_index_parse(dogb_index *out, dogb_arena *arena, const char *text, size_t size,
                     const char *path) {
    dogb_arena scratch = {0};
    json_t *document = NULL;
    parser p = {.out = out, .arena = arena, .path = path};
    *out = (dogb_index){.mode = 0};
    int rc = dogb_json_parse(&document, &scratch, text, size, path);
    if (rc == DOGBREED_ERROR_FORMAT) {
        rc = DOGBREED_ERROR_INDEX; // the message says what is wrong
    }
    rc = rc < 0 ? rc : parse_meta(&p, document);
    rc = rc < 0 ? rc : parse_lists(&p, document);
    dogb_arena_free(&scratch);
    return rc;
}
