// job.h - what train and run share: data, model, trainer, run directory, training, test.
#ifndef TOOL_JOB_H
#define TOOL_JOB_H

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
    progress *progress;
    char *run; // directory, the library's
    int format;
    double started;
    json_t *report; // of the test, or NULL
} job;

// Each returns 0 or an exit code, with the error printed.
int job_open_data(job *j);
int job_open_splits(job *j); // the same; a valid split has to be there
int job_open_model(job *j);
int job_subscribe(job *j); // progress and metric lines
int job_attach(job *j);    // the run directory: --out, or resume
int job_train(job *j, json_t **metrics);
int job_test(job *j);
int job_choose_format(job *j);
void job_make_absolute(tool *t); // config.json must hold from any folder
void job_close(job *j);

// Writes a file of a run directory aside and renames it; a warning says when it cannot.
void write_text(const char *run, const char *name, const char *text);
void write_document(const char *run, const char *name, const json_t *document);
json_t *short_report(const json_t *report); // what is neither object nor array

#endif
