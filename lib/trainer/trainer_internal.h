// trainer_internal.h - what the run directory may know of a trainer.
#ifndef DOGB_TRAINER_INTERNAL_H
#define DOGB_TRAINER_INTERNAL_H

#include "core/json.h"
#include "core/table.h"

#include <dogbreed/trainer.h>

extern const dogb_table dogb_trainer_table;

const dogbreed_trainer_options *dogb_trainer_options(const dogbreed_trainer *trainer);
const dogbreed_model *
dogb_trainer_model(const dogbreed_trainer *trainer); // weights of the running epoch
const dogbreed_dataset *dogb_trainer_train_set(const dogbreed_trainer *trainer);
const dogbreed_dataset *dogb_trainer_valid_set(const dogbreed_trainer *trainer); // NULL: none
// Facts for the manifest: engine and its version, device, compute threads, loader threads,
// deterministic, features computed, seeds. Members are added to object.
int dogb_trainer_facts(const dogbreed_trainer *trainer, json_t *object);
// Saves the model with the kept weights so far (best, or last) as one model file.
int dogb_trainer_save_kept(const dogbreed_trainer *trainer, const char *path);

#endif
