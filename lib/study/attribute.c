// attribute.c - the four attribute tables: of the study or a trial, of the user or the system.
#include "core/json.h"
#include "study/study_internal.h"
#include "study/value.h"

#include <string.h>

enum { SYSTEM_VALUE_MAX = 2045 }; // bytes

#define PUT(OWNER, WHO)                                                                            \
    "INSERT INTO " OWNER "_" WHO "_attributes (" OWNER "_id, \"key\", value_json) "                \
    "VALUES ($1, $2, $3) ON CONFLICT (" OWNER "_id, \"key\") "                                     \
    "DO UPDATE SET value_json = excluded.value_json"
#define GET(OWNER, WHO)                                                                            \
    "SELECT value_json FROM " OWNER "_" WHO "_attributes WHERE " OWNER "_id = $1 AND \"key\" = $2"

// [of a trial][of the system]
static const char *const put[2][2] = {{PUT("study", "user"), PUT("study", "system")},
                                      {PUT("trial", "user"), PUT("trial", "system")}};
static const char *const get[2][2] = {{GET("study", "user"), GET("study", "system")},
                                      {GET("trial", "user"), GET("trial", "system")}};

int dogb_study_attribute_put(dogb_study *study, int64_t id, int32_t system, const char *key,
                             const char *ascii) {
    return dogb_db_do(
        study->db, put[id >= 0][system != 0],
        DOGB_CELLS(dogb_integer(id >= 0 ? id : study->id), dogb_text(key), dogb_text(ascii)));
}

typedef struct attribute {
    int64_t id;
    int32_t system;
    int32_t first; // of this key
    const char *key;
    const char *ascii;
    char **json;
    dogb_arena *arena;
} attribute;

// 1: it is there; *stored is its text as it is.
static int find(char **stored, dogb_study *study, const attribute *a, dogb_arena *arena) {
    return dogb_db_find_text(
        study->db, stored, arena, get[a->id >= 0][a->system != 0],
        DOGB_CELLS(dogb_integer(a->id >= 0 ? a->id : study->id), dogb_text(a->key)));
}

static int put_work(dogb_study *study, void *userdata) {
    const attribute *a = userdata;
    char *stored = NULL;
    int rc = a->id >= 0 ? dogb_study_trial_lock_running(study, a->id, 1) : dogb_study_lock(study);
    if (rc == DOGBREED_OK && a->first && (rc = find(&stored, study, a, a->arena)) == 1) {
        rc = dogb_fail(DOGBREED_ERROR_EXISTS, "study %s: it has an attribute %s", study->name,
                       a->key);
    }
    return rc < 0 ? rc : dogb_study_attribute_put(study, a->id, a->system, a->key, a->ascii);
}

static int set(dogb_study *study, attribute a, const char *json) {
    dogb_arena scratch = {0};
    json_t *value = NULL;
    a.arena = &scratch;
    int rc = dogb_study_name_check("attribute", a.key);
    if (rc < 0 || (rc = dogb_json_parse_any(&value, &scratch, json, strlen(json), a.key)) < 0) {
        goto out;
    }
    if ((a.ascii = dogb_json_text_ascii(&scratch, value)) == NULL) {
        rc = DOGBREED_ERROR_NO_MEMORY;
    } else if (a.system && strlen(a.ascii) > SYSTEM_VALUE_MAX) {
        rc = dogb_fail(DOGBREED_ERROR_INVALID_ARGUMENT,
                       "attribute %s: %zu bytes of JSON, %d are allowed in a system attribute",
                       a.key, strlen(a.ascii), SYSTEM_VALUE_MAX);
    } else {
        rc = dogb_study_transact(study, 1, put_work, &a);
    }
out:
    dogb_arena_free(&scratch);
    return rc;
}

int dogb_study_attribute(dogb_study *study, int64_t id, int32_t system, const char *key,
                         const char *json) {
    return set(study, (attribute){.id = id, .system = system, .key = key}, json);
}

int dogb_study_attribute_first(dogb_study *study, int64_t id, int32_t system, const char *key,
                               const char *json) {
    return set(study, (attribute){.id = id, .system = system, .key = key, .first = 1}, json);
}

static int get_work(dogb_study *study, void *userdata) {
    attribute *a = userdata;
    char *stored = NULL;
    int rc = find(&stored, study, a, a->arena);
    if (rc <= 0) {
        return rc < 0 ? rc
                      : dogb_fail(DOGBREED_ERROR_NOT_FOUND, "study %s: no attribute %s",
                                  study->name, a->key);
    }
    *a->json = dogb_json_plain(a->arena, stored);
    return *a->json == NULL ? DOGBREED_ERROR_NO_MEMORY : DOGBREED_OK;
}

int dogb_study_attribute_get(char **json, dogb_study *study, dogb_arena *arena, int64_t id,
                             int32_t system, const char *key) {
    attribute a = {.id = id, .system = system, .key = key, .json = json, .arena = arena};
    *json = NULL;
    int rc = dogb_study_name_check("attribute", key);
    return rc < 0 ? rc : dogb_study_transact(study, 0, get_work, &a);
}
