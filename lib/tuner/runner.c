// runner.c - see runner.h. A trial that has begun again, for want of memory, comes to the same
// values: nothing is new until it is where it was.
#include "tuner/runner.h"

#include "core/clock.h"
#include "core/error.h"

#include <math.h>
#include <stdio.h>

static int tell(const dogb_runner *r, int32_t kind) {
    return dogb_tuner_tell(r->tuner, r->number, kind, r->epochs);
}

int dogb_runner_tell_begin(dogb_runner *r) {
    int rc = r->begun ? DOGBREED_OK : tell(r, DOGBREED_TRIAL_EVENT_BEGIN);
    r->begun |= rc == DOGBREED_OK;
    return rc;
}

static int tell_epoch(dogb_runner *r) {
    int32_t epochs = r->tuner->trials[r->number].curve_count;
    int rc = r->heard < epochs ? tell(r, DOGBREED_TRIAL_EVENT_EPOCH) : DOGBREED_OK;
    r->heard = rc < 0 ? r->heard : epochs;
    return rc;
}

int dogb_runner_tell_end(dogb_runner *r) {
    int rc = r->phase == DOGB_RUNNER_SETTLED ? tell(r, DOGBREED_TRIAL_EVENT_END) : DOGBREED_OK;
    r->phase = r->phase == DOGB_RUNNER_SETTLED && rc == DOGBREED_OK ? DOGB_RUNNER_TOLD : r->phase;
    return rc;
}

// --- trainers

int dogb_runner_on_moment(const dogbreed_event *event, void *userdata) {
    const dogb_runner *r = userdata;
    (void)event;
    if (r->tuner->stop) {
        dogb_members_stop(&r->members);
    }
    return 0;
}

int32_t dogb_runner_members(const dogbreed_tuner *tuner) {
    return tuner->options.kfold == 0 ? 1 : tuner->options.kfold;
}

void dogb_runner_init(dogb_runner *r, dogbreed_tuner *tuner, int64_t number,
                      dogbreed_trainer **trainers) {
    *r = (dogb_runner){
        .tuner = tuner, .members = {.trainers = trainers}, .number = number, .group = -1};
    tuner->trials[number].curve_count = 0; // one that was interrupted begins again
}

static int make_member(dogb_runner *r, const dogb_fold *fold) {
    dogbreed_tuner *tuner = r->tuner;
    dogbreed_model *model = NULL;
    dogbreed_trainer *trainer = NULL;
    int rc = dogb_job_trainer(&trainer, &model, tuner, &tuner->trials[r->number], fold, 0);
    dogbreed_model_destroy(model); // the trainer has its own reference
    if (rc < 0) {
        return rc;
    }
    r->members.trainers[r->members.count++] = trainer;
    // Features may take minutes: a stop reaches the trainer that waits for them.
    rc = dogbreed_trainer_subscribe(trainer, NULL, DOGBREED_EVENT_MASK(DOGBREED_EVENT_PROGRESS),
                                    dogb_runner_on_moment, r);
    if (rc == DOGBREED_OK && tuner->trainer_fn != NULL &&
        tuner->trainer_fn(trainer, r->number, tuner->userdata) < 0) {
        rc = dogb_fail(DOGBREED_ERROR_CALLBACK, "the listener of trainers refused trial %lld",
                       (long long)r->number);
    }
    return rc < 0 ? rc : dogb_watch_begin(r, r->members.count - 1);
}

int dogb_runner_make(dogb_runner *r) {
    int rc = DOGBREED_OK;
    for (int32_t i = 0; rc == DOGBREED_OK && i < dogb_runner_members(r->tuner); i++) {
        dogb_fold fold = {.numbers = r->tuner->job->folds, .number = i};
        rc = make_member(r, fold.numbers == NULL ? NULL : &fold);
    }
    if (rc < 0) {
        return rc;
    }
    r->pruned = 0;
    r->epochs = dogb_trainer_options(r->members.trainers[0])->epochs;
    return dogb_runner_tell_begin(r);
}

void dogb_runner_let_go(dogb_runner *r) {
    dogb_watch_end(r);
    for (int32_t i = 0; i < r->members.count; i++) {
        dogbreed_trainer_destroy(r->members.trainers[i]);
    }
    r->members.count = 0;
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

int dogb_runner_follow(dogb_runner *r) {
    dogb_members_status status;
    dogb_members_look(&status, &r->members);
    dogb_trial *trial = &r->tuner->trials[r->number];
    int rc = tell_epoch(r);
    while (rc == DOGBREED_OK && trial->curve_count < status.epochs) {
        dogb_epoch epoch;
        dogb_members_epoch(&epoch, &r->members, trial->curve_count);
        rc = dogb_trial_report(r->tuner, r->number, objective_of(r->tuner, &epoch));
        rc = rc < 0 ? rc : tell_epoch(r);
    }
    return rc;
}

// --- ends

int dogb_runner_fail(dogb_runner *r, const char *reason) {
    r->phase = DOGB_RUNNER_ENDED;
    return dogb_trial_fail(r->tuner, r->number, reason);
}

void dogb_runner_lack(dogb_runner *r, int code, const char *what) {
    r->trains = 0;
    r->lack_code = code;
    (void)snprintf(r->lack, sizeof r->lack, "%.255s", what);
}

static int fail_member(dogb_runner *r, const dogb_members_status *status) {
    char reason[300];
    if (dogb_trial_lacks(status->code)) {
        dogb_runner_lack(r, status->code, status->reason);
        return DOGBREED_OK;
    }
    r->tuner->trained = 1;
    if (dogb_trial_spared(status->code)) {
        return dogb_fail(status->code, "%s", status->reason);
    }
    (void)snprintf(reason, sizeof reason, "fold %d: %s", (int)status->failed, status->reason);
    return dogb_runner_fail(r, r->members.count > 1 ? reason : status->reason);
}

// The epoch that the trial's value is of. A pruned one has, as in Optuna, the last value that it
// reported; others that of the weights that are kept, or of the best epoch over all folds.
static int32_t value_epoch(const dogb_runner *r, int32_t epochs) {
    const dogb_trial *trial = &r->tuner->trials[r->number];
    dogbreed_trainer *first = r->members.trainers[0];
    int32_t best = epochs - 1;
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

static int end_trial(dogb_runner *r, const dogb_members_status *status) {
    dogb_trial *trial = &r->tuner->trials[r->number];
    dogb_epoch epoch;
    trial->complete = dogb_clock_wall();
    if (status->failed >= 0) {
        return fail_member(r, status);
    }
    r->tuner->trained = 1;
    if (status->epochs == 0) {
        return dogb_runner_fail(r, "it ended before its first epoch");
    }
    int found = dogb_watch_findings(r, status->epochs);
    if (found < 0) {
        return found;
    }
    r->pruned |= found && r->tuner->options.rule_prune;
    dogb_members_epoch(&epoch, &r->members, value_epoch(r, status->epochs));
    double value = objective_of(r->tuner, &epoch);
    if (!isfinite(value)) {
        return dogb_runner_fail(r, "the objective is not a finite number");
    }
    r->phase = DOGB_RUNNER_ENDED;
    trial->state = r->pruned ? DOGB_TRIAL_PRUNED : DOGB_TRIAL_COMPLETE;
    trial->value = value;
    trial->loss = epoch.val_loss;
    return DOGBREED_OK;
}

// The pruner looks once at each epoch, also when the trial has begun again.
int dogb_runner_judge(dogb_runner *r) {
    dogb_members_status status;
    dogb_members_look(&status, &r->members);
    if (status.ended == r->members.count) {
        return end_trial(r, &status);
    }
    int looks = status.epochs > 0 && !status.last && !r->pruned &&
                status.epochs == r->tuner->trials[r->number].curve_count;
    int stops = looks ? dogb_trial_prune(r->tuner, r->number) : 0;
    r->pruned |= stops > 0;
    if (stops > 0 || status.last) {
        dogb_members_stop(&r->members);
    }
    return stops < 0 ? stops : DOGBREED_OK;
}
