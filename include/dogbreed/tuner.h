/* dogbreed/tuner.h - search for hyperparameters: many trials of one job, kept as a study that
 * Optuna opens. Trials that train a head on the same features train side by side.
 */
#ifndef DOGBREED_TUNER_H
#define DOGBREED_TUNER_H

#include <dogbreed/trainer.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Holds its datasets: they may be destroyed before it. */
typedef struct dogbreed_tuner dogbreed_tuner;

enum {
    DOGBREED_SAMPLER_RANDOM = 0,
    DOGBREED_SAMPLER_GRID = 1,
    DOGBREED_SAMPLER_QMC = 2, /* scrambled Sobol points */
    DOGBREED_SAMPLER_TPE = 3,
    DOGBREED_SAMPLER_GP = 4 /* Gaussian process, expected improvement; starts with Sobol points */
};
enum {
    DOGBREED_PRUNER_NONE = 0,
    DOGBREED_PRUNER_AUTO = 1, /* SageMaker's early stopping */
    DOGBREED_PRUNER_MEDIAN = 2,
    DOGBREED_PRUNER_ASHA = 3,
    DOGBREED_PRUNER_HYPERBAND = 4
};
enum {
    DOGBREED_OBJECTIVE_VAL_ACCURACY = 0, /* larger is better */
    DOGBREED_OBJECTIVE_VAL_LOSS = 1,
    DOGBREED_OBJECTIVE_VAL_TOP5 = 2,
    DOGBREED_OBJECTIVE_MINIMIZE = 3, /* of a caller that asks and tells: any number */
    DOGBREED_OBJECTIVE_MAXIMIZE = 4
};
enum { /* as Optuna numbers them */
       DOGBREED_TRIAL_RUNNING = 0,
       DOGBREED_TRIAL_COMPLETE = 1,
       DOGBREED_TRIAL_PRUNED = 2,
       DOGBREED_TRIAL_FAIL = 3,
       DOGBREED_TRIAL_WAITING = 4
};
enum {
    DOGBREED_SCALE_AUTO = 0, /* log when low > 0 and high / low >= 100, else linear */
    DOGBREED_SCALE_LINEAR = 1,
    DOGBREED_SCALE_LOG = 2,
    DOGBREED_SCALE_REVERSE_LOG = 3 /* on -log(1 - x), 0 <= x < 1 */
};

typedef struct dogbreed_tuner_options {
    uint32_t struct_size;
    uint32_t kind;
    uint64_t seed;
    double time_limit;   /* seconds; 0: none. No trial begins behind it */
    double target;       /* the study ends when a trial reaches it; 0: none */
    const char *storage; /* "": in memory; a file's path, or "postgresql://user@host:port/db" */
    const char *study;   /* name in the storage */
    int32_t trials;      /* of the study, earlier ones included */
    int32_t sampler;     /* DOGBREED_SAMPLER_ */
    int32_t startup;     /* trials before tpe and gp look at results; -1: the sampler's default */
    int32_t pruner;      /* DOGBREED_PRUNER_ */
    int32_t objective;   /* DOGBREED_OBJECTIVE_ */
    int32_t round;       /* trials that are suggested together; 0: a tenth of trials, 2 to 16 */
    int32_t patience_trials; /* without an improvement of 1 % before the study ends; 0: none */
    int32_t converge;        /* 1: the study ends when gp expects less than 1 % */
    int32_t workers;         /* programs that work on the study at the same time, 1 to 1024 */
    int32_t kfold;           /* folds of train and valid together, 2 to 20; 0: valid alone judges */
    /* Memory that trials take which train side by side: weights, optimiser, gradients, work space,
     * features. Those of a round beyond it train one bank after the other, with the same results; a
     * trial that takes more trains all the same. 0: half of what is free on the device (of a CPU:
     * available, within the cgroup's limit) when a round begins, between all workers */
    int64_t bank_bytes_max;
    const char *trial_rules; /* that watch the epochs of each trial (debug.h) */
    int32_t rule_prune;      /* 1: a hit of theirs ends the trial as pruned */
    int32_t reserved;
} dogbreed_tuner_options;

DOGBREED_API int dogbreed_tuner_options_init(dogbreed_tuner_options *options, size_t struct_size);

/* Reads and writes nothing yet. Returns INVALID_ARGUMENT, NO_MEMORY. */
DOGBREED_API int dogbreed_tuner_create(dogbreed_tuner **out, const dogbreed_tuner_options *options);

/* A parameter: floats from low to high, both included; step 0: a continuum. */
DOGBREED_API int dogbreed_tuner_add_range(dogbreed_tuner *tuner, const char *name, double low,
                                          double high, double step, int32_t scale);
/* Whole numbers; step 1 or more. */
DOGBREED_API int dogbreed_tuner_add_integer(dogbreed_tuner *tuner, const char *name, int64_t low,
                                            int64_t high, int64_t step, int32_t scale);
/* One of `count` words; those that are numbers are numbers in the study. */
DOGBREED_API int dogbreed_tuner_add_choice(dogbreed_tuner *tuner, const char *name,
                                           const char *const *choices, int32_t count);
/* The same from text: "learning_rate=log:1e-4:1e-1", "epochs=6..10", "batch_size=32,64,128".
 * docs/search.md has all forms. */
DOGBREED_API int dogbreed_tuner_add(dogbreed_tuner *tuner, const char *text);

/* Trials of an earlier study that have ended are known to the sampler of this one from the start
 * (those that fall outside of the new ranges or choices are left out, with a line in the log). Any
 * number of calls; that study may be finished, interrupted or running: what it has is read and
 * written into the new study when that begins, and changes no more. They count as start points;
 * they are no trials of this study, and pruners do not see them. random, grid and qmc look at no
 * results. storage: as in the options, or a run directory (its study.db); study: its name, NULL or
 * "": "study". Who goes on with a study names the same ones in the same order, or none. Returns
 * INVALID_ARGUMENT (named twice), NO_MEMORY, STATE (the study has begun). When the study is
 * opened: NOT_FOUND (no such storage, no such study), MISMATCH (another direction or objective, a
 * parameter that only one of the two has; the study was begun with other ones), INVALID_ARGUMENT
 * (it is the new study itself). */
DOGBREED_API int dogbreed_tuner_warm_start(dogbreed_tuner *tuner, const char *storage,
                                           const char *study);

/* Puts a trial into the study's queue, as Optuna's enqueue_trial does: json is an object such as
 * {"learning_rate": 0.01, "batch_size": 64}; parameters that it lacks are suggested when the trial
 * begins. It is the next trial by number, counts as one of `trials`, and is run by whoever works on
 * the study. One that was put there before with the same values is not put there again. Opens the
 * study: parameters and the job come first. Returns INVALID_ARGUMENT (no object, no such parameter,
 * a value outside of its range or choices), FORMAT (no JSON), STATE (from a listener while
 * dogbreed_tuner_run is on), and what dogbreed_tuner_run returns of the storage. */
DOGBREED_API int dogbreed_tuner_enqueue(dogbreed_tuner *tuner, const char *json);

/* What a trial trains: a model of these options on `train`, judged on `valid`; parameters are
 * options of the trainer or the model by name, all else is as here (but time_limit: none, and
 * monitor: the objective). With kfold, both splits are of one dataset, and each trial is trained
 * once for each fold of them together (docs/tuner.md). Without any added parameter the space is
 * learning_rate=log:1e-4:1e-1, batch_size=32,64,128,256, epochs=6..10. Returns
 * INVALID_ARGUMENT (a test split is refused; a parameter that is no option), and what
 * dogbreed_model_create and dogbreed_trainer_create return. */
DOGBREED_API int dogbreed_tuner_job(dogbreed_tuner *tuner, const dogbreed_model_options *model,
                                    const dogbreed_dataset *train, const dogbreed_dataset *valid,
                                    const dogbreed_trainer_options *trainer);

/* A program as a trial, in place of a job: any language, no dataset. */
typedef struct dogbreed_command_options {
    uint32_t struct_size;
    uint32_t kind;
    const char *program;       /* "python train.py --lr {learning_rate}" */
    const char *trial_folder;  /* for 0007/log.txt and what {out} names; "": none is kept */
    double command_time_limit; /* seconds; 0: none */
    double command_grace;      /* seconds from SIGTERM to SIGKILL */
    int64_t log_bytes_max;
    int32_t parallel; /* programs that run at once */
    int32_t steps;    /* values that a program reports; 0: unknown */
} dogbreed_command_options;

DOGBREED_API int dogbreed_command_options_init(dogbreed_command_options *options,
                                               size_t struct_size);

/* What a trial runs. The text is split into arguments as a shell splits it, then {name} becomes the
 * value of a parameter, {trial} the trial's number, {out} its folder, {{ and }} braces. No shell
 * runs. The program also finds DOGBREED_TRIAL and DOGBREED_PARAM_<NAME> in its environment. The
 * tuner's objective has to be MINIMIZE or MAXIMIZE. docs/program.md has the rest. Returns
 * INVALID_ARGUMENT, NO_MEMORY, STATE (there is a job or a command); a program that is not there and
 * names that are no parameters show when the study is opened. */
DOGBREED_API int dogbreed_tuner_command(dogbreed_tuner *tuner,
                                        const dogbreed_command_options *options);

/* A number in the lines that the program prints: a POSIX extended regular expression of at most 500
 * characters with one group, around the number. The first one is the objective: each number is a
 * step, the last one is the value of the trial. Others are kept under the name that stands before
 * the group. Returns INVALID_ARGUMENT, NO_MEMORY, STATE (no command; the study has begun). */
DOGBREED_API int dogbreed_tuner_metric(dogbreed_tuner *tuner, const char *pattern);

enum {
    DOGBREED_TRIAL_EVENT_BEGIN = 0,
    DOGBREED_TRIAL_EVENT_EPOCH = 1,
    DOGBREED_TRIAL_EVENT_END = 2
};

typedef struct dogbreed_trial_event {
    uint32_t struct_size;
    int32_t kind;        /* DOGBREED_TRIAL_EVENT_ */
    int64_t number;      /* of the trial */
    int64_t done;        /* finished trials of the study */
    int64_t total;       /* planned */
    int64_t best_number; /* -1: none yet */
    double value;        /* after this epoch; END: of the trial; NaN: none */
    double best_value;   /* of finished trials; NaN: none yet */
    double time;         /* seconds since run began */
    int32_t epoch;       /* finished ones; steps of a program */
    int32_t epochs;      /* planned; 0: unknown */
    int32_t state;       /* DOGBREED_TRIAL_ */
    int32_t reserved;
    const char *params; /* JSON object: name to value */
    const char *reason; /* of a failure; else "" */
} dogbreed_trial_event;

/* Returns 0, DOGBREED_STOP (the study ends behind the trials that run) or a negative number. */
typedef int (*dogbreed_trial_fn)(const dogbreed_trial_event *event, void *userdata);
/* Called with every trial's trainer (with kfold: of each fold) before it runs: to subscribe to its
 * events. Who listens to single steps has that trial train alone, with the same result. The trainer
 * is the tuner's and lives until its RUN_END. A trial that begins again because memory was short
 * has another trainer: called again with its number, while the trial's own BEGIN and epochs are
 * told once. */
typedef int (*dogbreed_trial_trainer_fn)(dogbreed_trainer *trainer, int64_t number, void *userdata);

/* One listener of each kind; NULL: none. On the thread of dogbreed_tuner_run. */
DOGBREED_API int dogbreed_tuner_listen(dogbreed_tuner *tuner, dogbreed_trial_fn fn,
                                       dogbreed_trial_trainer_fn trainer_fn, void *userdata);

/* Runs trials until the study has options->trials of them, or another end is reached. Continues a
 * study that the storage has: trials that were running are trained again, and the list of trials is
 * that of a run that was never interrupted. Any number of processes, on any number of hosts when
 * the storage is a server, may run one study at the same time: the list is the same; each takes
 * its share of a round (options->workers), and what a killed one was training is trained by
 * another. Trials that others have ended reach the listener too. Returns MISMATCH (the study was
 * made with other parameters, seed, sampler, round, job, data or program), CANCELLED, CALLBACK,
 * what the storage returns. Programs are children of the calling thread: they end when it ends. */
DOGBREED_API int dogbreed_tuner_run(dogbreed_tuner *tuner);

/* Ends a running study behind the current epoch (programs are asked to end at once); its trials are
 * trained again by the next run. From any thread and from signal handlers. */
DOGBREED_API void dogbreed_tuner_stop(dogbreed_tuner *tuner);

/* For programs that train themselves. ask: the next trial; *json (free with dogbreed_free) has its
 * parameters. report: the objective after a step (1, 2 ...); *prune (may be NULL) says that it may
 * stop. tell: the end, state COMPLETE, PRUNED or FAIL (value NaN). Returns NOT_FOUND (a grid is
 * used up; no such trial), STATE (the trial is over). */
DOGBREED_API int dogbreed_tuner_ask(dogbreed_tuner *tuner, int64_t *number, char **json);
DOGBREED_API int dogbreed_tuner_report(dogbreed_tuner *tuner, int64_t number, int64_t step,
                                       double value, int32_t *prune);
DOGBREED_API int dogbreed_tuner_tell(dogbreed_tuner *tuner, int64_t number, int32_t state,
                                     double value);

/* Trials of the study so far, and one or (number -1) the best as JSON: number, state, params,
 * value, curve, start, complete, reason, metrics (of a program). Ties go to the lower val_loss,
 * then to the lower number. Returns NOT_FOUND. */
DOGBREED_API int64_t dogbreed_tuner_trial_count(dogbreed_tuner *tuner);
DOGBREED_API int dogbreed_tuner_trial(char **json, dogbreed_tuner *tuner, int64_t number);

/* All trials in the columns of SageMaker's analytics as CSV, and as JSON. Free with dogbreed_free.
 */
DOGBREED_API int dogbreed_tuner_table(char **csv, char **json, dogbreed_tuner *tuner);

/* The study as it stands in its storage, whole, into a file of SQLite, which is replaced; also from
 * the listener, while trials run and others write. Returns UNSUPPORTED (the storage is no file),
 * STATE (there is none), NOT_FOUND (it is not opened yet), IO. */
DOGBREED_API int dogbreed_tuner_copy(const dogbreed_tuner *tuner, const char *path);

/* What each parameter has to do with reaching the best tenth of the complete trials, as JSON: name
 * to share, 0 or more, sum 1 (PED-ANOVA, the numbers of Optuna 5's get_param_importances). Ten
 * trials or fewer say little; with less than two all are equal. Free with dogbreed_free. */
DOGBREED_API int dogbreed_tuner_importance(char **json, dogbreed_tuner *tuner);

enum { DOGBREED_PLOT_SVG = 1, DOGBREED_PLOT_PNG = 2 };

/* Pictures of the study so far, into `directory` (made when absent): history, parallel
 * (coordinates), slices (each parameter against the objective), importance, as .svg, .png or both
 * (`formats`), and a .csv with the numbers beside each. Files of these names are replaced. Returns
 * UNSUPPORTED (the module that draws, dogbreed-plot.so, is not installed; nothing is written), IO,
 * NO_MEMORY. */
DOGBREED_API int dogbreed_tuner_plots(dogbreed_tuner *tuner, const char *directory,
                                      uint32_t formats);

/* Event files of the study so far, into `directory` (made when absent), for TensorBoard: its page
 * HPARAMS has all parameters and results, and each trial is a run, a folder with its number
 * ("0007") with the objective's curve by steps. They follow from the study: event files of an
 * earlier call are replaced, other files stay. docs/tensorboard.md names the tags. It may be called
 * by a listener, while the study runs. Returns IO, NO_MEMORY, and what opening the study returns.
 */
DOGBREED_API int dogbreed_tuner_tensorboard(dogbreed_tuner *tuner, const char *directory);

/* The training of one trial (number -1: the best), ready to run as it ran: the caller destroys
 * both. After dogbreed_trainer_run the model is that trial's. Returns NOT_FOUND, STATE (no job). */
DOGBREED_API int dogbreed_tuner_trainer(dogbreed_trainer **trainer, dogbreed_model **model,
                                        dogbreed_tuner *tuner, int64_t number);

DOGBREED_API void dogbreed_tuner_destroy(dogbreed_tuner *tuner);

#ifdef __cplusplus
}
#endif
#endif
