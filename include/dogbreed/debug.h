/* dogbreed/debug.h - rules that judge a training while it runs, and rules of your own. */
#ifndef DOGBREED_DEBUG_H
#define DOGBREED_DEBUG_H

#include <dogbreed/record.h>
#include <dogbreed/trainer.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Results of a rule's callback. Negative: the rule itself has failed; it is not called again, its
 * status is DOGBREED_RULE_ERROR, and the training goes on. */
enum {
    DOGBREED_RULE_FINE = 0,
    DOGBREED_RULE_HIT = 1,    /* something is wrong: text, value and threshold say what */
    DOGBREED_RULE_NOT_YET = 2 /* nothing could be judged: no data point */
};

/* What dogbreed_rule.needs asks for. */
enum {
    DOGBREED_RULE_STATS = 1, /* dogbreed_rule_call.stats: no copy of the tensor is made */
    DOGBREED_RULE_VALUES = 2
};

/* A parameter of a rule, a number: "MyRule:limit=3". */
typedef struct dogbreed_rule_param {
    const char *name; /* letters, digits and _ */
    const char *unit; /* NULL or "": none */
    const char *help; /* one sentence */
    double default_value;
    double minimum;
    double maximum;
} dogbreed_rule_param;

/* What a callback is called with. Everything in it is borrowed for the call. */
typedef struct dogbreed_rule_call {
    uint32_t struct_size;
    int32_t mode;            /* 1 training, 2 validation, 3 prediction, 4 unknown */
    int32_t epoch;           /* from 0; -1: unknown */
    int32_t trainable;       /* 1: the tensor is trained, or of a layer that is */
    int64_t step;            /* over all modes, from 0 */
    int64_t mode_step;       /* of this mode, from 0 */
    int64_t steps_per_epoch; /* 0: unknown */
    const double *params;    /* in the order of dogbreed_rule.params */
    void *state;             /* dogbreed_rule.state_size bytes, zero at first, kept between calls */
    void *userdata;

    const dogbreed_tensor *tensor;      /* see: what it is; else NULL */
    const float *values;                /* see: `count` of them, if asked for; else NULL */
    int64_t count;                      /* see: elements of the tensor */
    const dogbreed_tensor_stats *stats; /* see: if asked for; else NULL */

    double train_loss; /* epoch: means over samples; NaN: unknown, as in the other callbacks */
    double train_accuracy;
    double val_loss;
    double val_accuracy;

    double value;     /* the rule's answer: what it found, NaN at first */
    double threshold; /* and what it was compared with, NaN at first */
    char text[256];   /* one line, zero-terminated; "" at first */
} dogbreed_rule_call;

typedef int (*dogbreed_rule_fn)(dogbreed_rule_call *call);

/* A rule. Callbacks may be NULL and run one after the other, on the thread that called
 * dogbreed_trainer_run. `begin` and `end` judge nothing by themselves: a hit there counts too. */
typedef struct dogbreed_rule {
    uint32_t struct_size;
    uint32_t sees;            /* DOGBREED_TENSOR_ kinds that `see` is called with, 1 << kind each */
    uint32_t needs;           /* DOGBREED_RULE_STATS, DOGBREED_RULE_VALUES or both */
    uint32_t param_count;     /* at most 32 */
    const char *name;         /* letters, digits and _ */
    const char *summary;      /* one sentence; NULL: none */
    const char *advice;       /* what to change after a hit; NULL: nothing */
    const char *tensor_regex; /* POSIX extended; NULL or "": every tensor of the kinds */
    const dogbreed_rule_param *params;
    uint64_t state_size;
    dogbreed_rule_fn begin; /* once, before all others */
    dogbreed_rule_fn see;   /* each saved tensor that is asked for */
    dogbreed_rule_fn step;  /* behind the tensors of a saved step */
    dogbreed_rule_fn epoch; /* behind the validation of an epoch */
    dogbreed_rule_fn end;   /* once */
    void *userdata;
} dogbreed_rule;

/* The one function of a shared object with rules, called dogbreed_rule_v1: rule `index` from 0 on,
 * NULL behind the last one. What it returns stays valid. */
typedef const dogbreed_rule *(*dogbreed_rule_v1_fn)(int32_t index);

enum { DOGBREED_RULE_ACTION_NONE = 0, DOGBREED_RULE_ACTION_STOP = 1 };
enum { DOGBREED_RECORD_CRC_PAYLOAD = 0, DOGBREED_RECORD_CRC_SMDEBUG = 1 };

typedef struct dogbreed_debug_options {
    uint32_t struct_size;
    uint32_t kind;
    const char *rules; /* "Overfit:patience=3;VanishingGradient"; docs/debug.md */
    const char
        *collections; /* what is stored besides losses: "gradients;weights:save_interval=9" */
    const char *include_regex;   /* tensors that are stored besides */
    const char *reductions;      /* of these, in place of their values: "mean,abs_max" */
    const char *debug_directory; /* of the store and the findings; "": nothing is written */
    const char *debug_config;    /* file in the form of debughookconfig.json; "": none */
    const char *rule_command;    /* run at each rule's first hit; "": none */
    int64_t save_interval;       /* steps; 0: a twentieth of an epoch */
    int64_t start_step;
    int64_t end_step;          /* the first step that is not looked at; -1: none */
    int32_t save_all;          /* 1: every tensor is stored */
    int32_t rule_action;       /* DOGBREED_RULE_ACTION_: at a hit */
    int32_t rule_parity;       /* 1: units, defaults and defects of the original */
    int32_t record_crc;        /* DOGBREED_RECORD_CRC_ */
    int32_t debug_tensorboard; /* 1: histograms of stored tensors for TensorBoard too */
    int32_t debug_dry_run;     /* 1: rules judge, nothing is stored */
    int64_t debug_memory;      /* bytes of the newest stored steps that dogbreed_debug_record shows;
                                * 0: none */
} dogbreed_debug_options;

DOGBREED_API int dogbreed_debug_options_init(dogbreed_debug_options *options, size_t struct_size);

/* A debugger at work on a trainer. It stays at work when the handle is destroyed. */
typedef struct dogbreed_debug dogbreed_debug;

/* Watches the trainer from now on: before dogbreed_trainer_run, from the thread that calls it. What
 * happens to the debugger never ends a training: a store that cannot be written ends with a
 * warning. Findings come as DOGBREED_EVENT_FINDING. Looks at single steps only when a rule or a
 * collection needs tensors. Returns INVALID_ARGUMENT (options: the message names the rule,
 * parameter or key), EXISTS (the directory holds the store of a finished run), IO. */
DOGBREED_API int dogbreed_debug_attach(dogbreed_debug **out, dogbreed_trainer *trainer,
                                       const dogbreed_debug_options *options);

/* Where the store and the findings are written, as debug_directory of the options: for run
 * directories that are made later. Before run. Returns EXISTS, STATE. */
DOGBREED_API int dogbreed_debug_keep(dogbreed_debug *debug, const char *directory);

/* A rule of your own, copied; `params` as in the text of rules ("limit=3"), or NULL. Before run.
 * Returns INVALID_ARGUMENT, STATE (the run has begun). */
DOGBREED_API int dogbreed_debug_rule(dogbreed_debug *debug, const dogbreed_rule *rule,
                                     const char *params);

/* Stores a number as scalar/<name> when the next step begins. Callback-safe; from the thread that
 * runs the trainer. Returns INVALID_ARGUMENT. */
DOGBREED_API int dogbreed_debug_scalar(dogbreed_debug *debug, const char *name, double value);

/* How the rules stand, what was saved and how often: {"format":"dogbreed.findings","rules":[...],
 * "collections":[...]}; the same as findings.json. Callback-safe. */
DOGBREED_API int dogbreed_debug_results(char **json, const dogbreed_debug *debug);

/* The newest stored steps, out of memory and without any file: the functions of record.h on a store
 * that grows while the training runs (dogbreed_record_refresh, dogbreed_record_wait) and stays when
 * trainer and debugger are gone. Steps come a moment after they are done. Older ones go when
 * debug_memory is full; the newest one stays in any case. Any thread. Returns STATE (debug_memory
 * is 0), NOT_FOUND (the run has not begun, or stores nothing). */
DOGBREED_API int dogbreed_debug_record(dogbreed_record **out, const dogbreed_debug *debug);

/* Judges a stored run, finished or running: `directory` is a run directory, its debug folder, or a
 * store of the original. rules NULL: what was found while it ran (findings.json); else these rules
 * over what was stored, as a document of the same form. Returns NOT_FOUND, FORMAT,
 * INVALID_ARGUMENT. */
DOGBREED_API int dogbreed_debug_judge(char **json, const char *directory, const char *rules);

/* Describes rule `index` (from 0):
 * {"name","summary","advice","parameters":[{"name","default","help",
 * ...}],"default":true|false}. NOT_FOUND behind the last one. Any thread. */
DOGBREED_API int dogbreed_debug_rule_info(char **json, int32_t index);

/* NULL is fine. */
DOGBREED_API void dogbreed_debug_destroy(dogbreed_debug *debug);

#ifdef __cplusplus
}
#endif
#endif
