// doc.c - see doc.h.
#include "profile/doc.h"

#include "core/error.h"

#include <math.h>

json_t *dogb_doc_put(dogb_doc *doc, json_t *parent, const char *key, json_t *value) {
    int rc = DOGBREED_ERROR_NO_MEMORY;
    if (parent == NULL) {
        json_decref(value);
    } else {
        rc = key == NULL ? dogb_json_add(parent, value) : dogb_json_set(parent, key, value);
    }
    doc->rc = doc->rc < 0 ? doc->rc : rc;
    return rc < 0 ? NULL : value;
}

json_t *dogb_doc_object(dogb_doc *doc, json_t *parent, const char *key) {
    return dogb_doc_put(doc, parent, key, json_object());
}

json_t *dogb_doc_array(dogb_doc *doc, json_t *parent, const char *key) {
    return dogb_doc_put(doc, parent, key, json_array());
}

void dogb_doc_real(dogb_doc *doc, json_t *parent, const char *key, double value) {
    (void)dogb_doc_put(doc, parent, key, dogb_json_real(value));
}

void dogb_doc_known(dogb_doc *doc, json_t *parent, const char *key, double value) {
    (void)dogb_doc_put(doc, parent, key, isnan(value) ? json_null() : dogb_json_real(value));
}

void dogb_doc_int(dogb_doc *doc, json_t *parent, const char *key, int64_t value) {
    (void)dogb_doc_put(doc, parent, key, json_integer(value));
}

void dogb_doc_text(dogb_doc *doc, json_t *parent, const char *key, const char *value) {
    (void)dogb_doc_put(doc, parent, key, dogb_json_text(value));
}
