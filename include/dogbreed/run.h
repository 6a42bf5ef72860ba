/* dogbreed/run.h - the run directory: config.json, manifest.json, metrics.csv, metrics.jsonl,
 * status.json, model.safetensors and checkpoint/, kept by a subscriber of the trainer.
 */
#ifndef DOGBREED_RUN_H
#define DOGBREED_RUN_H

#include <dogbreed/trainer.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Creates `directory` (NULL or "": the next free runs/train-N) and keeps it up to date while the
 * trainer runs. `config` is the JSON object written to config.json ("{}" when NULL); with its
 * member "tensorboard" false there are no event files, now and when the run goes on. Call before
 * dogbreed_trainer_run. `path` (may be NULL) receives the directory's name. Returns EXISTS (it
 * holds another run), IO. */
DOGBREED_API int dogbreed_run_attach(char **path, dogbreed_trainer *trainer, const char *directory,
                                     const char *config);

/* Attaches to an existing run directory and resumes the trainer from its checkpoint; torn last
 * lines of its logs are cut. Returns NOT_FOUND, STATE (another process is writing it), MISMATCH. */
DOGBREED_API int dogbreed_run_resume(dogbreed_trainer *trainer, const char *directory);

/* config.json of a run directory. Returns NOT_FOUND, FORMAT. */
DOGBREED_API int dogbreed_run_config(char **json, const char *directory);

#ifdef __cplusplus
}
#endif
#endif
