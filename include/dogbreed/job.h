/* dogbreed/job.h - inside a SageMaker container: what it is told by files and variables, where data
 * come from and results go to, model.tar.gz. The same on a laptop, below any folder.
 */
#ifndef DOGBREED_JOB_H
#define DOGBREED_JOB_H

#include <dogbreed/common.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What a container was told. One thread at a time. */
typedef struct dogbreed_job dogbreed_job;

/* Reads the files below /opt/ml/input/config (hyperparameters, inputdataconfig, resourceconfig,
 * debughookconfig, profilerconfig, checkpointconfig, tensorboardoutputconfig; any may be missing)
 * and the variables SM_*. `root` ("" or NULL: none) stands in front of every path in /opt/ml; else
 * SAGEMAKER_BASE_DIR stands in place of /opt/ml. Returns NOT_FOUND (there is no such folder),
 * FORMAT (names the file and the key), INVALID_ARGUMENT (hyperparameters; names the variable). */
DOGBREED_API int dogbreed_job_from_env(dogbreed_job **out, const char *root);

/* A fact by name, "" when nothing is known of it, NULL when there is no such fact; docs/job.md
 * lists them: model_dir, output_dir, output_data_dir, checkpoint_dir, tensor_dir, profile_dir,
 * tensorboard_dir, debug_config, profile_config, class_list, host, host_count, rank, serve_port,
 * ... Lives as long as the job. */
DOGBREED_API const char *dogbreed_job_get(const dogbreed_job *job, const char *name);

/* Everything: {"format":"dogbreed.job","facts":{...},"channels":[...],"hyperparameters":{...},
 * "hosts":[...],"environment":{...}}. */
DOGBREED_API int dogbreed_job_describe(char **json, const dogbreed_job *job);

/* Strings live as long as the job. */
typedef struct dogbreed_hyperparameter {
    uint32_t struct_size;
    int32_t recorded;   /* 1: of the platform ("_..." and "sagemaker_..."), no option */
    const char *name;   /* as it came: "batch-size" */
    const char *option; /* name of the option: "batch_size" */
    const char *text;   /* as it came: "\"32\"" */
    const char *value;  /* as dogbreed_options_set takes it: 32; NULL: null, take the default */
} dogbreed_hyperparameter;

DOGBREED_API int32_t dogbreed_job_hyperparameter_count(const dogbreed_job *job);
/* Number `index` (from 0, sorted by name). Set out->struct_size before the call. Returns
 * NOT_FOUND. */
DOGBREED_API int dogbreed_job_hyperparameter(dogbreed_hyperparameter *out, const dogbreed_job *job,
                                             int32_t index);
/* Sets every hyperparameter that an initialised options struct has. Returns INVALID_ARGUMENT (names
 * the hyperparameter). */
DOGBREED_API int dogbreed_job_apply(void *options, const dogbreed_job *job);

typedef struct dogbreed_job_options {
    uint32_t struct_size;
    uint32_t kind;
    double pipe_timeout;    /* seconds without a byte from a Pipe channel */
    int64_t pipe_bytes_max; /* of the files of a Pipe channel */
    int64_t pipe_files_max;
} dogbreed_job_options;

DOGBREED_API int dogbreed_job_options_init(dogbreed_job_options *options, size_t struct_size);

/* The folder to train on, for dogbreed_dataset_open: channel `training` (train, valid, test below,
 * or classes), or channels train, valid (validation, val) and test as one folder. Pipe channels are
 * read, tar streams, into a temporary folder; such folders live as long as the job. *path is the
 * caller's (dogbreed_free). Returns NOT_FOUND (no such channel), UNSUPPORTED (several hosts,
 * RecordIO), FORMAT (the tar stream), IO (a pipe that stays silent). */
DOGBREED_API int dogbreed_job_data(char **path, dogbreed_job *job,
                                   const dogbreed_job_options *options);

enum { DOGBREED_JOB_SAME = 0, DOGBREED_JOB_PROFILE_ON = 1, DOGBREED_JOB_PROFILE_OFF = 2 };

/* Looks at profilerconfig.json: *state is DOGBREED_JOB_SAME when it is as at the last call, else
 * what it asks for now, with the options of a dogbreed_profile_options set by it. Cheap: for each
 * step. Returns FORMAT, which leaves everything as it was. */
DOGBREED_API int dogbreed_job_profile(int32_t *state, void *options, dogbreed_job *job);

/* Hands in what a run directory has: model.safetensors and model_card.md in model_dir, its
 * documents in output_data_dir. Returns NOT_FOUND (the run has no model), IO. */
DOGBREED_API int dogbreed_job_complete(const dogbreed_job *job, const char *run);

/* Copies the event files of a run directory that have grown into tensorboard_dir, where one is
 * asked for. Cheap: for each epoch. Returns IO. */
DOGBREED_API int dogbreed_job_board(const dogbreed_job *job, const char *run);

enum { DOGBREED_JOB_RUNNING = 0, DOGBREED_JOB_SUCCESS = 1, DOGBREED_JOB_FAILURE = 2 };

/* The markers output/success and output/failure, for those who wait for the container. RUNNING
 * removes both. `message` of a failure: its first line says why; at most 1,024 characters of it are
 * written. Needs no job: it may be what could not be read. `root` as above. Returns NOT_FOUND
 * (there is no such folder), IO. */
DOGBREED_API int dogbreed_job_mark(const char *root, int32_t state, const char *message);

/* Packs the model of a run directory or a folder as model.tar.gz: model.safetensors and
 * model_card.md, flat and sorted, owner 0, time 0 or SOURCE_DATE_EPOCH: the same bytes each time.
 * Returns NOT_FOUND, IO. Any thread. */
DOGBREED_API int dogbreed_job_pack(const char *archive, const char *directory);

/* Unpacks an archive (.tar or .tar.gz) into a folder, which is made. Strict: files and folders
 * only, no name that leads out, nothing overwritten, 64 GiB and a million files at most. A refused
 * archive leaves nothing behind. Returns NOT_FOUND, EXISTS (the folder is not empty), FORMAT (names
 * the entry), IO. Any thread. */
DOGBREED_API int dogbreed_job_unpack(const char *directory, const char *archive);

/* NULL is fine. Removes temporary folders. */
DOGBREED_API void dogbreed_job_destroy(dogbreed_job *job);

#ifdef __cplusplus
}
#endif
#endif
