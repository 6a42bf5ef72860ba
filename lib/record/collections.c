// collections.c - the collections file: what a store is to hold, in smdebug's members.
#include "core/buffer.h"
#include "core/error.h"
#include "core/file.h"
#include "core/json.h"
#include "record/layout.h"
#include "record/values.h"
#include "record/writer_internal.h"

#include <string.h>

// smdebug refuses a file with a reduction that it does not know: those stand in a member that it
// does not look at.
typedef struct names {
    dogb_buffer known;
    dogb_buffer other;
} names;

static int put_container(json_t **out, json_t *parent, const char *key, json_t *container) {
    *out = container; // borrowed
    return dogb_json_set(parent, key, container);
}

static void put_name(dogb_buffer *out, const char *prefix, const char *name, size_t length) {
    if (out->length > 0) {
        dogb_buffer_add(out, ",");
    }
    dogb_buffer_add(out, prefix);
    dogb_buffer_put(out, name, length);
}

static int split(names *out, const char *collection, const char *list) {
    for (const char *at = list; *at != '\0';) {
        size_t length = strcspn(at, ",");
        dogb_reduction reduction;
        if (!dogb_reduction_find(&reduction, at, length)) {
            return dogb_fail(DOGBREED_ERROR_INVALID_ARGUMENT,
                             "collection %s: \"%.*s\" is no reduction", collection,
                             (int)(length < 64 ? length : 64), at);
        }
        if (reduction.smdebug == NULL) {
            put_name(&out->other, "", at, length);
        } else {
            put_name(&out->known, reduction.absolute ? "abs_" : "", reduction.smdebug,
                     strlen(reduction.smdebug));
        }
        at += length + (at[length] == ',');
    }
    return out->known.rc < 0 ? out->known.rc : out->other.rc;
}

static const char *text_of(const dogb_buffer *buffer) {
    return buffer->data == NULL ? "" : buffer->data;
}

static int put_reductions(json_t *object, dogb_arena *arena, const dogb_record_collection *c) {
    names list = {.known.arena = arena, .other.arena = arena};
    json_t *value = NULL;
    int rc = put_container(&value, object, "reduction_config", json_object());
    rc = rc < 0 ? rc : split(&list, c->name, c->reductions);
    rc = rc < 0 ? rc : dogb_json_set_bool(value, "save_raw_tensor", c->save_raw);
    rc = rc < 0 ? rc : dogb_json_set_bool(value, "save_shape", c->save_shape);
    rc = rc < 0 ? rc : dogb_json_set_text(value, "reductions", text_of(&list.known));
    if (rc == DOGBREED_OK && list.other.length > 0) {
        rc = dogb_json_set_text(value, "more_reductions", text_of(&list.other));
    }
    return rc;
}

static int put_save(json_t *object, int32_t mode, const dogb_record_save *save) {
    const char *name = dogb_record_mode_name(mode);
    if (save->interval < 1) { // nothing of this mode
        return dogb_json_set(object, name, json_null());
    }
    json_t *value = NULL;
    json_t *steps = NULL;
    int rc = put_container(&value, object, name, json_object());
    rc = rc < 0 ? rc : put_container(&steps, value, "save_steps", json_array());
    rc = rc < 0 ? rc : dogb_json_set_int(value, "save_interval", save->interval);
    rc = rc < 0 ? rc : dogb_json_set_int(value, "start_step", save->start);
    rc = rc < 0 ? rc
                : dogb_json_set(value, "end_step",
                                save->end < 0 ? json_null() : json_integer(save->end));
    for (int64_t i = 0; rc == DOGBREED_OK && i < save->step_count; i++) {
        rc = dogb_json_add(steps, json_integer(save->steps[i]));
    }
    return rc;
}

static int put_texts(json_t *object, const char *key, const char *const *texts, int32_t count) {
    json_t *array = NULL;
    int rc = put_container(&array, object, key, json_array());
    for (int32_t i = 0; rc == DOGBREED_OK && i < count; i++) {
        rc = dogb_json_add(array, dogb_json_text(texts[i]));
    }
    return rc;
}

static int put_collection(json_t *all, dogb_arena *arena, const dogb_record_collection *c) {
    json_t *object = NULL;
    json_t *save = NULL;
    int rc = put_container(&object, all, c->name, json_object());
    rc = rc < 0 ? rc : put_container(&save, object, "save_config", json_object());
    rc = rc < 0 ? rc : dogb_json_set_text(object, "name", c->name);
    rc = rc < 0 ? rc
                : put_texts(object, "include_regex", &c->include_regex, *c->include_regex != '\0');
    rc = rc < 0 ? rc : put_texts(object, "tensor_names", c->names, c->name_count);
    rc = rc < 0 ? rc : put_reductions(object, arena, c);
    rc = rc < 0 ? rc : dogb_json_set_bool(object, "save_histogram", c->save_histogram);
    for (int32_t mode = 1; rc == DOGBREED_OK && mode < DOGB_RECORD_MODES; mode++) {
        rc = put_save(save, mode, &c->save[mode]);
    }
    return rc;
}

// smdebug allows no other members at the top: what the file is stands in _meta.
static int put_meta(json_t *document) {
    json_t *meta = NULL;
    int rc = put_container(&meta, document, "_meta", json_object());
    rc = rc < 0 ? rc : dogb_json_set_int(meta, "num_workers", 1);
    rc = rc < 0 ? rc : dogb_json_set_text(meta, "format", "dogbreed.record");
    return rc < 0 ? rc : dogb_json_set_int(meta, "version", DOGB_RECORD_VERSION);
}

static int write_document(dogb_record_writer *w, dogb_arena *scratch, const json_t *document) {
    if (w->memory != NULL) {
        const char *text = dogb_json_text_in(scratch, document, 0);
        return text == NULL ? DOGBREED_ERROR_NO_MEMORY : dogb_memory_collections(w->memory, text);
    }
    char *path = dogb_record_collections_path(scratch, w->worker);
    path = path == NULL ? NULL : dogb_path_join(scratch, w->directory, path);
    return path == NULL ? DOGBREED_ERROR_NO_MEMORY : dogb_json_write(path, document);
}

int dogb_record_writer_collections(dogb_record_writer *w, const dogb_record_collection *all,
                                   size_t count) {
    dogb_arena scratch = {0};
    json_t *document = dogb_json_object(&scratch);
    json_t *collections = NULL;
    int rc = document == NULL ? DOGBREED_ERROR_NO_MEMORY
                              : put_container(&collections, document, "collections", json_object());
    rc = rc < 0 ? rc : put_meta(document);
    for (size_t i = 0; rc == DOGBREED_OK && i < count; i++) {
        rc = put_collection(collections, &scratch, &all[i]);
    }
    rc = rc < 0 ? rc : write_document(w, &scratch, document);
    dogb_arena_free(&scratch);
    return rc;
}
