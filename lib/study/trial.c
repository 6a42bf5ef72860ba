// trial.c - what happens to one trial: it is added or taken from the queue, gets parameters,
// reports, and is told how it ended.
#include "core/json.h"
#include "study/study_internal.h"
#include "study/value.h"

#include <limits.h>
#include <math.h>
#include <string.h>

int dogb_study_lock(dogb_study *study) {
    int64_t id = 0;
    if (study->locked) {
        return DOGBREED_OK;
    }
    int rc = dogb_db_find(study->db, &id, study->db->driver->sql[DOGB_SQL_LOCK_STUDY],
                          DOGB_CELLS(dogb_integer(study->id)));
    if (rc == 0) {
        return dogb_fail(DOGBREED_ERROR_NOT_FOUND, "study %s: it was deleted", study->name);
    }
    study->locked = rc == 1;
    return rc < 0 ? rc : DOGBREED_OK;
}

int dogb_study_trial_lock(dogb_study *study, int32_t *state, int64_t id) {
    dogb_db *db = study->db;
    int rc = dogb_db_start(db, db->driver->sql[DOGB_SQL_LOCK_TRIAL],
                           DOGB_CELLS(dogb_integer(id), dogb_integer(study->id)));
    if (rc < 0 || (rc = dogb_db_row(db)) < 0) {
        return rc;
    }
    if (rc == 0) {
        return dogb_fail(DOGBREED_ERROR_NOT_FOUND, "study %s: no trial has the id %lld",
                         study->name, (long long)id);
    }
    *state = dogb_state_of(db->driver->text(db, 0));
    db->driver->end(db);
    return DOGBREED_OK;
}

int dogb_study_trial_lock_running(dogb_study *study, int64_t id, int32_t waiting_too) {
    int32_t state = 0;
    int rc = dogb_study_trial_lock(study, &state, id);
    if (rc == DOGBREED_OK && state != DOGB_TRIAL_RUNNING &&
        !(waiting_too && state == DOGB_TRIAL_WAITING)) {
        rc = dogb_fail(DOGBREED_ERROR_STATE,
                       "study %s: the trial with the id %lld is %s, not "
                       "RUNNING",
                       study->name, (long long)id, dogb_state_name(state));
    }
    return rc;
}

int dogb_study_trial_count(dogb_study *study, int64_t *count) {
    if (study->next >= 0) { // the study is locked since it was counted
        *count = study->next;
        return DOGBREED_OK;
    }
    int rc = dogb_db_find(study->db, count, "SELECT COUNT(*) FROM trials WHERE study_id = $1",
                          DOGB_CELLS(dogb_integer(study->id)));
    return rc < 0 ? rc : DOGBREED_OK;
}

int dogb_study_trial_insert(dogb_study *study, int64_t *id, int64_t number, int32_t state) {
    char now[28];
    dogb_date_now(now);
    int rc = dogb_db_find(study->db, id,
                          "INSERT INTO trials (number, study_id, state, datetime_start) "
                          "VALUES ($1, $2, $3, $4) RETURNING trial_id",
                          DOGB_CELLS(dogb_integer(number), dogb_integer(study->id),
                                     dogb_text(dogb_state_name(state)),
                                     dogb_text(state == DOGB_TRIAL_RUNNING ? now : NULL)));
    study->next = rc == 1 ? number + 1 : -1;
    if (rc < 0 || state != DOGB_TRIAL_RUNNING) {
        return rc < 0 ? rc : DOGBREED_OK;
    }
    rc = dogb_claim_take(study, *id); // nobody else knows of it yet
    return rc < 0 ? rc : dogb_heart_take(study, *id);
}

int dogb_study_trial_begin(dogb_study *study, int64_t id, int64_t *number) {
    char now[28];
    int64_t ignored = 0;
    dogb_date_now(now);
    int rc = dogb_db_find(study->db, number == NULL ? &ignored : number,
                          "UPDATE trials SET state = 'RUNNING', datetime_start = $1 "
                          "WHERE trial_id = $2 RETURNING number",
                          DOGB_CELLS(dogb_text(now), dogb_integer(id)));
    return rc < 0 ? rc : dogb_heart_take(study, id);
}

typedef struct adding {
    int64_t id;
    int64_t number;
    int64_t expected;
    int32_t state;
    int32_t count;
    const dogb_study_param *params;
    const dogb_distribution *distributions;
    const json_t *attributes;
    const char *fixed; // WAITING: the value of "fixed_params"
    dogb_arena *arena;
} adding;

static int put_attributes(dogb_study *study, const adding *add) {
    const char *key = NULL;
    json_t *value = NULL;
    json_object_foreach((json_t *)(uintptr_t)add->attributes, key, value) {
        const char *text = dogb_json_text_ascii(add->arena, value);
        int rc = text == NULL ? DOGBREED_ERROR_NO_MEMORY
                              : dogb_study_attribute_put(study, add->id, 0, key, text);
        if (rc < 0) {
            return rc;
        }
    }
    return add->fixed == NULL
               ? DOGBREED_OK
               : dogb_study_attribute_put(study, add->id, 1, "fixed_params", add->fixed);
}

static int add_work(dogb_study *study, void *userdata) {
    adding *add = userdata;
    int rc = dogb_study_lock(study);
    if (rc < 0 || (rc = dogb_study_trial_count(study, &add->number)) < 0) {
        return rc;
    }
    if (add->expected >= 0 && add->expected != add->number) {
        return dogb_fail(DOGBREED_ERROR_EXISTS,
                         "study %s: the next trial is %lld, not %lld: another program works on it",
                         study->name, (long long)add->number, (long long)add->expected);
    }
    for (int32_t i = 0; rc == DOGBREED_OK && i < add->count; i++) {
        rc = dogb_study_param_check(study, add->params[i].name, &add->distributions[i]);
    }
    if (rc < 0 || (rc = dogb_study_trial_insert(study, &add->id, add->number, add->state)) < 0) {
        return rc;
    }
    // What waits has its parameters in "fixed_params": as Optuna's enqueue_trial leaves it.
    for (int32_t i = 0; add->state == DOGB_TRIAL_RUNNING && i < add->count; i++) {
        rc = dogb_study_param_insert(study, add->id, &add->params[i], &add->distributions[i]);
        if (rc < 0) {
            return rc;
        }
    }
    return put_attributes(study, add);
}

static const char *fixed_params(const adding *add) {
    json_t *object = dogb_json_object(add->arena);
    for (int32_t i = 0; object != NULL && i < add->count; i++) {
        json_t *value = dogb_distribution_external(&add->distributions[i], add->params[i].value);
        if (dogb_json_set(object, add->params[i].name, value) < 0) {
            return NULL;
        }
    }
    return object == NULL ? NULL : dogb_json_text_ascii(add->arena, object);
}

static int read_attributes(adding *add, const char *json) {
    json_t *object = NULL;
    const char *key = NULL;
    json_t *value = NULL;
    int rc = dogb_json_parse(&object, add->arena, json, strlen(json), "attributes");
    if (rc < 0) {
        return rc;
    }
    DOGB_CHECK(json_is_object(object), "attributes: expected a JSON object");
    json_object_foreach(object, key, value) {
        if ((rc = dogb_study_name_check("attribute", key)) < 0) {
            return rc;
        }
    }
    add->attributes = object;
    return DOGBREED_OK;
}

static int read_params(adding *add) {
    dogb_distribution *distributions =
        dogb_alloc(add->arena, (size_t)add->count + 1, sizeof *distributions);
    if (distributions == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    for (int32_t i = 0; i < add->count; i++) {
        int rc = dogb_study_param_read(&distributions[i], add->arena, &add->params[i]);
        if (rc < 0) {
            return rc;
        }
    }
    add->distributions = distributions;
    return DOGBREED_OK;
}

int dogb_study_add(dogb_study *study, int64_t *id, int64_t *number, int64_t expected, int32_t state,
                   const dogb_study_param *params, int32_t count, const char *attributes) {
    DOGB_CHECK(state == DOGB_TRIAL_RUNNING || state == DOGB_TRIAL_WAITING,
               "state %s: a new trial is RUNNING or WAITING", dogb_state_name(state));
    dogb_arena scratch = {0};
    adding add = {
        .expected = expected, .state = state, .count = count, .params = params, .arena = &scratch};
    int rc = read_params(&add);
    if (rc < 0 || (attributes != NULL && (rc = read_attributes(&add, attributes)) < 0)) {
        goto out;
    }
    if (state == DOGB_TRIAL_WAITING && (add.fixed = fixed_params(&add)) == NULL) {
        rc = DOGBREED_ERROR_NO_MEMORY;
        goto out;
    }
    rc = dogb_study_transact(study, 1, add_work, &add);
    if (rc == DOGBREED_OK && id != NULL) {
        *id = add.id;
    }
    if (rc == DOGBREED_OK && number != NULL) {
        *number = add.number;
    }
out:
    dogb_arena_free(&scratch);
    return rc;
}

typedef struct taking {
    int64_t id;
    int64_t number;
} taking;

static int take_work(dogb_study *study, void *userdata) {
    taking *take = userdata;
    for (;;) {
        int32_t state = 0;
        int rc = dogb_db_find(study->db, &take->id,
                              "SELECT MIN(trial_id) FROM trials "
                              "WHERE study_id = $1 AND state = 'WAITING'",
                              DOGB_CELLS(dogb_integer(study->id)));
        if (rc <= 0) {
            return rc < 0 ? rc
                          : dogb_fail(DOGBREED_ERROR_NOT_FOUND, "study %s: no trial waits",
                                      study->name);
        }
        if ((rc = dogb_study_trial_lock(study, &state, take->id)) < 0) {
            return rc;
        }
        if (state == DOGB_TRIAL_WAITING) { // else another was faster
            break;
        }
    }
    int rc = dogb_claim_take(study, take->id);
    return rc < 0 ? rc : dogb_study_trial_begin(study, take->id, &take->number);
}

int dogb_study_take_waiting(dogb_study *study, int64_t *id, int64_t *number) {
    taking take = {0};
    int rc = dogb_study_transact(study, 1, take_work, &take);
    if (rc < 0) {
        return rc;
    }
    if (id != NULL) {
        *id = take.id;
    }
    if (number != NULL) {
        *number = take.number;
    }
    return DOGBREED_OK;
}

typedef struct reporting {
    int64_t id;
    int64_t step;
    double value;
    int32_t state;
    int32_t reserved;
} reporting;

// Why a trial could not be changed.
static int not_running(dogb_study *study, int64_t id) {
    int rc = dogb_study_trial_lock_running(study, id, 0);
    return rc < 0 ? rc
                  : dogb_fail(DOGBREED_ERROR_STATE,
                              "study %s: the trial with the id %lld has just begun to run",
                              study->name, (long long)id);
}

static int report_work(dogb_study *study, void *userdata) {
    const reporting *report = userdata;
    int64_t id = 0;
    int rc = dogb_db_find(study->db, &id, study->db->driver->sql[DOGB_SQL_REPORT],
                          DOGB_CELLS(dogb_integer(report->step), dogb_real(report->value),
                                     dogb_text(dogb_value_kind(report->value)),
                                     dogb_integer(report->id), dogb_integer(study->id)));
    if (rc == 0) {
        return not_running(study, report->id);
    }
    return rc < 0 ? rc : DOGBREED_OK;
}

int dogb_study_report(dogb_study *study, int64_t id, int64_t step, double value) {
    DOGB_CHECK(step >= 0 && step <= INT_MAX, "step %lld: expected 0 to %d", (long long)step,
               INT_MAX);
    reporting report = {.id = id, .step = step, .value = value};
    return dogb_study_transact(study, 1, report_work, &report);
}

// The value after the largest step; NaN: none.
static int last_value(dogb_study *study, double *value, int64_t id) {
    dogb_db *db = study->db;
    int rc = dogb_db_start(db,
                           "SELECT intermediate_value, intermediate_value_type FROM "
                           "trial_intermediate_values WHERE trial_id = $1 ORDER BY step DESC "
                           "LIMIT 1",
                           DOGB_CELLS(dogb_integer(id)));
    if (rc < 0 || (rc = dogb_db_row(db)) <= 0) {
        return rc;
    }
    *value = dogb_value_of(db->driver->text(db, 1), db->driver->real(db, 0));
    db->driver->end(db);
    return DOGBREED_OK;
}

static int put_value(dogb_study *study, int64_t id, double value) {
    return dogb_db_do(
        study->db,
        "INSERT INTO trial_values (trial_id, objective, value, value_type) "
        "VALUES ($1, 0, $2, $3) ON CONFLICT (trial_id, objective) DO UPDATE SET "
        "value = excluded.value, value_type = excluded.value_type",
        DOGB_CELLS(dogb_integer(id), dogb_real(value), dogb_text(dogb_value_kind(value))));
}

int dogb_study_trial_end(dogb_study *study, int64_t id, int32_t state) {
    char now[28];
    int64_t ended = 0;
    dogb_date_now(now);
    int rc =
        dogb_db_find(study->db, &ended,
                     "UPDATE trials SET state = $1, datetime_complete = $2 WHERE trial_id = $3 "
                     "AND study_id = $4 AND state = 'RUNNING' RETURNING trial_id",
                     DOGB_CELLS(dogb_text(dogb_state_name(state)), dogb_text(now), dogb_integer(id),
                                dogb_integer(study->id)));
    if (rc == 0) {
        return not_running(study, id);
    }
    dogb_claim_leave(study, id);
    return rc < 0 ? rc : dogb_heart_leave(study, id);
}

static int tell_work(dogb_study *study, void *userdata) {
    const reporting *tell = userdata;
    double value = tell->value;
    int32_t state = tell->state;
    int rc = DOGBREED_OK;
    if (state == DOGB_TRIAL_PRUNED && isnan(value) &&
        (rc = last_value(study, &value, tell->id)) < 0) {
        return rc;
    }
    if (state == DOGB_TRIAL_COMPLETE && isnan(value)) {
        state = DOGB_TRIAL_FAIL;
    }
    if ((rc = dogb_study_trial_end(study, tell->id, state)) < 0) {
        return rc;
    }
    return state == DOGB_TRIAL_FAIL || isnan(value) ? DOGBREED_OK
                                                    : put_value(study, tell->id, value);
}

int dogb_study_tell(dogb_study *study, int64_t id, int32_t state, double value) {
    DOGB_CHECK(state >= DOGB_TRIAL_COMPLETE && state <= DOGB_TRIAL_FAIL,
               "state %s: a trial ends COMPLETE, PRUNED or FAIL", dogb_state_name(state));
    reporting tell = {.id = id, .state = state, .value = value};
    return dogb_study_transact(study, 1, tell_work, &tell);
}
