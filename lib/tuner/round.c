// round.c - this run's trials of a round: trained side by side where their heads can be one bank,
// else one after the other. Results are written when all trials of a bank have finished an epoch.
// Where memory is short, those that have not come to an end begin again, fewer at a time.
#include "core/clock.h"
#include "core/error.h"
#include "core/log.h"
#include "trainer/bank.h"
#include "tuner/state.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum {
    GOING = 0,
    ENDED = 1,
    SETTLED = 2, // the storage knows
    TOLD = 3,    // the listener too
    LACKING = 4, // alone it has no memory
};

// A trial that trains.
typedef struct runner {
    dogbreed_tuner *tuner;
    dogbreed_model *model;
    dogbreed_trainer *trainer; // NULL: not made yet, or let go
    int64_t number;
    int32_t told;  // epochs of its curve that the storage has
    int32_t group; // its bank; -1: alone
    int32_t pruned;
    int32_t phase;
    int32_t epochs; // planned
    int32_t begun;  // the listener knows
    int32_t heard;  // epochs that the listener knows
    int32_t trains; // now
    int lack_code;
    char lack[256]; // what it had no memory for
} runner;

typedef struct crew {
    dogbreed_tuner *tuner;
    dogb_arena arena;
    runner *runners;
    dogbreed_trainer **trainers; // [count] of the bank that trains
    int32_t count;
    int32_t groups;
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

static int tell_begin(runner *r) {
    int rc = r->begun ? DOGBREED_OK : tell(r, DOGBREED_TRIAL_EVENT_BEGIN);
    r->begun |= rc == DOGBREED_OK;
    return rc;
}

static int tell_epoch(runner *r) {
    int32_t epochs = r->tuner->trials[r->number].curve_count;
    int rc = r->heard < epochs ? tell(r, DOGBREED_TRIAL_EVENT_EPOCH) : DOGBREED_OK;
    r->heard = rc < 0 ? r->heard : epochs;
    return rc;
}

// What the trainer has finished since the last look goes into the trial's curve. One that has begun
// again comes to the same values: nothing is new until it is where it was.
static int follow(runner *r) {
    dogb_trainer_status status;
    dogb_trainer_status_get(&status, r->trainer);
    dogb_trial *trial = &r->tuner->trials[r->number];
    int rc = tell_epoch(r);
    while (rc == DOGBREED_OK && trial->curve_count < status.epoch_count) {
        const dogb_epoch *epoch = &status.epochs[trial->curve_count];
        rc = dogb_trial_report(r->tuner, r->number, objective_of(r->tuner, epoch));
        rc = rc < 0 ? rc : tell_epoch(r);
    }
    return rc;
}

static int fail_trial(runner *r, const char *reason) {
    r->phase = ENDED;
    return dogb_trial_fail(r->tuner, r->number, reason);
}

// It leaves those that train, to begin again.
static int lack(runner *r, int code, const char *what) {
    r->trains = 0;
    r->lack_code = code;
    (void)snprintf(r->lack, sizeof r->lack, "%.255s", what);
    return DOGBREED_OK;
}

static int end_trial(runner *r, const dogb_trainer_status *status) {
    dogb_trial *trial = &r->tuner->trials[r->number];
    trial->complete = dogb_clock_wall();
    if (status->end == DOGB_END_FAILED && dogb_trial_lacks(status->end_code)) {
        return lack(r, status->end_code, status->message);
    }
    r->tuner->trained = 1;
    if (status->end == DOGB_END_FAILED) {
        return dogb_trial_spared(status->end_code)
                   ? dogb_fail(status->end_code, "%s", status->message)
                   : fail_trial(r, status->message);
    }
    if (status->epoch_count == 0) {
        return fail_trial(r, "it ended before its first epoch");
    }
    // A pruned one has, as in Optuna, the last value that it reported; others that of the weights
    // that are kept.
    int last = r->pruned || status->best < 0 ||
               dogb_trainer_options(r->trainer)->keep == DOGBREED_KEEP_LAST;
    const dogb_epoch *epoch = &status->epochs[last ? status->epoch_count - 1 : status->best];
    double value = objective_of(r->tuner, epoch);
    if (!isfinite(value)) {
        return fail_trial(r, "the objective is not a finite number");
    }
    r->phase = ENDED;
    trial->state = r->pruned ? DOGB_TRIAL_PRUNED : DOGB_TRIAL_COMPLETE;
    trial->value = value;
    trial->loss = epoch->val_loss;
    return DOGBREED_OK;
}

// Ends the trial with its trainer, or has the pruner look at it: once at each epoch, also when it
// has begun again.
static int judge(runner *r) {
    dogb_trainer_status status;
    dogb_trainer_status_get(&status, r->trainer);
    if (status.end != DOGB_END_NONE) {
        return end_trial(r, &status);
    }
    int looks = status.epoch_count > 0 && !r->pruned &&
                status.epoch_count == r->tuner->trials[r->number].curve_count;
    int stops = looks ? dogb_trial_prune(r->tuner, r->number) : 0;
    if (stops > 0) {
        r->pruned = 1;
        dogbreed_trainer_stop(r->trainer);
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
        r->phase = r->phase == ENDED ? SETTLED : r->phase;
        if (r->phase == SETTLED && (rc = tell(r, DOGBREED_TRIAL_EVENT_END)) == DOGBREED_OK) {
            r->phase = TOLD;
        }
    }
    return rc;
}

static int is_running(const crew *c, int32_t i) {
    return c->runners[i].phase == GOING && c->runners[i].trains;
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
        dogbreed_trainer_stop(r->trainer);
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

static int run_alone(crew *c, runner *r) {
    lonely l = {.c = c};
    int rc = dogbreed_trainer_subscribe(
        r->trainer, NULL, DOGBREED_EVENT_MASK(DOGBREED_EVENT_STEP_BEGIN), on_moment, r);
    rc = rc < 0 ? rc
                : dogbreed_trainer_subscribe(r->trainer, NULL,
                                             DOGBREED_EVENT_MASK(DOGBREED_EVENT_EPOCH_BEGIN),
                                             on_epoch, &l);
    if (rc == DOGBREED_OK) {
        (void)dogbreed_trainer_run(r->trainer); // how it ended is in its status
        rc = l.error.code < 0 ? dogb_error_restore(&l.error) : after_epoch(c);
    }
    return rc;
}

// --- trainers

static int make_trainer(runner *r) {
    dogbreed_tuner *tuner = r->tuner;
    int rc = dogb_job_trainer(&r->trainer, &r->model, tuner, &tuner->trials[r->number], 0);
    if (rc < 0) {
        return rc;
    }
    r->pruned = 0;
    r->epochs = dogb_trainer_options(r->trainer)->epochs;
    rc = dogbreed_trainer_subscribe(r->trainer, NULL, DOGBREED_EVENT_MASK(DOGBREED_EVENT_PROGRESS),
                                    on_moment, r);
    if (rc < 0) {
        return rc;
    }
    if (tuner->trainer_fn != NULL &&
        tuner->trainer_fn(r->trainer, r->number, tuner->userdata) < 0) {
        return dogb_fail(DOGBREED_ERROR_CALLBACK, "the listener of trainers refused trial %lld",
                         (long long)r->number);
    }
    return tell_begin(r);
}

static void let_go(runner *r) {
    dogbreed_trainer_destroy(r->trainer);
    dogbreed_model_destroy(r->model);
    r->trainer = NULL;
    r->model = NULL;
}

// One for which there is no memory now is made when the others are gone.
static int make_runner(const crew *c, runner *r, int64_t number) {
    dogb_error_state error;
    *r = (runner){.tuner = c->tuner, .number = number, .group = -1};
    c->tuner->trials[number].curve_count = 0; // one that was interrupted begins again
    int rc = make_trainer(r);
    if (rc < 0) {
        dogb_error_save(&error, rc);
        let_go(r);
        rc = dogb_trial_lacks(rc) ? DOGBREED_OK : dogb_error_restore(&error);
    }
    return rc;
}

// --- banks

static int32_t members_of(const crew *c, int32_t group) {
    int32_t count = 0;
    for (int32_t i = 0; i < c->count; i++) {
        if (c->runners[i].group == group) {
            c->trainers[count++] = c->runners[i].trainer;
        }
    }
    return count;
}

// Bytes that a bank may take; 0: any number.
static int64_t budget_of(const crew *c) {
    const int64_t SHARE = 2; // of what is free, between all workers: they may be on this machine
    int64_t budget = c->tuner->options.bank_bytes_max;
    for (int32_t i = 0; budget == 0 && i < c->count; i++) {
        dogbreed_trainer *trainer = c->runners[i].trainer;
        if (trainer != NULL && dogb_trainer_bank_refusal(&trainer, 1) == NULL) {
            int64_t room = dogb_trainer_bank_room(trainer) / SHARE / c->tuner->options.workers;
            return room > 0 ? room : 0; // an engine that does not open says so when it trains
        }
    }
    return budget;
}

static int fits(const crew *c, int32_t count, int64_t budget) {
    return dogb_trainer_bank_refusal(c->trainers, count) == NULL &&
           (budget == 0 || dogb_trainer_bank_bytes(c->trainers, count) <= budget);
}

// The first bank that a trainer fits into; one that can be in none trains alone.
static void group(crew *c) {
    int64_t budget = budget_of(c);
    for (int32_t i = 0; i < c->count; i++) {
        runner *r = &c->runners[i];
        c->trainers[0] = r->trainer;
        if (r->trainer == NULL || dogb_trainer_bank_refusal(c->trainers, 1) != NULL) {
            continue;
        }
        for (int32_t g = 0; r->group < 0; g++) {
            int32_t count = members_of(c, g);
            c->trainers[count] = r->trainer;
            if (g == c->groups || fits(c, count + 1, budget)) {
                r->group = g;
                c->groups += g == c->groups;
            }
        }
    }
}

// One attempt; those that have not come to an end know why.
static int attempt(crew *c, const int32_t *list, int32_t count) {
    int rc = DOGBREED_OK;
    for (int32_t i = 0; rc == DOGBREED_OK && i < count; i++) {
        runner *r = &c->runners[list[i]];
        rc = r->trainer == NULL ? make_trainer(r) : DOGBREED_OK;
        r->trains = 1;
        c->trainers[i] = r->trainer;
    }
    if (rc == DOGBREED_OK) {
        rc = c->runners[list[0]].group < 0
                 ? run_alone(c, &c->runners[list[0]])
                 : dogb_trainer_bank_run(c->trainers, count, after_epoch, c);
    }
    dogb_error_state error;
    dogb_error_save(&error, rc);
    for (int32_t i = 0; i < count; i++) {
        runner *r = &c->runners[list[i]];
        if (dogb_trial_lacks(rc) && r->trains) {
            (void)lack(r, rc, error.text);
        }
        r->trains = 0;
        let_go(r);
    }
    return dogb_error_restore(&error);
}

// Moves those that have not come to an end to the front.
static int32_t unfinished(const crew *c, int32_t *list, int32_t count) {
    int32_t left = 0;
    for (int32_t i = 0; i < count; i++) {
        if (c->runners[list[i]].phase == GOING) {
            list[left++] = list[i];
        }
    }
    return left;
}

// Trains a bank, or one alone. Those that memory was short for begin again, half as many at a
// time; the last one without a bank, which takes the least.
static int train_list(crew *c, int32_t *list, int32_t count) {
    int rc = attempt(c, list, count);
    int32_t left = unfinished(c, list, count);
    if (rc < 0 && !dogb_trial_lacks(rc)) {
        return rc;
    }
    if (left == 0) { // what there was no memory for to write or tell comes at the end
        return DOGBREED_OK;
    }
    runner *first = &c->runners[list[0]];
    int alone = first->group < 0;
    if (alone) {
        first->phase = LACKING;
        return DOGBREED_OK;
    }
    int32_t half = (count + 1) / 2;
    if (count == 1) {
        dogb_log(DOGBREED_LOG_WARNING, "trial %lld: %s; it begins again, without a bank",
                 (long long)first->number, first->lack);
    } else {
        dogb_log(DOGBREED_LOG_WARNING,
                 "trial %lld and %d beside it: %s; they begin again, %d at a time",
                 (long long)first->number, (int)count - 1, first->lack, (int)half);
    }
    first->group = count == 1 ? -1 : first->group;
    rc = DOGBREED_OK;
    for (int32_t i = 0; rc == DOGBREED_OK && i < left; i += half) {
        rc = train_list(c, list + i, left - i < half ? left - i : half);
    }
    return rc;
}

// Whether this machine trains trials of this study. Where others work on it too, it has to be
// shown by this run: what has no memory here is left to them.
static int trains_at_all(const dogbreed_tuner *tuner) {
    return tuner->trained || (tuner->options.workers == 1 && dogb_tuner_done(tuner) > 0);
}

// Trials that had no memory all alone.
static int settle_lacking(crew *c) {
    char reason[300];
    int rc = DOGBREED_OK;
    for (int32_t i = 0; rc == DOGBREED_OK && i < c->count; i++) {
        runner *r = &c->runners[i];
        if (r->phase != LACKING) {
            continue;
        }
        if (!trains_at_all(c->tuner)) {
            return dogb_fail(r->lack_code, "trial %lld: %s", (long long)r->number, r->lack);
        }
        int says_so = strstr(r->lack, "out of memory") != NULL;
        (void)snprintf(reason, sizeof reason, "%s%s", says_so ? "" : "out of memory: ", r->lack);
        c->tuner->trials[r->number].complete = dogb_clock_wall();
        rc = tell_begin(r);
        rc = rc < 0 ? rc : fail_trial(r, reason);
    }
    return rc < 0 ? rc : settle(c);
}

static int train(crew *c) {
    int32_t *list = dogb_alloc(&c->arena, (size_t)c->count, sizeof *list);
    c->trainers = dogb_alloc(&c->arena, (size_t)c->count + 1, sizeof *c->trainers);
    if (list == NULL || c->trainers == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    group(c);
    int rc = DOGBREED_OK;
    for (int32_t g = 0; rc == DOGBREED_OK && g < c->groups; g++) {
        int32_t count = 0;
        for (int32_t i = 0; i < c->count; i++) {
            if (c->runners[i].group == g) {
                list[count++] = i;
            }
        }
        rc = train_list(c, list, count);
    }
    for (int32_t i = 0; rc == DOGBREED_OK && i < c->count; i++) {
        rc = c->runners[i].group < 0 && c->runners[i].phase == GOING ? train_list(c, &i, 1)
                                                                     : DOGBREED_OK;
    }
    return rc < 0 ? rc : settle_lacking(c);
}

int dogb_tuner_round(dogbreed_tuner *tuner, int64_t from, int64_t to) {
    crew c = {.tuner = tuner};
    c.runners = dogb_alloc(&c.arena, (size_t)(to - from), sizeof *c.runners);
    int rc = c.runners == NULL ? DOGBREED_ERROR_NO_MEMORY : DOGBREED_OK;
    for (int64_t k = from; rc == DOGBREED_OK && k < to; k++) {
        if (tuner->trials[k].mine) {
            rc = make_runner(&c, &c.runners[c.count++], k);
        }
    }
    rc = rc < 0 ? rc : train(&c);
    dogb_error_state error;
    dogb_error_save(&error, rc);
    for (int32_t i = 0; i < c.count; i++) {
        let_go(&c.runners[i]);
    }
    dogb_arena_free(&c.arena);
    return dogb_error_restore(&error);
}
