// training.h - what train and run share: data, model, trainer, run directory, training, test.
#ifndef TOOL_TRAINING_H
#define TOOL_TRAINING_H

#include "tool.h"

typedef struct job {
    tool *t;
    const char *resume; // run directory to go on with, or NULL
    dogbreed_dataset *data;
    dogbreed_dataset *train;
    dogbreed_dataset *valid; // NULL: none
    dogbreed_dataset *test;  // NULL: none, or not wanted
    dogbreed_model *model;
    dogbreed_trainer *trainer;
    dogbreed_debug *debug; // NULL: nobody asked for it
    progress *progress;
    dogbreed_profile *profile; // NULL: not wanted
    char *run;                 // directory, the library's
    int format;
    double started;
    json_t *check;  // of the data, or NULL
    json_t *report; // of the test, or NULL
} job;

// Each returns 0 or an exit code, with the error printed.
int job_open_data(job *j);
int job_open_splits(job *j); // the same; a valid split has to be there
int job_open_model(job *j);
int job_subscribe(job *j); // progress and metric lines
int job_attach(job *j);    // the run directory: --out, or resume
#define JOB_WATCH_FLAGS                                                                            \
    {"debug", NULL, "let rules watch the training (dogbreed debug --list); findings in RUN/debug", \
     1},                                                                                           \
        {"rule", "NAME[:PARAMETER=VALUE,...]",                                                     \
         "a rule in place of the default ones; may be repeated", FLAG_LIST},                       \
    {                                                                                              \
        "collection", "NAME[:KEY=VALUE,...]", "tensors to store besides losses; may be repeated",  \
            FLAG_LIST                                                                              \
    }

#define JOB_BOARD_FLAG                                                                             \
    {                                                                                              \
        "tensorboard", NULL,                                                                       \
            "event files for TensorBoard in the run directory (--no-tensorboard: none); default "  \
            "on",                                                                                  \
            1                                                                                      \
    }

// The flags of train, also of a training in a container.
#define JOB_TRAIN_FLAGS                                                                            \
    {"data", "DIR", "folder of images; the same as the word DIR", 1},                              \
        {"out", "DIR", "run directory to make; default: the next free runs/train-N", 0},           \
        {"resume", "RUN", "go on with an interrupted run, with its own configuration", 0},         \
        {"test", NULL, "measure the test split at the end (--no-test: do not); default on", 1},    \
        JOB_BOARD_FLAG, JOB_WATCH_FLAGS,                                                           \
        {"dry-run", NULL, "load everything, train one batch, write nothing", 0},                   \
        {"profile", NULL, "record times, the system and advice in the folder profile of the run",  \
         1},                                                                                       \
        {"auto", NULL, "measure for some seconds which settings are best here, and take them", 0}, \
    {                                                                                              \
        "metrics-format", "NAME", "lines on stdout: text, katib-text, katib-json, jsonl", 0        \
    }

// train.c, for a training in a container too.
int train_run(tool *t);
int train_base(tool *t);

// job_hook.c: what a container adds to a training; both do nothing outside of one.
int container_attach(job *j);
int container_finish(job *j, int exit_code);
const char *container_profile_dir(const tool *t); // NULL: the run directory

// watch.c: the debugger, when it is asked for; before the run directory is made, and behind.
int job_watch(job *j);
int job_keep_watch(job *j);
void job_add_findings(const job *j, json_t *result); // "rules"; nothing when none watched
void job_say_findings(const job *j);
int job_profile(job *j); // --profile, into the run directory
int job_train(job *j, json_t **metrics);
int job_test(job *j);
int job_choose_format(job *j);
void job_make_absolute(tool *t); // config.json must hold from any folder
void job_close(job *j);

int auto_settings(job *j); // auto.c: --auto: measures, and sets what changes no result

// Writes a file of a run directory aside and renames it; a warning says when it cannot.
void write_text(const char *run, const char *name, const char *text);
void write_document(const char *run, const char *name, const json_t *document);
// evaluation.json and predictions.csv; of another split than test: evaluation-valid.json ...
void keep_evaluation(const char *run, json_t *report);
json_t *short_report(const json_t *report); // what is neither object nor array

#endif
