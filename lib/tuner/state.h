// state.h - what a tuner is made of; shared by the files of lib/tuner only.
//
// The study in its storage is the truth. `trials` is its copy here: read when the study is opened,
// kept up to date by whoever writes. Trial k may look at the results of the rounds before its own
// (dogb_tuner_suggest), so that the list of trials depends on nothing else.
#ifndef DOGB_TUNER_STATE_H
#define DOGB_TUNER_STATE_H

#include "core/arena.h"
#include "core/buffer.h"
#include "dataset/dataset_internal.h"
#include "model/model_internal.h"
#include "search/pruner.h"
#include "search/sampler.h"
#include "study/distribution.h"
#include "study/study.h"
#include "trainer/trainer_internal.h"
#include "tuner/tuner_internal.h"

typedef struct dogb_trial {
    int64_t id; // in the storage
    int32_t state;
    int32_t ours; // a run of this library began it: who finds it abandoned trains it again
    int32_t mine; // this run trains it
    int32_t curve_count;
    double *values; // [axes], NaN: the trial lacks the parameter
    double *
        fixed; // [axes] what it was put into the queue with, NaN: to be suggested; NULL: it was not
    double *curve; // objective after epoch 1, 2 ...
    size_t curve_capacity;
    double value; // NaN: none
    double loss;  // val_loss beside the value; NaN: unknown
    double start;
    double complete;
    char *reason;   // of a failure, or NULL
    char *metrics;  // of a program: JSON object, newest number of each; or NULL
    char *findings; // of the rules inside: JSON array; or NULL
} dogb_trial;

// What a trial trains.
typedef struct dogb_tuner_job {
    dogbreed_model_options model;
    dogbreed_trainer_options trainer;
    dogbreed_dataset *train;
    dogbreed_dataset *valid;
    dogbreed_dataset *joined; // of both, for folds; NULL: none
    int32_t *folds;           // [samples of joined]; NULL: not dealt yet
    dogbreed_model *plain;    // of the options as they are
} dogb_tuner_job;

typedef struct dogb_command dogb_command; // command.h

// An earlier study whose trials are observations of a new one.
typedef struct dogb_parent {
    const char *url;   // as it is opened
    const char *place; // as it is shown and stored: absolute, without a password
    const char *study;
} dogb_parent;

struct dogbreed_tuner {
    dogb_arena arena;
    dogbreed_tuner_options options;
    dogb_axis *axes;
    size_t axis_count;
    size_t axis_capacity;
    dogb_distribution *distributions; // [axes], as Optuna has them
    const char **distribution_texts;  // [axes], their JSON
    dogb_sampler *sampler;
    dogb_study *study; // NULL: no storage
    int32_t opened;
    int32_t trained;    // 1: this run has brought a trial to an end
    dogb_trial *trials; // [count], by number
    size_t count;
    size_t capacity;
    dogb_parent *parents; // as the caller has named them; what counts is `warm`
    size_t parent_count;
    size_t parent_capacity;
    dogb_point *warm; // [warm_count] trials of earlier studies, numbered up to -1
    size_t warm_count;
    int32_t round; // trials of one round, of the study
    int32_t maximize;
    dogb_pruner_conf pruner;
    dogb_tuner_job *job;   // NULL: none
    dogb_command *command; // NULL: none
    dogbreed_trial_fn fn;
    dogbreed_trial_trainer_fn trainer_fn;
    void *userdata;
    double begin; // of this run, dogb_clock()
    int32_t running;
    int32_t stopping;     // a listener returned STOP
    _Atomic int32_t stop; // set by other threads and signal handlers
};

// Attributes of the study: what is searched, and the trials of earlier studies when it began.
#define DOGB_TUNER_SEARCH "dogbreed:search"
#define DOGB_TUNER_WARM "dogbreed:warm"
// Attribute of trials that a run of this library trains.
#define DOGB_TUNER_WORKER "dogbreed:worker"
// What rules found inside the trial.
#define DOGB_TUNER_FINDINGS "dogbreed:findings"

// keep.c: the study in its storage; nothing is kept without one.
int dogb_keep_add(dogbreed_tuner *tuner, dogb_trial *trial, int32_t state);       // fills its id
int dogb_keep_step(dogbreed_tuner *tuner, const dogb_trial *trial, int32_t step); // of its curve
int dogb_keep_end(dogbreed_tuner *tuner, const dogb_trial *trial); // state, value, attributes
// 1: the value of DOGB_TUNER_WORKER says that a run of this library trains this trial.
int dogb_trial_is_ours(const char *worker, int64_t number);
// 1: the trial, which waited or was abandoned, is this handle's and has its parameters; 0: not.
int dogb_keep_take(dogbreed_tuner *tuner, const dogb_trial *trial);
// This run no longer trains what it has not ended.
void dogb_keep_leave(dogbreed_tuner *tuner);
// What has come behind step `told`, and the end when there is one.
int dogb_keep_trial(dogbreed_tuner *tuner, int64_t number, int32_t told, int ended);
int dogb_keep_batch(dogbreed_tuner *tuner, int (*fn)(dogbreed_tuner *, void *), void *userdata);

// ask.c: STATE while a round trains: it owns the trials.
int dogb_tuner_check_idle(const dogbreed_tuner *tuner, const char *what);
// Trial `number`, -1: the best. Opens the study. NOT_FOUND.
int dogb_tuner_find(dogb_trial **out, dogbreed_tuner *tuner, int64_t number);

// agree.c
// Writes what is searched into a new study, fills tuner->round and tuner->warm. MISMATCH: it has
// another search.
int dogb_tuner_agree(dogbreed_tuner *tuner, dogb_arena *scratch);

// warm.c: reads the earlier studies into a document; takes them from it. MISMATCH: it is that of
// other ones than the caller has named.
int dogb_warm_describe(json_t *object, const dogbreed_tuner *tuner, dogb_arena *scratch);
int dogb_warm_take(dogbreed_tuner *tuner, const json_t *stored);
int dogb_warm_compare(const dogbreed_tuner *tuner, const json_t *stored, dogb_arena *scratch);

// parent.c: an element more in `parents`, and in `points` for each trial. MISMATCH: another
// objective, other parameters.
int dogb_parent_read(json_t *parents, json_t *points, const dogbreed_tuner *tuner,
                     const dogb_parent *parent);

// tell.c
int dogb_tuner_tell(dogbreed_tuner *tuner, int64_t number, int32_t kind,
                    int32_t epochs); // planned; 0: unknown

// read.c
int dogb_tuner_axis(const dogbreed_tuner *tuner, const char *name); // -1: there is none
int dogb_tuner_read(dogbreed_tuner *tuner);    // trials of the storage, when it is opened
int dogb_tuner_refresh(dogbreed_tuner *tuner); // what other programs have done since
int dogb_tuner_trial_new(dogb_trial **out, dogbreed_tuner *tuner); // without values

// plan.c: the study with its parameters, and what comes next.
int dogb_tuner_open(dogbreed_tuner *tuner); // once; MISMATCH: another search
dogb_space dogb_tuner_space(const dogbreed_tuner *tuner);
// Values of trial `number`, which may be the next one.
int dogb_tuner_suggest(double *values, dogbreed_tuner *tuner, int64_t number);
// Trial number `count`, with its values, in memory alone: dogb_keep_add puts it into the study.
int dogb_tuner_next(dogb_trial **out, dogbreed_tuner *tuner);
// Trials that the study can have: options->trials, or fewer points of a grid.
int64_t dogb_tuner_total(const dogbreed_tuner *tuner);

// trial.c
double dogb_tuner_sign(const dogbreed_tuner *tuner); // objective * sign: smaller is better
int dogb_trial_better(const dogbreed_tuner *tuner, const dogb_trial *a, const dogb_trial *b);
int64_t dogb_tuner_best(const dogbreed_tuner *tuner); // -1: none
int64_t dogb_tuner_done(const dogbreed_tuner *tuner); // finished trials
int dogb_trial_params(json_t *object, const dogbreed_tuner *tuner, const dogb_trial *trial);
// 1: a finite value, of a complete trial or (where `pruned` says so) a pruned one.
int dogb_trial_has_value(const dogb_trial *trial, int pruned);
const char *dogb_trial_state_name(int32_t state);
// Text of a value as options take it.
char *dogb_trial_text(dogb_arena *arena, const dogb_axis *axis, double value);
// Its values as cells of a line of CSV.
int dogb_trial_cells(dogb_buffer *csv, dogb_arena *arena, const dogbreed_tuner *tuner,
                     const dogb_trial *trial);
int dogb_trial_report(dogbreed_tuner *tuner, int64_t number, double value); // next epoch, in memory
// 1: the pruner ends it. Looks at earlier rounds alone.
int dogb_trial_prune(const dogbreed_tuner *tuner, int64_t number);
int dogb_trial_is_over(const dogb_trial *trial);
int dogb_trial_fail(dogbreed_tuner *tuner, int64_t number, const char *reason); // in memory
// 1: a failure with this code is not the trial's fault: the study ends, and its next run begins the
// trial again.
int dogb_trial_spared(int code);
// 1: memory was short, of the host or the device: it may be enough for fewer at a time.
int dogb_trial_lacks(int code);

// importance.c: finished trials with a finite value, the pruned ones too where `pruned` says so;
// and the share of each axis in reaching the best ones, [axes], sum 1.
int dogb_tuner_results(dogb_point **out, int64_t *count, dogb_arena *arena,
                       const dogbreed_tuner *tuner, int pruned);
int dogb_tuner_importance(double **out, dogb_arena *arena, const dogbreed_tuner *tuner);

// job.c: a trial's training.
int dogb_job_describe(json_t *object, const dogbreed_tuner *tuner); // what it follows from
int dogb_job_check(dogbreed_tuner *tuner);
int dogb_job_folds(dogbreed_tuner *tuner); // deals them, once; option kfold 0: nothing to do
// fold NULL: train and valid are what the job says. own 0: the model may be shared with other
// trials, and the trainer is detached; 1: a new one.
int dogb_job_trainer(dogbreed_trainer **trainer, dogbreed_model **model,
                     const dogbreed_tuner *tuner, const dogb_trial *trial, const dogb_fold *fold,
                     int own);

// begin.c: trials [from, to) are there, and this run has its part of those that are not over:
// `count` of them are `mine`. EXISTS: another program has begun them meanwhile.
int dogb_tuner_begin(int64_t *count, dogbreed_tuner *tuner, int64_t from, int64_t to);
int dogb_trial_complete(dogbreed_tuner *tuner, int64_t number); // of the queue: suggests the rest
// enqueue.c: `fixed` from the system attributes.
int dogb_queue_read(dogb_trial *trial, dogbreed_tuner *tuner, const char *system);

// round.c: trains those of the trials [from, to) that are `mine`.
int dogb_tuner_round(dogbreed_tuner *tuner, int64_t from, int64_t to);

// command.c: a program as a trial.
int dogb_command_describe(json_t *object, const dogbreed_tuner *tuner); // what it follows from
int dogb_command_check(dogbreed_tuner *tuner); // whether it fits what is searched
// Numbers that a program reports, at most or in one trial; 0: unknown.
int32_t dogb_command_steps(const dogbreed_tuner *tuner);
int32_t dogb_command_planned(const dogbreed_tuner *tuner, const dogb_trial *trial);

// programs.c: runs those of the trials [from, to) that are `mine`.
int dogb_command_round(dogbreed_tuner *tuner, int64_t from, int64_t to);

#endif
