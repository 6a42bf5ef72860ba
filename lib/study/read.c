// read.c - trials as they stand in the tables, in one state of the database.
#include "core/json.h"
#include "study/study_internal.h"
#include "study/value.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct reader {
    dogb_arena *arena; // of the results
    int64_t only;      // this trial; -1: those from number `from` on
    int64_t from;
    dogb_study_trial *trials;
    int64_t count;
    size_t capacity;       // of trials, then of the array of the trial that is being filled
    dogb_study_trial *now; // whose attributes are being collected
    json_t *object;        // they
    size_t member;         // which of the two texts: offset in dogb_study_trial
} reader;

// Both forms of a query: the trials of a study from a number on, or one of them.
#define QUERY(SELECT_FROM, ORDER)                                                                  \
    {                                                                                              \
        SELECT_FROM " WHERE t.study_id = $1 AND t.number >= $2 ORDER BY t.trial_id" ORDER,         \
            SELECT_FROM " WHERE t.study_id = $1 AND t.trial_id = $2 ORDER BY t.trial_id" ORDER     \
    }

static int no_memory(void) {
    return dogb_fail(DOGBREED_ERROR_NO_MEMORY, "out of memory for trials");
}

static int start(dogb_study *study, const reader *r, const char *const sql[2]) {
    return dogb_db_start(
        study->db, sql[r->only >= 0],
        DOGB_CELLS(dogb_integer(study->id), dogb_integer(r->only >= 0 ? r->only : r->from)));
}

// A copy of a column; `same` when it has that text already, as neighbouring trials often have.
static const char *copy(const reader *r, const dogb_db *db, int32_t column, const char *same) {
    const char *text = db->driver->text(db, column);
    if (text == NULL) {
        text = "";
    }
    return same != NULL && strcmp(same, text) == 0 ? same : dogb_strdup(r->arena, text);
}

static int add_trial(reader *r, const dogb_db *db) {
    int rc = dogb_grow(r->arena, &r->trials, &r->capacity, (size_t)r->count, sizeof *r->trials);
    if (rc < 0) {
        return rc;
    }
    const dogb_db_driver *column = db->driver;
    r->trials[r->count++] =
        (dogb_study_trial){.id = column->integer(db, 0),
                           .number = column->integer(db, 1),
                           .state = dogb_state_of(column->text(db, 2)),
                           .start = dogb_date_of(column->text(db, 3)),
                           .complete = dogb_date_of(column->text(db, 4)),
                           .value = dogb_value_of(column->text(db, 6), column->real(db, 5)),
                           .attributes = "{}",
                           .system = "{}"};
    return DOGBREED_OK;
}

static int read_trials(dogb_study *study, reader *r) {
    static const char *const sql[2] =
        QUERY("SELECT t.trial_id, t.number, t.state, t.datetime_start, t.datetime_complete, "
              "v.value, v.value_type FROM trials t LEFT JOIN trial_values v "
              "ON v.trial_id = t.trial_id AND v.objective = 0",
              "");
    int rc = start(study, r, sql);
    while (rc == DOGBREED_OK && (rc = dogb_db_row(study->db)) == 1) {
        rc = add_trial(r, study->db);
    }
    study->db->driver->end(study->db);
    return rc;
}

static int add_param(reader *r, dogb_study_trial *trial, const dogb_db *db) {
    dogb_study_param *params = (dogb_study_param *)(uintptr_t)trial->params;
    size_t at = (size_t)trial->param_count;
    r->capacity = at == 0 ? 0 : r->capacity;
    int rc = dogb_grow(r->arena, &params, &r->capacity, at, sizeof *params);
    if (rc < 0) {
        return rc;
    }
    const dogb_study_trial *before = trial > r->trials ? trial - 1 : trial;
    const dogb_study_param *like = trial > r->trials && before->param_count > trial->param_count
                                       ? &before->params[at]
                                       : &(dogb_study_param){0};
    trial->params = params;
    params[at] = (dogb_study_param){.name = copy(r, db, 1, like->name),
                                    .value = db->driver->real(db, 2),
                                    .distribution = copy(r, db, 3, like->distribution)};
    trial->param_count++;
    return params[at].name == NULL || params[at].distribution == NULL ? no_memory() : DOGBREED_OK;
}

static int add_point(reader *r, dogb_study_trial *trial, const dogb_db *db) {
    double *curve = (double *)(uintptr_t)trial->curve;
    int64_t step = db->driver->integer(db, 1);
    if (step < 1 || step > DOGB_STUDY_STEP_MAX) {
        return DOGBREED_OK;
    }
    r->capacity = trial->curve_count == 0 ? 0 : r->capacity;
    if (r->capacity < (size_t)step) { // in order of steps, so the end of the array is new
        r->capacity = (size_t)step * 2;
        if ((curve = dogb_realloc(r->arena, curve, r->capacity, sizeof *curve)) == NULL) {
            return DOGBREED_ERROR_NO_MEMORY;
        }
        trial->curve = curve;
    }
    while (trial->curve_count < step) {
        curve[trial->curve_count++] = NAN;
    }
    curve[step - 1] = dogb_value_of(db->driver->text(db, 3), db->driver->real(db, 2));
    return DOGBREED_OK;
}

// The attributes of a trial are complete.
static int flush(reader *r) {
    if (r->now == NULL || json_object_size(r->object) == 0) {
        return DOGBREED_OK;
    }
    const char *text = dogb_json_text_in(r->arena, r->object, 0);
    if (text == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    memcpy((char *)r->now + r->member, &text, sizeof text);
    (void)json_object_clear(r->object);
    return DOGBREED_OK;
}

// What others have stored and JSON does not know comes as a string.
static json_t *value_of(const char *text) {
    dogb_arena scratch = {0};
    char *plain = dogb_json_plain(&scratch, text);
    json_t *value = plain == NULL ? NULL : json_loadb(plain, strlen(plain), JSON_DECODE_ANY, NULL);
    if (value == NULL && plain != NULL) {
        value = dogb_json_text(text);
    }
    dogb_arena_free(&scratch);
    return value;
}

static int add_attribute(reader *r, dogb_study_trial *trial, const dogb_db *db) {
    int rc = r->now == trial ? DOGBREED_OK : flush(r);
    const char *value = db->driver->text(db, 2);
    json_t *json = value == NULL ? json_null() : value_of(value);
    r->now = trial;
    const char *key = db->driver->text(db, 1);
    if (rc < 0 || key == NULL || !dogb_text_valid(key, strlen(key))) {
        json_decref(json);
        return rc;
    }
    return dogb_json_set(r->object, key, json);
}

typedef int (*add_fn)(reader *r, dogb_study_trial *trial, const dogb_db *db);

// Rows of a table, in the order of the trials they belong to.
static int read_rows(dogb_study *study, reader *r, const char *const sql[2], add_fn add) {
    int64_t at = 0;
    r->capacity = 0;
    int rc = start(study, r, sql);
    while (rc == DOGBREED_OK && (rc = dogb_db_row(study->db)) == 1) {
        int64_t id = study->db->driver->integer(study->db, 0);
        while (at < r->count && r->trials[at].id < id) {
            at++;
        }
        rc = at < r->count && r->trials[at].id == id ? add(r, &r->trials[at], study->db)
                                                     : DOGBREED_OK;
    }
    study->db->driver->end(study->db);
    return rc;
}

static int read_attributes(dogb_study *study, reader *r, const char *const sql[2], size_t member) {
    r->now = NULL;
    r->member = member;
    (void)json_object_clear(r->object); // of a reading that failed
    int rc = read_rows(study, r, sql, add_attribute);
    return rc < 0 ? rc : flush(r);
}

static int read_work(dogb_study *study, void *userdata) {
    static const char *const params[2] =
        QUERY("SELECT p.trial_id, p.param_name, p.param_value, p.distribution_json FROM trials t "
              "JOIN trial_params p ON p.trial_id = t.trial_id",
              ", p.param_id");
    static const char *const points[2] = QUERY(
        "SELECT p.trial_id, p.step, p.intermediate_value, p.intermediate_value_type FROM trials t "
        "JOIN trial_intermediate_values p ON p.trial_id = t.trial_id",
        ", p.step");
    static const char *const user[2] =
        QUERY("SELECT a.trial_id, a.\"key\", a.value_json FROM trials t "
              "JOIN trial_user_attributes a ON a.trial_id = t.trial_id",
              ", a.trial_user_attribute_id");
    static const char *const system[2] =
        QUERY("SELECT a.trial_id, a.\"key\", a.value_json FROM trials t "
              "JOIN trial_system_attributes a ON a.trial_id = t.trial_id",
              ", a.trial_system_attribute_id");
    reader *r = userdata;
    r->count = 0;
    r->capacity = 0;
    r->trials = NULL;
    int rc = read_trials(study, r);
    if (rc < 0 || (rc = read_rows(study, r, params, add_param)) < 0 ||
        (rc = read_rows(study, r, points, add_point)) < 0 ||
        (rc = read_attributes(study, r, user, offsetof(dogb_study_trial, attributes))) < 0) {
        return rc;
    }
    return read_attributes(study, r, system, offsetof(dogb_study_trial, system));
}

static int by_number(const void *left, const void *right) {
    const dogb_study_trial *a = left;
    const dogb_study_trial *b = right;
    return (a->number > b->number) - (a->number < b->number);
}

static int read_all(dogb_study *study, reader *r) {
    dogb_arena scratch = {0};
    r->object = dogb_json_object(&scratch);
    int rc =
        r->object == NULL ? DOGBREED_ERROR_NO_MEMORY : dogb_study_transact(study, 0, read_work, r);
    dogb_arena_free(&scratch);
    return rc;
}

int dogb_study_trials_from(const dogb_study_trial **out, int64_t *count, dogb_study *study,
                           dogb_arena *arena, int64_t number) {
    reader r = {.arena = arena, .only = -1, .from = number};
    *out = NULL;
    *count = 0;
    int rc = read_all(study, &r);
    if (rc == DOGBREED_OK) {
        if (r.count > 0) {
            qsort(r.trials, (size_t)r.count, sizeof *r.trials, by_number);
        }
        *out = r.trials;
        *count = r.count;
    }
    return rc;
}

int dogb_study_trials(const dogb_study_trial **out, int64_t *count, dogb_study *study,
                      dogb_arena *arena) {
    return dogb_study_trials_from(out, count, study, arena, 0);
}

int dogb_study_trial_read(const dogb_study_trial **out, dogb_study *study, dogb_arena *arena,
                          int64_t id) {
    reader r = {.arena = arena, .only = id};
    *out = NULL;
    int rc = read_all(study, &r);
    if (rc == DOGBREED_OK && r.count == 0) {
        return dogb_fail(DOGBREED_ERROR_NOT_FOUND, "study %s: no trial has the id %lld",
                         study->name, (long long)id);
    }
    *out = rc == DOGBREED_OK ? r.trials : NULL;
    return rc;
}
