// Studies on SQLite: what each call leaves in the tables, read with plain SQL, and what it gives
// back.
#include "study_test.h"

#include <dogbreed/common.h>

#include <pthread.h>

static void new_study_has_the_rows_that_optuna_looks_for(void **state) {
    (void)state;
    dogb_study *study = open_study("new.db");
    dogb_study_close(study);
    assert_rows("new.db", "SELECT * FROM version_info", "1|12|4.9.0");
    assert_rows("new.db", "SELECT * FROM alembic_version", "v3.2.0.a");
    assert_rows("new.db", "SELECT * FROM studies", "1|dogs");
    assert_rows("new.db", "SELECT direction, study_id, objective FROM study_directions",
                "MAXIMIZE|1|0");
    assert_rows("new.db", "PRAGMA journal_mode", "wal");
}

static void create_says_what_may_be_there(void **state) {
    (void)state;
    dogb_study *study = NULL;
    dogb_study_conf conf = conf_of("create.db");
    conf.create = 0;
    assert_fails(dogb_study_open(&study, &conf), DOGBREED_ERROR_NOT_FOUND, "create.db");
    assert_null(study);
    conf.create = 2;
    assert_ok(dogb_study_open(&study, &conf));
    dogb_study_close(study);
    assert_fails(dogb_study_open(&study, &conf), DOGBREED_ERROR_EXISTS, "dogs");
    conf.create = 1;
    assert_ok(dogb_study_open(&study, &conf));
    dogb_study_close(study);
    conf.create = 0;
    conf.name = "cats";
    assert_fails(dogb_study_open(&study, &conf), DOGBREED_ERROR_NOT_FOUND, "cats");
    conf.name = "dogs";
    conf.direction = DOGB_MINIMIZE;
    assert_fails(dogb_study_open(&study, &conf), DOGBREED_ERROR_MISMATCH, "MAXIMIZE");
    conf.direction = 0;
    assert_ok(dogb_study_open(&study, &conf));
    assert_int_equal(dogb_study_direction(study), DOGB_MAXIMIZE);
    dogb_study_close(study);
    dogb_study_close(NULL);
}

static void urls(void **state) {
    (void)state;
    static const struct {
        const char *url;
        int code;
        const char *part;
    } wrong[] = {
        {"mysql://root@host/db", DOGBREED_ERROR_UNSUPPORTED, "mysql://"},
        {"sqlite://", DOGBREED_ERROR_UNSUPPORTED, "unknown kind"},
        {"sqlite:///:memory:", DOGBREED_ERROR_UNSUPPORTED, "memory"},
        {":memory:", DOGBREED_ERROR_UNSUPPORTED, "memory"},
        {"sqlite:///a.db?timeout=3", DOGBREED_ERROR_UNSUPPORTED, "'?'"},
        {"", DOGBREED_ERROR_INVALID_ARGUMENT, "path or URL"},
        {"/no/such/folder/a.db", DOGBREED_ERROR_IO, "cannot be opened"},
    };
    dogb_study *study = NULL;
    dogb_study_conf conf = conf_of("url.db");
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        conf.url = wrong[i].url;
        assert_fails(dogb_study_open(&study, &conf), wrong[i].code, wrong[i].part);
    }
    char url[1024];
    (void)snprintf(url, sizeof url, "sqlite+pysqlite:///%s", scratch("url.db"));
    conf.url = url;
    assert_ok(dogb_study_open(&study, &conf));
    dogb_study_close(study);
    assert_rows("url.db", "SELECT study_name FROM studies", "dogs");
}

static void added_trial_stands_in_the_tables(void **state) {
    (void)state;
    dogb_study *study = open_study("add.db");
    int64_t id = 0;
    int64_t number = -1;
    assert_ok(dogb_study_add(study, &id, &number, 0, DOGB_TRIAL_RUNNING, three_params, 3,
                             "{\"host\": \"b\\u00e4r\", \"list\": [1, 2.5, null]}"));
    assert_int_equal(number, 0);
    assert_fails(dogb_study_add(study, &id, &number, 0, DOGB_TRIAL_RUNNING, three_params, 3, NULL),
                 DOGBREED_ERROR_EXISTS, "next trial is 1");
    assert_ok(dogb_study_add(study, &id, &number, 1, DOGB_TRIAL_RUNNING, NULL, 0, NULL));
    assert_int_equal(number, 1);
    assert_rows("add.db", "SELECT number, study_id, state, datetime_complete FROM trials",
                "0|1|RUNNING|-;1|1|RUNNING|-");
    assert_rows("add.db",
                "SELECT COUNT(*) FROM trials WHERE datetime_start GLOB '[0-9][0-9][0-9][0-9]-[01]"
                "[0-9]-[0-3][0-9] [0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9][0-9][0-9][0-9]' "
                "AND abs(julianday('now') - julianday(datetime_start)) < 0.001",
                "2");
    assert_rows("add.db", "SELECT trial_id, param_name, param_value FROM trial_params",
                "1|learning_rate|0.003;1|epochs|7.0;1|batch_size|1.0");
    assert_rows("add.db", "SELECT \"key\", value_json FROM trial_user_attributes",
                "host|\"b\\u00E4r\";list|[1, 2.5, null]");
    dogb_study_close(study);
}

static void impossible_values_are_refused(void **state) {
    (void)state;
    static const struct {
        dogb_study_param param;
        const char *part;
    } wrong[] = {
        {{"lr", 0.5, FLOAT_LOG}, "lr: 0.5 does not come from"},
        {{"lr", NAN, FLOAT_LOG}, "lr"},
        {{"epochs", 6.5, INT_6_10}, "epochs: 6.5"},
        {{"batch", 2, CHOICES}, "batch: 2"},
        {{"", 0.01, FLOAT_LOG}, "expected a name"},
        {{"l\xff", 0.01, FLOAT_LOG}, "UTF-8"},
        {{"lr", 0.01, NULL}, "expected a distribution"},
    };
    dogb_study *study = open_study("values.db");
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_fails(
            dogb_study_add(study, NULL, NULL, -1, DOGB_TRIAL_RUNNING, &wrong[i].param, 1, NULL),
            DOGBREED_ERROR_INVALID_ARGUMENT, wrong[i].part);
    }
    assert_fails(dogb_study_add(study, NULL, NULL, -1, DOGB_TRIAL_COMPLETE, NULL, 0, NULL),
                 DOGBREED_ERROR_INVALID_ARGUMENT, "RUNNING or WAITING");
    assert_fails(dogb_study_add(study, NULL, NULL, -1, DOGB_TRIAL_RUNNING, NULL, 0, "[1]"),
                 DOGBREED_ERROR_INVALID_ARGUMENT, "JSON object");
    assert_rows("values.db", "SELECT COUNT(*) FROM trials", "0");
    dogb_study_close(study);
}

static void parameter_keeps_its_kind_in_the_study(void **state) {
    (void)state;
    dogb_study *study = open_study("kind.db");
    int64_t id = add_trial(study);
    const dogb_study_param wider = {
        "learning_rate", 0.5,
        "{\"name\":\"FloatDistribution\",\"attributes\":{\"low\":1e-6,\"high\":1,\"log\":true}}"};
    const dogb_study_param linear = {
        "learning_rate", 0.5,
        "{\"name\":\"FloatDistribution\",\"attributes\":{\"low\":1e-6,\"high\":1}}"};
    const dogb_study_param kind = {"learning_rate", 7, INT_6_10};
    const dogb_study_param turned = {
        "batch_size", 1,
        "{\"name\":\"CategoricalDistribution\",\"attributes\":{\"choices\":[64,32]}}"};
    int64_t other = 0;
    assert_ok(dogb_study_add(study, &other, NULL, -1, DOGB_TRIAL_RUNNING, &wider, 1, NULL));
    assert_fails(dogb_study_param_set(study, other, &linear), DOGBREED_ERROR_MISMATCH, "linear");
    assert_fails(dogb_study_param_set(study, other, &kind), DOGBREED_ERROR_MISMATCH,
                 "IntDistribution");
    assert_fails(dogb_study_param_set(study, other, &turned), DOGBREED_ERROR_MISMATCH, "choices");
    assert_fails(dogb_study_add(study, NULL, NULL, -1, DOGB_TRIAL_RUNNING, &turned, 1, NULL),
                 DOGBREED_ERROR_MISMATCH, "choices");
    assert_ok(dogb_study_param_set(study, other, &three_params[1]));
    assert_ok(dogb_study_tell(study, id, DOGB_TRIAL_COMPLETE, 0.5));
    assert_fails(dogb_study_param_set(study, id, &three_params[1]), DOGBREED_ERROR_STATE,
                 "COMPLETE");
    dogb_study_close(study);
    study = open_study("kind.db"); // the same from what is stored
    assert_fails(dogb_study_param_set(study, other, &turned), DOGBREED_ERROR_MISMATCH, "choices");
    dogb_study_close(study);
    assert_rows("kind.db", "SELECT COUNT(*) FROM trials", "2");
}

static void infinities_and_nan(void **state) {
    (void)state;
    dogb_study *study = open_study("inf.db");
    int64_t id = add_trial(study);
    const double values[] = {0.1, NAN, INFINITY, -INFINITY, 5e-324, 1.7976931348623157e308};
    for (int i = 0; i < 6; i++) {
        assert_ok(dogb_study_report(study, id, i + 1, values[i]));
    }
    assert_ok(dogb_study_report(study, id, 1, 0.30000000000000004)); // again
    assert_rows("inf.db",
                "SELECT step, intermediate_value IS NULL, intermediate_value_type "
                "FROM trial_intermediate_values ORDER BY step",
                "1|0|FINITE;2|1|NAN;3|1|INF_POS;4|1|INF_NEG;5|0|FINITE;6|0|FINITE");
    assert_ok(dogb_study_tell(study, id, DOGB_TRIAL_COMPLETE, -INFINITY));
    int64_t nan = add_trial(study);
    assert_ok(dogb_study_tell(study, nan, DOGB_TRIAL_COMPLETE, NAN));
    assert_rows("inf.db", "SELECT trial_id, objective, value, value_type FROM trial_values",
                "1|0|-|INF_NEG");
    assert_rows("inf.db", "SELECT state FROM trials", "COMPLETE;FAIL");
    dogb_arena arena = {0};
    const dogb_study_trial *trials = NULL;
    int64_t count = 0;
    assert_ok(dogb_study_trials(&trials, &count, study, &arena));
    assert_int_equal(count, 2);
    assert_int_equal(trials[0].curve_count, 6);
    assert_true(trials[0].curve[0] == 0.30000000000000004);
    assert_true(isnan(trials[0].curve[1]));
    assert_true(trials[0].curve[2] == INFINITY && trials[0].curve[3] == -INFINITY);
    assert_true(trials[0].curve[4] == 5e-324 && trials[0].curve[5] == 1.7976931348623157e308);
    assert_true(trials[0].value == -INFINITY);
    assert_true(isnan(trials[1].value));
    dogb_arena_free(&arena);
    dogb_study_close(study);
}

static void pruned_takes_the_last_report(void **state) {
    (void)state;
    dogb_study *study = open_study("pruned.db");
    int64_t reported = add_trial(study);
    int64_t silent = add_trial(study);
    int64_t nan = add_trial(study);
    assert_ok(dogb_study_report(study, reported, 2, 0.5));
    assert_ok(dogb_study_report(study, reported, 1, 0.9));
    assert_ok(dogb_study_report(study, nan, 1, NAN));
    assert_ok(dogb_study_tell(study, reported, DOGB_TRIAL_PRUNED, NAN));
    assert_ok(dogb_study_tell(study, silent, DOGB_TRIAL_PRUNED, NAN));
    assert_ok(dogb_study_tell(study, nan, DOGB_TRIAL_PRUNED, NAN));
    assert_rows("pruned.db", "SELECT trial_id, value FROM trial_values", "1|0.5");
    assert_rows("pruned.db", "SELECT state, datetime_complete IS NULL FROM trials",
                "PRUNED|0;PRUNED|0;PRUNED|0");
    dogb_study_close(study);
}

static void what_is_over_stays_as_it_is(void **state) {
    (void)state;
    dogb_study *study = open_study("over.db");
    int64_t id = add_trial(study);
    assert_ok(dogb_study_tell(study, id, DOGB_TRIAL_COMPLETE, 0.5));
    assert_fails(dogb_study_tell(study, id, DOGB_TRIAL_FAIL, NAN), DOGBREED_ERROR_STATE,
                 "COMPLETE");
    assert_fails(dogb_study_report(study, id, 1, 0.5), DOGBREED_ERROR_STATE, "COMPLETE");
    assert_fails(dogb_study_attribute(study, id, 0, "a", "1"), DOGBREED_ERROR_STATE, "COMPLETE");
    assert_fails(dogb_study_heartbeat(study, id), DOGBREED_ERROR_STATE, "COMPLETE");
    assert_fails(dogb_study_report(study, 77, 1, 0.5), DOGBREED_ERROR_NOT_FOUND, "77");
    assert_fails(dogb_study_report(study, id, -1, 0.5), DOGBREED_ERROR_INVALID_ARGUMENT, "step");
    assert_fails(dogb_study_tell(study, id, DOGB_TRIAL_RUNNING, 0.5),
                 DOGBREED_ERROR_INVALID_ARGUMENT, "RUNNING");
    dogb_study_conf conf = conf_of("over.db");
    conf.name = "another";
    dogb_study *another = NULL;
    assert_ok(dogb_study_open(&another, &conf));
    int64_t foreign = add_trial(another);
    assert_fails(dogb_study_tell(study, foreign, DOGB_TRIAL_FAIL, NAN), DOGBREED_ERROR_NOT_FOUND,
                 "id 2");
    dogb_study_close(another);
    dogb_study_close(study);
}

static void queue_is_served_in_order(void **state) {
    (void)state;
    dogb_study *study = open_study("queue.db");
    int64_t id = 0;
    int64_t number = 0;
    assert_fails(dogb_study_take_waiting(study, &id, &number), DOGBREED_ERROR_NOT_FOUND,
                 "no trial waits");
    assert_ok(dogb_study_add(study, NULL, NULL, -1, DOGB_TRIAL_WAITING, three_params, 3, NULL));
    assert_ok(dogb_study_add(study, NULL, NULL, -1, DOGB_TRIAL_WAITING, NULL, 0, NULL));
    assert_rows("queue.db", "SELECT state, datetime_start FROM trials", "WAITING|-;WAITING|-");
    assert_rows("queue.db", "SELECT COUNT(*) FROM trial_params", "0");
    assert_ok(dogb_study_take_waiting(study, &id, &number));
    assert_int_equal(number, 0);
    dogb_arena arena = {0};
    char *json = NULL;
    assert_ok(dogb_study_attribute_get(&json, study, &arena, id, 1, "fixed_params"));
    assert_string_equal(json, "{\"batch_size\": 64, \"epochs\": 7, \"learning_rate\": 0.003}");
    assert_ok(dogb_study_take_waiting(study, &id, &number));
    assert_int_equal(number, 1);
    assert_fails(dogb_study_take_waiting(study, &id, &number), DOGBREED_ERROR_NOT_FOUND, "waits");
    dogb_arena_free(&arena);
    dogb_study_close(study);
}

static void attributes(void **state) {
    (void)state;
    dogb_study *study = open_study("attributes.db");
    dogb_arena arena = {0};
    char *json = NULL;
    char text[2100];
    memset(text, 'x', sizeof text);
    text[0] = '"';
    text[2044] = '"';
    text[2045] = '\0';
    int64_t id = add_trial(study);
    assert_ok(dogb_study_attribute(study, -1, 0, "dogbreed:search", "{\"seed\": 1}"));
    assert_ok(dogb_study_attribute(study, -1, 0, "dogbreed:search", "{\"seed\": 2}"));
    assert_fails(dogb_study_attribute_first(study, -1, 0, "dogbreed:search", "3"),
                 DOGBREED_ERROR_EXISTS, "dogbreed:search");
    assert_ok(dogb_study_attribute_first(study, -1, 0, "first", "{\"seed\": 3}"));
    assert_fails(dogb_study_attribute_first(study, -1, 0, "first", "4"), DOGBREED_ERROR_EXISTS,
                 "first");
    assert_ok(dogb_study_attribute(study, -1, 1, "study:metric_names", "[\"accuracy\"]"));
    assert_ok(dogb_study_attribute(study, id, 0, "n", "1.5"));
    assert_ok(dogb_study_attribute(study, id, 1, "long", text));
    text[2044] = 'x';
    text[2045] = '"';
    text[2046] = '\0';
    assert_fails(dogb_study_attribute(study, id, 1, "long", text), DOGBREED_ERROR_INVALID_ARGUMENT,
                 "2045");
    assert_ok(dogb_study_attribute(study, id, 0, "long", text));
    assert_fails(dogb_study_attribute(study, id, 0, "bad", "{"), DOGBREED_ERROR_FORMAT, "bad");
    assert_ok(dogb_study_attribute_get(&json, study, &arena, -1, 0, "dogbreed:search"));
    assert_string_equal(json, "{\"seed\": 2}");
    assert_fails(dogb_study_attribute_get(&json, study, &arena, id, 0, "none"),
                 DOGBREED_ERROR_NOT_FOUND, "none");
    assert_null(json);
    (void)ask("attributes.db", "INSERT INTO trial_user_attributes (trial_id, \"key\", value_json) "
                               "VALUES (1, 'p', '[NaN, -Infinity, \"NaN \\\" NaN\"]'), "
                               "(1, 'broken', '{oops')");
    const dogb_study_trial *trial = NULL;
    assert_ok(dogb_study_trial_read(&trial, study, &arena, id));
    assert_non_null(strstr(trial->attributes, "\"p\":[\"NaN\",\"-Infinity\",\"NaN \\\" NaN\"]"));
    assert_non_null(strstr(trial->attributes, "\"broken\":\"{oops\""));
    assert_non_null(strstr(trial->attributes, "\"n\":1.5"));
    assert_fails(dogb_study_trial_read(&trial, study, &arena, 9), DOGBREED_ERROR_NOT_FOUND, "9");
    dogb_arena_free(&arena);
    dogb_study_close(study);
}

static int add_and_fail(dogb_study *study, void *userdata) {
    assert_ok(dogb_study_add(study, userdata, NULL, -1, DOGB_TRIAL_RUNNING, three_params, 3, NULL));
    return DOGBREED_ERROR_STATE;
}

// Whose trial is it? That of the handle that began it, until it ends it, leaves it or is gone.
static void a_trial_runs_in_one_handle(void **state) {
    (void)state;
    dogb_study *one = open_study("claim.db");
    dogb_study *other = open_study("claim.db");
    int64_t running = 0;
    int64_t waiting = 0;
    int64_t undone = 0;
    assert_ok(dogb_study_add(one, &running, NULL, 0, DOGB_TRIAL_RUNNING, three_params, 3, NULL));
    assert_ok(dogb_study_add(one, &waiting, NULL, 1, DOGB_TRIAL_WAITING, three_params, 3, NULL));
    assert_int_equal(dogb_study_take(other, running, DOGB_TRIAL_RUNNING), 0);
    assert_int_equal(dogb_study_take(one, running, DOGB_TRIAL_RUNNING), 1); // its own
    assert_int_equal(dogb_study_take(other, waiting, DOGB_TRIAL_WAITING), 1);
    assert_int_equal(dogb_study_take(one, waiting, DOGB_TRIAL_RUNNING), 0);
    assert_rows("claim.db", "SELECT number, state FROM trials", "0|RUNNING;1|RUNNING");
    dogb_study_leave(one, running);
    assert_int_equal(dogb_study_take(other, running, DOGB_TRIAL_RUNNING), 1);
    assert_int_equal(dogb_study_take(one, running, DOGB_TRIAL_RUNNING), 0);
    assert_ok(dogb_study_tell(other, running, DOGB_TRIAL_COMPLETE, 0.5));
    assert_int_equal(dogb_study_take(one, running, DOGB_TRIAL_RUNNING), 0); // over
    assert_int_equal(dogb_study_take(other, running, DOGB_TRIAL_RUNNING), 0);
    assert_fails(dogb_study_take(other, 77, DOGB_TRIAL_RUNNING), DOGBREED_ERROR_NOT_FOUND, "77");
    dogb_study_close(other);
    assert_int_equal(dogb_study_take(one, waiting, DOGB_TRIAL_WAITING), 0); // no longer
    assert_int_equal(dogb_study_take(one, waiting, DOGB_TRIAL_RUNNING), 1);
    dogb_study_close(one);
    one = open_study("claim.db");
    other = open_study("claim.db");
    // What was undone is nobody's, and its id may be another's.
    assert_int_equal(dogb_study_batch(one, add_and_fail, &undone), DOGBREED_ERROR_STATE);
    assert_ok(dogb_study_add(other, &waiting, NULL, 2, DOGB_TRIAL_WAITING, NULL, 0, NULL));
    assert_int_equal(waiting, undone);
    assert_int_equal(dogb_study_take(other, waiting, DOGB_TRIAL_WAITING), 1);
    assert_int_equal(dogb_study_take(one, waiting, DOGB_TRIAL_RUNNING), 0);
    dogb_study_close(one);
    dogb_study_close(other);
}

static void trials_come_back_as_they_were_told(void **state) {
    (void)state;
    dogb_study *study = open_study("read.db");
    for (int i = 0; i < 50; i++) {
        int64_t id = 0;
        assert_ok(dogb_study_add(study, &id, NULL, i, DOGB_TRIAL_RUNNING, three_params, i % 4,
                                 i % 2 ? "{\"odd\": true}" : NULL));
        for (int step = 1; step <= i % 7; step++) {
            assert_ok(dogb_study_report(study, id, step * 2, i + step * 0.01));
        }
        if (i % 3 == 0) {
            assert_ok(dogb_study_tell(study, id, DOGB_TRIAL_COMPLETE, i * 0.1));
        }
    }
    dogb_arena arena = {0};
    const dogb_study_trial *trials = NULL;
    int64_t count = 0;
    assert_ok(dogb_study_trials(&trials, &count, study, &arena));
    assert_int_equal(count, 50);
    for (int i = 0; i < 50; i++) {
        const dogb_study_trial *t = &trials[i];
        assert_int_equal(t->number, i);
        assert_int_equal(t->state, i % 3 == 0 ? DOGB_TRIAL_COMPLETE : DOGB_TRIAL_RUNNING);
        assert_int_equal(t->param_count, i % 4);
        for (int k = 0; k < t->param_count; k++) {
            assert_string_equal(t->params[k].name, three_params[k].name);
            assert_true(t->params[k].value == three_params[k].value);
            assert_non_null(strstr(t->params[k].distribution, "Distribution"));
        }
        assert_int_equal(t->curve_count, i % 7 * 2);
        for (int step = 1; step <= i % 7; step++) {
            assert_true(isnan(t->curve[step * 2 - 2]));
            assert_true(t->curve[step * 2 - 1] == i + step * 0.01);
        }
        assert_true(i % 3 == 0 ? t->value == i * 0.1 : isnan(t->value));
        assert_true(i % 3 == 0 ? t->complete >= t->start : isnan(t->complete));
        assert_string_equal(t->attributes, i % 2 ? "{\"odd\":true}" : "{}");
        assert_string_equal(t->system, "{}");
    }
    dogb_arena_free(&arena);
    dogb_study_close(study);
}

static void steps_out_of_range_stay_in_the_database(void **state) {
    (void)state;
    dogb_study *study = open_study("steps.db");
    int64_t id = add_trial(study);
    assert_ok(dogb_study_report(study, id, 0, 1));
    assert_ok(dogb_study_report(study, id, 2147483647, 2));
    assert_ok(dogb_study_report(study, id, 3, 3));
    dogb_arena arena = {0};
    const dogb_study_trial *trial = NULL;
    assert_ok(dogb_study_trial_read(&trial, study, &arena, id));
    assert_int_equal(trial->curve_count, 3);
    assert_true(trial->curve[2] == 3);
    dogb_arena_free(&arena);
    dogb_study_close(study);
}

static int two_then_fail(dogb_study *study, void *userdata) {
    (void)add_trial(study);
    (void)add_trial(study);
    return *(const int *)userdata;
}

static int told_of_exists(dogb_study *study, void *userdata) {
    (void)userdata;
    (void)add_trial(study);
    int rc = dogb_study_add(study, NULL, NULL, 9, DOGB_TRIAL_RUNNING, NULL, 0, NULL);
    return rc == DOGBREED_ERROR_EXISTS ? 0 : DOGBREED_ERROR_INTERNAL; // an answer, not a failure
}

static void batch_is_all_or_nothing(void **state) {
    (void)state;
    dogb_study *study = open_study("batch.db");
    int result = DOGBREED_ERROR_CANCELLED;
    assert_int_equal(dogb_study_batch(study, two_then_fail, &result), result);
    assert_rows("batch.db", "SELECT COUNT(*) FROM trials", "0");
    result = 0;
    assert_ok(dogb_study_batch(study, two_then_fail, &result));
    assert_rows("batch.db", "SELECT COUNT(*) FROM trials", "2");
    assert_ok(dogb_study_batch(study, told_of_exists, NULL));
    assert_rows("batch.db", "SELECT number FROM trials ORDER BY trial_id", "0;1;2");
    dogb_study_close(study);
}

static void dead_trials_fail_and_are_queued_again(void **state) {
    (void)state;
    dogb_study_conf conf = conf_of("reap.db");
    conf.heartbeat = 1;
    dogb_study *study = NULL;
    assert_ok(dogb_study_open(&study, &conf));
    int64_t dead = add_trial(study);
    int64_t alive = add_trial(study);
    assert_ok(dogb_study_attribute(study, dead, 0, "who", "\"me\""));
    int32_t count = -1;
    assert_ok(dogb_study_reap(study, 1, &count));
    assert_int_equal(count, 0);
    // Stopped hearts, and one trial that never had any.
    (void)ask("reap.db", "UPDATE trial_heartbeats SET heartbeat = datetime('now', '-10 seconds') "
                         "WHERE trial_id = 1");
    dogb_study *other = open_study("reap.db");
    int64_t without = add_trial(other);
    dogb_study_close(other);
    assert_ok(dogb_study_reap(study, 1, &count));
    assert_int_equal(count, 1);
    assert_rows("reap.db", "SELECT trial_id, number, state FROM trials",
                "1|0|FAIL;2|1|RUNNING;3|2|RUNNING;4|3|WAITING");
    assert_rows("reap.db",
                "SELECT \"key\", value_json FROM trial_system_attributes "
                "WHERE trial_id = 4 ORDER BY 1",
                "failed_trial|0;retry_history|[0]");
    assert_rows("reap.db",
                "SELECT param_name FROM trial_params WHERE trial_id = 4 ORDER BY param_id",
                "learning_rate;epochs;batch_size");
    assert_rows("reap.db", "SELECT value_json FROM trial_user_attributes WHERE trial_id = 4",
                "\"me\"");
    int64_t again = 0;
    assert_ok(dogb_study_take_waiting(study, &again, NULL));
    (void)ask("reap.db", "UPDATE trial_heartbeats SET heartbeat = datetime('now', '-10 seconds') "
                         "WHERE trial_id = 4");
    assert_ok(dogb_study_reap(study, 2, &count));
    assert_int_equal(count, 1);
    assert_rows("reap.db",
                "SELECT \"key\", value_json FROM trial_system_attributes "
                "WHERE trial_id = 5 ORDER BY 1",
                "failed_trial|0;retry_history|[0, 3]");
    assert_ok(dogb_study_take_waiting(study, &again, NULL));
    (void)ask("reap.db", "UPDATE trial_heartbeats SET heartbeat = datetime('now', '-10 seconds') "
                         "WHERE trial_id = 5");
    assert_ok(dogb_study_reap(study, 2, &count)); // often enough
    assert_rows("reap.db", "SELECT trial_id, state FROM trials WHERE trial_id >= 4",
                "4|FAIL;5|FAIL");
    assert_ok(dogb_study_tell(study, alive, DOGB_TRIAL_COMPLETE, 1));
    assert_ok(dogb_study_tell(study, without, DOGB_TRIAL_COMPLETE, 1));
    dogb_study_close(study);
}

static void thread_beats_for_running_trials_alone(void **state) {
    (void)state;
    dogb_study_conf conf = conf_of("heart.db");
    conf.heartbeat = 0.05;
    dogb_study *study = NULL;
    assert_ok(dogb_study_open(&study, &conf));
    int64_t told = add_trial(study);
    int64_t running = add_trial(study);
    assert_ok(dogb_study_tell(study, told, DOGB_TRIAL_FAIL, NAN));
    dogb_study *other = open_study("heart.db");
    int64_t adopted = add_trial(other);
    dogb_study_close(other);
    assert_ok(dogb_study_heartbeat(study, adopted));
    (void)ask("heart.db", "UPDATE trial_heartbeats SET heartbeat = '2020-01-01 00:00:00'");
    for (int i = 0; i < 200 && strcmp(ask("heart.db", "SELECT COUNT(*) FROM trial_heartbeats WHERE "
                                                      "heartbeat > '2021-01-01'"),
                                      "2") != 0;
         i++) {
        wait_ms(50);
    }
    char expected[80];
    (void)snprintf(expected, sizeof expected, "%d|0;%d|1;%d|1", (int)told, (int)running,
                   (int)adopted);
    assert_rows("heart.db",
                "SELECT trial_id, heartbeat > '2021-01-01' FROM trial_heartbeats ORDER BY 1",
                expected);
    dogb_study_close(study);
}

enum { THREADS = 4, EACH = 25 };

static void *work(void *userdata) {
    dogb_study *study = userdata;
    for (int i = 0; i < EACH; i++) {
        int64_t id = 0;
        if (dogb_study_add(study, &id, NULL, -1, DOGB_TRIAL_RUNNING, three_params, 3, NULL) < 0 ||
            dogb_study_report(study, id, 1, i) < 0 ||
            dogb_study_tell(study, id, DOGB_TRIAL_COMPLETE, i) < 0) {
            return study;
        }
    }
    return NULL;
}

static void threads_share_a_handle(void **state) {
    (void)state;
    pthread_t threads[THREADS];
    dogb_study *study = open_study("threads.db");
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, work, study), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        void *failed = NULL;
        (void)pthread_join(threads[i], &failed);
        assert_null(failed);
    }
    dogb_study_close(study);
    assert_rows("threads.db",
                "SELECT COUNT(*), COUNT(DISTINCT number), MIN(number), MAX(number) "
                "FROM trials WHERE state = 'COMPLETE'",
                "100|100|0|99");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(new_study_has_the_rows_that_optuna_looks_for),
        cmocka_unit_test(create_says_what_may_be_there),
        cmocka_unit_test(urls),
        cmocka_unit_test(added_trial_stands_in_the_tables),
        cmocka_unit_test(impossible_values_are_refused),
        cmocka_unit_test(parameter_keeps_its_kind_in_the_study),
        cmocka_unit_test(infinities_and_nan),
        cmocka_unit_test(pruned_takes_the_last_report),
        cmocka_unit_test(what_is_over_stays_as_it_is),
        cmocka_unit_test(queue_is_served_in_order),
        cmocka_unit_test(attributes),
        cmocka_unit_test(a_trial_runs_in_one_handle),
        cmocka_unit_test(trials_come_back_as_they_were_told),
        cmocka_unit_test(steps_out_of_range_stay_in_the_database),
        cmocka_unit_test(batch_is_all_or_nothing),
        cmocka_unit_test(dead_trials_fail_and_are_queued_again),
        cmocka_unit_test(thread_beats_for_running_trials_alone),
        cmocka_unit_test(threads_share_a_handle),
    };
    return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
