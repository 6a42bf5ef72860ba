// study.c - opening and closing a study, and the transaction that every call is or is part of.
#include "core/clock.h"
#include "core/json.h"
#include "study/schema.h"
#include "study/study_internal.h"

#include <math.h>
#include <string.h>
#include <time.h>

enum { TRIES = 6 };

static const double timeout_default = 90;

int dogb_study_name_check(const char *what, const char *name) {
    size_t characters = 0;
    DOGB_CHECK(name != NULL && *name != '\0', "%s: expected a name", what);
    DOGB_CHECK(dogb_text_valid(name, strlen(name)), "%s: not valid UTF-8", what);
    for (const char *c = name; *c != '\0'; c++) {
        characters += ((unsigned char)*c & 0xc0) != 0x80;
    }
    DOGB_CHECK(characters <= 512, "%s \"%.40s...\": %zu characters, 512 are allowed", what, name,
               characters);
    return DOGBREED_OK;
}

// Tries of several programs that got into each other's way must not meet again.
static void pause_before(int attempt) {
    double clock = dogb_clock() * 1e6;
    double part = (clock - floor(clock / 997) * 997) / 997; // as good as random
    double seconds = fmin(2, 0.02 * (double)(1 << (2 * attempt))) * (0.5 + 0.5 * part);
    time_t whole = (time_t)seconds;
    struct timespec time = {.tv_sec = whole,
                            .tv_nsec = (long)((seconds - (double)whole) * 999999999)};
    (void)nanosleep(&time, NULL);
}

static void reconnect(dogb_study *study) {
    if (study->db->driver->reconnect(study->db) == DOGBREED_OK) {
        dogb_claim_restore(study);
    }
}

static int once(dogb_study *study, int32_t write, dogb_work_fn fn, void *userdata) {
    int rc = dogb_db_begin(study->db, write);
    if (rc < 0) {
        return rc;
    }
    study->depth = 1;
    study->locked = 0;
    study->next = -1;
    study->broken = DOGBREED_OK;
    rc = fn(study, userdata);
    study->depth = 0;
    if (study->broken < 0 && rc >= 0) {
        rc = dogb_fail(study->broken, "%s: a call in the batch failed: %s", study->db->name,
                       dogbreed_error_message());
    }
    int unknown = 0; // done or not done: nobody knows, so it must not be tried again
    if (rc >= 0) {
        rc = dogb_db_commit(study->db);
        unknown = rc < 0 && study->db->failure == DOGB_DB_LOST;
    }
    if (unknown) {
        reconnect(study);
        rc = dogb_fail(rc, "%s: connection lost while committing; the last change may be there",
                       study->db->name);
    }
    if (rc < 0) {
        dogb_db_rollback(study->db);
        dogb_study_known_clear(study);
    }
    dogb_claim_settle(study, rc >= 0);
    dogb_heart_settle(study, rc >= 0);
    if (unknown) { // whatever became of the new connection
        study->db->failure = DOGB_DB_FAILED;
    }
    return rc;
}

// 1: worth another try.
static int again(dogb_study *study, int attempt) {
    if (study->db->failure < DOGB_DB_AGAIN) {
        return 0;
    }
    pause_before(attempt);
    if (study->db->failure == DOGB_DB_LOST) {
        dogb_error_state state;
        dogb_error_save(&state, DOGBREED_OK);
        reconnect(study); // else the next try says why not
        (void)dogb_error_restore(&state);
    }
    return 1;
}

static int outer(dogb_study *study, int32_t write, dogb_work_fn fn, void *userdata) {
    int rc = DOGBREED_OK;
    for (int attempt = 0; attempt < TRIES; attempt++) {
        rc = once(study, write, fn, userdata);
        if (rc >= 0 || attempt + 1 == TRIES || !again(study, attempt)) {
            break;
        }
    }
    return rc;
}

// Failures that are answers: nothing has been written when they are given.
static int harmless(int rc) {
    static const int codes[] = {DOGBREED_ERROR_INVALID_ARGUMENT, DOGBREED_ERROR_NOT_FOUND,
                                DOGBREED_ERROR_EXISTS, DOGBREED_ERROR_MISMATCH,
                                DOGBREED_ERROR_STATE};
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        if (codes[i] == rc) {
            return 1;
        }
    }
    return rc >= 0;
}

int dogb_study_transact(dogb_study *study, int32_t write, dogb_work_fn fn, void *userdata) {
    (void)pthread_mutex_lock(&study->mutex);
    int rc = DOGBREED_OK;
    if (study->depth == 0) {
        rc = outer(study, write, fn, userdata);
    } else {
        rc = study->broken < 0 ? study->broken : fn(study, userdata);
        if (!harmless(rc)) {
            study->broken = rc;
        }
    }
    (void)pthread_mutex_unlock(&study->mutex);
    return rc;
}

int dogb_study_batch(dogb_study *study, int (*fn)(dogb_study *, void *), void *userdata) {
    return dogb_study_transact(study, 1, fn, userdata);
}

int32_t dogb_study_direction(const dogb_study *study) {
    return study->direction;
}

static int find_study(dogb_study *study) {
    return dogb_db_find(study->db, &study->id, "SELECT study_id FROM studies WHERE study_name = $1",
                        DOGB_CELLS(dogb_text(study->name)));
}

static int make_study(dogb_study *study, int32_t direction) {
    int rc = dogb_db_find(study->db, &study->id,
                          "INSERT INTO studies (study_name) VALUES ($1) RETURNING study_id",
                          DOGB_CELLS(dogb_text(study->name)));
    if (rc < 0) {
        return rc;
    }
    return dogb_db_do(study->db,
                      "INSERT INTO study_directions (direction, study_id, objective) "
                      "VALUES ($1, $2, 0)",
                      DOGB_CELLS(dogb_text(direction == DOGB_MINIMIZE ? "MINIMIZE" : "MAXIMIZE"),
                                 dogb_integer(study->id)));
}

static int check_direction(dogb_study *study, int32_t wanted) {
    dogb_arena scratch = {0};
    int64_t objectives = 0;
    char *text = NULL;
    int rc = dogb_db_find(study->db, &objectives,
                          "SELECT COUNT(*) FROM study_directions WHERE study_id = $1",
                          DOGB_CELLS(dogb_integer(study->id)));
    if (rc < 0 || (rc = dogb_db_find_text(study->db, &text, &scratch,
                                          "SELECT direction FROM study_directions "
                                          "WHERE study_id = $1 ORDER BY objective",
                                          DOGB_CELLS(dogb_integer(study->id)))) < 0) {
        goto out;
    }
    rc = DOGBREED_OK;
    if (objectives != 1) {
        rc = dogb_fail(DOGBREED_ERROR_UNSUPPORTED, "study %s: it has %d objectives, expected one",
                       study->name, (int)objectives);
        goto out;
    }
    study->direction =
        text != NULL && strcmp(text, "MAXIMIZE") == 0 ? DOGB_MAXIMIZE : DOGB_MINIMIZE;
    if (wanted != 0 && wanted != study->direction) {
        rc = dogb_fail(DOGBREED_ERROR_MISMATCH, "study %s: its direction is %s", study->name,
                       text == NULL ? "not set" : text);
    }
out:
    dogb_arena_free(&scratch);
    return rc;
}

static int load_or_make(dogb_study *study, void *userdata) {
    const dogb_study_conf *conf = userdata;
    int rc = find_study(study);
    if (rc < 0) {
        return rc;
    }
    if (rc == 1 && conf->create == 2) {
        return dogb_fail(DOGBREED_ERROR_EXISTS, "study %s: it exists in %s", study->name,
                         study->db->name);
    }
    if (rc == 0 && conf->create == 0) {
        return dogb_fail(DOGBREED_ERROR_NOT_FOUND, "study %s: not in %s", study->name,
                         study->db->name);
    }
    if (rc == 0) {
        DOGB_CHECK(conf->direction != 0, "study %s: a new study needs a direction", study->name);
        rc = make_study(study, conf->direction);
    } else {
        rc = DOGBREED_OK;
    }
    return rc < 0 ? rc : check_direction(study, conf->direction);
}

static int check_conf(const dogb_study_conf *conf) {
    DOGB_CHECK(conf->url != NULL && *conf->url != '\0', "storage: expected a path or URL");
    DOGB_CHECK(conf->direction >= 0 && conf->direction <= DOGB_MAXIMIZE,
               "direction %d: expected 1 (minimize) or 2 (maximize)", (int)conf->direction);
    DOGB_CHECK(conf->create >= 0 && conf->create <= 2, "create %d: expected 0, 1 or 2",
               (int)conf->create);
    DOGB_CHECK(conf->heartbeat >= 0 && conf->heartbeat <= 86400,
               "heartbeat %g: expected 0 to 86400 seconds", conf->heartbeat);
    DOGB_CHECK(conf->timeout >= 0 && conf->timeout <= 86400,
               "timeout %g: expected 0 to 86400 seconds", conf->timeout);
    return dogb_study_name_check("study", conf->name);
}

static int make_mutex(pthread_mutex_t *mutex) {
    pthread_mutexattr_t attributes;
    if (pthread_mutexattr_init(&attributes) != 0) {
        return dogb_fail(DOGBREED_ERROR_NO_MEMORY, "out of memory for a lock");
    }
    (void)pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_RECURSIVE);
    int failed = pthread_mutex_init(mutex, &attributes);
    (void)pthread_mutexattr_destroy(&attributes);
    return failed ? dogb_fail(DOGBREED_ERROR_NO_MEMORY, "out of memory for a lock") : DOGBREED_OK;
}

int dogb_study_open(dogb_study **out, const dogb_study_conf *conf) {
    *out = NULL;
    int rc = check_conf(conf);
    if (rc < 0) {
        return rc;
    }
    dogb_study *study = dogb_malloc(1, sizeof *study);
    if (study == NULL || make_mutex(&study->mutex) < 0) {
        dogb_free(study);
        return DOGBREED_ERROR_NO_MEMORY;
    }
    double timeout = conf->timeout > 0 ? conf->timeout : timeout_default;
    study->interval = conf->heartbeat;
    study->name = dogb_strdup(&study->arena, conf->name);
    rc = study->name == NULL
             ? DOGBREED_ERROR_NO_MEMORY
             : dogb_db_open(&study->db, &study->arena, conf->url, conf->create != 0, timeout);
    if (rc < 0 || (rc = dogb_schema_check(study->db, conf->create != 0)) < 0 ||
        (rc = dogb_study_transact(study, conf->create != 0, load_or_make,
                                  (void *)(uintptr_t)conf)) < 0 ||
        (rc = dogb_heart_start(study, conf, timeout)) < 0) {
        dogb_study_close(study);
        return rc;
    }
    *out = study;
    return DOGBREED_OK;
}

void dogb_study_close(dogb_study *study) {
    if (study == NULL) {
        return;
    }
    dogb_heart_stop(study->heart);
    dogb_db_close(study->db);
    dogb_arena_free(&study->known);
    dogb_arena_free(&study->arena);
    (void)pthread_mutex_destroy(&study->mutex);
    dogb_free(study);
}
