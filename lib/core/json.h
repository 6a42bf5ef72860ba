// json.h - thin helpers over jansson: owned by an arena, one error convention, our document
// conventions.
#ifndef DOGB_CORE_JSON_H
#define DOGB_CORE_JSON_H

#include "core/arena.h"

#include <jansson.h>
#include <stdint.h>

// A new object or array that the arena releases. NULL: no memory (the error is set).
json_t *dogb_json_object(dogb_arena *arena);
json_t *dogb_json_array(dogb_arena *arena);

// 1: valid UTF-8 (RFC 3629) without NUL, as JSON texts and names in files must be.
int dogb_text_valid(const char *text, size_t length);
// Replaces all that is not ASCII by '?' unless it is valid: names of files need not be UTF-8.
void dogb_text_repair(char *text);
int dogb_text_order(const void *a, const void *b); // for qsort over an array of texts

// Adds a member or element. A failed one marks the error of the thread and returns NO_MEMORY; the
// value is never leaked. Non-finite numbers become the strings "NaN", "Infinity", "-Infinity".
int dogb_json_set(json_t *object, const char *key, json_t *value); // takes the reference
int dogb_json_set_text(json_t *object, const char *key,
                       const char *value); // invalid UTF-8 is replaced
int dogb_json_set_int(json_t *object, const char *key, int64_t value);
int dogb_json_set_real(json_t *object, const char *key, double value);
int dogb_json_set_bool(json_t *object, const char *key, int value);
int dogb_json_add(json_t *array, json_t *value);
json_t *dogb_json_real(double value);      // new reference
json_t *dogb_json_maybe(double value);     // new reference; null for NaN
json_t *dogb_json_text(const char *value); // new reference; invalid UTF-8 is replaced

// Starts a document of ours: {"format": "dogbreed.<name>", "version": version}.
json_t *dogb_json_document(dogb_arena *arena, const char *name, int version);

// Parses text (duplicate keys refused, depth limited by jansson). `what` names the input in the
// message. FORMAT.
int dogb_json_parse(json_t **out, dogb_arena *arena, const char *text, size_t size,
                    const char *what);

// The same for any value: numbers, strings, true, false and null too.
int dogb_json_parse_any(json_t **out, dogb_arena *arena, const char *text, size_t size,
                        const char *what);

// Reads a file and, when `name` is not NULL, checks format and version. NOT_FOUND, FORMAT,
// UNSUPPORTED (newer).
int dogb_json_read(json_t **out, dogb_arena *arena, const char *path, const char *name,
                   int version);

// Text with sorted keys; compact or indented by 2. For the caller (dogbreed_free), or into an
// arena.
int dogb_json_text_out(char **out, const json_t *value, int indent);
char *dogb_json_text_in(dogb_arena *arena, const json_t *value, int indent);
char *dogb_json_text_ascii(dogb_arena *arena, const json_t *value); // one line, \u escapes
int dogb_json_write(const char *path, const json_t *value); // indented, written aside and renamed

#endif
