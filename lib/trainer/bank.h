// bank.h - several trainers on the same features at once: their heads are one bank of the engine.
// Each trainer keeps its own options, events, metrics and end, and comes to the same weights, bit
// for bit, as in a run of its own.
#ifndef DOGB_TRAINER_BANK_H
#define DOGB_TRAINER_BANK_H

#include "trainer/trainer_internal.h"

typedef struct dogb_trainer_bank dogb_trainer_bank;

// Why these trainers cannot be one bank; NULL: they can. All have to train a head of the same shape
// on stored features of the same datasets, from the start of an epoch, with equal engine, device,
// class weights and views, and nobody may listen to single steps.
const char *dogb_trainer_bank_refusal(dogbreed_trainer *const *trainers, int32_t count);

// Bytes that a bank of these will take where its heads train: on the CPU with the table of features
// and what each member holds beside its head, on another device the heads and the copy of the table
// there. A little more than it comes to. 0: the engine does not say. Opens the engine.
int64_t dogb_trainer_bank_bytes(dogbreed_trainer *const *trainers, int32_t count);
// Bytes that are free there now; 0: unknown.
int64_t dogb_trainer_bank_room(dogbreed_trainer *trainer);

// Called after an epoch of all members, and once more when none is left; negative: the bank ends
// (the trainers end as cancelled). dogbreed_trainer_stop ends one member.
typedef int (*dogb_trainer_bank_fn)(void *userdata);

// Runs them all. Each one's end is in its status (dogb_trainer_status_get); the result is negative
// only when nothing could be trained. Trainers are detached (dogb_trainer_detach).
int dogb_trainer_bank_run(dogbreed_trainer *const *trainers, int32_t count, dogb_trainer_bank_fn fn,
                          void *userdata);

#endif
