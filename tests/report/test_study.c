// test_study.c - the study of a run in its report: its numbers are those of the tuner itself.
#include "run_folder.h"

#include <dogbreed/tuner.h>

#include <math.h>

enum { TRIALS = 12 };

// Of a caller that asks and tells, in the folder of dogbreed tune or below that of dogbreed run.
static void put_study(const char *name) {
    dogbreed_tuner *tuner = NULL;
    dogbreed_tuner_options options;
    assert_ok(dogbreed_tuner_options_init(&options, sizeof options));
    options.storage = scratch(name);
    options.trials = TRIALS;
    options.objective = DOGBREED_OBJECTIVE_MINIMIZE;
    options.sampler = DOGBREED_SAMPLER_RANDOM;
    assert_ok(dogbreed_tuner_create(&tuner, &options));
    assert_ok(dogbreed_tuner_add(tuner, "rate=log:1e-4:1e-1"));
    assert_ok(dogbreed_tuner_add(tuner, "batch.b=32,64"));
    assert_ok(dogbreed_tuner_add(tuner, "epochs=2..5"));
    for (int i = 0; i < TRIALS; i++) {
        int64_t number = 0;
        char *json = NULL;
        assert_ok(dogbreed_tuner_ask(tuner, &number, &json));
        dogbreed_free(json);
        int fails = i == 3;
        assert_ok(dogbreed_tuner_tell(tuner, number,
                                      fails ? DOGBREED_TRIAL_FAIL : DOGBREED_TRIAL_COMPLETE,
                                      fails ? (double)NAN : 1.0 + (i * 7) % TRIALS));
    }
    dogbreed_tuner_destroy(tuner);
}

static void check(const char *run) {
    dogb_arena arena = {0};
    char *html = NULL;
    char *text = NULL;
    json_t *json = NULL;
    assert_ok(dogbreed_report_html(&html, run, NULL));
    assert_has(html, "<section id=\"tuning\">");
    assert_has(html, "11 complete, 0 pruned, 1 failed");
    assert_has(html, "batch.b");
    if (has_module()) {
        assert_has(html, "best so far");
        assert_has(html, "Parameters and results");
        assert_has(html, "What mattered");
    }
    dogbreed_free(html);
    assert_ok(dogbreed_report_json(&text, run));
    assert_ok(dogb_json_parse(&json, &arena, text, strlen(text), "report"));
    const json_t *study = json_object_get(json, "study");
    assert_int_equal(json_array_size(json_object_get(study, "trials")), TRIALS);
    assert_int_equal(json_integer_value(json_object_get(study, "best")), 0);
    assert_int_equal(json_object_size(json_object_get(study, "importance")), 3);
    dogbreed_free(text);
    dogb_arena_free(&arena);
}

static void beside_the_run_or_below_it(void **state) {
    (void)state;
    put_run();
    assert_ok(dogb_directory_make(scratch("run/tune")));
    put_study("run/tune/study.db");
    check(scratch("run"));
    assert_ok(dogb_directory_make(scratch("study")));
    put_file("study/config.json", "{\"format\":\"dogbreed.config\",\"version\":1,\"study\":"
                                  "\"study\",\"command\":\"tune\"}");
    put_study("study/study.db");
    check(scratch("study"));
}

static void a_damaged_study_is_named(void **state) {
    (void)state;
    char *html = NULL;
    put_run();
    put_file("run/study.db", "this is no database");
    assert_ok(dogbreed_report_html(&html, scratch("run"), NULL));
    assert_has(html, "study.db");
    assert_has(html, "<p class=\"bad\">");
    dogbreed_free(html);
    assert_int_equal(unlink(scratch("run/study.db")), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(beside_the_run_or_below_it),
        cmocka_unit_test(a_damaged_study_is_named),
    };
    return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
