// write.c - see write.h.
#include "core/write.h"

#include "core/error.h"
#include "core/float.h"
#include "core/json.h"

// jansson's memory is given back at once: one text is written per prediction.
void dogb_write_text(dogb_buffer *out, const char *text) {
    const size_t form = JSON_ENCODE_ANY | JSON_COMPACT;
    json_t *value = dogb_json_text(text);
    size_t size = value == NULL ? 0 : json_dumpb(value, NULL, 0, form);
    char *bytes = size == 0 ? NULL : dogb_alloc_raw(out->arena, size, 1);
    if (bytes != NULL && json_dumpb(value, bytes, size, form) == size) {
        dogb_buffer_put(out, bytes, size);
    } else if (out->rc == DOGBREED_OK) {
        out->rc = DOGBREED_ERROR_NO_MEMORY;
    }
    dogb_release(out->arena, bytes);
    json_decref(value);
}

void dogb_write_float(dogb_buffer *out, float value) {
    char text[DOGB_FLOAT_TEXT];
    dogb_buffer_put(out, text, dogb_float_text(text, value));
}

void dogb_write_floats(dogb_buffer *out, const float *values, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (i > 0) {
            dogb_buffer_put(out, ",", 1);
        }
        dogb_write_float(out, values[i]);
    }
}
