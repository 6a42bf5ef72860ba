// job.c - a job from the files and variables of its container; its facts by name.
#include "core/environment.h"
#include "core/error.h"
#include "core/file.h"
#include "job/job_internal.h"

#include <stdlib.h>
#include <string.h>

enum { CONFIG_BYTES_MAX = 1 << 24 };

void dogb_job_fact(dogbreed_job *job, const char *name, const char *value) {
    for (int32_t i = 0; i < job->fact_count; i++) {
        if (strcmp(job->facts[i].name, name) == 0) {
            job->facts[i].value = value;
            return;
        }
    }
    job->facts[job->fact_count++] = (dogb_fact){name, value};
}

int dogb_job_fact_number(dogbreed_job *job, const char *name, int64_t value) {
    char *text = dogb_format(&job->arena, "%lld", (long long)value);
    if (text == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    dogb_job_fact(job, name, text);
    return DOGBREED_OK;
}

int dogb_job_wrong(const char *what, const char *key, const char *wanted) {
    return dogb_fail(DOGBREED_ERROR_FORMAT, "%s: %s: expected %s", what, key, wanted);
}

int dogb_job_document(json_t **out, const char **what, dogbreed_job *job, const char *file,
                      const char *variable) {
    const char *text = variable == NULL ? NULL : dogb_environment(variable);
    char *path = dogb_path_join(&job->arena, dogbreed_job_get(job, "input_config_dir"), file);
    void *bytes = NULL;
    size_t size = 0;
    *out = NULL;
    *what = path;
    if (path == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    int rc = dogb_file_exists(path)
                 ? dogb_file_read(&bytes, &size, &job->arena, path, CONFIG_BYTES_MAX)
                 : DOGBREED_ERROR_NOT_FOUND;
    if (rc == DOGBREED_ERROR_NOT_FOUND) {
        if (text == NULL) {
            return DOGBREED_OK;
        }
        *what = variable;
        rc = DOGBREED_OK;
    } else {
        text = bytes;
    }
    rc = rc < 0
             ? rc
             : dogb_json_parse(out, &job->arena, text, bytes == NULL ? strlen(text) : size, *what);
    if (rc == DOGBREED_OK && !json_is_object(*out)) {
        rc = dogb_fail(DOGBREED_ERROR_FORMAT, "%s: expected one JSON object", *what);
    }
    return rc;
}

int dogbreed_job_from_env(dogbreed_job **out, const char *root) {
    static int (*const parts[])(dogbreed_job *) = {dogb_job_paths,    dogb_job_params,
                                                   dogb_job_hosts,    dogb_job_channels,
                                                   dogb_job_settings, dogb_job_serving};
    DOGB_CHECK(out != NULL, "job: out is NULL");
    *out = NULL;
    dogbreed_job *job = dogb_malloc(1, sizeof *job);
    char *base = NULL;
    if (job == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    int rc = dogb_job_base(&base, &job->arena, root);
    job->base = base;
    if (rc == DOGBREED_OK && !dogb_directory_exists(base)) {
        rc = dogb_fail(DOGBREED_ERROR_NOT_FOUND,
                       "%s: no such folder; a job has its files there (root, SAGEMAKER_BASE_DIR)",
                       base);
    }
    for (size_t i = 0; rc == DOGBREED_OK && i < sizeof parts / sizeof parts[0]; i++) {
        rc = parts[i](job);
    }
    if (rc < 0) {
        dogbreed_job_destroy(job);
        return rc;
    }
    *out = job;
    return DOGBREED_OK;
}

const char *dogbreed_job_get(const dogbreed_job *job, const char *name) {
    for (int32_t i = 0; job != NULL && name != NULL && i < job->fact_count; i++) {
        if (strcmp(job->facts[i].name, name) == 0) {
            return job->facts[i].value;
        }
    }
    return NULL;
}

void dogbreed_job_destroy(dogbreed_job *job) {
    if (job != NULL) {
        dogb_arena_free(&job->arena);
        dogb_free(job);
    }
}
