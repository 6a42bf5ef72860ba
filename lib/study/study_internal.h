// study_internal.h - the handle, and what its files share.
#ifndef DOGB_STUDY_STUDY_INTERNAL_H
#define DOGB_STUDY_STUDY_INTERNAL_H

#include "core/error.h"
#include "study/db.h"
#include "study/distribution.h"
#include "study/study.h"

#include <pthread.h>

typedef struct dogb_heart dogb_heart;

// A trial that the thread shall begin, or cease, to beat for when the transaction is committed.
typedef struct dogb_change {
    int64_t id;
    int64_t take; // 1 or 0
} dogb_change;

// A trial that this handle runs (claim.c).
typedef struct dogb_claim {
    int64_t id;
    int32_t fresh;  // of this transaction
    int32_t leaves; // when this transaction is committed
} dogb_claim;

struct dogb_study {
    dogb_arena arena; // all of the below is guarded by `mutex`, which one thread may take again
    pthread_mutex_t mutex; // so that the calls inside a batch go through
    dogb_db *db;
    dogb_heart *heart; // NULL: no heartbeats
    const char *name;
    int64_t id;
    int32_t direction;
    int32_t depth;  // 1: in a transaction
    int32_t locked; // this transaction holds the study's row
    int64_t next;   // the number of the next trial, when this transaction knows it; else -1
    int32_t broken; // the result of a call inside the batch that the database refused
    int32_t reserved;
    double interval;  // between heartbeats; 0: none
    dogb_arena known; // distributions that earlier trials have, by name
    struct dogb_known *first;
    dogb_change *changes;
    size_t change_count;
    size_t change_capacity;
    dogb_claim *claims;
    size_t claim_count;
    size_t claim_capacity;
};

// fn in a transaction, begun and ended here unless one is running.
typedef int (*dogb_work_fn)(dogb_study *study, void *userdata);
int dogb_study_transact(dogb_study *study, int32_t write, dogb_work_fn fn, void *userdata);

// Takes the row of the study, or of a trial, for the rest of the transaction. NOT_FOUND.
int dogb_study_lock(dogb_study *study);
int dogb_study_trial_lock(dogb_study *study, int32_t *state, int64_t id);

// The same, and STATE unless the trial is RUNNING (or WAITING, when that is fine too).
int dogb_study_trial_lock_running(dogb_study *study, int64_t id, int32_t waiting_too);

// A new row, which runs from now on or waits; the study is locked. The end of one that runs, else
// STATE.
int dogb_study_trial_insert(dogb_study *study, int64_t *id, int64_t number, int32_t state);
int dogb_study_trial_end(dogb_study *study, int64_t id, int32_t state);
int dogb_study_trial_begin(dogb_study *study, int64_t id, int64_t *number); // of one that is there
int dogb_study_trial_count(dogb_study *study, int64_t *count);

// Forgets distributions that a transaction read which was undone.
void dogb_study_known_clear(dogb_study *study);

// MISMATCH: earlier trials have something else under this name.
int dogb_study_param_check(dogb_study *study, const char *name,
                           const dogb_distribution *distribution);
int dogb_study_param_insert(dogb_study *study, int64_t id, const dogb_study_param *param,
                            const dogb_distribution *distribution);

// The distribution of a parameter that a caller gives, and its value in it. INVALID_ARGUMENT.
int dogb_study_param_read(dogb_distribution *out, dogb_arena *arena, const dogb_study_param *param);

// An attribute without any check but that of its JSON, which is ASCII already.
int dogb_study_attribute_put(dogb_study *study, int64_t id, int32_t system, const char *key,
                             const char *ascii);

// Names and keys: UTF-8, at most 512 characters.
int dogb_study_name_check(const char *what, const char *name);

// The handle's thread that beats for the trials it runs.
int dogb_heart_start(dogb_study *study, const dogb_study_conf *conf, double timeout);
void dogb_heart_stop(dogb_heart *heart); // NULL is fine

// In a transaction: one heartbeat, and the thread goes on from its end on; or no longer. Without
// heartbeats nothing happens.
int dogb_heart_take(dogb_study *study, int64_t id);
int dogb_heart_leave(dogb_study *study, int64_t id);

// In a transaction that holds the trial's row. 1: this handle runs it; 0: another one does.
int dogb_claim_take(dogb_study *study, int64_t id);
void dogb_claim_leave(dogb_study *study, int64_t id);
void dogb_claim_settle(dogb_study *study, int32_t committed);
void dogb_claim_restore(dogb_study *study); // behind a new connection

// The end of the transaction: what take and leave said counts now, or never.
void dogb_heart_settle(dogb_study *study, int32_t committed);

#endif
