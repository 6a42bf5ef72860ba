// A program's own loop: ask, report, tell; tables; wrong input; memory that runs out.
#include "out_of_memory.h"
#include "tuner_test.h"

#include <math.h>

static dogbreed_tuner_options ask_options(const char *storage) {
    dogbreed_tuner_options options = tuner_options(storage, 1000);
    options.objective = DOGBREED_OBJECTIVE_MINIMIZE;
    options.study = "my study";
    return options;
}

static dogbreed_tuner *ask_open(const dogbreed_tuner_options *options) {
    static const char *const colours[] = {"red, or \"crimson\"", "blue", "0"};
    dogbreed_tuner *tuner = NULL;
    assert_ok(dogbreed_tuner_create(&tuner, options));
    assert_ok(dogbreed_tuner_add_range(tuner, "x", -1, 1, 0, DOGBREED_SCALE_LINEAR));
    assert_ok(dogbreed_tuner_add_integer(tuner, "n", 1, 1000, 1, DOGBREED_SCALE_AUTO));
    assert_ok(dogbreed_tuner_add_choice(tuner, "colour", colours, 3));
    return tuner;
}

static double real_of(const char *json, const char *name) {
    json_t *object = json_loads(json, 0, NULL);
    double value = json_number_value(json_object_get(object, name));
    json_decref(object);
    return value;
}

// --- the loop

static char *quadratic(dogbreed_tuner *tuner, int count) {
    for (int i = 0; i < count; i++) {
        char *json = NULL;
        int64_t number = -1;
        int32_t prune = 7;
        assert_ok(dogbreed_tuner_ask(tuner, &number, &json));
        double x = real_of(json, "x") - 0.3;
        double n = log(real_of(json, "n")) - 3;
        dogbreed_free(json);
        for (int step = 1; step <= 3; step++) {
            assert_ok(
                dogbreed_tuner_report(tuner, number, step, x * x + n * n + 3.0 / step, &prune));
            assert_int_equal(prune, 0);
        }
        assert_ok(dogbreed_tuner_tell(tuner, number, DOGBREED_TRIAL_COMPLETE, x * x + n * n));
    }
    return trials_text(tuner);
}

static void a_search_finds_the_minimum(void **state) {
    (void)state;
    dogbreed_tuner_options options = ask_options("");
    dogbreed_tuner *tuner = ask_open(&options);
    char *whole = quadratic(tuner, 60);
    assert_int_equal(dogbreed_tuner_trial_count(tuner), 60);
    assert_true(trial_value(tuner, -1) < 0.05);
    dogbreed_tuner_destroy(tuner);
    options.storage = new_storage(&f);
    for (int i = 0; i < 4; i++) { // in a storage, and as four programs
        tuner = ask_open(&options);
        free(quadratic(tuner, 15));
        dogbreed_tuner_destroy(tuner);
    }
    assert_stored(ask_open(&options), whole);
    free(whole);
}

// A copy that is made while trials run is the study as it was then, and can be gone on with.
static void a_study_is_copied(void **state) {
    (void)state;
    char copy[2100];
    char *json = NULL;
    int64_t number = -1;
    dogbreed_tuner_options options = ask_options(new_storage(&f));
    (void)snprintf(copy, sizeof copy, "%s.copy", options.storage);
    dogbreed_tuner *tuner = ask_open(&options);
    assert_int_equal(dogbreed_tuner_copy(tuner, copy), DOGBREED_ERROR_NOT_FOUND);
    char *text = quadratic(tuner, 10);
    assert_ok(dogbreed_tuner_copy(tuner, copy));
    assert_ok(dogbreed_tuner_ask(tuner, &number, &json)); // runs now
    dogbreed_free(json);
    assert_ok(dogbreed_tuner_copy(tuner, copy)); // replaced
    free(quadratic(tuner, 5));
    const char *storage = options.storage;
    options.storage = copy;
    dogbreed_tuner *other = ask_open(&options);
    assert_int_equal(dogbreed_tuner_trial_count(other), 11);
    for (int64_t i = 0; i < 10; i++) {
        assert_string_equal(trial_text(other, i, "value"), trial_text(tuner, i, "value"));
    }
    dogbreed_tuner_destroy(other);
    free(text);
    assert_int_equal(dogbreed_tuner_copy(tuner, "/nowhere/x"), DOGBREED_ERROR_IO);
    assert_int_equal(dogbreed_tuner_copy(tuner, ""), DOGBREED_ERROR_INVALID_ARGUMENT);
    assert_int_equal(dogbreed_tuner_copy(NULL, copy), DOGBREED_ERROR_INVALID_ARGUMENT);
    dogbreed_tuner_destroy(tuner);
    (void)unlink(copy);
    (void)unlink(storage);
    options.storage = "";
    tuner = ask_open(&options);
    assert_int_equal(dogbreed_tuner_copy(tuner, copy), DOGBREED_ERROR_STATE);
    dogbreed_tuner_destroy(tuner);
}

static void answers_may_come_in_any_order(void **state) {
    (void)state;
    char *lists[2];
    for (int way = 0; way < 2; way++) {
        dogbreed_tuner_options options = ask_options("");
        options.round = 4;
        dogbreed_tuner *tuner = ask_open(&options);
        for (int round = 0; round < 5; round++) {
            for (int i = 0; i < 4; i++) {
                char *json = NULL;
                int64_t number = -1;
                assert_ok(dogbreed_tuner_ask(tuner, &number, &json));
                assert_int_equal(number, 4 * round + i);
                dogbreed_free(json);
            }
            for (int i = 0; i < 4; i++) {
                int64_t number = 4 * round + (way == 0 ? i : 3 - i);
                double x = real_of(trial_text(tuner, number, "params"), "x");
                assert_ok(dogbreed_tuner_tell(tuner, number, DOGBREED_TRIAL_COMPLETE, x * x));
            }
        }
        lists[way] = trials_text(tuner);
        dogbreed_tuner_destroy(tuner);
    }
    assert_same_trials(lists[0], lists[1]);
    free(lists[1]);
}

static void a_program_may_be_told_to_prune(void **state) {
    (void)state;
    dogbreed_tuner_options options = ask_options("");
    options.pruner = DOGBREED_PRUNER_AUTO;
    options.objective = DOGBREED_OBJECTIVE_MAXIMIZE;
    dogbreed_tuner *tuner = ask_open(&options);
    int pruned = 0;
    for (int i = 0; i < 20; i++) {
        char *json = NULL;
        int64_t number = -1;
        int32_t prune = 0;
        assert_ok(dogbreed_tuner_ask(tuner, &number, &json));
        dogbreed_free(json);
        assert_ok(dogbreed_tuner_report(tuner, number, 1, i % 2 == 0 ? 0.9 : 0.1, &prune));
        assert_int_equal(prune, i >= 6 && i % 2 == 1); // worse than the median of earlier rounds
        pruned += prune;
        assert_ok(dogbreed_tuner_tell(tuner, number,
                                      prune ? DOGBREED_TRIAL_PRUNED : DOGBREED_TRIAL_COMPLETE,
                                      prune ? (double)NAN : 0.5));
        assert_true(trial_value(tuner, number) == (prune ? 0.1 : 0.5));
    }
    assert_true(pruned > 4);
    dogbreed_tuner_destroy(tuner);
}

static void wrong_answers(void **state) {
    (void)state;
    for (int stored = 0; stored < 2; stored++) {
        dogbreed_tuner_options options = ask_options(stored ? new_storage(&f) : "");
        dogbreed_tuner *tuner = ask_open(&options);
        char *json = NULL;
        int64_t number = -1;
        assert_ok(dogbreed_tuner_ask(tuner, &number, &json));
        dogbreed_free(json);
        assert_fails(dogbreed_tuner_report(tuner, 9, 1, 0, NULL), DOGBREED_ERROR_NOT_FOUND,
                     "trial 9: the study has 1 trials");
        assert_fails(dogbreed_tuner_tell(tuner, -3, DOGBREED_TRIAL_FAIL, 0),
                     DOGBREED_ERROR_NOT_FOUND, "trial -3");
        assert_fails(dogbreed_tuner_report(tuner, 0, 2, 0, NULL), DOGBREED_ERROR_INVALID_ARGUMENT,
                     "step: 2, expected 1");
        assert_fails(dogbreed_tuner_tell(tuner, 0, DOGBREED_TRIAL_RUNNING, 0),
                     DOGBREED_ERROR_INVALID_ARGUMENT, "expected COMPLETE, PRUNED or FAIL");
        assert_ok(dogbreed_tuner_tell(tuner, 0, DOGBREED_TRIAL_COMPLETE, (double)NAN));
        assert_string_equal(trial_text(tuner, 0, "state"), "FAIL");
        assert_string_equal(trial_text(tuner, 0, "reason"), "the value is not a number");
        assert_fails(dogbreed_tuner_tell(tuner, 0, DOGBREED_TRIAL_COMPLETE, 1),
                     DOGBREED_ERROR_STATE, "over");
        assert_fails(dogbreed_tuner_report(tuner, 0, 1, 1, NULL), DOGBREED_ERROR_STATE, "over");
        dogbreed_tuner_destroy(tuner);
    }
}

static void a_grid_ends(void **state) {
    (void)state;
    dogbreed_tuner_options options = ask_options("");
    options.sampler = DOGBREED_SAMPLER_GRID;
    dogbreed_tuner *tuner = NULL;
    char *json = NULL;
    int64_t number = -1;
    assert_ok(dogbreed_tuner_create(&tuner, &options));
    assert_ok(dogbreed_tuner_add(tuner, "x=0.1,0.2,0.4"));
    for (int i = 0; i < 3; i++) {
        assert_ok(dogbreed_tuner_ask(tuner, &number, &json));
        dogbreed_free(json);
    }
    assert_fails(dogbreed_tuner_ask(tuner, &number, &json), DOGBREED_ERROR_NOT_FOUND, "3 points");
    assert_null(json);
    assert_int_equal(number, -1);
    assert_int_equal(dogbreed_tuner_trial_count(tuner), 3);
    dogbreed_tuner_destroy(tuner);
}

// --- tables

static void the_table_has_the_columns_of_the_analytics(void **state) {
    (void)state;
    dogbreed_tuner_options options = ask_options("");
    dogbreed_tuner *tuner = ask_open(&options);
    char *csv = NULL;
    char *json = NULL;
    free(quadratic(tuner, 30));
    assert_ok(dogbreed_tuner_table(&csv, &json, tuner));
    static const char head[] = "x,n,colour,TrainingJobName,TrainingJobStatus,FinalObjectiveValue,"
                               "TrainingStartTime,TrainingEndTime,TrainingElapsedTimeSeconds,"
                               "TrainingJobDefinitionName\n";
    assert_memory_equal(csv, head, strlen(head));
    assert_non_null(strstr(csv, ",\"red, or \"\"crimson\"\"\",my study-")); // as RFC 4180 says
    json_t *list = json_loads(json, 0, NULL);
    assert_int_equal(json_array_size(list), 30);
    const char *line = csv + strlen(head);
    for (size_t i = 0; i < 30; i++) {
        const json_t *row = json_array_get(list, i);
        char *end = NULL;
        assert_int_equal(json_object_size(row), 10);
        double x = strtod(line, &end); // survives the round trip
        assert_true(x == json_real_value(json_object_get(row, "x")));
        assert_int_equal(strtol(end + 1, &end, 10), json_integer_value(json_object_get(row, "n")));
        assert_string_equal(json_string_value(json_object_get(row, "TrainingJobStatus")),
                            "Completed");
        assert_true(json_real_value(json_object_get(row, "FinalObjectiveValue")) ==
                    trial_value(tuner, (int64_t)i));
        line = strchr(end, '\n') + 1;
    }
    assert_string_equal(line, "");
    json_decref(list);
    dogbreed_free(csv);
    dogbreed_free(json);
    assert_ok(dogbreed_tuner_table(NULL, NULL, tuner));
    dogbreed_tuner_destroy(tuner);
}

// --- wrong input

static void options_are_checked(void **state) {
    (void)state;
    dogbreed_tuner *tuner = NULL;
    dogbreed_tuner_options options = tuner_options("", 0);
    assert_fails(dogbreed_tuner_create(&tuner, &options), DOGBREED_ERROR_INVALID_ARGUMENT,
                 "trials");
    options = tuner_options("", 5);
    options.sampler = 9;
    assert_fails(dogbreed_tuner_create(&tuner, &options), DOGBREED_ERROR_INVALID_ARGUMENT,
                 "sampler");
    options = tuner_options("", 5);
    options.study = "";
    assert_fails(dogbreed_tuner_create(&tuner, &options), DOGBREED_ERROR_INVALID_ARGUMENT,
                 "study: the name is empty");
    assert_fails(dogbreed_tuner_create(NULL, &options), DOGBREED_ERROR_INVALID_ARGUMENT, "out");
    assert_null(tuner);
    assert_ok(dogbreed_tuner_create(&tuner, NULL)); // all defaults
    assert_fails(dogbreed_tuner_run(tuner), DOGBREED_ERROR_STATE, "dogbreed_tuner_job");
    dogbreed_tuner_destroy(tuner);
    dogbreed_tuner_destroy(NULL);
    dogbreed_tuner_stop(NULL);
    assert_fails(dogbreed_tuner_run(NULL), DOGBREED_ERROR_INVALID_ARGUMENT, "tuner");
}

static void parameters_are_checked(void **state) {
    (void)state;
    static const struct {
        const char *text;
        const char *part;
    } rows[] = {
        {"learning_rate", "learning_rate"},
        {"=1..2", "search"},
        {"learning_rate=log:0:1", "learning_rate"},
        {"learning_rate=1..0", "learning_rate"},
        {"epochs=a..b", "epochs"},
        {"x=", "x"},
    };
    dogbreed_tuner_options options = tuner_options("", 5);
    dogbreed_tuner *tuner = NULL;
    assert_ok(dogbreed_tuner_create(&tuner, &options));
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_fails(dogbreed_tuner_add(tuner, rows[i].text), DOGBREED_ERROR_INVALID_ARGUMENT,
                     rows[i].part);
    }
    static const char *const none[] = {NULL};
    assert_ok(dogbreed_tuner_add(tuner, "epochs=1..3"));
    assert_fails(dogbreed_tuner_add(tuner, "epochs=1..4"), DOGBREED_ERROR_INVALID_ARGUMENT,
                 "epochs: is there already");
    assert_fails(dogbreed_tuner_add_range(tuner, "x", 2, 1, 0, 0), DOGBREED_ERROR_INVALID_ARGUMENT,
                 "x");
    assert_fails(dogbreed_tuner_add_range(tuner, "", 0, 1, 0, 0), DOGBREED_ERROR_INVALID_ARGUMENT,
                 "name");
    assert_fails(dogbreed_tuner_add_integer(tuner, "n", 1, 2, 0, 0),
                 DOGBREED_ERROR_INVALID_ARGUMENT, "n");
    assert_fails(dogbreed_tuner_add_choice(tuner, "c", NULL, 0), DOGBREED_ERROR_INVALID_ARGUMENT,
                 "c: has no choices");
    assert_fails(dogbreed_tuner_add_choice(tuner, "c", none, 1), DOGBREED_ERROR_INVALID_ARGUMENT,
                 "choice 0");
    assert_int_equal(dogbreed_tuner_trial_count(tuner), 0);
    assert_fails(dogbreed_tuner_add(tuner, "batch_size=1,2"), DOGBREED_ERROR_STATE, "has begun");
    dogbreed_tuner_destroy(tuner);
}

static void jobs_are_checked(void **state) {
    (void)state;
    static const struct {
        const char *text;
        const char *part;
    } rows[] = {
        {"colour=red,blue", "colour is no option"},
        {"learning_rate=50..500", "learning_rate"},
        {"batch_size=0..4", "batch_size"},
        {"optimizer=adam,lion", "lion"},
        {"epochs=1.5..2.5", "epochs"},
        {"threads=1,2", "threads says where and how fast"},
        {"head=linear,mlp", "mlp"},
        {"monitor=val_loss,val_top5", "monitor"},
    };
    dogbreed_tuner_options options = tuner_options("", 5);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        dogbreed_tuner *tuner = tuner_open(&f, &options, &rows[i].text, 1);
        assert_fails(dogbreed_tuner_run(tuner), DOGBREED_ERROR_INVALID_ARGUMENT, rows[i].part);
        assert_fails(dogbreed_tuner_run(tuner), DOGBREED_ERROR_INVALID_ARGUMENT, rows[i].part);
        dogbreed_tuner_destroy(tuner);
    }
    dogbreed_dataset *test = NULL;
    dogbreed_tuner *tuner = NULL;
    assert_ok(dogbreed_dataset_split(&test, f.all, "test"));
    assert_ok(dogbreed_tuner_create(&tuner, &options));
    assert_fails(dogbreed_tuner_job(tuner, &f.model, f.train, test, &f.options),
                 DOGBREED_ERROR_INVALID_ARGUMENT, "test split");
    assert_fails(dogbreed_tuner_job(tuner, &f.model, test, f.valid, &f.options),
                 DOGBREED_ERROR_INVALID_ARGUMENT, "test split");
    assert_fails(dogbreed_tuner_job(tuner, &f.model, f.all, f.valid, &f.options),
                 DOGBREED_ERROR_INVALID_ARGUMENT, "test split");
    assert_fails(dogbreed_tuner_job(tuner, &f.model, f.train, NULL, &f.options),
                 DOGBREED_ERROR_INVALID_ARGUMENT, "valid: is NULL");
    assert_ok(dogbreed_tuner_job(tuner, &f.model, f.train, f.valid, &f.options));
    assert_fails(dogbreed_tuner_job(tuner, &f.model, f.train, f.valid, &f.options),
                 DOGBREED_ERROR_STATE, "already");
    dogbreed_tuner_destroy(tuner);
    dogbreed_dataset_destroy(test);
    options = ask_options("");
    assert_ok(dogbreed_tuner_create(&tuner, &options));
    assert_fails(dogbreed_tuner_job(tuner, &f.model, f.train, f.valid, &f.options),
                 DOGBREED_ERROR_INVALID_ARGUMENT, "ask and tell");
    dogbreed_trainer *trainer = NULL;
    dogbreed_model *model = NULL;
    assert_fails(dogbreed_tuner_trainer(&trainer, &model, tuner, 0), DOGBREED_ERROR_STATE, "job");
    dogbreed_tuner_destroy(tuner);
}

static void another_search_is_refused(void **state) {
    (void)state;
    const char *storage = new_storage(&f);
    free(trials_of(tuner_small(&f, storage, 4)));
    static const char *const other[] = {"learning_rate=log:1e-3:0.4", "batch_size=4,8,16",
                                        "epochs=1..4"};
    static const char *const more[] = {"learning_rate=log:1e-3:0.5", "batch_size=4,8,16",
                                       "epochs=1..4", "momentum=0.5,0.9"};
    dogbreed_tuner_options options = tuner_options(storage, 8);
    struct {
        dogbreed_tuner_options options;
        const char *const *space;
        size_t count;
        const char *part;
    } rows[] = {{options, other, 3, "0.4"},
                {options, more, 4, "momentum"},
                {options, more, 2, "none"},
                {options, NULL, 3, "seed 1, expected 2"},
                {options, NULL, 3, "round 3, expected 4"},
                {options, NULL, 3, "\"tpe\", expected \"qmc\""},
                {options, NULL, 3, "pruner \"none\", expected \"asha\""},
                {options, NULL, 3, "expected \"val_top5\""}};
    rows[3].options.seed = 2;
    rows[4].options.round = 4;
    rows[5].options.sampler = DOGBREED_SAMPLER_QMC;
    rows[6].options.pruner = DOGBREED_PRUNER_ASHA;
    rows[7].options.objective = DOGBREED_OBJECTIVE_VAL_TOP5;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        dogbreed_tuner *tuner = tuner_open(&f, &rows[i].options, rows[i].space, rows[i].count);
        if (i < 7) {
            assert_fails(dogbreed_tuner_run(tuner), DOGBREED_ERROR_MISMATCH, rows[i].part);
        } else { // its direction is another one
            assert_int_equal(dogbreed_tuner_run(tuner), DOGBREED_ERROR_MISMATCH);
        }
        assert_null(strchr(dogbreed_error_message(), '\n'));
        assert_int_equal(dogbreed_tuner_trial_count(tuner), DOGBREED_ERROR_MISMATCH);
        dogbreed_tuner_destroy(tuner);
    }
    options.study = "another"; // beside it
    dogbreed_tuner *tuner = tuner_open(&f, &options, other, 3);
    assert_ok(dogbreed_tuner_run(tuner));
    dogbreed_tuner_destroy(tuner);
    tuner = tuner_small(&f, storage, 4);
    assert_int_equal(dogbreed_tuner_trial_count(tuner), 4);
    dogbreed_tuner_destroy(tuner);
}

static void another_database_is_refused(void **state) {
    (void)state;
    char path[400];
    (void)snprintf(path, sizeof path, "%s/text.db", f.root);
    assert_ok(dogb_file_replace(path, "this is a text and no database of any kind", 42));
    dogbreed_tuner *tuner = tuner_small(&f, path, 4);
    assert_int_equal(dogbreed_tuner_run(tuner), DOGBREED_ERROR_FORMAT);
    assert_non_null(strstr(dogbreed_error_message(), "text.db"));
    dogbreed_tuner_destroy(tuner);
    (void)snprintf(path, sizeof path, "%s/none/study.db", f.root);
    tuner = tuner_small(&f, path, 4);
    assert_true(dogbreed_tuner_run(tuner) < 0);
    assert_non_null(strstr(dogbreed_error_message(), "none/study.db"));
    dogbreed_tuner_destroy(tuner);
}

// --- memory

// Everything once: asked, trained, looked at.
static int once(const dogbreed_tuner_options *options) {
    dogbreed_tuner *tuner = NULL;
    char *text = NULL;
    char *list = NULL;
    int rc = dogbreed_tuner_create(&tuner, options);
    for (size_t i = 0; rc == DOGBREED_OK && i < 3; i++) {
        rc = dogbreed_tuner_add(tuner, small_space[i]);
    }
    rc = rc < 0 ? rc : dogbreed_tuner_job(tuner, &f.model, f.train, f.valid, &f.options);
    rc = rc < 0 ? rc : dogbreed_tuner_run(tuner);
    rc = rc < 0 ? rc : dogbreed_tuner_trial(&text, tuner, -1);
    dogbreed_free(text);
    rc = rc < 0 ? rc : dogbreed_tuner_table(&text, &list, tuner);
    if (rc == DOGBREED_OK) {
        dogbreed_free(text);
        dogbreed_free(list);
    }
    dogbreed_tuner_destroy(tuner);
    return rc;
}

static void memory_may_run_out_anywhere(void **state) {
    (void)state;
    for (int stored = 0; stored < 2; stored++) {
        dogbreed_tuner_options options = tuner_options("", 3);
        char *whole = trials_of(tuner_small(&f, "", 3));
        int failures = 0;
        int step = getenv("DOGBREED_TEST_SHORT") == NULL ? 37 : 97; // of thousands
        for (int i = 0, failed = 1; failed; i += step) {
            options.storage = stored ? new_storage(&f) : "";
            memory_fail_after(i);
            int rc = once(&options);
            failed = memory_restore();
            // jansson's parser takes a token that it has no memory for as bad syntax.
            int parsing = rc == DOGBREED_ERROR_FORMAT &&
                          (strstr(dogbreed_error_message(), "not valid JSON") != NULL ||
                           strstr(dogbreed_error_message(), "not a distribution") != NULL);
            if (rc != DOGBREED_OK && !(failed && (rc == DOGBREED_ERROR_NO_MEMORY || parsing))) {
                fail_msg("allocation %d: %s: %s", i, dogbreed_error_name(rc),
                         dogbreed_error_message());
            }
            failures += rc < 0;
            if (stored && rc < 0) { // what is stored can be gone on with
                assert_same_trials(trials_of(tuner_small(&f, options.storage, 3)), whole);
                (void)unlink(options.storage);
            }
        }
        assert_true(failures > 5);
        free(whole);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_search_finds_the_minimum),
        cmocka_unit_test(a_study_is_copied),
        cmocka_unit_test(answers_may_come_in_any_order),
        cmocka_unit_test(a_program_may_be_told_to_prune),
        cmocka_unit_test(wrong_answers),
        cmocka_unit_test(a_grid_ends),
        cmocka_unit_test(the_table_has_the_columns_of_the_analytics),
        cmocka_unit_test(options_are_checked),
        cmocka_unit_test(parameters_are_checked),
        cmocka_unit_test(jobs_are_checked),
        cmocka_unit_test(another_search_is_refused),
        cmocka_unit_test(another_database_is_refused),
        cmocka_unit_test(memory_may_run_out_anywhere),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
