// command.h - what a tuner knows of the program that its trials are; shared by command.c,
// programs.c and verdict.c.
#ifndef DOGB_TUNER_COMMAND_H
#define DOGB_TUNER_COMMAND_H

#include "program/metric.h"
#include "program/program.h"
#include "tuner/state.h"

typedef struct dogb_command_metric {
    dogb_metric *metric;
    const char *pattern;
    int32_t warned; // of each kind of doubt once in a study
    int32_t reserved;
} dogb_command_metric;

struct dogb_command {
    dogbreed_command_options options;
    dogb_template *tmpl;
    char *file;                   // that it means; NULL: its name depends on a parameter
    dogb_command_metric *metrics; // the first one is the objective
    size_t count;
    size_t capacity;
    int32_t warned; // that a round has fewer trials than may run at once
    int32_t reserved;
};

// A program that runs for a trial.
typedef struct dogb_attempt {
    dogbreed_tuner *tuner;
    dogb_program *program;
    dogb_tally *tallies; // of each metric
    int64_t number;      // of the trial
    int32_t pruned;      // its numbers count no more
    int32_t reserved;
} dogb_attempt;

// verdict.c: the program has ended: state, value, metrics and reason of its trial, in memory.
int dogb_command_verdict(const dogb_attempt *attempt);

// Command line, environment and files of a trial; its folder is made. NOT_FOUND: no such program.
int dogb_command_prepare(dogb_program_conf *conf, const dogbreed_tuner *tuner,
                         const dogb_trial *trial, dogb_arena *arena);

#endif
