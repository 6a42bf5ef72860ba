// study_test.h - a study in a file of the test's own folder, and that file as SQLite sees it.
#ifndef DOGB_TEST_STUDY_TEST_H
#define DOGB_TEST_STUDY_TEST_H

#include "../scratch.h"

#include "study/study.h"

#include <math.h>
#include <sqlite3.h>
#include <time.h>

#define FLOAT_LOG                                                                                  \
    "{\"name\": \"FloatDistribution\", \"attributes\": {\"step\": null, \"low\": 0.0001, "         \
    "\"high\": 0.1, \"log\": true}}"
#define INT_6_10                                                                                   \
    "{\"name\": \"IntDistribution\", \"attributes\": {\"log\": false, \"step\": 1, \"low\": 6, "   \
    "\"high\": 10}}"
#define CHOICES "{\"name\": \"CategoricalDistribution\", \"attributes\": {\"choices\": [32, 64]}}"

static const dogb_study_param three_params[] = {
    {"learning_rate", 0.003, FLOAT_LOG}, {"epochs", 7, INT_6_10}, {"batch_size", 1, CHOICES}};

static inline dogb_study_conf conf_of(const char *file) {
    return (dogb_study_conf){
        .url = scratch(file), .name = "dogs", .direction = DOGB_MAXIMIZE, .create = 1};
}

static inline dogb_study *open_study(const char *file) {
    dogb_study_conf conf = conf_of(file);
    dogb_study *study = NULL;
    assert_ok(dogb_study_open(&study, &conf));
    return study;
}

// A RUNNING trial with three_params.
static inline int64_t add_trial(dogb_study *study) {
    int64_t id = 0;
    assert_ok(dogb_study_add(study, &id, NULL, -1, DOGB_TRIAL_RUNNING, three_params, 3, NULL));
    return id;
}

static inline void wait_ms(long milliseconds) {
    struct timespec time = {.tv_nsec = milliseconds * 1000000};
    (void)nanosleep(&time, NULL);
}

// All rows of a statement: columns joined by '|', rows by ';', NULL as "-". Static buffer.
static inline const char *ask(const char *file, const char *sql) {
    static char out[8192];
    sqlite3 *db = NULL;
    sqlite3_stmt *statement = NULL;
    size_t used = 0;
    out[0] = '\0';
    assert_int_equal(sqlite3_open(scratch(file), &db), SQLITE_OK);
    (void)sqlite3_busy_timeout(db, 5000);
    if (sqlite3_prepare_v2(db, sql, -1, &statement, NULL) != SQLITE_OK) {
        fail_msg("%s: %s", sql, sqlite3_errmsg(db));
    }
    int code = 0;
    for (int row = 0; (code = sqlite3_step(statement)) == SQLITE_ROW; row++) {
        for (int i = 0; i < sqlite3_column_count(statement); i++) {
            const char *text = (const char *)sqlite3_column_text(statement, i);
            used += (size_t)snprintf(out + used, sizeof out - used, "%s%s",
                                     i > 0     ? "|"
                                     : row > 0 ? ";"
                                               : "",
                                     text == NULL ? "-" : text);
        }
    }
    if (code != SQLITE_DONE) {
        fail_msg("%s: %s", sql, sqlite3_errmsg(db));
    }
    (void)sqlite3_finalize(statement);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    return out;
}

#define assert_rows(file, sql, expected) assert_string_equal(ask(file, sql), expected)

#endif
