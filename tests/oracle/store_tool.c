// store_tool.c - lib/store for the oracle: one JSON object per line in, one out. Texts of any bytes
// are hexadecimal. {"op": "sign"|"xml"|"ini"|"find", ...}; a failure is {"error": name}.
#include "core/error.h"
#include "core/json.h"
#include "store/credentials.h"
#include "store/ini.h"
#include "store/sigv4.h"
#include "store/xml.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// Bytes of a member in hexadecimal, with a zero behind; NULL: absent or null.
static char *bytes_of(const json_t *value, size_t *size) {
    const char *hex = json_string_value(value);
    size_t count = hex == NULL ? 0 : strlen(hex) / 2;
    char *out = hex == NULL ? NULL : malloc(count + 1);
    for (size_t i = 0; out != NULL && i < count; i++) {
        unsigned byte = 0;
        (void)sscanf(hex + 2 * i, "%2x", &byte);
        out[i] = (char)byte;
    }
    if (out != NULL) {
        out[count] = '\0';
    }
    *size = count;
    return out;
}

static char *text_of(const json_t *in, const char *name) {
    size_t size = 0;
    return bytes_of(json_object_get(in, name), &size);
}

static json_t *hex_of(const char *text) {
    size_t size = strlen(text);
    char *hex = malloc(2 * size + 1);
    for (size_t i = 0; i < size; i++) {
        (void)snprintf(hex + 2 * i, 3, "%02x", (unsigned char)text[i]);
    }
    json_t *out = json_stringn(hex, 2 * size);
    free(hex);
    return out;
}

static dogb_sign_field *fields_of(const json_t *in, const char *name, size_t *count) {
    const json_t *array = json_object_get(in, name);
    *count = json_array_size(array);
    dogb_sign_field *fields = calloc(*count + 1, sizeof *fields);
    for (size_t i = 0; i < *count; i++) {
        size_t size = 0;
        const json_t *pair = json_array_get(array, i);
        fields[i].name = bytes_of(json_array_get(pair, 0), &size);
        fields[i].value = bytes_of(json_array_get(pair, 1), &size);
    }
    return fields;
}

static void set(json_t *out, const char *name, const char *text) {
    (void)json_object_set_new(out, name, text == NULL ? json_null() : hex_of(text));
}

static int op_sign(json_t *out, dogb_arena *arena, const json_t *in) {
    dogb_sign_request request = {.method = text_of(in, "method"),
                                 .path = text_of(in, "path"),
                                 .payload_hash = text_of(in, "hash"),
                                 .time = text_of(in, "time"),
                                 .region = text_of(in, "region"),
                                 .service = "s3"};
    dogb_credentials keys = {
        .id = text_of(in, "id"), .secret = text_of(in, "secret"), .token = text_of(in, "token")};
    request.query = fields_of(in, "query", &request.query_count);
    request.headers = fields_of(in, "headers", &request.header_count);
    char *authorization = NULL, *path = NULL, *query = NULL;
    int rc = DOGBREED_OK;
    if (json_object_get(in, "expires") != NULL) {
        rc = dogb_sign_url(&path, arena, &request, &keys,
                           (int32_t)json_integer_value(json_object_get(in, "expires")));
    } else {
        rc = dogb_sign(&authorization, &path, &query, arena, &request, &keys);
    }
    set(out, "authorization", authorization);
    set(out, "path", path);
    set(out, "query", query);
    return rc;
}

static int on_element(const char *path, const char *text, void *userdata) {
    json_t *pair = json_array();
    (void)json_array_append_new(pair, hex_of(path));
    (void)json_array_append_new(pair, hex_of(text));
    return json_array_append_new(userdata, pair);
}

static int op_xml(json_t *out, dogb_arena *arena, const json_t *in) {
    size_t size = 0;
    char *text = bytes_of(json_object_get(in, "text"), &size);
    json_t *events = json_array();
    (void)arena;
    (void)json_object_set_new(out, "events", events);
    return dogb_xml_read(text, size, on_element, events);
}

static int on_entry(const char *section, const char *key, const char *value, void *userdata) {
    json_t *row = json_array();
    (void)json_array_append_new(row, hex_of(section));
    (void)json_array_append_new(row, key == NULL ? json_null() : hex_of(key));
    (void)json_array_append_new(row, value == NULL ? json_null() : hex_of(value));
    return json_array_append_new(userdata, row);
}

static int op_ini(json_t *out, dogb_arena *arena, const json_t *in) {
    size_t size = 0;
    char *text = bytes_of(json_object_get(in, "text"), &size);
    json_t *events = json_array();
    (void)arena;
    (void)json_object_set_new(out, "events", events);
    return dogb_ini_read("text", text, size, on_entry, events);
}

static int op_find(json_t *out, dogb_arena *arena, const json_t *in) {
    const char *name = NULL;
    json_t *value = NULL;
    json_t *environment = json_object_get(in, "environment");
    json_object_foreach(environment, name, value) {
        if (json_is_null(value)) {
            (void)unsetenv(name);
        } else {
            (void)setenv(name, json_string_value(value), 1);
        }
    }
    dogb_credentials_conf conf = {.profile = json_string_value(json_object_get(in, "profile"))};
    dogb_credentials found;
    char *region = NULL;
    int rc = dogb_credentials_find(&found, arena, &conf);
    if (rc == 0) {
        rc = dogb_region_find(&region, arena, &conf);
    }
    set(out, "id", found.id);
    set(out, "secret", found.secret);
    set(out, "token", found.token);
    set(out, "region", region);
    return rc;
}

static void answer(const json_t *in) {
    static const struct {
        const char *name;
        int (*run)(json_t *out, dogb_arena *arena, const json_t *in);
    } rows[] = {{"sign", op_sign}, {"xml", op_xml}, {"ini", op_ini}, {"find", op_find}};
    const char *op = json_string_value(json_object_get(in, "op"));
    dogb_arena arena = {0};
    json_t *out = json_object();
    for (size_t i = 0; op != NULL && i < sizeof rows / sizeof rows[0]; i++) {
        if (strcmp(op, rows[i].name) == 0 && rows[i].run(out, &arena, in) < 0) {
            (void)json_object_set_new(out, "error", json_string(dogbreed_error_message()));
        }
    }
    (void)json_dumpf(out, stdout, JSON_COMPACT | JSON_ENSURE_ASCII);
    (void)puts("");
    json_decref(out);
    dogb_arena_free(&arena);
}

int main(void) {
    static char line[1 << 22];
    while (fgets(line, sizeof line, stdin) != NULL) {
        json_t *in = json_loads(line, 0, NULL);
        if (in == NULL) {
            return 2;
        }
        answer(in);
        json_decref(in);
    }
    return 0;
}
