// Choosing and opening engines: plug-ins that are missing, foreign or broken, devices, forks, nets.
#include "test.h"

#include "arch/arch.h"
#include "graph/nets.h"

#include <sys/wait.h>

static const dogb_engine *ref_engine(void) {
    const dogb_engine *engine = NULL;
    assert_ok(dogb_engine_open(&engine, "ref", DOGB_CAN_INFER | DOGB_CAN_TRAIN, "cpu"));
    return engine;
}

static void test_missing_and_misspelled(void **state) {
    (void)state;
    const dogb_engine *engine = ref_engine();
    assert_fails(dogb_engine_open(&engine, "nothere", 0, NULL), DOGBREED_ERROR_NOT_FOUND,
                 "dogbreed-engine-nothere.so is not installed");
    assert_null(engine);
    assert_fails(dogb_engine_open(&engine, "../evil", 0, NULL), DOGBREED_ERROR_NOT_FOUND,
                 "../evil");
    assert_fails(dogb_engine_open(&engine, "", 0, NULL), DOGBREED_ERROR_NOT_FOUND, "unknown");
    assert_fails(dogb_engine_open(&engine, NULL, 0, NULL), DOGBREED_ERROR_INVALID_ARGUMENT,
                 "engine");
}

static void test_broken_plugins_are_refused(void **state) {
    (void)state;
    static const struct {
        const char *name;
        int code;
        const char *part;
    } rows[] = {
        {"fake_abi", DOGBREED_ERROR_MISMATCH, "engine interface 5"},
        {"fake_short", DOGBREED_ERROR_MISMATCH, "64 bytes"},
        {"fake_gap", DOGBREED_ERROR_MISMATCH, "missing"},
        {"fake_no_entry", DOGBREED_ERROR_FORMAT, "dogb_engine_v1"},
        {"fake_bad_open", DOGBREED_ERROR_DEVICE, "the fake engine's own line"},
        {"fake_text", DOGBREED_ERROR_IO, "fake_text"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const dogb_engine *engine = NULL;
        assert_fails(dogb_engine_open(&engine, rows[i].name, 0, NULL), rows[i].code, rows[i].part);
        assert_null(engine);
        // A second try fails the same way.
        assert_fails(dogb_engine_open(&engine, rows[i].name, 0, NULL), rows[i].code, rows[i].part);
    }
}

static void test_sound_plugin(void **state) {
    (void)state;
    const dogb_engine *engine = NULL;
    const dogb_engine *again = NULL;
    assert_ok(dogb_engine_open(&engine, "fake", DOGB_CAN_INFER, NULL));
    assert_ok(dogb_engine_open(&again, "fake", DOGB_CAN_INFER, "cpu"));
    assert_ptr_equal(engine, again);
    assert_string_equal(engine->name, "fake");
    assert_string_equal(engine->version(), "passive"); // environment set before the file was opened
    assert_null(engine->heads_create);                 // tail members it does not declare
    dogb_heads *heads = NULL;
    assert_fails(dogb_engine_heads(&heads, engine, &(dogb_heads_conf){.count = 1}),
                 DOGBREED_ERROR_UNSUPPORTED, "engine fake: does not offer banks of heads");
    assert_null(engine->range);
    assert_int_equal(engine->size, sizeof *engine);
    assert_fails(dogb_engine_open(&again, "fake", DOGB_CAN_TRAIN, NULL), DOGBREED_ERROR_UNSUPPORTED,
                 "training");
    assert_fails(dogb_engine_open(&again, "fake", DOGB_CAN_INFER, "cuda:3"), DOGBREED_ERROR_DEVICE,
                 "cuda:3");
}

// A user's own setting is kept.
static void test_environment_of_the_user_wins(void **state) {
    (void)state;
    assert_string_equal(getenv("GOMP_SPINCOUNT"), "77");
}

static void test_versions_of_a_mapped_library(void **state) {
    (void)state;
    const dogb_engine *engine = NULL;
    // libjansson is in this process but reports no version; a library that is not mapped is fine.
    assert_fails(dogb_engine_open(&engine, "fake_needs_mapped", 0, NULL), DOGBREED_ERROR_MISMATCH,
                 "libjansson of unknown version is already loaded");
    assert_ok(dogb_engine_open(&engine, "fake_needs_other", 0, NULL));
}

static char warning[512];

static void hear(int32_t level, const char *line, void *userdata) {
    (void)userdata;
    if (level == DOGBREED_LOG_WARNING) {
        (void)snprintf(warning, sizeof warning, "%s", line);
    }
}

static void test_auto_takes_the_first_that_can(void **state) {
    (void)state;
    const dogb_engine *engine = NULL;
    dogbreed_log_set(hear, NULL, DOGBREED_LOG_WARNING);
    assert_ok(dogb_engine_open(&engine, "auto", DOGB_CAN_TRAIN | DOGB_CAN_TRAIN_HEAD, "cpu"));
    assert_string_equal(engine->name, "ref"); // the search path of this test has no torch
    assert_non_null(strstr(warning, "engine ref trains this network"));
    assert_non_null(strstr(warning, "scripts/setup.sh --torch"));
    warning[0] = '\0';
    assert_ok(dogb_engine_open(&engine, "auto", DOGB_CAN_TRAIN_HEAD | DOGB_CAN_INFER, "cpu"));
    assert_string_equal(engine->name, "native");
    assert_ok(dogb_engine_open(&engine, "ref", DOGB_CAN_TRAIN, "cpu")); // asked for: no warning
    assert_string_equal(warning, "");
    dogbreed_log_set(NULL, NULL, DOGBREED_LOG_WARNING);
    assert_fails(dogb_engine_open(&engine, "native", DOGB_CAN_TRAIN, "cpu"),
                 DOGBREED_ERROR_UNSUPPORTED,
                 "engine native: trains heads on features only; engine torch or ref trains deeper "
                 "layers");
    assert_fails(dogb_engine_open(&engine, "torch", 0, "cpu"), DOGBREED_ERROR_NOT_FOUND,
                 "scripts/setup.sh --torch builds it");
    assert_ok(dogb_engine_open(&engine, "auto", DOGB_CAN_INFER | DOGB_CAN_HEADS, "cpu"));
    assert_string_equal(engine->name, "native");
    assert_ok(dogb_engine_open(&engine, "auto", DOGB_CAN_TRAIN | DOGB_CAN_HEADS, NULL));
    assert_string_equal(engine->name, "ref");
    assert_fails(dogb_engine_open(&engine, "auto", DOGB_CAN_HEADS | DOGB_CAN_CUDA, NULL),
                 DOGBREED_ERROR_NOT_FOUND, "ref: does not offer CUDA on this machine");
    assert_null(engine);
    assert_fails(dogb_engine_open(&engine, "auto", 0, "cuda"), DOGBREED_ERROR_NOT_FOUND, "torch");
    assert_fails(dogb_engine_open(&engine, "auto", 0, "gpu"), DOGBREED_ERROR_INVALID_ARGUMENT,
                 "device: gpu");
}

static void test_devices(void **state) {
    (void)state;
    static const char *const wrong[] = {"",        "gpu",     "cuda:", "cuda:x",        "cuda:0x",
                                        "cuda:-1", "cuda: 1", "CPU",   "cuda:123456789"};
    dogb_arena arena = {0};
    const char *id = NULL;
    const dogb_engine *fake = NULL;
    assert_ok(dogb_engine_open(&fake, "fake", DOGB_CAN_INFER, NULL));
    assert_ok(dogb_engine_device(&id, &arena, ref_engine(), "auto"));
    assert_string_equal(id, "cpu");
    assert_ok(dogb_engine_device(&id, &arena, fake, "auto"));
    assert_string_equal(id, "cuda:0");
    assert_ok(dogb_engine_device(&id, &arena, fake, "cuda"));
    assert_string_equal(id, "cuda:0");
    assert_ok(dogb_engine_device(&id, &arena, fake, "cpu"));
    assert_string_equal(id, "cpu");
    assert_fails(dogb_engine_device(&id, &arena, ref_engine(), "cuda"), DOGBREED_ERROR_DEVICE,
                 "cuda is not here");
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_fails(dogb_engine_device(&id, &arena, fake, wrong[i]),
                     DOGBREED_ERROR_INVALID_ARGUMENT, "device");
        assert_null(id);
    }
    dogb_arena_free(&arena);
}

static void test_net_arguments(void **state) {
    (void)state;
    dogb_graph *graph = NULL;
    dogb_net *net = NULL;
    const dogb_engine *fake = NULL;
    dogb_arch_options options = {"linear", 3, 16};
    const dogb_arch *arch = NULL;
    assert_ok(dogb_engine_open(&fake, "fake", DOGB_CAN_INFER, NULL));
    assert_ok(dogb_arch_find(&arch, "tiny"));
    assert_ok(dogb_arch_build(&graph, arch, &options));
    void **weights = nets_weights(graph, 1);
    const void *const *given = (const void *const *)weights;
    const dogb_net_conf good = {.device = "cpu", .threads = 1};
    dogb_net_conf conf = good;
    conf.mode = 7;
    assert_fails(dogb_engine_net(&net, ref_engine(), graph, given, &conf),
                 DOGBREED_ERROR_INVALID_ARGUMENT, "mode");
    conf = good;
    conf.threads = 0;
    assert_fails(dogb_engine_net(&net, ref_engine(), graph, given, &conf),
                 DOGBREED_ERROR_INVALID_ARGUMENT, "threads");
    conf = good;
    conf.device = "auto";
    assert_fails(dogb_engine_net(&net, ref_engine(), graph, given, &conf),
                 DOGBREED_ERROR_INVALID_ARGUMENT, "device");
    conf = good;
    conf.device = "cuda:0";
    assert_fails(dogb_engine_net(&net, ref_engine(), graph, given, &conf), DOGBREED_ERROR_DEVICE,
                 "engine ref: device cuda:0");
    conf = good;
    conf.dtype = DOGB_DTYPE_BF16;
    assert_fails(dogb_engine_net(&net, ref_engine(), graph, given, &conf),
                 DOGBREED_ERROR_UNSUPPORTED, "bf16");
    conf = good;
    conf.mode = DOGB_NET_TRAIN;
    assert_fails(dogb_engine_net(&net, fake, graph, given, &conf), DOGBREED_ERROR_UNSUPPORTED,
                 "training");
    assert_fails(dogb_engine_net(&net, fake, graph, given, &good), DOGBREED_ERROR_DEVICE_MEMORY,
                 "engine fake: the fake engine's own line"); // and it got a folded graph
    void *first = weights[0];
    weights[0] = NULL;
    assert_fails(dogb_engine_net(&net, ref_engine(), graph, given, &good),
                 DOGBREED_ERROR_INVALID_ARGUMENT, "conv1.weight");
    assert_null(net);
    weights[0] = first;
    nets_free(graph, weights);
    dogb_graph_destroy(graph);
}

// After the parent used a plug-in, a forked child gets an error from it and may use ref.
static void test_fork(void **state) {
    (void)state;
    const dogb_engine *engine = NULL;
    assert_ok(dogb_engine_open(&engine, "fake", DOGB_CAN_INFER, NULL));
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        int fake = dogb_engine_open(&engine, "fake", DOGB_CAN_INFER, NULL);
        int named = strstr(dogbreed_error_message(), "forked") != NULL;
        int ref = dogb_engine_open(&engine, "ref", DOGB_CAN_INFER, NULL);
        _exit(fake == DOGBREED_ERROR_STATE && named && ref == 0 ? 0 : 1);
    }
    int status = -1;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void test_list(void **state) {
    (void)state;
    for (int open = 0; open < 2; open++) {
        dogb_arena arena = {0};
        json_t *array = dogb_json_array(&arena);
        assert_ok(dogb_engine_list(array, open));
        assert_true(json_array_size(array) >= 3); // in the order of preference
        const json_t *native = json_array_get(array, 0);
        const json_t *torch = json_array_get(array, 1);
        const json_t *ref = json_array_get(array, 2);
        assert_string_equal(json_string_value(json_object_get(native, "name")), "native");
        assert_true(json_is_true(json_object_get(native, "available")));
        assert_string_equal(json_string_value(json_object_get(torch, "name")), "torch");
        assert_false(json_is_true(json_object_get(torch, "available")));
        assert_true(strlen(json_string_value(json_object_get(torch, "reason"))) > 0);
        assert_string_equal(json_string_value(json_object_get(ref, "name")), "ref");
        assert_true(json_is_true(json_object_get(ref, "available")));
        dogb_arena_free(&arena);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_missing_and_misspelled),
        cmocka_unit_test(test_broken_plugins_are_refused),
        cmocka_unit_test(test_sound_plugin),
        cmocka_unit_test(test_environment_of_the_user_wins),
        cmocka_unit_test(test_versions_of_a_mapped_library),
        cmocka_unit_test(test_auto_takes_the_first_that_can),
        cmocka_unit_test(test_devices),
        cmocka_unit_test(test_net_arguments),
        cmocka_unit_test(test_fork),
        cmocka_unit_test(test_list),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
