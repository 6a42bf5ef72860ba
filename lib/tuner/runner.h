// runner.h - a trial that trains in this run: its trainers, and what they come to.
#ifndef DOGB_TUNER_RUNNER_H
#define DOGB_TUNER_RUNNER_H

#include "debug/debug_internal.h"
#include "tuner/members.h"
#include "tuner/state.h"

enum {
    DOGB_RUNNER_GOING = 0,
    DOGB_RUNNER_ENDED = 1,
    DOGB_RUNNER_SETTLED = 2, // the storage knows
    DOGB_RUNNER_TOLD = 3,    // the listener too
    DOGB_RUNNER_LACKING = 4, // alone it has no memory
};

enum { DOGB_FOLDS_MAX = 20 };

typedef struct dogb_runner {
    dogbreed_tuner *tuner;
    dogb_members members; // none: not made yet, or let go
    int64_t number;
    int32_t told;  // epochs of its curve that the storage has
    int32_t group; // its bank; -1: alone
    int32_t pruned;
    int32_t phase;
    int32_t epochs;                          // planned
    int32_t begun;                           // the listener knows
    int32_t heard;                           // epochs that the listener knows
    int32_t trains;                          // now
    dogbreed_debug *watches[DOGB_FOLDS_MAX]; // of each member; NULL: none
    int lack_code;
    char lack[256]; // what it had no memory for
} dogb_runner;

// How many trainers a trial has.
int32_t dogb_runner_members(const dogbreed_tuner *tuner);

// Without trainers: for them there is room in `trainers`.
void dogb_runner_init(dogb_runner *runner, dogbreed_tuner *tuner, int64_t number,
                      dogbreed_trainer **trainers);
int dogb_runner_make(dogb_runner *runner); // new trainers; the listener hears that it begins
void dogb_runner_let_go(dogb_runner *runner);

// What the trainers have finished since the last look goes into the trial's curve.
int dogb_runner_follow(dogb_runner *runner);
// Ends the trial with its trainers, or has the pruner look at it.
int dogb_runner_judge(dogb_runner *runner);
// It has no memory: it leaves those that train, to begin again.
void dogb_runner_lack(dogb_runner *runner, int code, const char *what);
int dogb_runner_fail(dogb_runner *runner, const char *reason);

// watch.c: rules inside the trial. findings: takes those of its epochs into the trial; 1: there are
// some.
int dogb_watch_begin(dogb_runner *runner, int32_t member);
void dogb_watch_end(dogb_runner *runner);
int dogb_watch_findings(dogb_runner *runner, int32_t epochs);

int dogb_runner_tell_begin(dogb_runner *runner); // once
int dogb_runner_tell_end(dogb_runner *runner);   // once, when the storage knows

// A listener of trainers' events (userdata: the runner) that hands the study's stop on.
int dogb_runner_on_moment(const dogbreed_event *event, void *userdata);

#endif
