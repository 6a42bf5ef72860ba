// A job from files and variables: hyperparameters, hosts, channels, settings, facts.
#include "place.h"

#include "job/job_internal.h"
#include "out_of_memory.h"

#include <dogbreed/profile.h>
#include <dogbreed/trainer.h>

static const dogbreed_hyperparameter *param(const dogbreed_job *job, const char *name) {
    static dogbreed_hyperparameter one;
    for (int32_t i = 0; i < dogbreed_job_hyperparameter_count(job); i++) {
        one.struct_size = sizeof one;
        assert_ok(dogbreed_job_hyperparameter(&one, job, i));
        if (strcmp(one.name, name) == 0) {
            return &one;
        }
    }
    fail_msg("there is no hyperparameter %s", name);
    return NULL;
}

static void texts_are_decoded_once(void **state) {
    (void)state;
    static const char *const rows[][2] = {{"0.001", "0.001"},
                                          {"\"0.001\"", "0.001"},
                                          {"\"\\\"32\\\"\"", "\"32\""}, // two levels: one comes off
                                          {"true", "on"},
                                          {"false", "off"},
                                          {"True", "on"},
                                          {"False", "off"},
                                          {"null", NULL},
                                          {"", ""},
                                          {"\"\"", ""},
                                          {" 7 ", "7"},
                                          {"1e-05", "1e-05"},
                                          {"adam", "adam"},
                                          {"\"adam\"", "adam"},
                                          {"[1, \"a\", 2.5]", "1;a;2.5"},
                                          {"{\"b\": 1, \"a\": \"x\"}", "a=x,b=1"},
                                          {"[1", "[1"},
                                          {"\"\\u00e9\"", "\xc3\xa9"},
                                          {"99999999999999999999", "99999999999999999999"}};
    dogb_arena arena = {0};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const char *value = NULL;
        assert_ok(dogb_job_decode(&value, &arena, rows[i][0]));
        if (rows[i][1] == NULL) {
            assert_null(value);
        } else {
            assert_string_equal(value, rows[i][1]);
        }
    }
    dogb_arena_free(&arena);
}

static void the_original_projects_hyperparameters_are_read(void **state) {
    (void)state;
    config(
        "hyperparameters.json",
        "{\"lr\": \"\\\"0.001\\\"\", \"batch-size\": \"\\\"32\\\"\", \"epochs\": \"\\\"5\\\"\","
        "\"_tuning_objective_metric\": \"\\\"val_accuracy\\\"\","
        "\"sagemaker_submit_directory\": \"\\\"s3://b/k\\\"\", \"weights\": \"/opt/ml/input/w\"}");
    dogbreed_job *job = job_open();
    dogbreed_trainer_options options;
    assert_int_equal(dogbreed_job_hyperparameter_count(job), 6);
    assert_string_equal(param(job, "lr")->option, "learning_rate");
    assert_string_equal(param(job, "batch-size")->option, "batch_size");
    assert_string_equal(param(job, "batch-size")->value, "32");
    assert_string_equal(param(job, "batch-size")->text, "\"32\"");
    assert_true(param(job, "_tuning_objective_metric")->recorded);
    assert_true(param(job, "sagemaker_submit_directory")->recorded);
    assert_false(param(job, "epochs")->recorded);
    assert_string_equal(param(job, "weights")->value, inside("input/w"));
    assert_fact(job, "objective", "val_accuracy");
    assert_ok(dogbreed_trainer_options_init(&options, sizeof options));
    assert_ok(dogbreed_job_apply(&options, job));
    assert_int_equal(options.batch_size, 32);
    assert_int_equal(options.epochs, 5);
    assert_true(options.learning_rate > 0.00099 && options.learning_rate < 0.00101);
    dogbreed_hyperparameter one = {.struct_size = sizeof one};
    assert_fails(dogbreed_job_hyperparameter(&one, job, 6), DOGBREED_ERROR_NOT_FOUND, "6");
    dogbreed_job_destroy(job);
}

static void wrong_hyperparameters_are_named(void **state) {
    (void)state;
    dogbreed_trainer_options options;
    config("hyperparameters.json", "{\"lr\": ");
    job_refused(DOGBREED_ERROR_FORMAT, "hyperparameters.json");
    config("hyperparameters.json", "[1]");
    job_refused(DOGBREED_ERROR_FORMAT, "one JSON object");
    config("hyperparameters.json", "{\"lr\":\"1\",\"lr\":\"2\"}");
    job_refused(DOGBREED_ERROR_FORMAT, "hyperparameters.json");
    config("hyperparameters.json", "{\"batch-size\":\"1\",\"batch_size\":\"2\"}");
    job_refused(DOGBREED_ERROR_INVALID_ARGUMENT, "same hyperparameter");
    config("hyperparameters.json", "{\"\":\"1\"}");
    job_refused(DOGBREED_ERROR_INVALID_ARGUMENT, "without a name");
    config("hyperparameters.json", "{\"batch-size\":\"many\"}");
    dogbreed_job *job = job_open();
    assert_ok(dogbreed_trainer_options_init(&options, sizeof options));
    assert_fails(dogbreed_job_apply(&options, job), DOGBREED_ERROR_INVALID_ARGUMENT, "batch-size");
    dogbreed_job_destroy(job);
}

static void variables_stand_for_missing_files(void **state) {
    (void)state;
    setenv("SM_HPS", "{\"lr\":0.5,\"seed\":3,\"nesterov\":true}", 1);
    setenv("SM_HOSTS", "[\"algo-2\",\"algo-1\"]", 1);
    setenv("SM_CURRENT_HOST", "algo-2", 1);
    setenv("SM_CHANNELS", "[\"training\"]", 1);
    setenv("SM_MODEL_DIR", "/opt/ml/other", 1);
    setenv("SM_OUTPUT_DATA_DIR", "/somewhere/else", 1);
    dogbreed_job *job = job_open();
    assert_string_equal(param(job, "lr")->value, "0.5");
    assert_string_equal(param(job, "nesterov")->value, "on");
    assert_fact(job, "rank", "1");
    assert_fact(job, "host_count", "2");
    assert_fact(job, "model_dir", inside("other"));
    assert_fact(job, "output_data_dir", "/somewhere/else");
    assert_int_equal(job->channel_count, 1);
    dogbreed_job_destroy(job);
    unsetenv("SM_HPS");
    setenv("SM_HP_BATCH-SIZE", "16", 1);
    job = job_open();
    assert_string_equal(param(job, "batch-size")->value, "16");
    dogbreed_job_destroy(job);
    config("hyperparameters.json", "{\"lr\":\"1\"}"); // the file is the one
    job = job_open();
    assert_int_equal(dogbreed_job_hyperparameter_count(job), 1);
    dogbreed_job_destroy(job);
    setenv("SM_CHANNELS", "3", 1);
    job_refused(DOGBREED_ERROR_FORMAT, "SM_CHANNELS");
}

static void an_empty_container_is_a_job(void **state) {
    (void)state;
    dogbreed_job *job = job_open();
    char *json = NULL;
    assert_fact(job, "rank", "0");
    assert_fact(job, "host_count", "1");
    assert_fact(job, "checkpoint_dir", inside("checkpoints"));
    assert_fact(job, "debug_config", "");
    assert_fact(job, "serve_port", "8080");
    assert_null(dogbreed_job_get(job, "nothing"));
    assert_int_equal(dogbreed_job_hyperparameter_count(job), 0);
    assert_ok(dogbreed_job_describe(&json, job));
    assert_non_null(strstr(json, "\"dogbreed.job\""));
    dogbreed_free(json);
    dogbreed_job_destroy(job);
    dogbreed_job_destroy(NULL);
}

static void the_base_folder_may_be_replaced(void **state) {
    (void)state;
    dogbreed_job *job = NULL;
    assert_fails(dogbreed_job_from_env(&job, "/nowhere"), DOGBREED_ERROR_NOT_FOUND,
                 "/nowhere/opt/ml");
    setenv("SAGEMAKER_BASE_DIR", inside(""), 1);
    assert_ok(dogbreed_job_from_env(&job, NULL));
    assert_non_null(strstr(dogbreed_job_get(job, "model_dir"), "root"));
    dogbreed_job_destroy(job);
    assert_fails(dogbreed_job_from_env(&job, "/nowhere"), DOGBREED_ERROR_NOT_FOUND, "/nowhere");
}

static void hosts_give_a_rank(void **state) {
    (void)state;
    config("resourceconfig.json", "{\"current_host\":\"b\",\"hosts\":[\"c\",\"b\",\"a\"],"
                                  "\"network_interface_name\":\"eth0\","
                                  "\"current_instance_type\":\"ml.m5.large\"}");
    dogbreed_job *job = job_open();
    assert_fact(job, "host", "b");
    assert_fact(job, "rank", "1");
    assert_fact(job, "host_count", "3");
    assert_fact(job, "network_interface", "eth0");
    assert_fact(job, "instance_type", "ml.m5.large");
    dogbreed_job_destroy(job);
    config("resourceconfig.json", "{\"current_host\":\"d\",\"hosts\":[\"a\"]}");
    job_refused(DOGBREED_ERROR_FORMAT, "\"d\" is not one of hosts");
    config("resourceconfig.json", "{\"current_host\":\"a\",\"hosts\":[]}");
    job_refused(DOGBREED_ERROR_FORMAT, "hosts: expected");
    config("resourceconfig.json", "{\"current_host\":1,\"hosts\":[\"a\"]}");
    job_refused(DOGBREED_ERROR_FORMAT, "current_host");
}

static void wrong_channels_are_named(void **state) {
    (void)state;
    config("inputdataconfig.json", "{\"train\":{\"TrainingInputMode\":\"Stream\"}}");
    job_refused(DOGBREED_ERROR_FORMAT, "TrainingInputMode \"Stream\"");
    config("inputdataconfig.json", "{\"../x\":{}}");
    job_refused(DOGBREED_ERROR_FORMAT, "channel's name");
    config("inputdataconfig.json", "{\"train\":3}");
    job_refused(DOGBREED_ERROR_FORMAT, "an object");
}

static void settings_name_other_folders(void **state) {
    (void)state;
    config("checkpointconfig.json", "{\"LocalPath\":\"/opt/ml/here\",\"S3Uri\":\"s3://b/c\"}");
    config("tensorboardoutputconfig.json", "{\"LocalPath\":\"/opt/ml/output/tensorboard\"}");
    config("debughookconfig.json", "{\"LocalPath\":\"/opt/ml/output/t\"}");
    dogbreed_job *job = job_open();
    assert_fact(job, "checkpoint_dir", inside("here"));
    assert_fact(job, "tensorboard_dir", inside("output/tensorboard"));
    assert_fact(job, "tensor_dir", inside("output/t"));
    assert_fact(job, "debug_config", inside("input/config/debughookconfig.json"));
    dogbreed_job_destroy(job);
    setenv("USE_SMDEBUG", "0", 1);
    job = job_open();
    assert_fact(job, "debug_config", "");
    dogbreed_job_destroy(job);
    config("checkpointconfig.json", "{\"LocalPath\":3}");
    job_refused(DOGBREED_ERROR_FORMAT, "LocalPath");
    config("checkpointconfig.json", "{\"LocalPath\":\"relative\"}");
    job_refused(DOGBREED_ERROR_FORMAT, "absolute");
    setenv("CHECKPOINT_CONFIG_FILE_PATH", "/opt/ml/input/mine.json", 1);
    write_file(inside("input/mine.json"), "{\"LocalPath\":\"/elsewhere\"}");
    job = job_open();
    assert_fact(job, "checkpoint_dir", "/elsewhere");
    dogbreed_job_destroy(job);
    unsetenv("CHECKPOINT_CONFIG_FILE_PATH");
}

static void the_profilers_file_is_followed(void **state) {
    (void)state;
    int32_t now = -1;
    dogbreed_profile_options options;
    assert_ok(dogbreed_profile_options_init(&options, sizeof options));
    dogbreed_job *job = job_open();
    assert_ok(dogbreed_job_profile(&now, &options, job)); // there is none
    assert_int_equal(now, DOGBREED_JOB_SAME);
    dogbreed_job_destroy(job);
    config("profilerconfig.json", "{\"ProfilingIntervalInMilliseconds\":1000,"
                                  "\"ProfilingParameters\":{\"DetailedProfilingConfig\":"
                                  "\"{\\\"StartStep\\\":5}\"}}");
    job = job_open();
    assert_ok(dogbreed_job_profile(&now, &options, job));
    assert_int_equal(now, DOGBREED_JOB_PROFILE_ON);
    assert_int_equal(options.profile_interval, 1000);
    assert_int_equal(options.profile_layers, 1);
    assert_ok(dogbreed_job_profile(&now, &options, job));
    assert_int_equal(now, DOGBREED_JOB_SAME);
    config("profilerconfig.json", "{\"profilingIntervalInMilliseconds\":\"100\"}");
    assert_ok(dogbreed_job_profile(&now, &options, job));
    assert_int_equal(now, DOGBREED_JOB_PROFILE_ON);
    assert_int_equal(options.profile_interval, 100);
    assert_int_equal(options.profile_layers, 0);
    config("profilerconfig.json", "{\"DisableProfiler\":true}");
    assert_ok(dogbreed_job_profile(&now, &options, job));
    assert_int_equal(now, DOGBREED_JOB_PROFILE_OFF);
    config("profilerconfig.json", "{\"ProfilingIntervalInMilliseconds\":7}");
    assert_fails(dogbreed_job_profile(&now, &options, job), DOGBREED_ERROR_FORMAT,
                 "ProfilingIntervalInMilliseconds");
    assert_int_equal(now, DOGBREED_JOB_SAME);
    config("profilerconfig.json", "{\"Profil");
    assert_fails(dogbreed_job_profile(&now, &options, job), DOGBREED_ERROR_FORMAT,
                 "profilerconfig.json");
    assert_ok(dogbreed_job_profile(&now, &options, job)); // said once
    dogbreed_job_destroy(job);
}

static void variables_of_an_endpoint_are_checked(void **state) {
    (void)state;
    setenv("SAGEMAKER_BIND_TO_PORT", "9000", 1);
    setenv("SAGEMAKER_MODEL_SERVER_TIMEOUT", "20", 1);
    setenv("SAGEMAKER_MODEL_SERVER_WORKERS", "3", 1);
    setenv("SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT", "text/csv", 1);
    setenv("SAGEMAKER_MULTI_MODEL", "true", 1);
    dogbreed_job *job = job_open();
    assert_fact(job, "serve_port", "9000");
    assert_fact(job, "serve_timeout", "20");
    assert_fact(job, "serve_workers", "3");
    assert_fact(job, "serve_accept", "text/csv");
    assert_fact(job, "serve_multi_model", "on");
    assert_non_null(strstr(dogbreed_job_get(job, "models_dir"), "/opt/ml/models"));
    dogbreed_job_destroy(job);
    setenv("SAGEMAKER_BIND_TO_PORT", "http", 1);
    job_refused(DOGBREED_ERROR_INVALID_ARGUMENT, "SAGEMAKER_BIND_TO_PORT");
    setenv("SAGEMAKER_BIND_TO_PORT", "70000", 1);
    job_refused(DOGBREED_ERROR_INVALID_ARGUMENT, "65535");
}

static int open_once(void *userdata) {
    dogbreed_job *job = NULL;
    char *json = NULL;
    (void)userdata;
    int rc = dogbreed_job_from_env(&job, root);
    rc = rc < 0 ? rc : dogbreed_job_describe(&json, job);
    dogbreed_free(json);
    dogbreed_job_destroy(job);
    return rc;
}

static void every_allocation_may_fail(void **state) {
    (void)state;
    config("resourceconfig.json", "{\"current_host\":\"b\",\"hosts\":[\"b\",\"a\"]}");
    config("inputdataconfig.json", "{\"train\":{\"TrainingInputMode\":\"Pipe\"}}");
    config("checkpointconfig.json", "{\"LocalPath\":\"/opt/ml/here\"}");
    config("hyperparameters.json", "{\"lr\":\"\\\"0.1\\\"\",\"rules\":\"[1,2]\"}");
    int failures = 0;
    int silent = 0;
    for (int at = 0;; at++) {
        memory_fail_after(at);
        int rc = open_once(NULL);
        if (!memory_restore()) {
            assert_int_equal(rc, 0);
            break;
        }
        // jansson takes some of its own failures for damaged text, or for a shorter token.
        assert_true(rc == DOGBREED_ERROR_NO_MEMORY || rc == DOGBREED_ERROR_FORMAT || rc == 0);
        failures++;
        silent += rc == 0;
    }
    assert_true(silent <= 10);
    assert_true(failures > 50);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup(name, place_make)
    const struct CMUnitTest tests[] = {
        TEST(texts_are_decoded_once),
        TEST(the_original_projects_hyperparameters_are_read),
        TEST(wrong_hyperparameters_are_named),
        TEST(variables_stand_for_missing_files),
        TEST(an_empty_container_is_a_job),
        TEST(the_base_folder_may_be_replaced),
        TEST(hosts_give_a_rank),
        TEST(wrong_channels_are_named),
        TEST(settings_name_other_folders),
        TEST(the_profilers_file_is_followed),
        TEST(variables_of_an_endpoint_are_checked),
        TEST(every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
