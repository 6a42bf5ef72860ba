// Trials of earlier studies as observations of a new one: what is read, what is kept, what is
// refused, and what it is good for.
#include "out_of_memory.h"
#include "tuner_test.h"

#include "study/study.h"

#include <math.h>

static const char *const space[] = {"x=-1.0..1.0", "n=log:1:1000", "colour=red,blue,0", NULL};

static dogbreed_tuner_options options_of(const char *storage, const char *study) {
    dogbreed_tuner_options options = tuner_options(storage, 1000);
    options.objective = DOGBREED_OBJECTIVE_MINIMIZE;
    options.study = study;
    options.round = 2;
    return options;
}

static dogbreed_tuner *create(const dogbreed_tuner_options *options, const char *const *texts) {
    dogbreed_tuner *tuner = NULL;
    assert_ok(dogbreed_tuner_create(&tuner, options));
    for (size_t i = 0; texts[i] != NULL; i++) {
        assert_ok(dogbreed_tuner_add(tuner, texts[i]));
    }
    return tuner;
}

static dogbreed_tuner *open_new(const char *storage, const char *study) {
    dogbreed_tuner_options options = options_of(storage, study);
    return create(&options, space);
}

static int64_t ask(dogbreed_tuner *tuner, json_t **params) {
    char *json = NULL;
    int64_t number = -1;
    assert_ok(dogbreed_tuner_ask(tuner, &number, &json));
    *params = json_loads(json, 0, NULL);
    dogbreed_free(json);
    return number;
}

static double member(const json_t *params, const char *name) {
    return json_number_value(json_object_get(params, name));
}

// Least at x = 0.3, n = 20, red.
static double cost(const json_t *params) {
    double x = member(params, "x") - 0.3;
    double n = (log(member(params, "n")) - 3) / 3;
    const char *colour = json_string_value(json_object_get(params, "colour"));
    return x * x + n * n + (colour != NULL && strcmp(colour, "red") == 0 ? 0 : 0.1);
}

static void play(dogbreed_tuner *tuner, int count) {
    for (int i = 0; i < count; i++) {
        json_t *params = NULL;
        int64_t number = ask(tuner, &params);
        assert_ok(dogbreed_tuner_tell(tuner, number, DOGBREED_TRIAL_COMPLETE, cost(params)));
        json_decref(params);
    }
}

// A study of its own seed with some trials.
static void make_parent(const char *storage, const char *study, uint64_t seed, int count) {
    dogbreed_tuner_options options = options_of(storage, study);
    options.seed = seed;
    options.sampler = DOGBREED_SAMPLER_QMC;
    dogbreed_tuner *tuner = create(&options, space);
    play(tuner, count);
    assert_int_equal(dogbreed_tuner_trial_count(tuner), count);
    dogbreed_tuner_destroy(tuner);
}

// The attribute that holds what was read. The caller drops the reference.
static json_t *frozen(const char *storage, const char *study) {
    dogb_study *handle = NULL;
    dogb_arena arena = {0};
    char *text = NULL;
    dogb_study_conf conf = {.url = storage, .name = study};
    assert_ok(dogb_study_open(&handle, &conf));
    assert_ok(dogb_study_attribute_get(&text, handle, &arena, -1, 0, "dogbreed:warm"));
    json_t *object = json_loads(text, 0, NULL);
    assert_non_null(object);
    dogb_study_close(handle);
    dogb_arena_free(&arena);
    return object;
}

// Plays a study to `count` trials; its trials. Free with free.
static char *played(dogbreed_tuner *tuner, int count) {
    play(tuner, count);
    char *text = trials_text(tuner);
    dogbreed_tuner_destroy(tuner);
    return text;
}

static char *copy_of(const char *path) {
    char *text = strdup(path);
    assert_non_null(text);
    return text;
}

// --- what is read

static void none_one_and_seven_parents(void **state) {
    (void)state;
    char *parents = copy_of(new_storage(&f));
    char *lists[3];
    static const int counts[] = {0, 1, 7};
    static const int64_t points[] = {0, 10, 70};
    for (int i = 0; i < 7; i++) {
        char name[16];
        (void)snprintf(name, sizeof name, "p%d", i);
        make_parent(parents, name, (uint64_t)i + 10, 10);
    }
    for (int way = 0; way < 3; way++) {
        for (int stored = 0; stored < 2; stored++) {
            char *storage = copy_of(stored ? new_storage(&f) : "");
            dogbreed_tuner *tuner = open_new(storage, "new");
            for (int i = 0; i < counts[way]; i++) {
                char name[16];
                (void)snprintf(name, sizeof name, "p%d", i);
                assert_ok(dogbreed_tuner_warm_start(tuner, parents, name));
            }
            char *json = NULL;
            assert_int_equal(dogbreed_tuner_trial_count(tuner), 0); // they are not its own
            assert_fails(dogbreed_tuner_trial(&json, tuner, -1), DOGBREED_ERROR_NOT_FOUND,
                         "no trial has a result");
            char *list = played(tuner, 12);
            if (stored) { // as in memory
                assert_same_trials(list, lists[way]);
            } else {
                lists[way] = list;
            }
            if (stored && way > 0) {
                json_t *object = frozen(storage, "new");
                assert_int_equal(json_array_size(json_object_get(object, "points")), points[way]);
                assert_int_equal(json_array_size(json_object_get(object, "parents")), counts[way]);
                json_decref(object);
            }
            free(storage);
        }
    }
    assert_string_not_equal(lists[0], lists[1]);
    assert_string_not_equal(lists[1], lists[2]);
    free(lists[0]);
    free(lists[1]);
    free(lists[2]);
    free(parents);
}

// Nothing is known of it yet: as without.
static void a_parent_that_has_just_begun(void **state) {
    (void)state;
    char *storage = copy_of(new_storage(&f));
    dogbreed_tuner *parent = open_new(storage, "study");
    json_t *params = NULL;
    assert_int_equal(ask(parent, &params), 0);
    json_decref(params);
    char *cold = played(open_new("", "a"), 8);
    dogbreed_tuner *tuner = open_new("", "a");
    assert_ok(dogbreed_tuner_warm_start(tuner, storage, NULL));
    assert_same_trials(played(tuner, 8), cold);
    dogbreed_tuner_destroy(parent);
    free(cold);
    free(storage);
}

// It runs on while the new study is interrupted, and is gone in the end.
static void a_running_parent_changes_nothing_later(void **state) {
    (void)state;
    char *parent_storage = copy_of(new_storage(&f));
    char *storage = copy_of(new_storage(&f));
    dogbreed_tuner *parent = open_new(parent_storage, "study");
    json_t *params = NULL;
    play(parent, 9);
    int64_t open = ask(parent, &params); // has not ended
    dogbreed_tuner *tuner = open_new("", "new");
    assert_ok(dogbreed_tuner_warm_start(tuner, parent_storage, "study"));
    char *whole = played(tuner, 16);

    tuner = open_new(storage, "new");
    assert_ok(dogbreed_tuner_warm_start(tuner, parent_storage, ""));
    free(played(tuner, 4));
    assert_ok(dogbreed_tuner_tell(parent, open, DOGBREED_TRIAL_COMPLETE, cost(params)));
    play(parent, 5);
    dogbreed_tuner_destroy(parent);
    tuner = open_new(storage, "new"); // named again
    assert_ok(dogbreed_tuner_warm_start(tuner, parent_storage, "study"));
    free(played(tuner, 4));
    assert_int_equal(unlink(parent_storage), 0);
    tuner = open_new(storage, "new"); // and when it is no longer there
    assert_ok(dogbreed_tuner_warm_start(tuner, parent_storage, "study"));
    free(played(tuner, 4));
    tuner = open_new(storage, "new"); // not named
    free(played(tuner, 4));
    assert_stored(open_new(storage, "new"), whole);
    json_t *object = frozen(storage, "new");
    const json_t *row = json_array_get(json_object_get(object, "parents"), 0);
    assert_string_equal(json_string_value(json_object_get(row, "storage")), parent_storage);
    assert_int_equal(json_integer_value(json_object_get(row, "trials")), 9);
    assert_int_equal(json_integer_value(json_object_get(row, "open")), 1);
    json_decref(object);
    json_decref(params);
    free(whole);
    free(storage);
    free(parent_storage);
}

static void other_parents_are_refused_later(void **state) {
    (void)state;
    char *parents = copy_of(new_storage(&f));
    char *storage = copy_of(new_storage(&f));
    make_parent(parents, "p", 1, 3);
    make_parent(parents, "q", 2, 3);
    dogbreed_tuner *tuner = open_new(storage, "warm");
    assert_ok(dogbreed_tuner_warm_start(tuner, parents, "p"));
    free(played(tuner, 2));
    free(played(open_new(storage, "cold"), 2));
    static const struct {
        const char *study;
        const char *parents[3];
        const char *part;
    } rows[] = {{"warm", {"q"}, "#p; the same ones"},
                {"warm", {"p", "q"}, "begun with a warm start from"},
                {"cold", {"p"}, "a warm start from no study"}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        tuner = open_new(storage, rows[i].study);
        for (int k = 0; rows[i].parents[k] != NULL; k++) {
            assert_ok(dogbreed_tuner_warm_start(tuner, parents, rows[i].parents[k]));
        }
        assert_int_equal(dogbreed_tuner_trial_count(tuner), DOGBREED_ERROR_MISMATCH);
        assert_non_null(strstr(dogbreed_error_message(), rows[i].part));
        assert_null(strchr(dogbreed_error_message(), '\n'));
        dogbreed_tuner_destroy(tuner);
    }
    free(storage);
    free(parents);
}

// --- what does not fit

static void parents_must_search_the_same(void **state) {
    (void)state;
    char *parents = copy_of(new_storage(&f));
    make_parent(parents, "p", 1, 3);
    static const char *const more[] = {"x=-1.0..1.0", "n=log:1:1000", "colour=red,blue,0",
                                       "momentum=0.1..0.9", NULL};
    static const char *const fewer[] = {"x=-1.0..1.0", "colour=red,blue,0", NULL};
    struct {
        const char *const *space;
        const char *storage;
        const char *study;
        int32_t objective;
        int code;
        const char *part;
    } rows[] = {
        {more, parents, "p", DOGBREED_OBJECTIVE_MINIMIZE, DOGBREED_ERROR_MISMATCH,
         "it has no parameter momentum"},
        {fewer, parents, "p", DOGBREED_OBJECTIVE_MINIMIZE, DOGBREED_ERROR_MISMATCH,
         "the new study has no parameter n"},
        {space, parents, "p", DOGBREED_OBJECTIVE_MAXIMIZE, DOGBREED_ERROR_MISMATCH,
         "it minimizes, the new study maximizes"},
        {space, parents, "p", DOGBREED_OBJECTIVE_VAL_LOSS, DOGBREED_ERROR_MISMATCH,
         "its objective is minimize"},
        {space, parents, "none", DOGBREED_OBJECTIVE_MINIMIZE, DOGBREED_ERROR_NOT_FOUND, "none"},
        {space, "/none/such.db", "p", DOGBREED_OBJECTIVE_MINIMIZE, DOGBREED_ERROR_NOT_FOUND,
         "/none/such.db"},
        {space, "mysql://a/b", "p", DOGBREED_OBJECTIVE_MINIMIZE, DOGBREED_ERROR_UNSUPPORTED,
         "unknown kind"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        for (int stored = 0; stored < 2; stored++) {
            dogbreed_tuner_options options = options_of(stored ? new_storage(&f) : "", "new");
            options.objective = rows[i].objective;
            dogbreed_tuner *tuner = create(&options, rows[i].space);
            assert_ok(dogbreed_tuner_warm_start(tuner, rows[i].storage, rows[i].study));
            for (int again = 0; again < 2; again++) {
                assert_int_equal(dogbreed_tuner_trial_count(tuner), rows[i].code);
                assert_non_null(strstr(dogbreed_error_message(), rows[i].part));
            }
            dogbreed_tuner_destroy(tuner);
        }
    }
    free(parents);
}

static void wrong_calls(void **state) {
    (void)state;
    char *storage = copy_of(new_storage(&f));
    dogbreed_tuner *tuner = open_new(storage, "p");
    assert_fails(dogbreed_tuner_warm_start(NULL, "a", "b"), DOGBREED_ERROR_INVALID_ARGUMENT,
                 "tuner");
    assert_fails(dogbreed_tuner_warm_start(tuner, NULL, "b"), DOGBREED_ERROR_INVALID_ARGUMENT,
                 "storage");
    assert_fails(dogbreed_tuner_warm_start(tuner, "", "b"), DOGBREED_ERROR_INVALID_ARGUMENT,
                 "storage");
    assert_ok(dogbreed_tuner_warm_start(tuner, "none.db", "b"));
    assert_ok(dogbreed_tuner_warm_start(tuner, "none.db", "c"));
    assert_fails(dogbreed_tuner_warm_start(tuner, "sqlite:///none.db", "b"),
                 DOGBREED_ERROR_INVALID_ARGUMENT, "is there already");
    dogbreed_tuner_destroy(tuner);
    tuner = open_new(storage, "p");
    assert_ok(dogbreed_tuner_warm_start(tuner, storage, "p"));
    assert_int_equal(dogbreed_tuner_trial_count(tuner), DOGBREED_ERROR_INVALID_ARGUMENT);
    assert_non_null(strstr(dogbreed_error_message(), "is the new study itself"));
    dogbreed_tuner_destroy(tuner);
    tuner = open_new(storage, "p");
    assert_int_equal(dogbreed_tuner_trial_count(tuner), 0);
    assert_fails(dogbreed_tuner_warm_start(tuner, "a", "b"), DOGBREED_ERROR_STATE, "has begun");
    dogbreed_tuner_destroy(tuner);
    // A password is neither stored nor shown.
    tuner = open_new("", "p");
    assert_ok(
        dogbreed_tuner_warm_start(tuner, "postgresql://me:secret@host/db?password=secret", NULL));
    assert_fails(dogbreed_tuner_warm_start(tuner, "postgresql://me:other@host/db", NULL),
                 DOGBREED_ERROR_INVALID_ARGUMENT, "of postgresql://me@host/db: is there already");
    dogbreed_tuner_destroy(tuner);
    free(storage);
}

static char log_line[1200];

static void keep_line(int32_t level, const char *line, void *userdata) {
    (void)level;
    (void)userdata;
    (void)snprintf(log_line, sizeof log_line, "%s", line);
}

// Choices stand by what they are, wherever they stand in the list.
static void what_falls_outside_is_left_out(void **state) {
    (void)state;
    static const char *const narrow[] = {"x=-0.5..0.5", "n=log:1:1000", "colour=0,red", NULL};
    char *parents = copy_of(new_storage(&f));
    char *storage = copy_of(new_storage(&f));
    make_parent(parents, "study", 1, 40);
    dogbreed_tuner *parent = open_new(parents, "other");
    json_t *params = NULL;
    int64_t number = ask(parent, &params);
    json_decref(params);
    assert_ok(dogbreed_tuner_tell(parent, number, DOGBREED_TRIAL_FAIL, (double)NAN));
    dogbreed_tuner_options options = options_of(storage, "new");
    dogbreed_tuner *tuner = create(&options, narrow);
    assert_ok(dogbreed_tuner_warm_start(tuner, parents, NULL));
    dogbreed_log_set(keep_line, NULL, DOGBREED_LOG_INFO);
    assert_int_equal(dogbreed_tuner_trial_count(tuner), 0);
    dogbreed_log_set(NULL, NULL, DOGBREED_LOG_WARNING);
    dogbreed_tuner_destroy(tuner);
    json_t *object = frozen(storage, "new");
    const json_t *points = json_object_get(object, "points");
    const json_t *row = json_array_get(json_object_get(object, "parents"), 0);
    // The other way: from the trials of the parent as they are shown.
    dogbreed_tuner_destroy(parent);
    options = options_of(parents, "study");
    options.sampler = DOGBREED_SAMPLER_QMC;
    options.seed = 1;
    parent = create(&options, space);
    size_t at = 0;
    for (int64_t i = 0; i < 40; i++) {
        json_t *trial = trial_json(parent, i);
        const json_t *p = json_object_get(trial, "params");
        const json_t *colour = json_object_get(p, "colour");
        const char *word = json_string_value(colour);
        if (fabs(member(p, "x")) <= 0.5 && (word == NULL || strcmp(word, "red") == 0)) {
            const json_t *point = json_array_get(points, at++);
            assert_true(json_number_value(json_array_get(point, 0)) == member(p, "x"));
            assert_true(json_number_value(json_array_get(point, 1)) == member(p, "n"));
            assert_true(json_number_value(json_array_get(point, 2)) == (word != NULL));
            assert_true(json_number_value(json_array_get(point, 3)) ==
                        json_number_value(json_object_get(trial, "value")));
        }
        json_decref(trial);
    }
    assert_true(at > 5 && at < 30);
    assert_int_equal(json_array_size(points), at);
    assert_int_equal(json_integer_value(json_object_get(row, "trials")), at);
    assert_int_equal(json_integer_value(json_object_get(row, "outside")), 40 - at);
    char part[64];
    (void)snprintf(part, sizeof part, "%zu trials taken, %zu left out", at, 40 - at);
    assert_non_null(strstr(log_line, part));
    dogbreed_tuner_destroy(parent);
    json_decref(object);
    free(storage);
    free(parents);
}

static void what_is_stored_is_checked(void **state) {
    (void)state;
    static const char *const broken[] = {"{\"version\": 1, \"points\": []}",
                                         "{}",
                                         "[]",
                                         "{\"version\": 2, \"points\": []}",
                                         "{\"version\": 1, \"points\": [[1]]}",
                                         "{\"version\": 1, \"points\": [[1, 2, 0, 3], 7]}",
                                         "{\"version\": 1, \"points\": [[1, 2, \"red\", 3]]}",
                                         "{\"version\": 1, \"points\": [[1, 2, null, 3]]}"};
    char *storage = copy_of(new_storage(&f));
    free(played(open_new(storage, "new"), 2));
    for (size_t i = 0; i < sizeof broken / sizeof broken[0]; i++) {
        dogb_study *handle = NULL;
        dogb_study_conf conf = {.url = storage, .name = "new"};
        assert_ok(dogb_study_open(&handle, &conf));
        assert_ok(dogb_study_attribute(handle, -1, 0, "dogbreed:warm", broken[i]));
        dogb_study_close(handle);
        dogbreed_tuner *tuner = open_new(storage, "new");
        int64_t count = dogbreed_tuner_trial_count(tuner);
        assert_int_equal(count, i == 0 ? 2 : DOGBREED_ERROR_FORMAT);
        dogbreed_tuner_destroy(tuner);
    }
    free(storage);
}

// --- what it is good for

// Curves of a parent say nothing to a pruner.
static void pruners_do_not_see_them(void **state) {
    (void)state;
    char *storage = copy_of(new_storage(&f));
    for (int way = 0; way < 2; way++) {
        dogbreed_tuner_options options = options_of(way == 0 ? storage : "", "study");
        options.pruner = DOGBREED_PRUNER_MEDIAN;
        dogbreed_tuner *tuner = create(&options, space);
        if (way == 1) {
            assert_ok(dogbreed_tuner_warm_start(tuner, storage, "study"));
        }
        for (int i = 0; i < 8 - 6 * way; i++) {
            json_t *params = NULL;
            int32_t prune = 7;
            int64_t number = ask(tuner, &params);
            json_decref(params);
            assert_ok(dogbreed_tuner_report(tuner, number, 1, way == 0 ? 0 : 100, &prune));
            assert_int_equal(prune, 0);
            assert_ok(dogbreed_tuner_tell(tuner, number, DOGBREED_TRIAL_COMPLETE, 1));
        }
        dogbreed_tuner_destroy(tuner);
    }
    free(storage);
}

static int compare(const void *a, const void *b) {
    double left = *(const double *)a;
    double right = *(const double *)b;
    return (left > right) - (left < right);
}

enum { SEEDS = 15 };

static double median_of_ten(int32_t sampler, const char *parent) {
    double best[SEEDS];
    for (int seed = 0; seed < SEEDS; seed++) {
        dogbreed_tuner_options options = options_of("", "new");
        options.sampler = sampler;
        options.startup = -1;
        options.seed = (uint64_t)seed + 100;
        dogbreed_tuner *tuner = create(&options, space);
        if (parent != NULL) {
            assert_ok(dogbreed_tuner_warm_start(tuner, parent, NULL));
        }
        play(tuner, 10);
        best[seed] = trial_value(tuner, -1);
        dogbreed_tuner_destroy(tuner);
    }
    qsort(best, SEEDS, sizeof best[0], compare);
    return best[SEEDS / 2];
}

static void ten_trials_find_more(void **state) {
    (void)state;
    char *parent = copy_of(new_storage(&f));
    make_parent(parent, "study", 5, 40);
    static const int32_t samplers[] = {DOGBREED_SAMPLER_TPE, DOGBREED_SAMPLER_GP};
    for (int i = 0; i < 2; i++) {
        double cold = median_of_ten(samplers[i], NULL);
        double warm = median_of_ten(samplers[i], parent);
        print_message("# %s: median of the best of 10: cold %.4g, warm %.4g\n",
                      i == 0 ? "tpe" : "gp", cold, warm);
        assert_true(warm < 0.7 * cold);
    }
    free(parent);
}

// --- memory

static int once(const char *storage, const char *parents) {
    dogbreed_tuner *tuner = NULL;
    char *json = NULL;
    int64_t number = -1;
    dogbreed_tuner_options options = options_of(storage, "new");
    int rc = dogbreed_tuner_create(&tuner, &options);
    for (size_t i = 0; rc == DOGBREED_OK && space[i] != NULL; i++) {
        rc = dogbreed_tuner_add(tuner, space[i]);
    }
    rc = rc < 0 ? rc : dogbreed_tuner_warm_start(tuner, parents, "p");
    rc = rc < 0 ? rc : dogbreed_tuner_warm_start(tuner, parents, "q");
    rc = rc < 0 ? rc : dogbreed_tuner_ask(tuner, &number, &json);
    dogbreed_free(json);
    rc = rc < 0 ? rc : dogbreed_tuner_tell(tuner, number, DOGBREED_TRIAL_COMPLETE, 1);
    dogbreed_tuner_destroy(tuner);
    return rc;
}

static void memory_may_run_out_anywhere(void **state) {
    (void)state;
    char *parents = copy_of(new_storage(&f));
    make_parent(parents, "p", 1, 4);
    make_parent(parents, "q", 2, 4);
    int failures = 0;
    int step = getenv("DOGBREED_TEST_SHORT") == NULL ? 7 : 29; // of some hundreds
    for (int stored = 0; stored < 2; stored++) {
        for (int i = 0, failed = 1; failed; i += step) {
            char *storage = copy_of(stored ? new_storage(&f) : "");
            memory_fail_after(i);
            int rc = once(storage, parents);
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
            if (stored && rc < 0) { // begun whole, or not at all
                assert_ok(once(storage, parents));
                json_t *object = frozen(storage, "new");
                assert_int_equal(json_array_size(json_object_get(object, "points")), 8);
                json_decref(object);
                (void)unlink(storage);
            }
            free(storage);
        }
    }
    assert_true(failures > 20);
    free(parents);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(none_one_and_seven_parents),
        cmocka_unit_test(a_parent_that_has_just_begun),
        cmocka_unit_test(a_running_parent_changes_nothing_later),
        cmocka_unit_test(other_parents_are_refused_later),
        cmocka_unit_test(parents_must_search_the_same),
        cmocka_unit_test(wrong_calls),
        cmocka_unit_test(what_falls_outside_is_left_out),
        cmocka_unit_test(what_is_stored_is_checked),
        cmocka_unit_test(pruners_do_not_see_them),
        cmocka_unit_test(ten_trials_find_more),
        cmocka_unit_test(memory_may_run_out_anywhere),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
