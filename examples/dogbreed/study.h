// study.h - a study from the command line: folder, live view, results. Shared by tune and run.
#ifndef TOOL_STUDY_H
#define TOOL_STUDY_H

#include "training.h"
#include "line.h"
#include "workers.h"

typedef struct study {
    tool *t;
    char folder[3000]; // runs/tune-1
    dogbreed_tuner *tuner;
    json_t *trials; // all of them, by number, when the study has ended
    int64_t best;   // number; -1: none
    int64_t judged; // pictures that the objective is measured on
    double started;
    double board_next; // when event files are written again; 0: there are none yet
    progress *features;
    line line;
    int64_t done_before; // finished trials when it began; -1: no event yet
    int64_t pruned;
    int64_t failed;
    int computing;    // features, now
    int lock;         // descriptor of run.lock; -1: none
    int pictures;     // are drawn
    int limited;      // the time limit has ended it
    int worker;       // another process has begun the study and writes its documents
    int64_t trained;  // trials of this process
    char live[3100];  // the database of a study that goes to the store; "": it is in the folder
    double push_next; // when it is brought there again
    workers workers;  // processes that this one has started
} study;

// Makes the folder (resume: takes it), runs the study, writes its documents. A worker does no more
// than run the study. Returns 0 or an exit code, with everything said. study_close in any case.
int study_run(study *s, const job *j, const char *out, const char *resume);
void study_close(study *s);
int study_base(tool *t, const char *folder); // configuration of a study's folder

int study_is_command(const tool *t); // 1: its trials are programs

// study_remote.c: a study that goes to the store
int study_remote_open(study *s);       // chooses the database. 0 or an exit code
int study_remote_save(const study *s); // a whole copy of it into the folder; a failure is a warning
void study_remote_push(study *s);      // that, and the folder to the store, now and then
void study_remote_close(study *s);

// study_plots.c: pictures in <folder>/plots
int plots_check(study *s);  // 0, or an exit code: they are asked for and cannot be drawn
void plots_write(study *s); // s->pictures says whether they are there
// study_board.c: event files for TensorBoard in <folder>/tensorboard
void board_write(study *s);
void board_update(study *s); // while trials run: now and then
// study_warm.c: earlier studies that this one learns from
#define STUDY_WARM_FLAG                                                                            \
    {                                                                                              \
        "warm-start", "ADDRESS[#STUDY]",                                                           \
            "an earlier study to learn from: run directory, study.db or postgresql://; may be "    \
            "repeated",                                                                            \
            FLAG_LIST                                                                              \
    }
int study_warm_add(dogbreed_tuner *tuner, const char *text); // "runs/a#study"
int study_warm_fetch(tool *t);     // s3:// ones become local copies. 0 or an exit code
void study_warm_absolute(tool *t); // the flag's paths, for the stored configuration

// study_queue.c: trials that are asked for
#define STUDY_QUEUE_FLAG                                                                           \
    {                                                                                              \
        "enqueue", "NAME=VALUE,...",                                                               \
            "a trial with these values, before others are suggested; may be repeated", FLAG_LIST   \
    }
int study_queue_add(dogbreed_tuner *tuner, const char *text); // also a JSON object

// study_report.c: what the trials say
typedef struct noise {
    double standard_error; // of the best value; NaN: the objective is no share of pictures
    double optimism;       // how much the best value is expected to be too good, at most
    int64_t within;        // trials whose value lies within one standard error of it
} noise;
noise study_noise(const study *s);
// Which trial, its value, and (when the objective is a share of pictures) how far to trust it.
void print_best(const study *s, const char *label);
void add_noise(json_t *result, const study *s); // the same as members of a result
const char *objective_name(const tool *t);      // "val_accuracy"
int objective_is_share(const tool *t);          // 1: shown in percent
int objective_is_larger(const tool *t);         // 1: larger is better
enum { PARAM_SIZE = 512 };
void param_text(char *out, size_t size, const json_t *value); // as flags and options take it
void value_text(char out[40], const tool *t, double value);
void print_trials(const study *s);        // a table of the best ones
json_t *best_trial(const study *s);       // borrowed; NULL: none
json_t *study_importance(const study *s); // name to share; new reference, NULL: unknown
void print_importance(const study *s);    // the most important parameter first

#endif
