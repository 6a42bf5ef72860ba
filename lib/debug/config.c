// config.c - SageMaker's debughookconfig.json: LocalPath, HookParameters, CollectionConfigurations.
// Every value in it is text, numbers and switches too. Unknown keys are passed over with a warning.
#include "core/error.h"
#include "core/json.h"
#include "core/log.h"
#include "debug/debug_internal.h"

#include <string.h>

static int wrong(const char *path, const char *key, const char *wanted) {
    return dogb_fail(DOGBREED_ERROR_INVALID_ARGUMENT, "%s: %s: expected %s", path, key, wanted);
}

static int text_of(const char **out, const json_t *value, const char *path, const char *key) {
    *out = json_string_value(value);
    return *out != NULL ? DOGBREED_OK
                        : wrong(path, key, "text (numbers and switches in quotes too)");
}

static int is_plan_key(const char *key) {
    static const char *const keys[] = {"save_interval", "save_steps", "start_step", "end_step"};
    const char *dot = strchr(key, '.');
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        if (strcmp(dot == NULL ? key : dot + 1, keys[i]) == 0) {
            return 1;
        }
    }
    return 0;
}

// A plan of the hook holds for all collections; those of the file come later and replace it.
static int set_plan(dogbreed_debug *debug, const char *key, const char *value, const char *path) {
    int rc = DOGBREED_OK;
    for (size_t i = 0; rc == DOGBREED_OK && i < debug->collections.count; i++) {
        rc = dogb_collections_set(&debug->collections, debug->collections.items[i], key, value,
                                  path);
    }
    memcpy(debug->plan, debug->collections.items[0]->save, sizeof debug->plan);
    return rc;
}

static int set_hook(dogbreed_debug *debug, const char *key, const char *value, const char *path) {
    dogb_collection *one = NULL;
    if (is_plan_key(key)) {
        return set_plan(debug, key, value, path);
    }
    if (strcmp(key, "include_workers") == 0) { // there is one
        return DOGBREED_OK;
    }
    if (strcmp(key, "dry_run") == 0 || strcmp(key, "save_all") == 0) {
        int32_t on = strcmp(value, "true") == 0 || strcmp(value, "True") == 0;
        int off = strcmp(value, "false") == 0 || strcmp(value, "False") == 0;
        if (!on && !off) {
            return wrong(path, key, "\"true\" or \"false\"");
        }
        debug->options.debug_dry_run |= on && *key == 'd';
        debug->options.save_all |= on && *key == 's';
        return DOGBREED_OK;
    }
    int known = strcmp(key, "include_regex") == 0 || strcmp(key, "reductions") == 0 ||
                strcmp(key, "save_raw_tensor") == 0 || strcmp(key, "save_shape") == 0;
    if (!known) {
        dogb_log(DOGBREED_LOG_WARNING, "%s: HookParameters: %s is not known, it is passed over",
                 path, key);
        return DOGBREED_OK;
    }
    int rc = dogb_collections_add(&one, &debug->collections, "default");
    return rc < 0 ? rc : dogb_collections_set(&debug->collections, one, key, value, path);
}

static int read_hook(dogbreed_debug *debug, json_t *object, const char *path) {
    const char *key = NULL;
    json_t *value = NULL;
    if (object != NULL && !json_is_object(object)) {
        return wrong(path, "HookParameters", "an object");
    }
    json_object_foreach(object, key, value) {
        const char *text = NULL;
        int rc = text_of(&text, value, path, key);
        if (rc < 0 || (rc = set_hook(debug, key, text, path)) < 0) {
            return rc;
        }
    }
    return DOGBREED_OK;
}

static int read_collection(dogbreed_debug *debug, json_t *object, const char *path) {
    dogb_collection *one = NULL;
    const char *name = NULL;
    const char *key = NULL;
    json_t *value = NULL;
    json_t *params = json_object_get(object, "CollectionParameters");
    int rc = text_of(&name, json_object_get(object, "CollectionName"), path, "CollectionName");
    rc = rc < 0 ? rc : dogb_collections_add(&one, &debug->collections, name);
    if (rc == DOGBREED_OK && params != NULL && !json_is_object(params)) {
        return wrong(path, "CollectionParameters", "an object");
    }
    json_object_foreach(params, key, value) {
        const char *text = NULL;
        rc = rc < 0 ? rc : text_of(&text, value, path, key);
        rc = rc < 0 ? rc : dogb_collections_set(&debug->collections, one, key, text, path);
    }
    return rc;
}

int dogb_debug_config(dogbreed_debug *debug, const char *path) {
    dogb_arena scratch = {0};
    json_t *root = NULL;
    const char *local = NULL;
    size_t index = 0;
    json_t *item = NULL;
    int rc = dogb_json_read(&root, &scratch, path, NULL, 0);
    if (rc < 0) {
        goto out;
    }
    json_t *place = json_object_get(root, "LocalPath");
    json_t *collections = json_object_get(root, "CollectionConfigurations");
    if (place != NULL && (rc = text_of(&local, place, path, "LocalPath")) < 0) {
        goto out;
    }
    if (local != NULL && *debug->options.debug_directory == '\0') {
        debug->directory = dogb_strdup(&debug->arena, local);
        rc = debug->directory == NULL ? DOGBREED_ERROR_NO_MEMORY : rc;
    }
    rc = rc < 0 ? rc : read_hook(debug, json_object_get(root, "HookParameters"), path);
    if (rc == DOGBREED_OK && collections != NULL && !json_is_array(collections) &&
        !json_is_null(collections)) {
        rc = wrong(path, "CollectionConfigurations", "a list");
    }
    json_array_foreach(collections, index, item) {
        rc = rc < 0 ? rc : read_collection(debug, item, path);
    }
out:
    dogb_arena_free(&scratch);
    return rc;
}
