// json.c - see json.h. jansson's allocator is process-wide and belongs to the host: it is never
// changed here.
#include "core/json.h"
#include "core/error.h"
#include "core/file.h"
#include "core/number.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { JSON_FILE_MAX = 256 << 20 };

static int no_memory(void) {
    return dogb_fail(DOGBREED_ERROR_NO_MEMORY, "out of memory for JSON");
}

static void release(void *pointer) {
    json_decref(pointer);
}

static json_t *own(dogb_arena *arena, json_t *value) {
    if (value == NULL) {
        (void)no_memory();
        return NULL;
    }
    return dogb_defer(arena, release, value) < 0 ? NULL : value;
}

json_t *dogb_json_object(dogb_arena *arena) {
    return own(arena, json_object());
}

json_t *dogb_json_array(dogb_arena *arena) {
    return own(arena, json_array());
}

int dogb_json_set(json_t *object, const char *key, json_t *value) {
    return value != NULL && json_object_set_new(object, key, value) == 0 ? DOGBREED_OK
                                                                         : no_memory();
}

int dogb_json_add(json_t *array, json_t *value) {
    return value != NULL && json_array_append_new(array, value) == 0 ? DOGBREED_OK : no_memory();
}

json_t *dogb_json_maybe(double value) {
    return isnan(value) ? json_null() : dogb_json_real(value);
}

json_t *dogb_json_real(double value) {
    if (isnan(value)) {
        return json_string("NaN");
    }
    if (isinf(value)) {
        return json_string(value > 0 ? "Infinity" : "-Infinity");
    }
    return json_real(value);
}

int dogb_text_valid(const char *text, size_t length) {
    const uint8_t *byte = (const uint8_t *)text;
    size_t i = 0;
    while (i < length) {
        uint32_t first = byte[i++];
        if (first == 0 || (first >= 0x80 && first < 0xc2) || first > 0xf4) {
            return 0; // NUL, a stray continuation, an overlong form, or above U+10FFFF
        }
        size_t more = first < 0x80 ? 0 : first < 0xe0 ? 1 : first < 0xf0 ? 2 : 3;
        uint32_t code = more == 0 ? first : first & (0x3fU >> more);
        if (more > length - i) {
            return 0;
        }
        for (size_t k = 0; k < more; k++, i++) {
            if ((byte[i] & 0xc0) != 0x80) {
                return 0;
            }
            code = code << 6 | (byte[i] & 0x3fU);
        }
        int overlong = (more == 2 && code < 0x800) || (more == 3 && code < 0x10000);
        if (overlong || code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) {
            return 0;
        }
    }
    return 1;
}

void dogb_text_repair(char *text) {
    int valid = dogb_text_valid(text, strlen(text));
    for (char *c = text; !valid && *c != '\0'; c++) {
        *c = (unsigned char)*c >= 0x80 ? '?' : *c;
    }
}

int dogb_text_order(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

json_t *dogb_json_text(const char *value) {
    json_t *text = json_string(value);
    if (text != NULL || dogb_text_valid(value, strlen(value))) { // no memory
        return text;
    }
    char *copy = strdup(value);
    if (copy == NULL) {
        return NULL;
    }
    dogb_text_repair(copy);
    text = json_string(copy);
    free(copy);
    return text;
}

int dogb_json_set_text(json_t *object, const char *key, const char *value) {
    return dogb_json_set(object, key, dogb_json_text(value));
}

int dogb_json_set_int(json_t *object, const char *key, int64_t value) {
    return dogb_json_set(object, key, json_integer(value));
}

int dogb_json_set_real(json_t *object, const char *key, double value) {
    return dogb_json_set(object, key, dogb_json_real(value));
}

int dogb_json_set_bool(json_t *object, const char *key, int value) {
    return dogb_json_set(object, key, json_boolean(value));
}

json_t *dogb_json_document(dogb_arena *arena, const char *name, int version) {
    json_t *object = dogb_json_object(arena);
    char *format = dogb_format(arena, "dogbreed.%s", name);
    if (object == NULL || format == NULL || dogb_json_set_text(object, "format", format) < 0 ||
        dogb_json_set_int(object, "version", version) < 0) {
        return NULL;
    }
    return object;
}

// Most allocation failures inside jansson leave no text behind. Two leave a text in quotes as what
// was not expected: whatever is really wrong with such a text has a message of its own. A text of
// more than 20 bytes is not repeated there, but ends where the error is.
static int ran_out(const json_error_t *error, const char *text, size_t size) {
    static const char *const texts[] = {"invalid token", "string or '}' expected"};
    size_t end = error->position < 1 ? 0 : (size_t)error->position;
    int quoted = end > 0 && end <= size && text[end - 1] == '"';
    int found = json_error_code(error) == json_error_out_of_memory || error->text[0] == '\0';
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        size_t length = strlen(texts[i]);
        int same = strncmp(error->text, texts[i], length) == 0;
        const char *near = error->text + length;
        found |= same && (*near == '\0' ? quoted : strncmp(near, " near '\"", 8) == 0);
    }
    return found;
}

static int parse(json_t **out, dogb_arena *arena, const char *text, size_t size, const char *what,
                 size_t flags) {
    json_error_t error = {.line = 0}; // jansson may leave it alone when it has no memory
    *out = NULL;
    json_t *value = json_loadb(text, size, JSON_REJECT_DUPLICATES | flags, &error);
    if (value == NULL) {
        if (ran_out(&error, text, size)) {
            return no_memory();
        }
        return dogb_fail(DOGBREED_ERROR_FORMAT, "%s: not valid JSON: line %d, column %d: %s", what,
                         error.line, error.column, error.text);
    }
    *out = own(arena, value);
    return *out == NULL ? DOGBREED_ERROR_NO_MEMORY : DOGBREED_OK;
}

int dogb_json_parse(json_t **out, dogb_arena *arena, const char *text, size_t size,
                    const char *what) {
    return parse(out, arena, text, size, what, 0);
}

int dogb_json_parse_any(json_t **out, dogb_arena *arena, const char *text, size_t size,
                        const char *what) {
    return parse(out, arena, text, size, what, JSON_DECODE_ANY);
}

int dogb_json_read(json_t **out, dogb_arena *arena, const char *path, const char *name,
                   int version) {
    void *text = NULL;
    size_t size = 0;
    int rc = dogb_file_read(&text, &size, arena, path, JSON_FILE_MAX);
    *out = NULL;
    if (rc < 0 || (rc = dogb_json_parse(out, arena, text, size, path)) < 0 || name == NULL) {
        return rc;
    }
    const char *format = json_string_value(json_object_get(*out, "format"));
    json_int_t found = json_integer_value(json_object_get(*out, "version"));
    char wanted[64] = "dogbreed.";
    strncat(wanted, name, sizeof wanted - strlen(wanted) - 1);
    if (format == NULL || strcmp(format, wanted) != 0) {
        rc = dogb_fail(DOGBREED_ERROR_FORMAT, "%s: expected a document with \"format\": \"%s\"",
                       path, wanted);
    } else if (found > version) {
        rc = dogb_fail(DOGBREED_ERROR_UNSUPPORTED,
                       "%s: version %lld is newer than this library (%d)", path, (long long)found,
                       version);
    }
    return rc;
}

// 15 digits show a number as it was written; where one of them needs 17 to survive, all get them.
static size_t digits_of(const json_t *value) {
    const char *key = NULL;
    json_t *member = NULL;
    size_t i = 0;
    size_t digits = 15;
    if (json_is_real(value)) {
        return dogb_number_digits(json_real_value(value)) > 15 ? 17 : 15;
    }
    json_object_foreach((json_t *)(uintptr_t)value, key, member) {
        digits = digits_of(member) > digits ? 17 : digits;
    }
    json_array_foreach(value, i, member) {
        digits = digits_of(member) > digits ? 17 : digits;
    }
    return digits;
}

// In the arena, or without one for dogbreed_free. Never in jansson's own memory: a host program may
// have given jansson another allocator than free() belongs to.
static char *dump(dogb_arena *arena, const json_t *value, size_t form) {
    size_t flags = JSON_SORT_KEYS | JSON_ENCODE_ANY | JSON_REAL_PRECISION(digits_of(value)) | form;
    size_t size = json_dumpb(value, NULL, 0, flags);
    if (size == 0) {
        (void)no_memory();
        return NULL;
    }
    char *text = arena == NULL ? dogb_malloc(size + 1, 1) : dogb_alloc_raw(arena, size + 1, 1);
    if (text != NULL && json_dumpb(value, text, size, flags) != size) {
        if (arena == NULL) {
            dogb_free(text);
        } else {
            dogb_release(arena, text);
        }
        (void)no_memory();
        return NULL;
    }
    if (text != NULL) {
        text[size] = '\0';
    }
    return text;
}

static size_t form_of(int indent) {
    return indent ? JSON_INDENT(2) : JSON_COMPACT;
}

int dogb_json_text_out(char **out, const json_t *value, int indent) {
    *out = dump(NULL, value, form_of(indent));
    return *out == NULL ? DOGBREED_ERROR_NO_MEMORY : DOGBREED_OK;
}

char *dogb_json_text_in(dogb_arena *arena, const json_t *value, int indent) {
    return dump(arena, value, form_of(indent));
}

char *dogb_json_text_ascii(dogb_arena *arena, const json_t *value) {
    return dump(arena, value, JSON_ENSURE_ASCII); // ", " and ": " as Python's
}

int dogb_json_write(const char *path, const json_t *value) {
    dogb_arena scratch = {0};
    char *text = dogb_json_text_in(&scratch, value, 1);
    int rc = text == NULL ? DOGBREED_ERROR_NO_MEMORY : DOGBREED_OK;
    if (rc == DOGBREED_OK) {
        char *line = dogb_format(&scratch, "%s\n", text);
        rc = line == NULL ? DOGBREED_ERROR_NO_MEMORY : dogb_file_write(path, line, strlen(line));
    }
    dogb_arena_free(&scratch);
    return rc;
}
