// doc.h - JSON documents member by member; the first failure stays and is looked at once.
#ifndef DOGB_PROFILE_DOC_H
#define DOGB_PROFILE_DOC_H

#include "core/json.h"

typedef struct dogb_doc {
    int rc; // DOGBREED_OK, or of the first member that failed
} dogb_doc;

// Takes the value into an object; key NULL: behind the last one of an array. Returns the value;
// NULL: it failed, and parent NULL is such a failure too.
json_t *dogb_doc_put(dogb_doc *doc, json_t *parent, const char *key, json_t *value);
json_t *dogb_doc_object(dogb_doc *doc, json_t *parent, const char *key);
json_t *dogb_doc_array(dogb_doc *doc, json_t *parent, const char *key);
void dogb_doc_real(dogb_doc *doc, json_t *parent, const char *key, double value);
void dogb_doc_known(dogb_doc *doc, json_t *parent, const char *key, double value); // NaN: null
void dogb_doc_int(dogb_doc *doc, json_t *parent, const char *key, int64_t value);
void dogb_doc_text(dogb_doc *doc, json_t *parent, const char *key, const char *value);

#endif
