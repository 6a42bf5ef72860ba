// study_queue.c - trials that are run before others are suggested: --enqueue NAME=VALUE,NAME=VALUE.
#include "study.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

// A number where the text is one.
static json_t *value_json(const char *text) {
    char *end = NULL;
    double number = strtod(text, &end);
    if (*text == '\0' || *end != '\0' || !isfinite(number)) {
        return json_string(text);
    }
    return number == floor(number) && fabs(number) < 1e15 ? json_integer((json_int_t)number)
                                                          : json_real(number);
}

// "learning_rate=0.01,batch_size=64" as an object. A name without a value is null, which the
// library refuses.
static json_t *pairs_json(char *text) {
    json_t *object = json_object();
    for (char *pair = text; pair != NULL;) {
        char *next = strchr(pair, ',');
        if (next != NULL) {
            *next++ = '\0';
        }
        char *value = strchr(pair, '=');
        if (value != NULL) {
            *value++ = '\0';
        }
        for (char *c = pair; *c != '\0'; c++) {
            *c = *c == '-' ? '_' : *c;
        }
        (void)json_object_set_new(object, pair, value == NULL ? json_null() : value_json(value));
        pair = next;
    }
    return object;
}

int study_queue_add(dogbreed_tuner *tuner, const char *text) {
    if (*text == '{') {
        return dogbreed_tuner_enqueue(tuner, text);
    }
    char *copy = strdup(text);
    json_t *object = copy == NULL ? NULL : pairs_json(copy);
    char *json = object == NULL ? NULL : json_dumps(object, JSON_REAL_PRECISION(17));
    int rc = json == NULL ? DOGBREED_ERROR_NO_MEMORY : dogbreed_tuner_enqueue(tuner, json);
    free(json);
    json_decref(object);
    free(copy);
    return rc;
}
