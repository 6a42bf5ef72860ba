// params.c - hyperparameters: texts, each decoded once as the training toolkit does, with names as
// options have them.
#include "core/buffer.h"
#include "core/error.h"
#include "job/job_internal.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

extern char **environ;

static const char FILE_NAME[] = "hyperparameters.json";

// Short names of the command line.
static const struct {
    const char *name;
    const char *option;
} aliases[] = {{"lr", "learning_rate"}, {"arch", "architecture"}};

static int is_recorded(const char *option) {
    return *option == '_' || strncmp(option, "sagemaker_", 10) == 0;
}

// The text of one value inside of a list or map.
static void put(dogb_buffer *out, const json_t *value) {
    const char *text = json_string_value(value);
    char *dumped = text != NULL ? NULL : dogb_json_text_in(out->arena, value, 0);
    if (text == NULL && dumped == NULL) {
        out->rc = DOGBREED_ERROR_NO_MEMORY;
        return;
    }
    dogb_buffer_add(out, text != NULL ? text : dumped);
}

static int compare_keys(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

// {"b":1,"a":2} -> a=2,b=1
static void put_map(dogb_buffer *out, json_t *map) {
    size_t count = 0;
    const char *key = NULL;
    json_t *value = NULL;
    const char **keys = dogb_alloc(out->arena, json_object_size(map) + 1, sizeof *keys);
    if (keys == NULL) {
        out->rc = DOGBREED_ERROR_NO_MEMORY;
        return;
    }
    json_object_foreach(map, key, value) {
        keys[count++] = key;
    }
    qsort(keys, count, sizeof *keys, compare_keys);
    for (size_t i = 0; i < count; i++) {
        dogb_buffer_add(out, i == 0 ? "" : ",");
        dogb_buffer_add(out, keys[i]);
        dogb_buffer_add(out, "=");
        put(out, json_object_get(map, keys[i]));
    }
}

static const char *trimmed(dogb_arena *arena, const char *text) {
    size_t length = strlen(text);
    while (length > 0 && isspace((unsigned char)*text)) {
        text++;
        length--;
    }
    while (length > 0 && isspace((unsigned char)text[length - 1])) {
        length--;
    }
    return dogb_strndup(arena, text, length);
}

// What is no JSON stays as it is, but for Python's own words.
static const char *plain(dogb_arena *arena, const char *text) {
    if (strcmp(text, "True") == 0 || strcmp(text, "False") == 0) {
        return *text == 'T' ? "on" : "off";
    }
    return dogb_strdup(arena, text);
}

static const char *value_of(dogb_arena *arena, json_t *json, const char *text) {
    dogb_buffer out = {.arena = arena};
    size_t index = 0;
    json_t *item = NULL;
    dogb_buffer_add(&out, "");
    switch (json_typeof(json)) {
    case JSON_STRING:
        return dogb_strdup(arena, json_string_value(json));
    case JSON_TRUE:
        return "on";
    case JSON_FALSE:
        return "off";
    case JSON_ARRAY:
        json_array_foreach(json, index, item) {
            dogb_buffer_add(&out, index == 0 ? "" : ";");
            put(&out, item);
        }
        break;
    case JSON_OBJECT:
        put_map(&out, json);
        break;
    default:
        return trimmed(arena, text); // a number as it was written
    }
    return out.rc < 0 ? NULL : out.data;
}

int dogb_job_decode(const char **value, dogb_arena *arena, const char *text) {
    json_error_t error = {.line = 0};
    json_t *json = json_loads(text, JSON_DECODE_ANY, &error);
    *value = NULL;
    // Most allocation failures inside jansson leave no text behind.
    if (json == NULL && error.text[0] == '\0') {
        return dogb_fail(DOGBREED_ERROR_NO_MEMORY, "out of memory for JSON");
    }
    if (json_is_null(json)) {
        return DOGBREED_OK;
    }
    *value = json == NULL ? plain(arena, text) : value_of(arena, json, text);
    json_decref(json);
    return *value == NULL ? DOGBREED_ERROR_NO_MEMORY : DOGBREED_OK;
}

// "batch-size" -> "batch_size", "lr" -> "learning_rate"
static const char *option_of(dogb_arena *arena, const char *name) {
    char *option = dogb_strdup(arena, name);
    for (char *c = option; c != NULL && *c != '\0'; c++) {
        *c = *c == '-' ? '_' : *c;
    }
    for (size_t i = 0; option != NULL && i < sizeof aliases / sizeof aliases[0]; i++) {
        if (strcmp(option, aliases[i].name) == 0) {
            return aliases[i].option;
        }
    }
    return option;
}

static int is_there(const dogbreed_job *job, const char *option) {
    for (int32_t i = 0; i < job->param_count; i++) {
        if (strcmp(job->params[i].option, option) == 0) {
            return i + 1;
        }
    }
    return 0;
}

static int add(dogbreed_job *job, const char *what, const char *name, const char *text) {
    dogbreed_hyperparameter one = {.struct_size = sizeof one};
    one.option = option_of(&job->arena, name);
    if (one.option == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    int before = is_there(job, one.option);
    if (before > 0) {
        return dogb_fail(DOGBREED_ERROR_INVALID_ARGUMENT,
                         "%s: %s and %s are the same hyperparameter", what,
                         job->params[before - 1].name, name);
    }
    if (*name == '\0' || job->param_count == DOGB_JOB_PARAMS_MAX) {
        return dogb_fail(DOGBREED_ERROR_INVALID_ARGUMENT,
                         *name == '\0' ? "%s: a hyperparameter without a name"
                                       : "%s: more than 1000 hyperparameters",
                         what);
    }
    one.recorded = is_recorded(one.option);
    one.name = dogb_strdup(&job->arena, name);
    one.text = dogb_strdup(&job->arena, text);
    int rc = one.name == NULL || one.text == NULL ? DOGBREED_ERROR_NO_MEMORY
                                                  : dogb_job_decode(&one.value, &job->arena, text);
    if (rc == DOGBREED_OK && one.value != NULL && !one.recorded) {
        // Paths are said as the container has them.
        one.value = dogb_job_map(&job->arena, job->base, one.value);
        rc = one.value == NULL ? DOGBREED_ERROR_NO_MEMORY : DOGBREED_OK;
    }
    job->params[job->param_count++] = one;
    return rc;
}

// SM_HP_<NAME>, for containers that have the variables and not the file.
static int add_variables(dogbreed_job *job) {
    int rc = DOGBREED_OK;
    for (char **entry = environ; rc == DOGBREED_OK && *entry != NULL; entry++) {
        const char *equals = strchr(*entry, '=');
        if (strncmp(*entry, "SM_HP_", 6) != 0 || equals == NULL || equals == *entry + 6) {
            continue;
        }
        char *name = dogb_strndup(&job->arena, *entry + 6, (size_t)(equals - *entry) - 6);
        for (char *c = name; c != NULL && *c != '\0'; c++) {
            *c = (char)tolower((unsigned char)*c);
        }
        const char *option = name == NULL ? NULL : option_of(&job->arena, name);
        if (option == NULL) {
            return DOGBREED_ERROR_NO_MEMORY;
        }
        if (!is_there(job, option)) {
            rc = add(job, "SM_HP_", name, equals + 1);
        }
    }
    return rc;
}

static int compare_params(const void *a, const void *b) {
    const dogbreed_hyperparameter *x = a;
    const dogbreed_hyperparameter *y = b;
    return strcmp(x->name, y->name);
}

int dogb_job_params(dogbreed_job *job) {
    json_t *object = NULL;
    const char *what = NULL;
    const char *key = NULL;
    json_t *value = NULL;
    job->params = dogb_alloc(&job->arena, DOGB_JOB_PARAMS_MAX, sizeof *job->params);
    int rc = job->params == NULL ? DOGBREED_ERROR_NO_MEMORY
                                 : dogb_job_document(&object, &what, job, FILE_NAME, "SM_HPS");
    json_object_foreach(object, key, value) {
        const char *text = json_string_value(value);
        if (text == NULL) { // the platform writes texts only; others are taken as they are
            text = dogb_json_text_in(&job->arena, value, 0);
        }
        rc = rc < 0 ? rc : text == NULL ? DOGBREED_ERROR_NO_MEMORY : add(job, what, key, text);
    }
    if (rc == DOGBREED_OK && object == NULL) {
        rc = add_variables(job);
    }
    if (rc == DOGBREED_OK && job->param_count > 1) {
        qsort(job->params, (size_t)job->param_count, sizeof *job->params, compare_params);
    }
    int objective = rc < 0 ? 0 : is_there(job, "_tuning_objective_metric");
    dogb_job_fact(job, "objective",
                  objective > 0 && job->params[objective - 1].value != NULL
                      ? job->params[objective - 1].value
                      : "");
    return rc;
}

int32_t dogbreed_job_hyperparameter_count(const dogbreed_job *job) {
    return job == NULL ? 0 : job->param_count;
}

int dogbreed_job_hyperparameter(dogbreed_hyperparameter *out, const dogbreed_job *job,
                                int32_t index) {
    DOGB_CHECK(out != NULL && job != NULL, "job: out or job is NULL");
    DOGB_CHECK(out->struct_size >= sizeof(uint32_t) * 2,
               "job: out->struct_size is %u, expected sizeof(dogbreed_hyperparameter)",
               (unsigned)out->struct_size);
    if (index < 0 || index >= job->param_count) {
        return dogb_fail(DOGBREED_ERROR_NOT_FOUND, "job: there is no hyperparameter %d",
                         (int)index);
    }
    uint32_t size = out->struct_size;
    dogbreed_hyperparameter full = job->params[index];
    full.struct_size = size;
    memset(out, 0, size);
    memcpy(out, &full, size < sizeof full ? size : sizeof full);
    return DOGBREED_OK;
}

int dogbreed_job_apply(void *options, const dogbreed_job *job) {
    DOGB_CHECK(options != NULL && job != NULL, "job: options or job is NULL");
    uint32_t head[2]; // struct_size and kind
    memcpy(head, options, sizeof head);
    for (int32_t i = 0; i < job->param_count; i++) {
        const dogbreed_hyperparameter *one = &job->params[i];
        dogbreed_option_info info = {.struct_size = sizeof info};
        int found = 0;
        for (uint32_t k = 0; !found && dogbreed_options_describe(&info, head[1], k) == DOGBREED_OK;
             k++) {
            found = strcmp(info.name, one->option) == 0;
        }
        if (!found || one->recorded || one->value == NULL) {
            continue;
        }
        if (dogbreed_options_set(options, one->option, one->value) < 0) {
            dogb_error_state state;
            dogb_error_save(&state, DOGBREED_ERROR_INVALID_ARGUMENT);
            return dogb_fail(state.code, "hyperparameter %s: %s", one->name, state.text);
        }
    }
    return DOGBREED_OK;
}
