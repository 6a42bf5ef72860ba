// account.h - exact accounting of spans. Every instant of the run belongs to one phase of the run's
// thread, the innermost that is open, and to one context; all is integer nanoseconds of that
// partition, so shares are never negative and make up the whole. What other threads do at the same
// time is told apart, as the length of the union over all threads, and is never subtracted.
#ifndef DOGB_PROFILE_ACCOUNT_H
#define DOGB_PROFILE_ACCOUNT_H

#include "core/arena.h"
#include "core/span.h"

// Innermost of these that is open on the run's thread.
enum {
    DOGB_CONTEXT_NONE = 0,
    DOGB_CONTEXT_STEP = 1,
    DOGB_CONTEXT_EVALUATION = 2,
    DOGB_CONTEXT_FEATURES = 3,
    DOGB_CONTEXTS = 4
};

enum { DOGB_SLOWEST = 10, DOGB_STEPS_MAX = 1000000 };

typedef struct dogb_step {
    int64_t number;
    int64_t ns;
    int64_t phases[DOGB_SPAN_KINDS]; // of its partition
} dogb_step;

typedef struct dogb_duration {
    int64_t number;
    int64_t ns;
} dogb_duration;

// Durations of one mode's steps; behind DOGB_STEPS_MAX the further ones are counted only.
typedef struct dogb_durations {
    dogb_duration *items;
    size_t count;
    size_t capacity;
    int64_t all;
} dogb_durations;

typedef struct dogb_layer_time {
    int64_t ns[2]; // forward, backward
    int64_t count[2];
} dogb_layer_time;

typedef struct dogb_union { // of intervals on all threads
    int64_t ns;
    int32_t open;    // now
    int32_t threads; // most at once
} dogb_union;

struct dogb_account_thread;

typedef struct dogb_account {
    dogb_arena arena;
    uint64_t begin; // of the run; 0: not begun
    uint64_t last;  // all before this time is accounted
    int32_t ended;
    int32_t reserved;
    int64_t ns[DOGB_CONTEXTS][DOGB_SPAN_KINDS]; // of the run's thread
    int64_t count[DOGB_CONTEXTS][DOGB_SPAN_KINDS];
    dogb_union kinds[DOGB_SPAN_KINDS]; // those of group "data"
    dogb_union loader;                 // any of them
    struct dogb_account_thread *threads;
    size_t thread_count;
    size_t thread_capacity;

    dogb_durations steps;       // training
    dogb_durations evaluations; // batches of the validation split
    dogb_durations waits;       // for a batch, in training and for features
    dogb_step step;             // the running one
    dogb_step slowest[DOGB_SLOWEST];
    int32_t slowest_count;
    int32_t reserved2;
    uint64_t first_step; // begin; 0: none yet
    uint64_t last_loop;  // end of the last step or evaluation
    uint64_t cycle;      // end of the first evaluation, or epoch where there is none; 0: not yet
    double mode_others;  // what the reference product takes for "others", nanoseconds

    int32_t *loader_seconds; // distinct threads at work in each second of the run
    size_t second_count;
    size_t second_capacity;
    dogb_layer_time *layers; // by label
    size_t layer_count;
    size_t layer_capacity;
    int64_t lost; // events for which there was no memory
} dogb_account;

// gpus: what the reference product divides by; 0 counts as 1.
void dogb_account_event(dogb_account *account, const dogb_span_event *event, int32_t gpus);
// The run goes on until `time` without an event.
void dogb_account_advance(dogb_account *account, uint64_t time);
void dogb_account_free(dogb_account *account);

// Puts events in order of their times; those of one time stay in the order that they have.
// scratch: as many.
void dogb_account_sort(dogb_span_event *events, dogb_span_event *scratch, size_t count);

enum { DOGB_SHARE_TRAIN = 0, DOGB_SHARE_EVAL = 1, DOGB_SHARE_OTHERS = 2, DOGB_SHARES = 3 };
void dogb_account_modes(const dogb_account *account, int64_t out[DOGB_SHARES]);
int64_t dogb_account_total(const dogb_account *account);
// Nanoseconds of a kind on the run's thread, in all contexts.
int64_t dogb_account_kind(const dogb_account *account, int32_t kind);

#endif
