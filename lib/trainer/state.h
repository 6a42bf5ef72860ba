// state.h - what a trainer is made of; shared by the files of lib/trainer only.
//
// Where training stands is held in host memory (dogb_progress and the slots), so that a checkpoint
// can be written at any time and a run can begin from it; the engine's objects live in a session
// that exists only while dogbreed_trainer_run is on.
#ifndef DOGB_TRAINER_STATE_H
#define DOGB_TRAINER_STATE_H

#include "core/hash.h"
#include "engine/engine.h"
#include "evaluate/evaluate_internal.h"
#include "event/bus.h"
#include "model/model_internal.h"
#include "trainer/schedule.h"
#include "trainer/source.h"
#include "trainer/trainer_internal.h"

// Where training stands.
typedef struct dogb_progress {
    int32_t epoch;    // finished epochs = number of the running one
    int32_t finished; // early stopping has ended the training
    int64_t position; // steps done of the running epoch
    int64_t cursor;   // samples of its order that they used
    dogb_tally tally; // sums over the samples of the running epoch
    double rate;      // learning rate of the last step
    int32_t best;     // epoch with the kept weights; -1: none yet
    int32_t waited;   // epochs without an improvement that early stopping counts
    double best_value;
    double waiting_value; // the last value that it counted
    dogb_epoch *epochs;   // [epoch]
    size_t capacity;
} dogb_progress;

// One parameter that training changes.
typedef struct dogb_slot {
    int32_t param;       // of the model
    int32_t net_param;   // of the trained part
    int32_t trainable;   // 0: running statistics or their counter
    int32_t optim_count; // optimiser state tensors that are filled
    size_t count;        // elements
    size_t bytes;
    void *last;      // where training stands
    void *best;      // of the best epoch
    float *optim[2]; // optimiser state where training stands
} dogb_slot;

typedef struct dogb_session dogb_session;

struct dogbreed_trainer {
    dogb_arena arena;
    dogbreed_trainer_options options; // strings live in the arena
    dogbreed_model *model;
    dogbreed_dataset *train;
    dogbreed_dataset *valid; // NULL: none; with a fold, the same as train
    dogb_fold fold;          // numbers NULL: none
    dogb_bus *bus;
    _Atomic int32_t stop; // set by signal handlers and other threads; lock-free
    int32_t running;
    int32_t doomed;  // destroyed from inside a callback
    int32_t broken;  // a step failed half-way: what the slots hold is not a place to go on from
    int32_t in_step; // between forward and the optimiser's step: nothing consistent to save
    int32_t end;     // DOGB_END_ of the last run
    int end_code;    // result of the last run
    char end_text[256];

    int32_t cached;            // the head is trained on stored features
    const dogb_graph *graph;   // the part that is trained: head, or the whole network
    const void **weights;      // host data by the part's parameter index: frozen ones of the
                               // model, others `last` of their slot
    int32_t *params;           // the model's parameter index of each
    dogb_slot *slots;          // what training changes
    int32_t slot_count;        //
    int32_t fingerprint_known; // fingerprints below are filled
    dogb_sha256 fingerprint_train;
    dogb_sha256 fingerprint_valid;
    int64_t optim_steps;  // steps the optimiser has counted, where training stands
    float *class_weights; // NULL: none
    dogb_progress progress;

    const dogb_engine *engine; // NULL until a run has opened it
    const char *device;
    int32_t threads;
    int32_t loader_threads;
    int64_t features_computed; // by the last run
    dogb_session *session;     // NULL unless running
    double begin;              // of this run, dogb_clock()

    int32_t banked;                 // the net is a head of a bank
    int32_t detached;               // the model is left as it was
    const dogbreed_trainer *leader; // whose features it shares; NULL: its own
};

// Engine objects of one run.
struct dogb_session {
    dogb_arena arena;
    dogb_net *net;
    dogb_optim *optim;
    dogb_source *train;
    dogb_source *valid;
    dogb_schedule schedule;
    uint32_t watched;    // tensor groups the net was told to keep
    int32_t fresh;       // slots hold the weights of the net
    int32_t synced;      // and the state of the optimiser
    float *logits;       // [validation batch, classes]
    int32_t *val_labels; // [judged] of the last validation, in its order
    int32_t *val_predictions;
    int64_t judged;
    dogb_bus_array *views; // [view_count] the optimiser's state; NULL: nobody has asked yet
    int32_t view_count;
    int32_t reserved;
};

// slots.c: parameters between model, slots and net.
int dogb_slots_create(dogbreed_trainer *trainer);
void dogb_slots_keep(dogbreed_trainer *trainer); // best = last
enum { DOGB_SLOTS_LAST = 0, DOGB_SLOTS_BEST = 1 };
void dogb_slots_to_model(const dogbreed_trainer *trainer, int which);
// Exchanges the model's weights for the trainer's; called again, both are as they were.
void dogb_slots_swap(const dogbreed_trainer *trainer, int which);
int dogb_slots_read(dogbreed_trainer *trainer);  // weights: net -> last
int dogb_slots_sync(dogbreed_trainer *trainer);  // weights and optimiser state: net -> slots
int dogb_slots_write(dogbreed_trainer *trainer); // slots -> net

// session.c
enum { DOGB_FEATURE_BATCH = 256 }; // rows per validation step; fixed: results do not depend on it
int dogb_session_engine(dogbreed_trainer *trainer); // opens engine and device, once
int dogb_session_open(dogbreed_trainer *trainer);   // features, net, optimiser, sources
void dogb_session_optim(dogb_optim_conf *out, const dogbreed_trainer *trainer);
int32_t dogb_session_threads(const dogbreed_trainer *trainer); // of the net: 1 for small heads
void dogb_session_close(dogbreed_trainer *trainer);            // NULL session is fine

// views.c: fills session->views, once.
int dogb_views_create(dogbreed_trainer *trainer);

// A run of the loop.
typedef struct dogb_training {
    dogbreed_trainer *trainer;
    dogb_session *session;
    int32_t stopping;  // a callback returned STOP: end with this epoch's bookkeeping
    int32_t exhausted; // the source has no more batches in this epoch
    int32_t validated; // the epoch's val_ members are filled already
    int32_t reserved;
    double epoch_begin;
    int64_t epoch_samples; // of this run; a resumed epoch starts with some
    double batch_loss;     // NaN between the steps
} dogb_training;

// trainer.c: the two ends of a run. begin: opens what it needs and tells; positive is
// DOGBREED_STOP. end: keeps what the net holds, tells, lets go; returns the run's result.
int dogb_trainer_begin(dogbreed_trainer *trainer);
int dogb_trainer_end(dogbreed_trainer *trainer, int rc, int32_t end);

// loop.c: trains until something ends it; *end says what.
int dogb_loop_run(dogbreed_trainer *trainer, int32_t *end);
int dogb_loop_begin_epoch(dogb_training *loop);
// Validation, metrics, best weights: what follows the last step of an epoch.
int dogb_loop_finish_epoch(dogb_training *loop, dogb_epoch *epoch);
void dogb_loop_clear_epoch(dogb_epoch *epoch);
int dogb_loop_check_loss(const dogb_training *loop, double value); // NUMERIC: not finite
// What asks for an end between two steps; DOGB_END_NONE: nothing.
int32_t dogb_loop_interrupted(const dogb_training *loop);
int32_t dogb_loop_end(const dogb_training *loop); // between two epochs; DOGB_END_NONE: it goes on
// An event with everything that is known now; the caller fills the rest.
void dogb_loop_event(dogbreed_event *event, const dogbreed_trainer *trainer, int32_t kind);

// validate.c: fills the val_ members of the epoch's record.
int dogb_validate(dogbreed_trainer *trainer, dogb_epoch *epoch);

// metrics.c
int dogb_metrics_epoch(dogbreed_trainer *trainer, const dogb_epoch *epoch); // appends, judges
double dogb_metrics_value(const dogb_epoch *epoch, int32_t monitor);
const char *dogb_metrics_name(int32_t monitor); // "val_accuracy"
int dogb_metrics_epoch_json(json_t *object, const dogb_epoch *epoch, int32_t index);
int dogb_metrics_best_json(json_t *object, const dogbreed_trainer *trainer);

// checkpoint.c, checkpoint_read.c
int dogb_checkpoint_write(dogbreed_trainer *trainer, const char *directory);
int dogb_checkpoint_read(dogbreed_trainer *trainer, const char *directory);
int dogb_checkpoint_find(char **path, const char *directory); // dogbreed_free
int dogb_checkpoint_fingerprints(dogbreed_trainer *trainer);

#endif
