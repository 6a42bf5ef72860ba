// test_profile.c - a profiled training: what is recorded, its files, and that the training is the
// same with and without.
#include "trainer/fixture.h"

#include "core/json.h"
#include "core/span.h"

#include <dogbreed/profile.h>

static json_t *parse(dogb_arena *arena, char *text) {
    json_t *root = NULL;
    assert_ok(dogb_json_parse(&root, arena, text, strlen(text), "document"));
    dogbreed_free(text);
    return root;
}

static int64_t ns_of(const json_t *summary, const char *phase) {
    size_t i = 0;
    json_t *entry = NULL;
    json_array_foreach(json_object_get(summary, "phases"), i, entry) {
        if (strcmp(json_string_value(json_object_get(entry, "name")), phase) == 0) {
            return json_integer_value(json_object_get(entry, "ns"));
        }
    }
    return -1;
}

static int64_t count_of(const json_t *summary, const char *phase) {
    size_t i = 0;
    json_t *entry = NULL;
    json_array_foreach(json_object_get(summary, "phases"), i, entry) {
        if (strcmp(json_string_value(json_object_get(entry, "name")), phase) == 0) {
            return json_integer_value(json_object_get(entry, "count"));
        }
    }
    return -1;
}

static void check_partition(const json_t *summary) {
    const char *mode = NULL;
    size_t i = 0;
    json_t *entry = NULL;
    double modes = 0.0;
    double phases = 0.0;
    int64_t ns[2] = {0, 0};
    json_object_foreach(json_object_get(summary, "modes"), mode, entry) {
        assert_true(json_integer_value(json_object_get(entry, "ns")) >= 0);
        ns[0] += json_integer_value(json_object_get(entry, "ns"));
        modes += json_real_value(json_object_get(entry, "share"));
    }
    json_array_foreach(json_object_get(summary, "phases"), i, entry) {
        assert_true(json_integer_value(json_object_get(entry, "ns")) >= 0);
        ns[1] += json_integer_value(json_object_get(entry, "ns"));
        phases += json_real_value(json_object_get(entry, "share"));
    }
    assert_int_equal(ns[0], ns[1]);
    assert_true(modes > 0.9999 && modes < 1.0001 && phases > 0.9999 && phases < 1.0001);
}

// Overhead may differ: the thread's own time is not the same a moment later.
static void drop_overhead(json_t *summary) {
    (void)json_object_del(summary, "overhead");
}

static dogbreed_trainer *profiled(const fixture *f, dogbreed_model *model,
                                  dogbreed_profile **profile, const char *directory,
                                  const dogbreed_profile_options *options) {
    dogbreed_trainer *trainer = fixture_trainer(f, model);
    assert_ok(dogbreed_profile_attach(profile, trainer, directory, options));
    assert_ok(dogbreed_trainer_run(trainer));
    assert_null(dogb_span_listener);
    return trainer;
}

static void a_run_is_recorded_whole(void **state) {
    (void)state;
    fixture f;
    dogb_arena arena = {0};
    dogbreed_profile *profile = NULL;
    char *text = NULL;
    fixture_open(&f, 8, 4);
    fixture_whole(&f);
    dogbreed_model *model = fixture_model(&f);
    dogbreed_trainer *trainer = profiled(&f, model, &profile, f.root, NULL);
    assert_ok(dogbreed_profile_summary(&text, profile));
    json_t *summary = parse(&arena, text);
    check_partition(summary);
    // 24 pictures in batches of 8, 3 epochs; 12 of validation in batches of 8.
    assert_int_equal(count_of(summary, "step"), 9);
    assert_int_equal(count_of(summary, "forward"), 9);
    assert_int_equal(count_of(summary, "backward"), 9);
    assert_int_equal(count_of(summary, "optimizer"), 9);
    assert_int_equal(count_of(summary, "loss"), 9);
    assert_int_equal(count_of(summary, "wait"), 9);
    assert_int_equal(count_of(summary, "epoch"), 3);
    assert_int_equal(count_of(summary, "evaluation"), 3);
    assert_int_equal(count_of(summary, "evaluation_forward"), 6);
    assert_int_equal(count_of(summary, "run"), 1);
    assert_true(ns_of(summary, "forward") > 0 && ns_of(summary, "backward") > 0);
    const json_t *steps = json_object_get(summary, "steps");
    assert_int_equal(json_integer_value(json_object_get(steps, "count")), 9);
    assert_int_equal(json_array_size(json_object_get(steps, "slowest")), 9);
    const json_t *concurrent = json_object_get(summary, "concurrent");
    assert_int_equal(json_array_size(concurrent), 4); // read, decode, transform, loader
    assert_true(json_is_true(json_object_get(summary, "finished")));

    // The files say the same.
    json_t *stored = parse(&arena, strdup(fixture_text(f.root, "profile/summary.json")));
    assert_ok(dogbreed_profile_results(&text, f.root, NULL));
    json_t *results = parse(&arena, text);
    drop_overhead(summary);
    drop_overhead(stored);
    drop_overhead(results);
    if (!json_equal(stored, results) || !json_equal(summary, stored)) {
        fail_msg("%s\n%s\n%s", dogb_json_text_in(&arena, summary, 1),
                 dogb_json_text_in(&arena, stored, 1), dogb_json_text_in(&arena, results, 1));
    }
    dogbreed_profile_destroy(profile);
    dogbreed_trainer_destroy(trainer);
    dogbreed_model_destroy(model);
    dogb_arena_free(&arena);
    fixture_close(&f);
}

static void features_have_their_own_phase(void **state) {
    (void)state;
    fixture f;
    dogb_arena arena = {0};
    dogbreed_profile *profile = NULL;
    char *text = NULL;
    fixture_open(&f, 8, 4);
    dogbreed_model *model = fixture_model(&f);
    dogbreed_trainer *trainer = profiled(&f, model, &profile, NULL, NULL);
    assert_ok(dogbreed_profile_summary(&text, profile));
    const json_t *summary = parse(&arena, text);
    check_partition(summary);
    assert_int_equal(count_of(summary, "features"), 2);
    assert_true(count_of(summary, "features_forward") >= 2);
    assert_true(ns_of(summary, "features_forward") > 0);
    dogbreed_trainer_destroy(trainer); // first
    dogbreed_profile_destroy(profile);
    dogbreed_model_destroy(model);
    dogb_arena_free(&arena);
    fixture_close(&f);
}

// Whole networks: engine torch where the environment names it, else ref.
static const char *deep_engine(void) {
    return strcmp(fixture_engine(), "torch") == 0 ? "torch" : "ref";
}

static void check_same_weights(int whole) {
    fixture f;
    uint64_t weights[2] = {0, 0};
    fixture_open(&f, 8, 4);
    f.model.head = "mlp:8:0.25";
    if (whole) {
        fixture_whole(&f);
        f.options.engine = deep_engine();
    }
    for (int on = 0; on < 2; on++) {
        dogbreed_profile_options options;
        dogbreed_profile *profile = NULL;
        dogbreed_model *model = fixture_model(&f);
        assert_ok(dogbreed_profile_options_init(&options, sizeof options));
        options.profile_layers = 1;
        options.profile_interval = 100;
        dogbreed_trainer *trainer = NULL;
        if (on) {
            trainer = profiled(&f, model, &profile, f.root, &options);
        } else {
            trainer = fixture_trainer(&f, model);
            assert_ok(dogbreed_trainer_run(trainer));
        }
        weights[on] = fixture_weights(model);
        dogbreed_profile_destroy(profile);
        dogbreed_trainer_destroy(trainer);
        dogbreed_model_destroy(model);
    }
    assert_true(weights[0] == weights[1]);
    fixture_close(&f);
}

// Bit for bit the same, whatever is recorded.
static void nothing_changes_what_is_trained(void **state) {
    (void)state;
    check_same_weights(0);
    check_same_weights(1);
}

// Where the folder cannot be made, the training goes on.
static void a_folder_that_cannot_be_made(void **state) {
    (void)state;
    fixture f;
    char path[400];
    dogbreed_profile *profile = NULL;
    char *text = NULL;
    fixture_open(&f, 4, 2);
    (void)snprintf(path, sizeof path, "%s/file", f.root);
    assert_ok(dogb_file_replace(path, "x", 1));
    dogbreed_log_set(NULL, NULL, DOGBREED_LOG_WARNING);
    dogbreed_model *model = fixture_model(&f);
    dogbreed_trainer *trainer = profiled(&f, model, &profile, path, NULL);
    assert_fails(dogbreed_profile_summary(&text, profile), DOGBREED_ERROR_STATE, "no run");
    dogbreed_profile_destroy(profile);
    dogbreed_trainer_destroy(trainer);
    dogbreed_model_destroy(model);
    fixture_close(&f);
}

static int stop_at_epoch(const dogbreed_event *event, void *userdata) {
    (void)userdata;
    return event->epoch >= 1 ? -1 : DOGBREED_OK;
}

static int configure_at_step(const dogbreed_event *event, void *userdata) {
    dogbreed_profile_options options;
    char *text = NULL;
    assert_ok(dogbreed_profile_options_init(&options, sizeof options));
    options.profile_layers = event->step < 4;
    assert_ok(dogbreed_profile_configure(userdata, &options));
    assert_ok(dogbreed_profile_summary(&text, userdata));
    dogbreed_free(text);
    return DOGBREED_OK;
}

static void layers_on_request(void **state) {
    (void)state;
    fixture f;
    dogb_arena arena = {0};
    dogbreed_profile *profile = NULL;
    char *text = NULL;
    fixture_open(&f, 8, 4);
    fixture_whole(&f);
    dogbreed_model *model = fixture_model(&f);
    dogbreed_trainer *trainer = fixture_trainer(&f, model);
    assert_ok(dogbreed_profile_attach(&profile, trainer, f.root, NULL));
    assert_ok(dogbreed_trainer_subscribe(
        trainer, NULL, DOGBREED_EVENT_MASK(DOGBREED_EVENT_STEP_BEGIN), configure_at_step, profile));
    assert_ok(dogbreed_trainer_run(trainer));
    assert_ok(dogbreed_profile_results(&text, f.root, NULL));
    const json_t *summary = parse(&arena, text);
    size_t i = 0;
    json_t *entry = NULL;
    int convolutions = 0;
    json_array_foreach(json_object_get(summary, "layers"), i, entry) {
        const char *op = json_string_value(json_object_get(entry, "op"));
        if (strcmp(op, "conv2d") == 0) {
            convolutions++;
            // Steps 0 to 3, and the validation behind the first epoch of 3 steps.
            assert_true(json_integer_value(json_object_get(entry, "count")) >= 4);
            assert_true(json_integer_value(json_object_get(entry, "forward_ns")) > 0);
            assert_true(json_integer_value(json_object_get(entry, "backward_ns")) > 0);
        }
    }
    assert_true(convolutions > 0);
    check_partition(summary);
    dogbreed_profile_destroy(profile);
    dogbreed_trainer_destroy(trainer);
    dogbreed_model_destroy(model);
    dogb_arena_free(&arena);
    fixture_close(&f);
}

// Sum over the layers with this operation (NULL: all); count: how many, each with some time.
static int64_t layer_sum(const json_t *summary, const char *op, const char *time, int *count) {
    size_t i = 0;
    json_t *entry = NULL;
    int64_t sum = 0;
    *count = 0;
    json_array_foreach(json_object_get(summary, "layers"), i, entry) {
        int64_t ns = json_integer_value(json_object_get(entry, time));
        if (op == NULL || strcmp(json_string_value(json_object_get(entry, "op")), op) == 0) {
            sum += ns;
            *count += ns > 0;
        }
    }
    return sum;
}

static const json_t *layered(const fixture *f, dogb_arena *arena) {
    dogbreed_profile_options options;
    dogbreed_profile *profile = NULL;
    char *text = NULL;
    dogbreed_model *model = fixture_model(f);
    assert_ok(dogbreed_profile_options_init(&options, sizeof options));
    options.profile_layers = 1;
    dogbreed_trainer *trainer = profiled(f, model, &profile, f->root, &options);
    assert_ok(dogbreed_profile_results(&text, f->root, NULL));
    const json_t *summary = parse(arena, text);
    check_partition(summary);
    dogbreed_profile_destroy(profile);
    dogbreed_trainer_destroy(trainer);
    dogbreed_model_destroy(model);
    return summary;
}

// On the engine that the environment names: a head on stored features.
static void layers_of_a_head(void **state) {
    (void)state;
    fixture f;
    dogb_arena arena = {0};
    int count = 0;
    fixture_open(&f, 8, 4);
    f.model.head = "mlp:8:0.25";
    const json_t *summary = layered(&f, &arena);
    assert_true(layer_sum(summary, "linear", "forward_ns", &count) > 0 && count == 2);
    assert_true(layer_sum(summary, "linear", "backward_ns", &count) > 0 && count == 2);
    assert_true(layer_sum(summary, "relu", "forward_ns", &count) > 0 && count == 1);
    assert_true(layer_sum(summary, "relu", "backward_ns", &count) > 0 && count == 1);
    // They lie inside the phases; native sums gradients in the optimiser's step.
    int64_t within = ns_of(summary, "backward") + ns_of(summary, "optimizer");
    assert_true(layer_sum(summary, NULL, "backward_ns", &count) <= within);
    dogb_arena_free(&arena);
    fixture_close(&f);
}

// The trained part of a network.
static void layers_of_a_network(void **state) {
    (void)state;
    fixture f;
    dogb_arena arena = {0};
    int convolutions[2], count = 0;
    fixture_open(&f, 8, 4);
    fixture_whole(&f);
    f.options.engine = deep_engine();
    for (int part = 0; part < 2; part++) {
        f.model.freeze = part ? "relu1" : "none";
        const json_t *summary = layered(&f, &arena);
        int64_t all = layer_sum(summary, NULL, "backward_ns", &count);
        assert_true(all > 0 && all <= ns_of(summary, "backward"));
        assert_true(layer_sum(summary, "linear", "backward_ns", &count) > 0 && count == 1);
        (void)layer_sum(summary, "batch_norm", "backward_ns", &count);
        (void)layer_sum(summary, "conv2d", "backward_ns", &convolutions[part]);
        assert_int_equal(count, convolutions[part]);
        size_t i = 0;
        json_t *entry = NULL;
        json_array_foreach(json_object_get(summary, "layers"), i, entry) {
            const char *op = json_string_value(json_object_get(entry, "op"));
            // 9 steps; validations run convolutions and pooling alike.
            assert_true(json_integer_value(json_object_get(entry, "count")) >
                        (strcmp(op, "conv2d") == 0 || strcmp(op, "max_pool") == 0 ? 9 : 8));
        }
    }
    assert_true(convolutions[1] > 0 && convolutions[1] < convolutions[0]); // frozen: no gradient
    dogb_arena_free(&arena);
    fixture_close(&f);
}

// A run that another subscriber ends, and whose end is not heard by the profile.
static void an_end_that_is_not_heard(void **state) {
    (void)state;
    fixture f;
    dogbreed_profile *profile = NULL;
    char *text = NULL;
    fixture_open(&f, 8, 4);
    dogbreed_model *model = fixture_model(&f);
    dogbreed_trainer *trainer = fixture_trainer(&f, model);
    assert_ok(dogbreed_trainer_subscribe(trainer, NULL,
                                         DOGBREED_EVENT_MASK(DOGBREED_EVENT_EPOCH_END) |
                                             DOGBREED_EVENT_MASK(DOGBREED_EVENT_RUN_END),
                                         stop_at_epoch, NULL));
    assert_ok(dogbreed_profile_attach(&profile, trainer, f.root, NULL));
    assert_fails(dogbreed_trainer_run(trainer), DOGBREED_ERROR_CALLBACK, "EPOCH_END");
    dogbreed_profile_destroy(profile);
    assert_null(dogb_span_listener);
    assert_ok(dogbreed_profile_results(&text, f.root, NULL));
    dogbreed_free(text);
    dogbreed_trainer_destroy(trainer);
    dogbreed_model_destroy(model);
    fixture_close(&f);
}

// Two at once, one after the other: each run is one recording.
static void two_profiles_and_two_runs(void **state) {
    (void)state;
    fixture f;
    dogb_arena arena = {0};
    dogbreed_profile *profiles[2] = {NULL, NULL};
    char *text = NULL;
    fixture_open(&f, 8, 4);
    f.options.epochs = 1;
    dogbreed_log_set(NULL, NULL, DOGBREED_LOG_WARNING);
    dogbreed_model *model = fixture_model(&f);
    dogbreed_trainer *trainer = fixture_trainer(&f, model);
    assert_ok(dogbreed_profile_attach(&profiles[0], trainer, NULL, NULL));
    assert_ok(dogbreed_profile_attach(&profiles[1], trainer, NULL, NULL));
    for (int i = 0; i < 2; i++) { // the second run has nothing left to do
        assert_ok(dogbreed_trainer_run(trainer));
        assert_ok(dogbreed_profile_summary(&text, profiles[0]));
        const json_t *summary = parse(&arena, text);
        assert_int_equal(count_of(summary, "step"), i == 0 ? 3 : -1);
    }
    assert_fails(dogbreed_profile_summary(&text, profiles[1]), DOGBREED_ERROR_STATE, "no run");
    dogbreed_profile_destroy(profiles[1]);
    dogbreed_profile_destroy(profiles[0]);
    dogbreed_trainer_destroy(trainer);
    dogbreed_model_destroy(model);
    dogb_arena_free(&arena);
    fixture_close(&f);
}

static void bad_options_are_named(void **state) {
    (void)state;
    dogbreed_profile_options options;
    char *text = NULL;
    assert_ok(dogbreed_profile_options_init(&options, sizeof options));
    options.profile_interval = 300;
    assert_fails(dogbreed_profile_results(&text, "nowhere", &options),
                 DOGBREED_ERROR_INVALID_ARGUMENT, "profile_interval: 300");
    options.profile_interval = 500;
    options.profile_rules = "LowGPUUtilisation:threshold_p95=50";
    assert_fails(dogbreed_profile_results(&text, "nowhere", &options),
                 DOGBREED_ERROR_INVALID_ARGUMENT, "LowGPUUtilization");
    options.profile_rules = "StepOutlier:sigma=5";
    assert_fails(dogbreed_profile_results(&text, "nowhere", &options),
                 DOGBREED_ERROR_INVALID_ARGUMENT, "StepOutlier:sigma=5");
    options.profile_rules = "StepOutlier:stddev=five";
    assert_fails(dogbreed_profile_results(&text, "nowhere", &options),
                 DOGBREED_ERROR_INVALID_ARGUMENT, "a number");
    options.profile_rules = "StepOutlier:stddev=4,n_outliers=2;MaxInitializationTime:threshold=1";
    assert_fails(dogbreed_profile_results(&text, "nowhere", &options), DOGBREED_ERROR_NOT_FOUND,
                 "trace.json");
}

static void advice_is_measured(void **state) {
    (void)state;
    fixture f;
    dogb_arena arena = {0};
    char *text = NULL;
    fixture_open(&f, 8, 4);
    fixture_whole(&f);
    dogbreed_model *model = fixture_model(&f);
    dogbreed_trainer *trainer = fixture_trainer(&f, model);
    assert_ok(dogbreed_profile_advise(&text, trainer));
    const json_t *root = parse(&arena, text);
    const json_t *measured = json_object_get(root, "measured");
    assert_true(json_array_size(json_object_get(measured, "loader")) >= 1);
    assert_int_equal(json_array_size(json_object_get(measured, "evaluation")), 8);
    size_t i = 0;
    json_t *entry = NULL;
    int decoded = 0;
    json_array_foreach(json_object_get(root, "advice"), i, entry) {
        assert_true(json_is_boolean(json_object_get(entry, "safe")));
        decoded |=
            strcmp(json_string_value(json_object_get(entry, "option")), "decoded_cache_bytes") == 0;
    }
    assert_true(decoded); // 36 small pictures, 3 epochs
    dogbreed_trainer_destroy(trainer);
    dogbreed_model_destroy(model);
    dogb_arena_free(&arena);
    fixture_close(&f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_run_is_recorded_whole),
        cmocka_unit_test(features_have_their_own_phase),
        cmocka_unit_test(nothing_changes_what_is_trained),
        cmocka_unit_test(a_folder_that_cannot_be_made),
        cmocka_unit_test(layers_on_request),
        cmocka_unit_test(layers_of_a_head),
        cmocka_unit_test(layers_of_a_network),
        cmocka_unit_test(an_end_that_is_not_heard),
        cmocka_unit_test(two_profiles_and_two_runs),
        cmocka_unit_test(bad_options_are_named),
        cmocka_unit_test(advice_is_measured),
    };
    return cmocka_run_group_tests_name("profile", tests, NULL, NULL);
}
