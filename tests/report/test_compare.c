// test_compare.c - runs side by side: results, the options that differ.
#include "run_folder.h"

static const char *runs[2];

static int set_up(void **state) {
    (void)scratch_make(state);
    put_run();
    put_file("other/config.json",
             "{\"format\":\"dogbreed.config\",\"version\":1,\"architecture\":\"tiny\","
             "\"optimizer\":\"<sgd>\",\"learning_rate\":0.001,\"momentum\":0.9}");
    put_file("other/metrics.csv", "epoch,val_loss\n1,3\n2,2\n");
    static char paths[2][512];
    for (int i = 0; i < 2; i++) {
        (void)snprintf(paths[i], sizeof paths[i], "%s/%s", scratch_folder,
                       i == 0 ? "run" : "other/");
        runs[i] = paths[i];
    }
    return 0;
}

static void results_and_differences(void **state) {
    (void)state;
    dogb_arena arena = {0};
    char *text = NULL;
    json_t *json = NULL;
    assert_ok(dogbreed_report_compare(&text, runs, 2));
    assert_ok(dogb_json_parse(&json, &arena, text, strlen(text), "comparison"));
    const json_t *all = json_object_get(json, "runs");
    const json_t *first = json_array_get(all, 0);
    assert_int_equal(json_array_size(all), 2);
    assert_true(json_number_value(json_object_get(first, "ece")) == 0.0625);
    assert_true(json_number_value(json_object_get(first, "best_value")) == 0.625);
    assert_string_equal(json_string_value(json_object_get(first, "state")), "completed");
    assert_true(json_is_null(json_object_get(json_array_get(all, 1), "accuracy")));
    const json_t *options = json_object_get(json, "options");
    static const char *const differ[] = {"optimizer", "momentum", "batch_size", "nesterov", "data"};
    assert_int_equal(json_object_size(options), sizeof differ / sizeof differ[0]);
    for (size_t i = 0; i < sizeof differ / sizeof differ[0]; i++) {
        assert_int_equal(json_array_size(json_object_get(options, differ[i])), 2);
    }
    assert_true(json_is_null(json_array_get(json_object_get(options, "momentum"), 0)));
    dogbreed_free(text);
    dogb_arena_free(&arena);
}

static void as_a_page(void **state) {
    (void)state;
    char *html = NULL;
    assert_ok(dogbreed_report_compare_html(&html, runs, 2));
    assert_has(html, "2 runs side by side");
    assert_has(html, "&lt;sgd&gt;");
    assert_has(html, "Test accuracy");
    assert_int_equal(count_of(html, "Validation loss by epoch") > 0, has_module());
    dogbreed_free(html);
}

static void arguments_are_checked(void **state) {
    (void)state;
    char *text = NULL;
    const char *bad[] = {runs[0], "/no/such/run"};
    assert_fails(dogbreed_report_compare(&text, runs, 0), DOGBREED_ERROR_INVALID_ARGUMENT,
                 "0 runs");
    assert_fails(dogbreed_report_compare(&text, NULL, 2), DOGBREED_ERROR_INVALID_ARGUMENT, "runs");
    assert_fails(dogbreed_report_compare(&text, bad, 2), DOGBREED_ERROR_NOT_FOUND, "/no/such/run");
    bad[1] = NULL;
    assert_fails(dogbreed_report_compare_html(&text, bad, 2), DOGBREED_ERROR_INVALID_ARGUMENT,
                 "run 1");
    assert_null(text);
}

static int compare_once(void *userdata) {
    (void)userdata;
    char *html = NULL;
    int rc = dogbreed_report_compare_html(&html, runs, 2);
    dogbreed_free(html);
    return rc;
}

static void allocation_failures_are_clean(void **state) {
    (void)state;
    memory_fails_well(compare_once);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(results_and_differences),
        cmocka_unit_test(as_a_page),
        cmocka_unit_test(arguments_are_checked),
        cmocka_unit_test(allocation_failures_are_clean),
    };
    return cmocka_run_group_tests(tests, set_up, scratch_remove);
}
