// serving.c - what the platform says about an endpoint, by variables.
#include "core/environment.h"
#include "core/error.h"
#include "job/job_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <strings.h>

static const struct {
    const char *fact;
    const char *variable;
    const char *value; // when it is not set
    long long minimum; // of a number
    long long maximum; // 0: any text
} rows[] = {
    {"serve_port", "SAGEMAKER_BIND_TO_PORT", "8080", 1, 65535},
    {"serve_timeout", "SAGEMAKER_MODEL_SERVER_TIMEOUT", "55", 1, 3600}, // the platform waits 60 s
    {"serve_workers", "SAGEMAKER_MODEL_SERVER_WORKERS", "0", 0, 256},   // 0: usable cores
    {"serve_accept", "SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT", "", 0, 0},
    {"serve_payload_mb", "SAGEMAKER_MAX_PAYLOAD_IN_MB", "6", 0, 100},
    {"serve_transforms", "SAGEMAKER_MAX_CONCURRENT_TRANSFORMS", "1", 0, 10000},
    {"serve_strategy", "SAGEMAKER_BATCH_STRATEGY", "", 0, 0},
};

static const char *const switches[][2] = {{"serve_multi_model", "SAGEMAKER_MULTI_MODEL"},
                                          {"serve_batch", "SAGEMAKER_BATCH"}};

static int check(const char *variable, const char *text, long long minimum, long long maximum) {
    char *end = NULL;
    errno = 0;
    long long value = strtoll(text, &end, 10);
    if (errno != 0 || *end != '\0' || value < minimum || value > maximum) {
        return dogb_fail(DOGBREED_ERROR_INVALID_ARGUMENT,
                         "environment %s: \"%s\", expected a number from %lld to %lld", variable,
                         text, minimum, maximum);
    }
    return DOGBREED_OK;
}

int dogb_job_serving(dogbreed_job *job) {
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const char *given = dogb_environment(rows[i].variable);
        char *copy = dogb_strdup(&job->arena, given == NULL ? rows[i].value : given);
        int rc = copy == NULL ? DOGBREED_ERROR_NO_MEMORY
                 : given == NULL || rows[i].maximum == 0
                     ? DOGBREED_OK
                     : check(rows[i].variable, given, rows[i].minimum, rows[i].maximum);
        if (rc < 0) {
            return rc;
        }
        dogb_job_fact(job, rows[i].fact, copy);
    }
    for (size_t i = 0; i < sizeof switches / sizeof switches[0]; i++) {
        const char *given = dogb_environment(switches[i][1]);
        int on = given != NULL && (strcasecmp(given, "true") == 0 || *given == '1');
        dogb_job_fact(job, switches[i][0], on ? "on" : "off");
    }
    return DOGBREED_OK;
}
