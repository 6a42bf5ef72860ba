// files.c - configuration from JSON files, run directories and the environment.
#include "flags.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static int list_text(char *out, size_t size, const json_t *list) {
    size_t used = 0;
    size_t i = 0;
    json_t *value = NULL;
    out[0] = '\0';
    json_array_foreach(list, i, value) {
        int added = snprintf(out + used, size - used, "%s%s", i == 0 ? "" : "\n",
                             json_is_string(value) ? json_string_value(value) : "");
        used += added < 0 ? size : (size_t)added;
        if (used >= size || !json_is_string(value)) {
            return 0;
        }
    }
    return json_is_array(list);
}

static int config_text(char *out, size_t size, const json_t *value) {
    if (json_is_string(value)) {
        return snprintf(out, size, "%s", json_string_value(value)) < (int)size;
    }
    if (json_is_boolean(value)) {
        return snprintf(out, size, "%s", json_is_true(value) ? "on" : "off") < (int)size;
    }
    if (json_is_integer(value)) {
        return snprintf(out, size, "%lld", (long long)json_integer_value(value)) < (int)size;
    }
    if (json_is_real(value)) {
        return snprintf(out, size, "%.17g", json_real_value(value)) < (int)size;
    }
    return 0;
}

// The document's own keys; `command` is the tool's, not the program that a study runs.
static int is_head_key(const char *key) {
    return strcmp(key, "format") == 0 || strcmp(key, "version") == 0 || strcmp(key, "command") == 0;
}

// Flags of other commands: configuration files may hold them without meaning anything here.
static int is_foreign_key(const char *key) {
    for (size_t i = 0; i < command_count; i++) {
        const flag *f = find_flag(commands[i]->flags, key);
        if (f != NULL && f->in_config) {
            return 1;
        }
    }
    (void)split_kind(&key);
    return known_anywhere(key);
}

static int apply_key(tool *t, const char *key, const json_t *value, const char *what,
                     uint32_t only_kind) {
    char text[65536];
    const flag *own = find_flag(t->command->flags, key);
    dogbreed_option_info info;
    int mine = (own != NULL && own->in_config) || takes_option(t->command, key, &info);
    if (is_head_key(key) || (!mine && is_foreign_key(key))) {
        return TOOL_OK;
    }
    if (!mine) {
        const char *near = suggestion(t, key);
        if (t->allow_unknown) {
            return TOOL_OK;
        }
        return near == NULL
                   ? usage_error(t, "%s: %s: unknown key", what, key)
                   : usage_error(t, "%s: %s: unknown key; did you mean %s?", what, key, near);
    }
    int is_list = own != NULL && own->in_config == FLAG_LIST;
    if (!(is_list ? list_text : config_text)(text, sizeof text, value)) {
        return usage_error(t, "%s: %s: expected %s", what, key,
                           is_list ? "an array of texts" : "text, a number, true or false");
    }
    return assign(t, key, text, only_kind);
}

int apply_config(tool *t, const char *json, const char *what, uint32_t only_kind) {
    json_error_t error;
    json_t *object = json_loads(json, JSON_REJECT_DUPLICATES, &error);
    if (object == NULL) {
        return usage_error(t, "%s: not valid JSON: line %d: %s", what, error.line, error.text);
    }
    int rc = TOOL_OK;
    const char *format = json_string_value(json_object_get(object, "format"));
    const char *key = NULL;
    json_t *value = NULL;
    if (!json_is_object(object) || (format != NULL && strcmp(format, "dogbreed.config") != 0)) {
        rc = usage_error(t, "%s: expected a configuration, one JSON object of options", what);
        goto out;
    }
    // "table.name" is for what differs from the plain name: second, whatever the file's order.
    for (int qualified = 0; qualified < 2; qualified++) {
        json_object_foreach(object, key, value) {
            if ((strchr(key, '.') != NULL) == qualified &&
                (rc = apply_key(t, key, value, what, only_kind)) != TOOL_OK) {
                goto out;
            }
        }
    }
out:
    json_decref(object);
    return rc;
}

int apply_file(tool *t, const char *path) {
    struct stat info;
    if (stat(path, &info) == 0 && S_ISDIR(info.st_mode)) {
        char *json = NULL;
        if (dogbreed_run_config(&json, path) < 0) {
            return usage_error(t, "--config: %s", dogbreed_error_message());
        }
        int rc = apply_config(t, json, path, 0);
        dogbreed_free(json);
        return rc;
    }
    json_error_t error;
    json_t *object = strcmp(path, "-") == 0 ? json_loadf(stdin, JSON_REJECT_DUPLICATES, &error)
                                            : json_load_file(path, JSON_REJECT_DUPLICATES, &error);
    char *text = object == NULL ? NULL : json_dumps(object, 0);
    json_decref(object);
    if (text == NULL) {
        return usage_error(t, "--config %s: not readable as JSON: %s", path, error.text);
    }
    int rc = apply_config(t, text, path, 0);
    free(text);
    return rc;
}

int apply_environment(tool *t) {
    for (size_t i = 0; t->command->kinds[i] != 0; i++) {
        dogbreed_option_info info = {.struct_size = sizeof info};
        for (uint32_t j = 0;
             dogbreed_options_describe(&info, t->command->kinds[i], j) == DOGBREED_OK; j++) {
            char name[96] = "DOGBREED_";
            size_t length = strlen(name);
            for (const char *c = info.name; *c != '\0' && length + 1 < sizeof name; c++) {
                name[length++] = (char)toupper((unsigned char)*c);
            }
            name[length] = '\0';
            const char *value = getenv(name);
            if (value != NULL && *value != '\0' &&
                dogbreed_options_set(settings_of(&t->settings, t->command->kinds[i]), info.name,
                                     value) < 0) {
                return usage_error(t, "environment %s: %s", name, dogbreed_error_message());
            }
        }
    }
    return TOOL_OK;
}
