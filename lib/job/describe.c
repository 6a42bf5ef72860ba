// describe.c - everything a job knows, as one document.
#include "core/environment.h"
#include "core/error.h"
#include "job/job_internal.h"

// Variables of the training toolkit and the platform; nothing secret is among them.
static const char *const variables[] = {"SM_MODEL_DIR",
                                        "SM_CHANNELS",
                                        "SM_HPS",
                                        "SM_USER_ARGS",
                                        "SM_CURRENT_HOST",
                                        "SM_HOSTS",
                                        "SM_NUM_GPUS",
                                        "SM_NUM_CPUS",
                                        "SM_NUM_NEURONS",
                                        "SM_LOG_LEVEL",
                                        "SM_NETWORK_INTERFACE_NAME",
                                        "SM_INPUT_DIR",
                                        "SM_INPUT_CONFIG_DIR",
                                        "SM_INPUT_DATA_CONFIG",
                                        "SM_OUTPUT_DIR",
                                        "SM_OUTPUT_DATA_DIR",
                                        "SM_OUTPUT_INTERMEDIATE_DIR",
                                        "SM_RESOURCE_CONFIG",
                                        "SM_FRAMEWORK_PARAMS",
                                        "SM_FRAMEWORK_MODULE",
                                        "SM_MODULE_NAME",
                                        "SM_MODULE_DIR",
                                        "SM_USER_ENTRY_POINT",
                                        "SM_TRAINING_ENV",
                                        "SM_CURRENT_INSTANCE_TYPE",
                                        "SM_CURRENT_INSTANCE_GROUP",
                                        "SM_CURRENT_INSTANCE_GROUP_HOSTS",
                                        "SM_INSTANCE_GROUPS",
                                        "SM_INSTANCE_GROUPS_DICT",
                                        "SM_DISTRIBUTION_INSTANCE_GROUPS",
                                        "SM_IS_HETERO",
                                        "TRAINING_JOB_NAME",
                                        "TRAINING_JOB_ARN",
                                        "SAGEMAKER_PROGRAM",
                                        "SAGEMAKER_SUBMIT_DIRECTORY",
                                        "SAGEMAKER_BASE_DIR",
                                        "AWS_REGION",
                                        "S3_ENDPOINT_URL"};

static int add_channels(json_t *root, dogb_arena *arena, const dogbreed_job *job) {
    static const char *const modes[] = {"File", "FastFile", "Pipe"};
    json_t *list = dogb_json_array(arena);
    int rc = list == NULL ? DOGBREED_ERROR_NO_MEMORY : DOGBREED_OK;
    for (int32_t i = 0; rc == DOGBREED_OK && i < job->channel_count; i++) {
        const dogb_channel *channel = &job->channels[i];
        json_t *row = dogb_json_object(arena);
        if (row == NULL || (rc = dogb_json_set_text(row, "name", channel->name)) < 0 ||
            (rc = dogb_json_set_text(row, "path", channel->path)) < 0 ||
            (rc = dogb_json_set_text(row, "mode", modes[channel->mode])) < 0 ||
            (rc = dogb_json_set_bool(row, "sharded", channel->sharded)) < 0) {
            return row == NULL ? DOGBREED_ERROR_NO_MEMORY : rc;
        }
        rc = dogb_json_add(list, json_incref(row));
    }
    return rc < 0 ? rc : dogb_json_set(root, "channels", json_incref(list));
}

static int add_params(json_t *root, dogb_arena *arena, const dogbreed_job *job) {
    json_t *object = dogb_json_object(arena);
    int rc = object == NULL ? DOGBREED_ERROR_NO_MEMORY : DOGBREED_OK;
    for (int32_t i = 0; rc == DOGBREED_OK && i < job->param_count; i++) {
        rc = dogb_json_set_text(object, job->params[i].name, job->params[i].text);
    }
    return rc < 0 ? rc : dogb_json_set(root, "hyperparameters", json_incref(object));
}

static int add_hosts(json_t *root, dogb_arena *arena, const dogbreed_job *job) {
    json_t *list = dogb_json_array(arena);
    int rc = list == NULL ? DOGBREED_ERROR_NO_MEMORY : DOGBREED_OK;
    for (int32_t i = 0; rc == DOGBREED_OK && i < job->host_count; i++) {
        rc = dogb_json_add(list, dogb_json_text(job->hosts[i]));
    }
    return rc < 0 ? rc : dogb_json_set(root, "hosts", json_incref(list));
}

static int add_texts(json_t *root, dogb_arena *arena, const dogbreed_job *job) {
    json_t *facts = dogb_json_object(arena);
    json_t *environment = dogb_json_object(arena);
    int rc = facts == NULL || environment == NULL ? DOGBREED_ERROR_NO_MEMORY : DOGBREED_OK;
    for (int32_t i = 0; rc == DOGBREED_OK && i < job->fact_count; i++) {
        rc = dogb_json_set_text(facts, job->facts[i].name, job->facts[i].value);
    }
    for (size_t i = 0; rc == DOGBREED_OK && i < sizeof variables / sizeof variables[0]; i++) {
        const char *value = dogb_environment(variables[i]);
        rc = value == NULL ? DOGBREED_OK : dogb_json_set_text(environment, variables[i], value);
    }
    rc = rc < 0 ? rc : dogb_json_set(root, "facts", json_incref(facts));
    return rc < 0 ? rc : dogb_json_set(root, "environment", json_incref(environment));
}

int dogbreed_job_describe(char **json, const dogbreed_job *job) {
    dogb_arena scratch = {0};
    DOGB_CHECK(json != NULL, "job: json is NULL");
    *json = NULL;
    DOGB_CHECK(job != NULL, "job: is NULL");
    json_t *root = dogb_json_document(&scratch, "job", 1);
    int rc = root == NULL ? DOGBREED_ERROR_NO_MEMORY : DOGBREED_OK;
    if (rc == DOGBREED_OK && (rc = add_texts(root, &scratch, job)) == DOGBREED_OK &&
        (rc = add_channels(root, &scratch, job)) == DOGBREED_OK &&
        (rc = add_params(root, &scratch, job)) == DOGBREED_OK &&
        (rc = add_hosts(root, &scratch, job)) == DOGBREED_OK) {
        rc = dogb_json_text_out(json, root, 1);
    }
    dogb_arena_free(&scratch);
    return rc;
}
