// settings.c - the files that say what else a training does: checkpoints, TensorBoard, debugger,
// profiler. Only the profiler's may change while it runs.
#include "core/environment.h"
#include "core/error.h"
#include "core/file.h"
#include "job/job_internal.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { PROFILE_BYTES_MAX = 1 << 20 };

// A member whatever the case of its name: the original lowers the whole file before it reads it.
static json_t *member(json_t *object, const char *name) {
    const char *key = NULL;
    json_t *value = NULL;
    json_object_foreach(object, key, value) {
        if (strcasecmp(key, name) == 0) {
            return value;
        }
    }
    return NULL;
}

// LocalPath of a document as a fact, where it has one.
static int local_path(dogbreed_job *job, const json_t *object, const char *what, const char *fact) {
    const json_t *value = json_object_get(object, "LocalPath");
    if (value == NULL || json_is_null(value)) {
        return DOGBREED_OK;
    }
    const char *text = json_string_value(value);
    if (text == NULL || *text != '/') {
        return dogb_job_wrong(what, "LocalPath", "an absolute path");
    }
    const char *path = dogb_job_map(&job->arena, job->base, text);
    if (path == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    dogb_job_fact(job, fact, path);
    return DOGBREED_OK;
}

// Where a file of the configuration is: the path of a variable, else its place. "" in *out: there
// is none.
static int place_of(const char **out, dogbreed_job *job, const char *variable, const char *file) {
    const char *given = dogb_environment(variable);
    *out = given != NULL
               ? dogb_job_map(&job->arena, job->base, given)
               : dogb_path_join(&job->arena, dogbreed_job_get(job, "input_config_dir"), file);
    if (*out == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    if (!dogb_file_exists(*out)) {
        *out = "";
    }
    return DOGBREED_OK;
}

static const struct {
    const char *variable;
    const char *file;
    const char *fact;   // its LocalPath
    const char *config; // fact of the file itself; NULL: nobody else reads it
} rows[] = {
    {"CHECKPOINT_CONFIG_FILE_PATH", "checkpointconfig.json", "checkpoint_dir", NULL},
    {"TENSORBOARD_CONFIG_FILE_PATH", "tensorboardoutputconfig.json", "tensorboard_dir", NULL},
    {"SMDEBUG_CONFIG_FILE_PATH", "debughookconfig.json", "tensor_dir", "debug_config"},
};

int dogb_job_settings(dogbreed_job *job) {
    const char *use = dogb_environment("USE_SMDEBUG");
    int rc = DOGBREED_OK;
    dogb_job_fact(job, "tensorboard_dir", "");
    for (size_t i = 0; rc == DOGBREED_OK && i < sizeof rows / sizeof rows[0]; i++) {
        json_t *object = NULL;
        const char *path = NULL;
        rc = place_of(&path, job, rows[i].variable, rows[i].file);
        if (rc == DOGBREED_OK && rows[i].config != NULL && use != NULL && strcmp(use, "0") == 0) {
            path = "";
        }
        if (rc == DOGBREED_OK && rows[i].config != NULL) {
            dogb_job_fact(job, rows[i].config, path);
        }
        if (rc == DOGBREED_OK && *path != '\0' &&
            (rc = dogb_json_read(&object, &job->arena, path, NULL, 0)) == DOGBREED_OK) {
            rc = json_is_object(object)
                     ? local_path(job, object, path, rows[i].fact)
                     : dogb_fail(DOGBREED_ERROR_FORMAT, "%s: expected one JSON object", path);
        }
    }
    const char *profile = NULL;
    rc = rc < 0 ? rc : place_of(&profile, job, "SMPROFILER_CONFIG_PATH", "profilerconfig.json");
    dogb_job_fact(job, "profile_config", rc < 0 ? "" : profile);
    return rc;
}

// true, "true", 1: whatever writes these files.
static int is_true(const json_t *value) {
    const char *text = json_string_value(value);
    return json_is_true(value) || (json_is_integer(value) && json_integer_value(value) != 0) ||
           (text != NULL && (strcasecmp(text, "true") == 0 || strcmp(text, "1") == 0));
}

static int set_interval(void *options, const json_t *value, const char *path) {
    static const char key[] = "ProfilingIntervalInMilliseconds";
    const char *text = json_string_value(value);
    char number[32];
    if (value == NULL || json_is_null(value)) {
        return DOGBREED_OK;
    }
    if (json_is_integer(value)) {
        (void)snprintf(number, sizeof number, "%lld", (long long)json_integer_value(value));
        text = number;
    }
    if (text == NULL || dogbreed_options_set(options, "profile_interval", text) < 0) {
        return dogb_job_wrong(path, key, "100, 200, 500, 1000, 5000 or 60000");
    }
    return DOGBREED_OK;
}

// Times of layers are what the detailed profile of the original shows.
static int set_options(void *options, json_t *root, const char *path) {
    json_t *params = member(root, "ProfilingParameters");
    if (params != NULL && !json_is_null(params) && !json_is_object(params)) {
        return dogb_job_wrong(path, "ProfilingParameters", "an object");
    }
    const char *detailed = json_string_value(member(params, "DetailedProfilingConfig"));
    int layers = detailed != NULL && *detailed != '\0' && strcmp(detailed, "{}") != 0;
    int rc = set_interval(options, member(root, "ProfilingIntervalInMilliseconds"), path);
    return rc < 0 ? rc : dogbreed_options_set(options, "profile_layers", layers ? "on" : "off");
}

int dogbreed_job_profile(int32_t *state, void *options, dogbreed_job *job) {
    dogb_arena scratch = {0};
    void *text = NULL;
    size_t size = 0;
    json_t *root = NULL;
    DOGB_CHECK(state != NULL && options != NULL && job != NULL,
               "job: state, options or job is NULL");
    *state = DOGBREED_JOB_SAME;
    const char *path = dogbreed_job_get(job, "profile_config");
    if (*path == '\0') {
        return DOGBREED_OK;
    }
    int rc = dogb_file_read(&text, &size, &scratch, path, PROFILE_BYTES_MAX);
    if (rc < 0 || (job->profile_text != NULL && strcmp(job->profile_text, text) == 0)) {
        goto out;
    }
    dogb_release(&job->arena, job->profile_text); // a damaged one is complained about once
    job->profile_text = dogb_strdup(&job->arena, text);
    if (job->profile_text == NULL ||
        (rc = dogb_json_parse(&root, &scratch, text, size, path)) < 0) {
        rc = job->profile_text == NULL ? DOGBREED_ERROR_NO_MEMORY : rc;
        goto out;
    }
    if (!json_is_object(root)) {
        rc = dogb_fail(DOGBREED_ERROR_FORMAT, "%s: expected one JSON object", path);
        goto out;
    }
    rc = set_options(options, root, path);
    *state = rc < 0                                     ? DOGBREED_JOB_SAME
             : is_true(member(root, "DisableProfiler")) ? DOGBREED_JOB_PROFILE_OFF
                                                        : DOGBREED_JOB_PROFILE_ON;
out:
    dogb_arena_free(&scratch);
    return rc;
}
