// predict.h - what the two halves of dogbreed predict share: results on stdout (predict.c) and in a
// folder (predict_out.c).
#ifndef TOOL_PREDICT_H
#define TOOL_PREDICT_H

#include "paths.h"
#include "tool.h"

typedef struct predict_job {
    tool *t;
    dogbreed_predictor *predictor;
    int32_t top;
    dogbreed_rectangle crop;
    int has_crop;
    int failed; // files
    dogbreed_prediction *out;
    const char *folder; // of --out; NULL: results go to stdout
    int first;          // word that names a picture
} predict_job;

// A picture that has no result: printed, counted.
void predict_print_failure(predict_job *j, const char *file, int code, const char *message);

// For each file, and those in folders, folder/NAME.out; those that are there are passed over. 0 or
// an exit code.
int predict_into_folder(predict_job *base, const paths *files);

#endif
