// job_internal.h - between the files of lib/job: what a container was told.
#ifndef DOGB_JOB_INTERNAL_H
#define DOGB_JOB_INTERNAL_H

#include "core/arena.h"
#include "core/json.h"
#include "core/table.h"

#include <dogbreed/job.h>

enum {
    DOGB_JOB_FACTS_MAX = 40,
    DOGB_JOB_CHANNELS_MAX = 20, // of the platform
    DOGB_JOB_PARAMS_MAX = 1000
};

enum { DOGB_CHANNEL_FILE = 0, DOGB_CHANNEL_FAST = 1, DOGB_CHANNEL_PIPE = 2 };

typedef struct dogb_channel {
    const char *name;
    const char *path; // of a Pipe channel: its fifos begin so, "_<epoch>" behind
    int32_t mode;     // DOGB_CHANNEL_
    int32_t sharded;  // ShardedByS3Key
    int32_t records;  // RecordIO, which is not read
} dogb_channel;

typedef struct dogb_fact {
    const char *name;
    const char *value;
} dogb_fact;

struct dogbreed_job {
    dogb_arena arena;
    const char *base; // in place of /opt/ml
    dogb_fact facts[DOGB_JOB_FACTS_MAX];
    int32_t fact_count;
    dogbreed_hyperparameter *params; // sorted by name
    int32_t param_count;
    dogb_channel channels[DOGB_JOB_CHANNELS_MAX];
    int32_t channel_count;
    const char **hosts; // sorted
    int32_t host_count;
    char *profile_text; // of profilerconfig.json when it was looked at last; NULL: not there
};

extern const dogb_table dogb_job_table;

// job.c. Sets a fact, or replaces it; value is the caller's, and lives long enough.
void dogb_job_fact(dogbreed_job *job, const char *name, const char *value);
int dogb_job_fact_number(dogbreed_job *job, const char *name, int64_t value);
// Reads an object of the configuration: fact input_config_dir / file, else the JSON text of a
// variable (NULL: none). *out is NULL when there is neither.
int dogb_job_document(json_t **out, const char **what, dogbreed_job *job, const char *file,
                      const char *variable);
int dogb_job_wrong(const char *what, const char *key, const char *wanted); // FORMAT

// paths.c
int dogb_job_base(char **out, dogb_arena *arena, const char *root);
// A path as it is said in the container, below the base when it is in /opt/ml. NULL: no memory.
const char *dogb_job_map(dogb_arena *arena, const char *base, const char *path);
int dogb_job_paths(dogbreed_job *job);

// The other parts of from_env, in this order behind paths.
int dogb_job_params(dogbreed_job *job);   // params.c
int dogb_job_hosts(dogbreed_job *job);    // hosts.c
int dogb_job_channels(dogbreed_job *job); // channels.c
int dogb_job_settings(dogbreed_job *job); // settings.c
int dogb_job_serving(dogbreed_job *job);  // serving.c

// params.c: "\"32\"" -> "32", in the arena. *value NULL for null.
int dogb_job_decode(const char **value, dogb_arena *arena, const char *text);

// channels.c: the channel of that name, declared or just there; NULL: there is none.
const dogb_channel *dogb_job_channel(const dogbreed_job *job, dogb_arena *arena, const char *name);

// pipe.c: reads the first epoch of a Pipe channel into a folder.
int dogb_job_pipe(const char *fifo, const char *directory, const dogbreed_job_options *options);

// card.c: model_card.md of a run directory, or of a folder with nothing but a model.
int dogb_job_card(char **text, dogb_arena *arena, const char *directory);

#endif
