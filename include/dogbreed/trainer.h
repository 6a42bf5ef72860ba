/* dogbreed/trainer.h - train a model on a dataset: create, subscribe, run, stop, checkpoint,
 * resume. */
#ifndef DOGBREED_TRAINER_H
#define DOGBREED_TRAINER_H

#include <dogbreed/evaluate.h>
#include <dogbreed/event.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Holds its model and datasets: they may be destroyed before it. */
typedef struct dogbreed_trainer dogbreed_trainer;

enum { DOGBREED_OPTIMIZER_SGD = 0, DOGBREED_OPTIMIZER_ADAM = 1, DOGBREED_OPTIMIZER_ADAMW = 2 };
enum {
    DOGBREED_SCHEDULE_CONSTANT = 0,
    DOGBREED_SCHEDULE_STEP = 1,
    DOGBREED_SCHEDULE_COSINE = 2,
    DOGBREED_SCHEDULE_ONE_CYCLE = 3
};
enum { DOGBREED_CLASS_WEIGHTS_NONE = 0, DOGBREED_CLASS_WEIGHTS_BALANCED = 1 };
enum { DOGBREED_CACHE_OFF = 0, DOGBREED_CACHE_ON = 1 };
enum { DOGBREED_KEEP_BEST = 0, DOGBREED_KEEP_LAST = 1 };
enum {
    DOGBREED_MONITOR_VAL_ACCURACY = 0,
    DOGBREED_MONITOR_VAL_LOSS = 1,
    DOGBREED_MONITOR_VAL_TOP5 = 2,
    DOGBREED_MONITOR_TRAIN_LOSS = 3,
    DOGBREED_MONITOR_TRAIN_ACCURACY = 4
};

typedef struct dogbreed_trainer_options {
    uint32_t struct_size;
    uint32_t kind;
    uint64_t seed; /* batches, augmentation, dropout */
    double learning_rate;
    double momentum; /* sgd */
    double weight_decay;
    double beta1; /* adam, adamw */
    double beta2;
    double epsilon;
    double label_smoothing;      /* 0..1 */
    double warmup_epochs;        /* linear warm-up in front of the schedule; fractions allowed */
    double step_gamma;           /* schedule step: factor every step_epochs */
    double min_delta;            /* early stopping: smaller changes are none */
    double time_limit;           /* seconds; 0: none */
    const char *engine;          /* "auto", or a name: "native", "torch", "ref" */
    const char *device;          /* "auto", "cpu", "cuda", "cuda:0" */
    const char *cache_dir;       /* of the feature store; "": the user's cache folder */
    int64_t decoded_cache_bytes; /* budget of the cache of decoded images; 0: none */
    int64_t feature_cache_bytes; /* size bound of the feature store on disk; 0: none */
    int32_t epochs;
    int32_t batch_size;
    int32_t optimizer; /* DOGBREED_OPTIMIZER_ */
    int32_t nesterov;
    int32_t schedule; /* DOGBREED_SCHEDULE_ */
    int32_t step_epochs;
    int32_t threads;        /* compute threads; 0: usable cores */
    int32_t loader_threads; /* 0: usable cores */
    int32_t deterministic;  /* 1: same seed, same bits */
    int32_t augment;        /* 1: random resized crop and flip while training deeper layers */
    int32_t augment_views;  /* frozen backbone: augmented views cached per image; 0: the plain
                               evaluation view */
    int32_t feature_cache;  /* DOGBREED_CACHE_; off: every epoch runs the whole network */
    int32_t dtype;          /* DOGBREED_DTYPE_ of activations */
    int32_t class_weights;  /* DOGBREED_CLASS_WEIGHTS_ */
    int32_t monitor;        /* DOGBREED_MONITOR_: what "best" and early stopping look at */
    int32_t patience;       /* epochs without improvement before stopping; 0: never */
    int32_t keep;           /* DOGBREED_KEEP_: weights in the model after the run */
    int32_t reserved;
} dogbreed_trainer_options;

DOGBREED_API int dogbreed_trainer_options_init(dogbreed_trainer_options *options,
                                               size_t struct_size);

/* valid may be NULL (then "best" is the last epoch). Reads nothing yet.
 * Returns INVALID_ARGUMENT (a test split is refused; options), MISMATCH (classes differ). */
DOGBREED_API int dogbreed_trainer_create(dogbreed_trainer **out, dogbreed_model *model,
                                         const dogbreed_dataset *train,
                                         const dogbreed_dataset *valid,
                                         const dogbreed_trainer_options *options);

/* Calls fn for the kinds in mask. *id (may be NULL) is for release. Order of calls = order of
 * subscription. Callback-safe: hears the next event. */
DOGBREED_API int dogbreed_trainer_subscribe(dogbreed_trainer *trainer, int32_t *id, uint64_t mask,
                                            dogbreed_event_fn fn, void *userdata);
/* Ends a subscription. Callback-safe. Returns NOT_FOUND. */
DOGBREED_API int dogbreed_trainer_release(dogbreed_trainer *trainer, int32_t id);

/* Trains until the last epoch, early stopping, the time limit or a stop. A clean stop is
 * DOGBREED_OK; after dogbreed_trainer_stop, CANCELLED. Afterwards the model holds the kept weights.
 */
DOGBREED_API int dogbreed_trainer_run(dogbreed_trainer *trainer);

/* Asks a running trainer to finish the current step and return. From any thread, from callbacks and
 * from signal handlers. */
DOGBREED_API void dogbreed_trainer_stop(dogbreed_trainer *trainer);

/* Writes a checkpoint directory (atomic, rotated: last, previous, best). Callback-safe
 * except at FORWARD_END and BACKWARD_END. */
DOGBREED_API int dogbreed_trainer_checkpoint(dogbreed_trainer *trainer, const char *directory);

/* Continues from the newest intact checkpoint under directory: the following run gives the same
 * weights, bit for bit, as one that was never interrupted (same machine, same number of compute
 * threads). Returns NOT_FOUND, FORMAT, MISMATCH (other options or data). */
DOGBREED_API int dogbreed_trainer_resume(dogbreed_trainer *trainer, const char *directory);

/* The checkpoint that a resume under directory would take: the newest whose hashes hold. *path is
 * its folder, for the caller: dogbreed_free. Reads every file of each checkpoint. Any thread.
 * Returns NOT_FOUND (there is none), FORMAT (none is intact). */
DOGBREED_API int dogbreed_trainer_find_checkpoint(char **path, const char *directory);

/* All epochs so far: {"epochs":[{...}],"best":{"epoch","metric","value"},"engine","threads",...}.
 * Callback-safe. */
DOGBREED_API int dogbreed_trainer_metrics(char **json, const dogbreed_trainer *trainer);

DOGBREED_API void dogbreed_trainer_destroy(dogbreed_trainer *trainer);

#ifdef __cplusplus
}
#endif
#endif
