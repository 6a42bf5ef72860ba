// transform_record.c - what made the results of a folder: transform.json.
#include "predictor/transform.h"

#include "core/error.h"
#include "model/model_internal.h"

#include <string.h>

enum { RECORD_VERSION = 1 };

static json_t *crop_json(const dogbreed_rectangle *crop) {
    dogb_rect rect;
    const dogb_rect *r = dogb_predictor_rectangle(&rect, crop);
    return r == NULL
               ? json_null()
               : json_pack("[i,i,i,i]", (int)r->left, (int)r->top, (int)r->right, (int)r->bottom);
}

static json_t *class_names(const dogbreed_predictor *predictor) {
    json_t *names = json_array();
    for (int32_t i = 0; names != NULL && i < predictor->class_count; i++) {
        if (dogb_json_add(names, dogb_json_text(predictor->classes[i])) < 0) {
            json_decref(names);
            names = NULL;
        }
    }
    return names;
}

int dogb_transform_record(json_t **out, dogb_arena *arena, const dogbreed_predictor *predictor,
                          const dogb_answer_form *form, const dogbreed_rectangle *crop) {
    char key[65];
    json_t *record = dogb_json_document(arena, "transform", RECORD_VERSION);
    json_t *preprocess = record == NULL ? NULL : json_object();
    *out = record;
    if (record == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    dogb_sha256_text(&predictor->key, key);
    int rc = dogb_json_set(record, "preprocess", preprocess);
    rc = rc < 0 ? rc : dogb_model_preprocess_json(preprocess, &predictor->preprocess);
    rc = rc < 0 ? rc : dogb_json_set_text(record, "model", key);
    rc = rc < 0 ? rc : dogb_json_set(record, "classes", class_names(predictor));
    rc = rc < 0 ? rc
                : dogb_json_set_text(record, "dtype", dogb_engine_dtype(predictor->options.dtype));
    rc = rc < 0 ? rc : dogb_json_set(record, "crop", crop_json(crop));
    rc = rc < 0 ? rc : dogb_json_set_text(record, "accept", dogb_answer_type(form));
    rc = rc < 0 ? rc : dogb_json_set_int(record, "top_k", form->top);
    rc = rc < 0 ? rc : dogb_json_set_text(record, "engine", predictor->engine->name);
    rc = rc < 0 ? rc : dogb_json_set_text(record, "jpeg", dogb_image_jpeg_version());
    rc = rc < 0 ? rc : dogb_json_set_text(record, "png", dogb_image_png_version());
    return rc < 0 ? rc : dogb_json_set_text(record, "library", dogbreed_version());
}

int dogb_transform_form(dogb_answer_form *out, const json_t *record) {
    const char *type = json_string_value(json_object_get(record, "accept"));
    size_t classes = json_array_size(json_object_get(record, "classes"));
    json_int_t top = json_integer_value(json_object_get(record, "top_k"));
    if (type == NULL || classes == 0 || classes > INT32_MAX || top < 0 || top > INT32_MAX) {
        return 0;
    }
    for (int32_t accept = 0; accept <= DOGBREED_ACCEPT_PREDICTIONS; accept++) {
        *out =
            (dogb_answer_form){.accept = accept, .top = (int32_t)top, .classes = (int32_t)classes};
        if (strcmp(dogb_answer_type(out), type) == 0) {
            return dogb_answer_form_settle(out) == DOGBREED_OK;
        }
    }
    return 0;
}

int dogb_transform_compare(const json_t *there, const json_t *own, const char *path) {
    // Engines agree within their tolerance and versions of decoders mean to: neither is looked at.
    static const struct {
        const char *key;
        const char *text;
    } rows[] = {{"model", "another model"},
                {"classes", "other classes"},
                {"preprocess", "another preprocessing"},
                {"dtype", "another dtype"},
                {"crop", "another crop"},
                {"accept", "another accept"},
                {"top_k", "another top_k"}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const json_t *value = json_object_get(there, rows[i].key);
        if (value == NULL || !json_equal(value, json_object_get(own, rows[i].key))) {
            return dogb_fail(DOGBREED_ERROR_MISMATCH,
                             "%s: the results in this folder were made with %s; choose another "
                             "folder, or overwrite them (overwrite)",
                             path, rows[i].text);
        }
    }
    return DOGBREED_OK;
}
