// reap.c - trials whose worker has died: their heartbeat is old, so they fail, and are queued again
// if that is wanted.
#include "core/json.h"
#include "study/study_internal.h"
#include "study/value.h"

#include <string.h>

static const double interval_default = 60; // seconds

typedef struct reaping {
    dogb_arena *arena;
    int32_t retry;
    int32_t count;
} reaping;

// The attribute of a trial as JSON; NULL without an error: it has none that can be read.
static int read_system(dogb_study *study, json_t **out, dogb_arena *arena, int64_t id,
                       const char *key) {
    char *text = NULL;
    *out = NULL;
    int rc = dogb_study_attribute_get(&text, study, arena, id, 1, key);
    if (rc == DOGBREED_OK) {
        rc = dogb_json_parse_any(out, arena, text, strlen(text), key);
    }
    return rc == DOGBREED_ERROR_NOT_FOUND || rc == DOGBREED_ERROR_FORMAT ? DOGBREED_OK : rc;
}

static int copy_rows(dogb_study *study, int64_t from, int64_t to) {
    static const char *const copies[] = {
        "INSERT INTO trial_params (trial_id, param_name, param_value, distribution_json) "
        "SELECT CAST($1 AS INTEGER), param_name, param_value, distribution_json FROM trial_params "
        "WHERE trial_id = $2 ORDER BY param_id",
        "INSERT INTO trial_user_attributes (trial_id, \"key\", value_json) "
        "SELECT CAST($1 AS INTEGER), \"key\", value_json FROM trial_user_attributes "
        "WHERE trial_id = $2 ORDER BY trial_user_attribute_id",
        "INSERT INTO trial_system_attributes (trial_id, \"key\", value_json) "
        "SELECT CAST($1 AS INTEGER), \"key\", value_json FROM trial_system_attributes "
        "WHERE trial_id = $2 ORDER BY trial_system_attribute_id"};
    int rc = DOGBREED_OK;
    for (size_t i = 0; rc == DOGBREED_OK && i < sizeof copies / sizeof copies[0]; i++) {
        rc = dogb_db_do(study->db, copies[i], DOGB_CELLS(dogb_integer(to), dogb_integer(from)));
    }
    return rc;
}

// What Optuna's retry callback writes: the first trial that failed, and all of them.
static int put_history(dogb_study *study, dogb_arena *arena, int64_t to, const json_t *first,
                       json_t *history, int64_t number) {
    int rc = dogb_json_add(history, json_integer(number));
    const char *text = rc < 0 ? NULL : dogb_json_text_ascii(arena, history);
    if (text == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    if ((rc = dogb_study_attribute_put(study, to, 1, "retry_history", text)) < 0) {
        return rc;
    }
    text = json_is_integer(first) ? dogb_json_text_ascii(arena, first)
                                  : dogb_format(arena, "%lld", (long long)number);
    return text == NULL ? DOGBREED_ERROR_NO_MEMORY
                        : dogb_study_attribute_put(study, to, 1, "failed_trial", text);
}

static int queue_again(dogb_study *study, const reaping *reap, int64_t id) {
    json_t *history = NULL;
    json_t *first = NULL;
    int64_t number = 0;
    int64_t count = 0;
    int64_t copy = 0;
    int rc = read_system(study, &history, reap->arena, id, "retry_history");
    if (rc < 0 || (rc = read_system(study, &first, reap->arena, id, "failed_trial")) < 0) {
        return rc;
    }
    if (!json_is_array(history) && (history = dogb_json_array(reap->arena)) == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    if (reap->retry >= 0 && json_array_size(history) >= (size_t)reap->retry) {
        return DOGBREED_OK; // often enough
    }
    rc = dogb_db_find(study->db, &number, "SELECT number FROM trials WHERE trial_id = $1",
                      DOGB_CELLS(dogb_integer(id)));
    if (rc < 0 || (rc = dogb_study_trial_count(study, &count)) < 0 ||
        (rc = dogb_study_trial_insert(study, &copy, count, DOGB_TRIAL_WAITING)) < 0 ||
        (rc = copy_rows(study, id, copy)) < 0) {
        return rc;
    }
    return put_history(study, reap->arena, copy, first, history, number);
}

static int list_stale(dogb_study *study, int64_t **ids, size_t *count, dogb_arena *arena) {
    double interval = study->interval > 0 ? study->interval : interval_default;
    size_t capacity = 0;
    dogb_db *db = study->db;
    int rc = dogb_db_start(db, db->driver->sql[DOGB_SQL_STALE],
                           DOGB_CELLS(dogb_integer(study->id), dogb_real(2 * interval)));
    while (rc == DOGBREED_OK && (rc = dogb_db_row(db)) == 1) {
        rc = dogb_grow(arena, ids, &capacity, *count, sizeof **ids);
        if (rc < 0) {
            db->driver->end(db);
            return rc;
        }
        (*ids)[(*count)++] = db->driver->integer(db, 0);
    }
    return rc;
}

static int reap_work(dogb_study *study, void *userdata) {
    reaping *reap = userdata;
    int64_t *ids = NULL;
    size_t count = 0;
    int32_t state = 0;
    reap->count = 0;
    int rc = dogb_study_lock(study);
    if (rc < 0 || (rc = list_stale(study, &ids, &count, reap->arena)) < 0) {
        return rc;
    }
    for (size_t i = 0; i < count; i++) {
        if ((rc = dogb_study_trial_lock(study, &state, ids[i])) < 0) {
            return rc;
        }
        if (state != DOGB_TRIAL_RUNNING) {
            continue; // it has just ended
        }
        if ((rc = dogb_study_trial_end(study, ids[i], DOGB_TRIAL_FAIL)) < 0 ||
            (reap->retry != 0 && (rc = queue_again(study, reap, ids[i])) < 0)) {
            return rc;
        }
        reap->count++;
    }
    return DOGBREED_OK;
}

int dogb_study_reap(dogb_study *study, int32_t retry, int32_t *count) {
    dogb_arena scratch = {0};
    reaping reap = {.arena = &scratch, .retry = retry};
    int rc = dogb_study_transact(study, 1, reap_work, &reap);
    if (rc == DOGBREED_OK && count != NULL) {
        *count = reap.count;
    }
    dogb_arena_free(&scratch);
    return rc;
}
