// table.c - trials as JSON, and all of them in the columns of SageMaker's analytics.
#include "core/error.h"
#include "core/number.h"
#include "tuner/state.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

// What SageMaker calls it.
static const char *status_name(int32_t state) {
    static const char *const names[] = {"InProgress", "Completed", "Stopped", "Failed", "Pending"};
    return names[state];
}

static void time_text(char out[28], double seconds) {
    time_t whole = isnan(seconds) ? 0 : (time_t)floor(seconds);
    struct tm utc;
    out[0] = '\0';
    if (!isnan(seconds) && gmtime_r(&whole, &utc) != NULL) {
        size_t used = strftime(out, 28, "%Y-%m-%d %H:%M:%S", &utc);
        (void)snprintf(out + used, 28 - used, ".%06d",
                       (int)((seconds - (double)whole) * 1e6) % 1000000);
    }
}

static int set_known(json_t *object, const char *key, double value) {
    return isnan(value) ? DOGBREED_OK : dogb_json_set_real(object, key, value);
}

static int set_time(json_t *object, const char *key, double seconds) {
    char text[28];
    time_text(text, seconds);
    return *text == '\0' ? DOGBREED_OK : dogb_json_set_text(object, key, text);
}

static int set_json(json_t *object, const char *key, const char *text) {
    dogb_arena scratch = {0};
    json_t *value = NULL;
    int rc = dogb_json_parse(&value, &scratch, text, strlen(text), key);
    rc = rc < 0 ? rc : dogb_json_set(object, key, json_incref(value));
    dogb_arena_free(&scratch);
    return rc;
}

static int describe(json_t *object, const dogbreed_tuner *tuner, const dogb_trial *trial) {
    json_t *params = json_object();
    json_t *curve = json_array();
    int rc = dogb_json_set(object, "params", params);
    int rest = dogb_json_set(object, "curve", curve);
    rc = rc < 0 ? rc : rest;
    rc = rc < 0 ? rc : dogb_json_set_int(object, "number", trial - tuner->trials);
    rc = rc < 0 ? rc : dogb_json_set_text(object, "state", dogb_trial_state_name(trial->state));
    rc = rc < 0 ? rc : dogb_trial_params(params, tuner, trial);
    rc = rc < 0 ? rc : set_known(object, "value", trial->value);
    rc = rc < 0 ? rc : set_known(object, "val_loss", trial->loss);
    rc = rc < 0 ? rc : set_time(object, "start", trial->start);
    rc = rc < 0 ? rc : set_time(object, "complete", trial->complete);
    if (rc == DOGBREED_OK && trial->reason != NULL) {
        rc = dogb_json_set_text(object, "reason", trial->reason);
    }
    if (rc == DOGBREED_OK && trial->metrics != NULL) {
        rc = set_json(object, "metrics", trial->metrics);
    }
    if (rc == DOGBREED_OK && trial->findings != NULL) {
        rc = set_json(object, "findings", trial->findings);
    }
    for (int32_t i = 0; rc == DOGBREED_OK && i < trial->curve_count; i++) {
        rc = dogb_json_add(curve, dogb_json_real(trial->curve[i]));
    }
    return rc;
}

int dogbreed_tuner_trial(char **json, dogbreed_tuner *tuner, int64_t number) {
    DOGB_CHECK(json != NULL, "json: is NULL");
    *json = NULL;
    DOGB_CHECK(tuner != NULL, "tuner: is NULL");
    dogb_arena scratch = {0};
    dogb_trial *trial = NULL;
    int rc = dogb_tuner_find(&trial, tuner, number);
    json_t *object = rc < 0 ? NULL : dogb_json_object(&scratch);
    if (rc == DOGBREED_OK && object == NULL) {
        rc = DOGBREED_ERROR_NO_MEMORY;
    }
    rc = rc < 0 ? rc : describe(object, tuner, trial);
    rc = rc < 0 ? rc : dogb_json_text_out(json, object, 0);
    dogb_arena_free(&scratch);
    return rc;
}

// --- the table

// Cells behind the parameters, by name.
typedef struct cells {
    char name[96];
    char value[40];
    char start[28];
    char end[28];
    char seconds[40];
} cells;

static void fill(cells *c, const dogbreed_tuner *tuner, const dogb_trial *trial) {
    memset(c, 0, sizeof *c);
    (void)snprintf(c->name, sizeof c->name, "%.64s-%lld", tuner->options.study,
                   (long long)(trial - tuner->trials));
    time_text(c->start, trial->start);
    time_text(c->end, trial->complete);
    if (!isnan(trial->value)) {
        dogb_number_text(c->value, trial->value);
    }
    if (!isnan(trial->start) && !isnan(trial->complete)) {
        (void)snprintf(c->seconds, sizeof c->seconds, "%.3f", trial->complete - trial->start);
    }
}

static const char *const columns[] = {"TrainingJobName",          "TrainingJobStatus",
                                      "FinalObjectiveValue",      "TrainingStartTime",
                                      "TrainingEndTime",          "TrainingElapsedTimeSeconds",
                                      "TrainingJobDefinitionName"};
enum { COLUMNS = sizeof columns / sizeof columns[0] };

static int add_row(dogb_buffer *csv, json_t *object, dogb_arena *arena, const dogbreed_tuner *tuner,
                   const dogb_trial *trial) {
    cells c;
    fill(&c, tuner, trial);
    const char *const texts[COLUMNS] = {
        c.name,    status_name(trial->state), c.value, c.start, c.end,
        c.seconds, tuner->options.study};
    int rc = dogb_trial_cells(csv, arena, tuner, trial);
    rc = rc < 0 ? rc : dogb_trial_params(object, tuner, trial);
    for (size_t i = 0; rc == DOGBREED_OK && i < COLUMNS; i++) {
        dogb_buffer_cell(csv, texts[i]);
        rc = dogb_json_set_text(object, columns[i], texts[i]);
    }
    dogb_buffer_line(csv);
    return rc < 0 ? rc : set_known(object, "FinalObjectiveValue", trial->value);
}

static int make_table(dogb_buffer *csv, json_t *list, dogb_arena *arena,
                      const dogbreed_tuner *tuner) {
    int rc = DOGBREED_OK;
    for (size_t i = 0; i < tuner->axis_count; i++) {
        dogb_buffer_cell(csv, tuner->axes[i].name);
    }
    for (size_t i = 0; i < COLUMNS; i++) {
        dogb_buffer_cell(csv, columns[i]);
    }
    dogb_buffer_line(csv);
    for (size_t i = 0; rc == DOGBREED_OK && i < tuner->count; i++) {
        json_t *object = json_object();
        rc = dogb_json_add(list, object);
        rc = rc < 0 ? rc : add_row(csv, object, arena, tuner, &tuner->trials[i]);
    }
    return rc < 0 ? rc : csv->rc;
}

int dogbreed_tuner_table(char **csv, char **json, dogbreed_tuner *tuner) {
    DOGB_CHECK(tuner != NULL, "tuner: is NULL");
    dogb_arena scratch = {0};
    dogb_buffer text = {.arena = &scratch};
    char *list = NULL;
    int rc = dogb_tuner_open(tuner);
    json_t *array = dogb_json_array(&scratch);
    if (rc == DOGBREED_OK) {
        rc = array == NULL ? DOGBREED_ERROR_NO_MEMORY : make_table(&text, array, &scratch, tuner);
    }
    rc = rc < 0 || json == NULL ? rc : dogb_json_text_out(&list, array, 1);
    if (rc == DOGBREED_OK && csv != NULL) {
        *csv = dogb_malloc(text.length + 1, 1);
        rc = *csv == NULL ? DOGBREED_ERROR_NO_MEMORY : rc;
        if (*csv != NULL) {
            memcpy(*csv, text.data, text.length + 1);
        }
    }
    if (rc == DOGBREED_OK && json != NULL) {
        *json = list;
        list = NULL;
    }
    dogbreed_free(list);
    dogb_arena_free(&scratch);
    return rc;
}
