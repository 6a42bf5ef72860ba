// heart.c - heartbeats: a thread with a connection of its own sends them for the trials that the
// handle runs, so that neither long epochs nor long batches hold them up. And the other side:
// trials whose heart has stopped fail.
#include "core/json.h"
#include "core/log.h"
#include "core/thread.h"
#include "study/study_internal.h"
#include "study/value.h"

#include <string.h>
#include <time.h>

struct dogb_heart {
    dogb_arena arena; // the connection and the list
    dogb_db *db;      // of the thread alone
    double interval;
    pthread_t thread;
    pthread_mutex_t mutex; // of what follows
    pthread_cond_t wake;
    int64_t *ids;
    size_t count;
    size_t capacity;
    int32_t stop;
    int32_t started;
};

// Nothing for a trial that is over, or that another transaction took back.
static int beat(dogb_db *db, int64_t id) {
    return dogb_db_do(db,
                      "INSERT INTO trial_heartbeats (trial_id, heartbeat) "
                      "SELECT trial_id, CURRENT_TIMESTAMP FROM trials "
                      "WHERE trial_id = $1 AND state = 'RUNNING' "
                      "ON CONFLICT (trial_id) DO UPDATE SET heartbeat = CURRENT_TIMESTAMP",
                      DOGB_CELLS(dogb_integer(id)));
}

static int beat_all(dogb_heart *heart, const int64_t *ids, size_t count) {
    int rc = dogb_db_begin(heart->db, 1);
    for (size_t i = 0; rc == DOGBREED_OK && i < count; i++) {
        rc = beat(heart->db, ids[i]);
    }
    if (rc == DOGBREED_OK) {
        rc = dogb_db_commit(heart->db);
    }
    if (rc < 0) {
        dogb_db_rollback(heart->db);
        if (heart->db->failure == DOGB_DB_LOST) {
            (void)heart->db->driver->reconnect(heart->db);
        }
    }
    return rc;
}

// One round; the mutex is held, and given away while the database is asked.
static void beat_round(dogb_heart *heart) {
    dogb_arena scratch = {0};
    size_t count = heart->count;
    int64_t *ids = dogb_alloc(&scratch, count + 1, sizeof *ids);
    int rc = ids == NULL ? DOGBREED_ERROR_NO_MEMORY : DOGBREED_OK;
    if (rc == DOGBREED_OK && count > 0) {
        memcpy(ids, heart->ids, count * sizeof *ids);
        (void)pthread_mutex_unlock(&heart->mutex);
        rc = beat_all(heart, ids, count);
        (void)pthread_mutex_lock(&heart->mutex);
    }
    if (rc < 0) {
        dogb_log(DOGBREED_LOG_WARNING, "heartbeats: %s", dogbreed_error_message());
    }
    dogb_arena_free(&scratch);
}

static void *run(void *userdata) {
    dogb_heart *heart = userdata;
    (void)pthread_mutex_lock(&heart->mutex);
    while (!heart->stop) {
        struct timespec until;
        (void)clock_gettime(CLOCK_MONOTONIC, &until);
        double next = (double)until.tv_nsec * 1e-9 + heart->interval;
        until.tv_sec += (time_t)next;
        until.tv_nsec = (long)((next - (double)(time_t)next) * 1e9);
        int timed_out = 0;
        while (!heart->stop && !timed_out) {
            timed_out = pthread_cond_timedwait(&heart->wake, &heart->mutex, &until) != 0;
        }
        if (!heart->stop) {
            beat_round(heart);
        }
    }
    (void)pthread_mutex_unlock(&heart->mutex);
    return NULL;
}

static int make_locks(dogb_heart *heart) {
    pthread_condattr_t attributes;
    int failed = pthread_condattr_init(&attributes);
    if (!failed) {
        failed = pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) ||
                 pthread_cond_init(&heart->wake, &attributes);
        (void)pthread_condattr_destroy(&attributes);
    }
    if (!failed && pthread_mutex_init(&heart->mutex, NULL) != 0) {
        (void)pthread_cond_destroy(&heart->wake);
        failed = 1;
    }
    return failed ? dogb_fail(DOGBREED_ERROR_NO_MEMORY, "out of memory for a lock") : DOGBREED_OK;
}

int dogb_heart_start(dogb_study *study, const dogb_study_conf *conf, double timeout) {
    if (conf->heartbeat <= 0) {
        return DOGBREED_OK;
    }
    dogb_heart *heart = dogb_malloc(1, sizeof *heart);
    int rc = heart == NULL ? DOGBREED_ERROR_NO_MEMORY : make_locks(heart);
    if (rc < 0) {
        dogb_free(heart);
        return rc;
    }
    heart->interval = conf->heartbeat;
    rc = dogb_db_open(&heart->db, &heart->arena, conf->url, 0, timeout);
    if (rc == DOGBREED_OK) {
        rc = dogb_thread_start(&heart->thread, run, heart);
        heart->started = rc == DOGBREED_OK;
    }
    if (rc < 0) {
        dogb_heart_stop(heart);
        return rc;
    }
    study->heart = heart;
    return DOGBREED_OK;
}

void dogb_heart_stop(dogb_heart *heart) {
    if (heart == NULL) {
        return;
    }
    if (heart->started) {
        (void)pthread_mutex_lock(&heart->mutex);
        heart->stop = 1;
        (void)pthread_cond_signal(&heart->wake);
        (void)pthread_mutex_unlock(&heart->mutex);
        (void)pthread_join(heart->thread, NULL);
    }
    dogb_db_close(heart->db);
    (void)pthread_cond_destroy(&heart->wake);
    (void)pthread_mutex_destroy(&heart->mutex);
    dogb_arena_free(&heart->arena);
    dogb_free(heart);
}

static int note(dogb_study *study, int64_t id, int32_t take) {
    if (study->heart == NULL) {
        return DOGBREED_OK;
    }
    int rc = dogb_grow(&study->arena, &study->changes, &study->change_capacity, study->change_count,
                       sizeof *study->changes);
    if (rc < 0) {
        return rc;
    }
    study->changes[study->change_count++] = (dogb_change){.id = id, .take = take};
    return DOGBREED_OK;
}

int dogb_heart_take(dogb_study *study, int64_t id) {
    int rc = study->interval > 0 ? beat(study->db, id) : DOGBREED_OK;
    return rc < 0 ? rc : note(study, id, 1);
}

int dogb_heart_leave(dogb_study *study, int64_t id) {
    return note(study, id, 0);
}

// Removes the trial from the list and, to take it, adds it: never twice.
static void apply(dogb_heart *heart, const dogb_change *change) {
    size_t kept = 0;
    for (size_t i = 0; i < heart->count; i++) {
        if (heart->ids[i] != change->id) {
            heart->ids[kept++] = heart->ids[i];
        }
    }
    heart->count = kept;
    if (!change->take) {
        return;
    }
    if (dogb_grow(&heart->arena, &heart->ids, &heart->capacity, kept, sizeof *heart->ids) < 0) {
        dogb_log(DOGBREED_LOG_WARNING, "heartbeats: out of memory: none for trial id %lld",
                 (long long)change->id);
        return;
    }
    heart->ids[heart->count++] = change->id;
}

void dogb_heart_settle(dogb_study *study, int32_t committed) {
    if (committed && study->change_count > 0) {
        (void)pthread_mutex_lock(&study->heart->mutex);
        for (size_t i = 0; i < study->change_count; i++) {
            apply(study->heart, &study->changes[i]);
        }
        (void)pthread_mutex_unlock(&study->heart->mutex);
    }
    study->change_count = 0;
}

static int beat_work(dogb_study *study, void *userdata) {
    const int64_t *id = userdata;
    int rc = dogb_study_trial_lock_running(study, *id, 0);
    if (rc < 0 || (rc = beat(study->db, *id)) < 0) {
        return rc;
    }
    return note(study, *id, 1);
}

int dogb_study_heartbeat(dogb_study *study, int64_t id) {
    return dogb_study_transact(study, 1, beat_work, &id);
}
