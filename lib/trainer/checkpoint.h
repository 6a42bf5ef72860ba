// checkpoint.h - names and members shared by the writer and the reader of checkpoint directories.
#ifndef DOGB_TRAINER_CHECKPOINT_H
#define DOGB_TRAINER_CHECKPOINT_H

#include "trainer/state.h"

enum { DOGB_CHECKPOINT_VERSION = 1 };

#define DOGB_CHECKPOINT_FILE "checkpoint.json"
#define DOGB_CHECKPOINT_MODEL "model.safetensors"
#define DOGB_CHECKPOINT_OPTIMIZER "optimizer.safetensors"
#define DOGB_CHECKPOINT_BEST "best.safetensors"
#define DOGB_CHECKPOINT_RNG "rng.json"

// SHA-256 of a document's compact text without its member "digest".
int dogb_checkpoint_digest(char out[65], const json_t *document);

// A number that may have been written as "NaN", "Infinity" or "-Infinity".
double dogb_checkpoint_real(const json_t *object, const char *key);

// Reads checkpoint.json of one directory and checks its digest and the hash of every part. FORMAT
// names the file that is damaged.
int dogb_checkpoint_open(json_t **out, dogb_arena *arena, const char *directory);

// Progress as a document has it. FORMAT (`what` names the input), and *out is as before.
int dogb_checkpoint_progress(dogb_progress *out, int64_t *optim_steps, dogb_arena *arena,
                             const json_t *root, const char *what);

// Model, best weights and optimiser state: those of a directory that its document names. take 0:
// only checks that they fit.
int dogb_checkpoint_tensors(dogbreed_trainer *trainer, const char *directory,
                            const json_t *document, int take);

// Name of an optimiser state tensor: parameter name + "." + slot.
char *dogb_checkpoint_slot_name(dogb_arena *arena, const dogbreed_trainer *trainer,
                                const dogb_slot *slot, int32_t k);

#endif
