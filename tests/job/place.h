// place.h - a container's folders below a scratch folder, files written into them, no variables of
// a platform.
#ifndef DOGB_TEST_JOB_PLACE_H
#define DOGB_TEST_JOB_PLACE_H

#include "scratch.h"

#include <dogbreed/job.h>

extern char **environ;

static char root[300];

// "<root>/opt/ml/<name>", in one of eight static buffers.
static inline const char *inside(const char *name) {
    static char paths[8][1024];
    static int next;
    char *path = paths[next++ & 7];
    (void)snprintf(path, sizeof paths[0], "%s/opt/ml/%s", root, name);
    return path;
}

static inline void write_file(const char *path, const char *text) {
    char folder[1024];
    (void)snprintf(folder, sizeof folder, "%s", path);
    *strrchr(folder, '/') = '\0';
    assert_ok(dogb_directory_make(folder));
    assert_ok(dogb_file_put(path, text, strlen(text)));
}

static inline void config(const char *name, const char *text) {
    char path[200];
    (void)snprintf(path, sizeof path, "input/config/%s", name);
    write_file(inside(path), text);
}

static inline void assert_contents(const char *path, const char *text) {
    dogb_arena arena = {0};
    void *data = NULL;
    size_t size = 0;
    assert_ok(dogb_file_read(&data, &size, &arena, path, 1 << 24));
    assert_string_equal(data, text);
    dogb_arena_free(&arena);
}

static inline int place_make(void **state) {
    static int number;
    static const char *const variables[] = {"SM_", "SAGEMAKER_", "TRAINING_JOB", "SMDEBUG",
                                            "USE_SM"};
    (void)state;
    for (char **entry = environ; *entry != NULL;) {
        int ours = 0;
        for (size_t i = 0; i < sizeof variables / sizeof variables[0]; i++) {
            ours |= strncmp(*entry, variables[i], strlen(variables[i])) == 0;
        }
        if (ours) {
            char name[100];
            (void)snprintf(name, sizeof name, "%.*s", (int)strcspn(*entry, "="), *entry);
            assert_int_equal(unsetenv(name), 0);
            entry = environ;
        } else {
            entry++;
        }
    }
    (void)snprintf(root, sizeof root, "%s/root%d", scratch_folder, number++);
    return dogb_directory_make(inside("input/config"));
}

static inline dogbreed_job *job_open(void) {
    dogbreed_job *job = NULL;
    assert_ok(dogbreed_job_from_env(&job, root));
    return job;
}

static inline void job_refused(int code, const char *part) {
    dogbreed_job *job = NULL;
    assert_fails(dogbreed_job_from_env(&job, root), code, part);
    assert_null(job);
}

static inline void assert_fact(const dogbreed_job *job, const char *name, const char *value) {
    const char *found = dogbreed_job_get(job, name);
    assert_non_null(found);
    assert_string_equal(found, value);
}

#endif
