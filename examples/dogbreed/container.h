// container.h - a training in a container: what it was told, and what becomes of its words.
#ifndef TOOL_CONTAINER_H
#define TOOL_CONTAINER_H

#include "training.h"

typedef struct container {
    dogbreed_job *job;                // NULL: it could not be read
    json_t *unknown;                  // names of hyperparameters that no option has
    int own_data;                     // the data was named: no channel is looked for
    int ran;                          // the training has begun
    dogbreed_profile_options profile; // as the file says now
    dogbreed_profile *watched;
    const char *run;
} container;

#endif
