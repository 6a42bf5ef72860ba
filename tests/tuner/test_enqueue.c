// The study's queue: trials that are asked for run in their turn, once, with what they fix.
#include "out_of_memory.h"
#include "tuner_test.h"

enum { TRIALS = 8 };

static const char FIRST[] = "{\"learning_rate\": 0.25, \"batch_size\": 8, \"epochs\": 2}";
static const char SECOND[] = "{\"batch_size\": 16}";

static void fill(dogbreed_tuner *tuner) {
    assert_ok(dogbreed_tuner_enqueue(tuner, FIRST));
    assert_ok(dogbreed_tuner_enqueue(tuner, SECOND));
    assert_ok(dogbreed_tuner_enqueue(tuner, FIRST)); // is there already
}

static void check_first(dogbreed_tuner *tuner) {
    assert_string_equal(trial_text(tuner, 0, "params"),
                        "{\"batch_size\": 8, \"epochs\": 2, \"learning_rate\": 0.25}");
    assert_non_null(strstr(trial_text(tuner, 1, "params"), "\"batch_size\": 16"));
}

static void queued_trials_come_first(void **state) {
    (void)state;
    char *lists[2];
    for (int stored = 0; stored < 2; stored++) {
        dogbreed_tuner *tuner = tuner_small(&f, stored ? new_storage(&f) : "", TRIALS);
        fill(tuner);
        assert_int_equal(dogbreed_tuner_trial_count(tuner), 2);
        assert_string_equal(trial_text(tuner, 0, "state"), "WAITING");
        assert_ok(dogbreed_tuner_run(tuner));
        assert_int_equal(dogbreed_tuner_trial_count(tuner), TRIALS);
        check_first(tuner);
        assert_non_null(strstr(trial_text(tuner, 1, "params"), "learning_rate")); // suggested
        lists[stored] = trials_text(tuner);
        fill(tuner); // they have run: nothing is added
        assert_int_equal(dogbreed_tuner_trial_count(tuner), TRIALS);
        dogbreed_tuner_destroy(tuner);
    }
    assert_same_trials(lists[1], lists[0]);
    free(lists[0]);
}

// Others see the queue, and it outlives who filled it.
static void a_queue_is_part_of_the_study(void **state) {
    (void)state;
    const char *storage = new_storage(&f);
    dogbreed_tuner *one = tuner_small(&f, storage, TRIALS);
    fill(one);
    dogbreed_tuner *other = tuner_small(&f, storage, TRIALS);
    fill(other);
    assert_int_equal(dogbreed_tuner_trial_count(other), 2);
    assert_ok(dogbreed_tuner_enqueue(other, "{\"epochs\": 3}"));
    fill(one);
    assert_int_equal(dogbreed_tuner_trial_count(one), 3);
    dogbreed_tuner_destroy(one);
    dogbreed_tuner_destroy(other);
    dogbreed_tuner *later = tuner_small(&f, storage, TRIALS);
    assert_ok(dogbreed_tuner_run(later));
    assert_int_equal(dogbreed_tuner_trial_count(later), TRIALS);
    check_first(later);
    assert_non_null(strstr(trial_text(later, 2, "params"), "\"epochs\": 3"));
    dogbreed_tuner_destroy(later);
}

static void a_loop_of_its_own_gets_them(void **state) {
    (void)state;
    for (int stored = 0; stored < 2; stored++) {
        dogbreed_tuner *tuner = NULL;
        dogbreed_tuner_options options = tuner_options(stored ? new_storage(&f) : "", TRIALS);
        options.objective = DOGBREED_OBJECTIVE_MINIMIZE;
        assert_ok(dogbreed_tuner_create(&tuner, &options));
        assert_ok(dogbreed_tuner_add(tuner, "x=0.05..0.95"));
        assert_ok(dogbreed_tuner_add(tuner, "word=a,b,3"));
        assert_ok(dogbreed_tuner_enqueue(tuner, "{\"x\": 0.1, \"word\": \"b\"}"));
        assert_ok(dogbreed_tuner_enqueue(tuner, "{\"x\": 0.1, \"word\": 3}"));
        static const char *const wanted[] = {"\"b\"", "3"};
        for (int64_t i = 0; i < 3; i++) {
            char *json = NULL;
            int64_t number = -1;
            assert_ok(dogbreed_tuner_ask(tuner, &number, &json));
            assert_int_equal(number, i);
            if (i < 2) {
                assert_non_null(strstr(json, wanted[i]));
                assert_non_null(strstr(json, "0.1"));
            }
            dogbreed_free(json);
            assert_ok(dogbreed_tuner_tell(tuner, number, DOGBREED_TRIAL_COMPLETE, 1.0));
        }
        dogbreed_tuner_destroy(tuner);
    }
}

static void refusals(void **state) {
    (void)state;
    static const struct {
        const char *json;
        int code;
        const char *part;
    } rows[] = {
        {"", DOGBREED_ERROR_FORMAT, "enqueue"},
        {"{\"epochs\"", DOGBREED_ERROR_FORMAT, "enqueue"},
        {"[1]", DOGBREED_ERROR_INVALID_ARGUMENT, "expected an object"},
        {"{}", DOGBREED_ERROR_INVALID_ARGUMENT, "expected an object"},
        {"{\"speed\": 1}", DOGBREED_ERROR_INVALID_ARGUMENT, "speed is no parameter"},
        {"{\"epochs\": 9}", DOGBREED_ERROR_INVALID_ARGUMENT, "a whole number, 1 to 4"},
        {"{\"epochs\": 1.5}", DOGBREED_ERROR_INVALID_ARGUMENT, "a whole number, 1 to 4"},
        {"{\"learning_rate\": 5}", DOGBREED_ERROR_INVALID_ARGUMENT, "0.001 to 0.5"},
        {"{\"learning_rate\": \"high\"}", DOGBREED_ERROR_INVALID_ARGUMENT, "\"high\" is out"},
        {"{\"learning_rate\": null}", DOGBREED_ERROR_INVALID_ARGUMENT, "null is out"},
        {"{\"batch_size\": 5}", DOGBREED_ERROR_INVALID_ARGUMENT, "none of its 3 choices"},
    };
    dogbreed_tuner *tuner = tuner_small(&f, "", TRIALS);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_fails(dogbreed_tuner_enqueue(tuner, rows[i].json), rows[i].code, rows[i].part);
    }
    assert_fails(dogbreed_tuner_enqueue(tuner, NULL), DOGBREED_ERROR_INVALID_ARGUMENT, "NULL");
    assert_fails(dogbreed_tuner_enqueue(NULL, FIRST), DOGBREED_ERROR_INVALID_ARGUMENT, "NULL");
    assert_int_equal(dogbreed_tuner_trial_count(tuner), 0);
    dogbreed_tuner_destroy(tuner);
}

static int enqueue_now(const dogbreed_trial_event *event, void *userdata) {
    (void)event;
    assert_fails(dogbreed_tuner_enqueue(userdata, FIRST), DOGBREED_ERROR_STATE, "enqueue");
    return DOGBREED_STOP;
}

static void not_from_a_listener(void **state) {
    (void)state;
    dogbreed_tuner *tuner = tuner_small(&f, "", 2);
    assert_ok(dogbreed_tuner_listen(tuner, enqueue_now, NULL, tuner));
    assert_ok(dogbreed_tuner_run(tuner));
    dogbreed_tuner_destroy(tuner);
}

static int once(const dogbreed_tuner_options *options) {
    dogbreed_tuner *tuner = NULL;
    int64_t number = -1;
    char *json = NULL;
    int rc = dogbreed_tuner_create(&tuner, options);
    for (size_t i = 0; rc == DOGBREED_OK && i < 3; i++) {
        rc = dogbreed_tuner_add(tuner, small_space[i]);
    }
    rc = rc < 0 ? rc : dogbreed_tuner_enqueue(tuner, FIRST);
    rc = rc < 0 ? rc : dogbreed_tuner_enqueue(tuner, SECOND);
    rc = rc < 0 ? rc : dogbreed_tuner_ask(tuner, &number, &json);
    dogbreed_free(json);
    dogbreed_tuner_destroy(tuner);
    return rc;
}

static void memory_may_run_out_anywhere(void **state) {
    (void)state;
    dogbreed_tuner_options options = tuner_options("", TRIALS);
    options.objective = DOGBREED_OBJECTIVE_MINIMIZE;
    for (int stored = 0; stored < 2; stored++) {
        int failures = 0;
        for (int i = 0, failed = 1; failed; i += 1 + i / 12) {
            options.storage = stored ? new_storage(&f) : "";
            memory_fail_after(i);
            int rc = once(&options);
            failed = memory_restore();
            if (rc != DOGBREED_OK && !failed) {
                fail_msg("allocation %d: %s: %s", i, dogbreed_error_name(rc),
                         dogbreed_error_message());
            }
            failures += rc < 0;
            if (stored && rc < 0) { // the queue is gone on with
                assert_ok(once(&options));
            }
        }
        assert_true(failures > 5);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(queued_trials_come_first),
        cmocka_unit_test(a_queue_is_part_of_the_study),
        cmocka_unit_test(a_loop_of_its_own_gets_them),
        cmocka_unit_test(refusals),
        cmocka_unit_test(not_from_a_listener),
        cmocka_unit_test(memory_may_run_out_anywhere),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
