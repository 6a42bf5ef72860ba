// trainer_internal.h - what the run directory may know of a trainer.
#ifndef DOGB_TRAINER_INTERNAL_H
#define DOGB_TRAINER_INTERNAL_H

#include "core/json.h"
#include "core/table.h"
#include "engine/engine.h"
#include "event/bus.h"

#include <dogbreed/trainer.h>

extern const dogb_table dogb_trainer_table;

// One finished epoch.
typedef struct dogb_epoch {
    int64_t step; // steps of the run so far
    int64_t train_count;
    int64_t val_count; // 0: no validation
    double train_loss; // means over samples
    double train_accuracy;
    double val_loss; // NaN without validation
    double val_accuracy;
    double val_top5;
    double val_ece;           // expected calibration error; NaN for several models together
    double learning_rate;     // of the last step
    double seconds;           // of this epoch, validation included; differs from run to run
    double images_per_second; // of its training part; differs from run to run
    int32_t improved;
    int32_t reserved;
} dogb_epoch;

// Why a run ended.
enum {
    DOGB_END_NONE = 0, // it has not
    DOGB_END_COMPLETED = 1,
    DOGB_END_EARLY = 2, // early stopping
    DOGB_END_TIME = 3,  // time limit
    DOGB_END_STOP = 4,  // a callback returned DOGBREED_STOP
    DOGB_END_CANCELLED = 5,
    DOGB_END_FAILED = 6
};
const char *dogb_trainer_end_name(int32_t end); // "completed", "early_stop", ...

typedef struct dogb_trainer_status {
    int32_t end;         // DOGB_END_; at RUN_END and later
    int32_t end_code;    // what run returns
    const char *message; // of a failure; else ""
    int64_t step;        // finished steps of the run
    int32_t epoch_count; // finished epochs
    int32_t resumable;   // 1: a checkpoint can be written now
    const dogb_epoch *epochs;
    const char *monitor; // "val_accuracy"
    double best_value;
    int32_t best; // index of the kept epoch; -1: none yet
    int32_t epochs_total;
    int64_t gpu_memory; // bytes in use on the device; 0: a CPU, or unknown
} dogb_trainer_status;
void dogb_trainer_status_get(dogb_trainer_status *out, const dogbreed_trainer *trainer);

// One of some folds of the joined samples of two splits: training takes those with another number,
// validation those with this one.
typedef struct dogb_fold {
    const int32_t *numbers; // [samples], dogb_dataset_folds; they outlive the trainer
    int32_t number;
    int32_t reserved;
} dogb_fold;
// As dogbreed_trainer_create. Weights of classes are those of all samples; a run cannot be stored.
int dogb_trainer_create_fold(dogbreed_trainer **out, dogbreed_model *model,
                             const dogbreed_dataset *joined, const dogb_fold *fold,
                             const dogbreed_trainer_options *options);

// Tells subscribers what a rule found: a FINDING, of which these members are the caller's: epoch,
// step, rule, status, text. From inside a callback. Returns 0, DOGBREED_STOP or what a subscriber's
// refusal became.
int dogb_trainer_tell(dogbreed_trainer *trainer, const dogbreed_event *finding);

// Runs fn(userdata) when the trainer is destroyed. When it cannot be registered, it runs at once.
int dogb_trainer_defer(dogbreed_trainer *trainer, void (*fn)(void *), void *userdata);

const dogbreed_trainer_options *dogb_trainer_options(const dogbreed_trainer *trainer);
const dogbreed_model *
dogb_trainer_model(const dogbreed_trainer *trainer); // weights of the running epoch
// The part of it that is trained: behind stored features the head, else the whole network; and the
// model's index of one of its parameters.
const dogb_graph *dogb_trainer_graph(const dogbreed_trainer *trainer);
int32_t dogb_trainer_param(const dogbreed_trainer *trainer, int32_t param);
// Engine and device of the run; NULL: none has opened them yet.
const dogb_engine *dogb_trainer_engine(const dogbreed_trainer *trainer, const char **device);
// The optimiser's state as STEP_END offers it, of a run that is on.
int dogb_trainer_views(const dogb_bus_array **out, int32_t *count, dogbreed_trainer *trainer);
int dogb_trainer_cached(const dogbreed_trainer *trainer); // 1: on stored features
const dogbreed_dataset *dogb_trainer_train_set(const dogbreed_trainer *trainer);
const dogbreed_dataset *dogb_trainer_valid_set(const dogbreed_trainer *trainer); // NULL: none
// From now on runs leave the model as it was: several trainers may share it. What a run has come to
// is had by dogb_trainer_save_kept.
void dogb_trainer_detach(dogbreed_trainer *trainer);
// Facts for the manifest: engine and its version, device, compute threads, loader threads,
// deterministic, features computed, seeds. Members are added to object.
int dogb_trainer_facts(const dogbreed_trainer *trainer, json_t *object);
// Saves the model with the kept weights so far (best, or last) as one model file.
int dogb_trainer_save_kept(const dogbreed_trainer *trainer, const char *path);

#endif
