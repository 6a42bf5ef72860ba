// job_config.c - fuzz target: a file of a container's configuration, any of them (the first byte
// says which). A job is made, or refused with a message; what it says can be written down.
#include "folder.h"
#include "fuzz.h"

#include "core/error.h"
#include "core/file.h"
#include "job/job_internal.h"

#include <dogbreed/profile.h>
#include <dogbreed/trainer.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const names[] = {"hyperparameters.json", "inputdataconfig.json",
                                    "resourceconfig.json",  "checkpointconfig.json",
                                    "debughookconfig.json", "tensorboardoutputconfig.json",
                                    "profilerconfig.json"};
enum { NAMES = sizeof names / sizeof names[0] };

static void use(dogbreed_job *job) {
    dogbreed_profile_options profile;
    dogbreed_trainer_options trainer;
    int32_t state = 0;
    char *json = NULL;
    char *path = NULL;
    if (dogbreed_job_describe(&json, job) < 0 ||
        dogbreed_profile_options_init(&profile, sizeof profile) < 0 ||
        dogbreed_trainer_options_init(&trainer, sizeof trainer) < 0) {
        abort();
    }
    dogbreed_free(json);
    for (int32_t i = 0; i < dogbreed_job_hyperparameter_count(job); i++) {
        dogbreed_hyperparameter one = {.struct_size = sizeof one};
        if (dogbreed_job_hyperparameter(&one, job, i) < 0 || one.name == NULL ||
            one.option == NULL || one.text == NULL) {
            abort();
        }
    }
    (void)dogbreed_job_apply(&trainer, job);
    (void)dogbreed_job_profile(&state, &profile, job);
    dogbreed_job_options options;
    if (dogbreed_job_options_init(&options, sizeof options) < 0) {
        abort();
    }
    options.pipe_timeout = 0.01;
    (void)dogbreed_job_data(&path, job, &options);
    dogbreed_free(path);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static char config[96];
    char path[160];
    if (size < 1) {
        return 0;
    }
    if (fuzz_folder_make()) {
        (void)snprintf(config, sizeof config, "%s/opt/ml/input/config", fuzz_folder);
        if (dogb_directory_make(config) < 0) {
            abort();
        }
    }
    (void)snprintf(path, sizeof path, "%s/%s", config, names[data[0] % NAMES]);
    if (dogb_file_put(path, data + 1, size - 1) < 0) {
        abort();
    }
    dogbreed_job *job = NULL;
    int rc = dogbreed_job_from_env(&job, fuzz_folder);
    if (rc == DOGBREED_OK) {
        use(job);
    } else if (*dogbreed_error_message() == '\0' || job != NULL) {
        abort();
    }
    dogbreed_job_destroy(job);
    (void)remove(path);
    return 0;
}
