// round.c - this run's trials of a round: trained side by side where their heads can be one bank,
// else one after the other. Results are written when all trials of a bank have finished an epoch.
#include "core/clock.h"
#include "core/error.h"
#include "trainer/bank.h"
#include "tuner/members.h"
#include "tuner/state.h"

#include <math.h>
#include <stdio.h>

enum { GOING = 0, ENDED = 1, SETTLED = 2 }; // SETTLED: the storage and the listener know

// A trial that trains.
typedef struct runner {
    dogbreed_tuner *tuner;
    dogb_members members;
    int64_t number;
    int32_t told;  // epochs of its curve that the storage has
    int32_t group; // its bank; -1: alone
    int32_t pruned;
    int32_t phase;
    int32_t epochs; // planned
    int32_t reserved;
} runner;

typedef struct crew {
    dogbreed_tuner *tuner;
    dogb_arena arena;
    runner *runners;
    int32_t count;
    int32_t groups;
    int32_t now;   // bank that trains
    int32_t alone; // runner that trains by itself, or -1
} crew;

static int tell(const runner *r, int32_t kind) {
    return dogb_tuner_tell(r->tuner, r->number, kind, r->epochs);
}

// --- epochs

static double objective_of(const dogbreed_tuner *tuner, const dogb_epoch *epoch) {
    switch (tuner->options.objective) {
    case DOGBREED_OBJECTIVE_VAL_LOSS:
        return epoch->val_loss;
    case DOGBREED_OBJECTIVE_VAL_TOP5:
        return epoch->val_top5;
    default:
        return epoch->val_accuracy;
    }
}

// What the trainer has finished since the last look goes into the trial's curve.
static int follow(runner *r) {
    dogb_members_status status;
    dogb_members_look(&status, &r->members);
    dogb_trial *trial = &r->tuner->trials[r->number];
    int rc = DOGBREED_OK;
    while (rc == DOGBREED_OK && trial->curve_count < status.epochs) {
        dogb_epoch epoch;
        dogb_members_epoch(&epoch, &r->members, trial->curve_count);
        rc = dogb_trial_report(r->tuner, r->number, objective_of(r->tuner, &epoch));
        rc = rc < 0 ? rc : tell(r, DOGBREED_TRIAL_EVENT_EPOCH);
    }
    return rc;
}

static int fail_trial(runner *r, const char *reason) {
    r->phase = ENDED;
    return dogb_trial_fail(r->tuner, r->number, reason);
}

static int fail_member(runner *r, const dogb_members_status *status) {
    char reason[300];
    if (dogb_trial_spared(status->code)) {
        return dogb_fail(status->code, "%s", status->reason);
    }
    (void)snprintf(reason, sizeof reason, "fold %d: %s", (int)status->failed, status->reason);
    return fail_trial(r, r->members.count > 1 ? reason : status->reason);
}

// The epoch that the trial's value is of. A pruned one has, as in Optuna, the last value that it
// reported; others that of the weights that are kept, or of the best epoch over all folds.
static int32_t value_epoch(const runner *r) {
    const dogb_trial *trial = &r->tuner->trials[r->number];
    dogbreed_trainer *first = r->members.trainers[0];
    int32_t best = trial->curve_count - 1;
    if (r->pruned || dogb_trainer_options(first)->keep == DOGBREED_KEEP_LAST) {
        return best;
    }
    if (r->members.count == 1) {
        dogb_trainer_status status;
        dogb_trainer_status_get(&status, first);
        return status.best < 0 ? best : status.best;
    }
    double sign = dogb_tuner_sign(r->tuner);
    for (int32_t i = best - 1; i >= 0; i--) {
        best = sign * trial->curve[i] <= sign * trial->curve[best] ? i : best;
    }
    return best;
}

static int end_trial(runner *r, const dogb_members_status *status) {
    dogb_trial *trial = &r->tuner->trials[r->number];
    dogb_epoch epoch;
    trial->complete = dogb_clock_wall();
    if (status->failed >= 0) {
        return fail_member(r, status);
    }
    if (status->epochs == 0) {
        return fail_trial(r, "it ended before its first epoch");
    }
    dogb_members_epoch(&epoch, &r->members, value_epoch(r));
    double value = objective_of(r->tuner, &epoch);
    if (!isfinite(value)) {
        return fail_trial(r, "the objective is not a finite number");
    }
    r->phase = ENDED;
    trial->state = r->pruned ? DOGB_TRIAL_PRUNED : DOGB_TRIAL_COMPLETE;
    trial->value = value;
    trial->loss = epoch.val_loss;
    return DOGBREED_OK;
}

// Ends the trial with its trainers, or has the pruner look at it.
static int judge(runner *r) {
    dogb_members_status status;
    dogb_members_look(&status, &r->members);
    if (status.ended == r->members.count) {
        return end_trial(r, &status);
    }
    int stops =
        status.epochs == 0 || status.last || r->pruned ? 0 : dogb_trial_prune(r->tuner, r->number);
    r->pruned |= stops > 0;
    if (stops > 0 || status.last) {
        dogb_members_stop(&r->members);
    }
    return stops < 0 ? stops : DOGBREED_OK;
}

static int keep(dogbreed_tuner *tuner, void *userdata) {
    const crew *c = userdata;
    int rc = DOGBREED_OK;
    for (int32_t i = 0; rc == DOGBREED_OK && i < c->count; i++) {
        const runner *r = &c->runners[i];
        rc = dogb_keep_trial(tuner, r->number, r->told, r->phase == ENDED);
    }
    return rc;
}

// A batch may run twice: what it has written is noted behind it.
static int settle(crew *c) {
    int rc = dogb_keep_batch(c->tuner, keep, c);
    for (int32_t i = 0; rc == DOGBREED_OK && i < c->count; i++) {
        runner *r = &c->runners[i];
        r->told = c->tuner->trials[r->number].curve_count;
        if (r->phase == ENDED) {
            r->phase = SETTLED;
            rc = tell(r, DOGBREED_TRIAL_EVENT_END);
        }
    }
    return rc;
}

static int is_running(const crew *c, int32_t i) {
    const runner *r = &c->runners[i];
    return r->phase == GOING && (c->alone >= 0 ? i == c->alone : r->group == c->now);
}

// Behind an epoch of all that train together.
static int after_epoch(void *userdata) {
    crew *c = userdata;
    int rc =
        c->tuner->stop ? dogb_fail(DOGBREED_ERROR_CANCELLED, "the study was stopped") : DOGBREED_OK;
    for (int32_t i = 0; rc == DOGBREED_OK && i < c->count; i++) {
        rc = is_running(c, i) ? follow(&c->runners[i]) : DOGBREED_OK;
    }
    for (int32_t i = 0; rc == DOGBREED_OK && i < c->count; i++) { // all curves are known now
        rc = is_running(c, i) ? judge(&c->runners[i]) : DOGBREED_OK;
    }
    return rc < 0 ? rc : settle(c);
}

// Features may take minutes: a stop reaches the trainer that waits for them.
static int on_moment(const dogbreed_event *event, void *userdata) {
    const runner *r = userdata;
    (void)event;
    if (r->tuner->stop) {
        dogb_members_stop(&r->members);
    }
    return 0;
}

// --- training alone

typedef struct lonely {
    crew *c;
    dogb_error_state error; // of after_epoch
} lonely;

// When the next epoch begins: the end of one that nothing follows is in the status, as in a bank.
static int on_epoch(const dogbreed_event *event, void *userdata) {
    lonely *l = userdata;
    int rc = event->epoch == 0 ? DOGBREED_OK : after_epoch(l->c);
    dogb_error_save(&l->error, rc);
    return rc < 0 ? -1 : 0;
}

static int run_member(crew *c, runner *r, dogbreed_trainer *trainer) {
    lonely l = {.c = c};
    int rc = dogbreed_trainer_subscribe(
        trainer, NULL, DOGBREED_EVENT_MASK(DOGBREED_EVENT_STEP_BEGIN), on_moment, r);
    rc = rc < 0 ? rc
                : dogbreed_trainer_subscribe(
                      trainer, NULL, DOGBREED_EVENT_MASK(DOGBREED_EVENT_EPOCH_BEGIN), on_epoch, &l);
    if (rc == DOGBREED_OK) {
        (void)dogbreed_trainer_run(trainer); // how it ended is in its status
        rc = l.error.code < 0 ? dogb_error_restore(&l.error) : after_epoch(c);
    }
    return rc;
}

static int run_alone(crew *c, int32_t i) {
    runner *r = &c->runners[i];
    int rc = DOGBREED_OK;
    c->alone = i;
    for (int32_t k = 0; rc == DOGBREED_OK && k < r->members.count; k++) {
        rc = run_member(c, r, r->members.trainers[k]);
    }
    c->alone = -1;
    return rc;
}

// --- a round

static int make_member(runner *r, dogbreed_trainer **out, const dogb_fold *fold) {
    dogbreed_tuner *tuner = r->tuner;
    dogbreed_model *model = NULL;
    int rc = dogb_job_trainer(out, &model, tuner, &tuner->trials[r->number], fold, 0);
    dogbreed_model_destroy(model); // the trainer has its own reference
    rc = rc < 0 ? rc
                : dogbreed_trainer_subscribe(
                      *out, NULL, DOGBREED_EVENT_MASK(DOGBREED_EVENT_PROGRESS), on_moment, r);
    if (rc == DOGBREED_OK && tuner->trainer_fn != NULL &&
        tuner->trainer_fn(*out, r->number, tuner->userdata) < 0) {
        rc = dogb_fail(DOGBREED_ERROR_CALLBACK, "the listener of trainers refused trial %lld",
                       (long long)r->number);
    }
    return rc;
}

static int make_runner(crew *c, runner *r, int64_t number) {
    dogbreed_tuner *tuner = c->tuner;
    int32_t folds = tuner->options.kfold;
    *r = (runner){.tuner = tuner, .number = number, .group = -1};
    tuner->trials[number].curve_count = 0; // one that was interrupted begins again
    r->members.trainers = dogb_alloc(&c->arena, (size_t)folds + 1, sizeof(dogbreed_trainer *));
    int rc = r->members.trainers == NULL ? DOGBREED_ERROR_NO_MEMORY : DOGBREED_OK;
    for (int32_t i = 0; rc == DOGBREED_OK && i < (folds == 0 ? 1 : folds); i++) {
        dogb_fold fold = {.numbers = tuner->job->folds, .number = i};
        rc = make_member(r, &r->members.trainers[r->members.count++], folds == 0 ? NULL : &fold);
    }
    if (rc < 0) {
        return rc;
    }
    r->epochs = dogb_trainer_options(r->members.trainers[0])->epochs;
    return tell(r, DOGBREED_TRIAL_EVENT_BEGIN);
}

static int32_t add_members(dogbreed_trainer **list, int32_t count, const runner *r) {
    for (int32_t i = 0; i < r->members.count; i++) {
        list[count++] = r->members.trainers[i];
    }
    return count;
}

static int32_t members_of(dogbreed_trainer **out, const crew *c, int32_t group) {
    int32_t count = 0;
    for (int32_t i = 0; i < c->count; i++) {
        count = c->runners[i].group == group ? add_members(out, count, &c->runners[i]) : count;
    }
    return count;
}

// The first bank that a trial fits into; one that fits nowhere trains alone.
static void group(crew *c, dogbreed_trainer **list) {
    for (int32_t i = 0; i < c->count; i++) {
        runner *r = &c->runners[i];
        if (dogb_trainer_bank_refusal(list, add_members(list, 0, r)) != NULL) {
            continue;
        }
        for (int32_t g = 0; r->group < 0; g++) {
            int32_t count = add_members(list, members_of(list, c, g), r);
            if (g == c->groups || dogb_trainer_bank_refusal(list, count) == NULL) {
                r->group = g;
                c->groups += g == c->groups;
            }
        }
    }
}

static int train(crew *c) {
    size_t members = (size_t)(c->tuner->options.kfold == 0 ? 1 : c->tuner->options.kfold);
    dogbreed_trainer **list = dogb_alloc(&c->arena, (size_t)c->count * members + 1, sizeof *list);
    if (list == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    group(c, list);
    int rc = DOGBREED_OK;
    for (c->now = 0; rc == DOGBREED_OK && c->now < c->groups; c->now++) {
        rc = dogb_trainer_bank_run(list, members_of(list, c, c->now), after_epoch, c);
    }
    for (int32_t i = 0; rc == DOGBREED_OK && i < c->count; i++) {
        rc = c->runners[i].group < 0 ? run_alone(c, i) : DOGBREED_OK;
    }
    return rc;
}

int dogb_tuner_round(dogbreed_tuner *tuner, int64_t from, int64_t to) {
    crew c = {.tuner = tuner, .alone = -1};
    c.runners = dogb_alloc(&c.arena, (size_t)(to - from), sizeof *c.runners);
    int rc = c.runners == NULL ? DOGBREED_ERROR_NO_MEMORY : dogb_job_folds(tuner);
    for (int64_t k = from; rc == DOGBREED_OK && k < to; k++) {
        if (tuner->trials[k].mine) {
            rc = make_runner(&c, &c.runners[c.count++], k);
        }
    }
    rc = rc < 0 ? rc : train(&c);
    dogb_error_state error;
    dogb_error_save(&error, rc);
    for (int32_t i = 0; i < c.count; i++) {
        for (int32_t k = 0; k < c.runners[i].members.count; k++) {
            dogbreed_trainer_destroy(c.runners[i].members.trainers[k]);
        }
    }
    dogb_arena_free(&c.arena);
    return dogb_error_restore(&error);
}
