// test_activity.c - operators and kernels: own times of what is nested, lanes, and what engine
// torch records of a training (skipped where it is not built).
#include "trainer/fixture.h"

#include "core/json.h"
#include "engine/engine.h"
#include "profile/activity.h"

#include <dogbreed/profile.h>

static void own_times_leave_out_what_was_called(void **state) {
    (void)state;
    static const dogb_activity told[] = {
        {"conv2d", DOGB_ACTIVITY_OPERATOR, -1, 1, 100, 200},   // 100, of which 60 and 10 are called
        {"convolve", DOGB_ACTIVITY_OPERATOR, -1, 1, 110, 170}, // 60, of which 20
        {"copy", DOGB_ACTIVITY_OPERATOR, -1, 1, 120, 140},
        {"copy", DOGB_ACTIVITY_OPERATOR, -1, 1, 180, 190},
        {"relu", DOGB_ACTIVITY_OPERATOR, -1, 1, 200, 230}, // begins when the first ends
        {"copy", DOGB_ACTIVITY_OPERATOR, -1, 2, 210, 220}, // of another thread: called by nobody
        {"gemm", DOGB_ACTIVITY_KERNEL, 0, 7, 150, 400},
        {"copy", DOGB_ACTIVITY_COPY, 0, 7, 400, 450},
    };
    static const struct {
        const char *name;
        int32_t kind;
        int64_t count, ns, own;
    } expected[] = {
        {"conv2d", DOGB_ACTIVITY_OPERATOR, 1, 100, 30},
        {"convolve", DOGB_ACTIVITY_OPERATOR, 1, 60, 40},
        {"copy", DOGB_ACTIVITY_OPERATOR, 3, 40, 40},
        {"relu", DOGB_ACTIVITY_OPERATOR, 1, 30, 30},
        {"gemm", DOGB_ACTIVITY_KERNEL, 1, 250, 250},
        {"copy", DOGB_ACTIVITY_COPY, 1, 50, 50},
    };
    dogb_arena arena = {0};
    dogb_activities all = {0};
    for (size_t i = 0; i < sizeof told / sizeof told[0]; i++) {
        assert_ok(dogb_activities_add(&all, &arena, &told[i]));
    }
    assert_int_equal(all.count, sizeof expected / sizeof expected[0]);
    for (size_t i = 0; i < all.count; i++) {
        assert_string_equal(all.sums[i].name, expected[i].name);
        assert_int_equal(all.sums[i].kind, expected[i].kind);
        assert_int_equal(all.sums[i].count, expected[i].count);
        assert_int_equal(all.sums[i].ns, expected[i].ns);
        assert_int_equal(all.sums[i].own_ns, expected[i].own);
    }
    dogb_arena_free(&arena);
}

static const json_t *row_of(const json_t *summary, const char *name) {
    size_t i = 0;
    json_t *row = NULL;
    json_array_foreach(json_object_get(json_object_get(summary, "activities"), "rows"), i, row) {
        if (strcmp(json_string_value(json_object_get(row, "name")), name) == 0) {
            return row;
        }
    }
    return NULL;
}

static json_t *summary_of(dogb_arena *arena, const char *text) {
    json_t *root = NULL;
    assert_ok(dogb_json_parse(&root, arena, text, strlen(text), "summary"));
    return root;
}

static void operators_of_a_training_are_recorded(void **state) {
    (void)state;
    fixture f;
    const dogb_engine *engine = NULL;
    dogbreed_profile_options options;
    dogbreed_profile *profile = NULL;
    dogb_arena arena = {0};
    char *text = NULL;
    if (dogb_engine_open(&engine, "torch", DOGB_CAN_TRAIN, "cpu") < 0) {
        test_skip("%s", dogbreed_error_message());
    }
    fixture_open(&f, 8, 4);
    fixture_whole(&f);
    f.options.engine = "torch";
    dogbreed_model *model = fixture_model(&f);
    dogbreed_trainer *trainer = fixture_trainer(&f, model);
    assert_ok(dogbreed_profile_options_init(&options, sizeof options));
    assert_int_equal(options.profile_kernels, -1); // none on a CPU
    options.profile_kernels = 3;
    assert_ok(dogbreed_profile_attach(&profile, trainer, f.root, &options));
    assert_ok(dogbreed_trainer_run(trainer));
    assert_ok(dogbreed_profile_summary(&text, profile));
    json_t *summary = summary_of(&arena, text);
    dogbreed_free(text);
    const json_t *activities = json_object_get(summary, "activities");
    assert_int_equal(json_integer_value(json_object_get(activities, "steps")), 3);
    // One convolution of the network and one step: the counts are multiples of the steps.
    const json_t *row = row_of(summary, "aten::convolution");
    assert_non_null(row);
    assert_string_equal(json_string_value(json_object_get(row, "kind")), "operator");
    assert_int_equal(json_integer_value(json_object_get(row, "count")) % 3, 0);
    assert_true(json_integer_value(json_object_get(row, "ns")) >
                json_integer_value(json_object_get(row, "own_ns")));
    assert_true(json_integer_value(json_object_get(row, "own_ns")) >= 0);
    assert_non_null(row_of(summary, "aten::convolution_backward"));

    // The trace says the same.
    assert_ok(dogbreed_profile_results(&text, f.root, &options));
    json_t *results = summary_of(&arena, text);
    dogbreed_free(text);
    assert_true(json_equal(activities, json_object_get(results, "activities")));
    dogbreed_profile_destroy(profile);
    dogbreed_trainer_destroy(trainer);
    dogbreed_model_destroy(model);
    dogb_arena_free(&arena);
    fixture_close(&f);
}

static void an_engine_that_records_none_is_warned_about(void **state) {
    (void)state;
    fixture f;
    dogbreed_profile_options options;
    dogbreed_profile *profile = NULL;
    dogb_arena arena = {0};
    char *text = NULL;
    fixture_open(&f, 8, 4);
    fixture_whole(&f);
    dogbreed_model *model = fixture_model(&f);
    dogbreed_trainer *trainer = fixture_trainer(&f, model);
    assert_ok(dogbreed_profile_options_init(&options, sizeof options));
    options.profile_kernels = 3;
    assert_ok(dogbreed_profile_attach(&profile, trainer, NULL, &options));
    assert_ok(dogbreed_trainer_run(trainer)); // whatever the profile cannot do
    assert_ok(dogbreed_profile_summary(&text, profile));
    const json_t *activities = json_object_get(summary_of(&arena, text), "activities");
    assert_int_equal(json_array_size(json_object_get(activities, "rows")), 0);
    dogbreed_free(text);
    dogbreed_profile_destroy(profile);
    dogbreed_trainer_destroy(trainer);
    dogbreed_model_destroy(model);
    dogb_arena_free(&arena);
    fixture_close(&f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(own_times_leave_out_what_was_called),
        cmocka_unit_test(operators_of_a_training_are_recorded),
        cmocka_unit_test(an_engine_that_records_none_is_warned_about),
    };
    return cmocka_run_group_tests_name("activity", tests, NULL, NULL);
}
