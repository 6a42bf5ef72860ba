// study.h - studies in the tables of Optuna's RDB storage (alembic revision v3.2.0.a), on SQLite
// and PostgreSQL: Python programs with Optuna read, continue and watch them, and work on them at
// the same time.
//
// Every call is one transaction, or part of the one of dogb_study_batch. A call that fails has
// changed nothing. Errors: NOT_FOUND (study, trial), EXISTS, MISMATCH, STATE (the trial is over),
// UNSUPPORTED (another schema, another kind of database), FORMAT (what is stored cannot be read),
// IO (disk, a lock that was held too long), NETWORK (the server).
//
// Threads: one handle may be used by any number of threads; calls wait for each other, and for a
// running batch. Several handles, in this process or others, on one study are fine.
#ifndef DOGB_STUDY_STUDY_H
#define DOGB_STUDY_STUDY_H

#include "core/arena.h"

#include <stdint.h>

// Values as in Optuna.
enum {
    DOGB_TRIAL_RUNNING = 0,
    DOGB_TRIAL_COMPLETE = 1,
    DOGB_TRIAL_PRUNED = 2,
    DOGB_TRIAL_FAIL = 3,
    DOGB_TRIAL_WAITING = 4
};
enum { DOGB_MINIMIZE = 1, DOGB_MAXIMIZE = 2 };

typedef struct dogb_study dogb_study;

typedef struct dogb_study_conf {
    const char *url; // a file's path, "sqlite:///path", or "postgresql://user@host:port/database"
    const char *name;
    int32_t direction; // DOGB_MINIMIZE, DOGB_MAXIMIZE; 0: that of the study, which must exist
    int32_t create;    // 0: must exist; 1: create or load; 2: must not exist
    double heartbeat; // seconds between heartbeats of the running trials, sent by a thread; 0: none
    double timeout;   // seconds to wait for another's lock on the database; 0: 90
} dogb_study_conf;

typedef struct dogb_study_param {
    const char *name;
    double value;             // internal: an integer as a number, a choice as its index
    const char *distribution; // JSON as Optuna's, see distribution.h
} dogb_study_param;

typedef struct dogb_study_trial {
    int64_t id;
    int64_t number;
    int32_t state;
    int32_t param_count;
    const dogb_study_param *params; // in the order in which they were drawn
    double value;                   // NaN: none
    const double *curve;            // intermediate values; index 0 = step 1; NaN: missing
    int32_t curve_count;
    int32_t reserved;
    double start; // seconds since the epoch, UTC; NaN: none
    double complete;
    const char *attributes; // user attributes as a JSON object
    const char *system;     // system attributes as a JSON object
} dogb_study_trial;

// Steps above this are kept in the database, not shown in `curve`.
enum { DOGB_STUDY_STEP_MAX = 65536 };

// Path of the file that an address names; NULL: it names a server.
const char *dogb_study_file(const char *url);

// The database of an address, as it was last committed, whole into a file; who has it open goes on.
// UNSUPPORTED: it is no file.
int dogb_study_copy(const char *url, const char *path);

int dogb_study_open(dogb_study **out, const dogb_study_conf *conf);
void dogb_study_close(dogb_study *study); // NULL is fine; trials that run go on running

// All trials, by number; those from a number on; or one.
int dogb_study_trials(const dogb_study_trial **out, int64_t *count, dogb_study *study,
                      dogb_arena *arena);
int dogb_study_trials_from(const dogb_study_trial **out, int64_t *count, dogb_study *study,
                           dogb_arena *arena, int64_t number);
int dogb_study_trial_read(const dogb_study_trial **out, dogb_study *study, dogb_arena *arena,
                          int64_t id);

int32_t dogb_study_direction(const dogb_study *study);

// A new trial. RUNNING: with these parameters. WAITING: in the queue, to be run with these. `id`
// and `number` may be NULL. expected >= 0: EXISTS unless it gets that number (nothing is added
// then). attributes: a JSON object or NULL.
int dogb_study_add(dogb_study *study, int64_t *id, int64_t *number, int64_t expected, int32_t state,
                   const dogb_study_param *params, int32_t count, const char *attributes);

// The oldest WAITING trial becomes RUNNING. NOT_FOUND: there is none. What it shall run with is in
// its `params` and its system attribute "fixed_params".
int dogb_study_take_waiting(dogb_study *study, int64_t *id, int64_t *number);

// state WAITING: a trial of the queue becomes RUNNING here. RUNNING: one whose handle is gone, with
// its process or its connection, is run here from now on; programs that make no claims (Optuna)
// look as if they were gone, so the caller has to know that it is no trial of theirs. 1: it is this
// handle's; 0: another one has it, or it is no longer in that state. A handle has what it has added
// as RUNNING, and what it took.
int dogb_study_take(dogb_study *study, int64_t id, int32_t state);

// This handle no longer runs the trial, which stays RUNNING: dogb_study_take may have it.
void dogb_study_leave(dogb_study *study, int64_t id);

// A further parameter of a RUNNING trial. MISMATCH: earlier trials have another kind of it (class,
// log, choices; ranges may differ).
int dogb_study_param_set(dogb_study *study, int64_t id, const dogb_study_param *param);

// The value after a step (>= 1: completed epochs); again for one step: replaces it. NaN and
// infinities are fine.
int dogb_study_report(dogb_study *study, int64_t id, int64_t step, double value);

// Ends a RUNNING trial. COMPLETE with NaN is stored as FAIL, as Optuna does. PRUNED with NaN takes
// the last reported value. FAIL has no value.
int dogb_study_tell(dogb_study *study, int64_t id, int32_t state, double value);

// Sets an attribute of a trial that is not over, or of the study (id -1). json: any value; those of
// system attributes at most 2045 bytes, as Optuna's readers expect.
int dogb_study_attribute(dogb_study *study, int64_t id, int32_t system, const char *key,
                         const char *json);

// The same unless there is one: EXISTS, and a batch ends without any change.
int dogb_study_attribute_first(dogb_study *study, int64_t id, int32_t system, const char *key,
                               const char *json);

// NOT_FOUND: there is none.
int dogb_study_attribute_get(char **json, dogb_study *study, dogb_arena *arena, int64_t id,
                             int32_t system, const char *key);

// One heartbeat now. With conf.heartbeat > 0 the handle's thread goes on with it until the trial is
// told: so a trial is adopted that another process has begun. Trials of dogb_study_add and
// dogb_study_take_waiting have it without asking.
int dogb_study_heartbeat(dogb_study *study, int64_t id);

// RUNNING trials whose last heartbeat is older than two intervals (of conf.heartbeat, else 60 s)
// become FAIL; without any heartbeat they never do. retry: a copy is queued, up to so many times
// (-1: always), 0: never. `count` may be NULL: how many failed.
int dogb_study_reap(dogb_study *study, int32_t retry, int32_t *count);

// Calls of fn in one transaction: a negative result undoes all of them and is returned. On a server
// fn is called again when the database had to give up (deadlock, connection lost before the end).
// A call that failed in the database itself (not: EXISTS, NOT_FOUND, MISMATCH, STATE) fails the
// batch, whatever fn returns.
int dogb_study_batch(dogb_study *study, int (*fn)(dogb_study *, void *), void *userdata);

#endif
