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

enum { STDIN_MAX = 256 << 20 }; // bytes of a picture on stdin

// A file whose prediction failed: its own fault is printed and counted, 0; an exit code: all else.
int predict_failed(predict_job *j, const char *file, int code);

// The bytes of a picture, to be freed; "-": of stdin. NULL: cannot be read, or larger than `max`.
char *predict_read(size_t *size, const char *file, int64_t max);

// For each file folder/NAME.out with the body that /invocations answers; those that are there are
// passed over. 0 or an exit code.
int predict_into_folder(predict_job *j, const paths *files);

#endif
