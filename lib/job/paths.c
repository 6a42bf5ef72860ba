// paths.c - where a container has its folders, and what stands in place of /opt/ml.
#include "core/environment.h"
#include "core/error.h"
#include "core/file.h"
#include "job/job_internal.h"

#include <string.h>
#include <unistd.h>

static const char PLATFORM[] = "/opt/ml";

// Absolute: links are made that point there.
static char *absolute(dogb_arena *arena, char *path) {
    enum { LENGTH_MAX = 4096 };
    char *here = path == NULL || *path == '/' ? NULL : dogb_alloc_raw(arena, LENGTH_MAX, 1);
    return here == NULL || getcwd(here, LENGTH_MAX) == NULL ? path
                                                            : dogb_path_join(arena, here, path);
}

int dogb_job_base(char **out, dogb_arena *arena, const char *root) {
    const char *variable = dogb_environment("SAGEMAKER_BASE_DIR");
    if (root != NULL && *root != '\0') {
        *out = dogb_path_join(arena, root, PLATFORM + 1);
    } else {
        *out = dogb_strdup(arena, variable == NULL ? PLATFORM : variable);
    }
    *out = absolute(arena, *out);
    return *out == NULL ? DOGBREED_ERROR_NO_MEMORY : DOGBREED_OK;
}

const char *dogb_job_map(dogb_arena *arena, const char *base, const char *path) {
    size_t length = sizeof PLATFORM - 1;
    if (strncmp(path, PLATFORM, length) != 0 || (path[length] != '/' && path[length] != '\0')) {
        return dogb_strdup(arena, path);
    }
    path += length;
    while (*path == '/') {
        path++;
    }
    return *path == '\0' ? dogb_strdup(arena, base) : dogb_path_join(arena, base, path);
}

static const struct {
    const char *fact;
    const char *variable; // NULL: none says it
    const char *path;     // below the base
} folders[] = {
    {"input_dir", "SM_INPUT_DIR", "input"},
    {"input_config_dir", "SM_INPUT_CONFIG_DIR", "input/config"},
    {"model_dir", "SM_MODEL_DIR", "model"},
    {"models_dir", NULL, "models"}, // of endpoints with many
    {"output_dir", "SM_OUTPUT_DIR", "output"},
    {"output_data_dir", "SM_OUTPUT_DATA_DIR", "output/data"},
    {"output_intermediate_dir", "SM_OUTPUT_INTERMEDIATE_DIR", "output/intermediate"},
    {"checkpoint_dir", NULL, "checkpoints"},
    {"tensor_dir", NULL, "output/tensors"},
    {"profile_dir", NULL, "output/profiler"},
};

// Variables that say something about the job itself.
static const struct {
    const char *fact;
    const char *variable;
} names[] = {
    {"job_name", "TRAINING_JOB_NAME"},
    {"job_arn", "TRAINING_JOB_ARN"},
    {"region", "AWS_REGION"},
    {"endpoint", "S3_ENDPOINT_URL"},
};

int dogb_job_paths(dogbreed_job *job) {
    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++) {
        const char *given =
            folders[i].variable == NULL ? NULL : dogb_environment(folders[i].variable);
        const char *path = given != NULL ? dogb_job_map(&job->arena, job->base, given)
                                         : dogb_path_join(&job->arena, job->base, folders[i].path);
        if (path == NULL) {
            return DOGBREED_ERROR_NO_MEMORY;
        }
        dogb_job_fact(job, folders[i].fact, path);
    }
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const char *given = dogb_environment(names[i].variable);
        const char *copy = dogb_strdup(&job->arena, given == NULL ? "" : given);
        if (copy == NULL) {
            return DOGBREED_ERROR_NO_MEMORY;
        }
        dogb_job_fact(job, names[i].fact, copy);
    }
    dogb_job_fact(job, "base_dir", job->base);
    return DOGBREED_OK;
}
