// param.c - parameters of trials: checked against their own distribution and against those that
// earlier trials of the study have under the name.
#include "core/json.h"
#include "study/study_internal.h"

#include <string.h>

// What the study is known to hold under a name: read once.
typedef struct dogb_known {
    struct dogb_known *next;
    const char *name;
    dogb_distribution distribution;
} dogb_known;

void dogb_study_known_clear(dogb_study *study) {
    dogb_arena_free(&study->known);
    study->known = (dogb_arena){0};
    study->first = NULL;
}

// 1: found; 0: no trial has it yet.
static int read_known(dogb_study *study, dogb_known *known) {
    char *json = NULL;
    int rc = dogb_db_find_text(study->db, &json, &study->known,
                               "SELECT p.distribution_json FROM trial_params p JOIN trials t "
                               "ON t.trial_id = p.trial_id WHERE t.study_id = $1 "
                               "AND p.param_name = $2 ORDER BY p.param_id LIMIT 1",
                               DOGB_CELLS(dogb_integer(study->id), dogb_text(known->name)));
    if (rc <= 0) {
        return rc;
    }
    rc = dogb_distribution_read(&known->distribution, &study->known, json, known->name);
    return rc < 0 ? rc : 1;
}

int dogb_study_param_check(dogb_study *study, const char *name,
                           const dogb_distribution *distribution) {
    dogb_known *known = study->first;
    while (known != NULL && strcmp(known->name, name) != 0) {
        known = known->next;
    }
    if (known == NULL) {
        known = dogb_alloc(&study->known, 1, sizeof *known);
        if (known == NULL || (known->name = dogb_strdup(&study->known, name)) == NULL) {
            return DOGBREED_ERROR_NO_MEMORY;
        }
        int rc = read_known(study, known);
        if (rc <= 0) {
            return rc;
        }
        known->next = study->first;
        study->first = known;
    }
    return dogb_distribution_compatible(&known->distribution, distribution, name);
}

int dogb_study_param_insert(dogb_study *study, int64_t id, const dogb_study_param *param,
                            const dogb_distribution *distribution) {
    dogb_arena scratch = {0};
    const char *text = dogb_distribution_text(&scratch, distribution);
    int rc = text == NULL
                 ? DOGBREED_ERROR_NO_MEMORY
                 : dogb_db_do(study->db,
                              "INSERT INTO trial_params (trial_id, param_name, param_value, "
                              "distribution_json) VALUES ($1, $2, $3, $4) "
                              "ON CONFLICT (trial_id, param_name) DO UPDATE SET "
                              "param_value = excluded.param_value, "
                              "distribution_json = excluded.distribution_json",
                              DOGB_CELLS(dogb_integer(id), dogb_text(param->name),
                                         dogb_real(param->value), dogb_text(text)));
    dogb_arena_free(&scratch);
    return rc;
}

int dogb_study_param_read(dogb_distribution *out, dogb_arena *arena,
                          const dogb_study_param *param) {
    int rc = dogb_study_name_check("parameter", param->name);
    if (rc < 0) {
        return rc;
    }
    DOGB_CHECK(param->distribution != NULL, "parameter %s: expected a distribution", param->name);
    if ((rc = dogb_distribution_read(out, arena, param->distribution, param->name)) < 0) {
        return rc;
    }
    DOGB_CHECK(dogb_distribution_contains(out, param->value),
               "parameter %s: %.17g does not come from %.200s", param->name, param->value,
               param->distribution);
    return DOGBREED_OK;
}

typedef struct setting {
    int64_t id;
    const dogb_study_param *param;
    dogb_distribution distribution;
} setting;

static int set_work(dogb_study *study, void *userdata) {
    const setting *set = userdata;
    int rc = dogb_study_trial_lock_running(study, set->id, 0);
    if (rc < 0 || (rc = dogb_study_param_check(study, set->param->name, &set->distribution)) < 0) {
        return rc;
    }
    return dogb_study_param_insert(study, set->id, set->param, &set->distribution);
}

int dogb_study_param_set(dogb_study *study, int64_t id, const dogb_study_param *param) {
    dogb_arena scratch = {0};
    setting set = {.id = id, .param = param};
    int rc = dogb_study_param_read(&set.distribution, &scratch, param);
    if (rc == DOGBREED_OK) {
        rc = dogb_study_transact(study, 1, set_work, &set);
    }
    dogb_arena_free(&scratch);
    return rc;
}
