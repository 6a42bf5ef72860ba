// job_tool.c - for job.py: hyperparameters as options take them. Usage: job_tool ROOT
#include <dogbreed/job.h>

#include <jansson.h>
#include <stdio.h>

int main(int argc, char **argv) {
    dogbreed_job *job = NULL;
    if (argc != 2 || dogbreed_job_from_env(&job, argv[1]) < 0) {
        (void)fprintf(stderr, "%s\n", dogbreed_error_message());
        return 1;
    }
    json_t *values = json_object();
    for (int32_t i = 0; i < dogbreed_job_hyperparameter_count(job); i++) {
        dogbreed_hyperparameter one = {.struct_size = sizeof one};
        (void)dogbreed_job_hyperparameter(&one, job, i);
        (void)json_object_set_new(values, one.name,
                                  one.value == NULL ? json_null() : json_string(one.value));
    }
    (void)json_dumpf(values, stdout, JSON_SORT_KEYS);
    json_decref(values);
    dogbreed_job_destroy(job);
    return 0;
}
