// round.c - this run's trials of a round: trained side by side where their heads can be one bank,
// else one after the other. Results are written when all trials of a bank have finished an epoch.
// Where memory is short, those that have not come to an end begin again, fewer at a time.
#include "core/clock.h"
#include "core/error.h"
#include "core/log.h"
#include "trainer/bank.h"
#include "tuner/runner.h"

#include <stdio.h>
#include <string.h>

typedef struct crew {
    dogbreed_tuner *tuner;
    dogb_arena arena;
    dogb_runner *runners;
    dogbreed_trainer **trainers; // of the bank that trains
    int32_t count;               // of runners
    int32_t groups;
} crew;

// --- epochs

static int keep(dogbreed_tuner *tuner, void *userdata) {
    const crew *c = userdata;
    int rc = DOGBREED_OK;
    for (int32_t i = 0; rc == DOGBREED_OK && i < c->count; i++) {
        const dogb_runner *r = &c->runners[i];
        rc = dogb_keep_trial(tuner, r->number, r->told, r->phase == DOGB_RUNNER_ENDED);
    }
    return rc;
}

// A batch may run twice: what it has written is noted behind it.
static int settle(crew *c) {
    int rc = dogb_keep_batch(c->tuner, keep, c);
    for (int32_t i = 0; rc == DOGBREED_OK && i < c->count; i++) {
        dogb_runner *r = &c->runners[i];
        r->told = c->tuner->trials[r->number].curve_count;
        r->phase = r->phase == DOGB_RUNNER_ENDED ? DOGB_RUNNER_SETTLED : r->phase;
        rc = dogb_runner_tell_end(r);
    }
    return rc;
}

static int is_running(const crew *c, int32_t i) {
    return c->runners[i].phase == DOGB_RUNNER_GOING && c->runners[i].trains;
}

// Behind an epoch of all that train together.
static int after_epoch(void *userdata) {
    crew *c = userdata;
    int rc =
        c->tuner->stop ? dogb_fail(DOGBREED_ERROR_CANCELLED, "the study was stopped") : DOGBREED_OK;
    for (int32_t i = 0; rc == DOGBREED_OK && i < c->count; i++) {
        rc = is_running(c, i) ? dogb_runner_follow(&c->runners[i]) : DOGBREED_OK;
    }
    for (int32_t i = 0; rc == DOGBREED_OK && i < c->count; i++) { // all curves are known now
        rc = is_running(c, i) ? dogb_runner_judge(&c->runners[i]) : DOGBREED_OK;
    }
    return rc < 0 ? rc : settle(c);
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

static int run_member(crew *c, dogb_runner *r, dogbreed_trainer *trainer) {
    lonely l = {.c = c};
    int rc = dogbreed_trainer_subscribe(
        trainer, NULL, DOGBREED_EVENT_MASK(DOGBREED_EVENT_STEP_BEGIN), dogb_runner_on_moment, r);
    rc = rc < 0 ? rc
                : dogbreed_trainer_subscribe(
                      trainer, NULL, DOGBREED_EVENT_MASK(DOGBREED_EVENT_EPOCH_BEGIN), on_epoch, &l);
    if (rc == DOGBREED_OK) {
        (void)dogbreed_trainer_run(trainer); // how it ended is in its status
        rc = l.error.code < 0 ? dogb_error_restore(&l.error) : after_epoch(c);
    }
    return rc;
}

// Folds one after the other.
static int run_alone(crew *c, dogb_runner *r) {
    int rc = DOGBREED_OK;
    for (int32_t i = 0; rc == DOGBREED_OK && i < r->members.count; i++) {
        rc = run_member(c, r, r->members.trainers[i]);
    }
    return rc;
}

// --- banks

static int32_t add_members(const crew *c, int32_t count, const dogb_runner *r) {
    for (int32_t i = 0; i < r->members.count; i++) {
        c->trainers[count++] = r->members.trainers[i];
    }
    return count;
}

static int32_t members_of(const crew *c, int32_t group) {
    int32_t count = 0;
    for (int32_t i = 0; i < c->count; i++) {
        count = c->runners[i].group == group ? add_members(c, count, &c->runners[i]) : count;
    }
    return count;
}

static int can_bank(const crew *c, const dogb_runner *r) {
    int32_t count = add_members(c, 0, r);
    return count > 0 && dogb_trainer_bank_refusal(c->trainers, count) == NULL;
}

// Bytes that a bank may take; 0: any number.
static int64_t budget_of(const crew *c) {
    const int64_t SHARE = 2; // of what is free, between all workers: they may be on this machine
    int64_t budget = c->tuner->options.bank_bytes_max;
    for (int32_t i = 0; budget == 0 && i < c->count; i++) {
        if (can_bank(c, &c->runners[i])) {
            int64_t room = dogb_trainer_bank_room(c->trainers[0]) / SHARE;
            room /= c->tuner->options.workers;
            return room > 0 ? room : 0; // an engine that does not open says so when it trains
        }
    }
    return budget;
}

static int fits(const crew *c, int32_t count, int64_t budget) {
    return dogb_trainer_bank_refusal(c->trainers, count) == NULL &&
           (budget == 0 || dogb_trainer_bank_bytes(c->trainers, count) <= budget);
}

// The first bank that a trial fits into; one that can be in none trains alone.
static void group(crew *c) {
    int64_t budget = budget_of(c);
    for (int32_t i = 0; i < c->count; i++) {
        dogb_runner *r = &c->runners[i];
        if (!can_bank(c, r)) {
            continue;
        }
        for (int32_t g = 0; r->group < 0; g++) {
            int32_t count = add_members(c, members_of(c, g), r);
            if (g == c->groups || fits(c, count, budget)) {
                r->group = g;
                c->groups += g == c->groups;
            }
        }
    }
}

// One attempt; those that have not come to an end know why.
static int attempt(crew *c, const int32_t *list, int32_t count) {
    int32_t members = 0;
    int rc = DOGBREED_OK;
    for (int32_t i = 0; rc == DOGBREED_OK && i < count; i++) {
        dogb_runner *r = &c->runners[list[i]];
        rc = r->members.count == 0 ? dogb_runner_make(r) : DOGBREED_OK;
        r->trains = 1;
        members = add_members(c, members, r);
    }
    if (rc == DOGBREED_OK) {
        rc = c->runners[list[0]].group < 0
                 ? run_alone(c, &c->runners[list[0]])
                 : dogb_trainer_bank_run(c->trainers, members, after_epoch, c);
    }
    dogb_error_state error;
    dogb_error_save(&error, rc);
    for (int32_t i = 0; i < count; i++) {
        dogb_runner *r = &c->runners[list[i]];
        if (dogb_trial_lacks(rc) && r->trains) {
            dogb_runner_lack(r, rc, error.text);
        }
        r->trains = 0;
        dogb_runner_let_go(r);
    }
    return dogb_error_restore(&error);
}

// Moves those that have not come to an end to the front.
static int32_t unfinished(const crew *c, int32_t *list, int32_t count) {
    int32_t left = 0;
    for (int32_t i = 0; i < count; i++) {
        if (c->runners[list[i]].phase == DOGB_RUNNER_GOING) {
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
    dogb_runner *first = &c->runners[list[0]];
    int alone = first->group < 0;
    if (alone) {
        first->phase = DOGB_RUNNER_LACKING;
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
        dogb_runner *r = &c->runners[i];
        if (r->phase != DOGB_RUNNER_LACKING) {
            continue;
        }
        if (!trains_at_all(c->tuner)) {
            return dogb_fail(r->lack_code, "trial %lld: %s", (long long)r->number, r->lack);
        }
        int says_so = strstr(r->lack, "out of memory") != NULL;
        (void)snprintf(reason, sizeof reason, "%s%s", says_so ? "" : "out of memory: ", r->lack);
        c->tuner->trials[r->number].complete = dogb_clock_wall();
        rc = dogb_runner_tell_begin(r);
        rc = rc < 0 ? rc : dogb_runner_fail(r, reason);
    }
    return rc < 0 ? rc : settle(c);
}

static int train(crew *c) {
    int32_t *list = dogb_alloc(&c->arena, (size_t)c->count, sizeof *list);
    if (list == NULL) {
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
        const dogb_runner *r = &c->runners[i];
        rc = r->group < 0 && r->phase == DOGB_RUNNER_GOING ? train_list(c, &i, 1) : DOGBREED_OK;
    }
    return rc < 0 ? rc : settle_lacking(c);
}

// One for which there is no memory now is made when the others are gone.
static int make_runner(dogb_runner *r) {
    dogb_error_state error;
    int rc = dogb_runner_make(r);
    if (rc < 0) {
        dogb_error_save(&error, rc);
        dogb_runner_let_go(r);
        rc = dogb_trial_lacks(rc) ? DOGBREED_OK : dogb_error_restore(&error);
    }
    return rc;
}

static int make_runners(crew *c, int64_t from, int64_t to) {
    size_t members = (size_t)dogb_runner_members(c->tuner);
    size_t all = (size_t)(to - from) * members;
    c->runners = dogb_alloc(&c->arena, (size_t)(to - from), sizeof *c->runners);
    c->trainers = dogb_alloc(&c->arena, all, sizeof *c->trainers);
    dogbreed_trainer **owned = dogb_alloc(&c->arena, all, sizeof *owned);
    int rc = c->runners == NULL || c->trainers == NULL || owned == NULL ? DOGBREED_ERROR_NO_MEMORY
                                                                        : dogb_job_folds(c->tuner);
    for (int64_t k = from; rc == DOGBREED_OK && k < to; k++) {
        if (c->tuner->trials[k].mine) {
            dogb_runner *r = &c->runners[c->count];
            dogb_runner_init(r, c->tuner, k, owned + members * (size_t)c->count++);
            rc = make_runner(r);
        }
    }
    return rc;
}

int dogb_tuner_round(dogbreed_tuner *tuner, int64_t from, int64_t to) {
    crew c = {.tuner = tuner};
    dogb_error_state error;
    int rc = make_runners(&c, from, to);
    rc = rc < 0 ? rc : train(&c);
    dogb_error_save(&error, rc);
    for (int32_t i = 0; i < c.count; i++) {
        dogb_runner_let_go(&c.runners[i]);
    }
    dogb_arena_free(&c.arena);
    return dogb_error_restore(&error);
}
